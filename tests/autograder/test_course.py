"""The course's settings: what they change, and what is said where they cannot be used."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from autograder.course import LEAST, MOST, BadCourse, Course, find, load
from autograder.isolation.limits import DEFAULT, MIB, Limits


@pytest.fixture
def written(tmp_path):
    """`written(text)`: a file of settings."""

    def made(text):
        file = tmp_path / "course.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return made


def test_what_is_not_named_stays(written, tmp_path):
    assert find(tmp_path) == Course() == Course(DEFAULT)
    written("[limits]\ncall_seconds = 4\nmemory_bytes = 1_073_741_824\n")
    expected = dataclasses.replace(DEFAULT, call_seconds=4.0, memory_bytes=1024 * MIB)
    assert find(tmp_path).limits == expected


def test_every_limit_can_be_set(written):
    for field in dataclasses.fields(Limits):
        default = getattr(DEFAULT, field.name)
        assert LEAST.get(field.name, 0) <= default <= MOST.get(field.name, 2**40), field.name
        assert load(written(f"[limits]\n{field.name} = {default}\n")).limits == DEFAULT


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("limits = 3", "limits must be a table, [limits]"),
        ("[limit]", "there is no setting limit; did you mean limits?"),
        ("[limits]\nseconds = 3", "there is no setting limits.seconds; did you mean"),
        ("[limits]\ncall_second = 3", "did you mean call_seconds?"),
        ("[limits]\ncall_seconds = true", "limits.call_seconds must be a number; it is True"),
        ('[limits]\ncall_seconds = "3"', "limits.call_seconds must be a number; it is '3'"),
        ("[limits]\nopen_files = 64.5", "limits.open_files must be a whole number; it is 64.5"),
        ("[limits]\ncall_seconds = 0", "limits.call_seconds must be from 0.001 to 1099511627776;"),
        ("[limits]\ncall_seconds = nan", "it is nan"),
        ("[limits]\ncall_seconds = inf", "it is inf"),
        ("[limits]\nmemory_bytes = 1000", "limits.memory_bytes must be from 268435456 to"),
        ("[limits]\npatience = 2.0", "limits.patience must be from 0.001 to 1; it is 2.0"),
        ("[limits", "is not TOML: "),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(written, text, told):
    with pytest.raises(BadCourse) as error:
        load(written(text))
    assert told in str(error.value)
    assert "course.toml" in str(error.value)
    assert "\n" not in str(error.value)


def run(arguments, folder):
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


SLOW = """
import time
def relu(x):
    started = time.process_time()
    while time.process_time() - started < 0.4: pass
    return x
"""


@pytest.mark.parametrize("command", ["check", "grade", "pytest"])
def test_a_limit_of_the_course_is_the_limit(written, tmp_path, command):
    written("[limits]\ncall_seconds = 0.1\n")
    module = tmp_path / "activation.py"
    module.write_text(SLOW)
    arguments = {
        "check": ["autograder.cli", "check", "relu", "--path", str(module), "--json"],
        "grade": ["autograder.cli", "grade", str(module), "--only", "relu", "--out", "out"],
        "pytest": ["pytest", "-q", str(module)],
    }[command]
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout + done.stderr
    if command == "grade":
        told = (tmp_path / "out" / "activation" / "results.json").read_text()
    assert "no answer after 0.025 CPU seconds, the limit for one call" in " ".join(told.split())


@pytest.mark.parametrize("command", ["check", "grade", "pytest"])
def test_bad_settings_stop_everything_before_it_starts(written, tmp_path, command):
    written("[limits]\ncall_seconds = 'long'\n")
    module = tmp_path / "activation.py"
    module.write_text(SLOW)
    arguments = {
        "check": ["autograder.cli", "check", "relu", "--path", str(module)],
        "grade": ["autograder.cli", "grade", str(module), "--out", "out"],
        "pytest": ["pytest", "-q", str(module)],
    }[command]
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout + done.stderr
    assert "limits.call_seconds must be a number; it is 'long'" in told
    assert done.returncode == (4 if command == "pytest" else 2)
    assert "Traceback" not in told


def test_settings_elsewhere_are_named(written, tmp_path):
    file = written("[limits]\ncall_seconds = 0\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "activation.py").write_text(SLOW)
    for chosen, told in ((file, "limits.call_seconds"), ("none.toml", "cannot read none.toml")):
        asked = ["autograder.cli", "check", "relu", "--path", ".", "--course", str(chosen)]
        done = run(asked, elsewhere)
        assert done.returncode == 2
        assert told in done.stderr
