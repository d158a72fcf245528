"""The verdict: one JSON form, finite and plain, with the contract's keys."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder import __version__
from autograder.isolation.wire import RandomSource
from autograder.results import results_json
from autograder.verdict import (
    MAX_VALUES,
    SCHEMA,
    Counterexample,
    ExerciseResult,
    LawResult,
    Verdict,
    plain,
)

EXAMPLE = Counterexample(
    {"x": np.array([[1.0, 0.5]]), "stride": (1, 1), "mode": "full"},
    np.array([np.nan]),
    np.array([1.0]),
    "import numpy as np",
    "y[0]",
    (0,),
    "1*1",
    printed="printed by the code",
)
PASS = LawResult("shape", "it has a shape", "pass", 1.0)
FAIL = LawResult(
    "agrees", "it agrees", "fail", 2.5, "y is 2", "mean", "This is what you get", EXAMPLE
)
FAULT = LawResult("dtype", "it is a float", "grader_fault", 0.5, "RuntimeError: ours")
TODO = LawResult("bias", "it has a bias", "not_attempted", 1.0)
NOT_RUN = LawResult("fresh", "it forgets", "not_run", 1.0, "it needs the law agrees first")


def verdict(*laws, **others):
    exercises = (ExerciseResult("conv2d", "convolution", laws),)
    return Verdict("alice", "public", {"level": "weak", "mechanisms": []}, exercises, **others)


def test_scores_are_of_laws_that_hold():
    assert [law.score for law in (PASS, FAIL, TODO, NOT_RUN)] == [1.0, 0, 0, 0]
    result = verdict(PASS, FAIL, TODO)
    assert (result.score, result.max_score, result.passed) == (1.0, 4.5, False)


def test_a_fault_of_ours_gives_the_points_but_is_no_pass():
    result = verdict(PASS, FAULT)
    assert (result.score, result.max_score) == (1.5, 1.5)
    assert not result.passed
    assert result.grader_faults == ["conv2d: RuntimeError: ours"]
    assert verdict(PASS).passed


@pytest.mark.parametrize(
    ("laws", "attempted"),
    [((TODO, TODO), False), ((TODO, NOT_RUN), False), ((TODO, PASS), True), ((FAIL,), True)],
)
def test_what_counts_as_attempted(laws, attempted):
    assert verdict(*laws).exercises[0].attempted is attempted


def test_the_json_has_the_contracts_keys():
    found = verdict(PASS, FAIL, warnings=("one",)).to_json()
    assert list(found) == [
        "schema", "submission", "score", "max_score", "seed", "kit", "isolation", "warnings",
        "exercises", "tests",
    ]  # fmt: skip
    assert found["schema"] == SCHEMA == "autograder/results/1"
    assert found["kit"] == __version__
    (exercise,) = found["exercises"]
    assert list(exercise) == ["name", "topic", "score", "max_score", "laws"]
    passed, failed = exercise["laws"]
    assert passed == {
        "name": "shape",
        "says": "it has a shape",
        "status": "pass",
        "score": 1.0,
        "max_score": 1.0,
    }
    assert failed["message"] == "y is 2"
    assert failed["misconception"] == "mean"
    assert failed["counterexample"] == {
        "arguments": {
            "x": {"shape": [1, 2], "dtype": "float64", "values": [1, 0.5]},
            "stride": [1, 1],
            "mode": "full",
        },
        "yours": {"shape": [1], "dtype": "float64", "values": ["nan"]},
        "expected": {"shape": [1], "dtype": "float64", "values": [1]},
        "where": "y[0]",
        "working": "1*1",
        "snippet": "import numpy as np",
        "index": [0],
        "steps": [],
        "written": {"stride": "(1, 1)", "mode": "'full'"},
    }
    assert "printed by the code" not in json.dumps(found)


def test_one_flat_entry_a_law_for_gradescope():
    tests = verdict(PASS, FAIL).to_json()["tests"]
    assert [test["name"] for test in tests] == ["conv2d: it has a shape", "conv2d: it agrees"]
    assert tests[0]["status"] == "passed"
    assert tests[0]["output"] == ""
    assert tests[1] == {
        "name": "conv2d: it agrees",
        "score": 0.0,
        "max_score": 2.5,
        "status": "failed",
        "output": "y is 2\n\nThis is what you get\n\nimport numpy as np",
        "visibility": "visible",
    }


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (np.array([[1, 2]], np.uint8), {"shape": [1, 2], "dtype": "uint8", "values": [1, 2]}),
        (np.zeros((0, 2)), {"shape": [0, 2], "dtype": "float64", "values": []}),
        (np.array(0.5), {"shape": [], "dtype": "float64", "values": [0.5]}),
        (np.array([True]), {"shape": [1], "dtype": "bool", "values": [True]}),
        (np.float32(0.5), 0.5),
        (np.True_, True),
        (3.0, 3),
        (0.1, 0.1),
        (-0.0, 0),
        (1e300, 1e300),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (10**39, 10**39),
        ((1, [2.5, None]), [1, [2.5, None]]),
        ({1: "a"}, {"1": "a"}),
        (RandomSource(3), "RandomSource(seed=3)"),
        ("\ud800", "\ud800"),
    ],
    ids=repr,
)
def test_values_are_plain(value, form):
    found = plain(value)
    assert found == form
    assert type(found) is type(form)


def test_long_arrays_are_cut():
    found = plain(np.arange(MAX_VALUES + 5.0))
    assert len(found["values"]) == MAX_VALUES
    assert found["cut"] == 5


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**39), 10**39)
    | st.floats()
    | st.text(max_size=8)
    | hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(values, st.text())
def test_every_verdict_is_json_without_nan(value, text):
    example = Counterexample({"x": value}, value, value, text, text)
    law = LawResult(text, text, "fail", 1.0, text, text, text, example)
    written = results_json(verdict(law, warnings=(text,)))
    assert written.isascii()

    def refuse(constant):
        raise AssertionError(constant)

    json.loads(written, parse_constant=refuse)
    assert results_json(verdict(law, warnings=(text,))) == written


def test_a_law_can_be_kept_in_part():
    part = LawResult("accuracy", "digits are read", "fail", 30.0, earned=12.25)
    assert part.score == 12.25
    verdict = Verdict("alice", "secret", {}, (ExerciseResult("capstone", "capstone", (part,)),))
    assert verdict.to_json()["score"] == 12.25
    assert verdict.to_json()["tests"][0]["status"] == "failed"


def test_measured_numbers_are_an_entry_of_their_own_where_there_are_some():
    assert "measured" not in verdict(PASS).to_json()
    numbers = {"right": 9, "share": 0.5, "few": None, "families": {"blur": 0.25}, "list": [1, "x"]}
    found = json.loads(results_json(verdict(PASS, measured=numbers)))
    assert found["measured"] == numbers


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        ({"loss": math.nan}, "measured.loss is nan"),
        ({"families": {"blur": math.inf}}, "measured.families.blur is inf"),
        ({"few": [0.5, np.float64(0.5)]}, r"measured.few\[1\] is "),
        ({"few": (0.5,)}, "measured.few is "),
        ({"right": np.int64(3)}, "measured.right is "),
        ({3: 4}, "measured has the key 3"),
    ],
)
def test_measured_numbers_are_plain(measured, told):
    with pytest.raises(ValueError, match=told):
        verdict(PASS, measured=measured)
