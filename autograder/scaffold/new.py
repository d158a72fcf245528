"""A new exercise: which files of a checkout change, and how.

Each room has a template that is a whole module. A new topic gets all of it; where the topic is
there already, what follows the template's imports is appended, and imports that lack are added.
Where the specs of a topic are a package, the exercise gets a module in it.
All files are prepared before one is written.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from autograder.writing import write

TEMPLATES = Path(__file__).parent / "templates"
SPECS = Path("autograder/specs")
OPS = Path("reference/ops.py")
BACKEND = Path("reference/_backend.py")
CALLS = Path("tests/reference/twins.py")
POINTS = Path("exercises/README.md")
README = Path("README.md")
LINE_LENGTH = 100
CYTHON = {"cdef", "cimport", "cpdef", "ctypedef", "include"}

IMPORTS = re.compile(r"^(?:from|import) .*$", re.MULTILINE)
# The first line of a module that is neither docstring, import nor LESSON.
BODY = re.compile(r"^(?:def |cdef |# |[a-z]\w* = )", re.MULTILINE)
# The title of a section of ops.py.
SECTION = r"^# (?:\d|The general forms)"


class BadName(ValueError):
    """A name that no new exercise can have, or a folder that cannot take one."""


def new(dotted: str, root: Path, templates: Path = TEMPLATES) -> dict[Path, str]:
    """Write the exercise TOPIC.NAME into a checkout; what was written: file, and what is in it."""
    topic, name = split(dotted)
    changes = prepare(topic, name, root, templates)
    put(root, {file: text for file, (text, _) in changes.items()})
    return {file: what for file, (_, what) in changes.items()}


def said(dotted: str, written: Mapping[Path, str]) -> str:
    """What was written, and what comes next, for a terminal of 80 columns."""
    name = dotted.partition(".")[2]
    files = "\n".join(f"  {file!s:<33} {what}" for file, what in written.items())
    return f"""\
{dotted} is begun:

{files}

It is an exercise already, "twice x". Every place of yours says "Change this".

Next
  python setup.py build_ext --inplace
      build the compiled twin, again after every change to it
  autograder check {name} --path reference/pure
      the twin must get all points
  autograder audit {name}
      the wrong solutions that your kinds of cases and laws let through
  pytest tests/autograder/test_catalog.py tests/reference -k {name}
      the rooms hold together

