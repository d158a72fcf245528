"""The pytest plugin: every law is a test, and nothing else in the world is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from autograder import catalog
from autograder.integrations.pytest_plugin import Judge, LawBroken
from autograder.isolation.limits import DEFAULT
from autograder.report.terminal import WORDS, Depth
from autograder.verdict import Counterexample, ExerciseResult, LawResult

PASSED, FAILED, NOTHING = 0, 1, 5
STUB = "def {}(*arguments):\n    raise NotImplementedError\n"


def run(*command, cwd, **environment):
    """A program of the kit, as a student starts it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        env={**env, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# The plugin of Hypothesis takes longer to load than all else here.
QUICKLY = ("-p", "no:hypothesispytest")


def pytest_in(folder, *options, quickly=QUICKLY):
    """pytest there, which neither complains nor breaks off."""
    done = run("pytest", *quickly, *options, cwd=folder)
    assert done.returncode in (PASSED, FAILED, NOTHING), done.stdout + done.stderr
    assert not done.stderr
    return done


def collected(folder, *options):
    """The ids that pytest finds there."""
    done = pytest_in(folder, "-p", "no:cacheprovider", "--collect-only", "-q", *options)
    return [line for line in done.stdout.splitlines() if "::" in line]


def ids(topic, module, only=None):
    """The ids that a module of a topic should have."""
    return [
        f"{module}::{exercise.name}::{law.name}"
        for exercise in catalog.select([topic])
        for law in exercise.laws
        if only is None or exercise.name == only
    ]


def failed(done):
    return re.findall(r"^FAILED (\S+)", done.stdout, re.M)


@pytest.fixture(scope="module")
def course(golden, tmp_path_factory):
    """A student's folder: padding is done but for one stub, ReLU has a mistake."""
    folder = tmp_path_factory.mktemp("course")
    exercises = folder / "exercises"
    exercises.mkdir()
    shutil.copy(golden / "half-finished/exercises/padding.py", exercises)
    shutil.copy(golden / "wrong-relu-leaky/exercises/activation.py", exercises)
    (exercises / "__init__.py").touch()
    return folder


@pytest.fixture(scope="module")
def whole(course):
    """The run of all of it, by which later runs know what failed last."""
    return pytest_in(course, "-v", quickly=())


def points_of(done):
    (line,) = re.findall(r"=+ ([\d.]+ of [\d.]+) points =+", done.stdout)
    return line


def test_every_law_is_a_test_of_its_function(course, whole):
    assert whole.returncode == FAILED
    expected = [
        *ids("activation", "exercises/activation.py"),
        *ids("padding", "exercises/padding.py"),
    ]
    assert re.findall(r"^(\S+::\S+) (?:PASSED|FAILED)", whole.stdout, re.M) == expected
    for passed in ids("padding", "exercises/padding.py", "output_size"):
        assert f"{passed} PASSED" in whole.stdout
    for stub in ids("padding", "exercises/padding.py", "zero_pad2d"):
        assert f"{stub} FAILED" in whole.stdout


def test_points_add_up_in_the_summary(course, whole):
    done = run("autograder.cli", "check", "padding", "activation", cwd=course)
    assert f"In all {points_of(whole)} points" in done.stdout


def test_a_finding_reads_as_it_does_in_check(course, whole):
    done = run("autograder.cli", "check", "relu", "--all", cwd=course)
    (relu,) = catalog.select(["relu"])
    findings = re.split(r"\n\n  (\w+)\n\n|\n\n  Work this one out", done.stdout)
    said = dict(zip(findings[1:-2:2], findings[2:-1:2], strict=True))
    assert said.keys() == {"agrees", "numbers"}
    for law in relu.laws:
        if law.name in said:
            assert "The smallest input found" in said[law.name]
            assert f"\nrelu: {law.says}\n\n{said[law.name]}\n" in whole.stdout


def test_a_stub_fails_in_one_line(whole):
    told = "zero_pad2d is not attempted yet: write it in padding.py\n"
    parts = re.findall(r"\n_+ zero_pad2d::\w+ _+\n(.*?)(?=\n___|\n===)", whole.stdout, re.S)
    assert parts == [told.rstrip()] * len(ids("padding", "", "zero_pad2d"))


def test_what_failed_last_is_run_again_and_the_first_failure_may_end_the_run(course, whole):
    done = pytest_in(course, "--lf", "-x")
    lost = failed(whole)
    assert f"/ {len(lost)} selected" in done.stdout
    assert f"rerun previous {len(lost)} failures" in done.stdout
    assert failed(done) == lost[:1]
    assert "stopping after 1 failures" in done.stdout


def test_names_choose_functions_and_laws(course):
    options = ("-p", "no:cacheprovider")
    done = pytest_in(course, "-k", "output_size or same_padding", "-v", *options)
    assert done.returncode == PASSED
    module = "exercises/padding.py"
    chosen = [*ids("padding", module, "output_size"), *ids("padding", module, "same_padding")]
    assert re.findall(r"^(\S+::\S+) PASSED", done.stdout, re.M) == chosen
    assert points_of(done) == "6 of 6"


@pytest.mark.slow
def test_points_add_up_over_several_processes(course, whole):
    done = pytest_in(course, "-n", "2", "-p", "no:cacheprovider")
    assert points_of(done) == points_of(whole)
    assert sorted(failed(done)) == sorted(failed(whole))


# --- what is collected


def test_a_folder_an_id_or_a_file_can_be_named(course):
    padding = ids("padding", "exercises/padding.py")
    assert collected(course, "exercises/padding.py") == padding
    assert collected(course / "exercises", "padding.py") == ids("padding", "padding.py")
    assert collected(course, f"./{padding[3]}") == [padding[3]]


@pytest.mark.parametrize("named", [(), ("exercises/padding.py",)], ids=["folder", "file"])
def test_student_code_is_not_imported(tmp_path, named):
    """Nor does it stop the run, whatever it does when it is imported."""
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "padding.py").write_text(
        "import os\ntry:\n    open('imported', 'w').close()\nexcept OSError:\n    pass\n"
        "from .missing import nothing\n" + STUB.format("zero_pad2d")
    )
    done = pytest_in(tmp_path, "-q", "-p", "no:cacheprovider", *named)
    assert failed(done) == ids("padding", "exercises/padding.py")
    assert "exercises.missing is not available" in done.stdout
    assert not (tmp_path / "imported").exists()


