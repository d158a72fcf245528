"""`nbgrader zip_collect`: what platforms' downloads hold becomes `submitted/STUDENT/ASSIGNMENT`.

The extractor unpacks zip files as hostile bytes. The collector reads the names (`autograder.lms`)
and puts modules and notebooks where they are looked for.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
import time
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from traitlets import TraitError, Unicode, validate

from autograder import catalog, course, lms
from autograder.isolation.limits import DEFAULT, MIB, Limits
from autograder.lms import HandIn
from autograder.submissions import HOME, PACKED

# One hand-in, unpacked: its sources, and some notebooks with their pictures.
HAND_IN_BYTES = 4 * DEFAULT.notebook_bytes
# A zip of all hand-ins, packed or unpacked: 500 students with 8 MiB each.
CLASS_BYTES = 4096 * MIB
# The same students, with everything that lies about in a student's folder.
CLASS_FILES = 100_000
# A zip of all that holds a zip for each student.
LEVELS = 2
# What platforms say of a whole class, some kilobytes for each student; and one line.
SIDE_BYTES = {lms.METADATA: 16 * MIB, lms.TIMESTAMP: 1024}
# Bits of a member's flags.
ENCRYPTED, UTF8_NAME = 0x1, 0x800


class BadArchive(ValueError):
    """A file that is left out; the message says why."""


class Exhausted(BadArchive):
    """A budget is used up, so that nothing more of what it is for can be unpacked."""

    def __init__(self, budget: Budget, message: str) -> None:
        super().__init__(message)
        self.budget = budget


@dataclass
class Budget:
    """What may be unpacked; a student's is a part of the class's."""

    most_bytes: int
    most_files: int
    whole: Budget | None = None
    bytes: int = 0
    files: int = 0

    def spend(self, count: int, files: int = 0) -> None:
        self.bytes += count
        self.files += files
        if self.bytes > self.most_bytes:
            raise Exhausted(self, f"it unpacks to more than {self.most_bytes // MIB} MiB")
        if self.files > self.most_files:
            raise Exhausted(self, f"it holds more than {self.most_files} files")
        if self.whole is not None:
            self.whole.spend(count, files)

    def give_back(self) -> None:
        """What was unpacked is no longer there."""
        if self.whole is not None:
            self.whole.bytes -= self.bytes
            self.whole.files -= self.files


# --- unpacking


@dataclass
class Unpacking:
    """Unpacks one archive after the other; `told` has a sentence for all that was left out."""

    limits: Limits = DEFAULT
    told: list[str] = field(default_factory=list)

    def archive(self, file: Path, folder: Path) -> None:
        """Unpack a zip file into a new folder; of one that is refused, an empty file is left.

        The names of all hand-ins together tell which of them are students'.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _open(file) as stream:
                size = os.fstat(stream.fileno()).st_size
                if size > CLASS_BYTES:
                    raise BadArchive(f"it is larger than {CLASS_BYTES // MIB} MiB")
                archive, members = self._members(stream, file.name)
                if lms.is_class(members):
                    budget = Budget(CLASS_BYTES, CLASS_FILES)
                elif size > self.limits.archive_bytes:
                    raise BadArchive(f"it is larger than {self.limits.archive_bytes // MIB} MiB")
                else:
                    budget = self._hand_in()
                self._unpack(archive, members, folder, budget, file.name, level=1)
        except BadArchive as error:
            _empty(folder)
            self.told.append(f"{file.name} is left out: {error}")

    def _hand_in(self, whole: Budget | None = None) -> Budget:
        return Budget(HAND_IN_BYTES, self.limits.archive_files, whole)

    def _members(
        self, stream: IO[bytes], name: str
    ) -> tuple[zipfile.ZipFile, dict[PurePosixPath, zipfile.ZipInfo]]:
        """What is to be unpacked of an archive, by its place."""
        try:
            archive = zipfile.ZipFile(stream)
        except Exception as error:  # the bytes are anybody's
            raise BadArchive(f"it is no readable zip file ({error})") from error
        found: dict[PurePosixPath, zipfile.ZipInfo] = {}
        refused: dict[str, list[str]] = {}
        for member in archive.infolist():
            text = _member_name(member)
            place = _place(text)
            if place is None:
                refused.setdefault("lead out of it or have no proper name", []).append(text)
            elif text.endswith("/") or not (_is_wanted(place) or _is_other(place)):
                continue
            elif why := _why_not(member):
                refused.setdefault(why, []).append(text)
            elif place not in found:
                found[place] = member
            else:
                refused.setdefault("are there twice; the newer one counts", []).append(text)
                found[place] = max(member, found[place], key=lambda one: one.date_time)
        for why, names in refused.items():
            self.told.append(f"{name} holds files that {why}: {_some(names)}")
        return archive, found

    def _unpack(
        self,
        archive: zipfile.ZipFile,
        members: Mapping[PurePosixPath, zipfile.ZipInfo],
        folder: Path,
        budget: Budget,
        name: str,
        level: int,
    ) -> None:
        budget.spend(0, len(members))
        holds_class = lms.is_class(members)
        folder.mkdir(parents=True, exist_ok=True)
        for place, member in members.items():
            target = folder / _unified(place)
            own = self._hand_in(budget) if holds_class and _is_zip(place) else budget
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if _is_zip(place):
                    self._nested(archive, member, target, own, f"{name}/{place}", level + 1)
                elif _is_other(place):
                    target.touch(exist_ok=False)  # its name shows that somebody handed in
                else:
                    with archive.open(member) as source, target.open("xb") as sink:
                        _copy(source, sink, self._largest(place), own)
                    _date(target, member)
            except Exception as error:  # the bytes are anybody's
                if _is_ours(error, own if own is not budget else None):
                    raise
                _empty(target)
                if own is not budget:
                    own.give_back()
                self.told.append(f"{name}/{place} is left out: {_why(error)}")

    def _nested(
        self,
        archive: zipfile.ZipFile,
        member: zipfile.ZipInfo,
        target: Path,
        budget: Budget,
        name: str,
        level: int,
    ) -> None:
        if level > LEVELS:
            raise BadArchive("only archives in an archive are unpacked, and none in those")
        with tempfile.TemporaryFile() as stream:
            with archive.open(member) as source:
                _copy(source, stream, self.limits.archive_bytes, budget)
            inner, members = self._members(stream, name)
            self._unpack(inner, members, target, budget, name, level)

    def _largest(self, place: PurePosixPath) -> int:
        # A module that is too large for the grader is told to the student by the grader.
        return SIDE_BYTES.get(place.name, self.limits.notebook_bytes)


