"""Where a submission's capstone lies, and which of its files count: read as names and as text.

A submission is a folder or a zip. Its capstone is `digits.keras`, the two modules and a notebook,
in `exercises/capstone`, in `capstone` or at the top. Nothing is extracted but these, and nothing is
imported or followed.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import stat
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from autograder.capstone.handin import FOLDERS, MODEL
from autograder.isolation.limits import DEFAULT, Limits
from autograder.submissions import PACKED, content_of, open_file

NAME = "capstone"
MODULES = ("digits.py", "predict.py")
NOTEBOOK = re.compile(r"[^/]*capstone[^/]*\.ipynb", re.IGNORECASE)
# Folders above a capstone's files in a zip, with their names.
DEEPEST = 5
LONGEST_NAME = 200
# Files of these kinds can decide a grade: so many in each folder.
COUNTING = (".keras", ".py", ".ipynb")
MAX_FILES = 200


def holds_model(path: Path, limits: Limits = DEFAULT) -> bool:
    """Whether a submission's model is where it should be; nothing is opened but a zip's list."""
    if path.is_dir():
        return any(os.path.lexists(path / folder / MODEL) for folder in FOLDERS)
    with _zip(path, limits) as archive:
        places = map(PurePosixPath, archive.namelist() if archive else ())
        return any(place.name == MODEL and _is_ours(place) for place in places)


@contextmanager
def _zip(path: Path, limits: Limits) -> Iterator[zipfile.ZipFile | None]:
    """A zip that may be read; None for pipes, links, bombs and whatever else is called so."""
    opened = open_file(path)
    if isinstance(opened, str):
        yield None
        return
    with opened as file:
        try:
            fits = os.fstat(file.fileno()).st_size <= limits.archive_bytes
            archive = zipfile.ZipFile(file) if fits else None
        except Exception:  # the bytes are anybody's, and the intake tells what is amiss
            archive = None
        many = archive is not None and len(archive.infolist()) > limits.archive_files
        yield None if many else archive


def is_named(name: str) -> bool:
    """Whether a file is called as the capstone asks for."""
    return name == MODEL or name in MODULES


def stubs(home: Path, limits: Limits = DEFAULT) -> tuple[str, ...]:
    """The functions that are still to be written."""
    return tuple(
        name for module in MODULES for name in (_functions(home / module, limits, True) or ())
    )


def is_written(file: Path, limits: Limits = DEFAULT) -> bool:
    """Whether a module has a function that is no stub, or is no Python that can be read."""
    return _functions(file, limits, stub=False) != []


def _functions(file: Path, limits: Limits, stub: bool) -> list[str] | None:
    """A module's stubs, or its other functions; None where it is no Python that can be read."""
    if not os.path.lexists(file):
        return []
    content = content_of(file, limits.source_bytes)
    if isinstance(content, str):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # such as those on unknown escapes
            body = ast.parse(content).body
            functions = [node for node in body if isinstance(node, ast.FunctionDef)]
            return [node.name for node in functions if _is_stub(node) == stub]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_stub(node: ast.FunctionDef) -> bool:
    return len(node.body) <= 2 and ast.unparse(node.body[-1]) == "raise NotImplementedError"


def attempted(folder: Path, limits: Limits = DEFAULT) -> bool:
    """Whether there is anything to judge: a model, a notebook of it, or a function written."""
    for home in (folder / place for place in FOLDERS):
        if home.is_symlink() or not home.is_dir():
            continue
        if os.path.lexists(home / MODEL) or any(is_written(home / m, limits) for m in MODULES):
            return True
        if any(NOTEBOOK.fullmatch(file.name) for file in home.glob("*.ipynb")):
            return True
    return False


@contextmanager
def folder_of(path: Path, limits: Limits = DEFAULT) -> Iterator[Path | None]:
    """The submission as a folder: itself, or what counts of a zip, for as long as it is needed."""
    if path.is_dir():
        yield path
    elif path.suffix == ".zip" and not path.is_symlink():
        with tempfile.TemporaryDirectory(prefix="autograder-") as temporary:
            folder = Path(temporary) / path.stem
            folder.mkdir()
            with _zip(path, limits) as archive, suppress(Exception):  # the bytes are anybody's
                if archive is not None:
                    _unpack(archive, folder, limits)
            yield folder
    else:
        yield None


def _is_ours(place: PurePosixPath) -> bool:
    """Whether a file of a zip is of a capstone."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in place.parts)
    if place.is_absolute() or hidden or len(place.parts) > DEEPEST:
        return False
    beside = place.name in MODULES or place.suffix == ".ipynb"
    return place.name == MODEL or (beside and place.parent.name == NAME)


def _unpack(archive: zipfile.ZipFile, folder: Path, limits: Limits) -> None:
    """The files of one capstone, each within its size; a link or a device counts as missing."""
    members = {PurePosixPath(info.filename): info for info in archive.infolist()}
    homes = {place.parent for place in members if _is_ours(place)}
    if not homes:
        return
    first = min(homes, key=lambda one: (one / MODEL not in members, len(one.parts), one))
    left = limits.unpacked_bytes + limits.notebook_bytes
    for place, info in members.items():
        kind = stat.S_IFMT(info.external_attr >> 16)
        most = most_bytes(place.name, limits)
        if place.parent != first or most is None or kind not in (0, stat.S_IFREG):
            continue
        if info.compress_type in PACKED and len(place.name.encode()) <= LONGEST_NAME:
            with archive.open(info) as source:
                # A byte more than may be: the grader tells the student that it is too large.
                content = source.read(min(most, left) + 1)
            left = max(0, left - len(content))
            (folder / place.name).write_bytes(content)


def digest(path: Path, limits: Limits = DEFAULT) -> str:
    """A hash of all the files that a capstone's grade can depend on."""
    found = hashlib.sha256()
    for name, content in _those_that_count(path, limits):
        for data in (name.encode(errors="surrogateescape"), content):
            found.update(hashlib.sha256(data).digest())
    return found.hexdigest()


def _those_that_count(path: Path, limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Names and contents; of one that is too large, its beginning."""
    from autograder.capstone.model import FILE_BYTES  # which needs the reference

    if not path.is_dir():
        yield path.name, _content(path, max(FILE_BYTES, limits.archive_bytes))
        return
    for place in FOLDERS:
        home = path / place
        if home.is_symlink() and home != path:
            yield place, b"link"
            continue
        files = [file for file in sorted(home.glob("*")) if file.suffix in COUNTING]
        for file in files[:MAX_FILES]:
            most = FILE_BYTES if file.suffix == ".keras" else limits.notebook_bytes
            yield f"{place}/{file.name}", _content(file, most)
        yield place, str(len(files)).encode()


def _content(file: Path, most: int) -> bytes:
    opened = open_file(file)
    if isinstance(opened, str):
        return opened.encode(errors="surrogateescape")
    with opened:
        return b"file" + opened.read(most + 1)


def most_bytes(name: str, limits: Limits = DEFAULT) -> int | None:
    """The size up to which a file of the capstone counts; None for one that never does."""
    if name == MODEL:
        from autograder.capstone.model import FILE_BYTES  # which needs the reference

        return FILE_BYTES
    if name in MODULES:
        return limits.source_bytes
    return limits.notebook_bytes if name.endswith(".ipynb") else None
