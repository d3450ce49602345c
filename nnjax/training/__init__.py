"""Compiled programs over a network: batches, optimisers, epochs, lanes."""
