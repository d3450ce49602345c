"""Where numbers come from: NumPy in, one `Dataset` out (see `nnjax.data.sources.load`)."""
