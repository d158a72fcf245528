"""The engine: what a submission's answers come to, and what a result may never tell."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from autograder import catalog
from autograder.bank import CACHE_VARIABLE, Banks, Seed, plan
from autograder.compare import Mismatch
from autograder.engine import judge_law, session_of
from autograder.isolation import parent
from autograder.isolation.calls import Answer
from autograder.isolation.ladder import GraderFault
from autograder.isolation.limits import Limits
from autograder.laws import agrees, dtype, fresh, refuses, shape, untouched
from autograder.report.terminal import show_verdict
from autograder.results import results_json
from autograder.spec import Case, Exercise, Law
from autograder.submissions import Submission, read

NUMPY = "import numpy as np\n"
STUB = "def double(x):\n    raise NotImplementedError\n"
RIGHT = NUMPY + (
    "def double(x):\n    if x.ndim != 1: raise ValueError(x.ndim)\n    return x * 2.0\n"
)


@pytest.fixture(autouse=True)
def own_banks(request, tmp_path, monkeypatch):
    """Exercises that are made up here share names: their banks must not be found again."""
    if "golden" not in request.fixturenames:
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "own"))


def double(x):
    if x.ndim != 1:
        raise ValueError(f"x must have one axis; got {x.ndim}")
    return x * 2.0


def plain(draw):
    return {"x": draw.whole(draw.size(1, 8))}


def flat(draw):
    return {"x": draw.whole(1, draw.size(1, 2))}


def toy(*laws, **others):
    laws = laws or (
        shape("as long as x", 1),
        agrees(2),
        dtype(0.5),
        untouched(0.5),
        fresh(1),
        refuses("x has one axis", 1),
    )
    settings = {"topic": "padding", "kinds": {"plain": plain, "impossible": flat}, **others}
    return Exercise(double, laws=laws, **settings)


def statuses(result):
    return {law.name: law.status for law in result.laws}


# --- from answers to statuses


def test_a_right_answer_gets_full_marks(judge):
    result = judge(toy(), RIGHT)
    assert set(statuses(result).values()) == {"pass"}
    assert result.score == result.max_score == 6
    assert result.passed


@pytest.mark.parametrize(
    "sources",
    [{"padding": STUB}, {"padding": ""}, {"pooling": RIGHT}, {"padding": "double = None"}],
)
def test_what_is_not_there_is_not_attempted(submit, engine_of, sources):
    (result,) = engine_of().verdict(submit(**sources), [toy()]).exercises
    assert set(statuses(result).values()) == {"not_attempted"}
    assert (result.score, result.attempted) == (0, False)


def test_a_law_that_needs_another_is_not_run(judge):
    result = judge(toy(), NUMPY + "def double(x): return np.zeros((2, 2))")
    assert statuses(result) == {
        "shape": "fail",
        "agrees": "fail",
        "dtype": "pass",
        "untouched": "not_run",
        "fresh": "not_run",
        "refuses": "fail",
    }
    messages = {law.name: law.message for law in result.laws}
    assert messages["untouched"] == "it needs the law shape first"
    assert messages["fresh"] == "it needs the law agrees first"
    assert result.score == 0.5


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("return x.foo", "error", "AttributeError"),
        ("while True: pass", "timeout", "CPU seconds"),
        ("import os; os._exit(0)", "crash", "exit code 0"),
        ("import sys; sys.exit(0)", "crash", "SystemExit"),
        ("import scipy", "forbidden", "scipy"),
        ("return np.ones(2**40)", "memory", "Unable to allocate"),
        ("return object()", "fail", "a value of type object cannot be judged"),
        ("return None", "fail", "y is None; it should be a NumPy array"),
        ("import os\n    for i in range(3, 99):\n        try: os.write(i, b'x' * 99)\n"
         "        except OSError: pass", "forbidden", "the grader's own channel"),
    ],
)  # fmt: skip
def test_every_end_of_a_call_has_its_status(judge, quick, body, status, said):
    laws = (shape("as long as x", 1), agrees(2))
    # Waiting is no end here, however busy the machine is.
    limits = dataclasses.replace(quick, fatal_per_exercise=1, call_seconds=0.3, wall_factor=400)
    result = judge(toy(*laws), NUMPY + f"def double(x):\n    {body}", limits=limits)
    assert set(statuses(result).values()) == {status}
    assert all(said in law.message for law in result.laws)
    assert result.score == 0


def test_a_syntax_error_is_told_at_its_line(judge):
    result = judge(toy(), "x = 1\ndef double(x:\n    return x")
    assert set(statuses(result).values()) == {"error", "not_run"}
    assert "exercises/padding.py, line 2" in result.laws[0].message
    # No input matters, so none is shown.
    assert all(law.counterexample is None for law in result.laws)


def cases_of(*sizes):
    return [Case("plain", {"x": np.ones(n)}, np.full(n, 2.0)) for n in sizes]


@pytest.mark.parametrize(("missing", "status"), [(1, "pass"), (2, "pass"), (3, "error")])
def test_structural_laws_look_at_the_answers_that_came(answer_with, missing, status):
    exercise = toy(shape("as long as x", 1), agrees(2))
    bank = plan(exercise, cases_of(1, 2, 3, 4))
    answers = [answer_with(case.expected) for case in bank.cases]
    answers[:missing] = [Answer("error", "ValueError: no")] * missing
    failures = judge_law(exercise, exercise.laws[0], bank, answers)
    assert (failures[0].status if failures else "pass") == status
    # Other laws need every answer.
    assert [f.status for f in judge_law(exercise, exercise.laws[1], bank, answers)] == (
        ["error"] * missing
    )


def test_a_structural_law_is_broken_by_one_wrong_answer(answer_with):
    exercise = toy(shape("as long as x", 1))
    bank = plan(exercise, cases_of(1, 2, 3, 4))
    answers = [Answer("error", "ValueError: no")] * 2
    answers += [answer_with(np.zeros(3)), answer_with(np.zeros(3))]
    (failure,) = judge_law(exercise, exercise.laws[0], bank, answers)
    assert failure.message == "y has shape (3,); it should be (4,)"
    # A result that nobody can judge is a wrong answer, not a missing one.
    answers[2] = Answer("fail", "a value of type f cannot be judged")
    assert len(judge_law(exercise, exercise.laws[0], bank, answers)) == 2


def test_refusals_are_judged_by_the_class_of_the_exception(judge):
    sources = {
        "raise ValueError": "pass",
        "raise type('Mine', (ValueError,), {})": "pass",
        "raise TypeError('no')": "fail",
        "raise NotImplementedError": "not_attempted",
        "return x": "fail",
        "1 / 0": "fail",
    }
    found = {}
    for body in sources:
        source = f"def double(x):\n    if x.ndim == 1: return x * 2\n    {body}"
        result = judge(toy(refuses("x has one axis", 1)), source)
        found[body] = result.laws[0].status
        if body == "return x":
            expected = "no exception; it should raise ValueError: x must have one axis; got 2"
            assert result.laws[0].message == expected
    assert found == sources


def test_who_refuses_everything_has_refused_nothing(judge):
    exercise = toy(agrees(1), refuses("x has one axis", 1))
    result = judge(exercise, "def double(x): raise ValueError")
    assert statuses(result) == {"agrees": "error", "refuses": "not_run"}
    assert result.laws[1].message == "it counts once the function gives an answer"
    # But right refusals count before the values are right.
    source = "def double(x):\n    if x.ndim != 1: raise ValueError\n    return x"
    assert statuses(judge(exercise, source)) == {"agrees": "fail", "refuses": "pass"}


def test_a_syntax_error_refuses_nothing(judge):
    source = "raise ValueError('at import')\ndef double(x): pass"
    assert judge(toy(refuses("x has one axis", 1)), source).laws[0].status == "error"


# --- the grader's own faults


def other(x):
    return double(x)


def broken_law(exercise, case, answers):
    raise RuntimeError("nobody thought of this")


def test_a_fault_of_ours_costs_no_points(submit, engine_of):
    faulty = toy(shape("as long as x", 1), Law("odd", "it is odd", 2, broken_law))
    faulty = dataclasses.replace(faulty, reference=other)
    source = "def double(x): return 0\nother = double"
    verdict = engine_of().verdict(submit(padding=source), [faulty, toy(agrees(1))])
    first, second = verdict.exercises
    assert set(statuses(first).values()) == {"grader_fault"}
    assert first.score == first.max_score == 3
    assert not first.passed
    # The next one is judged as ever.
    assert statuses(second) == {"agrees": "fail"}
    assert verdict.grader_faults == ["other: RuntimeError: nobody thought of this"]


def test_a_worker_that_cannot_start_is_a_fault_of_ours(submit, engine_of, monkeypatch):
    def refused(*args):
        raise GraderFault("the worker did not start")

    monkeypatch.setattr(parent, "Worker", refused)
    verdict = engine_of().verdict(submit(padding=RIGHT), [toy()])
    assert set(statuses(verdict.exercises[0]).values()) == {"grader_fault"}
    assert verdict.grader_faults == ["double: GraderFault: the worker did not start"]


# --- what one function leaves behind costs no other one


def twofold(x):
    return double(x)


SPOILS = {
    "NumPy's errors": "np.seterr(all='raise')",
    "NumPy itself": "np.multiply = np.add",
    "a helper of all": "helpers.twice = None",
    "memory": "helpers.hoard = bytearray(1900 * 2**20)",
    "imports": "sys.meta_path.insert(0, Trap)",
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_what_a_function_leaves_behind_costs_no_other_one(submit, engine_of, spoil):
    """Whoever is judged next is judged as if alone."""
    second = dataclasses.replace(toy(agrees(1), dtype(1)), reference=twofold, topic="stride")
    spoiling = (
        "import os, sys, helpers\nimport numpy as np\n"
        "class Trap:\n    find_spec = lambda *args: os._exit(1)\n"
        f"def double(x):\n    {SPOILS[spoil]}\n    return x * 2\n"
    )
    honest = (
        "import numpy as np, helpers\n"
        "def twofold(x):\n    np.float64(1e-300) * np.float64(1e-300)\n"
        "    x = x.copy() if np.zeros(2**20) is not None else None\n"
        "    return np.multiply(helpers.twice(x), 1)\n"
    )
    submission = submit(
        padding=spoiling,
        stride=honest,
        helpers="hoard = None\ndef twice(x): return x * 2\n",
    )
    _, other = engine_of().verdict(submission, [toy(agrees(1)), second]).exercises
    assert set(statuses(other).values()) == {"pass"}, other
    (alone,) = engine_of().verdict(submission, [second]).exercises
    assert alone == other


def test_what_a_function_leaves_behind_helps_no_other_one(submit, engine_of):
    second = dataclasses.replace(toy(agrees(1)), reference=twofold, topic="stride")
    submission = submit(
        padding="import helpers\ndef double(x):\n    helpers.ready = True\n    return x * 2",
        stride="import helpers\ndef twofold(x): return x * 2 if helpers.ready else x",
        helpers="ready = False",
    )
    _, other = engine_of().verdict(submission, [toy(agrees(1)), second]).exercises
    (alone,) = engine_of().verdict(submission, [second]).exercises
    assert statuses(other) == {"agrees": "fail"}
    assert alone == other


def test_a_law_that_breaks_on_the_second_look_is_told_as_ours(submit, engine_of):
    """And stops nothing: the other function keeps its verdict."""

    def broken(exercise, case, answers):
        raise RuntimeError("nobody thought of this answer")

    second = toy(agrees(1), Law("odd", "it is odd", 1, broken))
    second = dataclasses.replace(second, reference=twofold, topic="stride")
    submission = submit(
        padding="import helpers\ndef double(x):\n    helpers.ready = True\n    return x * 2",
        stride="import helpers\ndef twofold(x): return x * 2 if helpers.ready else x",
        helpers="ready = False",
    )
    verdict = engine_of().verdict(submission, [toy(agrees(1)), second])
    first, other = verdict.exercises
    assert statuses(first) == {"agrees": "pass"}
    assert set(statuses(other).values()) == {"grader_fault"}
    assert verdict.grader_faults


def test_a_function_that_breaks_alone_breaks_among_others(submit, engine_of):
    """What was left behind excuses nothing that is wrong without it."""
    second = dataclasses.replace(toy(agrees(1)), reference=twofold, topic="stride")
    submission = submit(padding=RIGHT, stride="def twofold(x): return x * 3")
    _, other = engine_of().verdict(submission, [toy(agrees(1)), second]).exercises
    assert statuses(other) == {"agrees": "fail"}


# --- the same every time


@pytest.fixture
def results(engine_of):
    """The text of results.json, by a new engine each time."""
    return lambda submission, exercises: results_json(engine_of().verdict(submission, exercises))


MIXED = {
    "padding": """
        import os
        def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
            if stride > 1: os._exit(1)
            return size + sum(padding) - kernel + 1
        def same_padding(size, kernel, stride=1):
            return object()
        def zero_pad2d(x, padding):
            raise KeyError(zero_pad2d)
    """,
    "convolution": """
        import numpy as np
        def cross_correlate2d(image, kernel):
            h, w = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
            y = np.zeros((h, w))
            for i in range(h):
                for j in range(w):
                    y[i, j] = (image[i:i + len(kernel), j:j + len(kernel[0])] * kernel[::-1]).sum()
            return y
    """,
}


def test_the_same_submission_gets_the_same_bytes(
    submit, results, engine_of, server, tmp_path, monkeypatch
):
    submission = submit(**MIXED)
    exercises = catalog.select(["padding", "cross_correlate2d"])
    first = results(submission, exercises)
    assert '"crash"' in first
    assert '"flipped_rows"' in first
    assert results(submission, exercises) == first
    # Whether the cases are drawn, or read from the disk.
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cold"))
    assert results(submission, exercises) == first
    assert results(submission, exercises) == first
    # Whether workers are asked, or are born with the questions.
    engine = engine_of()
    engine.prepare(exercises)
    assert results_json(engine.verdict(submission, exercises)) == first
    # And if the worker is another one each time.
    engine = engine_of()
    with session_of(submission, Limits(), server) as session:
        for exercise, expected in zip(
            exercises, engine.verdict(submission, exercises).exercises, strict=True
        ):
            assert statuses(engine.judge(exercise, session)) == statuses(expected)
            session.close()


def test_a_function_is_judged_alike_alone_and_among_others(submit, engine_of):
    submission = submit(**MIXED)
    exercises = catalog.select(["padding", "cross_correlate2d"])
    together = engine_of().verdict(submission, exercises)
    for exercise, result in zip(exercises, together.exercises, strict=True):
        (alone,) = engine_of().verdict(submission, [exercise]).exercises
        one = dataclasses.replace(together, exercises=(alone,))
        other = dataclasses.replace(together, exercises=(result,))
        assert results_json(one) == results_json(other)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["half-finished", "broken-segfault", "wrong-maxpool-over-channels", "right-im2col"]
)
def test_golden_submissions_get_the_same_bytes(golden, results, name, tmp_path, monkeypatch):
    topics = frozenset(topic.name for topic in catalog.topics())
    submission = read(golden / name, topics)
    first = results(submission, catalog.exercises())
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cold"))
    assert results(submission, catalog.exercises()) == first


# --- what a secret seed keeps secret

SECRET = "the words that only the staff know"


def large_numbers(draw):
    numbers = [draw.size(10**7, 10**9) for _ in range(draw.size(1, 3))]
    return {"x": np.array(numbers, dtype=float), "k": draw.size(10**7, 10**9)}


def times(x, k):
    return x * float(k)


TIMES = Exercise(
    times,
    kinds={"plain": large_numbers},
    laws=[shape("as long as x", 1), agrees(1), dtype(1), fresh(1)],
    topic="padding",
)


def numbers_of(seed):
    """Every number of a seed's cases, as texts that could be found."""
    numbers = set()
    for case in Banks(seed).of(TIMES).cases:
        for value in (case.arguments["x"], case.arguments["k"], case.expected):
            numbers |= {f"{number:.0f}" for number in np.ravel(value)}
    return numbers


