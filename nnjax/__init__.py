"""nnjax: neural networks as one lecture teaches them, gradients written by hand, on JAX."""

__version__ = "0.1.0"
