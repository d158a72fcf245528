"""Drawing: the same words give the same cases everywhere, and failing cases become small."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext, suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from autograder import catalog, strategies
from autograder.isolation.calls import EncodedCall
from autograder.isolation.wire import RandomSource, layout
from autograder.strategies import Draw, draw_cases, number, smallest, weight


def numbers(draw):
    return dict(a=draw.size(0, 1000), b=draw.size(0, 12), x=draw.whole(draw.size(1, 3), 2))


def same(cases):
    """Cases in a form that can be compared, values and layouts."""
    return [EncodedCall.of(case) for case in cases]


class Unmet(Exception):
    """The least choices make no case: the kind needs something else."""


class Lowest(Draw):
    def need(self, condition):
        if not condition:
            raise Unmet


lowest = Lowest(lambda low, high: low)
highest = Draw(lambda low, high: high)


# --- the same everywhere


def test_a_seed_is_made_of_words():
    assert number("public", "conv2d", "strides") == number("public", "conv2d", "strides")
    assert number("public", "conv2d", "strides") != number("public", "conv2d", "paddings")
    assert number("ab", "c") != number("a", "bc")
    assert 0 <= number("x") < 2**64


def test_the_same_seed_gives_the_same_cases():
    assert same(draw_cases(numbers, 5, 20)) == same(draw_cases(numbers, 5, 20))


def test_another_seed_gives_other_cases():
    assert same(draw_cases(numbers, 5, 20)) != same(draw_cases(numbers, 6, 20))


def test_cases_come_smallest_first():
    cases = draw_cases(numbers, 5, 20)
    assert len(cases) == 20
    weights = [weight(case) for case in cases]
    assert weights == sorted(weights)


def test_a_kind_of_few_cases_gives_those():
    cases = draw_cases(lambda draw: {"n": draw.choose(3, 1, 2)}, 1, 50)
    assert [case["n"] for case in cases] == [1, 2, 3]


@pytest.fixture
def crowded(monkeypatch):
    """A process in which other modules' constants are mixed into what Hypothesis draws."""
    constants = type(providers._local_constants)()
    for value in (901, 777, 5, 9):
        constants.integers.add(value)
    monkeypatch.setattr(providers, "_get_local_constants", lambda: constants)
    providers.CONSTANTS_CACHE.cache.clear()

    @settings(max_examples=50)
    @given(st.integers(0, 1000), st.integers(0, 12))
    def draw_before(a, b):
        pass

    draw_before()
    yield
    providers.CONSTANTS_CACHE.cache.clear()


def test_constants_of_other_modules_change_nothing(request, monkeypatch):
    alone = same(draw_cases(numbers, 5, 30))
    request.getfixturevalue("crowded")
    assert same(draw_cases(numbers, 5, 30)) == alone
    # That this test can fail: without the precaution the cases are others.
    monkeypatch.setattr(strategies, "_no_constants_of_the_caller", nullcontext)
    assert same(draw_cases(numbers, 5, 30)) != alone


PROGRAM = """
import contextlib, sys
if "crowd" in sys.argv:
    import crowd  # a module of the running program
from autograder import strategies
if "bare" in sys.argv:
    strategies._no_constants_of_the_caller = contextlib.nullcontext
print(strategies.draw_cases(lambda d: dict(a=d.size(0, 1000), b=d.size(0, 1000)), 5, 60))
"""


