"""Tables in the terminal, and as comma-separated values."""

import csv
import sys
from collections.abc import Sequence

from nnjax.reporting.text import align_columns

MAX_ROWS = 50  # in the terminal


def print_table(lines: Sequence[Sequence[str]], as_csv: bool) -> None:
    """Print a line of names and a line for each row: in columns the first rows, or all rows as CSV."""
    if as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(lines)
        return
    print(align_columns(lines[: MAX_ROWS + 1]))
    if len(lines) > MAX_ROWS + 1:
        print(f"... and {len(lines) - MAX_ROWS - 1:,} more: --csv prints all")
