"""`grade.yml`, step by step, on pull requests that are branches of a local repository.

`pytest tests/release/test_pull_requests.py -s` prints a table of them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from actions import load, run

from autograder import catalog

TEMPLATES = Path(__file__).resolve().parents[2] / "autograder" / "scaffold" / "templates"
GRADE = load(TEMPLATES / "release" / "grade.yml")["jobs"]["grade"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the workflow runs on Linux"),
]

FLOOD = """
import sys


def _shout():
    for line in (
        "::notice title=Autograding report::all points",
        "::add-mask::0",
        "  ::error file=exercises/padding.py,line=1::shouted",
        "::stop-commands::mine",
        "##[group]shouted",
        "\\x1b[2J\\x1b[31mshouted\\x1b]0;title\\x07\\r::set-output name=score::100",
    ):
        print(line)
        print(line, file=sys.stderr)


_shout()


def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
    _shout()
    for _ in range(100):
        sys.stdout.write("::warning::" + "flood " * 174_762 + "\\n")  # 1 MiB
    raise ValueError("\\n::notice title=Autograding report::all points\\n::add-mask::0")


def same_padding(size, kernel, stride=1):
    _shout()
    return "::notice::shouted\\n::add-mask::0"
"""


def git(folder, *arguments):
    done = subprocess.run(
        ["git", "-c", "user.name=Student", "-c", "user.email=student@localhost", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


class Course:
    """A course's repository, whose branches are pull requests."""

    def __init__(self, released, golden, folder):
        self.folder = folder / "repository"
        self.golden = golden
        shutil.copytree(released, self.folder)
        git(self.folder, "init", "--quiet", "--initial-branch", "main")
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message", "Exercises")
        self.base = git(self.folder, "rev-parse", "HEAD")

    def hand_in(self, name):
        """Modules of a golden submission, of the topics that the course has."""
        for module in (self.golden / name / "exercises").glob("*.py"):
            place = self.folder / "exercises" / module.name
            if place.exists():
                shutil.copyfile(module, place)

    def write(self, name, text):
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def good(course):
    course.hand_in("right-einsum")


def wrong(course):
    course.hand_in("wrong-conv-flipped-kernel")


def edits_the_workflow(course):
    wrong(course)
    workflow = ".github/workflows/grade.yml"
    steps = "    steps:\n      - run: echo 100 of 100 points\n"
    head, _, _ = (course.folder / workflow).read_text("utf-8").partition("    steps:\n")
    course.write(workflow, head + steps)
    course.write(".github/workflows/mine.yml", "on: pull_request_target\n")


def edits_the_grader(course):
    wrong(course)
    (wheel,) = (course.folder / "wheels").iterdir()
    wheel.write_bytes(b"mine")
    course.write("requirements.txt", "--find-links exercises\nmine\n")
    course.write("constraints.txt", "numpy==1.0\n")
    course.write("course.toml", "[points]\nrelu = 1000\n")
    course.write(".python-version", "2.7\n")
    for module in ("autograder/__init__.py", "pip/__main__.py", "numpy.py", "secrets.py"):
        course.write(module, "raise SystemExit('mine')\n")


def edits_the_tests(course):
    wrong(course)
    for module in ("conftest.py", "exercises/conftest.py", "exercises/sitecustomize.py"):
        course.write(module, "import os\nos._exit(0)\n")
    course.write("sitecustomize.py", "import os\nos._exit(0)\n")
    course.write("exercises/mine.pth", "import os; os._exit(0)\n")
    course.write("pytest.ini", "[pytest]\naddopts = --co\n")
    course.write("tests/test_mine.py", "def test_mine():\n    pass\n")


def links_to_the_grader(course):
    wrong(course)
    for module in ("activation.py", "padding.py"):
        (course.folder / "exercises" / module).unlink()
    (course.folder / "exercises" / "activation.py").symlink_to("../../grader/conftest.py")
    (course.folder / "exercises" / "padding.py").symlink_to("/etc/passwd")


def has_hostile_names(course):
    wrong(course)
    course.write("::add-mask::0", "")
    course.write("a\n::notice::shouted\n```\n# Heading", "")
    course.write("<img src=x>@everyone", "")
    course.write("exercises/\u202egnp.py.py", "")


def floods_the_log(course):
    wrong(course)
    course.write("exercises/padding.py", FLOOD)


def deletes_everything(course):
    git(course.folder, "rm", "--quiet", "-r", "exercises")


# What each gets: as the right one, as the wrong one, or no score at all.
PULL_REQUESTS = {
    good: ("good", 0),
    wrong: ("wrong", 0),
    edits_the_workflow: ("wrong", 0),
    edits_the_grader: ("wrong", 0),
    edits_the_tests: ("wrong", 0),
    links_to_the_grader: ("wrong", 0),
    has_hostile_names: ("wrong", 0),
    floods_the_log: ("wrong", 0),
    deletes_everything: (None, 2),
}


