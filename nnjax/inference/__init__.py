"""A trained model without JAX: prediction, scores, and what it can be given."""