def test_only_stub_modules_in_their_places_are_collected(tmp_path):
    ours = STUB.format("zero_pad2d")
    files = {
        "exercises/padding.py": ours,
        "other/exercises/padding.py": ours,
        "padding.py": ours,  # where pytest is started
        "stride.py": "def downsample(x:\n",  # no Python: its student must be told
        # Another project's: no function of ours is in them, ...
        "pooling.py": "from queue import Queue\n\nclass Pool(Queue):\n    pass\n",
        "training.py": "class Net:\n    def forward(self, x):\n        return x\n",
        "exercises/activation.py": "RELU = 'relu'\n",
        "exercises/helper.py": ours,
        # ... they lie elsewhere, ...
        "src/padding.py": ours,
        "tests/padding/padding.py": ours,
        # ... or are no modules of an exercise, though a spec of that name is there.
        "__init__.py": ours,
        "exercises/__init__.py": ours,
        "exercises/_layers.py": ours,
        "exercises/padding.txt": ours,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = collected(tmp_path)
    assert sorted(found) == sorted(
        [
            *ids("padding", "exercises/padding.py"),
            *ids("padding", "other/exercises/padding.py"),
            *ids("padding", "padding.py"),
            *ids("stride", "stride.py"),
        ]
    )
    assert collected(tmp_path, "src") == ids("padding", "src/padding.py")


def test_the_kit_itself_is_not_collected(root, tmp_path):
    """Its own specs and twins have the names of stub modules too."""
    assert collected(root, "--rootdir", tmp_path, "autograder", "reference") == []


HEAVY = ("numpy", "scipy", "hypothesis", "rich", "typer", "jinja2", "autograder.engine")
LOADED = """
import sys
import pytest

pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]])
print("loaded:", *sys.modules)
"""


def test_nothing_heavy_is_imported_for_nothing(tmp_path):
    (tmp_path / "loaded.py").write_text(LOADED)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "pooling.txt").touch()
    done = run("loaded", *QUICKLY, "empty", cwd=tmp_path)
    loaded = set(done.stdout.partition("loaded: ")[2].split())
    assert "autograder.integrations.pytest_plugin" in loaded
    assert loaded & set(HEAVY) == set()


