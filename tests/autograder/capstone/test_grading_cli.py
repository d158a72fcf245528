"""`capstone secret`, `grade` and `leaderboard`: exit codes, sentences, what they write and show."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import pty
import re
import shlex
import shutil
import stat
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from autograder.capstone import data
from autograder.capstone.exam import Exam
from autograder.capstone.examiner import Examiner
from autograder.cli import app
from autograder.digits import digits
from autograder.isolation import ladder
from autograder.shell import FAULT, PASSED, USAGE

SEED = "only the staff know these words"


def capstone(*arguments):
    done = CliRunner().invoke(app, ["capstone", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def sentence(done):
    """What a wrong command says, in one line."""
    assert done.exit_code == USAGE
    assert done.stdout == ""
    assert re.fullmatch(r"autograder: [^\n]*\n", done.stderr)
    return done.stderr


# --- secret


def few(first, last):
    return tuple(array[first:last] for array in digits())


@pytest.fixture
def mnist(monkeypatch):
    """Some of the kit's own digits take the place of MNIST, as if all of it were there."""

    def load(path=None, complete=False, tell=None):
        assert complete
        if path is not None:
            raise data.NoData(f"{path} cannot be used: nothing there")
        return data.Mnist(*few(40, 600), *few(0, 40), "here")

    monkeypatch.setattr(data, "load", load)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("mnist")
def test_an_exam_is_made_that_only_its_owner_may_read(desk):
    done = capstone("secret", "class.exam")
    assert (done.exit_code, done.stderr) == (PASSED, "")
    assert stat.S_IMODE((desk / "class.exam").stat().st_mode) == 0o600
    made = Exam.load(desk / "class.exam")
    assert (len(made.images), len(made.tasks)) == (40, 2)
    assert not made.practice
    assert len(made.seed) == 32
    assert made.seed not in done.stdout
    for words in ("40 private digits", "spoilt", "repository", "--secret class.exam"):
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert capstone("secret", "other.exam").exit_code == PASSED
    assert Exam.load(desk / "other.exam").fingerprint != made.fingerprint


@pytest.mark.usefixtures("mnist")
def test_the_same_seed_makes_the_same_exam(desk):
    for name in ("one", "two"):
        assert capstone("secret", name, "--seed", SEED).stderr == ""
    assert Exam.load(desk / "one").fingerprint == Exam.load(desk / "two").fingerprint
    done = capstone("secret", "three", "--seed", "short")
    assert done.exit_code == PASSED
    assert "a seed of 5 characters might be guessed" in done.stderr


@pytest.mark.usefixtures("mnist")
def test_an_exam_is_never_overwritten(desk):
    (desk / "class.exam").write_text("grades hang on it")
    assert "class.exam is there already" in sentence(capstone("secret", "class.exam"))
    assert (desk / "class.exam").read_text() == "grades hang on it"


@pytest.mark.usefixtures("mnist")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none/class.exam"], "there is no folder none"),
        (["e", "--seed", ""], "--seed '' is no secret"),
        (["e", "--seed", "practice"], "--seed 'practice' is no secret"),
        (["e", "--path", "mnist.npz"], "mnist.npz cannot be used: nothing there"),
    ],
)
def test_a_wrong_argument_of_secret_is_one_sentence(desk, arguments, words):
    assert words in sentence(capstone("secret", *arguments))
    assert list(desk.iterdir()) == []


@pytest.mark.usefixtures("mnist")
def test_an_exam_does_not_lie_where_git_would_take_it_along(desk):
    subprocess.run(["git", "init", "--quiet", desk], check=True)
    (desk / "exams").mkdir()
    told = sentence(capstone("secret", "exams/class.exam"))
    assert "would lie in the git repository" in told
    assert ".gitignore" in told
    assert list((desk / "exams").iterdir()) == []
    (desk / ".gitignore").write_text("*.exam\n")
    assert capstone("secret", "exams/class.exam").exit_code == PASSED


@pytest.mark.usefixtures("mnist")
def test_without_git_a_repository_is_seen_nevertheless(desk, monkeypatch):
    (desk / ".git").mkdir()
    monkeypatch.setenv("PATH", "")
    assert "would lie in the git repository" in sentence(capstone("secret", "class.exam"))


@pytest.mark.usefixtures("mnist")
def test_a_full_disk_leaves_no_half_of_an_exam(desk, monkeypatch):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("autograder.capstone.exam.os.fdopen", lambda *arguments: Full())
    assert "cannot write class.exam: No space left" in sentence(capstone("secret", "class.exam"))
    assert list(desk.iterdir()) == []


# --- grade


@pytest.fixture(scope="module")
def exam(tmp_path_factory):
    """A small exam in a file."""
    file = tmp_path_factory.mktemp("exam") / "class.exam"
    Exam.of(few(0, 60), SEED, few(60, 700)).save(file)
    return file


