"""The stand-in for GitHub Actions: what it takes for a command, and how a job ends."""

from __future__ import annotations

import pytest
from actions import Ran, run


def commands(log):
    return list(Ran(log=log).commands())


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"::notice::text", ("notice", "", "text")),
        (b"  ::add-mask::0", ("add-mask", "", "0")),
        (b"::error file=a.py,title=b%3A::c::d", ("error", "file=a.py,title=b%3A", "c::d")),
        (b"say ##[group]x", ("group", "", "say ##[group]x")),
    ],
)  # fmt: skip
def test_a_command_is_found(line, command):
    assert commands(b"first\n" + line + b"\nlast\n") == [command]


@pytest.mark.parametrize("line", [b"a ::notice::text", b"\\::notice::text", b": :notice::text"])
def test_other_lines_are_none(line):
    assert commands(line) == []


def test_between_the_marks_nothing_is_a_command():
    log = b"::stop-commands::t\n::notice::a\n::other::\n##[group]\n::t::\n::notice::b\n"
    assert commands(log) == [("notice", "", "b")]


def test_a_job_ends_with_its_first_failing_step(tmp_path):
    names = ("one", "two", "three")
    scripts = ("echo $A > a", "cat a; exit 3", "echo never")
    steps = [
        {"name": name, "run": script, "env": {"A": "${{ github.event.a.b }}"}}
        for name, script in zip(names, scripts, strict=True)
    ]
    event = {"a": {"b": "filled"}}
    ran = run({"steps": steps}, event, tmp_path, tmp_path, tmp_path / "home")
    assert ran.steps == [("one", 0), ("two", 3)]
    assert ran.code == 3
    assert ran.log == b"filled\n"