def _open(file: Path) -> BinaryIO:
    """A regular file, open; links are not followed."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        why = "it is a symbolic link" if file.is_symlink() else str(error.strerror)
        raise BadArchive(why) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadArchive("it is no ordinary file")
    return os.fdopen(descriptor, "rb")


def _is_zip(place: PurePosixPath) -> bool:
    return place.suffix.lower() == lms.ARCHIVE


def _unified(place: PurePosixPath) -> PurePosixPath:
    """Suffixes as everybody else writes them."""
    return place.with_suffix(lms.ARCHIVE) if _is_zip(place) else place


def _is_wanted(place: PurePosixPath) -> bool:
    """Whether a file is graded, holds files that are, or says whose they are."""
    known = place.suffix in lms.CODE or place.name in SIDE_BYTES or _is_zip(place)
    return known and not lms.is_junk(place)


def _is_other(place: PurePosixPath) -> bool:
    return lms.is_other_archive(place) and not lms.is_junk(place)


def _member_name(member: zipfile.ZipInfo) -> str:
    """A member's name as it was meant: many programs write UTF-8 and do not say so."""
    name = member.orig_filename
    if not member.flag_bits & UTF8_NAME:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    # Old programs for Windows write its separators.
    return name.replace("\\", "/")


def _place(name: str) -> PurePosixPath | None:
    """Where a member may go; None for a name that leads out of the folder, or is none."""
    parts = name.removesuffix("/").split("/")
    unfit = any(part in ("", "..") or len(part.encode("utf-8", "replace")) > 240 for part in parts)
    unfit = unfit or any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
    if unfit or re.match(r"[A-Za-z]:", name):
        return None
    place = PurePosixPath(*parts)
    return place if place.parts else None