@pytest.fixture
def room(desk, kit):
    """Hand-ins: a model, one that is refused, none, and a name that a spreadsheet would compute."""
    folder = desk / "room"
    for name in ("ada", "lambda", "none", "=1+1"):
        (folder / name).mkdir(parents=True)
    (folder / "ada" / "digits.keras").write_bytes(kit.keras_file())
    (folder / "=1+1" / "digits.keras").write_bytes(kit.keras_file())
    lambda_ = kit.keras_file(kit.sequential(kit.layer("Lambda")))
    (folder / "lambda" / "digits.keras").write_bytes(lambda_)
    return folder


def test_a_class_is_graded(room, exam, desk):
    done = capstone("grade", room, "--secret", exam, "--out", "results")
    assert (done.exit_code, done.stderr) == (PASSED, "")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[:4]] == ["=1+1", "ada", "lambda", "none"]
    assert "% right" in lines[1]
    assert "the model has a layer Lambda" in lines[2]
    assert "there is no digits.keras" in lines[3]
    assert lines[-1] == "4 graded; the page for the class is results/index.html"
    assert "Isolation: " in lines[-2]
    assert "Practice" not in done.stdout
    out = desk / "results"
    assert {file.name for file in out.iterdir()} == {
        *("=1+1", "ada", "lambda", "none", "index.html", "leaderboard.csv")
    }
    results = json.loads((out / "ada" / "results.json").read_text())
    assert (results["seed"], results["measured"]["digits"]) == ("secret", 60)
    assert "measured" not in json.loads((out / "none" / "results.json").read_text())
    for file in out.rglob("*.*"):
        text = file.read_text()
        assert SEED not in text, file
        assert str(desk) not in text, file
    rows = [*csv.DictReader(io.StringIO((out / "leaderboard.csv").read_text()))]
    assert sorted(row["name"] for row in rows) == ["'=1+1", "ada", "lambda", "none"]
    assert {row["exam"] for row in rows} == {"secret"}


def test_one_hand_in_fills_the_screen(room, exam):
    done = capstone("grade", room / "ada", "--secret", exam, "--out", "results")
    assert done.exit_code == PASSED
    assert max(map(len, done.stdout.splitlines())) <= 80
    for name in ("valid", "transfer", "accuracy", "robustness", "calibration", "report"):
        assert re.search(rf"^  .  {name} ", done.stdout, re.M)
    assert re.search(r"a \d, read as \d", done.stdout)
    assert "█" in done.stdout
    assert done.stdout.endswith("The page is results/ada/report.html\n")
    done = capstone("grade", room / "ada", "--secret", exam, "--out", "r", "--no-pictures")
    assert "█" not in done.stdout
    assert "data:image" not in (room.parent / "r" / "ada" / "report.html").read_text()


def test_practice_is_said_everywhere(room, desk, monkeypatch):
    small = Exam.of(few(0, 30), "practice")
    monkeypatch.setattr("autograder.capstone.exam.practice", lambda: small)
    done = capstone("grade", room)
    assert done.exit_code == PASSED
    assert done.stdout.startswith("Practice: ")
    assert "it counts for nothing" in done.stdout
    out = desk / "build" / "capstone"
    assert capstone("leaderboard", out).stdout.startswith("Practice: ")
    for page in out.rglob("*.html"):
        assert "Practice: the digits of this exam come with the kit" in page.read_text(), page
    assert json.loads((out / "ada" / "results.json").read_text())["seed"] == "practice"
    assert ",practice," in (out / "leaderboard.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "there is no nowhere"),
        (["notes.txt"], "notes.txt is no hand-in: a folder or a .keras file is"),
        (["empty"], "empty holds no hand-in"),
        (["room", "room/ada"], "2 hand-ins are called ada; rename all but one"),
        (["room", "--secret", "none.exam"], "cannot read none.exam: No such file"),
        (["room", "--secret", "notes.txt"], "notes.txt is no exam; make one with"),
        (["room", "--out", "notes.txt"], "cannot write to notes.txt: File exists"),
        (["room", "--course", "none.toml"], "none.toml"),
    ],
)
def test_a_wrong_argument_of_grade_is_one_sentence(room, desk, arguments, words):
    (desk / "notes.txt").write_text("notes")
    (desk / "empty").mkdir()
    assert words in sentence(capstone("grade", *arguments))
    assert not (desk / "build").exists()


def test_an_isolation_that_cannot_be_had(room, exam, monkeypatch):
    def unavailable(level):
        return "needs another machine" if level == "strong" else None

    monkeypatch.setattr(ladder, "unavailable", unavailable)
    done = capstone("grade", room, "--secret", exam, "--require-isolation", "strong")
    assert "isolation strong cannot be had here" in sentence(done)
    done = capstone("grade", room, "--require-isolation", "best")
    assert done.exit_code == USAGE


def test_without_h5py_the_command_that_installs_it_is_told(room, monkeypatch):
    find = importlib.util.find_spec
    without = lambda name, *more: None if name == "h5py" else find(name, *more)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", without)
    assert "h5py is missing: pip install " in sentence(capstone("grade", room))


