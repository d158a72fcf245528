"""Values as CSV has them, for programs and for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# A spreadsheet takes what begins like this for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The text of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def cell(value: object) -> str:
    """Numbers without exponents, names without formulas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        number = f"{value:.6f}".rstrip("0").rstrip(".")
        return "0" if number == "-0" else number
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