def _why_not(member: zipfile.ZipInfo) -> str:
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        return "are links or no ordinary files"
    if member.flag_bits & ENCRYPTED:
        return "are locked with a password"
    if member.compress_type not in PACKED:
        return "are packed in an unusual way"
    return ""


def _copy(source: IO[bytes], sink: IO[bytes], most: int, budget: Budget) -> None:
    count = 0
    while chunk := source.read(MIB):
        count += len(chunk)
        if count > most:
            raise BadArchive(f"it is larger than {most // MIB} MiB")
        budget.spend(len(chunk))
        sink.write(chunk)


def _date(target: Path, member: zipfile.ZipInfo) -> None:
    with suppress(ValueError, OverflowError, OSError):  # the bytes are anybody's
        seconds = time.mktime((*member.date_time, 0, 0, -1))
        os.utime(target, (seconds, seconds))


def _is_ours(error: Exception, own: Budget | None) -> bool:
    """Whether an error is about more than one member, whose own budget that may be."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return isinstance(error, Exhausted) and error.budget is not own


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, BadArchive) else f"it cannot be read ({error})"


def _empty(target: Path) -> None:
    """Leave nothing of an archive but its name; of another file not even that."""
    if target.is_dir():
        shutil.rmtree(target, ignore_errors=True)
    with suppress(OSError):
        target.unlink(missing_ok=True)
        if _is_zip(PurePosixPath(target.name)):
            target.touch()


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name[:80]) for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")


class Extractor(ExtractorPlugin):  # type: ignore[misc]
    """Unpacks zip files, each into a folder of its name, and copies what else is graded.

    Only modules, notebooks, archives in archives, and what platforms say of hand-ins is taken.
    """

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack all that lies in one folder into another, which nbgrader has emptied."""
        unpacking = Unpacking(course.find(Path(self.parent.coursedir.root)).limits)
        for file in _ordinary(Path(archive_path), unpacking.told):
            place = PurePosixPath(file.relative_to(archive_path).as_posix())
            target = Path(extracted_path, _unified(place))
            if _is_zip(place):
                unpacking.archive(file, target)
            elif _is_wanted(place) or _is_other(place):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target, follow_symlinks=False)
                if not _is_wanted(place):
                    unpacking.told.append(
                        f"{place} is copied as it is: only zip files are unpacked; pack it as one"
                    )
        for sentence in unpacking.told:
            self.log.warning("%s", sentence)


def _ordinary(folder: Path, told: list[str]) -> Iterator[Path]:
    """The regular files in a folder and in its folders, but for what systems leave behind."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not lms.is_junk(PurePosixPath(name)))
        for name in [*folders, *sorted(names)]:
            file = Path(parent, name)
            mode = file.lstat().st_mode
            if stat.S_ISREG(mode):
                if not lms.is_junk(PurePosixPath(name)):
                    yield file
            elif not stat.S_ISDIR(mode):
                told.append(f"{file.relative_to(folder)} is left out: it is no ordinary file")


# --- collecting


@dataclass(frozen=True)
class Collected:
    """Where a file belongs; `when` is the platform's time, in UTC, or None."""

    student: str
    file: PurePosixPath
    when: datetime | None


