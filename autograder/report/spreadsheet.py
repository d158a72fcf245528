"""Values as CSV has them, for programs and for spreadsheets.

A cell that a spreadsheet would compute gets an apostrophe before it: names are students' own.
https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from autograder.report.text import visible

# A spreadsheet takes what begins like this for a formula; some take the wide forms too.
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")


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
    text = visible(str(value)).replace("\n", "\\n").replace("\t", "\\t")
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
