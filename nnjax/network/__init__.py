"""The mathematics: networks as pure functions over a tuple of (Theta, b)."""
