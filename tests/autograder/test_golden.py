"""Golden submissions: each gets the verdict that lies beside it, by every way of asking for it.

What the keys of `expected.toml` mean is told in `tests/submissions/README.md`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autograder import catalog
from autograder.engine import Engine
from autograder.shell import FAILED, PASSED
from autograder.submissions import read

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "submissions"
TOPICS = frozenset(topic.name for topic in catalog.topics())
KINDS = ("right", "wrong", "broken", "half")

# One of each sort, judged in the first stage too; the second judges all.
SOON = {
    "right-einsum",
    "right-loops",
    "wrong-avgpool-backward-not-divided",
    "wrong-conv-flipped-kernel",
    "wrong-conv-shared-buffer",
    "wrong-fit-update-thrown-away",
    "wrong-maxpool-starts-at-zero",
    "wrong-output-size-rounds-up",
    "wrong-relu-in-place",
    "wrong-softmax-over-the-batch",
    "broken-always-equal",
    "broken-imports-reference",
    "broken-missing-function",
    "broken-raises-its-own-exception",
    "broken-segfault",
    "broken-syntax-error",
    "half-finished",
}
# These are judged by `check` and by pytest in the first stage too.
TWICE = ("broken-segfault", "half-finished", "wrong-conv-flipped-kernel")
# Laws about refusals: to them, an exception of another class is a wrong answer.
REFUSALS = {(e.name, law.name) for e in catalog.exercises() for law in e.laws if law.raising}


def expectation(name):
    return tomllib.loads((GOLDEN / name / "expected.toml").read_text(encoding="utf-8"))


EXPECTED = {file.parent.name: expectation(file.parent.name) for file in GOLDEN.glob("*/*.toml")}


def each(kind):
    """A test for each golden submission of a kind; those that are not `SOON` are slow."""
    names = sorted(name for name in EXPECTED if name.startswith(kind))
    marks = {name: () if name in SOON else pytest.mark.slow for name in names}
    return pytest.mark.parametrize(
        "name", [pytest.param(name, marks=marks[name]) for name in names]
    )


@pytest.fixture(scope="session")
def judged(server):
    """`judged(name)`: the results of a golden submission's modules, by function."""
    engine = Engine.of(limits=server.limits)
    vars(engine)["server"] = server

    def results(name):
        submission = read(GOLDEN / name, TOPICS)
        modules = submission.sources.keys() | submission.unreadable.keys()
        chosen = [exercise for exercise in catalog.exercises() if exercise.topic in modules]
        verdict = engine.verdict(submission, chosen)
        assert not verdict.grader_faults
        assert not verdict.warnings
        return {exercise.name: exercise for exercise in verdict.exercises}

    return results


def statuses(exercise):
    return {law.status for law in exercise.laws}


def named(exercise):
    return {law.misconception for law in exercise.laws} - {""}


def has(exercise, status):
    """Whether the laws that touch the fault have this status, and no law has another bad one."""
    if status in ("pass", "not_attempted"):
        return statuses(exercise) == {status}
    found = {
        law.status
        for law in exercise.laws
        if (exercise.name, law.name) not in REFUSALS or (status, law.status) != ("error", "fail")
    }
    return {status} <= found <= {status, "pass", "not_run"}


# --- what is expected


def test_every_golden_submission_has_a_verdict():
    folders = {folder.name for folder in GOLDEN.iterdir() if folder.is_dir()}
    assert folders == EXPECTED.keys()
    assert {name.partition("-")[0] for name in folders} == set(KINDS)
    assert folders >= SOON
    assert len(folders) > 200


def test_expectations_speak_of_what_there_is():
    known = {exercise.name: exercise for exercise in catalog.exercises()}
    for name, expected in EXPECTED.items():
        if name.startswith("wrong"):
            assert expected.keys() == {"mistake", "function", "misconception"}
            ideas = {idea.__name__ for idea in known[expected["function"]].misconceptions}
            assert expected["misconception"] in ideas | {""}, name
        elif name.startswith("broken"):
            assert expected.keys() == {"function", "status", "others"}
            topic = known[expected["function"]].topic
            assert [file.stem for file in (GOLDEN / name).glob("exercises/*.py")] == [topic]


# --- the verdicts


@each("right")
def test_right_submissions_get_full_marks(judged, name):
    results = judged(name)
    assert results.keys() == {exercise.name for exercise in catalog.exercises()}
    lost = {
        f"{exercise.name}: {law.name}": law.message
        for exercise in results.values()
        for law in exercise.laws
        if law.status != "pass"
    }
    assert lost == {}


