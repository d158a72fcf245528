"""`nbgrader zip_collect`: what platforms' downloads hold becomes `submitted/STUDENT/ASSIGNMENT`.

The extractor unpacks zip files (`autograder.unpacking`). The collector reads the names
(`autograder.lms`) and puts modules and notebooks where they are looked for.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from traitlets import TraitError, Unicode, validate

from autograder import catalog, course, lms
from autograder.lms import HandIn
from autograder.submissions import HOME
from autograder.unpacking import (
    SIDE_BYTES,
    Unpacking,
    is_other,
    is_wanted,
    is_zip,
    ordinary,
    unified,
)


class Extractor(ExtractorPlugin):  # type: ignore[misc]
    """Unpacks zip files, each into a folder of its name, and copies what else is graded.

    Only modules, notebooks, archives in archives, and what platforms say of hand-ins is taken.
    """

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack all that lies in one folder into another, which nbgrader has emptied."""
        unpacking = Unpacking(course.find(Path(self.parent.coursedir.root)).limits)
        for file in ordinary(Path(archive_path), unpacking.told):
            place = PurePosixPath(file.relative_to(archive_path).as_posix())
            target = Path(extracted_path, unified(place))
            if is_zip(place):
                unpacking.archive(file, target)
            elif is_wanted(place) or is_other(place):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target, follow_symlinks=False)
                if not is_wanted(place):
                    unpacking.told.append(
                        f"{place} is copied as it is: only zip files are unpacked; pack it as one"
                    )
        for sentence in unpacking.told:
            self.log.warning("%s", sentence)


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
    for file in ordinary(folder, told):
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
