"""Sweeps: many networks trained as lanes, kept in a folder, recorded in MLflow as one parent run."""
