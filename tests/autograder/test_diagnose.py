"""Diagnosis: a small input that shows the mistake, its arithmetic, and its name or none."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from autograder import catalog
from autograder.bank import CACHE_VARIABLE, Banks, Seed, plan
from autograder.compare import Mismatch
from autograder.diagnose import (
    MAX_FATAL,
    SMALL,
    Examiner,
    advice,
    counterexample,
    literal,
    misconception,
    predict,
    snippet,
)
from autograder.engine import judge_law, session_of
from autograder.isolation import wire
from autograder.isolation.calls import Answer
from autograder.isolation.wire import RandomSource
from autograder.judgement import Failure
from autograder.laws import agrees, dtype, refuses, shifted
from autograder.spec import Case, Exercise, Law, Refusal
from autograder.strategies import Draw, weight
from autograder.working import Step, Working

ROOT = Path(__file__).resolve().parents[2]
WRONG = {
    folder.name: tomllib.loads((folder / "expected.toml").read_text())
    for folder in sorted((ROOT / "tests" / "submissions").glob("wrong-*"))
}
NAMED = [name for name, expected in WRONG.items() if expected["misconception"]]


def golden_mistakes(names):
    """Mistakes of golden submissions: a handful at once, all of them in the slow stage."""
    handful = names[:: max(1, len(names) // 8)]
    return pytest.mark.parametrize(
        "name",
        [pytest.param(n, marks=[] if n in handful else pytest.mark.slow) for n in names],
    )


@pytest.fixture(autouse=True)
def own_banks(request, tmp_path, monkeypatch):
    """Exercises that are made up here share names: their banks must not be found again."""
    if "broken_laws" not in request.fixturenames:
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))


@pytest.fixture
def broken_laws(golden_verdict):
    """`broken_laws(name)`: the exercise on trial and the laws that a golden mistake breaks."""

    def found(name):
        function = WRONG[name]["function"]
        result = next(e for e in golden_verdict(name).exercises if e.name == function)
        laws = [law for law in result.laws if law.status not in ("pass", "not_run")]
        assert laws
        return catalog.select([function])[0], laws

    return found


# --- golden mistakes


def least(exercise, kind):
    """How many numbers the smallest case of a kind has."""
    try:
        return weight(exercise.kinds[kind](Draw(lambda low, high: low)))[0]
    except Exception:  # a need() that the least choices do not meet
        return 10**6


@golden_mistakes(NAMED)
def test_counterexamples_are_small(name, broken_laws):
    exercise, laws = broken_laws(name)
    shown = [law for law in laws if law.counterexample is not None]
    assert shown
    for law in shown:
        numbers = weight(law.counterexample.arguments)[0]
        judged = next(one for one in exercise.laws if one.name == law.name)
        smallest_possible = max(least(exercise, kind) for kind in exercise.kinds_of(judged))
        assert numbers <= max(SMALL, 2 * smallest_possible), law.name


@golden_mistakes(NAMED)
def test_mistakes_are_named(name, broken_laws):
    wanted = WRONG[name]["misconception"]
    exercise, laws = broken_laws(name)
    names = {law.misconception for law in laws}
    assert wanted in names
    assert names <= {wanted, ""}
    for law in laws:
        assert bool(law.advice) == bool(law.misconception)
        if law.advice:
            assert law.advice == advice(exercise.misconception(wanted))


@golden_mistakes([name for name in WRONG if name not in NAMED])
def test_nothing_is_guessed_when_nothing_fits(name, broken_laws):
    _, laws = broken_laws(name)
    assert {(law.misconception, law.advice) for law in laws} == {("", "")}


NOTATION = {
    "__builtins__": {},
    "max": lambda *numbers: max(numbers),
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
}


@golden_mistakes(list(WRONG))
def test_the_arithmetic_gives_the_expected_number(name, broken_laws):
    _, laws = broken_laws(name)
    for law in laws:
        example = law.counterexample
        if example is None or not example.working:
            continue
        expected = example.expected
        if isinstance(expected, np.ndarray):
            expected = expected[example.index]
        assert eval(example.working, NOTATION) == pytest.approx(float(expected), rel=1e-4)


@golden_mistakes(NAMED)
def test_the_snippet_shows_the_mistake(name, broken_laws, golden):
    """It runs as it stands beside the student's modules, and gives the number of the message."""
    exercise, laws = broken_laws(name)
    shown = [law for law in laws if law.counterexample and law.counterexample.snippet]
    law = next((law for law in shown if law.counterexample.where), None)
    if law is None or exercise.seconds:
        return  # no number to show, too many to spell out, or too slow to run again
    example = law.counterexample
    assert f"# {law.message.splitlines()[0]}" in example.snippet
    # The same call once more, and the number that the message is about.
    call = next(line for line in example.snippet.splitlines() if line.startswith("print("))
    code = example.snippet + f"\nimport numpy\nresult = {call[len('print(') : -1]}\n"
    if len(exercise.returns) > 1:
        code += f"result = result[{[*exercise.returns].index(example.where.partition('[')[0])}]\n"
    code += f"shown = numpy.ndim(result) == {len(example.index or ())} > 0\n"
    code += f"print(result[{example.index}] if shown else 'something else')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=golden / name / "exercises",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *printed, cell = done.stdout.splitlines()
    assert printed
    # A law may compare something that it computes from the result, such as sums.
    if cell != "something else" and example.where.partition("[")[0] in exercise.returns:
        yours = float(example.yours[example.index])
        assert float(cell) == pytest.approx(yours, nan_ok=True)