class Collector(FileNameCollectorPlugin):  # type: ignore[misc]
    """Tells nbgrader whose each extracted file is, and where it goes.

    A timestamp, which decides late penalties, is given only where the platform tells the time:
    Gradescope, Blackboard, and nbgrader's own `timestamp.txt`. Dates of files are never taken.
    """

    timezone = Unicode(
        "UTC",
        help="The institution's time zone, such as Europe/Rome, in which Blackboard writes times.",
    ).tag(config=True)

    @validate("timezone")
    def _known_zone(self, proposal: dict[str, Any]) -> str:
        name = str(proposal["value"])
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise TraitError(f"there is no time zone {name!r}; one is Europe/Rome") from error
        return name

    # Whose a file is follows from all files together, which nbgrader does not show.
    _files: dict[Path, Collected] | None = None

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """What nbgrader asks of a file; None for one that does not count."""
        if self._files is None:
            self._files = self._read()
        found = self._files.get(Path(os.path.abspath(submitted_file)))
        if found is None:
            return None
        told = {"student_id": found.student, "file_id": str(found.file)}
        if found.when is not None:
            told["timestamp"] = f"{found.when:%Y-%m-%d %H:%M:%S} UTC"
        return told

    def _read(self) -> dict[Path, Collected]:
        app = self.parent
        coursedir = app.coursedir
        assignment = coursedir.assignment_id
        extracted = os.path.join(coursedir.root, app.collect_directory_structure).format(
            downloaded=app.downloaded_directory,
            assignment_id=assignment,
            collect_step=app.extracted_directory,
        )
        release = Path(coursedir.format_path(coursedir.release_directory, ".", assignment))
        files, told = read(
            Path(os.path.abspath(extracted)),
            [PurePosixPath(file.relative_to(release).as_posix()) for file in release.rglob("*")],
            assignment,
            ZoneInfo(self.timezone),
        )
        for sentence in told:
            self.log.warning("%s", sentence)
        return files


def read(
    folder: Path,
    released: Iterable[PurePosixPath],
    assignment: str = "",
    zone: tzinfo = UTC,
) -> tuple[dict[Path, Collected], list[str]]:
    """Whose the files of an extracted download are, and what an instructor should know.

    Of a file that a student handed in more than once, the newest counts: by the platform's number,
    else by the platform's time, else by the file's date.
    """
    told: list[str] = []
    dates: dict[PurePosixPath, float] = {}
    texts: dict[PurePosixPath, str] = {}
    for file in _ordinary(folder, told):
        place = PurePosixPath(file.relative_to(folder).as_posix())
        dates[place] = file.stat().st_mtime
        if file.stat().st_size <= SIDE_BYTES.get(place.name, -1):
            texts[place] = file.read_text("utf-8", errors="replace")
    download = lms.read_names(dates, assignment, texts, zone)
    told += download.told
    told += _about(download.files.values())
    students: dict[str, dict[PurePosixPath, HandIn]] = {}
    for path, hand_in in download.files.items():
        if path.suffix in lms.CODE:
            students.setdefault(hand_in.student, {})[path] = hand_in
    names = [place for place in released if place.suffix in lms.CODE]
    collected: dict[Path, Collected] = {}
    for student in sorted({one.student for one in download.files.values()} - set(students)):
        told.append(f"{student} handed in nothing that can be graded")
    for student, hand_ins in students.items():
        versions: dict[PurePosixPath, list[PurePosixPath]] = {}
        for path, place in _places(hand_ins, names, told).items():
            versions.setdefault(place, []).append(path)
        for place, paths in versions.items():
            newest = max(paths, key=lambda path: (*_age(download.files[path]), dates[path], path))
            if len(paths) > 1:
                told.append(
                    f"{student} has {place} {len(paths)} times; the newest, {newest}, counts"
                )
            collected[folder / newest] = Collected(student, place, hand_ins[newest].when)
    return collected, told


def _age(hand_in: HandIn) -> tuple[int, datetime]:
    return hand_in.attempt, hand_in.when or datetime.min.replace(tzinfo=UTC)


def _about(hand_ins: Iterable[HandIn]) -> Iterator[str]:
    """What cannot be said to nbgrader."""
    hand_ins = list(hand_ins)
    late = sorted({hand_in.student for hand_in in hand_ins if hand_in.late and not hand_in.when})
    if late:
        yield (
            "late, says the platform, but not how late, so that nbgrader takes nothing off: "
            + ", ".join(late)
        )
    groups = {(str(one.top), one.student, one.group) for one in hand_ins if one.group}
    for top, student, others in sorted(groups):
        yield f"{top} is a group's; it is collected for {student}, not for {', '.join(others)}"


