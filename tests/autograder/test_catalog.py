"""The catalogue as a whole: what every spec must hold to, whoever writes it.

Nothing here names an exercise. A new one is held to all of this as soon as its spec is there.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest

from autograder import catalog, diagnose
from autograder.bank import Banks, Seed
from autograder.catalog import UnknownName, select
from autograder.diagnose import misconception, predict
from autograder.engine import Engine, judge_law
from autograder.isolation.calls import Answer, EncodedCall
from autograder.isolation.wire import RandomSource
from autograder.spec import IMPOSSIBLE, Exercise, Refusal
from autograder.submissions import Submission, read

ROOT = Path(__file__).resolve().parents[2]
TOPICS = catalog.topics()
NAMES = frozenset(topic.name for topic in TOPICS)
EXERCISES = catalog.exercises()
SPECS = ROOT / "autograder" / "specs"
PACKAGES = sorted(file.parent for file in SPECS.glob("*/__init__.py"))

each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)


def parameters(function):
    """Names, kinds and defaults of a function's parameters."""
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default) for p in found]


def stub(exercise):
    """The stub as Python sees it; stub modules import NumPy and one another only."""
    path = ROOT / "exercises" / f"{exercise.topic}.py"
    spec = importlib.util.spec_from_file_location(f"stub_{exercise.topic}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, exercise.name)


@pytest.fixture(scope="module")
def banks():
    return Banks()


# --- the rooms


def test_lessons_are_counted_from_one():
    assert [topic.lesson for topic in TOPICS] == list(range(1, len(TOPICS) + 1))


@each_topic
def test_a_topic_has_its_four_rooms(topic):
    for room in (
        f"exercises/{topic.name}.py",
        f"reference/pure/{topic.name}.py",
        f"reference/fast/{topic.name}.pyx",
    ):
        assert (ROOT / room).is_file(), room
    is_package = SPECS / topic.name in PACKAGES
    assert (SPECS / f"{topic.name}.py").is_file() is not is_package
    assert topic.title
    assert topic.exercises


@each_topic
def test_every_stub_has_a_spec_and_every_spec_a_stub(topic):
    tree = ast.parse((ROOT / "exercises" / f"{topic.name}.py").read_text())
    stubs = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert sorted(stubs) == sorted(exercise.name for exercise in topic.exercises)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_package_lists_all_exercises_of_its_modules(package):
    """The catalogue sees those that it lists and no others."""
    name = f"autograder.specs.{package.name}"
    listed = importlib.import_module(name).EXERCISES
    modules = [importlib.import_module(f"{name}.{file.stem}") for file in package.glob("[!_]*.py")]
    defined = [v for module in modules for v in vars(module).values() if isinstance(v, Exercise)]
    assert sorted(e.name for e in defined) == sorted(e.name for e in listed)


def test_no_stub_module_is_without_a_topic():
    files = {path.stem for path in (ROOT / "exercises").glob("*.py")} - {"__init__", "conftest"}
    assert files == NAMES


def test_names_are_unique():
    names = [exercise.name for exercise in EXERCISES] + [topic.name for topic in TOPICS]
    assert len(names) == len(set(names))


def test_the_points_of_the_course():
    assert 110 <= sum(exercise.points for exercise in EXERCISES) <= 135


@each_exercise
def test_stub_twin_and_operation_have_one_signature(exercise):
    twin = getattr(importlib.import_module(f"reference.pure.{exercise.topic}"), exercise.name)
    assert parameters(stub(exercise)) == parameters(twin)
    assert parameters(twin) == parameters(exercise.reference)


@each_exercise
def test_a_stub_says_what_to_write(exercise):
    function = stub(exercise)
    assert len(inspect.getdoc(function).splitlines()[0]) > 20
    arguments = [None] * len(inspect.signature(function).parameters)
    with pytest.raises(NotImplementedError):
        function(*arguments)


# --- kinds and laws


def goes_on_in_small_letters(text):
    """Whether it reads on after other words: `the output ...`, `NaN ...`, but not `The output`."""
    word = text.split()[0]
    return not word[0].isalpha() or word != word.capitalize()


@each_exercise
def test_laws_are_sentences(exercise):
    for law in exercise.laws:
        assert law.says == law.says.strip()
        assert 10 < len(law.says) < 80, law.says
        assert not law.says.endswith("."), law.says
        assert goes_on_in_small_letters(law.says), law.says
        assert law.name.isidentifier()
        assert len(law.name) <= 16


@each_exercise
def test_laws_have_points_and_names_of_their_own(exercise):
    names = [law.name for law in exercise.laws]
    assert len(names) == len(set(names))
    for law in exercise.laws:
        assert law.points > 0
        assert law.points % 0.5 == 0, law.name
    assert exercise.points <= 12


@each_exercise
def test_every_kind_is_judged_and_every_law_has_cases(exercise, banks):
    judged = {kind for law in exercise.laws for kind in exercise.kinds_of(law)}
    assert judged == set(exercise.kinds)
    bank = banks.of(exercise)
    drawn = {case.kind for case in bank.cases}
    assert drawn == set(exercise.kinds)
    for law in exercise.laws:
        assert bank.plan[law.name], law.name


@each_exercise
def test_a_law_needs_one_that_comes_before_it(exercise):
    known = []
    for law in exercise.laws:
        assert not law.needs or law.needs in known, law.name
        known.append(law.name)


@each_exercise
def test_only_impossible_cases_are_refused(exercise, banks):
    for case in banks.of(exercise).cases:
        assert isinstance(case.expected, Refusal) == (case.kind == IMPOSSIBLE), case.arguments


@each_exercise
def test_parts_of_a_result_are_named(exercise, banks):
    for case in banks.of(exercise).cases:
        if len(exercise.returns) > 1 and not isinstance(case.expected, Refusal):
            assert len(case.expected) == len(exercise.returns)


# --- who computes nothing gets nothing


@each_exercise
def test_who_returns_nothing_breaks_every_law_that_stands_alone(exercise, banks, answer_with):
    bank = banks.of(exercise)
    answers = [answer_with(None)] * len(bank.calls)
    for law in exercise.laws:
        if not law.needs:
            assert judge_law(exercise, law, bank, answers), law.name


nan, inf = float("nan"), float("inf")
ODD = [
    None, True, 0, -1, 2.5, nan, -inf, 10**39, "text", "", [], (), {}, [None], (None, None), (1, 2),
    [[1.0], [2.0]], {"a": None}, RandomSource(1), np.float16(1), np.True_, np.uint8(3),
    np.zeros(()), np.zeros(0), np.zeros((0, 3)), np.ones((1,) * 8), np.zeros((2, 3, 4, 5)),
    np.ones(3, bool), np.full((3, 3), nan), np.full((2, 2), inf), (np.zeros(2),) * 3,
    ["conv"], [{"kind": "conv"}], [{"kind": None}], [{}], [{"kind": "conv", "out": "many"}],
    [(1, 2, 3)], ((),),
]  # fmt: skip


def cast(code):
    def change(array):
        with np.errstate(all="ignore"):
            return array.astype(code)

    return change


CHANGES = {
    **{code: cast(code) for code in ("f2", "f4", "i1", "u1", "i8", "u8", "b1")},
    "NaN": lambda array: np.full(array.shape, nan),
    "infinite": lambda array: np.full(array.shape, -inf),
    "huge": lambda array: np.full(array.shape, 1e308),
    "huge in single precision": lambda array: np.full(array.shape, 3e38, np.float32),
    "transposed": lambda array: array.T,
    "flat": lambda array: array.ravel(),
    "a list": lambda array: array.tolist(),
    "none": lambda array: None,
    "one axis more": lambda array: array[None],
    "shorter": lambda array: array[..., :-1] if array.ndim else array,
    "empty": lambda array: array[:0] if array.ndim else array,
}


def like(value, change):
    """The right answer with another value in place of every array and number."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, dict):
        return {key: like(v, change) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(like(v, change) for v in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    changed = change(np.asarray(value))
    return changed[()] if isinstance(changed, np.ndarray) and changed.ndim == 0 else changed


@pytest.mark.slow
@each_exercise
def test_no_answer_breaks_a_law(exercise, banks, answers_of, answer_with):
    """A law that breaks is the grader's own fault, and a fault gives the points away."""
    bank = banks.of(exercise)
    right = answers_of(bank, exercise.reference)
    batches = [[answer_with(value)] * len(bank.calls) for value in ODD]
    for status in ("error", "fail", "timeout", "memory", "crash", "forbidden", "not_attempted"):
        batches.append([Answer(status, "what was said")] * len(bank.calls))
    for change in CHANGES.values():
        answers = [
            answer_with(like(answer.value, change) if answer.status == "value" else 0)
            for answer in right
        ]
        mixed = [(answers if i % 2 else right)[i] for i in range(len(right))]
        batches += [answers, mixed]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for answers in batches:
            for law in exercise.laws:
                judge_law(exercise, law, bank, answers)


# --- right answers


@each_exercise
def test_every_law_holds_of_the_reference(exercise, banks, answers_of):
    """Judged in full: elsewhere, answers that are right to the bit are taken for right."""
    bank = banks.of(exercise)
    right = answers_of(bank, exercise.reference)
    assert not any(answer.exact for answer in right)
    for law in exercise.laws:
        assert judge_law(exercise, law, bank, right) == [], law.name


def test_the_twin_gets_full_marks():
    verdict = Engine.of().verdict(twin(), EXERCISES)
    assert broken(verdict) == []
    assert verdict.passed
    assert verdict.score == verdict.max_score


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["another year", "and another"])
def test_the_twin_gets_full_marks_on_other_cases(seed):
    assert broken(Engine.of(Seed(seed)).verdict(twin(), EXERCISES)) == []


