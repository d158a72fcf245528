"""What is taken from a pull request, and what is said of the rest."""

from __future__ import annotations

import subprocess

import pytest

from autograder.capstone.model import FILE_BYTES
from autograder.integrations.pull_request import MOST_TOLD, changed, main, take, told


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "exercises" / "deep").mkdir(parents=True)
    for name in ("padding.py", "_help.py", "conftest.py", "sitecustomize.py", "deep/relu.py"):
        (folder / "exercises" / name).write_text(name)
    for name in ("a-b.py", "notes.txt", "x.pth", "padding.pyc"):
        (folder / "exercises" / name).write_text(name)
    (folder / "padding.py").write_text("top")
    return folder


def names(folder):
    return sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())


def test_only_modules_in_exercises_are_taken(tree, tmp_path):
    taken = take(tree, tmp_path / "taken")
    assert taken == ["exercises/_help.py", "exercises/padding.py"]
    assert names(tmp_path / "taken") == taken
    assert (tmp_path / "taken/exercises/padding.py").read_text() == "padding.py"


def test_no_link_is_followed(tree, tmp_path):
    (tree / "exercises" / "relu.py").symlink_to(tree / "padding.py")
    assert "exercises/relu.py" not in take(tree, tmp_path / "taken")
    (tree / "exercises").rename(tree / "elsewhere")
    (tree / "exercises").symlink_to("elsewhere")
    assert take(tree, tmp_path / "other") == []
    assert names(tmp_path / "other") == []


def test_of_the_capstone_its_files_are_taken_to_the_byte(tree, tmp_path):
    home = tree / "exercises" / "capstone"
    home.mkdir()
    model = bytes(range(256)) * 1000
    for name in ("digits.keras", "digits.py", "predict.py", "11_capstone.ipynb"):
        (home / name).write_bytes(model)
    for name in ("other.keras", "more.py", "conftest.py", ".x.ipynb", "README.md", "a b.ipynb"):
        (home / name).write_bytes(b"")
    (home / "deep").mkdir()
    (home / "deep" / "digits.keras").write_bytes(b"")
    (home / "linked.ipynb").symlink_to(tree / "padding.py")
    (home / "folder.ipynb").mkdir()
    taken = take(tree, tmp_path / "taken")
    own = ["11_capstone.ipynb", "digits.keras", "digits.py", "predict.py"]
    assert taken[2:] == [f"exercises/capstone/{name}" for name in own]
    assert names(tmp_path / "taken") == sorted(taken)
    assert (tmp_path / "taken/exercises/capstone/digits.keras").read_bytes() == model


def test_of_a_model_that_is_too_large_enough_is_taken_to_tell(tree, tmp_path):
    home = tree / "exercises" / "capstone"
    home.mkdir()
    (home / "digits.keras").write_bytes(bytes(FILE_BYTES + 1000))
    take(tree, tmp_path / "taken")
    size = (tmp_path / "taken/exercises/capstone/digits.keras").stat().st_size
    assert size == FILE_BYTES + 1
    home.rename(tree / "exercises" / "elsewhere")
    home.symlink_to("elsewhere")
    assert not [name for name in take(tree, tmp_path / "other") if "capstone" in name]


def test_names_are_text_in_one_block():
    hostile = ["::add-mask::0", "a\n```\n# b", "x" * 300, "\u202egnp"]
    text = told(hostile)
    lines = text.splitlines()
    assert lines[2] == "```text"
    assert lines[-1] == "```"
    assert text.count("```") == 2
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert max(map(len, lines)) < 120
    assert "\u202e" not in text
    assert told([]) == ""


def test_few_names_are_told_of_many():
    text = told([f"file{i}" for i in range(MOST_TOLD + 5)])
    assert "and 5 more" in text
    assert len(text.splitlines()) == MOST_TOLD + 5


def git(tree, *arguments):
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@localhost", *arguments]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_changes_are_those_since_the_base(tree, tmp_path, capsys):
    git(tree, "init", "--quiet", "--initial-branch", "main")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "base")
    git(tree, "checkout", "--quiet", "-b", "pull")
    (tree / "exercises" / "padding.py").write_text("mine")
    (tree / "exercises" / "_help.py").unlink()
    (tree / "padding.py").unlink()
    (tree / "new.md").write_text("new")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "pull")
    # The base has moved on; that is no change of the pull request's.
    git(tree, "checkout", "--quiet", "main")
    (tree / "later.md").write_text("later")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "later")
    base = git(tree, "rev-parse", "HEAD")
    git(tree, "checkout", "--quiet", "pull")
    assert changed(tree, base) == [
        "exercises/_help.py",
        "exercises/padding.py",
        "new.md",
        "padding.py",
    ]
    assert main([str(tree), "--base", base, "--to", str(tmp_path / "taken")]) == 0
    block = capsys.readouterr().out.split("```text\n")[1].split("```")[0]
    assert block.splitlines() == ["new.md", "padding.py"]
    assert names(tmp_path / "taken") == ["exercises/padding.py"]


def test_a_base_that_is_not_there_is_told(tree, tmp_path, capsys):
    git(tree, "init", "--quiet")
    assert main([str(tree), "--base", "0" * 40, "--to", str(tmp_path / "taken")]) == 2
    assert capsys.readouterr().err.startswith("pull_request: git: ")
