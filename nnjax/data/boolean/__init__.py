"""Boolean functions as data: named, written as an expression, or given by their truth table."""
