"""The command: its exit codes, its sentences, what it writes and where."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import typer
from typer.testing import CliRunner

from autograder import __version__, catalog, cli
from autograder.bank import CACHE_VARIABLE
from autograder.cli import app
from autograder.engine import Engine
from autograder.isolation import ladder, parent
from autograder.shell import FAILED, FAULT, PASSED, USAGE

RIGHT = "import numpy as np\n\ndef relu(x):\n    return np.maximum(x, x.dtype.type(0)) * 1.0\n"
RELU = """
import numpy as np


def relu(x):
    x = x if x.dtype.kind == "f" else x.astype(float)
    return np.where(x < 0, x.dtype.type(0), x)
"""
LEAKY = RELU.replace("x.dtype.type(0), x", "x * x.dtype.type(0.01), x")
ROOT = Path(__file__).resolve().parents[2]
SECRET = "only the staff know these words"


def autograder(*arguments):
    """The command, in this process; it never breaks off with a traceback."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def command(*arguments):
    """The command as a process of its own."""
    return [sys.executable, "-m", "autograder.cli", *map(str, arguments)]


def process(*arguments, cwd=None, **environment):
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def write(folder, **sources):
    """Modules in `folder`/exercises."""
    place = folder / "exercises"
    place.mkdir(parents=True)
    for name, text in sources.items():
        (place / f"{name}.py").write_text(text)
    return folder


# --- results.json, as the design page promises it

LAW = {"name", "says", "status", "score", "max_score"}
MAYBE = {"message", "misconception", "advice", "pattern", "formula", "counterexample"}
EXAMPLE = {
    *("arguments", "yours", "expected", "where", "index", "working", "steps", "written"),
    "snippet",
}
STATUSES = {
    *("pass", "fail", "error", "timeout", "memory", "crash", "forbidden"),
    *("not_attempted", "not_run", "grader_fault"),
}


def check_shape(text):
    """Assert that a results.json keeps the contract; its content."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    results = json.loads(text, parse_constant=refuse)
    assert results.keys() == {
        *("schema", "submission", "score", "max_score", "seed", "kit", "isolation"),
        *("warnings", "exercises", "tests"),
    }
    assert results["schema"] == "autograder/results/1"
    assert results["seed"] in ("public", "secret")
    assert results["kit"] == __version__
    assert isinstance(results["submission"], str)
    assert all(isinstance(warning, str) for warning in results["warnings"])
    assert results["isolation"].keys() == {"level", "mechanisms"}
    assert results["isolation"]["level"] in ("strong", "medium", "weak")
    assert all(isinstance(name, str) for name in results["isolation"]["mechanisms"])
    check_scores(results, results["exercises"])
    for exercise in results["exercises"]:
        assert exercise.keys() == {"name", "topic", "score", "max_score", "laws"}
        check_scores(exercise, exercise["laws"])
        for law in exercise["laws"]:
            check_law(law)
    check_scores(results, results["tests"])
    laws = [(e["name"], law) for e in results["exercises"] for law in e["laws"]]
    for (name, law), test in zip(laws, results["tests"], strict=True):
        assert test.keys() == {"name", "score", "max_score", "status", "output", "visibility"}
        assert test["name"] == f"{name}: {law['says']}"
        assert (test["score"], test["max_score"]) == (law["score"], law["max_score"])
        assert test["status"] == ("passed" if law["status"] == "pass" else "failed")
        assert test["visibility"] == "visible"
        assert law.get("message", "") in test["output"]
    return results


def check_scores(whole, parts):
    for part in (whole, *parts):
        assert type(part["score"]) is type(part["max_score"]) is float
        assert math.isfinite(part["max_score"])
        assert 0 <= part["score"] <= part["max_score"]
    assert whole["score"] == sum(part["score"] for part in parts)
    assert whole["max_score"] == sum(part["max_score"] for part in parts)


def check_law(law):
    assert law.keys() >= LAW
    assert law.keys() <= LAW | MAYBE
    assert law["status"] in STATUSES
    full = law["status"] in ("pass", "grader_fault")
    assert law["score"] == (law["max_score"] if full else 0)
    for key in ("name", "says", "message", "misconception"):
        assert isinstance(law.get(key, ""), str)
    example = law.get("counterexample")
    if example is not None:
        assert law["status"] not in ("pass", "not_attempted", "not_run")
        assert example.keys() == EXAMPLE
        assert all(isinstance(example[key], str) for key in ("where", "working", "snippet"))
        for value in (*example["arguments"].values(), example["yours"], example["expected"]):
            if isinstance(value, dict) and "dtype" in value:
                assert value.keys() - {"cut", "written"} == {"shape", "dtype", "values"}
                cells = math.prod(value["shape"])
                assert len(value["values"]) == cells - value.get("cut", 0)


# --- check


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """A student's folder: ReLU is leaky, padding is not begun."""
    folder = tmp_path_factory.mktemp("student")
    return write(folder, activation=LEAKY, padding="")


