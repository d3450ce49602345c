"""Histories and parameters as matplotlib figures: nothing here shows, saves, or touches pyplot's global state."""