def canaries():
    """Numbers of the secret cases alone: the least and the round ones are drawn with any seed."""
    common = set().union(*(numbers_of(Seed(text)) for text in ("public", "a", "b", "c", "d")))
    return numbers_of(Seed(SECRET)) - common


SPIES = {
    "wrong": "def times(x, k): return x * k + 1",
    "wrong shape": "def times(x, k): return (x * k)[None]",
    "tells what it sees": "def times(x, k): raise ValueError(f'{x} {k} {x[0]:.0f}')",
    "tells the larger ones": """
        def times(x, k):
            if len(x) == 3 and sum(x) > 2e8:
                raise ValueError(", ".join(f"{number:.0f}" for number in x))
            return x * float(k)
    """,
    "prints what it sees": "def times(x, k):\n    print(x, k, x[0])\n    return -x",
    "remembers": """
        seen = []
        def times(x, k):
            seen.append((x.tolist(), k))
            raise ValueError(str(seen[:9]))
    """,
    "answers what it remembers": """
        seen = []
        def times(x, k):
            seen.extend(x.tolist())
            return seen[:50]
    """,
    "returns what it remembers as a text": """
        seen = []
        def times(x, k):
            seen.append(k)
            return str(seen)
    """,
    "dies": "import os\ndef times(x, k): os._exit(int(k) % 100)",
    "fails on one in two": "def times(x, k): return x * k + (k % 2)",
}


