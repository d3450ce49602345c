"""Figures of the experiments keep what every figure must keep."""

from tests.reporting.conftest import drawn, legend

__all__ = ["drawn", "legend"]
