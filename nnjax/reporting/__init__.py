"""Pages to read and to keep: one HTML file each, everything escaped, pictures inside, no network and no script."""
