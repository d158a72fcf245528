"""What is installed elsewhere: the wheel outside of the checkout, and the debug build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command that must succeed; its output."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**env, **environment},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def sources(to: Path) -> Path:
    """A copy of what git tracks, as a fresh clone would have it."""
    listed = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


def test_the_wheel_works_outside_the_checkout(tmp_path: Path) -> None:
    checkout = sources(tmp_path / "checkout")
    constraint = str(ROOT / "constraints.txt")
    pip = [sys.executable, "-m", "pip"]
    run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "wheels", checkout,
        cwd=tmp_path, PIP_CONSTRAINT=constraint)  # fmt: skip
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for source in (ROOT / "reference" / "fast").glob("*.pyx"):
        assert any(
            name.startswith(f"reference/fast/{source.stem}.") and name.endswith((".so", ".pyd"))
            for name in names
        ), f"no extension for {source.name} in the wheel"
    assert "autograder/data/digits.npz" in names
    assert "autograder/capstone/backbone/backbone.keras" in names
    assert "autograder/capstone/backbone/fonts.toml" in names
    for ending in ("html", "css", "js"):
        assert f"autograder/capstone/demo/page/demo.{ending}" in names
    assert not [name for name in names if name.startswith(("tests/", "exercises/", "build/"))]

    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "-c", constraint, wheel, cwd=tmp_path)
    student = tmp_path / "student"
    shutil.copytree(ROOT / "tests/submissions/right-einsum/exercises", student / "exercises")
    cache = str(tmp_path / "cache")
    autograder = python.parent / "autograder"
    told = run(autograder, "doctor", cwd=student, AUTOGRADER_CACHE=cache)
    assert "compiled" in told
    told = run(autograder, "check", "conv2d", cwd=student, AUTOGRADER_CACHE=cache)
    assert "9 of 9 points" in told
    told = run(python.parent / "pytest", "-q", "exercises", "-k", "conv2d or relu", cwd=student,
               AUTOGRADER_CACHE=cache)  # fmt: skip
    assert "failed" not in told
    assert "points" in told


def test_the_reference_passes_its_tests_with_bounds_checks(tmp_path: Path) -> None:
    checkout = sources(tmp_path / "checkout")
    run(sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", cwd=checkout,
        REFERENCE_DEBUG="1")  # fmt: skip
    where = run(sys.executable, "-c", "import reference.fast.pooling as m; print(m.__file__)",
                cwd=checkout, PYTHONPATH=str(checkout))  # fmt: skip
    assert where.startswith(str(checkout))
    told = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/reference",
               cwd=checkout, PYTHONPATH=str(checkout))  # fmt: skip
    assert "passed" in told