@pytest.mark.parametrize("spy", SPIES)
@pytest.mark.parametrize("explaining", [True, False])
def test_secret_cases_are_never_told(submit, engine_of, spy, explaining, root):
    verdict = engine_of(Seed(SECRET), explaining).verdict(submit(padding=SPIES[spy]), [TIMES])
    assert not verdict.grader_faults
    assert verdict.exercises[0].score < verdict.max_score
    texts = [results_json(verdict), shown(verdict)]
    secrets = canaries()
    assert len(secrets) > 20
    for text in texts:
        assert '"public"' not in text
        assert SECRET not in text
        assert str(root) not in text
        assert "site-packages" not in text
        assert not {number for number in secrets if number in text}
    assert '"seed": "secret"' in texts[0]


class Open(Seed):
    """A secret seed that nobody keeps secret."""

    secret = property(lambda self: False)


def test_canaries_would_be_found(submit, engine_of):
    """The test above can fail: where cases may be told, their numbers are in the results."""
    engine = engine_of(Open(SECRET), explaining=False)
    text = results_json(engine.verdict(submit(padding=SPIES["tells the larger ones"]), [TIMES]))
    assert any(number in text for number in canaries())


def shown(verdict):
    import io

    from rich.console import Console

    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True)
    show_verdict(console, verdict, everything=True)
    return console.file.getvalue()


