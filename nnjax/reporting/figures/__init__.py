"""Histories and parameters as matplotlib figures; nothing here shows them or touches pyplot's global state."""
