"""Finds who handed in what: single submissions, folders of them, and what platforms export.

`lms` tells whose a file is, from names alone. Nothing is read before its turn to be graded, so a
class of any size fits in memory; a zip of a whole class is unpacked into a folder that the caller
gives. What is not graded is told: nobody is lost in silence.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from autograder import lms
from autograder.capstone.files import holds_model, is_named
from autograder.isolation.limits import DEFAULT, Limits
from autograder.submissions import (
    MODULES,
    NO_NAMES,
    BadSubmission,
    NoModules,
    Submission,
    content_of,
    from_files,
    holds,
    is_one,
    modules_in,
    read,
    topic_of,
)
from autograder.unpacking import SIDE_BYTES, BadArchive, Unpacking, is_zip

PLAIN = "plain"
# Folders of these names say what they hold: the name belongs to what is told from.
TELLING = (lms.SUBMITTED, "-submissions")
# How deep a hand-in may be wrapped in folders of its own.
DEEPEST = 4
FEW = 5
# Stands in a name for a file that is no code: somebody handed it in all the same.
NO_CODE = ".7z"


@dataclass(frozen=True)
class HandIn:
    """What one student handed in, still unread.

    place    the folder or file; of files that came one by one a folder with copies of them
    shown    the same as an instructor knows it
    files    of files that came one by one: by what they are called in the submission
    notes    what the student and the instructor should know
    missing  why there is nothing to be graded
    """

    name: str
    convention: str
    place: Path
    shown: str
    files: Mapping[str, Path] | None = None
    notes: tuple[str, ...] = ()
    missing: str = ""
    named: bool = False

    def read(self, topics: frozenset[str], limits: Limits = DEFAULT) -> Submission:
        """Read it; what cannot be read is a submission without functions, and with a warning."""
        if self.missing:
            return Submission(self.name, {}, warnings=(self.missing, *self.notes))
        place, notes = self.place, list(self.notes)
        try:
            if self.files is not None:
                found = self._loose(self.files, topics, limits)
            else:
                if place.is_dir() and not self.named:
                    place = _unwrapped(place, topics, notes)
                found = read(place, topics, limits, self.name)
        except (BadSubmission, OSError) as error:
            alone = isinstance(error, NoModules) and holds_model(place)
            if self.named and not alone:
                raise
            # Results must not depend on where the class's folder lies.
            text = error.strerror if isinstance(error, OSError) else str(error)
            told = () if alone else (str(text).replace(str(place), place.name),)
            found = Submission(self.name, {}, warnings=told)
        return dataclasses.replace(found, warnings=(*found.warnings, *notes), path=place.absolute())

    def _loose(
        self, files: Mapping[str, Path], topics: frozenset[str], limits: Limits
    ) -> Submission:
        files = {name: file for name, file in files.items() if file.suffix in MODULES}
        if len(files) == 1 and not any(topic_of(PurePosixPath(file)) in topics for file in files):
            return read(next(iter(files.values())), topics, limits, self.name)
        most = {".ipynb": limits.notebook_bytes, ".py": limits.source_bytes}
        contents = {name: content_of(file, most[file.suffix]) for name, file in files.items()}
        return from_files(self.name, self.place, contents, topics, limits)


@dataclass(frozen=True)
class Intake:
    """Everybody who handed in, in the order of names; `told` is what an instructor should know."""

    hand_ins: tuple[HandIn, ...]
    told: tuple[str, ...] = ()


def collect(
    paths: Sequence[Path], topics: frozenset[str], room: Path, limits: Limits = DEFAULT
) -> Intake:
    """What these paths hold; zips of whole classes are unpacked in `room`.

    A path that is one submission must be readable. In a download one that cannot be read is graded
    as empty, with a warning, and does not stop the others.
    """
    hand_ins: list[HandIn] = []
    told: list[str] = []
    for number, path in enumerate(paths):
        if not path.exists():
            raise BadSubmission(f"there is no {path}")
        folder = path
        if path.suffix.lower() == lms.ARCHIVE and path.is_file():
            folder = _class_of(path, room / str(number), topics, limits, told)
        if not folder.is_dir() or is_one(modules_in(folder), topics) or holds_model(folder):
            hand_ins.append(_named(path, topics, limits))
        else:
            found = _download(folder, topics, room / f"{number} loose")
            if not found.hand_ins:
                raise BadSubmission(
                    f"{path} holds no submission: no module such as {min(topics)}.py in it, in its "
                    "exercises folder or in its folders"
                )
            hand_ins += found.hand_ins
            told += found.told
    names = [hand_in.name for hand_in in hand_ins]
    for name in names:
        if names.count(name) > 1:
            raise BadSubmission(
                f"{names.count(name)} submissions are called {name}; rename all but one"
            )
    return Intake(tuple(hand_ins), tuple(told))


def _named(path: Path, topics: frozenset[str], limits: Limits) -> HandIn:
    """A path that was named is a submission, or an error at once."""
    place = Path(os.path.abspath(path))  # what a link is called, not where it leads
    name = place.stem if path.is_file() else place.name
    hand_in = HandIn(name, PLAIN, path, path.name or name, named=True)
    hand_in.read(topics, limits)
    return hand_in


def _class_of(
    path: Path, room: Path, topics: frozenset[str], limits: Limits, told: list[str]
) -> Path:
    """A folder with what a zip of a whole class holds; the zip itself, if it is one submission."""

    def is_class(members: Collection[PurePosixPath]) -> bool:
        if is_one(members, topics) or not lms.is_class(members):
            return False
        hand_ins = lms.read_names(members).files
        if any(hand_in.convention != PLAIN for hand_in in hand_ins.values()):
            return True
        # A student may hand in several folders, but has the modules in one.
        tops = {
            hand_in.top
            for place, hand_in in hand_ins.items()
            if place.suffix in (lms.ARCHIVE, ".ipynb") or topic_of(place) in topics
        }
        return len(tops) > 1

    unpacking = Unpacking(limits, nested=False)
    try:
        unpacked = unpacking.class_archive(path, room / path.stem, is_class)
    except BadArchive as error:
        raise BadSubmission(f"{path} is no readable zip file: {error}") from error
    if unpacked:
        told += unpacking.told
        return room / path.stem
    return path


# --- a download


def _download(folder: Path, topics: frozenset[str], room: Path) -> Intake:
    """The hand-ins in a folder, by the convention that its names follow."""
    told: list[str] = []
    files, empty = _files(folder, told)
    found = lms.read_names(files, texts=_texts(files))
    others = _nobodys(files, found)
    if any(hand_in.convention != PLAIN for hand_in in found.files.values()):
        # Who handed in a report and no code has a name as well.
        names = {place.with_name(place.name + NO_CODE): place for place in others}
        found = lms.read_names([*files, *names], texts=_texts(files))
        files |= {name: files[place] for name, place in names.items()}
        others = []
        told += [
            sentence.replace(f"{NO_CODE} is left out", " is left out") for sentence in found.told
        ]
    else:
        told += found.told
    others = [place for place in others if place.name not in SIDE_BYTES]
    if others:
        told.append(f"left out, for it is no module, notebook or zip file: {_some(others)}")
    if empty:
        told.append(f"left out, for there is nothing in it: {_some(empty)}")
    students: dict[str, dict[PurePosixPath, lms.HandIn]] = {}
    for place, one in sorted(found.files.items()):
        students.setdefault(one.student, {})[place] = one
    hand_ins: list[HandIn] = []
    for student, handed_in in sorted(students.items()):
        units = _units(handed_in, files)
        hand_in = _student(student, units, folder, topics, room / str(len(hand_ins)))
        told += [f"{hand_in.name}: {note}" for note in (hand_in.missing, *hand_in.notes) if note]
        hand_ins.append(hand_in)
    return Intake(tuple(hand_ins), tuple(told))


def _files(folder: Path, told: list[str]) -> tuple[dict[PurePosixPath, Path], list[PurePosixPath]]:
    """The ordinary files of a download, and the folders at its top that hold none."""
    above = folder.parent if folder.name.endswith(TELLING) else folder
    found: dict[PurePosixPath, Path] = {}
    empty = []
    for entry in sorted(folder.iterdir()):
        place = PurePosixPath(entry.relative_to(above).as_posix())
        if lms.is_junk(place):
            continue
        if not entry.is_dir():
            found[place] = entry  # a link too: that it is one is told when it is read
            continue
        inside = list(_ordinary(entry, above, told))
        found |= {PurePosixPath(file.relative_to(above).as_posix()): file for file in inside}
        if not inside:
            empty.append(place)
    return found, empty


def _ordinary(folder: Path, above: Path, told: list[str]) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not lms.is_junk(PurePosixPath(name)))
        for name in [*folders, *sorted(names)]:
            file = Path(parent, name)
            mode = file.lstat().st_mode
            if lms.is_junk(PurePosixPath(name)) or stat.S_ISDIR(mode):
                continue
            # A link that would be a module is told to the student when the submission is read.
            if stat.S_ISREG(mode) or (stat.S_ISLNK(mode) and file.suffix in MODULES):
                yield file
            else:
                told.append(f"{file.relative_to(above)} is left out: it is no ordinary file")


def _texts(files: Mapping[PurePosixPath, Path]) -> dict[PurePosixPath, str]:
    """What platforms say of hand-ins, in files of their own."""
    return {
        place: file.read_text("utf-8", errors="replace")
        for place, file in files.items()
        if file.is_file() and file.stat().st_size <= SIDE_BYTES.get(place.name, -1)
    }


def _nobodys(files: Iterable[PurePosixPath], found: lms.Download) -> list[PurePosixPath]:
    """Files that are no code, and not beside anybody's code either."""
    tops = {hand_in.top for hand_in in found.files.values()}
    return [
        place
        for place in files
        if place.suffix not in (*lms.CODE, lms.ARCHIVE)
        and not lms.is_other_archive(place)
        and place.name != lms.METADATA
        and tops.isdisjoint(place.parents)
    ]


