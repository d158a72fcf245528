"""The doctor: what is said of a healthy installation, and of each thing that can be missing."""

from __future__ import annotations

import importlib.metadata
import sys
import tempfile
import tomllib

import pytest
from typer.testing import CliRunner

import reference
from autograder import __version__, doctor
from autograder.bank import CACHE_VARIABLE
from autograder.capstone import keras_sandbox
from autograder.cli import app
from autograder.doctor import Finding, examine
from autograder.isolation import ladder
from autograder.shell import FAILED, PASSED


@pytest.fixture(autouse=True)
def without_keras(monkeypatch):
    """Starting TensorFlow takes a while: it has a test of its own."""
    real = doctor._keras
    monkeypatch.setattr(doctor, "_keras", list)
    return real


@pytest.fixture
def healthy(monkeypatch):
    """A machine that has everything; its isolation is not proven anew each time."""
    monkeypatch.setattr(doctor, "_isolation", lambda: [Finding("isolation", "strong (bwrap)")])
    monkeypatch.setattr(doctor, "_version", lambda package: "1.0")


@pytest.fixture
def without(monkeypatch):
    """`without("scipy")`: a package is not installed."""

    def gone(package):
        real = importlib.metadata.version

        def version(name):
            if name == package:
                raise importlib.metadata.PackageNotFoundError(name)
            return real(name)

        monkeypatch.setattr(importlib.metadata, "version", version)

    return gone


def found(what):
    (finding,) = [finding for finding in examine() if finding.what == what]
    return finding


def run():
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert done.stderr == ""
    return done.exit_code, done.stdout


