"""`autograder release`: what is in the students' repository, and what must not be."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import datetime

import nbformat
import pytest
import yaml
from packaging.tags import sys_tags
from typer.testing import CliRunner

from autograder import catalog, cli, course
from autograder.course import Course
from autograder.scaffold.release import BadRelease, release, stubs_of, tags_of
from autograder.scaffold.students_wheel import BadWheel, without_answers
from autograder.shell import USAGE

NAMES = {exercise.name for exercise in catalog.exercises()}


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def all_files(folder):
    """Every file, and what is in the wheels and in the notebooks' cells."""
    for name, content in files(folder).items():
        yield name, content
        if name.endswith(".whl"):
            with zipfile.ZipFile(folder / name) as wheel:
                for member in wheel.namelist():
                    yield f"{name}/{member}", wheel.read(member)
        elif name.endswith(".ipynb"):
            cells = nbformat.reads(content.decode(), as_version=4).cells
            yield f"{name}/cells", "\n".join(cell.source for cell in cells).encode()


def bodies(root):
    """The answers: the statements of each function of the answer key, one a line."""
    solution = root / "autograder" / "capstone" / "solution"
    for file in sorted([*(root / "reference" / "pure").glob("[!_]*.py"), *solution.glob("*.py")]):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = "\n".join(map(ast.unparse, body)).splitlines()
                told = [line.strip() for line in lines if not line.strip().startswith("raise")]
                yield f"{file.stem}.{node.name}", [line for line in told if len(line) > 24]


def copied(lines, text):
    """Whether a text holds most of an answer's longer lines."""
    return len(lines) >= 2 and sum(line in text for line in lines) > len(lines) / 2


def as_compared(name, content):
    """Python as `ast.unparse` writes it, everything else as it is."""
    text = content.decode("utf-8", errors="replace")
    return ast.unparse(ast.parse(text)) if name.endswith(".py") else text


def test_no_file_holds_an_answer(root, student):
    texts = {name: as_compared(name, content) for name, content in all_files(student)}
    found = {
        (function, name)
        for function, lines in bodies(root)
        for name, text in texts.items()
        if copied(lines, text)
    }
    assert not found


def test_the_search_for_answers_finds_them_where_they_are(root, full_wheels):
    """All but the shortest."""
    (wheel,) = full_wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        rooms = ("reference/pure/", "autograder/capstone/solution/")
        names = [name for name in archive.namelist() if name.startswith(rooms)]
        text = "\n".join(as_compared(name, archive.read(name)) for name in names)
    long = [(function, lines) for function, lines in bodies(root) if len(lines) >= 2]
    assert [function for function, lines in long if not copied(lines, text)] == []
    assert len(long) > 40


def test_the_wheel_is_whole_but_for_the_answers(full_wheels, student):
    (full,), (ours,) = full_wheels.glob("*.whl"), (student / "wheels").glob("*.whl")
    with zipfile.ZipFile(full) as before, zipfile.ZipFile(ours) as after:
        gone = set(before.namelist()) - set(after.namelist())
        gone = {name for name in gone if ".dist-info/" not in name}
        kinds = (
            r"reference/pure/\w+\.py|reference/fast/\w+\.(pyx|pxd)|autograder/audit/.*|"
            r"autograder/capstone/solution/\w+\.py"
        )
        assert {name for name in gone if not re.fullmatch(kinds, name)} == set()
        assert {"reference/pure/padding.py", "reference/fast/padding.pyx"} <= gone
        assert "autograder/audit/equivalent.toml" in gone
        assert "autograder/capstone/solution/digits.py" in gone
        (record,) = [name for name in after.namelist() if name.endswith("RECORD")]
        told = {line.split(",")[0] for line in after.read(record).decode().splitlines()}
        assert told == set(after.namelist())
        metadata = after.read(record.replace("RECORD", "METADATA")).decode()
    # No public index takes a version with a local part.
    assert re.search(r"^Version: [\d.]+\+students$", metadata, re.MULTILINE)
    pinned = (student / "requirements.txt").read_text().splitlines()[-1]
    assert pinned.endswith("+students")
    assert ours.name.split("-")[1] == pinned.partition("==")[2]


def test_a_wheel_is_made_from_the_students_wheel_again(student, tmp_path):
    (ours,) = (student / "wheels").glob("*.whl")
    assert without_answers(ours, tmp_path).read_bytes() == ours.read_bytes()


