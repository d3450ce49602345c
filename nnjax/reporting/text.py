"""Numbers, facts and tables as plain text, for the terminal and for files. Imports nothing that is slow."""

import math
from collections.abc import Sequence

HIGHER_IS_BETTER = ("accuracy", "r2")  # ends of the names of metrics that are better the larger they are


def higher_is_better(metric: str) -> bool:
    """Return whether larger values of a metric, such as `validation/accuracy`, are better."""
    return metric.endswith(HIGHER_IS_BETTER)


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 lane`, `2,000 lanes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def number(value: float) -> str:
    """Return a value with four significant digits, such as `0.9312` or `34,940`; `-` if it is nan."""
    if math.isnan(value):
        return "-"
    short = f"{value:.4g}"
    return f"{float(short):,.0f}" if 1e4 <= abs(float(short)) < 1e12 else short


def panel(rows: Sequence[tuple[str, str]]) -> str:
    """Return rows (name, text) one a line, the names in a left column; rows without a text are left out."""
    rows = [(name, text) for name, text in rows if text]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def markdown(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Return the same rows as a Markdown table below a title."""
    cells = [(name, text.replace("|", "\\|").replace("\n", " ")) for name, text in rows if text]
    return "\n".join([f"**{title}**", "", "| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in cells)])


def align_columns(lines: Sequence[Sequence[str]]) -> str:
    """Return lines of cells as text, each column as wide as its widest cell, two blanks between columns."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(f"{cell:<{n}}" for cell, n in zip(line, widths, strict=True)).rstrip() for line in lines)
