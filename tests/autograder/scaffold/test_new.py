"""`autograder new`: what it writes runs at once, and it never overwrites."""

from __future__ import annotations

import re
import shutil

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.scaffold import new as scaffold
from autograder.scaffold.new import LINE_LENGTH, BadName, new, split
from autograder.shell import FAILED, PASSED, USAGE

EXISTING, FRESH = "stride.every_second", "resampling.upsample2d"


def contents(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def begun(checkout, dotted):
    """The exercise is begun; topic and name."""
    new(dotted, checkout)
    return split(dotted)


# --- what is written


@pytest.mark.parametrize("dotted", [EXISTING, pytest.param(FRESH, marks=pytest.mark.slow)])
def test_the_stub_is_not_attempted_and_the_twin_gets_full_marks(dotted, checkout, run):
    _, name = begun(checkout, dotted)
    stub = run("check", name)
    assert stub.returncode == FAILED
    assert "Not attempted yet" in stub.stdout
    assert not stub.stderr
    twin = run("check", name, "--path", "reference/pure")
    assert twin.returncode == PASSED, twin.stdout + twin.stderr
    assert "2 of 2 points" in twin.stdout


@pytest.mark.slow
@pytest.mark.parametrize("dotted", [EXISTING, FRESH])
def test_the_audit_tells_what_to_improve(dotted, checkout, golden, run):
    _, name = begun(checkout, dotted)
    # Right in all that was asked so far; the new function is not held against it.
    shutil.copytree(golden / "right-loops", checkout / "tests" / "submissions" / "right-loops")
    done = run("audit", name, "--jobs", "1", "--seeds", "2")
    assert done.returncode == FAILED
    assert not done.stderr
    assert f"{name}: fault changes_its_argument" in done.stdout
    assert f"{name}: mutant" in done.stdout
    row = re.search(rf"^{name} +(\d+)/(\d+) +1/1 +\d+/\d+ +0 ", done.stdout, re.M)
    assert row is not None, done.stdout
    assert 0 < int(row[1]) < int(row[2])


@pytest.mark.slow
@pytest.mark.parametrize("dotted", [EXISTING, FRESH])
def test_the_rooms_hold_together_with_the_compiled_twin(dotted, checkout, run, build):
    topic, name = begun(checkout, dotted)
    build(topic)
    files = "tests/autograder/test_catalog.py", "tests/reference"
    options = "-q", "-p", "no:cacheprovider", "-k", name
    done = run(*options, *files, module="pytest", backend="fast")
    assert done.returncode == 0, done.stdout
    # Every test of an exercise is there for this one, and the twins are compared.
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 30
    assert "failed" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("dotted", [EXISTING, FRESH])
def test_what_is_written_is_clean(dotted, checkout, run):
    begun(checkout, dotted)
    for arguments in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = run(*arguments, "exercises", "reference", "autograder/specs", "tests/reference",
                   module="ruff")  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_in_a_topic_it_comes_last_and_nothing_else_changes(checkout):
    before = contents(checkout)
    written = new(EXISTING, checkout)
    after = contents(checkout)
    assert {checkout / file for file in written} == {f for f in after if after[f] != before.get(f)}
    assert before.keys() == after.keys()
    for file in written:
        old = before[checkout / file].decode().splitlines()
        lines = after[checkout / file].decode().splitlines()
        lost = [line for line in old if line not in lines]
        # An import with a name more, and the number of functions.
        assert all(line.startswith(("from ", "Students fill in ")) for line in lost), lost
        assert len(lost) <= 1
    ops = after[checkout / "reference/ops.py"].decode()
    assert ops.index("def strided_conv2d(") < ops.index("def every_second(") < ops.index("# 5 ")
    table = after[checkout / "exercises/README.md"].decode()
    assert re.search(r"`strided_conv2d`.*\n\| \| `every_second` .* 2 \|\n\| 5 ", table)


def test_in_a_topic_of_several_modules_it_gets_one_of_its_own(checkout, run):
    before = contents(checkout)
    written = new("convolution.every_second", checkout)
    package = checkout / "autograder" / "specs" / "convolution"
    assert contents(checkout).keys() - before.keys() == {package / "every_second.py"}
    assert package / "__init__.py" in {checkout / file for file in written}
    text = (package / "__init__.py").read_text()
    assert text.endswith("    every_second,\n)\n")
    done = run("check", "every_second", "--path", "reference/pure")
    assert done.returncode == PASSED, done.stdout + done.stderr
    assert "2 of 2 points" in done.stdout
    for arguments in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = run(*arguments, package, module="ruff")
        assert done.returncode == 0, done.stdout


def test_a_new_topic_is_the_next_lesson(checkout, root):
    last = max(
        int(re.search(r"^LESSON = (\d+)", file.read_text(), re.M)[1])
        for pattern in ("[!_]*.py", "*/__init__.py")
        for file in (root / "autograder/specs").glob(pattern)
    )
    new(FRESH, checkout)
    spec = (checkout / "autograder/specs/resampling.py").read_text()
    assert f"\nLESSON = {last + 1}\n" in spec
    table = (checkout / "exercises/README.md").read_text()
    assert f"| {last + 1} [resampling](resampling.py) | `upsample2d` |" in table
    backend = (checkout / "reference/_backend.py").read_text()
    assert backend.count("resampling") == 2
    # A second one in it follows the first.
    new("resampling.shrink2d", checkout)
    ops = (checkout / "reference/ops.py").read_text()
    assert ops.index("def upsample2d(") < ops.index("def shrink2d(") < ops.index("# The general")
    assert ops.count(f"# {last + 1} ") == 1


def test_every_place_to_change_is_marked(checkout):
    written = new(FRESH, checkout)
    marked = {f for f in written if "hange this" in (checkout / f).read_text()}
    unmarked = {str(f) for f in written if f not in marked}
    assert unmarked == {"README.md", "reference/_backend.py"}


def test_the_command_says_what_it_wrote_and_what_comes_next(checkout, monkeypatch):
    monkeypatch.chdir(checkout)
    done = CliRunner().invoke(app, ["new", EXISTING])
    assert done.exit_code == PASSED
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for file in ("exercises/stride.py", "autograder/specs/stride.py", "tests/reference/twins.py"):
        assert any(line.split()[:1] == [file] for line in lines), file
    assert "  autograder audit every_second" in lines


@pytest.mark.parametrize("line", ["from numbers import Real", "import numpy as np"])
def test_imports_that_lack_are_added(line):
    text = '"""A module."""\n\nfrom __future__ import annotations\n\n\ndef f():\n    pass\n'
    added = scaffold._imported(text, line, set())
    compile(added, "module", "exec")
    assert f"\n{line}\n" in added


def test_imports_are_merged():
    text = "from a import B, c\n\nx = 1\n"
    assert scaffold._imported(text, "from a import c, A", {"B", "c"}).startswith(
        "from a import A, B, c\n"
    )
    assert scaffold._imported(text, "from a import c", {"B", "c"}) == text
    long = f"from a import {', '.join(f'name_{i}' for i in range(10))}\n\nx = 1\n"
    split_up = scaffold._imported(long, "from a import another", set())
    assert max(map(len, split_up.splitlines())) <= LINE_LENGTH
    assert "from a import another\n" in split_up


# --- what is refused


REFUSED = {
    "relu": "TOPIC.NAME",
    "activation.": "small letters",
    ".twice": "small letters",
    "activation.twice.thrice": "small letters",
    "../activation.twice": "small letters",
    "Activation.twice": "small letters",
    "activation.Twice": "small letters",
    "activation._twice": "small letters",
    "activation.2x": "small letters",
    "activation.zwölf": "small letters",
    "activation.lambda": "keyword of Python",
    "class.twice": "keyword of Python",
    "activation.cdef": "keyword of Cython",
    "activation.max": "built-in",
    "activation.relu": "relu is there already, in exercises/activation.py",
    "padding.relu": "relu is there already, in exercises/activation.py",
    "resampling.relu": "relu is there already, in exercises/activation.py",
    "padding.general_conv2d": "already",  # an operation that no exercise asks for
    "activation.leaky_relu": "already",  # a misconception of another exercise
    "pooling.pool": "in reference/fast/pooling.pyx already",  # as _pool
    "pooling.window": "in reference/fast/pooling.pyx already",
    "activation.padding": "name of a topic",
    "resampling.resampling": "name of a topic",
    "relu.twice": "name of an exercise",
    "json.twice": "standard library",
    "general.twice": "module of the kit",
    "engine.twice": "module of the kit",
    "worker.twice": "module of the kit",
    "tests.twice": "module of the kit",
    "numpy.twice": "module of the kit",
    "convolution.windows": "is a module of autograder/specs/convolution already",
    "resampling.agrees": "has a meaning",
    "resampling.ops": "has a meaning",
}


def test_names_that_cannot_be_are_refused_and_nothing_is_written(checkout, monkeypatch):
    before = contents(checkout)
    monkeypatch.chdir(checkout)
    for dotted, reason in REFUSED.items():
        done = CliRunner().invoke(app, ["new", dotted])
        assert done.exit_code == USAGE, dotted
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert done.stderr.startswith("autograder: ")
        assert reason in done.stderr, dotted
        assert not done.stdout
    assert contents(checkout) == before


def test_the_same_name_twice_is_refused(checkout):
    new(FRESH, checkout)
    before = contents(checkout)
    with pytest.raises(BadName, match="upsample2d is there already"):
        new(FRESH, checkout)
    assert contents(checkout) == before


def test_a_stub_module_without_a_spec_is_not_overwritten(checkout):
    (checkout / "exercises" / "resampling.py").write_text("mine = 1\n")
    with pytest.raises(BadName, match="without a spec"):
        new(FRESH, checkout)
    assert (checkout / "exercises" / "resampling.py").read_text() == "mine = 1\n"


def test_a_folder_that_is_no_checkout_is_refused(tmp_path, root, monkeypatch):
    (tmp_path / "exercises").mkdir()
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["new", FRESH])
    assert done.exit_code == USAGE
    assert "this folder is no checkout of the kit: it has no autograder/specs" in done.stderr
    assert list(tmp_path.rglob("*")) == [tmp_path / "exercises"]


@pytest.mark.parametrize("dotted", [EXISTING, FRESH])
def test_a_full_disk_leaves_everything_as_it_was(dotted, checkout, monkeypatch):
    before = contents(checkout)
    write, written = scaffold.write, []

    def full(file, text):
        if len(written) == 5:
            written.clear()  # what is put back fits
            raise OSError(28, "No space left on device", str(file))
        written.append(file)
        write(file, text)

    monkeypatch.setattr(scaffold, "write", full)
    monkeypatch.chdir(checkout)
    done = CliRunner().invoke(app, ["new", dotted])
    assert done.exit_code == USAGE
    assert "No space left on device; nothing is changed" in done.stderr
    assert contents(checkout) == before