def test_all_is_well(tmp_path):
    write(tmp_path, activation=RELU)
    done = autograder("check", "relu", "--path", tmp_path)
    assert (done.exit_code, done.stderr) == (PASSED, "")
    assert "2 of 2 points" in done.stdout


def test_something_failed(student):
    done = autograder("check", "relu", "--path", student)
    assert (done.exit_code, done.stderr) == (FAILED, "")
    assert "0.5 of 2 points" in done.stdout
    assert "The smallest input found that shows it" in done.stdout
    assert "autograder check relu" in done.stdout.splitlines()[-2]


@pytest.fixture(scope="module")
def shipped(root):
    """`check` on the stubs as they are shipped."""
    return process("check", "--json", cwd=root)


def test_the_stubs_are_not_attempted(shipped):
    assert (shipped.returncode, shipped.stderr) == (FAILED, "")
    results = check_shape(shipped.stdout)
    assert (results["submission"], results["score"]) == ("exercises", 0)
    assert [e["name"] for e in results["exercises"]] == [e.name for e in catalog.exercises()]
    assert {law["status"] for e in results["exercises"] for law in e["laws"]} == {"not_attempted"}


def test_the_stubs_have_a_line_each(root, monkeypatch):
    monkeypatch.chdir(root)
    done = autograder("check", "activation", "padding")
    assert done.exit_code == FAILED
    for exercise in catalog.select(["activation", "padding"]):
        assert re.search(rf"^  ·  {exercise.name} +0 of ", done.stdout, re.M)
    assert "In all 0 of 18 points" in done.stdout
    assert done.stdout.splitlines()[-2].startswith("Next:  autograder check output_size")


def test_json_keeps_the_contract(tmp_path):
    source = (
        f"{LEAKY}\n\ndef softmax(x):\n    import scipy\n\n\n"
        "def cross_entropy(logits, labels):\n    raise OverflowError(labels)\n"
    )
    write(tmp_path / "emma", activation=source)
    done = autograder("check", "activation", "--json", "--path", tmp_path / "emma")
    assert done.exit_code == FAILED
    results = check_shape(done.stdout)
    assert (results["submission"], results["seed"]) == ("emma", "public")
    found = {e["name"]: {law["status"] for law in e["laws"]} for e in results["exercises"]}
    assert found["relu"] == {"fail", "pass", "not_run"}
    assert "forbidden" in found["softmax"]
    assert "error" in found["cross_entropy"]
    assert any("counterexample" in law for law in results["exercises"][0]["laws"])


@pytest.mark.parametrize(
    ("where", "damage"),
    [
        ((), {"score": 1.0}),
        ((), {"schema": "autograder/results/2"}),
        ((), {"extra": 1}),
        (("exercises", 0), {"max_score": math.nan}),
        (("exercises", 0, "laws", 0), {"status": "passed"}),
        (("exercises", 0, "laws", 0), {"score": 0}),
        (("tests", 0), {"visibility": "hidden"}),
        (("isolation",), {"level": "none"}),
    ],
    ids=lambda part: "-".join(map(str, part)),
)
def test_the_contract_can_be_broken(shipped, where, damage):
    """The check above would notice."""
    results = json.loads(shipped.stdout)
    place = results
    for key in where:
        place = place[key]
    place.update(damage)
    with pytest.raises(AssertionError):
        check_shape(json.dumps(results))


