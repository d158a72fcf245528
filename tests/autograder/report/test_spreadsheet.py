"""Values in CSV: plain numbers, and texts that no spreadsheet computes."""

from __future__ import annotations

import csv
import io

import pytest

from autograder.report import spreadsheet


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (0.1 + 0.2, "0.3"),
        (10.0, "10"),
        (100, "100"),
        (1e-9, "0"),
        (-1e-9, "0"),
        (1e20, "100000000000000000000"),
        (-2.5, "-2.5"),
        (True, "1"),
        (None, ""),
        ("-2+3", "'-2+3"),
        ("@x", "'@x"),
        ("\t=1", "\\t=1"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_numbers_are_plain_and_texts_are_texts(value, cell):
    assert spreadsheet.cell(value) == cell


def test_a_table_is_read_back_as_it_was():
    text = spreadsheet.table(("name", "points"), [("a, b", 1.5), ('"x"', None), ("=1", 2)])
    assert [*csv.reader(io.StringIO(text))] == [
        ["name", "points"],
        ["a, b", "1.5"],
        ['"x"', ""],
        ["'=1", "2"],
    ]
