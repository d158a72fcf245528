"""`autograder release`: a student's repository, and the zip for Gradescope.

exercises/          the stubs, with their table of points
lessons/            the notebooks, and the modules that draw their pictures
wheels/             the kit without the answer key: no student needs a compiler
requirements.txt    installs the wheel that fits, with the tested versions (constraints.txt)
course.toml         limits, points, due dates, what is left out
.github, .gitlab-ci.yml, .devcontainer
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import nbformat
from jinja2 import Environment, PackageLoader, StrictUndefined
from packaging.tags import Tag, sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

import autograder
from autograder import catalog, course
from autograder.course import Course
from autograder.report.text import points
from autograder.scaffold import lessons, students_wheel
from autograder.scaffold.students_wheel import BadWheel
from autograder.spec import Exercise
from autograder.submissions import HOME

CHECKOUT = Path(autograder.__file__).resolve().parents[1]
TEMPLATES = Path(__file__).parent / "templates" / "release"
EXAMPLE = "conv2d"
WORKFLOWS = ("grade.yml", "comment.yml")  # copied as they are; nothing is filled in
GRADER = ("requirements.txt", "constraints.txt", ".python-version", course.FILE)
SYSTEMS = {"linux": "Linux", "manylinux": "Linux", "musllinux": "Linux", "macosx": "macOS"}
RUNNER = re.compile(r"(many)?linux.*_x86_64")  # GitHub's and GitLab's, and Gradescope's
PYTEST = f"[pytest]\ntestpaths = {HOME}\naddopts = -ra\n"
IGNORED = ".venv/\n__pycache__/\n.pytest_cache/\n.ipynb_checkpoints/\n"
# What the exercises' page says of the capstone, for a course without it.
CAPSTONE = re.compile(r"\n[^\n]+\(capstone/README\.md\).*?\n(?=\n)", re.DOTALL)
EXAM = "exam.npz"
FILES = ("digits.py", "predict.py")  # of the capstone
NOTEBOOKS = ("ipykernel", "jupyterlab", "matplotlib")
TABLE = re.compile(r"(?<=<!-- points:begin -->\n).*(?=<!-- points:end -->)", re.DOTALL)
ROW = re.compile(r"^\|(?P<topic>[^|]*)\| `(?P<name>\w+)` \|(?P<gives>.*)\| [\d.]+ \|$")

NO_RUNNER = (
    "no wheel is for Linux on x86_64, which GitHub, GitLab and Gradescope run: add one (--wheels)"
)
NEXT = """{folder} is the students' repository: stubs, lessons, the kit without the answers.

    cd {folder}
    git init && git add . && git commit -m "Exercises"

Pull requests are graded by .github/workflows/grade.yml, merge requests by .gitlab-ci.yml.
The score there is advice; docs/pull_requests.md says how you compute the one that counts.
"""


class BadRelease(ValueError):
    """The release cannot be made; the message says why, in one sentence."""


def release(
    folder: Path,
    exercises: Path,
    wheels: Path | None,
    settings: Course,
    gradescope: bool = False,
) -> list[str]:
    """Write the repository into a new or empty folder; returns what the instructor should know.

    With `gradescope` the zip of its autograder is written beside the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadRelease(f"{folder} is there already; name a new folder, or an empty one")
    if not lessons.sources(exercises):
        raise BadRelease(f"{exercises} holds no lessons; run this in a checkout of the kit")
    chosen = catalog.select((), settings)
    if not chosen:
        raise BadRelease("every exercise is left out; leave some in")
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / folder.resolve().name
        root.mkdir()
        # The capstone's own exam stays with the instructor: what students and CI have is practice.
        with_capstone = course.CAPSTONE not in settings.without
        public = replace(settings, exam=course.PRACTICE if with_capstone else "")
        _stubs(root, exercises, chosen, with_capstone)
        _lessons(root, exercises, chosen, with_capstone)
        _grader(root, wheels, public)
        pythons, systems = _fits((root / "wheels").glob("*.whl"))
        values = {
            "count": len(chosen),
            "capstone": with_capstone,
            "example": _example(chosen),
            "due": [(name, f"{moment:%d %B %Y, %H:%M %Z}") for name, moment in _due(settings)],
            "pythons": " or ".join(pythons),
            "systems": " and ".join(systems),
            "python": (root / ".python-version").read_text("utf-8").strip(),
        }
        for name, place in {
            "README.md": "README.md",
            "gitlab-ci.yml": ".gitlab-ci.yml",
            "devcontainer.json": ".devcontainer/devcontainer.json",
        }.items():
            _write(root / place, _rendered(name, values))
        for name in WORKFLOWS:
            _write(root / ".github" / "workflows" / name, (TEMPLATES / name).read_text("utf-8"))
        _write(root / "pytest.ini", PYTEST)
        _write(root / ".gitignore", IGNORED)
        if gradescope:
            _gradescope(root, zip_of(folder), settings if with_capstone else public)
        shutil.copytree(root, folder, dirs_exist_ok=True)
        return [] if _runner_python(root / "wheels") else [NO_RUNNER]


