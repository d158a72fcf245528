"""How learning platforms name what students handed in.

Everything is told by names alone, of a whole download at once: which level of it holds the
students follows from all names on that level. What lies inside a hand-in was named by a student,
and never tells whose it is.

| convention | what names the student |
|---|---|
| Gradescope | `submission_123/`, with `submission_metadata.yml` beside it |
| nbgrader | `submitted/STUDENT/ASSIGNMENT/` |
| Moodle | `First Last_123_assignsubmission_file/`; also before each file, and with `_` at its end |
| Blackboard | `Assignment_USER_attempt_2026-11-20-10-00-00_file` |
| Canvas | `lastfirst_USER_FILE_file`; `_LATE` after the name; `-2` at the end: handed in again |
| GitHub Classroom | `assignment-USER/`, often in a folder `assignment-submissions/` |
| plain | `STUDENT.zip`, `STUDENT.ipynb`, `STUDENT.py`, `STUDENT/` |

Where several fit, the one that is higher in the table is taken; plain is left for a download
in which nothing else fits. A Moodle number differs from assignment to assignment, so students are
called by their name there. An unpacked archive is a folder that keeps the archive's name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Literal

Convention = Literal[
    "Gradescope", "nbgrader", "Moodle", "Blackboard", "Canvas", "GitHub Classroom", "plain"
]
CODE = (".py", ".ipynb", ".keras")  # and the capstone's model
ARCHIVE = ".zip"
OTHER_ARCHIVES = (".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zst")
# Files of the platforms, not of students, that say more than names do.
METADATA = "submission_metadata.yml"
TIMESTAMP = "timestamp.txt"
SUBMITTED = "submitted"
# A folder of a hand-in, where a student's folder would hold nothing but hand-ins.
HOME = "exercises"
LONGEST = 100
# A download is wrapped in a folder or two; a hand-in may be wrapped in any number.
DEEPEST = 3
# Gradescope's metadata: submissions, submitters, their names; results of tests go deeper.
DEEPEST_YAML = 50

MOODLE = re.compile(r"(?P<whole>(?P<name>.+?)(?:_\d+)?)_assignsubmission_[a-z]+(?:_(?P<file>.*))?")
# The word between the underscores is in the platform's language.
BLACKBOARD = re.compile(
    r"(?P<whole>(?:(?P<assignment>.+?)_)?(?P<user>[^_]+))_[^\W\d_]+_"
    r"(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.+))?"
)
CANVAS = re.compile(
    r"(?P<who>(?P<name>\w+?)_(?:LATE_)?(?P<user>\d+)|(?:LATE_)?(?P<anonymous>anon_[^\W_]+))"
    r"_\d+_(?P<file>.+)"
)
GRADESCOPE = re.compile(r"submission_\w+")
# What browsers, desktops, Drive and Jupyter put around a name that is taken.
DECORATIONS = (
    re.compile(r"(?i)copy of (?P<kept>.+)"),
    re.compile(r"(?i)(?P<kept>.+?)[ _-]+copy ?\d*"),
    re.compile(r"(?P<kept>.+?)[ _-]*\(\d+\)"),
    re.compile(r"(?P<kept>.+?)[ _-]\d+"),
)
NUMBER = re.compile(r".+-(\d{1,4})")


class BadName(ValueError):
    """A name that no student can have; the message is one sentence that says why."""


@dataclass(frozen=True)
class HandIn:
    """What a file's name tells.

    student     id, fit to name a folder
    file        its path inside the hand-in, as the student named it
    top         the part of the download that stands for this hand-in
    when        when it was handed in, in UTC, where the platform tells
    late        whether the platform calls it late, where it tells
    attempt     how often it had been handed in before, where the name tells
    name        the student, as the platform writes the name
    assignment  as the platform writes it, where it does
    group       ids of students who handed this in together with this one
    """

    student: str
    file: PurePosixPath
    convention: Convention
    top: PurePosixPath
    when: datetime | None = None
    late: bool | None = None
    attempt: int = 0
    name: str = ""
    assignment: str = ""
    group: tuple[str, ...] = ()


@dataclass(frozen=True)
class Download:
    """Hand-ins by path, and a sentence for everything that an instructor should know."""

    files: Mapping[PurePosixPath, HandIn]
    told: tuple[str, ...] = ()


def read_names(
    paths: Iterable[PurePosixPath],
    assignment: str = "",
    texts: Mapping[PurePosixPath, str] | None = None,
    zone: tzinfo = UTC,
) -> Download:
    """Who handed in what, of all the paths in a download, relative to it.

    Files that are neither code nor archives are passed over. Without the assignment's name, GitHub
    Classroom's folders are known only in a folder `...-submissions`. `texts` holds the content of
    files called `submission_metadata.yml` and `timestamp.txt`. Blackboard writes the time of the
    institution's clock without its zone, which `zone` has to tell; an hour that comes twice when
    summer time ends is taken for the earlier one. All other platforms tell their zone, or no time.
    """
    return _Reader(assignment, texts or {}, zone).read(paths)


def is_class(paths: Iterable[PurePosixPath]) -> bool:
    """Whether an archive with these paths holds a whole class rather than one hand-in."""
    reader = _Reader("", {}, UTC)
    paths = list(paths)
    reader.texts = {path: "" for path in paths if path.name == METADATA}
    return reader.holds_class(_wanted(paths), PurePosixPath(), alone=True)


def is_junk(path: PurePosixPath) -> bool:
    """Hidden files, and what operating systems, Jupyter and Python leave behind."""
    return any(part.startswith(".") or part in ("__MACOSX", "__pycache__") for part in path.parts)


def student_id(text: str) -> str:
    """A name made fit for a folder, on any file system; a BadName where nothing is left of it."""
    kept = unicodedata.normalize("NFC", text)
    kept = "".join("_" if _is_unfit(character) else character for character in kept)
    kept = re.sub(r"^[\s.]+|[\s.]+$", "", kept)
    if not kept.strip("_ "):
        raise BadName(f"{text[:LONGEST]!r} cannot be a student's id")
    # Many file systems have names of 255 bytes; a character has up to four.
    if len(kept) > LONGEST or len(kept.encode()) > 2 * LONGEST:
        digest = _digest(kept)
        kept = kept[: LONGEST - len(digest) - 1]
        while len(kept.encode()) > 2 * LONGEST - len(digest) - 1:
            kept = kept[:-1]
        kept = f"{kept}-{digest}"
    return kept


def _is_unfit(character: str) -> bool:
    return character in '/\\:*?"<>|' or unicodedata.category(character)[0] == "C"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def plain_names(name: str) -> list[str]:
    """What a file may have been called before something numbered it; the likeliest first.

    `Copy of hw3-1 (2).ipynb` may have been `Copy of hw3-1.ipynb`, `hw3-1 (2).ipynb`, ...,
    `hw3.ipynb`; what it was is for the names to say that were asked for.
    """
    suffix = PurePosixPath(name).suffix
    found = [name.removesuffix(suffix)]
    for stem in found:
        for pattern in DECORATIONS:
            match = pattern.fullmatch(stem)
            if match and match["kept"] not in found:
                found.append(match["kept"])
    return [stem + suffix for stem in found[1:]]


# --- what one name tells


@dataclass(frozen=True)
class _Who:
    """Whom a name on the students' level stands for.

    key     what tells students apart; ids alone may coincide
    wanted  the id, before it is made fit
    longer  what to call the student where others want the same id
    rest    the file, where the name holds it
    """

    convention: Convention
    key: str
    wanted: str
    longer: str
    rest: str | None = None
    when: datetime | None = None
    late: bool | None = None
    attempt: int = 0
    name: str = ""
    assignment: str = ""
    group: tuple[str, ...] = ()
    # Where the hand-in begins, below the name's own place.
    below: tuple[str, ...] = ()


def _moodle(name: str) -> _Who | None:
    match = MOODLE.fullmatch(name) or MOODLE.fullmatch(name.removesuffix(ARCHIVE))
    if not match:
        return None
    student, whole = match["name"], match["whole"]
    return _Who("Moodle", whole, student, whole, match["file"], name=student)


def _blackboard(name: str, zone: tzinfo) -> _Who | None:
    match = BLACKBOARD.fullmatch(name)
    if not match:
        return None
    try:
        when = datetime.strptime(match["time"], "%Y-%m-%d-%H-%M-%S").replace(tzinfo=zone)
        when = when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return _Who(
        "Blackboard",
        match["whole"],
        match["user"],
        match["whole"],
        match["file"],
        when,
        name=match["user"],
        assignment=match["assignment"] or "",
    )


def _canvas(name: str) -> _Who | None:
    match = CANVAS.fullmatch(name)
    # Canvas writes a student's name in small letters.
    if not match or (match["name"] or "") != (match["name"] or "").lower():
        return None
    user = match["user"] or match["anonymous"]
    number = NUMBER.fullmatch(PurePosixPath(match["file"]).stem)
    return _Who(
        "Canvas",
        user,
        user,
        user,
        match["file"],
        late="LATE" in match["who"].split("_"),
        attempt=int(number[1]) if number else 0,
        name=match["name"] or "",
    )


def _classroom(name: str, slug: str) -> _Who | None:
    stem = name.removesuffix(ARCHIVE)
    user = stem[len(slug) + 1 :]
    if not slug or not user or not stem.lower().startswith(slug + "-"):
        return None
    return _Who("GitHub Classroom", user, user, stem, name=user, assignment=slug)


def _plain(name: str, is_file: bool) -> _Who:
    stem = PurePosixPath(name).stem if is_file or name.endswith(ARCHIVE) else name
    stem = stem.removesuffix(".tar")
    return _Who("plain", stem, stem, stem)


def _slug(text: str) -> str:
    """As GitHub writes an assignment's title in repositories' names."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def is_other_archive(path: PurePosixPath) -> bool:
    """Archives that are not read, but that somebody handed in."""
    return path.suffix.lower() in OTHER_ARCHIVES