def _some(places: Iterable[PurePosixPath]) -> str:
    names = [str(place)[:80] for place in places]
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


# --- one student


@dataclass(frozen=True)
class _Unit:
    """What came at one stroke: an archive, a folder, or all the files that came one by one."""

    top: PurePosixPath | None
    files: Mapping[PurePosixPath, lms.HandIn]
    dates: Mapping[PurePosixPath, float]

    def age(self, places: Iterable[PurePosixPath] | None = None) -> tuple[int, datetime, float]:
        chosen = list(self.files if places is None else places)
        return (
            max(self.files[place].attempt for place in chosen),
            max(self.files[place].when or datetime.min.replace(tzinfo=UTC) for place in chosen),
            max(self.dates[place] for place in chosen),
        )

    @property
    def shown(self) -> str:
        return str(self.top) if self.top is not None else _some(self.files)

    @property
    def gradable(self) -> bool:
        return any(place.suffix in lms.CODE or is_zip(place) for place in self.files)


def _units(
    handed_in: Mapping[PurePosixPath, lms.HandIn], files: Mapping[PurePosixPath, Path]
) -> list[_Unit]:
    grouped: dict[PurePosixPath | None, dict[PurePosixPath, lms.HandIn]] = {}
    for place, hand_in in handed_in.items():
        one_by_one = (
            place == hand_in.top and place.suffix in lms.CODE and hand_in.convention != PLAIN
        )
        grouped.setdefault(None if one_by_one else hand_in.top, {})[place] = hand_in
    return [
        _Unit(top, unit, {place: files[place].lstat().st_mtime for place in unit})
        for top, unit in grouped.items()
    ]


