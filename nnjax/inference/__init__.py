"""A trained model without JAX: prediction, scores, and the inputs that it takes."""
