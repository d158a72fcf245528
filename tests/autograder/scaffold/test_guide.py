"""The example of the author's guide: it does what the page says, to the line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from autograder.scaffold.new import new, said
from autograder.shell import FAILED, PASSED

GUIDE = Path(__file__).parent / "guide"
DOTTED = "activation.prelu"
ALONE = "--jobs", "1"


@pytest.fixture(scope="module")
def page(root):
    """The section of the page."""
    text = (root / "autograder" / "README.md").read_text("utf-8")
    return text.split("## Write an exercise\n")[1].split("\n## ")[0]


@pytest.fixture
def first(tmp_path):
    """The files of the guide with the first idea for a spec."""
    folder = tmp_path / "first"
    shutil.copytree(GUIDE, folder)
    shutil.copyfile(GUIDE / "first" / "spec.py", folder / "spec.py")
    return folder


def shown(page, name):
    """A command's arguments, and the lines of its screen that are quoted."""
    quoted = re.search(rf"<!-- {name}:begin -->\n```\n(.*?)```\n<!-- {name}:end", page, re.S)
    command, *lines = quoted[1].splitlines()
    return command.removeprefix("$ autograder ").split(), [li for li in lines if li != "..."]


def without_seconds(line):
    return re.sub(r"\d+\.\d$", "-", line.rstrip())


def assert_is_quoted(lines, screen):
    """The lines are in the screen, in this order."""
    printed = iter([without_seconds(line) for line in screen.splitlines()])
    for line in lines:
        assert without_seconds(line) in printed, line


def test_the_code_on_the_page_is_that_of_the_files(page):
    files = [*GUIDE.glob("*.*"), GUIDE / "first" / "spec.py"]
    texts = [file.read_text("utf-8") for file in files]
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", page, re.S)
    assert len(blocks) >= 6
    for part in (part.strip() for block in blocks for part in block.split("\n\n\n")):
        assert any(part in text for text in texts), part


def test_the_screen_of_new_is_what_it_prints(page, checkout):
    (quoted,) = re.findall(rf"\$ autograder new {DOTTED}\n(.*?)\n\.\.\.\n", page, re.S)
    assert said(DOTTED, new(DOTTED, checkout)).startswith(quoted)


@pytest.mark.slow
def test_the_first_idea_lets_through_what_the_page_says(page, checkout, first, run):
    new(DOTTED, checkout, first)
    arguments, lines = shown(page, "first")
    done = run(*arguments, *ALONE)
    assert done.returncode == FAILED
    assert_is_quoted(lines, done.stdout)


@pytest.mark.slow
def test_the_finished_exercise_passes_its_audit(page, checkout, run, build):
    new(DOTTED, checkout, GUIDE)
    arguments, lines = shown(page, "second")
    done = run(*arguments, *ALONE)
    assert done.returncode == FAILED
    assert_is_quoted(lines, done.stdout)
    assert done.stdout.count(": mutant ") == 1
    with (checkout / "autograder/audit/equivalent.toml").open("a") as notes:
        notes.write((GUIDE / "equivalent.toml").read_text())
    build("activation")
    arguments, lines = shown(page, "last")
    done = run(*arguments, *ALONE, backend="fast")
    assert done.returncode == PASSED, done.stdout
    assert_is_quoted(lines, done.stdout)
    assert "Survivors" not in done.stdout
    # And the rooms hold together.
    options = "-q", "-p", "no:cacheprovider", "-k", "prelu"
    files = "tests/autograder/test_catalog.py", "tests/reference"
    done = run(*options, *files, module="pytest", backend="fast")
    assert done.returncode == PASSED, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 30
