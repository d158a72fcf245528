"""The commands: what they print, and what they say when something is missing."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from autograder.capstone import data, training
from autograder.cli import app
from autograder.shell import USAGE


def capstone(*arguments):
    done = CliRunner().invoke(app, ["capstone", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_the_subset_is_told():
    done = capstone("data", "--subset")
    assert done.exit_code == 0
    assert " 5,000 training    500   500" in done.stdout
    assert " 1,000 test        100   100" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_a_file_that_is_none_is_one_sentence(tmp_path):
    done = capstone("data", "--path", tmp_path / "none.npz")
    assert done.exit_code == USAGE
    assert done.stderr.count("\n") == 1
    assert "nothing there" in done.stderr


def test_a_warning_is_told_without_its_place(monkeypatch):
    def fails(*arguments):
        raise data._Unavailable("not today")

    for source in ("_from_keras_cache", "_from_npz", "_from_pip", "_from_keras_download"):
        monkeypatch.setattr(data, source, fails)
    done = capstone("data")
    assert done.exit_code == 0
    assert done.stderr.startswith("autograder: MNIST cannot be had (")
    assert ".py:" not in done.stderr


@pytest.mark.parametrize("command", ["pretrain", "train", "measure"])
def test_without_tensorflow_the_command_that_installs_it_is_told(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setitem(sys.modules, "keras", None)
    done = capstone(command)
    assert done.exit_code == USAGE
    assert done.stderr == (
        f"autograder: this needs TensorFlow, which is not installed: {training.INSTALL}\n"
    )


def test_no_command_imports_tensorflow_before_it_trains(root):
    import subprocess

    code = (
        "import sys; from typer.testing import CliRunner; from autograder.cli import app; "
        "CliRunner().invoke(app, ['capstone', 'data', '--subset']); "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


@pytest.mark.slow
def test_training_is_interrupted_and_goes_on(keras, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRADER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(training, "HEAD", training.Plan(1, 100, 1e-3))
    monkeypatch.setattr(training, "TUNED", training.Plan(2, 250, 1e-3))
    learn = training.learn

    def interrupted(model, images, plan, tell, kept=None):
        def stop(done, total, text):
            if kept is not None and done > total / 2:
                raise KeyboardInterrupt

        return learn(model, images, plan, stop, kept)

    monkeypatch.setattr(training, "learn", interrupted)
    out = tmp_path / "digits.keras"
    done = capstone("train", "--subset", "--out", out)
    assert done.exit_code == 130
    assert "goes on from here" in done.stderr
    assert not out.exists()
    (kept,) = (tmp_path / "cache" / "capstone").glob("train-*.keras")
    monkeypatch.setattr(training, "learn", learn)
    monkeypatch.setattr(training, "head_on", lambda *a, **k: pytest.fail("began anew"))
    done = capstone("train", "--subset", "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "of 1,000 test digits are read rightly" in done.stdout
    assert out.exists()
    assert list(kept.parent.iterdir()) == []