@pytest.mark.parametrize("name", ["numpy-2.0-cp311-cp311-linux_x86_64.whl", "cnn_exercise_kit.whl"])
def test_other_files_are_no_wheels_of_the_kit(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(BadWheel, match="is no wheel of this kit"):
        without_answers(tmp_path / name, tmp_path / "out")


def test_everything_is_there(root, student):
    there = set(files(student))
    for topic in catalog.topics():
        assert f"exercises/{topic.name}.py" in there
    lessons = {f"{topic.lesson:02}_{topic.name}" for topic in catalog.topics()}
    assert {f"lessons/{name}.ipynb" for name in lessons} <= there
    assert {name for name in there if "capstone" in name} == {
        "exercises/capstone/README.md",
        "exercises/capstone/digits.py",
        "exercises/capstone/predict.py",
        "exercises/capstone/requirements.txt",
        "lessons/11_capstone.ipynb",
        "lessons/capstone_pictures.py",
    }
    assert there >= {
        ".devcontainer/devcontainer.json",
        ".github/workflows/comment.yml",
        ".github/workflows/grade.yml",
        ".gitlab-ci.yml",
        ".python-version",
        "README.md",
        "constraints.txt",
        "course.toml",
        "exercises/README.md",
        "lessons/pictures/__init__.py",
        "lessons/pictures/drawing.py",
        "lessons/requirements.txt",
        "pytest.ini",
        "requirements.txt",
    }
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (student / ".python-version").read_text().strip() == python
    ci = yaml.safe_load((student / ".gitlab-ci.yml").read_text())
    assert ci["grade"]["image"] == f"python:{python}"
    container = json.loads((student / ".devcontainer/devcontainer.json").read_text())
    assert container["image"].endswith(f":{python}")


def test_the_capstone_is_shipped_as_it_is_asked_for(root, student, small):
    home = student / "exercises" / "capstone"
    for name in ("digits.py", "predict.py"):
        assert (home / name).read_bytes() == (root / "exercises" / "capstone" / name).read_bytes()
    cells = {cell.id for cell in nbformat.read(student / "lessons/11_capstone.ipynb", 4).cells}
    assert {"stub-build_head", "stub-train_head"} <= cells
    # What is public is practice, in CI and at home; its models are read by h5py.
    assert course.load(student / "course.toml").exam == "practice"
    assert "h5py" in (student / "requirements.txt").read_text().split()
    assert "[capstone-cpu]==" in (home / "requirements.txt").read_text()
    assert not list(small.rglob("*capstone*"))
    assert "h5py" not in (small / "requirements.txt").read_text().split()
    for page in ("README.md", "exercises/README.md"):
        assert "capstone" in (student / page).read_text("utf-8")
        assert "capstone" not in (small / page).read_text("utf-8")


def test_the_exam_is_in_gradescopes_zip_alone(root, full_wheels, tmp_path, monkeypatch):
    exam = tmp_path / "of this year.npz"
    exam.write_bytes(b"a secret exam")
    (tmp_path / "course.toml").write_text(f'[capstone]\nexam = "{exam.name}"\n')
    settings = course.load(tmp_path / "course.toml")
    release(tmp_path / "out", root / "exercises", full_wheels, settings, gradescope=True)
    for name, content in files(tmp_path / "out").items():
        assert b"a secret exam" not in content
        assert b"of this year" not in content, name
    with zipfile.ZipFile(tmp_path / "out.gradescope.zip") as archive:
        assert archive.read("exam.npz") == b"a secret exam"
        assert archive.read("course.toml") == b'[capstone]\nexam = "exam.npz"\n'
    exam.unlink()
    with pytest.raises(BadRelease, match=r"there is no .*of this year\.npz, the exam that course"):
        release(tmp_path / "more", root / "exercises", full_wheels, settings, gradescope=True)


def test_links_lead_somewhere(student):
    for page in student.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), (page, link)


def test_the_same_release_has_the_same_bytes(root, full_wheels, student, tmp_path):
    release(tmp_path / "again", root / "exercises", full_wheels, Course())
    again = files(tmp_path / "again")
    assert {name for name, content in files(student).items() if again[name] != content} == set()


