"""The course's settings: what they change, and what is said where they cannot be used."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest

from autograder import catalog
from autograder.course import LEAST, MOST, BadCourse, Course, dumps, find, load
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
        ("points = 3", "points must be a table, [points]"),
        (
            "[points]\nconv3d = 1",
            "points names 'conv3d', which is no exercise; did you mean conv2d?",
        ),
        ("[points]\npadding = 1", "points names 'padding', which is no exercise"),
        ("[points]\nconv2d = '9'", "points.conv2d must be a number; it is '9'"),
        ("[points]\nconv2d = true", "points.conv2d must be a number; it is True"),
        ("[points]\nconv2d = 0", "points.conv2d must be above 0 and at most 1000; it is 0"),
        ("[points]\nconv2d = nan", "points.conv2d must be above 0 and at most 1000; it is nan"),
        ("[points]\nconv2d = 1001", "it is 1001"),
        ("[due]\npoolings = 1", "due names 'poolings', which is no exercise and no topic; did you"),
        ("[due]\nrelu = 2027-03-01", "due.relu must be a date and time with its offset, such as"),
        (
            "[due]\nrelu = 2027-03-01T10:00:00",
            "such as 2027-03-01T23:59:00+01:00; it is 2027-03-01",
        ),
        ("[due]\nrelu = 'soon'", "it is soon"),
        ("[release]\nwith = []", "there is no setting release.with; did you mean without?"),
        ("[release]\nwithout = 'relu'", "release.without must be a list of names; it is 'relu'"),
        ("[release]\nwithout = [1]", "release.without must be a list of names; it is [1]"),
        ("[release]\nwithout = ['rellu']", "release.without names 'rellu', which is no exercise"),
        ("[capstone]\nexams = 'a'", "there is no setting capstone.exams; did you mean exam?"),
        ("[capstone]\nexam = 3", "capstone.exam must be the name of a file; it is 3"),
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


SETTINGS = """
[limits]
call_seconds = 4.0

[points]
relu = 3.3
conv2d = 10

[due]
pooling = 2027-03-01T23:59:00+01:00
relu = 2027-01-31T18:00:00Z

[release]
without = ["grouped_conv2d", "keras_bridge"]
"""


def test_what_is_written_is_read_again(written):
    course = load(written(SETTINGS))
    assert course.points == {"relu": 3.3, "conv2d": 10.0}
    assert course.due["pooling"].isoformat() == "2027-03-01T23:59:00+01:00"
    assert course.without == ("grouped_conv2d", "keras_bridge")
    assert load(written(dumps(course))) == course
    assert dumps(Course()) == ""


def test_points_are_shared_by_the_laws_as_before(written):
    course = load(written(SETTINGS))
    (before,), (after,) = catalog.select(["relu"]), catalog.select(["relu"], course)
    assert (before.points, after.points) == (2.0, 3.3)
    shares = [law.points / before.points for law in before.laws]
    assert [law.points / 3.3 for law in after.laws] == pytest.approx(shares)
    assert [law.name for law in after.laws] == [law.name for law in before.laws]
    (untouched,) = catalog.select(["softmax"], course)
    assert untouched.points == catalog.select(["softmax"])[0].points


def test_what_is_left_out_is_not_asked_for(written):
    course = load(written(SETTINGS))
    names = {exercise.name for exercise in catalog.exercises()}
    gone = {"grouped_conv2d", *(e.name for e in catalog.select(["keras_bridge"]))}
    assert {exercise.name for exercise in catalog.select((), course)} == names - gone
    assert "grouped_conv2d" not in {e.name for e in catalog.select(["convolution"], course)}
    for name in ("grouped_conv2d", "keras_bridge", "predict"):
        with pytest.raises(catalog.UnknownName, match="is left out of this course"):
            catalog.select(["relu", name], course)


def test_points_of_tenths_add_up(written, judge, engine_of):
    """Not to 3.3000000000000003, which a platform would take for more than all."""
    course = load(written(SETTINGS))
    (exercise,) = catalog.select(["relu"], course)
    result = judge(exercise, "import numpy as np\ndef relu(x): return np.maximum(x * 1.0, 0)\n")
    assert 0 < result.score <= result.max_score == 3.3


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
    written("[limits]\ncall_seconds = 0.1\nwall_factor = 1000\n")
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


@pytest.mark.parametrize("command", ["check", "grade", "pytest"])
def test_points_of_the_course_are_the_points(written, tmp_path, command):
    written("[points]\nrelu = 40\n[release]\nwithout = ['softmax']\n")
    module = tmp_path / "activation.py"
    module.write_text("def relu(x): return 1\ndef softmax(x): return 1\n")
    arguments = {
        "check": ["autograder.cli", "check", "activation", "--path", str(module)],
        "grade": ["autograder.cli", "grade", str(module), "--only", "activation", "--out", "out"],
        "pytest": ["pytest", "-q", str(module)],
    }[command]
    done = run(arguments, tmp_path)
    if command == "grade":
        told = json.loads((tmp_path / "out" / "activation" / "results.json").read_text())
        assert [(e["name"], e["max_score"]) for e in told["exercises"]] == [
            ("relu", 40.0),
            ("cross_entropy", 2.5),
        ]
    else:
        assert "of 42.5 points" in done.stdout
        assert "softmax" not in done.stdout


def test_the_capstone_is_an_exercise_with_an_exam_of_its_own(written, tmp_path):
    text = """
[points]
capstone = 50
[due]
capstone = 2027-03-01T23:59:00+01:00
[capstone]
exam = "exam.npz"
"""
    course = load(written(text))
    assert course.points == {"capstone": 50.0}
    assert "capstone" in course.due
    # Wherever a copy of the settings lies, it is this file.
    assert course.exam == str(tmp_path.resolve() / "exam.npz")
    assert load(written(dumps(course))) == course
    assert load(written("[release]\nwithout = ['capstone']")).without == ("capstone",)
    practice = load(written('[capstone]\nexam = "practice"'))
    assert practice.exam == "practice"
    assert load(written(dumps(practice))) == practice