def _places(
    hand_ins: Mapping[PurePosixPath, HandIn], released: list[PurePosixPath], told: list[str]
) -> dict[PurePosixPath, PurePosixPath]:
    """Where each file of a student goes.

    Folders around the hand-in are taken off, so that its `exercises` and its notebooks are at the
    top, and decorations that a name got on its way (`hw3 (1).ipynb`) where `hw3.ipynb` was asked
    for.
    """
    topics = {f"{topic.name}.py" for topic in catalog.topics()}
    # What lies in other folders, as the lessons' pictures do, tells not where the hand-in begins.
    asked_for = [place for place in released if str(place.parent) in (".", HOME)]
    known = topics | {place.name for place in asked_for}
    if "digits.py" in known:
        known.add("digits.keras")  # of the capstone: students make it
    files = _named(hand_ins, known)
    units: dict[PurePosixPath | None, list[PurePosixPath]] = {}
    for path, hand_in in hand_ins.items():
        # Files that came one by one are one hand-in; each archive is one.
        unit = None if path == hand_in.top else hand_in.top
        for parent in path.parents:
            if parent.suffix == lms.ARCHIVE and parent.is_relative_to(hand_in.top):
                unit = parent
                files[path] = path.relative_to(parent).with_name(files[path].name)
                break
        units.setdefault(unit, []).append(path)
    homes = {unit: _homes([files[path] for path in paths], topics) for unit, paths in units.items()}
    in_home = any(place.parts[0] == HOME for place in released if len(place.parts) > 1)
    in_home = in_home or any(found and found[0].name == HOME for found in homes.values())
    places: dict[PurePosixPath, PurePosixPath] = {}
    for unit, paths in units.items():
        found = homes[unit]
        if len(found) > 1:
            student = hand_ins[paths[0]].student
            others = ", ".join(map(str, found[1:]))
            told.append(f"{student} has modules in {found[0]}, which count, and in {others}")
        top = _top([files[path] for path in paths], found, known)
        for path in paths:
            file = files[path]
            place = file.relative_to(top) if file.is_relative_to(top) else file
            if in_home and file.suffix == ".py" and found and file.parent == found[0]:
                place = PurePosixPath(HOME, file.name)
            places[path] = place
    asked = {place.name: place for place in released if place.suffix == ".ipynb"}
    there = set(places.values())
    for path, place in places.items():
        if asked.get(place.name, place) not in there:
            places[path] = asked[place.name]
    return places


def _named(
    hand_ins: Mapping[PurePosixPath, HandIn], known: set[str]
) -> dict[PurePosixPath, PurePosixPath]:
    """The files' names without decorations, where they were asked for without, or are modules."""
    taken = {hand_in.file.name for hand_in in hand_ins.values()}
    found = {}
    for path, hand_in in hand_ins.items():
        file = hand_in.file
        numbered = hand_in.convention == "Canvas" and path == hand_in.top and hand_in.attempt
        for name in lms.plain_names(file.name) if file.name not in known else ():
            # Canvas numbers what is handed in again: there the plain name is the older file.
            again = numbered and name == f"{file.stem.rpartition('-')[0]}{file.suffix}"
            is_module = file.suffix == ".py" and not file.stem.isidentifier()
            fits = name in known or (is_module and PurePosixPath(name).stem.isidentifier())
            if fits and (again or name not in taken):
                file = file.with_name(name)
                break
        found[path] = file
    return found


def _homes(files: list[PurePosixPath], topics: set[str]) -> list[PurePosixPath]:
    """The folders with modules that were asked for; the one that counts first."""
    folders = {file.parent for file in files if file.name in topics}
    folders = folders or {
        file.parent for file in files if file.parent.name == HOME and file.suffix == ".py"
    }
    return sorted(folders, key=lambda folder: (folder.name != HOME, len(folder.parts), folder))


def _top(files: list[PurePosixPath], homes: list[PurePosixPath], known: set[str]) -> PurePosixPath:
    """The folder that is the hand-in, of all that may be around it."""
    if homes:
        return homes[0].parent if homes[0].name == HOME else homes[0]
    notebooks = [file.parent for file in files if file.name in known]
    if notebooks:
        return min(notebooks, key=lambda folder: (len(folder.parts), folder))
    return PurePosixPath(os.path.commonpath([file.parent for file in files]))