def test_what_is_left_out_is_nowhere(root, small, small_course):
    kept = {exercise.name for exercise in catalog.select((), small_course)}
    assert {"conv2d", "relu", "zero_pad2d"} <= kept < NAMES
    modules = sorted((small / "exercises").glob("*.py"))
    defined = [ast.parse(file.read_text("utf-8")).body for file in modules]
    names = {node.name for body in defined for node in body if isinstance(node, ast.FunctionDef)}
    assert names == kept
    table = (small / "exercises" / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\|[^|]*\| `(\w+)` \|.*\| ([\d.]+) \|$", table, re.MULTILINE))
    assert set(rows) == kept
    assert rows["conv2d"] == "12"  # the course's own
    # The first row of a topic names it, also where the first exercise is left out.
    assert re.search(r"^\| 3 \[convolution\]\(convolution.py\) \| `cross_corr", table, re.MULTILINE)
    topics = {exercise.topic for exercise in catalog.select((), small_course)}
    notebooks = sorted((small / "lessons").glob("*.ipynb"))
    assert {file.stem[3:] for file in notebooks} == topics
    cells = {cell.id for file in notebooks for cell in nbformat.read(file, as_version=4).cells}
    assert {cell[5:] for cell in cells if cell.startswith("stub-")} == kept
    assert {cell[6:] for cell in cells if cell.startswith("check-")} == kept
    assert course.load(small / "course.toml") == small_course
    assert f"{len(kept)} functions" in (small / "README.md").read_text("utf-8")


def test_examples_are_of_functions_that_are_there(root, full_wheels, tmp_path):
    release(tmp_path / "out", root / "exercises", full_wheels, Course(without=("conv2d",)))
    for page in ("README.md", "exercises/README.md"):
        text = (tmp_path / "out" / page).read_text("utf-8")
        named = set(re.findall(r"(?:check|-k) (\w+)", text)) & NAMES
        assert named == {catalog.exercises()[0].name}


def test_stubs_keep_their_form(root, small):
    for file in sorted((small / "exercises").glob("*.py")):
        before = (root / "exercises" / file.name).read_text("utf-8")
        after = file.read_text("utf-8")
        assert set(after.splitlines()) <= set(before.splitlines())
        assert "\n\n\n\n" not in after
        assert all(len(part.strip()) for part in after.split("\n\n\n"))
        compile(after, file.name, "exec")


def test_due_dates_are_told_in_their_order(root, full_wheels, tmp_path):
    due = {
        "pooling": datetime.fromisoformat("2027-03-08T23:59:00+01:00"),
        "padding": datetime.fromisoformat("2027-03-01T23:59:00+01:00"),
    }
    release(tmp_path / "due", root / "exercises", full_wheels, Course(due=due))
    page = (tmp_path / "due" / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w+) \| (\d.*) \|$", page, re.MULTILINE)
    assert rows == [
        ("padding", "01 March 2027, 23:59 UTC+01:00"),
        ("pooling", "08 March 2027, 23:59 UTC+01:00"),
    ]


def test_without_due_dates_none_are_told(student):
    assert "Due" not in (student / "README.md").read_text("utf-8")


def test_a_function_that_is_written_is_no_stub(tmp_path, root):
    file = tmp_path / "activation.py"
    text = (root / "exercises" / "activation.py").read_text("utf-8")
    file.write_text(text.replace("raise NotImplementedError", "return x", 1), encoding="utf-8")
    with pytest.raises(BadRelease, match=r"activation\.py: relu is no stub"):
        stubs_of(file, {"relu", "softmax", "cross_entropy"}, set())


def refused(folder, *options):
    done = CliRunner().invoke(cli.app, ["release", str(folder), *map(str, options)])
    assert done.exit_code == USAGE
    (line,) = done.stderr.splitlines()
    return line


def test_what_cannot_be_released_is_one_sentence(root, full_wheels, tmp_path, monkeypatch):
    monkeypatch.chdir(root)
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    assert "is there already; name a new folder, or an empty one" in refused(full)
    assert [file.name for file in full.iterdir()] == ["file"]
    new = tmp_path / "new"
    assert "holds no lessons" in refused(new, "--exercises", tmp_path)
    assert "'conv3d' is no exercise and no topic" in refused(new, "--without", "conv3d")
    assert "holds no wheels" in refused(new, "--wheels", full)
    everything = [part for topic in catalog.topics() for part in ("--without", topic.name)]
    assert "every exercise is left out" in refused(new, *everything)
    (tmp_path / "course.toml").write_text("[points]\nconv2d = 0\n")
    assert "points.conv2d must be above 0" in refused(new, "--course", tmp_path / "course.toml")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "cnn_exercise_kit-9.9-cp311-cp311-linux_x86_64.whl").touch()
    assert "is of version 9.9" in refused(new, "--wheels", wheels)
    assert not new.exists()