def zip_of(folder: Path) -> Path:
    """Beside the folder, which is the students'."""
    return folder.resolve().with_name(f"{folder.resolve().name}.gradescope.zip")


def said(folder: Path, gradescope: bool) -> str:
    """What the command prints when all is done."""
    zipped = f"\nGradescope's autograder is {zip_of(folder)}.\n" if gradescope else ""
    return NEXT.format(folder=folder) + zipped


def _gradescope(root: Path, file: Path, settings: Course) -> None:
    """The zip: the grader of the release, and the two scripts that Gradescope runs.

    Only instructors see it, so it holds the capstone's exam where there is one.
    """
    if file.exists():
        raise BadRelease(f"{file} is there already; move it away")
    if not _runner_python(root / "wheels"):
        raise BadRelease(NO_RUNNER)
    has_exam = settings.exam not in ("", course.PRACTICE)
    if has_exam and not Path(settings.exam).is_file():
        raise BadRelease(f"there is no {settings.exam}, the exam that {course.FILE} names")
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("setup.sh", "run_autograder"):
            member = zipfile.ZipInfo(name, students_wheel.EPOCH)
            member.external_attr = 0o755 << 16
            archive.writestr(member, (TEMPLATES / name).read_bytes())
        for path in [*(root / name for name in GRADER), *sorted((root / "wheels").iterdir())]:
            if path.name != course.FILE or not has_exam:
                archive.write(path, path.relative_to(root).as_posix())
        if has_exam:
            archive.write(settings.exam, EXAM)
            archive.writestr(course.FILE, course.dumps(replace(settings, exam=EXAM)))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _rendered(name: str, values: Mapping[str, object]) -> str:
    loader = PackageLoader("autograder.scaffold", "templates/release")
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.get_template(name).render(values).rstrip("\n") + "\n"


def _due(settings: Course) -> list[tuple[str, datetime]]:
    """The due dates, the next one first."""
    return sorted(settings.due.items(), key=lambda entry: (entry[1], entry[0]))


# --- what students write


def _stubs(root: Path, exercises: Path, chosen: Sequence[Exercise], with_capstone: bool) -> None:
    for topic in catalog.topics():
        names = {exercise.name for exercise in chosen if exercise.topic == topic.name}
        if names:
            file = exercises / f"{topic.name}.py"
            all_names = {exercise.name for exercise in topic.exercises}
            _write(root / HOME / file.name, stubs_of(file, all_names, all_names - names))
    text = (exercises / "README.md").read_text("utf-8")
    text = text.replace("(lessons/README.md)", "(../lessons)")
    if with_capstone:
        _capstone(root, exercises)
    else:
        text = CAPSTONE.sub("", text)
    text = re.sub(rf"(check|-k) {EXAMPLE}\b", rf"\1 {_example(chosen)}", text)
    _write(root / HOME / "README.md", TABLE.sub(lambda found: _table(found[0], chosen), text))


def _capstone(root: Path, exercises: Path) -> None:
    """The capstone's stubs, and what a student must install for it."""
    home = exercises / course.CAPSTONE
    for name in FILES:
        module = home / name
        functions = lessons.stubs(module.read_text("utf-8"))
        _write(root / HOME / course.CAPSTONE / name, stubs_of(module, functions, ()))
    page = _rendered("capstone.md", {})
    _write(root / HOME / course.CAPSTONE / "README.md", page)
    version = f"{autograder.__version__}{students_wheel.LOCAL}"
    wanted = f"cnn-exercise-kit[capstone-cpu]=={version}"
    lines = ["-c ../../constraints.txt", "--find-links ../../wheels", wanted, "matplotlib"]
    _write(root / HOME / course.CAPSTONE / "requirements.txt", "\n".join([*lines, ""]))


def _example(chosen: Sequence[Exercise]) -> str:
    return EXAMPLE if EXAMPLE in {exercise.name for exercise in chosen} else chosen[0].name