`make test-fast` tells what else is left to you: the submissions
tests/submissions/right-* lack the function, the table of the audit in README.md
lacks its row, and some tests count."""


def split(dotted: str) -> tuple[str, str]:
    """Topic and name; both must be names that modules and functions can have."""
    topic, dot, name = dotted.partition(".")
    if not dot:
        raise BadName(f"{dotted!r} must be TOPIC.NAME, such as pooling.min_pool2d")
    for part in (topic, name):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", part):
            raise BadName(f"{part!r} must be small letters, digits and underscores")
        if keyword.iskeyword(part):
            raise BadName(f"{part!r} is a keyword of Python")
        if part in CYTHON:
            raise BadName(f"{part!r} is a keyword of Cython")
    if hasattr(builtins, name):
        raise BadName(f"{name!r} is a built-in function of Python")
    return topic, name


def prepare(topic: str, name: str, root: Path, templates: Path) -> dict[Path, tuple[str, str]]:
    """The new text of every file, and what is new in it."""
    rooms = {
        "stub": (Path(f"exercises/{topic}.py"), "the stub that students fill in"),
        "spec": (_spec(topic, name, root), "kinds of cases, laws, misconceptions"),
        "pure": (Path(f"reference/pure/{topic}.py"), "the twin, which is the answer key"),
        "fast": (Path(f"reference/fast/{topic}.pyx"), "the compiled twin"),
    }
    _is_checkout(root)
    lessons = _lessons(root)
    is_new = topic not in lessons
    _is_free(topic, name, root, lessons)
    lesson = max(lessons.values(), default=0) + 1 if is_new else lessons[topic]
    heading = f"{lesson} [{topic}]({topic}.py) " if is_new else ""
    title = topic.replace("_", " ").capitalize()
    words = dict(topic=topic, name=name, lesson=str(lesson), title=title, heading=heading)

    def filled(room: str) -> str:
        (file,) = templates.glob(f"{room}.*")
        text = Template(file.read_text("utf-8")).substitute(words)
        if name in re.findall(r"\w+", " ".join(IMPORTS.findall(text))):
            raise BadName(f"{name!r} has a meaning in the modules of every topic")
        return text

    changes: dict[Path, tuple[str, str]] = {}
    for room, (file, what) in rooms.items():
        if is_new:
            text = filled(room)
        elif room == "spec" and not (root / file).exists():
            text = _of_one_exercise(filled(room), name)
        else:
            text = _appended(root / file, filled(room))
        changes[file] = text, what

    def now(file: Path) -> str:
        return (root / file).read_text("utf-8")

    package = SPECS / topic / "__init__.py"
    if (root / package).exists():
        changes[package] = _with_exercise(now(package), topic, name), "the order of the exercises"
    text = _in_section(now(OPS), filled("ops"), topic, lesson, is_new)
    changes[OPS] = _in_list(text, "__all__ = [", f'    "{name}",'), "the checks and the dispatch"
    if is_new:
        text = _in_list(now(BACKEND), "__all__ = [", f'    "{topic}",')
        text = _in_list(text, "    from reference.pure import (", f"        {topic},")
        changes[BACKEND] = text, "the name of the topic"
    text = _at_end(now(CALLS), "CALLS = {", filled("call").rstrip("\n"))
    changes[CALLS] = text, "arguments, with which the twins are compared"
    changes[POINTS] = _with_row(now(POINTS), topic, filled("row"), is_new), "its points"
    text = re.sub(r"\d+(?= NumPy functions)", lambda count: str(int(count[0]) + 1), now(README))
    changes[README] = text, "the number of functions"
    return changes


def put(root: Path, texts: Mapping[Path, str]) -> None:
    """Write all files, or leave all as they were."""
    before = {
        file: (root / file).read_text("utf-8") if (root / file).exists() else None for file in texts
    }
    done = []
    try:
        for file, text in texts.items():
            write(root / file, text)
            done.append(file)
    except OSError:
        for file in done:
            old = before[file]
            if old is None:
                (root / file).unlink()
            else:
                write(root / file, old)
        raise


# --- what is there


def _is_checkout(root: Path) -> None:
    rooms = ("exercises", str(SPECS), "reference/pure", "reference/fast")
    missing = [room for room in rooms if not (root / room).is_dir()]
    missing += [str(f) for f in (OPS, BACKEND, CALLS, POINTS, README) if not (root / f).is_file()]
    if missing:
        raise BadName(f"this folder is no checkout of the kit: it has no {missing[0]}")


def _lessons(root: Path) -> dict[str, int]:
    """The number of each topic's lesson."""
    found = {}
    modules = {file.stem: file for file in (root / SPECS).glob("[!_]*.py")}
    packages = {file.parent.name: file for file in (root / SPECS).glob("*/__init__.py")}
    for topic, file in sorted((modules | packages).items()):
        match = re.search(r"^LESSON = (\d+)$", file.read_text("utf-8"), re.MULTILINE)
        if match:
            found[topic] = int(match[1])
    return found


def _spec(topic: str, name: str, root: Path) -> Path:
    """The module of the exercise's spec: the topic's own, or a new one where that is a package."""
    package = SPECS / topic
    return package / f"{name}.py" if (root / package).is_dir() else package.with_suffix(".py")


def _is_free(topic: str, name: str, root: Path, lessons: Iterable[str]) -> None:
    stubs = {file.stem: _bound(file) for file in sorted((root / "exercises").glob("*.py"))}
    for home, names in stubs.items():
        if name in names:
            raise BadName(f"{name} is there already, in exercises/{home}.py")
    if name in {*lessons, topic}:
        raise BadName(f"{name!r} is the name of a topic")
    if topic in {found for names in stubs.values() for found in names}:
        raise BadName(f"{topic!r} is the name of an exercise")
    if topic not in lessons:
        if topic in sys.stdlib_module_names:
            raise BadName(f"{topic!r} is a module of Python's standard library")
        modules = {p.stem for room in ("autograder", "reference") for p in (root / room).rglob("*")}
        if topic in modules | {path.stem for path in root.iterdir()} | {"conftest", "numpy"}:
            raise BadName(f"{topic!r} is a module of the kit, or of what it uses")
        if (root / f"exercises/{topic}.py").exists():
            raise BadName(f"there is an exercises/{topic}.py already, without a spec")
    if (root / SPECS / topic / f"{name}.py").exists():
        raise BadName(f"{name} is a module of {SPECS / topic} already")
    specs = SPECS / f"{topic}.py", SPECS / topic / "__init__.py"
    rooms = *specs, Path(f"reference/pure/{topic}.py"), OPS
    taken = {file: _bound(root / file) for file in rooms if (root / file).exists()}
    fast = Path(f"reference/fast/{topic}.pyx")
    if (root / fast).exists():
        taken[fast] = _bound_in_cython((root / fast).read_text("utf-8"))
    for file, names in taken.items():
        if names & {name, f"_{name}"}:
            raise BadName(f"{name} has a meaning in {file} already")


def _bound_in_cython(module: str) -> set[str]:
    """The names of functions, and the words of imports."""
    functions = re.findall(r"^c?p?def .*?(\w+)\(", module, re.MULTILINE)
    return {*functions, *re.findall(r"\w+", " ".join(IMPORTS.findall(module)))}


