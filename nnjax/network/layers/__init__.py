"""The kinds of layers: initial weights, forward and backward pass of each side by side (L1, L2, L16, L26, L27)."""