def test_all_findings_are_shown_if_asked_for(student):
    first = autograder("check", "relu", "--path", student).stdout
    every = autograder("check", "relu", "--path", student, "--all").stdout
    assert "--all shows them" in first
    assert "--all" not in every
    assert every.count("The smallest input found") == 2 > first.count("The smallest input found")


def test_the_explanation_comes_in_steps(student):
    options = [], ["--hint"], ["--explain"], ["--hint", "--explain"]
    symptom, hint, explanation, both = (
        autograder("check", "relu", "--path", student, *option).stdout for option in options
    )
    assert "autograder check relu --hint" in symptom
    assert "leaky" not in symptom
    assert "autograder check relu --explain" in hint
    assert "leaky" in hint
    assert "step by step\n" not in hint
    assert "step by step\n" in explanation == both


def test_the_folder_need_not_be_named(student, monkeypatch):
    """Neither beside the exercises, nor among them."""
    answers = []
    for folder in (student, student / "exercises"):
        monkeypatch.chdir(folder)
        done = autograder("check", "relu", "--json")
        assert done.exit_code == FAILED
        answers.append(done.stdout)
    assert answers[0] == answers[1]


def test_a_file_or_a_zip_may_be_checked(student, tmp_path):
    (tmp_path / "mine.py").write_text(LEAKY)
    (tmp_path / "mine.ipynb").write_text(notebook(LEAKY))
    shutil.make_archive(str(tmp_path / "mine"), "zip", student)
    laws = []
    for suffix in ("py", "ipynb", "zip"):
        done = autograder("check", "relu", "--json", "--path", tmp_path / f"mine.{suffix}")
        results = check_shape(done.stdout)
        assert results["submission"] == "mine"
        laws.append(
            [(law["status"], law.get("misconception")) for law in results["exercises"][0]["laws"]]
        )
    assert laws[0] == laws[1] == laws[2]
    assert ("fail", "leaky_relu") in laws[0]


@pytest.mark.parametrize("name", ["half-finished", "broken-prints-a-lot", "broken-huge-array"])
def test_every_line_fits_into_80_columns(golden, name):
    done = autograder("check", "padding", "convolve2d", "--all", "--path", golden / name)
    assert done.exit_code == FAILED
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


# --- wrong arguments


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with all that can be wrong about a path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "text.zip").write_text("no zip at all")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "bad.ipynb").write_text("{}")
    write(tmp_path / "one" / "alice", activation=RELU)
    write(tmp_path / "two" / "alice", activation=RELU)
    shutil.make_archive("nothing", "zip", tmp_path / "empty")
    return tmp_path


OUT = ("--out", "results")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check"], "there is no exercises"),
        (["check", "--path", "nowhere"], "there is no nowhere"),
        (["check", "--path", "empty"], "empty holds no module such as activation.py"),
        (["check", "--path", "nothing.zip"], "nothing.zip holds no module such as activation.py"),
        (["check", "--path", "damaged.zip"], "damaged.zip is no readable zip file"),
        (["check", "--path", "text.zip"], "text.zip is no readable zip file"),
        (["check", "--path", "bad.ipynb"], "bad.ipynb is no readable notebook"),
        (["check", "--path", "notes.txt"], "notes.txt is no submission: a folder, .zip, .py or"),
        (["check", "conv2"], "'conv2' is no exercise and no topic; did you mean conv2d?"),
        (["check", "Pooling"], "'Pooling' is no exercise and no topic; did you mean pooling?"),
        (["check", "xyzzy"], "'xyzzy' is no exercise and no topic; see them all in README.md"),
        (["check", "\x1b[31mrelu"], r"'\x1b[31mrelu' is no exercise and no topic"),
        (["grade", "nowhere", *OUT], "there is no nowhere"),
        (["grade", "empty", *OUT], "empty holds no submission"),
        (["grade", "damaged.zip", *OUT], "damaged.zip is no readable zip file"),
        (["grade", "one", "--only", "relus", *OUT], "no topic; did you mean relu?"),
        (["grade", "one", "two", *OUT], "2 submissions are called alice; rename all but one"),
        (["grade", "one", "--out", "notes.txt"], "cannot write to notes.txt: File exists"),
        (["grade", "one", "--out", "notes.txt/results"], "cannot write to notes.txt/results: "),
        (["bench", "overhead", "--golden", "nowhere"], "there is no folder nowhere"),
    ],
    ids=lambda part: re.sub(r"\W+", "-", " ".join(part)) if isinstance(part, list) else "",
)
def test_a_wrong_argument_is_one_sentence(desk, arguments, sentence):
    done = autograder(*arguments)
    assert done.exit_code == USAGE
    assert done.stdout == ""
    assert re.fullmatch(r"autograder: [^\n]*\n", done.stderr)
    assert sentence in done.stderr
    assert not (desk / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Usage: "),
        (["chekc"], "Did you mean 'check'?"),
        (["check", "--everything"], "No such option: --everything"),
        (["check", "--path"], "requires an argument"),
        (["grade"], "Missing argument"),
        (["grade", "one"], "Missing option '--out'"),
        (["grade", "one", *OUT, "--require-isolation", "best"], "'best' is not one of"),
    ],
    ids=lambda part: re.sub(r"\W+", "-", " ".join(part)) if isinstance(part, list) else "",
)
def test_a_wrong_command_line_is_wrong_usage(desk, arguments, sentence):
    done = autograder(*arguments)
    assert done.exit_code == USAGE
    assert sentence in done.output
    assert not (desk / "results").exists()


