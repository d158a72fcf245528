"""Verdicts on disk: what the page shows is the same before and after."""

from __future__ import annotations

import pytest

from autograder import kept
from autograder.jobs import results_json
from autograder.report.html import class_page
from autograder.verdict import Verdict

NAMES = ("wrong-conv-flipped-kernel", "broken-returns-lists", "broken-exception-whose-str-raises")


@pytest.mark.parametrize("name", NAMES)
def test_a_verdict_comes_back_whole(golden_verdict, name):
    verdict = golden_verdict(name)
    again = kept.loads(kept.dumps(verdict))
    assert results_json(again) == results_json(verdict)
    assert class_page([again]) == class_page([verdict])
    for before, after in zip(verdict.exercises, again.exercises, strict=True):
        for one, other in zip(before.laws, after.laws, strict=True):
            assert (one.advice, one.formula, one.pattern) == (
                other.advice,
                other.formula,
                other.pattern,
            )
            if one.counterexample and other.counterexample:
                assert one.counterexample.steps == other.counterexample.steps
                assert one.counterexample.printed == other.counterexample.printed
                assert one.counterexample.index == other.counterexample.index


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"body": "", "verdict": {}}', "null"])
def test_what_is_no_verdict_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011
        kept.loads(text)


def test_an_empty_verdict():
    empty = Verdict("a", "public", {"level": "weak", "mechanisms": []}, ())
    assert kept.loads(kept.dumps(empty)) == empty
