"""Grading: a class on any pool, each result whole or not at all, and what is done stays done."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path

import pytest

from autograder import jobs
from autograder.course import Course
from autograder.grading import Grading, pool_of, prepare
from autograder.intake import collect
from autograder.isolation.ladder import GraderFault
from autograder.jobs import Terms
from autograder.journal import Journal
from autograder.pools import Here, Processes
from autograder.results import results_json

TOPICS = frozenset({"padding", "convolution", "stride"})
RIGHT = """
def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
    if min(size, kernel, stride, dilation) < 1 or min(padding) < 0:
        raise ValueError
    span = (kernel - 1) * dilation + 1
    if size + sum(padding) < span:
        raise ValueError
    return (size + sum(padding) - span) // stride + 1
"""
WRONG = "def output_size(*a): return 1"


def class_of(folder, **sources):
    for name, text in sources.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "padding.py").write_text(text)
    return folder


@pytest.fixture
def run(tmp_path, quick):
    """`run(folder, out)`: grades all of it, on a pool that is ended afterwards."""
    pools = []

    def graded(folder, out, pool=None, resume=False, **terms):
        terms = Terms(("output_size",), Course(limits=quick), **terms)
        pool = pool or Here(jobs.release)
        pools.append(pool)
        found = collect([folder], TOPICS, tmp_path / "room")
        with Journal(out, resume) as journal:
            running = Grading(found.hand_ins, terms, pool, journal, out, TOPICS)
            seen = [one for one in running if one is not None]
            running.finish()
        return seen

    yield graded
    for pool in pools:
        pool.stop()


def files_of(out):
    """All that must not depend on how it was graded; the journal has a salt and an order."""
    return {
        str(file.relative_to(out)): file.read_bytes()
        for file in sorted(out.rglob("*"))
        if file.is_file() and file.name not in ("timing.json", "journal.jsonl")
    }


def test_every_submission_gets_its_folder(tmp_path, run):
    out = tmp_path / "out"
    seen = run(class_of(tmp_path / "in", alice=RIGHT, bob="x = ("), out)
    assert [(one.summary.name, one.summary.score) for one in seen] == [("alice", 3), ("bob", 0)]
    for name in ("alice", "bob"):
        folder = out / name
        assert {file.name for file in folder.iterdir()} == {
            "report.html",
            "results.json",
            "timing.json",
        }
        timing = json.loads((folder / "timing.json").read_text())
        parts = ("wall", "grader_cpu", "workers_cpu", "reports_cpu")
        assert timing.keys() == {f"{part}_seconds" for part in parts}
        assert all(seconds >= 0 for seconds in timing.values())
        assert (folder / "results.json").stat().st_mode & 0o777 == 0o644
    assert "alice" in (out / "index.html").read_text()


def test_a_result_is_there_as_soon_as_it_is_known(tmp_path, quick):
    found = collect([class_of(tmp_path / "in", alice=RIGHT, bob=RIGHT)], TOPICS, tmp_path / "room")
    terms, out = Terms(("output_size",), Course(limits=quick)), tmp_path / "out"
    with Journal(out, resume=False) as journal:
        running = iter(Grading(found.hand_ins, terms, Here(), journal, out, TOPICS))
        next(running)
        assert (out / "alice" / "results.json").is_file()
        assert not (out / "bob").exists()
    jobs.release()


def test_a_damaged_one_among_a_class_is_graded_as_empty(tmp_path, run):
    folder = class_of(tmp_path / "in", alice=RIGHT)
    (folder / "bob.zip").write_bytes(b"no zip")
    (folder / "carol.ipynb").write_text("no notebook")
    seen = run(folder, tmp_path / "out")
    assert [one.summary.score for one in seen] == [3, 0, 0]
    text = (tmp_path / "out" / "bob" / "results.json").read_text()
    warning = "bob.zip is no readable zip file: File is not a zip file"
    assert json.loads(text)["warnings"] == [warning]
    assert str(tmp_path) not in text
    assert '"not_attempted"' in text


# --- going on


def test_what_is_done_stays_done(tmp_path, run):
    folder, out = class_of(tmp_path / "in", alice=RIGHT, bob=WRONG, carol=RIGHT), tmp_path / "out"
    run(folder, out)
    undisturbed = files_of(out)
    assert [one.before for one in run(folder, out, resume=True)] == [True] * 3
    assert files_of(out) == undisturbed


@pytest.mark.parametrize(
    "harm",
    [
        lambda out: (out / "bob" / "results.json").unlink(),
        lambda out: (out / "bob" / "results.json").write_text("{}"),
        lambda out: (out / "bob" / "report.html").unlink(),
    ],
    ids=["gone", "altered", "page"],
)
def test_what_is_missing_or_altered_is_graded_again(tmp_path, run, harm):
    folder, out = class_of(tmp_path / "in", alice=RIGHT, bob=WRONG), tmp_path / "out"
    run(folder, out)
    undisturbed = files_of(out)
    harm(out)
    assert [one.before for one in run(folder, out, resume=True)] == [True, False]
    assert files_of(out) == undisturbed


def test_who_handed_in_again_is_graded_again(tmp_path, run):
    folder, out = class_of(tmp_path / "in", alice=RIGHT, bob=WRONG), tmp_path / "out"
    run(folder, out)
    (folder / "bob" / "padding.py").write_text(RIGHT)
    seen = run(folder, out, resume=True)
    assert [(one.before, one.summary.score) for one in seen] == [(True, 3), (False, 3)]


@pytest.mark.parametrize("terms", [{"seed": "another"}, {"formats": ("junit",)}, {"kit": None}])
def test_other_terms_grade_everybody_again(tmp_path, run, monkeypatch, terms):
    folder, out = class_of(tmp_path / "in", alice=RIGHT), tmp_path / "out"
    run(folder, out)
    if "kit" in terms:
        monkeypatch.setattr(jobs, "kit", lambda: "another kit")
        terms = {"kit": "another kit"}
    assert [one.before for one in run(folder, out, resume=True, **terms)] == [False]


def test_without_resume_everybody_is_graded(tmp_path, run):
    folder, out = class_of(tmp_path / "in", alice=RIGHT), tmp_path / "out"
    run(folder, out)
    assert [one.before for one in run(folder, out)] == [False]


# --- what goes wrong on our side


class Unlucky(Here):
    """A pool whose process is lost with each of the first jobs."""

    lost = (BrokenExecutor,)

    def __init__(self, times):
        super().__init__(jobs.release)
        self.times = times
        self.begun = 0

    def submit(self, job, *arguments):
        self.begun += 1
        if self.begun > self.times:
            return super().submit(job, *arguments)
        future = Future()
        future.set_exception(BrokenExecutor("killed"))
        return future


def test_a_lost_process_costs_nothing_but_time(tmp_path, run):
    folder = class_of(tmp_path / "in", alice=RIGHT, bob=WRONG)
    run(folder, tmp_path / "calm")
    pool = Unlucky(2)
    run(folder, tmp_path / "out", pool)
    assert pool.begun == 4
    assert files_of(tmp_path / "out") == files_of(tmp_path / "calm")


def test_who_is_lost_three_times_is_told_and_the_rest_is_graded(tmp_path, run):
    folder, out = class_of(tmp_path / "in", alice=WRONG, bob=RIGHT), tmp_path / "out"
    alice, bob = run(folder, out, Unlucky(3))
    assert alice.summary.faults == ("output_size: the process that graded it was ended 3 times",)
    assert alice.summary.score == alice.summary.max_score  # never the student's loss
    assert bob.summary.faults == ()
    # The next run tries again.
    seen = run(folder, out, resume=True)
    assert {one.summary.name: one.before for one in seen} == {"alice": False, "bob": True}
    assert not any(one.summary.faults for one in seen)


def test_a_fault_of_the_engine_stops_nobody_else(tmp_path, run, monkeypatch):
    folder = class_of(tmp_path / "in", alice=RIGHT, bob=RIGHT)
    judged = jobs.Engine.verdict

    def broken(engine, submission, exercises):
        if submission.name == "alice":
            raise RuntimeError("out of ideas")
        return judged(engine, submission, exercises)

    monkeypatch.setattr(jobs.Engine, "verdict", broken)
    alice, bob = run(folder, tmp_path / "out")
    assert alice.summary.faults == ("output_size: RuntimeError: out of ideas",)
    assert (bob.summary.faults, bob.summary.score) == ((), 3)


def test_a_server_that_dies_is_replaced(tmp_path, run, monkeypatch):
    folder = class_of(tmp_path / "in", alice=RIGHT)
    ended = []
    judged = jobs.Engine.verdict

    def unlucky(engine, submission, exercises):
        if not ended:
            ended.append(engine.server)
            engine.server.close()
        return judged(engine, submission, exercises)

    monkeypatch.setattr(jobs.Engine, "verdict", unlucky)
    (alice,) = run(folder, tmp_path / "out")
    assert ended
    assert (alice.summary.faults, alice.summary.score) == ((), 3)


def test_a_fault_is_the_graders_in_every_law(tmp_path, submit):
    terms = Terms(("output_size", "relu"))
    verdict = jobs.failed(terms, submit("alice"), str(GraderFault("no")))
    assert [exercise.name for exercise in verdict.exercises] == ["output_size", "relu"]
    assert verdict.score == verdict.max_score
    assert json.loads(results_json(verdict))["seed"] == "public"


# --- on several processes

SAMPLE = (
    "right-loops",
    "wrong-conv-flipped-kernel",
    "wrong-maxpool-over-channels",
    "wrong-conv-backward-dx-overwritten",
    "broken-segfault",
    "half-finished",
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["public", "only the staff know"])
def test_one_process_and_two_give_the_same_bytes(tmp_path, run, quick, seed):
    folder = class_of(
        tmp_path / "in", **{f"s{i}": (RIGHT, WRONG, "x = (")[i % 3] for i in range(7)}
    )
    run(folder, tmp_path / "one", seed=seed)
    pool = pool_of(2)
    assert isinstance(pool, Processes)
    level = prepare(Terms(("output_size",), Course(limits=quick), seed=seed), pool)
    assert level in ("weak", "medium", "strong")
    run(folder, tmp_path / "two", pool, seed=seed)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_no_term_shows_the_seed():
    assert "staff" not in repr(Terms(seed="only the staff know"))
    assert "staff" not in json.dumps(Terms(seed="only the staff know").to_json(), default=str)


@pytest.mark.slow
def test_results_are_the_same_bytes_on_a_busy_machine_too(golden, tmp_path):
    """Alone, and twice at once beside three endless loops: two processes for every core."""

    def start(name):
        # The command lies beside the interpreter.
        command = [str(Path(sys.executable).with_name("autograder")), "grade"]
        command += [str(golden / submission) for submission in SAMPLE]
        command += ["--out", str(tmp_path / name)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    assert start("alone").wait() == 0
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        assert [run.wait() for run in [start("first"), start("second")]] == [0, 0]
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert files_of(tmp_path / "alone") == files_of(tmp_path / "first")
    assert files_of(tmp_path / "alone") == files_of(tmp_path / "second")