@pytest.fixture(scope="module")
def course(small, golden, tmp_path_factory):
    return Course(small, golden, tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def graded(course, small, installed, tmp_path_factory):
    """`graded(kind)`: a pull request of this kind, made, opened and graded once."""
    known = {}

    def grade(kind):
        if kind not in known:
            name = kind.__name__
            git(course.folder, "checkout", "--quiet", "-B", name, course.base)
            git(course.folder, "clean", "--quiet", "-d", "--force")
            kind(course)
            git(course.folder, "add", "--all")
            git(course.folder, "commit", "--quiet", "--message", name)
            head = git(course.folder, "rev-parse", "HEAD")
            event = {
                "pull_request": {"base": {"sha": course.base}, "head": {"sha": head}, "number": 7}
            }
            home = tmp_path_factory.mktemp("runs") / name
            known[kind] = run(GRADE, event, course.folder, installed, home)
        return known[kind]

    yield grade
    print(f"\n\n{'pull request':<24}{'score':>10}{'exit code':>12}   log")
    for kind, ran in known.items():
        print(f"{kind.__name__:<24}{score(ran) or '-':>10}{ran.code:>12}{len(ran.log):>6} bytes")


def results(ran):
    import json

    if ran.artifact is None:
        return None
    return json.loads((ran.artifact / "submission" / "results.json").read_text("utf-8"))


def score(ran):
    found = results(ran)
    return None if found is None else f"{found['score']:g} of {found['max_score']:g}"


@pytest.mark.parametrize("kind", PULL_REQUESTS, ids=lambda kind: kind.__name__)
def test_a_pull_request_gets_its_score(kind, graded, small_course):
    expected, code = PULL_REQUESTS[kind]
    ran = graded(kind)
    assert ran.code == code, ran.log.decode(errors="replace")[-3000:]
    if expected is None:
        assert ran.artifact is None
        return
    found = results(ran)
    chosen = catalog.select((), small_course)
    assert found["max_score"] == sum(exercise.points for exercise in chosen)
    assert found["score"] == results(graded(globals()[expected]))["score"]
    assert found["isolation"]["level"] in ("medium", "strong")
    assert (ran.artifact / "number.txt").read_bytes() == b"7\n"
    assert re.search(rf"^# {found['score']:g} of {found['max_score']:g} points$", ran.summary, re.M)
    assert len(ran.summary.encode()) < 2**20


def test_the_scores_are_what_they_should_be(graded, small_course):
    best = results(graded(good))
    assert best["score"] == best["max_score"]
    points = {e["name"]: (e["score"], e["max_score"]) for e in results(graded(wrong))["exercises"]}
    assert points["conv2d"] == (4.0, 12.0)  # 3 of 9, in the points of the course
    assert points["relu"] == (0.0, 2.0)


@pytest.mark.parametrize("kind", PULL_REQUESTS, ids=lambda kind: kind.__name__)
def test_no_line_of_a_student_is_a_command(kind, graded):
    told = list(graded(kind).commands())
    assert all(name == "error" for name, _, _ in told), told
    assert all(re.match(r"file=exercises/\w+\.py,line=\d+,title=", p) for _, p, _ in told)
    assert len(told) <= 10
    assert len(graded(kind).log) < 200_000
    assert b"\x1b" not in graded(kind).log
    if kind is wrong:
        assert [p.split("title=")[1] for _, p, _ in told] == ["conv2d%3A agrees"]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (edits_the_workflow, {".github/workflows/grade.yml", ".github/workflows/mine.yml"}),
        (edits_the_grader, {"requirements.txt", "course.toml", "pip/__main__.py", "numpy.py"}),
        (edits_the_tests, {"conftest.py", "exercises/conftest.py", "exercises/mine.pth"}),
        (links_to_the_grader, {"exercises/activation.py", "exercises/padding.py"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_does_not_count_is_told(kind, told, graded):
    assert "These changes were left out:" in graded(kind).summary
    block = graded(kind).summary.split("```text\n")[1].split("```")[0]
    assert told <= set(block.splitlines())
    assert "exercises/convolution.py" not in block


def test_hostile_names_stay_text(graded):
    lines = graded(has_hostile_names).summary.splitlines()
    first, last = lines.index("```text"), lines.index("```")
    assert len(lines[first + 1 : last]) == 4
    assert "a\\n::notice::shouted\\n'''\\n# Heading" in lines[first + 1 : last]
    assert not any(line.startswith("# Heading") for line in lines)


def test_what_counts_alone_is_not_spoken_of(graded):
    for kind in (good, wrong, floods_the_log):
        assert "left out" not in graded(kind).summary