def test_imported_modules_change_nothing(tmp_path):
    """Hypothesis has no switch for this: the precaution is tested from outside as well."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "crowd.py").write_text(f"numbers = {[n * 13 + 1 for n in range(70)]}\n")

    def run(*words):
        command = [sys.executable, "program.py", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    alone = run()
    assert run("crowd") == alone
    assert run("crowd", "bare") != alone, "Hypothesis mixes in no constants: nothing to prevent"


def test_settings_of_the_surroundings_change_nothing():
    alone = same(draw_cases(numbers, 5, 20))
    settings.register_profile("other", max_examples=3, derandomize=False, deadline=1)
    settings.load_profile("other")
    try:
        assert same(draw_cases(numbers, 5, 20)) == alone
    finally:
        settings.load_profile("suite")


# --- small


def test_the_smallest_failing_case_is_found():
    def kind(draw):
        rows, columns = draw.pair(1, 9)
        return dict(x=draw.whole(rows, columns), stride=draw.pair(1, 5))

    def fails(case):
        rows, columns = case["x"].shape
        return rows >= 3 and columns >= 2 and case["stride"][1] >= 2

    found = smallest(kind, 7, 40, fails)
    assert found["x"].shape == (3, 2)
    assert found["stride"] == (1, 2)


def test_a_rare_failure_beyond_the_cases_is_not_made_up():
    assert smallest(numbers, 5, 20, lambda case: False) is None


def test_what_is_found_was_tried_and_failed():
    tried = []

    def fails(case):
        tried.append(case)
        return case["a"] >= 170 and case["b"] >= 2

    found = smallest(numbers, 5, 60, fails)
    assert (found["a"], found["b"], found["x"].shape) == (170, 2, (1, 2))
    assert any(case is found for case in tried)


def test_an_error_in_the_question_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        smallest(numbers, 5, 20, lambda case: 1 / 0)


KINDS = [
    pytest.param(exercise, kind, id=f"{exercise.name}-{kind}")
    for exercise in catalog.exercises()
    for kind in exercise.kinds
]


@pytest.mark.slow
@pytest.mark.parametrize(("exercise", "kind"), KINDS)
def test_every_kind_shrinks_to_its_least_case(exercise, kind):
    draw, seed = exercise.kinds[kind], number("public", exercise.name, kind)
    assert draw_cases(draw, seed, exercise.cases)
    found = smallest(draw, seed, exercise.cases, lambda case: True)
    with suppress(Unmet):
        assert weight(found) <= weight(draw(lowest))


# --- the words


def test_every_choice_is_least_at_first():
    assert lowest.size(2, 9) == 2
    assert lowest.choose("first", "second") == "first"
    assert highest.choose("first", "second") == "second"
    assert lowest.pair(1, 3) == (1, 1)


@given(st.data(), st.integers(0, 3), st.integers(1, 4))
def test_unlike_pairs_differ(data, low, more):
    draw = Draw(lambda a, b: data.draw(st.integers(a, b)))
    first, second = draw.unlike_pair(low, low + more)
    assert first != second
    assert low <= min(first, second)
    assert max(first, second) <= low + more


def test_unlike_pairs_can_be_any():
    pairs = set()
    for choices in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]:
        remaining = iter(choices)
        pairs.add(Draw(lambda low, high, it=remaining: next(it)).unlike_pair(0, 2))
    assert pairs == {(a, b) for a in range(3) for b in range(3) if a != b}


def test_whole_numbers_are_whole_and_in_range():
    x = Draw(lambda low, high: high).whole(40, 50, low=-2, high=3, dtype=np.float32)
    assert x.dtype == np.float32
    assert set(np.unique(x)) == {-2, -1, 0, 1, 2, 3}


def test_real_numbers_are_not_whole():
    x = lowest.real(30, dtype=np.float32)
    assert x.dtype == np.float32
    assert not np.any(x == np.round(x))


def test_shuffled_numbers_have_no_ties_and_both_signs():
    x = lowest.shuffled(2, 3, 4)
    assert sorted(x.ravel()) == list(range(-12, 12))
    assert x.ravel().tolist() != sorted(x.ravel())


def test_labels_are_classes():
    labels = lowest.labels(200, 4)
    assert set(labels) == {0, 1, 2, 3}
    assert labels.dtype.kind == "i"


def test_generators_are_their_seed():
    assert lowest.generator() == RandomSource(0)


@pytest.mark.parametrize(("choice", "kind"), [(0, "reversed"), (1, "strided"), (2, "F"), (3, "C!")])
def test_layouts_keep_the_values(choice, kind):
    array = np.arange(24.0).reshape(2, 3, 4)
    laid = Draw(lambda low, high: choice).layout(array)
    np.testing.assert_array_equal(laid, array)
    assert layout(laid) == kind
    assert not np.shares_memory(laid, array)


def test_weight_counts_numbers_before_sizes():
    assert weight(np.zeros((2, 3))) == (6, 0.0)
    assert weight({"x": np.array([1.0, -2.0]), "stride": (1, 2), "mode": "full"}) == (2, 6.0)
    assert weight([np.array([np.nan, np.inf, 3.0])]) == (3, 3.0)
    assert weight(np.array([-128], np.int8)) == (1, 128.0)
    assert weight(None) == (0, 0.0)
    assert weight(np.zeros(2)) > weight(np.array([100.0]))