def _bound(file: Path) -> set[str]:
    """All names that a module binds at its top."""
    found: set[str] = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        else:
            found |= {
                n.id
                for n in ast.walk(node)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
    return found


# --- how it changes


def _parts(module: str) -> tuple[str, str]:
    """A template's head (docstring, imports, LESSON) and its body."""
    start = BODY.search(module)
    assert start is not None
    return module[: start.start()], module[start.start() :]


def _of_one_exercise(module: str, name: str) -> str:
    """The template as a module of one exercise, whose topic has its title and lesson elsewhere."""
    text = re.sub(r'\A""".*"""', f'"""Change this to what {name} is about."""', module)
    return re.sub(r"^LESSON = .*\s+# --- .*\s+", "\n", text, flags=re.MULTILINE)


def _with_exercise(text: str, topic: str, name: str) -> str:
    """A topic's `__init__.py` with an exercise more, the last one."""
    start = f"from autograder.specs.{topic}."
    imports = [line for line in text.splitlines() if line.startswith(start)]
    more = sorted([*imports, f"{start}{name} import {name}"])
    assert "\n".join(imports) in text, "the modules of a package are imported in one block"
    text = text.replace("\n".join(imports), "\n".join(more), 1)
    return _at_end(text, "EXERCISES = (", f"    {name},", ")")


def _appended(file: Path, module: str) -> str:
    """The file with the template's body at its end, and with the imports that the body needs."""
    head, body = _parts(module)
    text = file.read_text("utf-8")
    bound = _bound(file) if file.suffix == ".py" else set()
    for line in IMPORTS.findall(head):
        if line not in text.splitlines():
            text = _imported(text, line, bound)
    return f"{text.rstrip()}\n\n\n{body}"


def _imported(text: str, line: str, bound: Iterable[str]) -> str:
    """The text with one line of imports, or with what it lacks of that line."""
    of_names = re.fullmatch(r"(from \S+ c?import) (.+)", line)
    if of_names:
        start, names = of_names.groups()
        lacking = set(names.split(", ")).difference(bound)
        same = re.search(rf"^{re.escape(start)} ([\w, ]+)$", text, re.MULTILINE)
        present = set(same[1].split(", ")) if same else set()
        if lacking <= present:
            return text
        line = f"{start} {', '.join(sorted(lacking | present, key=_as_ruff_sorts))}"
        if same and len(line) <= LINE_LENGTH:
            return text.replace(same[0], line, 1)
        line = f"{start} {', '.join(sorted(lacking - present, key=_as_ruff_sorts))}"
    # A place between statements: before the last import, or else before the body.
    places = [m.start() for m in re.finditer(r"^(?:from (?!__)|import )", text, re.MULTILINE)]
    if places:
        return f"{text[: places[-1]]}{line}\n{text[places[-1] :]}"
    head, body = _parts(text)
    return f"{head.rstrip()}\n\n{line}\n\n\n{body}"


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    """Constants, classes, then functions."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2), name


def _in_section(text: str, module: str, topic: str, lesson: int, is_new: bool) -> str:
    """ops.py with the operation at the end of its topic's section."""
    _, body = _parts(module)
    last = re.compile(rf"^# {lesson - is_new} .*?(?={SECTION})", re.MULTILINE | re.DOTALL)
    section = last.search(text)
    assert section is not None, "ops.py has a section for every lesson, and one more"
    title = f"# {lesson} {topic}\n\n\n" if is_new else ""
    before, after = text[: section.end()].rstrip(), text[section.end() :]
    return f"{before}\n\n\n{title}{body.rstrip()}\n\n\n{after}"


def _in_list(text: str, opening: str, entry: str) -> str:
    """The text with a line more in a list that has one entry a line, in their order."""
    start = text.index(f"{opening}\n") + len(opening) + 1
    end = re.compile(r"^ *[\])]$", re.MULTILINE).search(text, start)
    assert end is not None
    entries = sorted([*text[start : end.start()].splitlines(), entry])
    return text[:start] + "\n".join(entries) + "\n" + text[end.start() :]


def _at_end(text: str, opening: str, entry: str, closing: str = "}") -> str:
    """The text with a line more at the end of a dictionary or a tuple."""
    end = text.index(f"\n{closing}\n", text.index(f"{opening}\n"))
    return f"{text[:end]}\n{entry}{text[end:]}"


def _with_row(text: str, topic: str, row: str, is_new: bool) -> str:
    """The table of points with a row more, the last one of its topic."""
    rows = re.compile(rf"^\|[^|\n]*\[{topic}\]\(.*\n(?:\| \| .*\n)*", re.MULTILINE)
    found = re.search("(?=<!-- points:end -->)", text) if is_new else rows.search(text)
    assert found is not None, "the table of points has a row for every topic"
    return f"{text[: found.end()]}{row}{text[found.end() :]}"
