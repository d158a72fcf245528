"""The arithmetic of one number: right for every exercise that has any, and short."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest

from autograder import catalog
from autograder.bank import Banks
from autograder.report.terminal import WIDTH
from autograder.spec import Refusal
from autograder.specs import _working
from autograder.tolerance import arrays_of
from autograder.working import (
    MAX_CELLS,
    MAX_STEPS,
    Step,
    copy_of,
    joined,
    maximum,
    mean,
    shortened,
    signed,
    sums,
)
from reference import ops

EXERCISES = catalog.exercises()
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)


# --- every exercise


def outputs(value, names):
    """The parts of a result, as the comparison names them."""
    if isinstance(value, dict):
        return [o for k, v in value.items() for o in outputs(v, (f"{names[0]}[{k!r}]",))]
    if isinstance(value, tuple | list):
        several = len(names) == len(value) > 1
        labels = names if several else [f"{names[0]}[{i}]" for i in range(len(value))]
        return [o for v, label in zip(value, labels, strict=True) for o in outputs(v, (label,))]
    return [(names[0], np.asarray(value))]


def cells(exercise):
    """A first and a last cell of every output, in the first case of every kind."""
    seen = set()
    for case in Banks().of(exercise).cases:
        if case.kind in seen or isinstance(case.expected, Refusal):
            continue
        seen.add(case.kind)
        for name, values in outputs(case.expected, exercise.returns):
            for flat in sorted({0, values.size - 1}) if values.size else ():
                index = tuple(int(i) for i in np.unravel_index(flat, values.shape))
                yield case, name, index, float(values[index])


NOTATION = {
    "__builtins__": {},
    "max": lambda *numbers: max(numbers),
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "ceil": math.ceil,
    "nan": math.nan,
    "inf": math.inf,
}


def close(a, b):
    """Six digits are shown."""
    return a == pytest.approx(b, rel=1e-4, abs=1e-5, nan_ok=True)


@each_exercise
def test_the_steps_lead_to_the_expected_number(exercise):
    if exercise.working is None:
        return
    explained = 0
    for case, name, index, expected in cells(exercise):
        found = exercise.working(case.arguments, name, index)
        if found is None:
            continue  # too many cells, or a loss with a kink
        explained += 1
        assert close(float(found.steps[-1].value), expected), (case.kind, name, index)
        assert len(found.steps) <= MAX_STEPS + 6
        for step in found.steps:
            assert len(step.what) + len(step.numbers) + len(step.value) + 12 <= WIDTH
            if step.numbers and name != "shapes":
                assert close(eval(step.numbers, NOTATION), float(step.value)), step
        if found.line:
            assert close(eval(found.line, NOTATION), expected), found.line
    assert explained >= 4


@each_exercise
def test_the_definition_is_quoted_from_the_stub(exercise, root):
    path = root / "exercises" / f"{exercise.topic}.py"
    spec = importlib.util.spec_from_file_location(f"quoted_{exercise.topic}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    docstring = f"{module.__doc__} {getattr(module, exercise.name).__doc__}"
    words = " ".join(docstring.split())
    assert exercise.formula
    for line in exercise.formula:
        assert line in words


@each_exercise
def test_arrays_whose_numbers_are_compared_are_explained(exercise):
    """Only where a law compares numbers with the reference's."""
    cases = Banks().of(exercise).cases
    arrays = any(arrays_of(case.expected) for case in cases if case.right is not None)
    assert (exercise.working is not None) >= (arrays and not exercise.free)


# --- sums


CONV = dict(
    x=np.array([[[[1.0, 2.0], [3.0, 4.0]]]]),
    w=np.array([[[[1.0, -1.0]]]]),
    b=np.array([5.0]),
    stride=(1, 1),
    padding=(0, 1),
)


def told(working):
    return [(step.what, step.numbers, step.value) for step in working.steps]


