"""Intake: finds submissions and reads them, once, as bytes that are hostile until decoded.

A submission is a folder, a .zip, a .py file or an .ipynb. In a folder or zip the stub modules lie
in `exercises/`, or at the top, or one folder down; a file holds all its functions itself. Nothing
is extracted, imported or followed: links, devices and oversized files are refused.
"""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import sys
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from autograder.isolation.limits import DEFAULT, MIB, Limits

HOME = "exercises"
# The two ways in which zip programs pack. Others unpack a member's first bytes into gigabytes.
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
FILES = (".zip", ".ipynb", ".py")
# Results go into a folder of the submission's name, beside the page for the class.
NO_NAMES = ("", ".", "..", "index.html")


class BadSubmission(ValueError):
    """A path that holds no submission; the message is one sentence that says why."""


@dataclass(frozen=True)
class Submission:
    """What a student handed in.

    sources     text of each module by name, the stub modules and their helpers
    unreadable  modules that are there but cannot be read, and why
    single      the one module that holds every function, where a single file was handed in
    """

    name: str
    sources: Mapping[str, str]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    single: str = ""
    warnings: tuple[str, ...] = ()

    def module(self, topic: str) -> str:
        """The module in which this submission has a topic's functions."""
        return self.single or topic


def find(path: Path, topics: frozenset[str]) -> list[Path]:
    """The submissions at a path: itself, or those that a folder of submissions holds."""
    if not path.exists():
        raise BadSubmission(f"there is no {path}")
    if not path.is_dir():
        return [path]
    if _home(_listing(path), topics) is not None:
        return [path]
    children = [
        child
        for child in sorted(path.iterdir())
        if not child.name.startswith(".")
        and (child.suffix in FILES or (child.is_dir() and _holds(child, topics)))
    ]
    if not children:
        raise BadSubmission(
            f"{path} holds no submission: no module such as {_example(topics)} in it, in its "
            f"{HOME} folder or in its folders"
        )
    return children


def read(path: Path, topics: frozenset[str], limits: Limits = DEFAULT) -> Submission:
    """Read one submission."""
    place = Path(os.path.abspath(path))  # what a link is called, not where it leads
    name = place.stem if path.is_file() else place.name
    if name in NO_NAMES:
        raise BadSubmission(f"{path} has no name that a folder of results could have; rename it")
    if path.is_dir():
        return _from_files(name, path, _folder(path, topics, limits), topics)
    if not path.exists():
        raise BadSubmission(f"there is no {path}")
    if path.suffix == ".zip":
        return _from_files(name, path, _archive(path, limits), topics)
    if path.suffix == ".ipynb":
        return _notebook(name, path, limits)
    if path.suffix == ".py":
        return _single(name, path, topics, limits)
    raise BadSubmission(f"{path} is no submission: a folder, .zip, .py or .ipynb is")


# --- where the modules lie


def _example(topics: frozenset[str]) -> str:
    return f"{min(topics)}.py"


def _listing(folder: Path) -> list[str]:
    """Paths of Python files in a folder, two folders deep: `padding.py`, `exercises/padding.py`."""
    found = []
    for depth, pattern in enumerate(("*.py", "*/*.py")):
        found += [
            "/".join(file.parts[-depth - 1 :])
            for file in sorted(folder.glob(pattern))
            if file.is_file() or file.is_symlink()
        ]
    return found


def _holds(folder: Path, topics: frozenset[str]) -> bool:
    return bool(_candidates(_listing(folder), topics))


def _candidates(files: list[str], topics: frozenset[str]) -> list[str]:
    """The folders (as paths in the submission) that hold stub modules, best first."""
    folders = {
        str(PurePosixPath(file).parent) for file in files if PurePosixPath(file).stem in topics
    }

    def order(folder: str) -> tuple[bool, int, str]:
        place = PurePosixPath(folder)
        return place.name != HOME, len(place.parts), folder

    return sorted(folders, key=order)