def test_wheels_of_other_systems_are_added(root, full_wheels, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (ours,) = full_wheels.glob("*.whl")
    (wheels / ours.name).write_bytes(ours.read_bytes())
    version = ours.name.split("-")[1]
    for tags in ("cp313-cp313-macosx_11_0_arm64", "cp312-cp312-manylinux_2_28_x86_64"):
        (wheels / f"cnn_exercise_kit-{version}-{tags}.whl").write_bytes(ours.read_bytes())
    notes = release(tmp_path / "out", root / "exercises", wheels, Course())
    assert notes == []
    assert len(list((tmp_path / "out" / "wheels").iterdir())) == 3
    assert (tmp_path / "out" / ".python-version").read_text() == "3.12\n"
    page = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "Python 3.11 or 3.12 or 3.13" in page or sys.version_info[:2] != (3, 11)
    assert "for Linux and macOS" in page


def test_a_release_no_runner_can_use_is_told(root, full_wheels, tmp_path, monkeypatch):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (ours,) = full_wheels.glob("*.whl")
    tags = "cp313-cp313-macosx_11_0_arm64"
    mac = wheels / f"cnn_exercise_kit-{ours.name.split('-')[1]}-{tags}.whl"
    mac.write_bytes(ours.read_bytes())
    monkeypatch.setattr("autograder.scaffold.release.sys_tags", lambda: tags_of(mac))
    (note,) = release(tmp_path / "out", root / "exercises", wheels, Course())
    assert note.startswith("no wheel is for Linux on x86_64")
    with pytest.raises(BadRelease, match="no wheel is for Linux"):
        release(tmp_path / "other", root / "exercises", wheels, Course(), gradescope=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["right-einsum", "half-finished", "wrong-conv-flipped-kernel"])
def test_the_installed_kit_gives_the_same_verdicts(installed, student, golden, tmp_path, name):
    here = golden / name / "exercises"
    own = [sys.executable, "-m", "autograder.cli", "check", "--json", "--path", here]
    theirs = [installed / "autograder", "check", "--json", "--path", here]
    told = [judged(command, student).stdout for command in (own, theirs)]
    verdicts = [json.loads(text) for text in told]
    assert verdicts[0]["exercises"] == verdicts[1]["exercises"]
    laws = {
        f"{exercise['name']}::{law['name']}": law["status"]
        for exercise in verdicts[0]["exercises"]
        for law in exercise["laws"]
    }
    done = judged([installed / "pytest", "-q", "-p", "no:cacheprovider", "-rA", here], student)
    found = re.findall(r"^(PASSED|FAILED) \S+\.py::(\w+::\w+)", done.stdout, re.MULTILINE)
    outcomes = {law: outcome for outcome, law in found}
    assert outcomes
    for law, outcome in outcomes.items():
        assert (outcome == "PASSED") == (laws[law] == "pass"), law


def judged(command, folder):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    if command[0] != sys.executable:
        env.pop("PYTHONPATH", None)
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_pytest_in_the_released_folder_asks_for_every_function(installed, small, small_course):
    done = judged([installed / "pytest", "-q", "-p", "no:cacheprovider"], small)
    asked = set(re.findall(r"^FAILED exercises/\w+\.py::(\w+)::", done.stdout, re.MULTILINE))
    chosen = catalog.select((), small_course)
    assert asked == {exercise.name for exercise in chosen}
    total = sum(exercise.points for exercise in chosen)
    assert f"0 of {total:g} points" in done.stdout
    assert done.returncode == 1


@pytest.mark.slow
def test_the_installed_kit_is_the_students(installed, student):
    where = "import autograder, reference; print(autograder.__file__, reference.__file__)"
    done = judged([installed / "python", "-c", where], student)
    assert done.stdout.count(str(installed.parent)) == 2
    done = judged([installed / "autograder", "audit"], student)
    assert (done.returncode, done.stderr.count("\n")) == (USAGE, 1)
    assert "this kit is the students'" in done.stderr
    key = "import reference.pure"
    assert judged([installed / "python", "-c", key], student).returncode == 1


def test_gradescopes_zip_holds_the_grader_and_no_answer(small):
    with zipfile.ZipFile(small.with_name("small.gradescope.zip")) as archive:
        names = set(archive.namelist())
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    (wheel,) = (small / "wheels").glob("*.whl")
    assert names == {
        "setup.sh",
        "run_autograder",
        "requirements.txt",
        "constraints.txt",
        ".python-version",
        "course.toml",
        f"wheels/{wheel.name}",
    }
    assert modes["setup.sh"] & modes["run_autograder"] & 0o111


@pytest.mark.slow
def test_without_wheels_one_is_built_for_this_machine(root, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_CONSTRAINT", str(root / "constraints.txt"))
    folder = tmp_path / "built"
    release(folder, root / "exercises", None, Course())
    (wheel,) = (folder / "wheels").iterdir()
    assert set(sys_tags()) & tags_of(wheel)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for topic in catalog.topics():
        assert f"autograder/specs/{topic.name}.py" in names or (
            f"autograder/specs/{topic.name}/__init__.py" in names
        )
        compiled = [name for name in names if name.startswith(f"reference/fast/{topic.name}.")]
        assert len(compiled) == 1
        assert compiled[0].endswith((".so", ".pyd"))
    assert "autograder/data/digits.npz" in names
    assert not [name for name in names if name.endswith((".pyx", ".pxd", ".c", ".pyc"))]