def test_a_fault_of_ours_has_an_exit_code_of_its_own(room, exam, desk, monkeypatch):
    grade = Examiner.grade

    def fails(self, path):
        if path.name == "ada":
            raise ZeroDivisionError("ours")
        return grade(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(Examiner, "grade", fails)
        done = capstone("grade", room, "--secret", exam, "--out", "results")
    assert done.exit_code == FAULT
    assert "autograder: the grader itself failed at ada: ZeroDivisionError: ours" in done.stderr
    assert "4 graded" in done.stdout
    assert "The grader itself failed." in (desk / "results" / "index.html").read_text()
    done = capstone("grade", room, "--secret", exam, "--out", "results", "--resume")
    assert (done.exit_code, done.stderr) == (PASSED, "")
    assert "4 graded, 3 of them kept from before" in done.stdout


def test_a_full_disk_is_one_sentence(room, exam, monkeypatch):
    def full(file, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("autograder.capstone.classroom.write", full)
    done = capstone("grade", room, "--secret", exam, "--out", "results")
    assert "cannot write results: No space left on device" in sentence(done)


def test_workers_that_do_not_start_are_our_fault(room, exam, monkeypatch):
    def fails(self, *arguments):
        raise ladder.GraderFault("no workers today")

    monkeypatch.setattr(Examiner, "__init__", fails)
    done = capstone("grade", room, "--secret", exam)
    assert done.exit_code == FAULT
    assert done.stderr == "autograder: the grader itself failed: no workers today\n"


def test_whoever_breaks_off_goes_on_later(room, exam, desk, monkeypatch):
    grade = Examiner.grade

    def interrupted(self, path):
        if path.name == "lambda":
            raise KeyboardInterrupt
        return grade(self, path)

    arguments = ("grade", room, "--secret", exam, "--out", "results")
    with monkeypatch.context() as patch:
        patch.setattr(Examiner, "grade", interrupted)
        done = capstone(*arguments)
    assert done.exit_code == 130
    assert "interrupted: 2 of 4 are written; the same command with --resume" in done.stderr
    assert {file.name for file in (desk / "results").iterdir()} == {"=1+1", "ada"}
    done = capstone(*arguments, "--resume")
    assert "4 graded, 2 of them kept from before" in done.stdout
    assert "(kept)" in done.stdout.splitlines()[1]
    whole = (desk / "results" / "index.html").read_text()
    capstone(*arguments)
    assert (desk / "results" / "index.html").read_text() == whole


def test_what_is_kept_is_shown_in_a_line(room, exam):
    arguments = ("grade", room / "ada", "--secret", exam, "--out", "results")
    capstone(*arguments)
    done = capstone(*arguments, "--resume")
    assert re.match(r"ada +[\d.]+ of 100  [\d.]+ % right \(kept\)\n", done.stdout)


def test_progress_where_somebody_watches(room, exam, desk):
    """On a terminal, with the output elsewhere: the bar alone."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "autograder.cli", "capstone", "grade", room]
    with subprocess.Popen(
        [*map(str, command), "--secret", str(exam), "--out", "results"],
        stdout=subprocess.PIPE,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color"},
    ) as running:
        os.close(slave)
        seen = b""
        try:
            while part := os.read(master, 4096):
                seen += part
        except OSError:
            pass  # Linux says so when the last writer has gone
        output = running.stdout.read().decode()
    os.close(master)
    assert running.returncode == PASSED
    assert re.search(rb"\x1b.{0,400}4/4", seen, re.S)
    assert "4 graded" in output
    assert "\x1b" not in output


# --- leaderboard


def test_a_leaderboard_is_made_of_results(room, exam, desk):
    capstone("grade", room, "--secret", exam, "--out", "results")
    done = capstone("leaderboard", "results", "--out", "board")
    assert (done.exit_code, done.stderr) == (PASSED, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert re.search(r"^   1= =1\+1 ", done.stdout, re.M)
    assert "Nothing was measured" in done.stdout
    assert sorted(file.name for file in (desk / "board").iterdir()) == [
        "leaderboard.csv", "leaderboard.html",
    ]  # fmt: skip
    text = (desk / "board" / "leaderboard.csv").read_text()
    assert text == (desk / "results" / "leaderboard.csv").read_text()


def test_a_wrong_argument_of_leaderboard_is_one_sentence(desk):
    assert "there is no folder results" in sentence(capstone("leaderboard", "results"))
    (desk / "results" / "ada").mkdir(parents=True)
    assert "results holds no results" in sentence(capstone("leaderboard", "results"))
    (desk / "results" / "ada" / "results.json").write_text("{")
    assert "results.json is no JSON" in sentence(capstone("leaderboard", "results"))
    assert [file.name for file in (desk / "results").iterdir()] == ["ada"]


# --- the page of documentation


@pytest.mark.usefixtures("mnist")
def test_the_commands_of_the_page_run(root, room, desk):
    text = (root / "docs" / "capstone_grading.md").read_text("utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", text, re.S)
    shutil.copytree(room, desk / "submissions")
    for line in block.splitlines():
        program, group, *arguments = shlex.split(line.partition("#")[0])
        assert (program, group) == ("autograder", "capstone")
        done = capstone(*arguments)
        assert (done.exit_code, done.stderr) == (PASSED, ""), line