def test_a_mistake_that_only_secret_cases_show(submit, engine_of):
    k = Banks(Seed(SECRET)).of(TIMES).cases[-1].arguments["k"]
    source = f"def times(x, k): return x * float(k) * (1 + (k == {k}))"
    verdict = engine_of(Seed(SECRET)).verdict(submit(padding=source), [TIMES])
    law = next(law for law in verdict.exercises[0].laws if law.name == "agrees")
    assert (law.status, law.counterexample) == ("fail", None)
    assert law.message == "it fails on a hidden case; no public case shows it"


def test_a_secret_seed_shows_public_cases(submit, engine_of):
    exercise = toy(agrees(2))
    source = "def double(x): return x * 3"
    public = engine_of().verdict(submit(padding=source), [exercise])
    secret = engine_of(Seed(SECRET)).verdict(submit(padding=source), [exercise])
    example = public.exercises[0].laws[0].counterexample
    assert example is not None
    assert secret.exercises[0].laws[0].counterexample.snippet == example.snippet


# --- the rest


def test_progress_is_told_before_each_exercise(submit, engine_of):
    told = []
    exercises = [toy(agrees(1)), TIMES]
    engine_of().verdict(submit(padding=RIGHT), exercises, progress=told.append)
    assert told == exercises


def test_a_verdict_carries_its_surroundings(submit, engine_of):
    submission = dataclasses.replace(submit(padding=RIGHT), warnings=("one",))
    verdict = engine_of().verdict(submission, [toy()])
    assert (verdict.submission, verdict.seed, verdict.warnings) == ("somebody", "public", ("one",))
    assert verdict.isolation["level"] in ("strong", "medium", "weak")
    assert verdict.isolation["mechanisms"]


def test_without_explaining_only_the_first_failure_is_told(judge, engine_of):
    source = "def double(x): return x * 3"
    quickly = judge(toy(), source, engine_of(explaining=False))
    fully = judge(toy(), source)
    assert statuses(quickly) == statuses(fully)
    law = next(law for law in quickly.laws if law.name == "agrees")
    assert law.counterexample is None
    assert re.match(r"y\[0\] is -?\d+; it should be -?\d+", law.message)


def test_messages_of_laws_come_from_the_mismatch(judge):
    def judge_it(exercise, case, answers):
        return Mismatch("never good enough")

    law = Law("odd", "it is odd", 1, judge_it, timed=True)
    result = judge(toy(law), RIGHT)
    assert result.laws[0].message == "never good enough"


def test_a_single_file_is_asked_for_every_topic(engine_of):
    submission = Submission("one", {"submission": RIGHT}, single="submission")
    verdict = engine_of().verdict(submission, [toy()])
    assert verdict.passed
