"""The version is in one place, and the changelog knows it."""

from __future__ import annotations

import re
import tomllib

import autograder


def test_the_version_is_in_one_place(root):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "autograder.__version__"}
    said = [
        file.relative_to(root).as_posix()
        for package in ("autograder", "reference")
        for file in (root / package).rglob("*.py")
        if re.search(rf"[\"']{re.escape(autograder.__version__)}[\"']", file.read_text("utf-8"))
    ]
    assert said == ["autograder/__init__.py"]


def test_the_changelog_begins_with_this_version(root):
    versions = re.findall(r"^## (\S+)$", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert versions[0] == autograder.__version__


def test_the_documentation_has_the_table_of_pull_requests(root):
    from test_pull_requests import PULL_REQUESTS

    page = (root / "docs" / "pull_requests.md").read_text("utf-8")
    table = page.split("<!-- pull-requests:begin -->")[1].split("<!-- pull-requests:end -->")[0]
    rows = dict(re.findall(r"^(\w+) .* (\d)$", table, re.MULTILINE))
    assert rows == {kind.__name__: str(code) for kind, (_, code) in PULL_REQUESTS.items()}