def test_an_isolation_that_cannot_be_had(desk, monkeypatch):
    def unavailable(level):
        return "needs another machine" if level == "strong" else None

    monkeypatch.setattr(ladder, "unavailable", unavailable)
    done = autograder("grade", "one", *OUT, "--require-isolation", "strong")
    assert done.exit_code == USAGE
    assert done.stderr == (
        "autograder: isolation strong cannot be had here: strong: needs another machine\n"
    )
    assert not (desk / "results").exists()


# --- our own faults


def refused(*arguments):
    raise ladder.GraderFault("no worker today")


def test_a_fault_of_ours_has_an_exit_code_of_its_own(desk, monkeypatch):
    monkeypatch.setattr(parent, "Worker", refused)
    done = autograder("check", "relu", "--path", "one/alice")
    assert done.exit_code == FAULT
    told = "autograder: the grader itself failed at {}relu: GraderFault: no worker today\n"
    assert done.stderr == told.format("")
    assert "2 of 2 points" in done.stdout
    done = autograder("grade", "one", *OUT, "--only", "relu")
    assert done.exit_code == FAULT
    assert done.stderr == told.format("alice: ")
    results = check_shape((desk / "results/alice/results.json").read_text())
    assert results["score"] == results["max_score"]
    assert {law["status"] for law in results["exercises"][0]["laws"]} == {"grader_fault"}