def test_this_installation_is_healthy():
    findings = examine()
    assert all(finding.ok or finding.optional for finding in findings)
    names = [finding.what for finding in findings]
    assert len(names) == len(set(names))
    assert names[:4] == ["kit", "python", "reference", "isolation"]
    told = {finding.what: finding.found for finding in findings}
    assert told["kit"] == f"cnn-exercise-kit {__version__}"
    assert told["python"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    assert told["reference"] == "compiled"
    assert told["isolation"].split()[0] in ladder.LEVELS
    assert "rlimits" in told["isolation"]
    assert told["numpy"] == importlib.metadata.version("numpy")


@pytest.mark.slow
def test_workers_with_keras_are_asked(without_keras):
    (finding,) = without_keras()
    assert (finding.what, finding.ok) == ("keras workers", True)
    assert finding.found.split(":")[0] in ladder.LEVELS


def test_workers_with_keras_that_cannot_be_had(without_keras, monkeypatch):
    def fault():
        raise ladder.GraderFault("student code with Keras cannot be isolated here: why")

    monkeypatch.setattr(keras_sandbox, "server", fault)
    (finding,) = without_keras()
    assert (finding.ok, finding.optional) == (False, True)
    assert finding.found.endswith("cannot be isolated here: why")


def test_the_command_shows_a_line_a_finding(healthy):
    code, text = run()
    assert code == PASSED
    names = [finding.what for finding in examine()]
    for line, name in zip(text.splitlines(), names, strict=True):
        assert line.startswith(f"  ✓  {name} ")
    assert "\x1b" not in text


def test_long_findings_are_wrapped(healthy, monkeypatch):
    reason = "needs " + "one thing and another, " * 8
    command = "pip install " + "x" * 90
    monkeypatch.setattr(doctor, "_kit", lambda: Finding("kit", reason, False, command))
    code, text = run()
    assert code == FAILED
    lines = text.splitlines()
    assert len(lines[0]) <= 80
    assert len(lines[1]) <= 80
    assert lines[1].strip().startswith(("one", "thing", "and", "another"))
    assert " ".join(reason.split()) in " ".join(text.split())
    # A command is for copying, and stays whole.
    assert command in text


# --- what is missing


def test_every_package_that_the_kit_needs_is_looked_for(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    needed = [requirement.partition(">")[0] for requirement in project["dependencies"]]
    assert list(doctor.NEEDED) == needed
    extras = project["optional-dependencies"]
    of_developers = {"test", "conformance"}
    assert doctor.EXTRAS.keys() == extras.keys() - of_developers - {"capstone-cpu"}
    for extra, (package, _) in doctor.EXTRAS.items():
        assert package in [requirement.partition(">")[0] for requirement in extras[extra]]


@pytest.mark.parametrize("package", doctor.NEEDED)
def test_a_missing_package_is_a_fault(healthy, monkeypatch, root, package):
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == package else "1.0")
    finding = found(package)
    assert (finding.found, finding.ok, finding.optional) == ("missing", False, False)
    assert finding.mend == "pip install -c constraints.txt -e ."
    assert (root / "constraints.txt").is_file()
    code, text = run()
    assert code == FAILED
    assert f"  ✗  {package} " in text
    assert finding.mend in text


@pytest.mark.parametrize("extra", doctor.EXTRAS)
def test_a_missing_extra_is_none(healthy, monkeypatch, extra):
    package, purpose = doctor.EXTRAS[extra]
    missing = {package, doctor.STAND_INS.get(package)}
    monkeypatch.setattr(doctor, "_version", lambda name: None if name in missing else "1.0")
    finding = found(package)
    assert (finding.found, finding.optional) == (f"missing; for {purpose}", True)
    assert finding.mend.endswith(f"-e '.[{extra}]'")
    code, text = run()
    assert code == PASSED
    assert f"  ·  {package} " in text


def test_tensorflow_without_a_gpu_is_tensorflow_too(healthy, monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "tensorflow" else "1.0")
    assert found("tensorflow").found == "1.0"


def test_what_is_installed_is_asked_of_python(without):
    without("scipy")
    assert doctor._version("scipy") is None
    assert doctor._version("numpy") == importlib.metadata.version("numpy")


def test_a_slow_reference_is_a_fault(healthy, monkeypatch):
    monkeypatch.setattr(reference, "backend", lambda: "pure")
    finding = found("reference")
    assert (finding.ok, finding.mend) == (False, "unset REFERENCE_BACKEND")


def test_a_reference_that_is_not_compiled(healthy, monkeypatch):
    monkeypatch.delattr(reference, "ops", raising=False)
    monkeypatch.setitem(sys.modules, "reference.ops", None)
    finding = found("reference")
    assert not finding.ok
    assert "reference.ops" in finding.found
    assert "\n" not in finding.found
    assert "pip install -e ." in finding.mend


def test_windows_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert "wsl --install" in found("python").mend
    assert (found("isolation").found, found("isolation").ok) == ("none on Windows", False)


# --- isolation


class Server:
    """What stands for a server of workers here."""

    isolation = ladder.Isolation("", ("process", "rlimits"))
    closed = 0

    def close(self):
        Server.closed += 1


@pytest.fixture
def provable(monkeypatch):
    """`provable("weak")`: the levels of isolation that can be had."""

    def levels(*can):
        def proven(level, limits):
            if level not in can:
                raise ladder.NotIsolated(f"{level}: needs a better machine")
            return Server()

        monkeypatch.setattr(ladder, "proven", proven)

    return levels


def test_the_best_level_is_told(provable):
    provable("weak", "medium", "strong")
    before = Server.closed
    (finding,) = doctor._isolation()
    assert finding == Finding("isolation", "strong (process, rlimits)")
    assert Server.closed == before + 1


def test_higher_levels_say_what_they_lack(provable):
    provable("weak", "medium")
    assert doctor._isolation() == [
        Finding("isolation", "medium (process, rlimits)"),
        Finding("strong", "needs a better machine", False, optional=True),
    ]


def test_nobody_should_grade_at_the_weak_level(provable):
    provable("weak")
    first, *others = doctor._isolation()
    assert first.found.endswith("for practice; take no grades with it")
    assert [finding.what for finding in others] == ["strong", "medium"]


def test_no_isolation_at_all_is_a_fault(provable, monkeypatch):
    provable()
    findings = doctor._isolation()
    assert [(f.what, f.ok, f.optional) for f in findings] == [
        ("isolation", False, False),
        ("strong", False, True),
        ("medium", False, True),
        ("weak", False, True),
    ]
    monkeypatch.setattr(doctor, "_isolation", lambda: findings)
    assert run()[0] == FAILED


def test_a_worker_that_does_not_start_is_a_fault(monkeypatch):
    def proven(level, limits):
        if level != "weak":
            raise ladder.NotIsolated(f"{level}: no")
        raise ladder.GraderFault("the worker process did not start")

    monkeypatch.setattr(ladder, "proven", proven)
    assert doctor._isolation()[0] == Finding("isolation", "the worker process did not start", False)


# --- the case bank


@pytest.mark.parametrize("banks", [None, 0, 3])
def test_the_case_bank_is_measured(tmp_path, monkeypatch, banks):
    folder = tmp_path / "banks"
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    if banks is not None:
        folder.mkdir()
        (folder / "other.txt").write_bytes(bytes(2**20))
    for number in range(banks or 0):
        (folder / f"{number}.bank").write_bytes(bytes(2**19))
    finding = doctor._cache()
    size = {None: "0.0", 0: "0.0", 3: "1.5"}[banks]
    assert finding == Finding("case bank", f"{banks or 0} kept, {size} MiB, in {folder}")


def test_looking_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "banks"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    examine()
    assert list(tmp_path.iterdir()) == []