def twin():
    """The slow twins, handed in as a student would."""
    files = (ROOT / "reference" / "pure").glob("[!_]*.py")
    return Submission("twin", {file.stem: file.read_text() for file in files})


def broken(verdict):
    return [
        (exercise.name, law.name, law.status, law.message)
        for exercise in verdict.exercises
        for law in exercise.laws
        if law.status != "pass"
    ]


def test_stubs_as_shipped_are_not_attempted():
    verdict = Engine.of().verdict(read(ROOT / "exercises", NAMES), EXERCISES)
    statuses = {(e.name, law.name): law.status for e in verdict.exercises for law in e.laws}
    assert {key for key, status in statuses.items() if status != "not_attempted"} == set()
    assert verdict.score == 0
    assert not any(exercise.attempted for exercise in verdict.exercises)


# --- misconceptions


@each_exercise
def test_misconceptions_are_told_and_called_alike(exercise):
    names = [idea.__name__ for idea in exercise.misconceptions]
    assert len(names) == len(set(names))
    expected = list(inspect.signature(exercise.reference).parameters)
    for idea in exercise.misconceptions:
        lines = (inspect.getdoc(idea) or "").splitlines()
        assert len(lines) >= 2, idea.__name__
        assert lines[0].endswith("."), idea.__name__
        # It completes "This is what you get when ...".
        assert goes_on_in_small_letters(lines[0]), lines[0]
        assert len(f"This is what you get when {lines[0]}") <= 160
        assert list(inspect.signature(idea).parameters) == expected, idea.__name__
        assert exercise.misconception(idea.__name__) is idea


