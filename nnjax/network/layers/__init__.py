"""Layers: initialisation, forward and backward pass side by side."""