@each("wrong")
def test_mistakes_cost_points_and_are_named(judged, name):
    expected = EXPECTED[name]
    results = judged(name)
    wrong = results.pop(expected["function"])
    assert wrong.score < wrong.max_score
    assert statuses(wrong) & {"fail", "error"}
    # Nothing where the mistake has no name: nothing is guessed.
    assert named(wrong) == {expected["misconception"]} - {""}
    assert all(statuses(other) == {"not_attempted"} for other in results.values())


@each("broken")
def test_broken_code_gets_its_status(judged, name):
    expected = EXPECTED[name]
    results = judged(name)
    broken = results.pop(expected["function"])
    assert has(broken, expected["status"]), statuses(broken)
    assert named(broken) == set()
    for other in results.values():
        assert has(other, expected["others"]), (other.name, statuses(other))


@each("half")
def test_half_of_the_work(judged, name):
    expected = EXPECTED[name]
    for exercise in judged(name).values():
        status = expected["status"].get(exercise.name, expected["others"])
        assert has(exercise, status), (exercise.name, statuses(exercise))
        if status == "pass":
            assert exercise.score == exercise.max_score


# --- one verdict, whoever asks

OUTCOMES = """
import json, os
from autograder.verdict import Verdict

found = {}


def pytest_runtest_makereport(item, call):
    if call.when != "call":
        return
    law = {"status": "pass"}
    if call.excinfo is not None:
        exercise = call.excinfo.value.exercise
        (result,) = Verdict("", "", {}, (exercise,)).to_json()["exercises"]
        law = next(law for law in result["laws"] if law["name"] == item.name)
    score, max_score = dict(item.user_properties)["autograder points"]
    found[item.nodeid] = {**law, "score": score, "max_score": max_score}


def pytest_sessionfinish(session):
    with open(os.environ["OUTCOMES"], "w") as file:
        json.dump(found, file)
"""


def run(*command, cwd, **environment):
    """A command of the kit, as a user starts it; its exit code and output."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        env={**env, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def by_pytest(names, folder):
    """What pytest says of these golden submissions, all in one process: law by law."""
    for name in names:
        shutil.copytree(GOLDEN / name, folder / "students" / name)
    (folder / "outcomes.py").write_text(OUTCOMES)
    paths = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    done = run(
        *("pytest", "-q", "-p", "no:cacheprovider", "-p", "outcomes", "--rootdir", "."),
        cwd=folder / "students",
        PYTHONPATH=paths,
        OUTCOMES=str(folder / "outcomes.json"),
    )
    assert done.returncode == FAILED, done.stdout[-4000:] + done.stderr[-4000:]
    told = {name: {} for name in names}
    for identity, law in json.loads((folder / "outcomes.json").read_text()).items():
        file, *rest = identity.split("::")
        name, *place = file.split("/")
        assert place[0] == "exercises"
        told[name][tuple(rest)] = law
    return told


def by_law(results):
    """The laws in a results.json, without their sentences where they hold."""
    return {
        (exercise["name"], law["name"]): (
            {key: law[key] for key in ("status", "score", "max_score")}
            if law["status"] == "pass"
            else law
        )
        for exercise in results["exercises"]
        for law in exercise["laws"]
    }


def test_check_and_pytest_give_the_same_verdict(tmp_path):
    told = by_pytest(TWICE, tmp_path)
    for name in TWICE:
        topics = [file.stem for file in (GOLDEN / name).glob("exercises/*.py")]
        done = run("autograder.cli", "check", *topics, "--json", "--path", GOLDEN / name, cwd=ROOT)
        assert (done.returncode, done.stderr) == (FAILED, "")
        assert by_law(json.loads(done.stdout)) == told[name]


@pytest.mark.slow
def test_grade_and_pytest_give_the_same_verdict_on_all(tmp_path):
    told = by_pytest(sorted(EXPECTED), tmp_path)
    done = run("autograder.cli", "grade", GOLDEN, "--out", tmp_path / "results", cwd=ROOT)
    assert (done.returncode, done.stderr) == (PASSED, "")
    for name in EXPECTED:
        results = json.loads((tmp_path / "results" / name / "results.json").read_text())
        laws = by_law(results)
        assert {key: laws.pop(key) for key in told[name]} == told[name], name
        # pytest says nothing of modules that are not there; `grade` says that.
        assert {law["status"] for law in laws.values()} <= {"not_attempted"}, name
