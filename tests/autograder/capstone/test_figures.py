"""The numbers in a result: written, read back, and refused where nobody can have measured them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from autograder.capstone.figures import BadFigures, Figures

FIGURES = Figures("abc", 1000, 985, False, {"shift": 0.9, "blur": 0.7}, 0.05, (0.94, 0.96), 5000, 9)


def test_what_is_written_is_read_back():
    assert Figures.from_json(json.loads(json.dumps(FIGURES.to_json()))) == FIGURES
    without = replace(FIGURES, few_labels=None)
    assert Figures.from_json(without.to_json()) == without


def test_what_follows_from_the_numbers():
    assert FIGURES.accuracy == 0.985
    assert FIGURES.robustness == pytest.approx(0.8)
    assert FIGURES.few == pytest.approx(0.95)
    assert replace(FIGURES, few_labels=None).few is None
    low, high = FIGURES.interval
    assert low < 0.985 < high


def test_a_loss_that_is_no_number_is_kept_as_none():
    entry = replace(FIGURES, loss=float("nan")).to_json()
    assert entry["loss"] is None
    assert Figures.from_json(entry).loss != 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"digits": "many"}, "measured.digits cannot be 'many'"),
        ({"digits": True}, "measured.digits cannot be"),
        ({"digits": 900}, "measured.right cannot be '985'"),
        ({"right": -1}, "measured.right cannot be '-1'"),
        ({"right": 985.0}, "measured.right cannot be"),
        ({"exam": None}, "measured.exam cannot be 'None'"),
        ({"void": 0}, "measured.void cannot be"),
        ({"families": [0.9]}, "measured.families cannot be"),
        ({"families": {"blur": 1.5}}, "measured.families.blur cannot be '1.5'"),
        ({"families": {"blur": float("nan")}}, "measured.families.blur cannot be 'nan'"),
        ({"loss": -0.1}, "measured.loss cannot be '-0.1'"),
        ({"few_labels": 0.9}, "measured.few_labels cannot be '0.9'"),
        ({"few_labels": [0.9, "x"]}, "measured.few_labels cannot be"),
        ({"parameters": None}, "measured.parameters cannot be"),
    ],
)
def test_what_cannot_be_is_named_with_its_value(change, told):
    with pytest.raises(BadFigures) as caught:
        Figures.from_json({**FIGURES.to_json(), **change})
    assert told in str(caught.value)


def test_an_entry_that_is_no_object():
    with pytest.raises(BadFigures, match="no object"):
        Figures.from_json([1])
