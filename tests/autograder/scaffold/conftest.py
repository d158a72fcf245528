"""A copy of the checkout to write exercises into, and commands that run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from autograder.bank import CACHE_VARIABLE

ROOMS = ("autograder", "exercises", "reference", "tests/autograder", "tests/reference")
FILES = ("README.md", "pyproject.toml", "setup.py", "tests/conftest.py")


@pytest.fixture
def checkout(root, tmp_path):
    """The checkout, with its compiled twins and without golden submissions."""
    copy = tmp_path / "checkout"
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / room, copy / room, ignore=ignored)
    for file in FILES:
        shutil.copy2(root / file, copy / file)
    return copy


@pytest.fixture
def run(checkout, tmp_path):
    """`run("check", "relu")`: a command of the copy's own kit; by default on the pure twin."""

    def process(*arguments, module="autograder.cli", backend="pure"):
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=checkout,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
                "PYTHONPATH": str(checkout),
                "REFERENCE_BACKEND": backend,
                CACHE_VARIABLE: str(tmp_path / "banks"),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return process


@pytest.fixture
def build(checkout, tmp_path):
    """`build("padding")`: compile the twins of one topic; the others stay as they were copied."""

    def compile_it(topic):
        others = tmp_path / "others"
        others.mkdir()
        fast = checkout / "reference" / "fast"
        for source in fast.glob("*.pyx"):
            if source.stem != topic:
                shutil.move(source, others / source.name)
        done = subprocess.run(
            [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for source in others.iterdir():
            shutil.move(source, fast / source.name)

    return compile_it