# --- shrinking


def rows(draw):
    return {"x": draw.whole(draw.size(1, 5), draw.size(1, 5))}


def many(draw):
    return {"x": draw.whole(draw.size(1, 40), draw.size(1, 40))}


def special(draw):
    return {"x": draw.whole(1, draw.size(1, 3))}


def total(x):
    return x.sum(axis=1)


def transposed(x):
    """the columns are summed instead of the rows.
    Sum over axis 1."""
    return x.sum(axis=0)


def mean(x):
    """the mean is taken.
    Nothing is divided."""
    return x.mean(axis=1)


ROWS = Exercise(
    total,
    kinds={"rows": rows, "special": special},
    laws=[agrees(1)],
    misconceptions=[transposed, mean],
    topic="padding",
)
NUMPY = "import numpy as np\n"


def explained(judge, body, exercise=ROWS):
    (law,) = judge(exercise, NUMPY + f"def total(x):\n    {body}").laws
    return law


def test_the_smallest_shape_and_the_plainest_numbers(judge):
    law = explained(judge, "return x.sum(axis=1) + (x.shape[1] >= 3) * (x.shape[0] >= 2)")
    assert law.counterexample.arguments["x"].shape == (2, 3)
    assert not law.counterexample.arguments["x"].any()
    assert law.message == "y[0] is 1; it should be 0"


def test_the_failure_stays_of_one_kind(judge):
    # Wrong at three columns, and an exception at one: the first is what the law found first.
    law = explained(judge, "return x.sum(axis=1) * (1 if x.shape[1] < 3 else [][0])")
    assert law.status == "error"
    assert law.message.startswith("IndexError")
    assert law.counterexample.arguments["x"].shape == (1, 3)


def test_a_layout_that_matters_is_kept(judge):
    def laid(draw):
        return {"x": draw.layout(draw.whole(2, 3))}

    exercise = dataclasses.replace(ROWS, kinds={"laid": laid})
    law = explained(judge, "return x.sum(axis=1) + (x.strides[0] < 0)", exercise)
    assert law.counterexample.arguments["x"].strides[0] < 0


class Scripted:
    """A session in which every call with an odd number of columns hangs; others are wrong."""

    def __init__(self, answer_with):
        self.answer_with = answer_with
        self.hung = 0

    def ask(self, topic, function, calls, groups=None, seconds=None):
        answers = []
        for call in calls:
            (_, node), *_ = json.loads(call.nodes)
            x = wire.Decoder(call.body).read(node)
            if x.shape[1] % 2:
                self.hung += 1
                answers.append(Answer("timeout", "no answer"))
            else:
                answers.append(self.answer_with(total(x) + 1))
        return answers


def test_shrinking_waits_for_few_calls_that_hang(answer_with):
    session = Scripted(answer_with)
    exercise = dataclasses.replace(ROWS, kinds={"rows": many})
    arguments = {"x": np.ones((9, 8))}
    bank = plan(exercise, [exercise.case("rows", arguments)])
    failure = Failure(bank.cases[0], "fail", "y[0] is 9; it should be 8", None, 0)
    found = Examiner(exercise, exercise.laws[0], session).shrink([failure], bank, Seed())
    assert found.status == "fail"
    assert found.case.arguments["x"].shape[1] % 2 == 0
    assert 0 < session.hung <= MAX_FATAL