def _wanted(paths: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    return sorted(
        path
        for path in paths
        if (path.suffix in (*CODE, ARCHIVE) or is_other_archive(path)) and not is_junk(path)
    )


def _below(
    paths: Iterable[PurePosixPath], place: PurePosixPath
) -> dict[PurePosixPath, list[PurePosixPath]]:
    """Paths by what lies directly in a place."""
    found: dict[PurePosixPath, list[PurePosixPath]] = {}
    depth = len(place.parts)
    for path in paths:
        if len(path.parts) > depth:  # a list of names may hold `a` and `a/b`
            found.setdefault(place / path.parts[depth], []).append(path)
    return found


def _is_file(entry: PurePosixPath, paths: list[PurePosixPath]) -> bool:
    return paths == [entry]


class _Reader:
    def __init__(self, assignment: str, texts: Mapping[PurePosixPath, str], zone: tzinfo) -> None:
        self.assignment = assignment
        self.texts = texts
        self.zone = zone
        self.told: list[str] = []

    def read(self, paths: Iterable[PurePosixPath]) -> Download:
        found = list(self._students(_wanted(paths), PurePosixPath(), outermost=True))
        ids = self._ids({who for _, who, _ in found})
        files: dict[PurePosixPath, HandIn] = {}
        for top, who, inside in found:
            student = ids.get((who.convention, who.key))
            if student is None:
                continue
            for path in inside:
                file = path.relative_to(top)
                if path == top:
                    file = PurePosixPath(who.rest or path.name)
                if is_junk(file):
                    continue
                files[path] = HandIn(
                    student,
                    file,
                    who.convention,
                    top,
                    who.when,
                    who.late,
                    who.attempt,
                    who.name,
                    who.assignment,
                    who.group,
                )
        return Download(files, tuple(dict.fromkeys(self.told)))

    # --- which level holds the students

    def _students(
        self, paths: list[PurePosixPath], place: PurePosixPath, outermost: bool
    ) -> Iterator[tuple[PurePosixPath, _Who, list[PurePosixPath]]]:
        """The hand-ins at a place or below it, and what each holds."""
        entries = _below(paths, place)
        known = self._known(entries, place, outermost)
        if known:
            for entry, inside in entries.items():
                if entry not in known:
                    self.told.append(f"{entry} is left out: it is not named as the others are")
                whos = known.get(entry) or []
                held: dict[PurePosixPath, list[PurePosixPath]] = {}
                depth = len(entry.parts) + max((len(who.below) for who in whos), default=0)
                for path in inside:
                    held.setdefault(PurePosixPath(*path.parts[:depth]), []).append(path)
                for who in whos:
                    top = entry.joinpath(*who.below)
                    yield top, who, held[top]
            return
        alone = len(entries) == 1
        deeper = len(place.parts) < DEEPEST and all(
            not _is_file(entry, inside) and self.holds_class(inside, entry, alone)
            for entry, inside in entries.items()
        )
        for entry, inside in entries.items():
            if deeper:
                yield from self._students(inside, entry, outermost and alone)
            else:
                yield entry, _plain(entry.name, _is_file(entry, inside)), inside

    def holds_class(self, paths: list[PurePosixPath], place: PurePosixPath, alone: bool) -> bool:
        """Whether a folder holds hand-ins, and is none itself.

        Only of a folder that is alone can this be said where no platform has named what it holds:
        many archives in it, or many folders and none that a hand-in would have.
        """
        entries = _below(paths, place)
        if 2 * len(self._known(entries, place, outermost=False)) >= max(len(entries), 1):
            return True
        if not alone:
            return False
        if len(entries) == 1:
            entry, inside = next(iter(entries.items()))
            if _is_file(entry, inside) or len(place.parts) >= DEEPEST:
                return False
            return self.holds_class(inside, entry, alone)
        return bool(entries) and all(
            entry.suffix == ARCHIVE or (entry.name != HOME and not _is_file(entry, inside))
            for entry, inside in entries.items()
        )

    def _known(
        self,
        entries: Mapping[PurePosixPath, list[PurePosixPath]],
        place: PurePosixPath,
        outermost: bool,
    ) -> dict[PurePosixPath, list[_Who]]:
        """The entries that one platform has named, by the first platform of the table that fits.

        Names such as Moodle's are nobody's invention. `lab_1_2_x.py` could be, and `hw3-final`: of
        Canvas and GitHub Classroom at least half of the names must be.
        """
        if place / METADATA in self.texts:
            return self._gradescope(entries, self.texts[place / METADATA], place)
        if place / SUBMITTED in entries:
            found = self._nbgrader(entries[place / SUBMITTED], place / SUBMITTED)
            if found is not None:
                return {place / SUBMITTED: found}
        named = {entry: _moodle(entry.name) for entry in entries}
        if not any(named.values()):
            named = {entry: _blackboard(entry.name, self.zone) for entry in entries}
        if any(named.values()):
            return {entry: [who] for entry, who in named.items() if who}
        named = {entry: _canvas(entry.name) for entry in entries}
        if 2 * sum(map(bool, named.values())) < len(entries):
            slug = _slug(self.assignment)
            inside = place.name.endswith("-submissions")
            if inside:
                slug = place.name.removesuffix("-submissions").lower()
            named = {
                entry: None
                if _is_file(entry, paths) and entry.suffix != ARCHIVE
                # A student's own folder may well begin with the assignment's name.
                else _classroom(entry.name, slug if inside or outermost else "")
                for entry, paths in entries.items()
            }
        count = sum(map(bool, named.values()))
        if 2 * count < len(entries):
            return {}
        return {entry: [who] for entry, who in named.items() if who}

    def _nbgrader(self, paths: list[PurePosixPath], place: PurePosixPath) -> list[_Who] | None:
        """The hand-ins for the assignment; None where the folder is none of nbgrader's."""
        folders = {
            path.parents[-len(place.parts) - 3]
            for path in paths
            if len(path.parts) > len(place.parts) + 2
        }
        if not folders:
            return None
        return [
            _Who(
                "nbgrader",
                folder.parent.name,
                folder.parent.name,
                folder.parent.name,
                when=_moment(self.texts.get(folder / TIMESTAMP, "")),
                name=folder.parent.name,
                assignment=folder.name,
                below=(folder.parent.name, folder.name),
            )
            for folder in sorted(folders)
            if self.assignment in ("", folder.name)
        ]

    def _gradescope(
        self, entries: Collection[PurePosixPath], text: str, place: PurePosixPath
    ) -> dict[PurePosixPath, list[_Who]]:
        metadata = _yaml(text)
        if isinstance(metadata, str):
            if text:
                self.told.append(f"{place / METADATA} tells nobody's name: {metadata}")
            metadata = {}
        found = {}
        for entry in entries:
            about = metadata.get(entry.name) or metadata.get(entry.stem)
            who = _submitters(about) if isinstance(about, dict) else None
            if who:
                found[entry] = [who]
            elif GRADESCOPE.fullmatch(entry.stem):
                # What has no owner in the metadata is at least nobody else's.
                if text:
                    self.told.append(f"{METADATA} does not say whose {entry} is")
                found[entry] = [_Who("Gradescope", entry.stem, entry.stem, entry.stem)]
        return found

    # --- ids

    def _ids(self, everybody: set[_Who]) -> dict[tuple[Convention, str], str]:
        """One id for each student, none for two."""
        whos = {(who.convention, who.key): who for who in sorted(everybody, key=repr)}
        ids: dict[tuple[Convention, str], str] = {}
        for key, who in whos.items():
            try:
                ids[key] = student_id(who.wanted)
            except BadName as error:
                self.told.append(f"a hand-in is left out: {error}")
        wanted = _alike(ids)
        for keys in wanted.values():
            if len(keys) > 1:
                ids |= {key: student_id(whos[key].longer) for key in keys}
        for keys in _alike(ids).values():
            if len(keys) > 1:
                ids |= {key: f"{ids[key][: LONGEST - 9]}-{_digest(repr(key))}" for key in keys}
        for keys in wanted.values():
            if len(keys) > 1:
                names = sorted(ids[key] for key in keys)
                more = f" and {len(names) - 5} more" if len(names) > 5 else ""
                self.told.append(
                    f"{len(keys)} students would be called {student_id(whos[keys[0]].wanted)}; "
                    f"they are told apart as {', '.join(names[:5])}{more}"
                )
        return ids


def _alike(
    ids: Mapping[tuple[Convention, str], str],
) -> dict[str, list[tuple[Convention, str]]]:
    """Who would have the same folder: some file systems do not tell Ann from ann."""
    found: dict[str, list[tuple[Convention, str]]] = {}
    for key, student in ids.items():
        found.setdefault(student.casefold(), []).append(key)
    return found


# --- what the platforms' own files tell


def _moment(text: str) -> datetime | None:
    """A time as nbgrader writes it: in UTC, unless it says otherwise."""
    text = re.sub(r" (?:UTC|GMT|Z)$", "+00:00", text.strip())
    text = re.sub(r" ([+-]\d{4})$", r"\1", text)
    try:
        return _utc(datetime.fromisoformat(text))
    except ValueError:
        return None


def _utc(when: datetime) -> datetime | None:
    try:
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except OverflowError:
        return None


@lru_cache(maxsize=1)  # a level is looked at more than once
def _yaml(text: str) -> dict[str, Any] | str:
    """A YAML file's table, in which every value is text: an id may begin with zeros. Or why not."""
    try:
        import yaml
    except ImportError:
        return "PyYAML is not installed"
    # Of the tags of Ruby's objects this one makes nothing. The compiled one, which not everybody
    # has, crashes where nesting has no end.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    depth = 0
    try:
        for event in yaml.parse(text, loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST_YAML:
                return "it is nested too deep"
        found = yaml.load(text, loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return "it is no YAML"
    return found if isinstance(found, dict) else "it holds no table"


def _submitters(about: dict[str, Any]) -> _Who | None:
    """Who handed in, of one entry of Gradescope's metadata; the first one of a group."""
    people = about.get(":submitters")
    named = []
    for person in people if isinstance(people, list) else []:
        if not isinstance(person, dict):
            continue
        name = _text(person.get(":name"))
        choices = (_text(person.get(":sid")), _text(person.get(":email")), name)
        wanted = next((choice for choice in choices if choice), "")
        if wanted:
            named.append((wanted, name))
    if not named:
        return None
    history = about.get(":history")
    wanted, name = named[0]
    return _Who(
        "Gradescope",
        wanted,
        wanted,
        wanted,
        when=_moment(_text(about.get(":created_at"))),
        attempt=len(history) if isinstance(history, list) else 0,
        name=name,
        group=tuple(wanted for wanted, _ in named[1:]),
    )


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
