"""Reads submissions, once, as bytes that are hostile until decoded; `intake` finds them.

A submission is a folder, a .zip, a .py file or an .ipynb. In a folder or zip the stub modules, or
the lessons' notebooks in their place, lie in `exercises/`, or at the top, or one folder down; a
file holds all its functions itself, and so does a folder's only notebook. Nothing is extracted,
imported or followed: links, devices and oversized files are refused.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from autograder.cells import BadCells, Place, code_cells, module_of
from autograder.isolation.limits import DEFAULT, MIB, Limits

HOME = "exercises"
# The two ways in which zip programs pack. Others unpack a member's first bytes into gigabytes.
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
FILES = (".zip", ".ipynb", ".py")
MODULES = (".py", ".ipynb")  # what holds functions, in a folder or zip
# Results go into a folder of the submission's name, beside what is there of the class.
NO_NAMES = ("", ".", "..", "index.html", "grades.csv", ".journal")


class BadSubmission(ValueError):
    """A path that holds no submission; the message is one sentence that says why."""


class NoModules(BadSubmission):
    """A path that holds neither modules nor a notebook in their place."""


@dataclass(frozen=True)
class Submission:
    """What a student handed in.

    sources     text of each module by name, the stub modules and their helpers
    unreadable  modules that are there but cannot be read, and why
    single      the one module that holds every function, where a single file was handed in
    places      of modules made from code cells, where their lines stand
    path        where it lies, for what is no module
    """

    name: str
    sources: Mapping[str, str]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    single: str = ""
    warnings: tuple[str, ...] = ()
    places: Mapping[str, Sequence[Place]] = field(default_factory=dict)
    path: Path | None = None

    def module(self, topic: str) -> str:
        """The module in which this submission has a topic's functions."""
        return self.single or topic


def read(
    path: Path, topics: frozenset[str], limits: Limits = DEFAULT, name: str = ""
) -> Submission:
    """Read one submission, which has the name of its folder or file where no other is given."""
    place = Path(os.path.abspath(path))  # what a link is called, not where it leads
    name = name or (place.stem if path.is_file() else place.name)
    if name in NO_NAMES:
        raise BadSubmission(f"{path} has no name that a folder of results could have; rename it")
    if path.is_dir():
        return from_files(name, path, _folder(path, topics, limits), topics, limits)
    if not path.exists():
        raise BadSubmission(f"there is no {path}")
    if path.suffix == ".zip":
        return from_files(name, path, _archive(path, limits), topics, limits)
    if path.suffix == ".ipynb":
        return _notebook(name, path, content_of(path, limits.notebook_bytes), limits)
    if path.suffix == ".py":
        return _single(name, path, topics, limits)
    raise BadSubmission(f"{path} is no submission: a folder, .zip, .py or .ipynb is")


# --- where the modules lie


def _example(topics: frozenset[str]) -> str:
    return f"{min(topics)}.py"


def _listing(folder: Path) -> list[str]:
    """Paths of modules and notebooks, two folders deep: `padding.py`, `exercises/padding.py`."""
    found = []
    for depth, pattern in enumerate(("*", "*/*")):
        found += [
            "/".join(file.parts[-depth - 1 :])
            for file in sorted(folder.glob(pattern))
            if file.suffix in MODULES
            and not _is_hidden(file.parts[-depth - 1])
            and (file.is_file() or file.is_symlink())
        ]
    return found


def _is_hidden(folder: str) -> bool:
    """Copies that editors and macOS keep, such as .ipynb_checkpoints."""
    return folder.startswith(".") or folder == "__MACOSX"


def topic_of(file: PurePosixPath) -> str:
    """The topic that a file would be of: `padding` for padding.py and for 02_padding.ipynb."""
    return re.sub(r"^\d+_", "", file.stem) if file.suffix == ".ipynb" else file.stem


def modules_in(folder: Path) -> list[PurePosixPath]:
    """The modules and notebooks in a folder and one folder down, where a submission has them."""
    return list(map(PurePosixPath, _listing(folder)))


def holds(folder: Path, topics: frozenset[str]) -> bool:
    """Whether a folder is a submission."""
    files = _listing(folder)
    return bool(_candidates(files, topics)) or _only_notebook(files) is not None


def _only_notebook(files: list[str]) -> str | None:
    """The notebook that holds every function, where no file is named as a topic."""
    notebooks = [file for file in files if file.endswith(".ipynb")]
    return notebooks[0] if len(notebooks) == 1 else None


def _candidates(files: list[str], topics: frozenset[str]) -> list[str]:
    """The folders (as paths in the submission) that hold stub modules, best first."""
    folders = {
        str(PurePosixPath(file).parent) for file in files if topic_of(PurePosixPath(file)) in topics
    }

    def order(folder: str) -> tuple[bool, int, str]:
        place = PurePosixPath(folder)
        return place.name != HOME, len(place.parts), folder

    return sorted(folders, key=order)


def home(folder: Path, topics: frozenset[str]) -> str | None:
    """The folder, as a path in the submission, whose modules count."""
    return next(iter(_candidates(_listing(folder), topics)), None)


def is_one(files: Iterable[PurePosixPath], topics: frozenset[str]) -> bool:
    """Whether these are a submission beyond doubt: modules are in `exercises` or at the top."""
    return any(str(file.parent) in (HOME, ".") and topic_of(file) in topics for file in files)


# --- reading