def test_a_much_smaller_case_of_another_kind_is_preferred(judge):
    def large(draw):
        return {"x": draw.whole(9, draw.size(9, 12))}

    exercise = dataclasses.replace(ROWS, kinds={"large": large, "rows": rows})
    law = explained(judge, "return x.sum(axis=1) + 1", exercise)
    assert law.counterexample.arguments["x"].shape == (1, 1)


def test_numbers_stay_what_the_failure_needs(judge):
    law = explained(judge, "return np.abs(x).sum(axis=1)")
    x = law.counterexample.arguments["x"]
    assert x.size <= 4
    assert np.count_nonzero(x) == 1
    assert x.min() < 0


def test_a_simpler_case_is_one_on_which_the_reference_keeps_the_law(judge):
    def spread(exercise, case, answers):
        y = answers[0].value
        return None if y[0] != y[1] else Mismatch("two rows have the same sum")

    exercise = dataclasses.replace(
        ROWS,
        kinds={"unlike": lambda draw: {"x": draw.shuffled(2, 3)}},
        laws=[Law("spread", "unlike rows have unlike sums", 1, spread)],
    )
    law = explained(judge, "return x.sum(axis=1) * 0", exercise)
    x = law.counterexample.arguments["x"]
    assert total(x)[0] != total(x)[1]
    assert np.count_nonzero(x) == 1


def test_a_case_that_must_be_refused_stays_one_for_the_same_reason(judge):
    def strict(x, w):
        if not x.any():
            raise ValueError("strict: x must have a number that is not 0")
        if x.shape[1] != w.shape[0]:
            raise ValueError(f"strict: w must have {x.shape[1]} rows; got {w.shape[0]}")
        return x @ w

    def fitting(draw):
        k = draw.size(1, 3)
        return {"x": np.ones((2, k)), "w": draw.whole(k, 1)}

    def unfit(draw):
        return {"x": np.arange(12.0).reshape(3, 4), "w": np.ones((3, 4))}

    exercise = dataclasses.replace(
        ROWS,
        reference=strict,
        kinds={"fitting": fitting, "impossible": unfit},
        laws=[agrees(1), refuses("what does not fit raises ValueError")],
        misconceptions=(),
    )
    source = "def strict(x, w):\n    return x[:, :1] @ w[:1, :1]"
    laws = judge(exercise, NUMPY + source).laws
    shown = laws[1].counterexample.arguments
    assert laws[1].message.startswith("no exception")
    assert "rows; got" in laws[1].message
    assert (shown["x"].shape, shown["w"].shape) == ((2, 1), (2, 1))
    assert np.count_nonzero(shown["x"]) == 1
    assert not shown["w"].any()


# --- names


def test_an_idea_must_explain_the_cases_that_are_right_as_well(judge):
    assert explained(judge, "return x.mean(axis=1)").misconception == "mean"
    # A mean of wide rows alone: the idea would have been wrong where this code is right.
    law = explained(judge, "return x.mean(axis=1) if x.shape[1] > 3 else x.sum(axis=1)")
    assert law.status == "fail"
    assert law.misconception == ""


def test_the_idea_shows_in_the_counterexample(judge):
    law = explained(judge, "return x.sum(axis=0)")
    assert law.misconception == "transposed"
    x = law.counterexample.arguments["x"]
    yours, right = transposed(x), total(x)
    assert yours.shape != right.shape or (yours != right).any()
    assert law.advice == (
        "This is what you get when the columns are summed instead of the rows.\nSum over axis 1."
    )


def test_of_two_ideas_the_one_that_explains_more(answer_with, answers_of):
    def half(x):
        """one half is right.
        Halve nothing."""
        return total(x) / 2

    def half_of_large(x):
        """one half of large ones is right.
        Halve nothing."""
        return total(x) / (2 if x.shape[0] > 1 else 1)

    exercise = dataclasses.replace(
        ROWS,
        laws=[agrees(1, "rows"), agrees(1, "special", name="special")],
        misconceptions=[half_of_large, half],
    )
    cases = [Case("rows", {"x": np.ones((2, n))}, np.full(2, float(n))) for n in (1, 2)]
    cases += [Case("special", {"x": np.ones((1, n))}, np.full(1, float(n))) for n in (1, 2)]
    bank = plan(exercise, cases)
    for idea in (half, half_of_large):
        answers = answers_of(bank, idea)
        failures = judge_law(exercise, exercise.laws[0], bank, answers)
        assert misconception(exercise, failures, bank, answers) is idea


