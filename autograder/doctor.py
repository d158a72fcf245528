"""What is installed, what is missing, and the command that mends it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import platform
import sys
from dataclasses import dataclass

from autograder import __version__


@dataclass(frozen=True)
class Finding:
    """One line of the examination; `optional` ones do not count as faults."""

    what: str
    found: str
    ok: bool = True
    mend: str = ""
    optional: bool = False


NEEDED = (
    *("numpy", "scipy", "hypothesis", "pytest", "rich", "typer", "jinja2", "packaging"),
    *("platformdirs", "threadpoolctl"),
)
EXTRAS = {
    "capstone": ("tensorflow", "the capstone's training"),
    "demo": ("uvicorn", "the capstone's page to draw on"),
    "nbgrader": ("nbgrader", "grading with nbgrader"),
    "cluster": ("distributed", "grading on a Dask cluster"),
    "plots": ("matplotlib", "plots"),
    "lessons": ("jupytext", "building the lessons' notebooks"),
}
# Another package with the same modules, without a GPU; the extra `capstone-cpu` names it.
STAND_INS = {"tensorflow": "tensorflow-cpu"}


def examine() -> list[Finding]:
    """All findings, the most important first."""
    packages = map(_package, NEEDED)
    isolation = [*_isolation(), *_keras()]
    return [_kit(), _python(), _backend(), *isolation, *packages, _cache(), *_extras()]


def _kit() -> Finding:
    return Finding("kit", f"cnn-exercise-kit {__version__}")


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.platform == "win32":
        mend = "student code is run in WSL2: install the kit there (`wsl --install`)"
        return Finding("python", found, False, mend)
    return Finding("python", found)


def _backend() -> Finding:
    import reference

    try:
        from reference import ops

        ops.output_size(3, 3)
    except ImportError as error:
        reason = str(error).splitlines()[0]
        return Finding("reference", reason, False, "pip install -e . (or make setup)")
    name = reference.backend()
    if name == "fast":
        return Finding("reference", "compiled")
    return Finding("reference", "pure Python, slow", False, "unset REFERENCE_BACKEND")


def _isolation() -> list[Finding]:
    """The level that workers have here, proven; and for each higher one what it lacks."""
    from autograder.isolation import ladder
    from autograder.isolation.limits import DEFAULT

    if sys.platform == "win32":
        return [Finding("isolation", "none on Windows", False)]
    findings: list[Finding] = []
    for level in reversed(ladder.LEVELS):
        try:
            server = ladder.proven(level, DEFAULT)
        except ladder.NotIsolated as error:
            why = str(error).removeprefix(f"{level}: ")
            findings.append(Finding(level, why, False, optional=True))
            continue
        except ladder.GraderFault as fault:
            return [Finding("isolation", str(fault), False), *findings]
        mechanisms = ", ".join(server.isolation.mechanisms)
        server.close()
        found = f"{level} ({mechanisms})"
        if level == "weak":
            found += ": for practice; take no grades with it"
        return [Finding("isolation", found), *findings]
    return [Finding("isolation", "none: student code cannot be run here", False), *findings]


def _keras() -> list[Finding]:
    """The level of workers that train with Keras, where TensorFlow is installed; one is asked."""
    if sys.platform == "win32" or importlib.util.find_spec("tensorflow") is None:
        return []
    from autograder.capstone import keras_sandbox
    from autograder.isolation.ladder import GraderFault

    try:
        with contextlib.closing(keras_sandbox.server()) as server:
            level = server.isolation.level
            trouble = keras_sandbox.trial(server)
    except GraderFault as fault:
        return [Finding("keras workers", str(fault), False, optional=True)]
    if trouble:
        return [Finding("keras workers", f"{level}, but {trouble}", False, optional=True)]
    return [Finding("keras workers", f"{level}: the capstone's train_head can be graded")]


def _package(name: str) -> Finding:
    version = _version(name)
    if version is None:
        return Finding(name, "missing", False, "pip install -c constraints.txt -e .")
    return Finding(name, version)


def _extras() -> list[Finding]:
    findings = []
    for extra, (package, purpose) in EXTRAS.items():
        version = _version(package) or _version(STAND_INS.get(package, package))
        if version is not None:
            findings.append(Finding(package, version))
        else:
            mend = f"pip install -c constraints.txt -e '.[{extra}]'"
            findings.append(Finding(package, f"missing; for {purpose}", False, mend, True))
    return findings


def _cache() -> Finding:
    from autograder.bank import cache_folder

    folder = cache_folder()
    banks = list(folder.glob("*.bank")) if folder.is_dir() else []
    size = sum(bank.stat().st_size for bank in banks) / 2**20
    return Finding("case bank", f"{len(banks)} kept, {size:.1f} MiB, in {folder}")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
