"""Sweeps: many networks trained as lanes, kept in a folder, delivered to MLflow as one parent run."""