def test_sums_of_products():
    working = sums(ops.conv2d, "x", "w", bias="b")
    found = working(CONV, "y", (0, 0, 0, 1))
    assert found.line == "1*1 + 2*-1 + 5"
    assert told(found) == [
        ("x[0,0,0,0] * w[0,0,0,0]", "1 *  1", "1"),
        ("x[0,0,0,1] * w[0,0,0,1]", "2 * -1", "-2"),
        ("b[0]", "", "5"),
        ("the sum", "", "4"),
    ]
    assert working({**CONV, "b": np.zeros(1)}, "y", (0, 0, 0, 1)).line == "1*1 + 2*-1"


def test_weights_that_meet_the_padding_are_counted():
    found = sums(ops.conv2d, "x", "w", bias="b")(CONV, "y", (0, 0, 1, 2))
    assert found.line == "4*1 + 5"
    assert told(found)[:2] == [
        ("x[0,0,1,1] * w[0,0,0,0]", "4 * 1", "4"),
        ("1 weight meets a zero outside of x", "", "0"),
    ]


def test_each_gradient_has_weights_of_its_own():
    working = sums(ops.dense_backward, "dy", {"dx": "w", "dw": "x", "db": ""})
    arguments = dict(dy=np.array([[2.0], [3.0]]), x=np.array([[5.0], [7.0]]), w=np.array([[11.0]]))
    assert told(working(arguments, "dx", (1, 0)))[0] == ("dy[1,0] * w[0,0]", "3 * 11", "33")
    assert told(working(arguments, "dw", (0, 0)))[1] == ("dy[1,0] * x[1,0]", "3 * 7", "21")
    assert told(working(arguments, "db", (0,)))[:2] == [("dy[0,0]", "", "2"), ("dy[1,0]", "", "3")]
    assert working(arguments, "dz", (0,)) is None


def test_shares_are_told_as_divisions():
    arguments = dict(
        dy=np.array([[[[6.0, 8.0]]]]), x=np.ones((1, 1, 1, 3)), kernel=(1, 2), stride=(1, 1)
    )
    found = sums(ops.avg_pool2d_backward, "dy")(arguments, "dx", (0, 0, 0, 1))
    assert told(found) == [
        ("dy[0,0,0,0] / 2", "6 / 2", "3"),
        ("dy[0,0,0,1] / 2", "8 / 2", "4"),
        ("the sum", "", "7"),
    ]


def test_what_nothing_flows_to_is_told():
    arguments = dict(
        dy=np.ones((1, 1, 1, 1)), x=np.ones((1, 1, 1, 3)), kernel=(1, 2), stride=(2, 2)
    )
    found = sums(ops.avg_pool2d_backward, "dy")(arguments, "dx", (0, 0, 0, 2))
    assert told(found) == [("nothing flows here", "", "0")]


def test_images_with_too_many_cells_are_not_explained():
    side = math.isqrt(MAX_CELLS) + 1
    large = {**CONV, "x": np.ones((1, 1, side, side))}
    assert sums(ops.conv2d, "x", "w", bias="b")(large, "y", (0, 0, 0, 1)) is None
    pool = dict(x=large["x"], kernel=(2, 2), stride=(1, 1))
    assert maximum(ops.max_pool2d, "x")(pool, "y", (0, 0, 0, 0)) is None
    assert mean(ops.avg_pool2d, "x")(pool, "y", (0, 0, 0, 0)) is None


def term(number):
    return Step(f"x[{number}]", "", str(number))


def test_long_sums_lose_their_zeros_first():
    terms = [term(0)] * 20 + [term(3), term(4)]
    assert shortened(terms) == [term(3), term(4), Step("the other 20 terms are", "", "0")]


def test_long_sums_lose_their_middle():
    terms = [term(number) for number in range(1, 21)]
    cut = shortened(terms)
    assert cut[:4] == terms[:4]
    assert cut[4] == Step("… 12 more terms, together", "", str(sum(range(5, 17))))
    assert cut[5:] == terms[-4:]
    assert shortened(terms[:MAX_STEPS]) == terms[:MAX_STEPS]


# --- others


def test_the_largest_of_a_window():
    working = maximum(ops.max_pool2d, "x")
    arguments = dict(x=CONV["x"] - 9, kernel=(2, 1), stride=(1, 1), padding=(1, 0))
    found = working(arguments, "y", (0, 0, 1, 0))
    assert found.line == "max(-8, -6)"
    assert told(found) == [
        ("x[0,0,0,0]", "", "-8"),
        ("x[0,0,1,0]", "", "-6"),
        ("the largest", "", "-6"),
    ]
    assert working(arguments, "y", (0, 0, 0, 1)).line == "max(-7)"


