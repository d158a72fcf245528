"""Every workflow: the schemas, zizmor, and our own rules."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from actions import load
from policy import faults

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "autograder" / "scaffold" / "templates" / "release"
OURS = [
    TEMPLATES / "grade.yml",
    TEMPLATES / "comment.yml",
    *sorted((ROOT / ".github").rglob("workflows/*.yml")),
]


def tool(name):
    """A program of the extra `test`."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    found = shutil.which(name, path=beside)
    assert found is not None, f"{name} is not installed: pip install -e '.[test]'"
    return found


def ran(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("workflow", OURS, ids=lambda file: file.name)
def test_a_workflow_keeps_the_rules(workflow):
    assert list(faults(load(workflow), workflow.read_text("utf-8"))) == []


@pytest.mark.parametrize("workflow", OURS, ids=lambda file: file.name)
def test_a_workflow_has_the_form_that_github_reads(workflow):
    check = tool("check-jsonschema")
    ran(check, "--builtin-schema", "vendor.github-workflows", workflow)


@pytest.mark.parametrize("workflow", OURS, ids=lambda file: file.name)
def test_zizmor_finds_nothing(workflow, tmp_path):
    # It looks for workflows where GitHub does.
    place = tmp_path / ".github" / "workflows" / workflow.name
    place.parent.mkdir(parents=True)
    shutil.copyfile(workflow, place)
    told = ran(tool("zizmor"), "--offline", "--no-progress", "--persona", "pedantic", tmp_path)
    assert "No findings to report" in told


def test_gitlabs_file_has_the_form_that_gitlab_reads(student):
    check = tool("check-jsonschema")
    ran(check, "--builtin-schema", "vendor.gitlab-ci", student / ".gitlab-ci.yml")


def test_what_is_released_is_what_is_tested(student):
    for name in ("grade.yml", "comment.yml"):
        released = student / ".github" / "workflows" / name
        assert released.read_bytes() == (TEMPLATES / name).read_bytes()


def test_only_the_comment_may_write():
    grade, comment = load(TEMPLATES / "grade.yml"), load(TEMPLATES / "comment.yml")
    assert grade["on"] == {"pull_request": None}
    assert grade["jobs"]["grade"]["permissions"] == {"contents": "read"}
    assert set(comment["on"]) == {"workflow_run"}
    assert comment["on"]["workflow_run"]["workflows"] == [grade["name"]]
    writes = {"actions": "read", "pull-requests": "write"}
    assert comment["jobs"]["comment"]["permissions"] == writes


BROKEN = {
    "pull_request_target": ("  pull_request:", "  pull_request_target:"),
    "permissions are not {}": ("permissions: {}", "permissions: write-all"),
    "no concurrency": ("concurrency:", "defaults:"),
    "a secret is used": ("NUMBER: ${{ github.event.pull_request.number }}", "N: ${{ secrets.N }}"),
    "not pinned": ("checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "checkout@v7"),
    "no timeout-minutes": ("    timeout-minutes: 30\n", ""),
    "no permissions of its own": ("    permissions:\n      contents: read\n", ""),
    "contents: write": ("contents: read", "contents: write"),
    "keeps its credentials": ("persist-credentials: false", "persist-credentials: true"),
    "an expression in a script": ('--base "$BASE"', "--base ${{ github.head_ref }}"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_rules_find_what_breaks_them(fault, tmp_path):
    text = (TEMPLATES / "grade.yml").read_text("utf-8")
    old, new = BROKEN[fault]
    assert old in text
    file = tmp_path / "grade.yml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(fault in told for told in faults(load(file), file.read_text("utf-8")))


def test_a_workflow_that_may_write_checks_nothing_out(tmp_path):
    text = (TEMPLATES / "comment.yml").read_text("utf-8")
    step = load(TEMPLATES / "grade.yml")["jobs"]["grade"]["steps"][0]
    workflow = yaml.safe_load(text)
    workflow["on"] = workflow.pop(True)
    assert not any("checks something out" in told for told in faults(workflow, text))
    workflow["jobs"]["comment"]["steps"].append(step)
    assert any("checks something out" in told for told in faults(workflow, text))
