"""The command: one sentence for every wrong argument, the contract's exit codes and JSON."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from autograder import catalog, doctor, engine
from autograder.cli import FAILED, FAULT, PASSED, USAGE, app
from autograder.isolation import ladder

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


@pytest.fixture
def invoke(server, monkeypatch):
    """`invoke("check", "relu")`: the command in this process, with the tests' workers."""
    monkeypatch.setattr(ladder, "best", lambda limits, required="weak": server)
    runner = CliRunner()
    return lambda *words: runner.invoke(app, [str(word) for word in words])


@pytest.fixture
def alice(tmp_path):
    """A folder with one function that is wrong, and others that are missing."""
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / "padding.py").write_text(WRONG)
    return tmp_path / "alice"


def autograder(*words, **options):
    """The command as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


# --- wrong usage


def test_wrong_arguments_are_one_sentence_each(invoke, alice, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    (tmp_path / "essay.pdf").write_bytes(b"%PDF")
    (tmp_path / "file").write_text("")
    out = tmp_path / "out"
    cases = {
        ("check", "--path", tmp_path / "nobody"): f"there is no {tmp_path / 'nobody'}",
        ("check", "--path", tmp_path / "empty"): "holds no module such as activation.py",
        ("check", "--path", tmp_path / "bad.zip"): "is no readable zip file",
        ("check", "--path", tmp_path / "essay.pdf"): "is no submission: a folder, .zip, .py or",
        ("check", "--path", tmp_path / ("x" * 300)): "cannot read",
        ("check", "conv2", "--path", alice): "'conv2' is no exercise and no topic; did you mean",
        ("check", "qqqqqq", "--path", alice): "see them all in README.md",
        ("grade", tmp_path / "nobody", "--out", out): f"there is no {tmp_path / 'nobody'}",
        ("grade", tmp_path / "empty", "--out", out): "holds no submission",
        ("grade", tmp_path / "bad.zip", "--out", out): "is no readable zip file",
        ("grade", alice, "--out", out, "--only", "paddin"): "did you mean padding?",
        ("grade", alice, "--out", tmp_path / "file"): f"cannot write to {tmp_path / 'file'}",
        ("grade", alice, "--out", tmp_path / "file" / "out"): "cannot write to",
        ("grade", alice, "--out", "/proc"): "cannot write to /proc",
    }
    for words, sentence in cases.items():
        result = invoke(*words)
        assert result.exit_code == USAGE, words
        assert result.stdout == "", words
        (line,) = result.stderr.splitlines()
        assert line.startswith("autograder: "), words
        assert sentence in line, words
    assert not out.exists(), "nothing is written before the arguments are known to be right"


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--no-such-option"),
        ("grade",),
        ("grade", "exercises"),
        ("grade", "exercises", "--out", "x", "--require-isolation", "perfect"),
        ("no-such-command",),
    ],
)
def test_unknown_options_are_wrong_usage(invoke, words):
    assert invoke(*words).exit_code == USAGE


def test_isolation_that_cannot_be_had_is_refused(invoke, alice, tmp_path, monkeypatch):
    def refused(limits, required="weak"):
        raise ladder.NotIsolated(f"{required}: needs bubblewrap")

    monkeypatch.setattr(ladder, "best", refused)
    words = ("--out", tmp_path / "out", "--require-isolation", "strong")
    result = invoke("grade", alice, *words)
    assert result.exit_code == USAGE
    assert "isolation strong cannot be had here: strong: needs bubblewrap" in result.stderr
    assert not (tmp_path / "out").exists()


# --- check


def test_check_shows_a_mistake(invoke, alice):
    result = invoke("check", "output_size", "--path", alice)
    assert result.exit_code == FAILED
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["output_size", "0.5", "of", "3", "points"]
    assert "The smallest input found that shows it" in result.stdout
    assert "This is what you get when the + 1 is forgotten." in result.stdout
    assert lines[-1] == "  Work this one out on paper, then:  autograder check output_size"
    assert max(map(len, lines)) <= 80
    assert result.stderr == ""


def test_check_of_right_functions_succeeds(invoke, alice):
    (alice / "padding.py").write_text(RIGHT)
    result = invoke("check", "output_size", "--path", alice)
    assert result.exit_code == PASSED
    assert "3 of 3 points" in result.stdout


def test_check_of_a_topic_has_a_line_a_function(invoke, alice):
    result = invoke("check", "padding", "--path", alice)
    assert result.exit_code == FAILED
    lines = result.stdout.splitlines()
    assert lines[0] == "padding"
    assert lines[1].split()[:4] == ["✗", "output_size", "0.5", "of"]
    assert lines[2].split()[:2] == ["·", "same_padding"]
    total = sum(e.points for e in catalog.select(["padding"]))
    assert f"In all 0.5 of {total:g} points" in result.stdout


def test_all_shows_every_failing_law(invoke, alice):
    first = invoke("check", "output_size", "--path", alice).stdout
    everything = invoke("check", "output_size", "--all", "--path", alice).stdout
    assert first.count("The smallest input found") == 1
    assert "more laws fail (--all shows them)." in first
    assert everything.count("The smallest input found") == 4
    assert "--all" not in everything


def test_check_of_stubs_says_where_to_begin(invoke, root):
    result = invoke("check", "--path", root / "exercises")
    assert result.exit_code == FAILED
    first = catalog.exercises()[0]
    assert f"Next:  autograder check {first.name}   (write it in {first.topic}.py)" in result.stdout


def test_check_finds_the_exercises_here(invoke, alice, monkeypatch):
    monkeypatch.chdir(alice)
    assert "0.5 of 3 points" in invoke("check", "output_size").stdout
    # A folder `exercises` comes first, as in the kit itself.
    (alice / "exercises").mkdir()
    (alice / "exercises" / "padding.py").write_text(RIGHT)
    assert invoke("check", "output_size").exit_code == PASSED
    monkeypatch.chdir(alice / "exercises")
    assert invoke("check", "output_size").exit_code == PASSED
    monkeypatch.chdir(alice.parent)
    result = invoke("check", "output_size")
    assert (result.exit_code, result.stderr) == (USAGE, "autograder: there is no exercises\n")


def test_no_colours_where_nobody_watches(invoke, alice):
    for words in (("check", "padding"), ("check", "output_size", "--all")):
        assert "\x1b" not in invoke(*words, "--path", alice).output


def test_a_fault_of_ours_is_told_and_has_its_own_exit_code(invoke, alice, monkeypatch, tmp_path):
    def broken(*args):
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(engine, "judge_law", broken)
    told = "autograder: the grader itself failed at {}output_size: RuntimeError: nobody thought of"
    result = invoke("check", "output_size", "--path", alice)
    assert result.exit_code == FAULT
    assert told.format("") in result.stderr
    assert "The grader itself failed; this costs no points" in result.stdout
    result = invoke("grade", alice, "--only", "output_size", "--out", tmp_path / "out")
    assert result.exit_code == FAULT
    assert told.format("alice: ") in result.stderr


# --- the contract

NUMBER = (int, float)
ARRAY = {"shape": [int], "dtype": str, "values": list}
LAW = {
    "name": str,
    "says": str,
    "status": {
        "pass", "fail", "error", "timeout", "memory", "crash", "forbidden", "not_attempted",
        "not_run", "grader_fault",
    },
    "score": NUMBER,
    "max_score": NUMBER,
    "message?": str,
    "misconception?": str,
    "counterexample?": {
        "arguments": dict,
        "yours": object,
        "expected": object,
        "snippet": str,
        "where": str,
        "working": str,
    },
}  # fmt: skip
RESULTS = {
    "schema": {"autograder/results/1"},
    "submission": str,
    "score": NUMBER,
    "max_score": NUMBER,
    "seed": {"public", "secret"},
    "kit": str,
    "isolation": {"level": {"strong", "medium", "weak"}, "mechanisms": [str]},
    "warnings": [str],
    "exercises": [{"name": str, "topic": str, "score": NUMBER, "max_score": NUMBER, "laws": [LAW]}],
    "tests": [
        {
            "name": str,
            "score": NUMBER,
            "max_score": NUMBER,
            "status": {"passed", "failed"},
            "output": str,
            "visibility": {"visible"},
        }
    ],
}


def conform(value, form, place="results"):
    """A value has the form: types, sets of words, lists of one form, dictionaries of forms."""
    if isinstance(form, dict):
        assert isinstance(value, dict), place
        assert value.keys() <= {key.rstrip("?") for key in form}, place
        for key, inner in form.items():
            name = key.rstrip("?")
            assert name in value or key.endswith("?"), f"{place}.{name}"
            if name in value:
                conform(value[name], inner, f"{place}.{name}")
    elif isinstance(form, list):
        assert isinstance(value, list), place
        for i, item in enumerate(value):
            conform(item, form[0], f"{place}[{i}]")
    elif isinstance(form, set):
        assert value in form, place
    else:
        assert isinstance(value, form), place
        assert not isinstance(value, bool) or form is object, place


def assert_contract(results):
    """What DESIGN calls the contract: keys, words, and scores that add up."""
    conform(results, RESULTS)
    laws = [law for exercise in results["exercises"] for law in exercise["laws"]]
    for part in [results, *results["exercises"], *laws, *results["tests"]]:
        assert math.isfinite(part["score"])
        assert 0 <= part["score"] <= part["max_score"]
    for whole, parts in [
        (results, results["exercises"]),
        *((exercise, exercise["laws"]) for exercise in results["exercises"]),
        (results, results["tests"]),
    ]:
        for key in ("score", "max_score"):
            assert whole[key] == sum(part[key] for part in parts)
    for law in laws:
        assert (law["score"] > 0) == (law["status"] in ("pass", "grader_fault"))
    assert len(laws) == len(results["tests"])


def test_the_json_keeps_the_contract(invoke, alice, golden):
    for words in (["--path", alice], ["padding", "--path", golden / "half-finished"]):
        result = invoke("check", "--json", *words)
        assert result.exit_code == FAILED
        results = json.loads(result.stdout)
        assert_contract(results)
        assert results["seed"] == "public"
        assert results["submission"] == words[-1].name


def test_a_contract_that_is_broken_is_seen():
    with pytest.raises(AssertionError):
        conform({"name": "x"}, LAW)
    with pytest.raises(AssertionError):
        conform({"status": "passed"}, {"status": {"pass"}})
    with pytest.raises(AssertionError):
        conform({"score": 1, "extra": 2}, {"score": NUMBER})


# --- grade


def test_every_form_of_a_submission_is_graded(invoke, alice, tmp_path):
    class_folder = tmp_path / "class"
    (class_folder / "folder" / "exercises").mkdir(parents=True)
    (class_folder / "folder" / "exercises" / "padding.py").write_text(RIGHT)
    with zipfile.ZipFile(class_folder / "zipped.zip", "w") as archive:
        archive.writestr("some/exercises/padding.py", RIGHT)
    (class_folder / "file.py").write_text(RIGHT)
    cell = {"cell_type": "code", "source": RIGHT}
    (class_folder / "notebook.ipynb").write_text(json.dumps({"cells": [cell]}))
    (class_folder / "damaged.zip").write_bytes(b"no zip")
    out = tmp_path / "out"
    result = invoke("grade", class_folder, alice, "--only", "output_size", "--out", out)
    assert result.exit_code == PASSED, result.output
    scores = {}
    for file in out.glob("*/results.json"):
        results = json.loads(file.read_text())
        assert_contract(results)
        assert results["submission"] == file.parent.name
        scores[file.parent.name] = results["score"]
    assert scores == {
        "folder": 3,
        "zipped": 3,
        "file": 3,
        "notebook": 3,
        "damaged": 0,
        "alice": 0.5,
    }
    lines = result.stdout.splitlines()
    assert lines[0].split()[:4] == ["damaged", "0", "of", "3"]
    assert "1 warning" in lines[0]
    assert lines[-1] == f"6 graded; the page for the class is {out / 'index.html'}"
    assert "damaged.zip is no readable zip file" in (out / "damaged" / "results.json").read_text()
    assert (out / "index.html").read_text().lower().startswith("<!doctype html>")
    assert "\x1b" not in result.output


def test_a_secret_seed_is_shown_nowhere(invoke, alice, tmp_path):
    out = tmp_path / "out"
    words = ("--only", "padding", "--seed", "our own words", "--out", out)
    result = invoke("grade", alice, *words)
    assert result.exit_code == PASSED
    texts = [result.output] + [f.read_text() for f in out.rglob("*") if f.is_file()]
    assert not any("our own words" in text for text in texts)
    results = json.loads((out / "alice" / "results.json").read_text())
    assert results["seed"] == "secret"
    assert_contract(results)


def test_only_may_be_repeated(invoke, alice, tmp_path):
    words = ("--only", "same_padding", "--only", "relu", "--out", tmp_path)
    assert invoke("grade", alice, *words).exit_code == PASSED
    results = json.loads((tmp_path / "alice" / "results.json").read_text())
    assert [exercise["name"] for exercise in results["exercises"]] == ["same_padding", "relu"]


def test_grade_and_check_agree(invoke, alice, tmp_path):
    checked = json.loads(invoke("check", "padding", "--json", "--path", alice).stdout)
    invoke("grade", alice, "--only", "padding", "--out", tmp_path / "out")
    graded = json.loads((tmp_path / "out" / "alice" / "results.json").read_text())
    assert graded == checked


# --- as a user starts it


def test_exit_codes_of_the_process(alice, tmp_path):
    wrong = autograder("check", "output_size", "--path", alice)
    assert (wrong.returncode, wrong.stderr) == (FAILED, "")
    (alice / "padding.py").write_text(RIGHT)
    right = autograder("check", "output_size", "--path", alice)
    assert (right.returncode, right.stderr) == (PASSED, "")
    assert max(map(len, right.stdout.splitlines())) <= 80
    unknown = autograder("check", "--path", tmp_path / "nobody")
    assert (unknown.returncode, unknown.stdout) == (USAGE, "")
    assert unknown.stderr == f"autograder: there is no {tmp_path / 'nobody'}\n"


def test_without_the_compiled_core_it_says_how_to_build_it(alice):
    done = autograder(
        *("check", "output_size", "--path", alice),
        env={**os.environ, "REFERENCE_BACKEND": "no such thing"},
    )
    assert done.returncode == FAULT
    assert done.stdout == ""
    assert done.stderr.startswith("autograder: REFERENCE_BACKEND must be 'fast' or 'pure'")
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_error(alice):
    command = f"{sys.executable} -m autograder.cli check --json --path {alice} | head -c 100"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert len(done.stdout) == 100
    assert done.stderr == ""


SLEEPER = "import time\ntime.sleep(60)\n" + RIGHT


def test_an_interrupted_grade_leaves_whole_results_alone(tmp_path):
    for name, text in {"adam": RIGHT, "bob": SLEEPER, "carol": RIGHT}.items():
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "padding.py").write_text(text)
    out = tmp_path / "out"
    command = ["grade", tmp_path / "class", "--out", out, "--only", "output_size"]
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder.cli", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (out / "adam" / "results.json").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(0.3)  # well into the next one
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert [path.name for path in out.iterdir()] == ["adam"]
    assert {file.name for file in (out / "adam").iterdir()} == {"results.json", "timing.json"}
    assert_contract(json.loads((out / "adam" / "results.json").read_text()))
    assert family
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


# --- doctor and the rest


def test_doctor_tells_what_is_there(invoke):
    result = invoke("doctor")
    for what in ("kit", "python", "reference", "isolation", "numpy", "hypothesis", "case bank"):
        assert any(what in line for line in result.stdout.splitlines()), what
    findings = doctor.examine()
    healthy = all(finding.ok or finding.optional for finding in findings)
    assert result.exit_code == (PASSED if healthy else FAILED)
    for finding in findings:
        assert finding.ok or finding.mend, finding


def test_doctor_tells_what_is_missing(invoke, monkeypatch):
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda p: None if p == "scipy" else real(p))
    result = invoke("doctor")
    assert result.exit_code == FAILED
    lines = result.stdout.splitlines()
    place = next(i for i, line in enumerate(lines) if "scipy" in line)
    assert lines[place].split() == ["✗", "scipy", "missing"]
    assert lines[place + 1].strip().startswith("pip install")


def test_a_missing_extra_is_no_illness(invoke, monkeypatch):
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda p: None if p == "nbgrader" else real(p))
    line = next(line for line in invoke("doctor").stdout.splitlines() if "nbgrader" in line)
    assert line.split()[0] == "·"


def test_the_pure_reference_is_told_as_slow(monkeypatch):
    import reference

    monkeypatch.setattr(reference, "backend", lambda: "pure")
    assert doctor._backend() == doctor.Finding(
        "reference", "pure Python, slow", False, "unset REFERENCE_BACKEND"
    )


def test_version_and_help(invoke):
    from autograder import __version__

    assert invoke("--version").stdout == f"autograder {__version__}\n"
    text = invoke("--help").stdout
    for command in ("check", "grade", "doctor"):
        assert command in text
    assert invoke("check", "-h").exit_code == PASSED


@pytest.mark.slow
def test_the_golden_class_is_graded(tmp_path, golden):
    names = ["half-finished", "right-einsum", "broken-syntax-error", "broken-not-utf8"]
    for name in names:
        shutil.copytree(golden / name, tmp_path / "class" / name)
    done = autograder("grade", tmp_path / "class", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (PASSED, "")
    for name in names:
        assert_contract(json.loads((tmp_path / "out" / name / "results.json").read_text()))
    assert Path(tmp_path / "out" / "index.html").stat().st_size > 1000