def test_large_windows_are_cut_in_the_middle():
    arguments = dict(x=np.arange(36.0).reshape(1, 1, 6, 6), kernel=(6, 6), stride=(1, 1))
    found = maximum(ops.max_pool2d, "x")(arguments, "y", (0, 0, 0, 0))
    assert found.steps[4] == Step("… 28 more", "", "")
    assert found.steps[-1] == Step("the largest", "", "35")


def test_the_mean_of_a_window():
    arguments = dict(x=CONV["x"], kernel=(2, 2), stride=(1, 1), padding=(1, 0))
    found = mean(ops.avg_pool2d, "x")(arguments, "y", (0, 0, 0, 0))
    assert found.line == "(1 + 2) / 2"
    assert told(found)[-1] == ("the sum, divided by their number", "3 / 2", "1.5")


def test_copies_name_their_source():
    working = copy_of(ops.zero_pad2d, "x")
    arguments = dict(x=CONV["x"], padding=((1, 0), (0, 0)))
    assert told(working(arguments, "y", (0, 0, 2, 1))) == [("a copy of x[0,0,1,1]", "", "4")]
    assert told(working(arguments, "y", (0, 0, 0, 1))) == [("the border, no cell of x", "", "0")]


def test_minus_signs_are_joined_as_on_paper():
    assert joined(["1*2", "-3*1", "4"]) == "1*2 - 3*1 + 4"
    assert joined([]) == ""
    assert signed("1 - -2 + -3 * -4") == "1 + 2 - 3 * -4"


# --- single exercises


def test_a_gradient_stops_at_zero():
    arguments = dict(dy=np.array([5.0, 6.0]), x=np.array([0.0, 1.0]))
    found = _working.relu_gradient(arguments, "dx", (0,))
    assert told(found)[-1] == ("x[0] is not above 0, so nothing passes", "", "0")
    found = _working.relu_gradient(arguments, "dx", (1,))
    assert told(found)[-1] == ("x[1] is above 0, so dy[1] passes", "", "6")


def test_windows_say_where_their_gradient_goes():
    arguments = dict(
        dy=np.array([[[[5.0, 7.0, 9.0]]]]),
        x=np.array([[[[4.0, 4.0, 8.0, 1.0]]]]),
        kernel=(1, 2),
        stride=(1, 1),
    )
    found = _working.winners(arguments, "dx", (0, 0, 0, 1))
    assert told(found) == [
        ("dy[0,0,0,0] goes to x[0,0,0,0]", "", "0"),
        ("dy[0,0,0,1] goes to x[0,0,0,2]", "", "0"),
        ("the sum", "", "0"),
    ]
    found = _working.winners(arguments, "dx", (0, 0, 0, 2))
    assert told(found)[:2] == [
        ("dy[0,0,0,1] goes here", "", "7"),
        ("dy[0,0,0,2] goes here", "", "9"),
    ]


def test_a_gradient_with_a_kink_is_not_explained():
    """Where a nudge changes which ReLU is on, the loss does not tell the slope."""
    shapes = {"conv1.w": (8, 1, 3, 3), "conv1.b": (8,), "conv2.w": (16, 8, 3, 3)}
    shapes.update({"conv2.b": (16,), "dense.w": (16, 10), "dense.b": (10,)})
    rng = np.random.default_rng(0)
    parameters = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    parameters["conv1.b"] = np.zeros(8)
    arguments = dict(parameters=parameters, images=np.zeros((1, 1, 4, 4)), labels=np.array([3]))
    assert _working.network_gradient(arguments, "gradients['conv1.b']", (0,)) is None
    found = _working.network_gradient(arguments, "gradients['dense.b']", (3,))
    assert [step.what for step in found.steps] == [
        "the loss with dense.b[3] + 0.0001",
        "the loss with dense.b[3] - 0.0001",
        "their difference / 0.0002, about",
    ]