def _folder(path: Path, topics: frozenset[str], limits: Limits) -> dict[str, bytes | str]:
    files = _listing(path)
    wanted = _candidates(files, topics)[:1]
    only = None if wanted else _only_notebook(files)
    found: dict[str, bytes | str] = {}
    for file in files:
        folder = str(PurePosixPath(file).parent)
        if file == only or ([folder] == wanted and _counts(file, topics)):
            # A link could lead to another student's folder, or to the answers.
            linked = folder != "." and (path / folder).is_symlink()
            told = f"{folder} is a symbolic link; hand in the folder itself"
            found[file] = told if linked else content_of(path / file, _most(file, limits))
        elif topic_of(PurePosixPath(file)) in topics:
            found[file] = b""  # its place is told, its content is not looked at
    return found


def _counts(file: str, topics: frozenset[str]) -> bool:
    """Every module may hold helpers; of notebooks only those of topics are looked at."""
    return file.endswith(".py") or topic_of(PurePosixPath(file)) in topics


def _most(file: str, limits: Limits) -> int:
    return limits.notebook_bytes if file.endswith(".ipynb") else limits.source_bytes


def open_file(file: Path) -> BinaryIO | str:
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


def content_of(file: Path, most: int) -> bytes | str:
    """A regular file's content, or the sentence that says why not."""
    opened = open_file(file)
    if isinstance(opened, str):
        return opened
    with opened as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        return f"{file.name} is larger than {most // 1024} KiB"
    return content


def _archive(path: Path, limits: Limits) -> dict[str, bytes | str]:
    """The modules and notebooks of a zip, read in memory."""
    opened = open_file(path)
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
            if place.suffix not in MODULES or place.is_absolute() or ".." in place.parts:
                continue
            if any(map(_is_hidden, place.parts)):
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
                    content = stream.read(_most(place.name, limits) + 1)
            except Exception as error:  # as above
                raise BadSubmission(f"{path} is no readable zip file: {error}") from error
            total += len(content)
            if total > limits.unpacked_bytes:
                most = limits.unpacked_bytes // MIB
                raise BadSubmission(f"{path} holds more than {most} MiB of source")
            if len(content) > _most(place.name, limits):
                most = _most(place.name, limits) // 1024
                found[str(place)] = f"{place.name} is larger than {most} KiB"
            else:
                found[str(place)] = content
    return found


def from_files(
    name: str,
    path: Path,
    files: Mapping[str, bytes | str],
    topics: frozenset[str],
    limits: Limits,
) -> Submission:
    candidates = _candidates(list(files), topics)
    if not candidates:
        if (only := _only_notebook(list(files))) is not None:
            return _notebook(name, path / only, files[only], limits)
        raise NoModules(
            f"{path} holds no module such as {_example(topics)}, at its top, in {HOME} or one "
            "folder down"
        )
    home = candidates[0]
    where = {place: "the top folder" if place == "." else place for place in candidates}
    told = [
        f"{where[other]} holds modules too; those in {where[home]} count"
        for other in candidates[1:]
    ]
    sources: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    places: dict[str, Sequence[Place]] = {}
    here = [PurePosixPath(file) for file in files if str(PurePosixPath(file).parent) == home]
    for place in (place for place in here if place.suffix == ".py" and place.stem.isidentifier()):
        _decode(place.stem, files[str(place)], sources, unreadable)
    for place in (place for place in here if place.suffix == ".ipynb"):
        topic = topic_of(place)
        if topic not in topics:
            continue
        if topic in sources or topic in unreadable:
            other = f"{topic}.py" if f"{topic}.py" in {p.name for p in here} else "another notebook"
            told.append(f"{place.name} does not count: {other} is there")
            continue
        content = files[str(place)]
        if isinstance(content, str):
            unreadable[topic] = content
            continue
        try:
            made = module_of(code_cells(content), limits.source_bytes, topics)
        except BadCells as error:
            unreadable[topic] = f"{place.name} {error}"
            continue
        sources[topic], places[topic] = made.text, made.places
        told += [f"{place.name}: {line}" for line in made.left_out]
    return Submission(name, sources, unreadable, warnings=tuple(told), places=places)


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


def modules(folder: Path, limits: Limits) -> tuple[dict[str, str], dict[str, str]]:
    """The modules that lie in a folder: their text by name, or why it cannot be read."""
    sources: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for file in sorted(folder.glob("*.py")):
        if file.stem.isidentifier():
            _decode(file.stem, content_of(file, limits.source_bytes), sources, unreadable)
    return sources, unreadable


def _single(name: str, path: Path, topics: frozenset[str], limits: Limits) -> Submission:
    sources: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    content = content_of(path, limits.source_bytes)
    # A module needs a name that can be imported; a stub module keeps its own.
    stem = name if name in topics else "submission"
    _decode(stem, content, sources, unreadable)
    return Submission(name, sources, unreadable, single="" if name in topics else stem)


# --- notebooks


def _notebook(name: str, path: Path, content: bytes | str, limits: Limits) -> Submission:
    """The definitions in a notebook's code cells."""
    if isinstance(content, str):
        raise BadSubmission(f"{path}: {content}")
    try:
        return from_cells(name, code_cells(content), limits)
    except BadCells as error:
        raise BadSubmission(f"{path} {error}") from error


def from_cells(name: str, texts: Sequence[str], limits: Limits = DEFAULT) -> Submission:
    """The definitions in the code cells of a notebook that holds every function."""
    module = "notebook"
    try:
        made = module_of(texts, limits.source_bytes)
    except BadCells as error:
        return Submission(name, {}, {module: f"the notebook {error}"}, single=module)
    return Submission(name, {module: made.text}, {}, module, made.left_out, {module: made.places})
