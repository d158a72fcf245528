"""A released repository, and an environment in which its kit is installed."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import autograder
from autograder import catalog
from autograder.course import Course
from autograder.scaffold.release import release

# What the small course has; the others take long to judge.
KEPT = ("padding", "activation", "cross_correlate2d", "conv2d")


@pytest.fixture(scope="session")
def full_wheels(root, tmp_path_factory):
    """A folder with a full wheel of this checkout, as `pip wheel` makes it, without compiling."""
    folder = tmp_path_factory.mktemp("full")
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    version = autograder.__version__
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    info = f"cnn_exercise_kit-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {one}\n" for one in project["dependencies"])
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: cnn-exercise-kit\nVersion: {version}\n"
        + requires,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\n"
        f"Tag: {python}-{python}-{platform}\n",
        f"{info}/entry_points.txt": "[console_scripts]\nautograder = autograder.cli:main\n\n"
        "[pytest11]\nautograder = autograder.integrations.pytest_plugin\n",
    }
    contents = {name: text.encode() for name, text in files.items()}
    for package in ("autograder", "reference"):
        for file in sorted((root / package).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                contents[file.relative_to(root).as_posix()] = file.read_bytes()
    record = [
        f"{name},sha256={_digest(content)},{len(content)}" for name, content in contents.items()
    ]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    wheel = folder / f"cnn_exercise_kit-{version}-{python}-{python}-{platform}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return folder


def _digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def student(root, full_wheels, tmp_path_factory):
    """The students' repository with every exercise."""
    folder = tmp_path_factory.mktemp("released") / "student"
    release(folder, root / "exercises", full_wheels, Course())
    return folder


@pytest.fixture(scope="session")
def small_course():
    """Few exercises, and points of the course's own."""
    left_out = [e.name for e in catalog.exercises() if not {e.name, e.topic} & set(KEPT)]
    return Course(points={"conv2d": 12.0}, without=(*left_out, "capstone"))


@pytest.fixture(scope="session")
def small(root, full_wheels, small_course, tmp_path_factory):
    """The students' repository of the small course, with Gradescope's zip beside it."""
    folder = tmp_path_factory.mktemp("released") / "small"
    release(folder, root / "exercises", full_wheels, small_course, gradescope=True)
    return folder


@pytest.fixture(scope="session")
def installed(student, tmp_path_factory):
    """The programs of a fresh environment: no compiler's work, nothing of this checkout."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    tools = venv / "bin"
    pip = [str(tools / "python"), "-I", "-m", "pip", "install", "--quiet"]
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "CC")}
    subprocess.run(
        [*pip, "--only-binary", ":all:", "--requirement", str(student / "requirements.txt")],
        cwd=venv,
        env={**env, "CC": "no-compiler"},
        check=True,
    )
    return tools