def _home(files: list[str], topics: frozenset[str]) -> str | None:
    """`exercises` or the top itself, where a folder is a submission beyond doubt."""
    best = _candidates(files, topics)[:1]
    return best[0] if best and best[0] in (HOME, ".") else None


# --- reading


def _folder(path: Path, topics: frozenset[str], limits: Limits) -> dict[str, bytes | str]:
    files = _listing(path)
    wanted = _candidates(files, topics)[:1]
    found: dict[str, bytes | str] = {}
    for file in files:
        folder = str(PurePosixPath(file).parent)
        if [folder] == wanted:
            # A link could lead to another student's folder, or to the answers.
            linked = folder != "." and (path / folder).is_symlink()
            told = f"{folder} is a symbolic link; hand in the folder itself"
            found[file] = told if linked else _bytes(path / file, limits.source_bytes)
        elif PurePosixPath(file).stem in topics:
            found[file] = b""  # its place is told, its content is not looked at
    return found


def _open(file: Path) -> BinaryIO | str:
    """A regular file, open, or the sentence that says why not."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if file.is_symlink():
            return f"{file.name} is a symbolic link; hand in the file itself"
        return f"{file.name} cannot be read: {error.strerror}"
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return f"{file.name} is no ordinary file"
    return os.fdopen(descriptor, "rb")


def _bytes(file: Path, most: int) -> bytes | str:
    """A regular file's content, or the sentence that says why not."""
    opened = _open(file)
    if isinstance(opened, str):
        return opened
    with opened as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        return f"{file.name} is larger than {most // 1024} KiB"
    return content


def _archive(path: Path, limits: Limits) -> dict[str, bytes | str]:
    """The Python files of a zip, read in memory."""
    opened = _open(path)
    if isinstance(opened, str):
        raise BadSubmission(f"{path}: {opened}")
    with opened as file:
        if os.fstat(file.fileno()).st_size > limits.archive_bytes:
            raise BadSubmission(f"{path} is larger than {limits.archive_bytes // MIB} MiB")
        try:
            archive = zipfile.ZipFile(file)
        except Exception as error:  # the bytes are anybody's
            raise BadSubmission(f"{path} is no readable zip file: {error}") from error
        members = archive.infolist()
        if len(members) > limits.archive_files:
            most = limits.archive_files
            raise BadSubmission(f"{path} holds {len(members)} files; at most {most} may")
        found: dict[str, bytes | str] = {}
        total = 0
        for member in members:
            place = PurePosixPath(member.filename)
            if place.suffix != ".py" or place.is_absolute() or ".." in place.parts:
                continue
            if "__MACOSX" in place.parts:
                continue
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind == stat.S_IFLNK:
                found[str(place)] = f"{place.name} is a symbolic link; hand in the file itself"
                continue
            if kind not in (0, stat.S_IFREG):
                found[str(place)] = f"{place.name} is no ordinary file"
                continue
            if str(place) in found:
                found[str(place)] = f"{place.name} is in the zip file twice; leave one out"
                continue
            if member.compress_type not in PACKED:
                found[str(place)] = f"{place.name} is packed in an unusual way; zip it again"
                continue
            try:
                with archive.open(member) as stream:
                    content = stream.read(limits.source_bytes + 1)
            except Exception as error:  # as above
                raise BadSubmission(f"{path} is no readable zip file: {error}") from error
            total += len(content)
            if total > limits.unpacked_bytes:
                most = limits.unpacked_bytes // MIB
                raise BadSubmission(f"{path} holds more than {most} MiB of source")
            if len(content) > limits.source_bytes:
                most = limits.source_bytes // 1024
                found[str(place)] = f"{place.name} is larger than {most} KiB"
            else:
                found[str(place)] = content
    return found