def _student(
    student: str, units: list[_Unit], folder: Path, topics: frozenset[str], room: Path
) -> HandIn:
    """What counts of all that a student handed in: the newest that can be graded."""
    above = folder.parent if folder.name.endswith(TELLING) else folder

    def order(unit: _Unit) -> tuple[bool, bool, int, datetime, float, str]:
        # Notes beside an archive are no submission, but modules that came later may be one.
        asked = unit.top is not None or any(
            topic_of(PurePosixPath(_plain_name(one, topics))) in topics
            for one in unit.files.values()
        )
        return unit.gradable, asked, *unit.age(), unit.shown

    newest = max(units, key=order)
    convention = next(iter(newest.files.values())).convention
    notes = []
    files = None
    missing = ""
    place = above / (newest.top or next(iter(newest.files)).parent)
    if len(units) > 1:
        rest = ", ".join(unit.shown for unit in units if unit is not newest)
        notes.append(f"handed in {len(units)} times: {newest.shown} counts, not {rest}")
    if not newest.gradable:
        names = ", ".join(one.file.name.removesuffix(NO_CODE) for one in newest.files.values())
        missing = f"nothing that can be graded was handed in: {names} is no zip file and no code"
    elif newest.top is None:
        files = _one_by_one(newest, above, topics, notes)
        place = _together(files, room)
    if student in NO_NAMES:
        notes.append(f"{student} is no name for a folder of results")
        student = f"submission {place.name}"
    return HandIn(student, convention, place, newest.shown, files, tuple(notes), missing)


