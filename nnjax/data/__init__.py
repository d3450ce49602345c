"""Data: every source returns one `Dataset` of NumPy arrays (see `nnjax.data.sources.load`)."""
