"""Unpacks zip files of a download as hostile bytes: what they hold, and how much, is anybody's."""

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
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from autograder import lms
from autograder.isolation.limits import DEFAULT, MIB, Limits
from autograder.submissions import PACKED

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


@dataclass
class Unpacking:
    """Unpacks one archive after the other; `told` has a sentence for all that was left out."""

    limits: Limits = DEFAULT
    told: list[str] = field(default_factory=list)
    # Zips in a zip of all hand-ins stay as they are: who grades reads them one by one.
    nested: bool = True

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

    def class_archive(
        self, file: Path, folder: Path, is_class: Callable[[Collection[PurePosixPath]], bool]
    ) -> bool:
        """Unpack a zip file into a new folder if it holds a whole class; whether it does."""
        with _open(file) as stream:
            if os.fstat(stream.fileno()).st_size > CLASS_BYTES:
                raise BadArchive(f"it is larger than {CLASS_BYTES // MIB} MiB")
            archive, members = self._members(stream, file.name)
            if not is_class(members):
                return False
            self._unpack(
                archive, members, folder, Budget(CLASS_BYTES, CLASS_FILES), file.name, level=1
            )
        return True

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
            elif text.endswith("/") or not (is_wanted(place) or is_other(place)):
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
            target = folder / unified(place)
            own = self._hand_in(budget) if holds_class and is_zip(place) else budget
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if is_zip(place) and self.nested:
                    self._nested(archive, member, target, own, f"{name}/{place}", level + 1)
                elif is_other(place):
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
        if is_zip(place):
            return self.limits.archive_bytes
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


def is_zip(place: PurePosixPath) -> bool:
    return place.suffix.lower() == lms.ARCHIVE


def unified(place: PurePosixPath) -> PurePosixPath:
    """Suffixes as everybody else writes them."""
    return place.with_suffix(lms.ARCHIVE) if is_zip(place) else place


def is_wanted(place: PurePosixPath) -> bool:
    """Whether a file is graded, holds files that are, or says whose they are."""
    known = place.suffix in lms.CODE or place.name in SIDE_BYTES or is_zip(place)
    return known and not lms.is_junk(place)


def is_other(place: PurePosixPath) -> bool:
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
        if is_zip(PurePosixPath(target.name)):
            target.touch()


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name[:80]) for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def ordinary(folder: Path, told: list[str]) -> Iterator[Path]:
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