def _one_by_one(
    unit: _Unit, above: Path, topics: frozenset[str], notes: list[str]
) -> dict[str, Path]:
    """The files by what they are called in the submission; of each the newest."""
    versions: dict[str, list[PurePosixPath]] = {}
    for place, hand_in in unit.files.items():
        versions.setdefault(_plain_name(hand_in, topics), []).append(place)
    files = {}
    for name, places in versions.items():
        newest = max(places, key=lambda place: (*unit.age([place]), place))
        files[name] = above / newest
        if len(places) > 1:
            notes.append(f"{name} is there {len(places)} times; the newest, {newest}, counts")
    return files


def _together(files: Mapping[str, Path], folder: Path) -> Path:
    """A folder with these files alone: a capstone is judged by what lies beside its model."""
    folder.mkdir(parents=True)
    for name, file in files.items():
        known = file.lstat()
        if stat.S_ISREG(known.st_mode) and known.st_size <= DEFAULT.notebook_bytes:
            shutil.copy2(file, folder / name)
    return folder


def _plain_name(hand_in: lms.HandIn, topics: frozenset[str]) -> str:
    """`padding.py` for what became `padding (1).py` or `padding-2.py` on its way."""
    name = hand_in.file.name
    for plain in (name, *lms.plain_names(name)):
        if topic_of(PurePosixPath(plain)) in topics or is_named(plain):
            return plain
    return name


def _unwrapped(folder: Path, topics: frozenset[str], notes: list[str]) -> Path:
    """The submission itself, inside what a platform or a student has wrapped around it."""
    place = folder
    for _ in range(DEEPEST):
        if holds(place, topics) or holds_model(place):
            return place
        inside = [
            entry
            for entry in sorted(place.iterdir())
            if not lms.is_junk(PurePosixPath(entry.name)) and not entry.is_symlink()
        ]
        archives = [entry for entry in inside if is_zip(PurePosixPath(entry.name))]
        modules = [entry for entry in inside if entry.suffix in MODULES]
        folders = [entry for entry in inside if entry.is_dir()]
        if archives:
            newest = max(archives, key=lambda file: (file.stat().st_mtime, file.name))
            if len(archives) > 1:
                names = ", ".join(file.name for file in archives if file != newest)
                notes.append(f"the newest zip file, {newest.name}, counts, not {names}")
            return newest
        if len(modules) == 1:
            notes.append(f"{modules[0].name} is the only module, and taken for all of them")
            return modules[0]
        if len(folders) != 1:
            break
        place = folders[0]
    return folder