@pytest.mark.parametrize(
    ("error", "code", "last"),
    [
        (RuntimeError("out of ideas"), FAULT, "autograder: the grader itself failed: out of ideas"),
        (ladder.GraderFault("no"), FAULT, "autograder: the grader itself failed: no"),
        (ImportError("the core is not built"), FAULT, "autograder: the core is not built"),
        (OSError(errno.ENOSPC, "No space"), FAULT, "autograder: the grader itself failed: "),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Exception) else "",
)
def test_what_nobody_thought_of_is_our_fault(desk, monkeypatch, capsys, error, code, last):
    def broken(*arguments, **settings):
        raise error

    monkeypatch.setattr(Engine, "of", broken)
    monkeypatch.setattr(sys, "argv", ["autograder", "check", "relu", "--path", "one/alice"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert capsys.readouterr().err.splitlines()[-1].startswith(last)


def test_a_reader_who_leaves_is_no_fault(student):
    with subprocess.Popen(
        command("check", "relu", "--path", student, "--all"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        running.stdout.close()
        told = running.stderr.read()
    assert running.returncode == FAILED
    assert told == ""


# --- grade


def notebook(*cells):
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Hello"]}, *code]})


CLASS = ("alice", "bob", "carol", "dora", "emil", "fred", "gina")


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A class: everybody hands in differently."""
    folder = tmp_path_factory.mktemp("room") / "submissions"
    write(folder / "alice", activation=RELU)
    write(folder / "bob", activation=LEAKY)
    shutil.make_archive(str(folder / "bob"), "zip", folder / "bob")
    shutil.rmtree(folder / "bob")
    (folder / "carol.py").write_text(RELU)
    (folder / "dora.ipynb").write_text(notebook("%matplotlib inline\n", RELU, "relu(3)"))
    (folder / "emil.zip").write_bytes((folder / "bob.zip").read_bytes()[:-30])
    (folder / "fred").mkdir()
    (folder / "fred" / "activation.py").write_text(LEAKY)
    write(folder / "gina" / "kit", activation=RELU)
    (folder / "gina" / "kit" / "exercises").rename(folder / "gina" / "work")
    (folder / "notes.txt").write_text("no submission")
    write(folder / ".trash", activation=RELU)
    return folder


ONLY = ("--only", "relu", "--seed", SECRET)


@pytest.fixture(scope="module")
def graded(room):
    """The class, graded with a secret seed."""
    cache = room.parent / "cache"
    done = process("grade", room, *ONLY, *OUT, cwd=room.parent, **{CACHE_VARIABLE: str(cache)})
    assert (done.returncode, done.stderr) == (PASSED, "")
    return done


@pytest.fixture(scope="module")
def results(room, graded):
    """Each submission's results."""
    graded = (room.parent / "results").iterdir()
    folders = [folder for folder in graded if folder.is_dir() and folder.name != ".journal"]
    texts = {folder.name: (folder / "results.json").read_text() for folder in folders}
    return {name: check_shape(text) for name, text in sorted(texts.items())}


def test_everybody_is_graded(room, graded, results):
    assert tuple(results) == CLASS
    assert [results[name]["submission"] for name in CLASS] == list(CLASS)
    points = {name: results[name]["score"] for name in CLASS}
    assert points == dict(alice=2, bob=0.5, carol=2, dora=2, emil=0, fred=0.5, gina=2)
    for name in CLASS:
        assert sorted(file.name for file in (room.parent / "results" / name).iterdir()) == [
            "report.html",
            "results.json",
            "timing.json",
        ]
        timing = json.loads((room.parent / "results" / name / "timing.json").read_text())
        assert timing.keys() >= {"wall_seconds"}
        assert all(seconds >= 0 for seconds in timing.values())


def test_the_class_has_a_line_each_and_a_page(room, graded):
    lines = graded.stdout.splitlines()
    # In the order in which they were ready.
    assert sorted(line.split()[0] for line in lines[: len(CLASS)]) == list(CLASS)
    assert "Note: left out, for it is no module, notebook or zip file: notes.txt" in lines
    assert f"{'alice':<30}     2 of 2  1 of 1 attempted pass" in lines
    assert lines[-1] == f"{len(CLASS)} graded; the page for the class is results/index.html"
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in graded.stdout
    page = (room.parent / "results" / "index.html").read_text(encoding="utf-8")
    assert all(name in page for name in CLASS)


def test_the_pages_can_be_made_anew(room, graded):
    folder = room.parent / "results"
    names = ["index.html", "grades.csv", *(f"{name}/report.html" for name in CLASS)]
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    done = process("report", "results", "--format", "junit", cwd=room.parent)
    assert (done.returncode, done.stderr) == (PASSED, "")
    assert {name: (folder / name).read_bytes() for name in names} == before
    for name in CLASS:
        (folder / name / "junit.xml").unlink()


def test_a_report_of_what_is_no_results(desk):
    (desk / "results" / "alice").mkdir(parents=True)
    (desk / "results" / "alice" / "results.json").write_text("old")
    for arguments, told in (
        (("results",), "results/alice/results.json is no JSON"),
        (("none",), "there is no folder none"),
        (("results", "--format", "github"), "needs the students' sources"),
    ):
        done = autograder("report", *arguments)
        assert done.exit_code == USAGE
        assert told in done.output
        assert done.output.count("\n") == 1


def test_a_damaged_zip_does_not_stop_the_others(results):
    assert results["emil"]["score"] == 0
    (warning,) = results["emil"]["warnings"]
    assert warning.startswith("emil.zip is no readable zip file")
    assert all(results[name]["warnings"] == [] for name in CLASS if name != "emil")


def test_the_secret_is_told_nowhere(room, graded, results):
    assert {result["seed"] for result in results.values()} == {"secret"}
    assert any("counterexample" in law for law in results["bob"]["exercises"][0]["laws"])
    written = [file for file in room.parent.rglob("*") if file.is_file()]
    assert {"results.json", "timing.json", "index.html"} <= {file.name for file in written}
    for word in (SECRET, SECRET.split()[2], SECRET.replace(" ", "")):
        assert word not in graded.stdout + graded.stderr
        for file in written:
            assert word not in str(file)
            assert word.encode() not in file.read_bytes(), file


def test_the_same_bytes_one_by_one_and_elsewhere(room, graded, tmp_path):
    """A second run, by another command line in another folder, writes the same results."""
    # Emil's is damaged, and by itself wrong usage; Gina's could be a class with a student `work`.
    others = [name for name in CLASS if name not in ("emil", "gina")]
    named = [path for path in room.iterdir() if path.stem in others]
    done = process("grade", *sorted(named, reverse=True), *ONLY, "--out", "again", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (PASSED, "")
    for path in named:
        first = room.parent / "results" / path.stem / "results.json"
        again = tmp_path / "again" / path.stem / "results.json"
        assert first.read_bytes() == again.read_bytes(), path.stem


def test_grading_again_replaces_the_results(desk):
    (desk / "results" / "alice").mkdir(parents=True)
    (desk / "results" / "alice" / "results.json").write_text("old")
    (desk / "results" / "kept").mkdir()
    done = autograder("grade", "one", *OUT, "--only", "relu")
    assert done.exit_code == PASSED
    assert check_shape((desk / "results/alice/results.json").read_text())["score"] == 2
    assert (desk / "results" / "kept").is_dir()


# --- breaking off

SLEEPS = "import time\n\ntime.sleep(600)\n\n\ndef relu(x):\n    return x\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_whoever_breaks_off_leaves_whole_results(tmp_path, number):
    room = tmp_path / "room"
    write(room / "first", activation=RELU)
    write(room / "second", activation=SLEEPS)
    out = tmp_path / "results"
    running = subprocess.Popen(
        command("grade", room, "--out", out, "--only", "relu"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    with running:
        deadline = time.monotonic() + 60
        while not (out / "first" / "results.json").exists():
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.2)  # the second one sleeps by now, or will soon
        children = psutil.Process(running.pid).children(recursive=True)
        assert children
        running.send_signal(number)
        _, told = running.communicate(timeout=30)
    assert running.returncode == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in told
    check_shape((out / "first" / "results.json").read_text())
    written = sorted(str(file.relative_to(out)) for file in out.rglob("*") if file.is_file())
    page_and_results = ["first/report.html", "first/results.json", "first/timing.json"]
    assert written == [".journal/journal.jsonl", *page_and_results]
    left = psutil.wait_procs(children, timeout=10)[1]
    assert left == []


# --- who watches


def watched(*arguments, on=("stdout", "stderr"), **environment):
    """The command with a pseudo-terminal as standard output or error; both texts."""
    master, slave = pty.openpty()
    streams = {name: slave if name in on else subprocess.PIPE for name in ("stdout", "stderr")}
    surroundings = {**os.environ, "TERM": "xterm-256color", **environment}
    seen = bytearray()

    def watch():
        # Linux says EIO when the last writer has gone.
        with contextlib.suppress(OSError):
            while data := os.read(master, 4096):
                seen.extend(data)

    with subprocess.Popen(command(*arguments), env=surroundings, **streams) as running:
        os.close(slave)
        watcher = threading.Thread(target=watch)
        watcher.start()
        piped = running.stdout or running.stderr
        rest = piped.read() if piped else b""
        watcher.join(60)
    os.close(master)
    return seen.decode(), rest.decode()


COLOUR = re.compile(r"\x1b\[[\d;]*[1-9][\d;]*m")


def test_colours_and_progress_where_somebody_watches(student):
    seen, _ = watched("check", "activation", "--path", student)
    assert COLOUR.search(seen)
    assert "softmax" in seen
    # The progress is drawn over, and gone in the end.
    assert re.search(r"relu.{0,99}0/3", seen)
    assert "\x1b[2K" in seen
    plain = autograder("check", "activation", "--path", student).stdout
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", seen).replace("\r\n", "\n")
    assert shown.endswith(plain)


def test_progress_alone_where_the_output_goes_elsewhere(student):
    seen, output = watched("check", "activation", "--path", student, "--json", on=("stderr",))
    assert "0/3" in seen
    check_shape(output)


def test_one_function_needs_no_progress_and_nobody_needs_colours(student):
    seen, _ = watched("check", "relu", "--path", student, NO_COLOR="1")
    assert "smallest input" in seen
    assert "0/1" not in seen
    assert "\x1b[2K" not in seen
    assert not re.search(r"\x1b\[[\d;]*3[0-7][\d;]*m", seen)


def test_a_class_is_watched_too(room, tmp_path):
    seen, _ = watched("grade", room, "--only", "relu", "--out", tmp_path / "results")
    assert f"0/{len(CLASS)}" in seen
    assert f"{len(CLASS)} graded" in seen


# --- formats


def test_formats_are_written_beside_the_results(tmp_path, monkeypatch):
    (tmp_path / "alice.py").write_text(LEAKY)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    names = ("classroom", "github", "gitlab", "gradescope", "junit", "markdown")
    wanted = [word for name in names for word in ("--format", name)]
    done = autograder(
        "grade", tmp_path / "alice.py", *wanted, *("--only", "relu", "--out", tmp_path)
    )
    assert done.exit_code == PASSED
    files = {file.name for file in (tmp_path / "alice").iterdir()}
    written = {"classroom.txt", "gradescope.json", "junit.xml", "summary.md"}
    assert files == {"report.html", "results.json", "timing.json"} | written
    summary = (tmp_path / "alice" / "summary.md").read_text()
    assert (tmp_path / "summary.md").read_text() == summary
    assert "| `relu` | " in summary
    assert "\n::error file=exercises/activation.py,line=" in done.output


def test_a_job_has_a_summary_only_in_github(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    (tmp_path / "alice.py").write_text(RIGHT)
    done = autograder("grade", tmp_path / "alice.py", "--format", "github", "--out", tmp_path / "o")
    assert done.exit_code == USAGE
    assert "GITHUB_STEP_SUMMARY is not set here" in done.output
    assert not (tmp_path / "o").exists()


# --- lessons


def test_the_lessons_are_built(tmp_path):
    done = autograder("lessons", tmp_path / "built", "--exercises", ROOT / "exercises")
    assert done.exit_code == PASSED
    notebooks = sorted(file.stem for file in (tmp_path / "built").glob("*.ipynb"))
    assert notebooks == [*(f"{t.lesson:02}_{t.name}" for t in catalog.topics()), "11_capstone"]


def test_without_lessons_a_sentence_says_so(tmp_path):
    done = autograder("lessons", tmp_path / "built", "--exercises", tmp_path)
    assert done.exit_code == USAGE
    assert "holds no lessons; run this in a checkout of the kit" in done.output
    assert not (tmp_path / "built").exists()


# --- what the command says about itself


def commands(group, path=()):
    """Every command and its path: `check`, `bench overhead`."""
    yield path, group
    for name, inner in getattr(group, "commands", {}).items():
        yield from commands(inner, (*path, name))


def test_help_mentions_every_option():
    told = {}
    for path, inner in commands(typer.main.get_command(app)):
        done = autograder(*path, "--help")
        assert done.exit_code == PASSED
        assert done.stdout == autograder(*path, "-h").stdout
        assert max(map(len, done.stdout.splitlines())) <= 80
        words = set(re.findall(r"--?[a-z][\w-]*|\w+", done.stdout))
        for parameter in inner.params:
            assert set(parameter.opts) <= words | {parameter.name}, (path, parameter.name)
        told[path] = words
    assert told[("check",)] >= {"NAME", "--path", "--all", "--json", "exercises"}
    assert told[("grade",)] >= {"PATH", "--out", "--only", "--seed", "--require-isolation"}
    assert told[()] >= {"check", "grade", "doctor", "--version"}


def test_the_version():
    done = autograder("--version")
    assert (done.exit_code, done.stdout) == (PASSED, f"autograder {__version__}\n")
