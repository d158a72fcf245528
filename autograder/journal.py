"""The journal of a graded class: what is done, and under which terms, so that it can be resumed.

It lies in `OUT/.journal`: one line for each submission that is graded, written after all its files.
A line that a kill cut short is no line. What a result depends on is in its key as a hash; of the
secret seed, a hash that is slow to compute and salted, since short texts can be guessed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import secrets
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from autograder import __version__, results
from autograder.report.summary import STUDENT_PAGE
from autograder.submissions import Submission

FOLDER = ".journal"
FILE = "journal.jsonl"
SCHEMA = "autograder/journal/1"


class BadJournal(ValueError):
    """A journal that cannot be gone on with; the message says why."""


class Journal:
    """What is done in one folder of results."""

    def __init__(self, out: Path, resume: bool) -> None:
        self.out = out
        self.folder = out / FOLDER
        self.file = self.folder / FILE
        self._salt = secrets.token_hex(16)
        self._done: dict[str, tuple[str, str]] = {}
        lines = _lines(self.file) if resume else []
        if lines:
            if lines[0].get("schema") != SCHEMA:
                raise BadJournal(f"{self.file} is of another version of the kit; grade without it")
            self._salt = str(lines[0]["salt"])
            for line in lines[1:]:
                self._done[str(line["submission"])] = str(line["key"]), str(line["results"])
        self.folder.mkdir(parents=True, exist_ok=True)
        if lines:
            self._stream = self.file.open("a", encoding="utf-8")
            if not self.file.read_bytes().endswith(b"\n"):
                self._stream.write("\n")  # after a line that was cut short
        else:
            self._stream = self.file.open("w", encoding="utf-8")
            self._write({"schema": SCHEMA, "salt": self._salt})

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._stream.close()

    def key(
        self, submission: Submission, terms: dict[str, Any], seed: str, capstone: str = ""
    ) -> str:
        """The hash of all that a result depends on; `capstone` is the hash of its files."""
        # Where it lies is of no matter.
        content = dataclasses.asdict(dataclasses.replace(submission, path=None))
        parts = [content, terms, _slow(seed, self._salt), capstone]
        text = json.dumps(parts, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def is_done(self, name: str, key: str) -> bool:
        """Whether this very submission has its results, whole and unchanged."""
        known, written = self._done.get(name, ("", ""))
        return known == key and written == self._written(name)

    def record(self, name: str, key: str) -> None:
        """All files of a submission are written."""
        self._write({"submission": name, "key": key, "results": self._written(name)})

    def _written(self, name: str) -> str:
        digest = hashlib.sha256()
        try:
            for file in (results.FILE, STUDENT_PAGE):
                digest.update(hashlib.sha256((self.out / name / file).read_bytes()).digest())
        except OSError:
            return "nothing"
        return digest.hexdigest()

    def _write(self, entry: dict[str, str]) -> None:
        self._stream.write(json.dumps(entry) + "\n")
        self._stream.flush()


def _lines(file: Path) -> list[dict[str, Any]]:
    """The whole lines of a journal; none where there is no journal."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    found = []
    for line in text.split("\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and ("salt" in entry or {"key", "results"} <= entry.keys()):
            found.append(entry)
    return found


@cache
def _slow(seed: str, salt: str) -> str:
    key = hashlib.scrypt(
        seed.encode("utf-8", "surrogatepass"), salt=salt.encode(), n=2**14, r=8, p=1
    )
    return key.hex()


@cache
def kit() -> str:
    """The version of the kit, and the hash of what judges: sources may change within a version."""
    import reference

    ours = Path(__file__).parent
    digest = hashlib.sha256(np.__version__.encode())
    for folder in (ours, Path(reference.__file__).parent):
        for source in sorted(folder.rglob("*")):
            if source.suffix in (".py", ".so", ".pyd"):
                digest.update(source.relative_to(folder).as_posix().encode())
                digest.update(hashlib.sha256(source.read_bytes()).digest())
    return f"{__version__}+{digest.hexdigest()[:16]}"