def _from_files(
    name: str, path: Path, files: Mapping[str, bytes | str], topics: frozenset[str]
) -> Submission:
    candidates = _candidates(list(files), topics)
    if not candidates:
        raise BadSubmission(
            f"{path} holds no module such as {_example(topics)}, at its top, in {HOME} or one "
            "folder down"
        )
    home = candidates[0]
    where = {place: "the top folder" if place == "." else place for place in candidates}
    ignored = tuple(
        f"{where[other]} holds modules too; those in {where[home]} count"
        for other in candidates[1:]
    )
    sources: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for file, content in files.items():
        place = PurePosixPath(file)
        if str(place.parent) == home and place.stem.isidentifier():
            _decode(place.stem, content, sources, unreadable)
    return Submission(name, sources, unreadable, warnings=ignored)


def _decode(
    stem: str, content: bytes | str, sources: dict[str, str], unreadable: dict[str, str]
) -> None:
    if isinstance(content, str):
        unreadable[stem] = content
        return
    try:
        sources[stem] = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        byte = content[error.start]
        unreadable[stem] = (
            f"{stem}.py is not UTF-8 text: byte 0x{byte:02x} in line {line}; save it as UTF-8"
        )


def _single(name: str, path: Path, topics: frozenset[str], limits: Limits) -> Submission:
    sources: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    content = _bytes(path, limits.source_bytes)
    # A module needs a name that can be imported; a stub module keeps its own.
    stem = name if name in topics else "submission"
    _decode(stem, content, sources, unreadable)
    return Submission(name, sources, unreadable, single="" if name in topics else stem)


# --- notebooks


def _notebook(name: str, path: Path, limits: Limits) -> Submission:
    """The definitions in a notebook's code cells; its outputs are never looked at."""
    content = _bytes(path, limits.notebook_bytes)
    if isinstance(content, str):
        raise BadSubmission(f"{path}: {content}")
    try:
        cells = json.loads(content.decode("utf-8-sig"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell.get("cell_type") == "code"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadSubmission(f"{path} is no readable notebook") from error
    return from_cells(name, texts, limits)


def from_cells(name: str, texts: Sequence[str], limits: Limits = DEFAULT) -> Submission:
    """The definitions in the code cells of a notebook."""
    if sum(map(len, texts)) > limits.source_bytes:
        told = f"the notebook holds more than {limits.source_bytes // 1024} KiB of code"
        return Submission(name, {}, {"notebook": told}, single="notebook")
    statements: list[ast.stmt] = []
    left_out: list[str] = []
    for number, text in enumerate(texts, 1):
        try:
            statements += _statements(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None) or 1
            why = getattr(error, "msg", None) or "it cannot be parsed"
            left_out.append(f"code cell {number} is left out: line {line} is no Python ({why})")
    source = "\n\n".join(_definitions(statements))
    return Submission(name, {"notebook": source}, single="notebook", warnings=tuple(left_out))


def _statements(text: str) -> list[ast.stmt]:
    """The statements of a cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes such as "\\d", which are the student's affair
        try:
            return ast.parse(text).body
        except SyntaxError:
            # Magics and shell commands are no Python; but a line that begins with % may be.
            return ast.parse(re.sub(r"(?m)^[ \t]*[%!?].*$", "", text)).body


def _definitions(statements: Sequence[ast.stmt]) -> Iterator[str]:
    """Imports that the worker has, functions, classes and constants: not the cells' experiments."""
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    own = {node.name for node in statements if isinstance(node, ast.FunctionDef)}
    for node in statements:
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            if node.value is None or _calls(node.value, own):
                continue
            # A constant that cannot be had (of data, of a plot) must not take the functions along.
            handler = ast.ExceptHandler(type=ast.Name("Exception"), body=[ast.Pass()])
            node = ast.Try(body=[node], handlers=[handler], orelse=[], finalbody=[])
        elif not isinstance(node, definitions):
            continue
        tops = {module.partition(".")[0] for module in modules}
        if tops <= sys.stdlib_module_names | {"numpy"}:
            yield ast.unparse(ast.fix_missing_locations(node))


def _calls(expression: ast.expr, names: set[str]) -> bool:
    """Whether evaluating an expression calls one of the functions of these names."""
    if isinstance(expression, ast.Lambda):
        return False
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
        for node in ast.walk(expression)
    )