def test_a_function_is_judged_once(tmp_path):
    """However many laws it has, and each of them is a test."""
    (tmp_path / "padding.py").write_text(STUB.format("zero_pad2d"))
    zero_pad2d, *_ = catalog.select(["zero_pad2d"])
    judge = Judge(DEFAULT)
    try:
        first = judge.result(tmp_path, zero_pad2d)
        assert judge.result(tmp_path, zero_pad2d) is first
    finally:
        judge.close()


# --- what a failing test says

LAW = LawResult("agrees", "every value equals the definition's", "fail", 2.0, "y is 0")
RELU = ExerciseResult("relu", "activation", (LAW,))


def broken(**changes):
    return LawBroken(RELU, LawResult(**{**vars(LAW), **changes}))


def test_a_wrong_answer_is_told_with_its_input():
    example = Counterexample({"x": np.array([2.0])}, np.zeros(1), np.ones(1), "", "y[0]", (0,))
    wrong = broken(counterexample=example, misconception="not_zero", advice="Think again.")
    symptom = (
        "relu: every value equals the definition's\n"
        "\n"
        "  The smallest input found that shows it\n"
        "      x = [2]\n"
        "      y[0]    yours 0    expected 1\n"
    )
    assert wrong.text() == f"{symptom}\n  More of this one:  pytest --hint"
    assert wrong.text(Depth.HINT) == f"{symptom}\n  Hint: not zero\n  Think again."


@pytest.mark.parametrize(
    ("option", "shown"),
    [("--hint", (True, False)), ("--explain", (True, True)), ("-q", (False, False))],
)
def test_more_is_shown_if_asked_for(course, option, shown):
    options = ("-p", "no:cacheprovider", "exercises/activation.py::relu::agrees")
    done = pytest_in(course, option, *options)
    found = "(leaky ReLU)" in done.stdout, "step by step\n" in done.stdout
    assert found == shown


@pytest.mark.parametrize("status", sorted(WORDS))
def test_every_end_of_a_call_is_told(status):
    error = broken(status=status, message="what happened\nand where")
    assert WORDS[status] in error.text()
    assert "what happened" in error.text()
    assert str(error) == "what happened"


def test_what_is_not_run_is_told_in_one_line():
    waiting = broken(status="not_run", message="it needs the law shape first")
    assert waiting.text() == "relu: it needs the law shape first"
    todo = broken(status="not_attempted", message="")
    assert todo.text() == "relu is not attempted yet: write it in activation.py"
    assert str(todo) == "not_attempted"


# --- the capstone


@pytest.fixture
def capstone(root, tmp_path):
    """A student's folder with the capstone's stubs."""
    home = tmp_path / "exercises" / "capstone"
    home.mkdir(parents=True)
    for name in ("digits.py", "predict.py"):
        shutil.copy(root / "exercises" / "capstone" / name, home)
    return home


def test_the_capstone_is_collected_once_it_is_begun_or_asked_for(capstone):
    there, above = capstone, capstone.parents[1]
    parts = ("valid", "transfer", "accuracy", "robustness", "calibration", "few_labels", "report")
    found = [f"exercises/capstone/digits.py::capstone::{part}" for part in parts]
    assert collected(above) == []
    assert collected(above, "exercises") == []
    assert collected(above, "exercises/capstone") == found
    assert collected(there) == [f"digits.py::capstone::{part}" for part in parts]
    (there / "digits.keras").touch()
    assert collected(above) == found
    (there / "digits.py").unlink()
    assert collected(above) == [one.replace("digits.py", "digits.keras") for one in found]
    (above / "course.toml").write_text("[release]\nwithout = ['capstone']\n")
    assert collected(above, "exercises/capstone") == []
    (above / "elsewhere").mkdir()
    (there / "digits.keras").rename(above / "elsewhere" / "digits.keras")
    assert collected(above, "elsewhere") == []


def test_stubs_of_the_capstone_are_not_attempted(capstone):
    done = pytest_in(capstone.parents[1], "exercises/capstone")
    assert points_of(done) == "0 of 100"
    assert len(failed(done)) == 7
    assert "still to write in exercises/capstone: build_head," in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 110


@pytest.mark.slow
def test_each_part_of_the_capstone_tells_its_points_and_what_brings_more(capstone, root):
    backbone = root / "autograder" / "capstone" / "backbone" / "backbone.keras"
    shutil.copy(backbone, capstone / "digits.keras")
    done = pytest_in(capstone.parents[1])
    assert points_of(done) == "0 of 100"
    assert "answers with (N, 7, 7, 64)" in " ".join(done.stdout.split())
    assert done.stdout.count("these digits are public") == 7
