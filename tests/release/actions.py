"""A little of GitHub Actions: runs the `run:` steps of a workflow's job, in order, on this machine.

What is checked out, set up and uploaded is done in its plainest form; expressions are looked up in
the event; of the log it is known which lines GitHub would take for commands.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{ *([\w.]+) *\}\}")
COMMAND = re.compile(r"^\s*::([\w-]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$", re.DOTALL)
OLD_COMMAND = re.compile(r"##\[([\w-]+)")


def load(workflow: Path) -> dict[str, Any]:
    """A workflow; YAML takes its key `on` for a truth value."""
    document = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    document["on"] = document.pop(True)
    return document


@dataclass
class Ran:
    """What is left of a job."""

    steps: list[tuple[str, int]] = field(default_factory=list)
    log: bytes = b""
    summary: str = ""
    artifact: Path | None = None

    @property
    def code(self) -> int:
        return self.steps[-1][1]

    def commands(self) -> Iterator[tuple[str, str, str]]:
        """What GitHub would do by this log: name, properties, message."""
        token = None
        for line in self.log.decode("utf-8", errors="replace").splitlines():
            if token is not None:
                token = None if line.strip() == f"::{token}::" else token
            elif found := COMMAND.match(line):
                name, properties, message = found.groups()
                if name == "stop-commands":
                    token = message
                else:
                    yield name, properties or "", message
            elif found := OLD_COMMAND.search(line):
                yield found[1], "", line


def run(job: Mapping[str, Any], event: dict[str, Any], repository: Path, tools: Path, home: Path):
    """Run a job for an event, in a new folder; the first step that fails is the last one."""
    work, uploaded = home / "work", home / "artifact"
    work.mkdir(parents=True)
    summary = home / "summary.md"
    summary.touch()
    ran = Ran()
    for step in job["steps"]:
        options = {key: _filled(str(v), event) for key, v in step.get("with", {}).items()}
        match step.get("uses", "").partition("@")[0]:
            case "":
                env = {key: _filled(str(v), event) for key, v in step.get("env", {}).items()}
                code, log = _run(step["run"], env, work, tools, home)
                ran.log += log
            case "actions/checkout":
                code = _checkout(repository, work / options["path"], options["ref"])
            case "actions/setup-python":
                code = 0 if (work / options["python-version-file"]).is_file() else 1
            case "actions/upload-artifact":
                code = _upload(work, options["path"].split(), uploaded)
                ran.artifact = uploaded
            case other:
                raise AssertionError(f"{other} is not known here")
        ran.steps.append((step["name"], code))
        if code:
            break
    ran.summary = summary.read_text(encoding="utf-8")
    return ran


def _filled(text: str, event: dict[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        place: Any = {"github": {"event": event}}
        for name in found[1].split("."):
            place = place[name]
        return str(place)

    return EXPRESSION.sub(value, text)


def _run(
    script: str, env: dict[str, str], work: Path, tools: Path, home: Path
) -> tuple[int, bytes]:
    surroundings = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_")) and name != "PYTHONPATH"
    }
    # The log goes to a file: it may be long.
    with (home / "log").open("w+b") as log:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=work,
            env={
                **surroundings,
                "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
                "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
                **env,
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=1800,
            check=False,
        )
        log.seek(0)
        return done.returncode, log.read()


def _checkout(repository: Path, to: Path, commit: str) -> int:
    for command in (
        ["git", "clone", "--quiet", "--no-checkout", str(repository), str(to)],
        ["git", "-C", str(to), "checkout", "--quiet", "--detach", commit],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return 0


def _upload(work: Path, paths: list[str], to: Path) -> int:
    """As upload-artifact does: paths begin below the folder that all of them share."""
    shared = PurePosixPath(os.path.commonpath(paths))
    for path in paths:
        if not (work / path).is_file():
            return 1
        place = to / PurePosixPath(path).relative_to(shared)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(work / path, place)
    return 0
