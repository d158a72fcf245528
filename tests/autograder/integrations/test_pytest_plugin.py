"""The pytest plugin: every law is a test, in the student's folder and nowhere else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from autograder import catalog
from autograder.engine import Engine
from autograder.integrations.pytest_plugin import SPECS, LawBroken
from autograder.isolation import ladder
from autograder.report.terminal import finding
from autograder.verdict import ExerciseResult, LawResult

pytest_plugins = ["pytester"]

RIGHT = """
def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
    if min(size, kernel, stride, dilation) < 1 or min(padding) < 0:
        raise ValueError
    span = (kernel - 1) * dilation + 1
    if size + sum(padding) < span:
        raise ValueError
    return (size + sum(padding) - span) // stride + 1
"""
WRONG = RIGHT.replace("// stride + 1", "// stride")
OUTPUT_SIZE, SAME_PADDING, ZERO_PAD = (e for e in catalog.select(["padding"]))


def count(*exercises):
    return sum(len(exercise.laws) for exercise in exercises)


@pytest.fixture
def students(pytester, server, monkeypatch):
    """`students({"exercises/padding.py": source}, ...)`: pytest in a folder with these files."""
    monkeypatch.setattr(ladder, "best", lambda limits, required="weak": server)

    def run(files, *words):
        for name, text in files.items():
            path = pytester.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *words)

    return run


def test_every_law_is_a_test(students):
    result = students({"exercises/padding.py": RIGHT}, "-v")
    passed = count(OUTPUT_SIZE)
    result.assert_outcomes(passed=passed, failed=count(SAME_PADDING, ZERO_PAD))
    for law in OUTPUT_SIZE.laws:
        result.stdout.fnmatch_lines([f"exercises/padding.py::output_size::{law.name} PASSED*"])
    total = OUTPUT_SIZE.points + SAME_PADDING.points + ZERO_PAD.points
    result.stdout.fnmatch_lines([f"*== 3 of {total:g} points ==*"])


def test_a_failure_shows_what_check_shows(students, judge):
    result = students({"exercises/padding.py": WRONG}, "-k", "output_size")
    law = judge(OUTPUT_SIZE, WRONG).laws[0]
    assert law.status == "fail"
    shown = [line.plain for line in finding(law) if line.plain]
    result.stdout.fnmatch_lines([f"output_size: {law.says}", *map(escaped, shown)])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert law.name in "\n".join(line for line in result.outlines if line.startswith("FAILED"))


def escaped(line):
    """A line for fnmatch, in which brackets mean themselves."""
    return "".join(f"[{c}]" if c in "[]*?" else c for c in line)


def test_what_is_missing_is_told(students):
    source = "def zero_pad2d(x, padding):\n    raise NotImplementedError\n"
    result = students({"exercises/padding.py": source})
    result.assert_outcomes(failed=count(OUTPUT_SIZE, SAME_PADDING, ZERO_PAD))
    result.stdout.fnmatch_lines(["zero_pad2d is not attempted yet: write it in padding.py"])


def test_a_law_that_was_not_run_says_why(students):
    source = "def zero_pad2d(x, padding):\n    return x[0]\n"
    result = students({"exercises/padding.py": source}, "-k", "zero_pad2d")
    result.stdout.fnmatch_lines(["zero_pad2d: it needs the law shape first"])


def test_a_syntax_error_is_told_at_its_line(students):
    result = students({"exercises/padding.py": "x = 1\ndef output_size(:\n"}, "-k", "output_size")
    result.stdout.fnmatch_lines(["*SyntaxError: invalid syntax*", "*exercises/padding.py, line 2*"])


def test_a_function_is_judged_once(students, monkeypatch):
    judged = []
    real = Engine.judge

    def counted(self, exercise, session):
        judged.append(exercise.name)
        return real(self, exercise, session)

    monkeypatch.setattr(Engine, "judge", counted)
    students({"exercises/padding.py": RIGHT})
    assert judged == ["output_size", "same_padding", "zero_pad2d"]


def test_only_what_is_asked_for_is_judged(students, monkeypatch):
    judged = []
    real = Engine.judge
    monkeypatch.setattr(
        Engine, "judge", lambda self, e, s: (judged.append(e.name), real(self, e, s))[1]
    )
    law = OUTPUT_SIZE.laws[0].name
    result = students(
        {"exercises/padding.py": RIGHT, "exercises/pooling.py": "def max_pool2d(): pass"},
        f"exercises/padding.py::output_size::{law}",
    )
    result.assert_outcomes(passed=1)
    assert judged == ["output_size"]


def test_student_code_is_never_imported(students, pytester):
    source = "open('touched', 'w').close()\nraise SystemExit('imported')\n" + RIGHT
    result = students({"exercises/padding.py": source}, "-k", "output_size")
    result.assert_outcomes(failed=count(OUTPUT_SIZE))
    assert not (pytester.path / "touched").exists()


# --- which files


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("padding.py", []),
        ("exercises/padding.py", []),
        ("exercises/padding.py", ["exercises"]),
        ("exercises/padding.py", ["exercises/padding.py"]),
        ("week3/exercises/padding.py", []),
        ("week3/padding.py", ["week3"]),
        ("week3/padding.py", ["week3/padding.py"]),
    ],
)
def test_files_that_are_meant(students, place, words):
    result = students({place: RIGHT}, "--collect-only", "-q", *words)
    law = OUTPUT_SIZE.laws[0].name
    result.stdout.fnmatch_lines([f"*padding.py::output_size::{law}"])


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("library/padding.py", RIGHT),
        ("exercises/helper.py", RIGHT),
        ("exercises/padding.txt", RIGHT),
        ("exercises/padding.py", "def something_else(): pass"),
        ("exercises/padding.py", "class Layer:\n    def output_size(self): pass"),
        ("exercises/_layers.py", RIGHT),
    ],
)
def test_files_that_are_not_meant(students, place, source):
    result = students({place: source}, "--collect-only", "-q")
    result.stdout.no_fnmatch_line("*output_size::*")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    "source", ["from .helper import output_size", "output_size = lambda *a: 1", "def output_size(:"]
)
def test_functions_may_be_defined_in_other_ways(students, source):
    result = students({"exercises/padding.py": source}, "--collect-only", "-q")
    result.stdout.fnmatch_lines(["exercises/padding.py::output_size::*"])


def test_the_specs_are_no_exercises(pytester):
    result = pytester.runpytest_inprocess("--collect-only", "-q", str(SPECS / "padding.py"))
    result.stdout.no_fnmatch_line("*output_size::*")


def test_other_tests_are_left_alone(students):
    files = {
        "exercises/padding.py": RIGHT,
        "test_mine.py": "def test_mine(): pass\ndef test_other(): assert 0",
    }
    result = students(files, "test_mine.py")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*points*")


def test_nothing_of_ours_is_imported_for_others(tmp_path):
    """The plugin is loaded in every pytest run of the environment: it costs nothing there."""
    (tmp_path / "test_mine.py").write_text(
        "import sys\n"
        "def test_mine():\n"
        "    ours = [m for m in sys.modules if m.startswith('autograder.')]\n"
        "    assert set(ours) <= {'autograder.integrations',\n"
        "                         'autograder.integrations.pytest_plugin'}, ours\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


# --- the text of a failure


def test_a_fault_of_ours_is_told_as_ours():
    law = LawResult("agrees", "it agrees", "grader_fault", 1.0, "RuntimeError: ours")
    text = LawBroken(ExerciseResult("relu", "activation", (law,)), law).text()
    assert text.startswith("relu: it agrees")
    assert "The grader itself failed; this costs no points: RuntimeError: ours" in text


def test_the_one_line_summary_is_the_message():
    law = LawResult("agrees", "it agrees", "fail", 1.0, "y is 2; it should be 3\nmore")
    exercise = ExerciseResult("relu", "activation", (law,))
    assert str(LawBroken(exercise, law)) == "y is 2; it should be 3"
    silent = LawResult("agrees", "it agrees", "not_attempted", 1.0)
    assert str(LawBroken(exercise, silent)) == "not_attempted"