@each_exercise
def test_every_misconception_is_caught_and_named_as_itself(
    exercise, banks, answers_of, monkeypatch
):
    # Every idea is compared with every other one: what they predict is computed once.
    known = {}

    def remembered(idea, arguments):
        key = idea, id(arguments)
        if key not in known:
            known[key] = predict(idea, arguments)
        return known[key]

    monkeypatch.setattr(diagnose, "predict", remembered)
    bank = banks.of(exercise)
    for idea in exercise.misconceptions:
        answers = answers_of(bank, idea)
        broken_laws = set()
        named = {}
        for law in exercise.laws:
            if law.needs in broken_laws:
                broken_laws.add(law.name)  # would not even be run
                continue
            failures = judge_law(exercise, law, bank, answers)
            if not failures:
                continue
            broken_laws.add(law.name)
            found = misconception(exercise, failures, bank, answers)
            named[law] = found.__name__ if found is not None else ""
        assert named, f"no law catches {idea.__name__}"
        # Never another name; none at all only where values are not what is judged.
        for law, name in named.items():
            assert name in (idea.__name__, ""), (law.name, name, idea.__name__)
            if not (law.structural or law.raising):
                assert name == idea.__name__, (law.name, idea.__name__)
        assert idea.__name__ in named.values()


@each_exercise
def test_right_answers_get_no_name(exercise, banks, answers_of):
    bank = banks.of(exercise)
    answers = answers_of(bank, exercise.reference)
    for law in exercise.laws:
        assert judge_law(exercise, law, bank, answers) == [], law.name


@each_exercise
def test_misconceptions_leave_the_arguments_alone(exercise, banks):
    """They are called on the bank's own cases, which all submissions share."""
    for case in banks.of(exercise).cases:
        before = EncodedCall.of(case.arguments)
        for function in (exercise.evaluate, *exercise.misconceptions):
            if function == exercise.evaluate:
                function(case.arguments)
            else:
                predict(function, case.arguments)
        assert EncodedCall.of(case.arguments) == before


# --- choosing


def test_nothing_named_is_everything():
    assert select([]) == EXERCISES


def test_a_topic_means_all_of_its_exercises():
    topic = TOPICS[2]
    assert select([topic.name]) == topic.exercises
    assert select([topic.exercises[1].name, topic.name]) == topic.exercises


def test_exercises_come_in_the_order_of_the_lessons():
    first, last = EXERCISES[0], EXERCISES[-1]
    assert select([last.name, first.name]) == (first, last)


def test_unknown_names_are_answered_with_a_guess():
    with pytest.raises(UnknownName, match=r"'conv2' is no exercise and no topic; did you mean "):
        select(["conv2"])
    with pytest.raises(UnknownName, match=r"'qqqqqq' is no exercise and no topic; see them all"):
        select(["padding", "qqqqqq"])