def test_an_exception_stands_for_an_exception(answers_of):
    def impatient(x):
        """it raises.
        It should not."""
        raise IndexError("too far")

    exercise = dataclasses.replace(ROWS, misconceptions=[mean, impatient])
    bank = plan(exercise, [Case("rows", {"x": np.ones((2, 2))}, np.full(2, 2.0))])
    answers = answers_of(bank, impatient)
    failures = judge_law(exercise, exercise.laws[0], bank, answers)
    assert misconception(exercise, failures, bank, answers) is impatient
    # A process that ended is no exception, and nobody's idea.
    answers = [Answer("crash", "the process ended itself")]
    failures = judge_law(exercise, exercise.laws[0], bank, answers)
    assert misconception(exercise, failures, bank, answers) is None


def test_predictions_are_quiet():
    def loud(x):
        return np.mean(x[:0]) + np.log(x * 0) / 0

    with np.errstate(all="raise"):
        assert np.isnan(predict(loud, {"x": np.ones(2)})).all()
    assert isinstance(predict(lambda x: x["a"], {"x": {}}), KeyError)


def test_predictions_draw_from_a_new_generator():
    source = {"rng": RandomSource(3)}
    first, second = (predict(lambda rng: rng.random(), source) for _ in range(2))
    assert first == second


# --- the counterexample


def failed(mismatch, arguments, expected):
    return Failure(Case("rows", arguments, expected), "fail", "said", mismatch, 0, "printed")


SUM = Working((Step("the sum", "1 + 2", "3"),), "1 + 2")


def test_a_counterexample_has_the_cell_and_its_arithmetic():
    x = np.array([[1.0, 2.0]])
    steps = (Step("x[0,0]", "", "1"), Step("x[0,1]", "", "2"), Step("the sum", "", "3"))
    exercise = dataclasses.replace(
        ROWS, working=lambda a, name, index: Working(steps, f"{name}{index}")
    )
    expected = total(x)
    wrong = Mismatch("y[0] is 4; it should be 3", "y", (0,), expected + 1, expected)
    example = counterexample(exercise, failed(wrong, {"x": x}, expected))
    assert (example.where, example.index, example.working) == ("y[0]", (0,), "y(0,)")
    assert example.steps == steps
    assert example.printed == "printed"
    assert example.expected is expected


def test_the_arithmetic_is_of_the_cases_own_values_alone():
    x = np.array([[1.0, 2.0]])
    exercise = dataclasses.replace(ROWS, working=lambda a, name, index: SUM)
    raised = total(x) + 1  # what a law expects of another call
    wrong = Mismatch("y[0] is 0; it should be 4", "y", (0,), raised * 0, raised)
    assert counterexample(exercise, failed(wrong, {"x": x}, total(x))).working == ""


def test_a_law_on_two_calls_shows_no_arithmetic_of_one(judge):
    law = shifted(
        "more",
        "every number 1 larger makes a sum larger by the number of columns",
        1,
        lambda arguments: {"x": arguments["x"] + 1},
        lambda arguments, before, after: (after, before + arguments["x"].shape[1]),
        needs="",
    )
    exercise = dataclasses.replace(ROWS, laws=[law], working=lambda a, name, index: SUM)
    law = explained(judge, "return x.mean(axis=1)", exercise)
    assert law.status == "fail"
    assert law.counterexample.where == "y[0]"
    assert (law.counterexample.working, law.counterexample.steps) == ("", ())


def test_what_fits_no_misconception_may_show_a_pattern(judge):
    law = explained(judge, "return 2 * x.sum(axis=1)")
    assert (law.misconception, law.advice) == ("", "")
    assert (
        law.pattern == "On every input that failed, every number of y is twice what it should be."
    )
    assert explained(judge, "return x.mean(axis=1)").pattern == ""
    assert explained(judge, "return x.sum(axis=1).astype(np.float32)[::-1] * 1j").pattern == ""


@pytest.mark.parametrize(
    ("body", "helps"),
    [
        ("return x.max(axis=1)", True),
        ("return x.sum()", True),
        ("return x.sum(axis=1, keepdims=True)", True),
        ("return x[9]", True),
        ("return x.sum(axis=1).astype(np.float32)", False),
        ("raise SystemExit", False),
    ],
)
def test_the_definition_is_shown_where_it_helps(judge, body, helps):
    exercise = dataclasses.replace(
        ROWS, laws=[agrees(1), dtype(1)], formula=("y[n] = sum over k of x[n, k]",)
    )
    laws = judge(exercise, NUMPY + f"def total(x):\n    {body}").laws
    law = next(law for law in laws if law.status != "pass")
    assert law.formula == (exercise.formula if helps else ())


