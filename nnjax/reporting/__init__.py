"""Results as text, figures and pages. A page is one HTML file: everything escaped, pictures inside, no script."""