def stubs_of(file: Path, names: Collection[str], left_out: Collection[str]) -> str:
    """A stub module's text without some of its functions; BadRelease where one is written."""
    text = file.read_text("utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            last = ast.unparse(node.body[-1])
            if len(node.body) > 2 or last != "raise NotImplementedError":
                raise BadRelease(f"{file}: {node.name} is no stub; students would see your code")
    return lessons.without(text, left_out)


def _table(rows: str, chosen: Sequence[Exercise]) -> str:
    """The table of points, for the exercises that are left in."""
    worth = {exercise.name: exercise.points for exercise in chosen}
    kept: list[str] = []
    topic = ""
    for line in rows.splitlines():
        row = ROW.match(line)
        if row is None:
            kept.append(line)
            continue
        topic = row["topic"].strip() or topic
        if row["name"] in worth:
            kept.append(
                f"| {topic} | `{row['name']}` |{row['gives']}| {points(worth[row['name']])} |"
            )
            topic = ""
    return "\n".join(kept).replace("|  |", "| |") + "\n"


def _lessons(root: Path, exercises: Path, chosen: Sequence[Exercise], with_capstone: bool) -> None:
    folder = root / "lessons"
    folder.mkdir()
    names = {exercise.name for exercise in chosen}
    topics = {exercise.topic for exercise in chosen}
    topics |= {course.CAPSTONE} if with_capstone else set()
    for source in lessons.sources(exercises):
        if lessons.topic_of(source) in topics:
            lessons.copy_pictures(source, folder)
            notebook = lessons.notebook(source)
            if lessons.topic_of(source) != course.CAPSTONE:
                notebook = lessons.only(notebook, names)
            nbformat.write(notebook, folder / f"{source.stem}.ipynb")
    _write(folder / "requirements.txt", "\n".join(["-c ../constraints.txt", *NOTEBOOKS]) + "\n")


# --- what judges


def _grader(root: Path, wheels: Path | None, settings: Course) -> None:
    """The wheels and all that installs and sets them up."""
    if not (CHECKOUT / "constraints.txt").is_file():
        raise BadRelease("the kit runs from no checkout: install it with pip install -e .")
    _wheels(root, wheels)
    python = _runner_python(root / "wheels") or _dotted(sys.version_info[:2])
    _write(root / ".python-version", f"{python}\n")
    shutil.copyfile(CHECKOUT / "constraints.txt", root / "constraints.txt")
    version = f"{autograder.__version__}{students_wheel.LOCAL}"
    pinned = f"cnn-exercise-kit=={version}"
    # To read the capstone's models.
    models = ["h5py"] if settings.exam else []
    lines = ["-c constraints.txt", "--find-links wheels", *models, pinned]
    _write(root / "requirements.txt", "\n".join([*lines, ""]))
    _write(root / course.FILE, course.dumps(settings))


def _wheels(root: Path, given: Path | None) -> None:
    """Those that were given, and one for this machine where none of them fits it."""
    full = sorted(given.glob("*.whl")) if given is not None else []
    if given is not None and not full:
        raise BadRelease(f"{given} holds no wheels")
    (root / "wheels").mkdir()
    with tempfile.TemporaryDirectory() as built:
        ours = set(sys_tags())
        if not any(ours & tags_of(wheel) for wheel in full):
            try:
                full.append(students_wheel.build(CHECKOUT, Path(built)))
            except subprocess.CalledProcessError as error:
                raise BadRelease("the wheel for this machine cannot be built; see above") from error
        for wheel in full:
            try:
                students_wheel.without_answers(wheel, root / "wheels")
            except BadWheel as error:
                raise BadRelease(str(error)) from error


def tags_of(wheel: Path) -> frozenset[Tag]:
    """What a wheel is for; BadRelease unless it is one of this kit and version."""
    try:
        _, version, _, tags = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise BadRelease(f"{wheel} is no wheel: {error}") from error
    if version.public != autograder.__version__:
        raise BadRelease(f"{wheel} is of version {version}; this kit is {autograder.__version__}")
    return tags


def _fits(wheels: Iterable[Path]) -> tuple[list[str], list[str]]:
    """The Pythons and the systems that the wheels are for, as students read them."""
    tags = [tag for wheel in wheels for tag in tags_of(wheel)]
    pythons = sorted({_version(tag) for tag in tags})
    systems = {SYSTEMS.get(re.split(r"[_\d]", tag.platform)[0], tag.platform) for tag in tags}
    return [_dotted(version) for version in pythons], sorted(systems)


def _runner_python(wheels: Path) -> str | None:
    """The newest Python that a wheel for the runners of CI is for."""
    tags = [tag for wheel in wheels.iterdir() for tag in tags_of(wheel)]
    fit = [_version(tag) for tag in tags if RUNNER.fullmatch(tag.platform)]
    return _dotted(max(fit)) if fit else None


def _version(tag: Tag) -> tuple[int, int]:
    digits = tag.interpreter.removeprefix("cp")
    return int(digits[0]), int(digits[1:])


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