def test_of_several_outputs_the_definition_of_one_is_shown(judge):
    def two(x):
        return x.sum(axis=1), x.sum(axis=0)

    exercise = dataclasses.replace(
        ROWS,
        reference=two,
        misconceptions=(),
        returns=("rows", "columns"),
        formula=("of x (N, K):", "rows (N,): sums", "columns (K,): sums"),
    )
    source = "def two(x):\n    return x.sum(axis=1), x.max(axis=0) + 1"
    (law,) = judge(exercise, source).laws
    assert law.formula == ("of x (N, K):", "columns (K,): sums")


def test_a_refusal_has_no_expected_value():
    wrong = Mismatch("no exception; it should raise ValueError: no")
    example = counterexample(ROWS, failed(wrong, {"x": np.ones((1, 1))}, Refusal("no")))
    assert example.expected is None
    assert example.where == ""


@pytest.mark.parametrize(
    "value",
    [
        np.array([[1.0, -2.5], [np.nan, np.inf]]),
        np.array([1, 2], np.uint8),
        np.array([0.1], np.float32),
        np.zeros((0, 3)),
        np.array([True, False]),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3.0),
        1e300,
        float("nan"),
        (1, (2.5, "same")),
        (1,),
        [],
        {"conv1.w": np.ones(2), "layers": [{"kind": "conv", "bias": False}]},
        None,
        "it's",
    ],
    ids=str,
)
def test_literals_are_python(value):
    again = eval(literal(value), {"np": np})
    if isinstance(value, np.ndarray):
        assert again.dtype == value.dtype
        assert again.flags.f_contiguous == value.flags.f_contiguous
    np.testing.assert_equal(again, value)


def test_large_arrays_with_little_in_them_are_made_and_then_changed():
    w = np.zeros((8, 1, 5, 5))
    w[0, 0, 2, 1] = 1
    arguments = {
        "w": w,
        "parameters": {"c": w.astype(np.float32) - 2 * w, "b": [np.full((40,), 0.5), 3 * w]},
        "x": np.asfortranarray(np.ones((9, 9), np.uint8)),
    }
    text = snippet(ROWS, arguments, None)
    assert "w = np.zeros((8, 1, 5, 5))\nw[0, 0, 2, 1] = 1\n" in text
    assert len(text) < 500
    made = {}
    exec(text.replace("from padding import total", "").rpartition("\n")[0], made)
    for name, value in arguments.items():
        np.testing.assert_equal(made[name], value)
    assert made["parameters"]["b"][0].dtype == np.float64
    assert made["x"].dtype == np.uint8
    assert made["x"].flags.f_contiguous


def test_a_recipe_stands_for_what_is_too_long():
    exercise = dataclasses.replace(ROWS, recipes={"x": "x = digits()"})
    long = np.arange(1000.0).reshape(10, 100)
    assert "x = digits()" in snippet(exercise, {"x": long}, None)
    assert "x = np.zeros((9, 9))" in snippet(exercise, {"x": np.zeros((9, 9))}, None)
    assert snippet(ROWS, {"x": long}, None) == ""


def test_generators_are_made_in_a_snippet():
    assert literal(RandomSource(3)) == "np.random.default_rng(3)"


def test_a_snippet_can_be_pasted():
    text = snippet(ROWS, {"x": np.ones((1, 2))}, Mismatch("y[0] is 1; it should be 2\nmore"))
    assert text == (
        "import numpy as np\n"
        "from padding import total\n"
        "x = np.array([[1, 1]], dtype=np.float64)\n"
        "print(total(x))\n"
        "# y[0] is 1; it should be 2"
    )
    assert snippet(ROWS, {"x": 3, "mode": "full"}, None).startswith("from padding")


# --- the examiner


def test_candidates_are_judged_in_one_batch(submit, server, quick):
    bank = Banks(Seed()).of(ROWS)
    assert bank.cases
    with session_of(submit(padding="def total(x): return x.sum(axis=1) + 1"), quick, server) as s:
        examiner = Examiner(ROWS, ROWS.laws[0], s)
        found = examiner.failures("rows", [{"x": np.zeros((1, 1))}, {"x": np.zeros((2, 3))}])
        assert [failure.message for failure in found] == ["y[0] is 1; it should be 0"] * 2
        assert examiner.fatal == 0
