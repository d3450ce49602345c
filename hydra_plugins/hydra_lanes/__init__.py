"""Sweeps as lanes: many members of a Hydra sweep trained together by one call of the task (docs/lanes.md)."""
