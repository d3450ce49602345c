"""Histories and parameters as matplotlib figures. Nothing here shows a figure or uses pyplot's global state."""
