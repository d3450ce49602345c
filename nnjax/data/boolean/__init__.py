"""Boolean functions by their names, as expressions, and as networks whose weights are written down, not trained."""
