"""Who reads digits best, from the results of a class; where that cannot be told, it is a tie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.capstone.classroom import RESULTS
from autograder.capstone.exam import PRACTICE
from autograder.capstone.figures import Figures
from autograder.capstone.results import read
from autograder.results import BadResults

RULE = (
    "Sorted by accuracy. The best one, and whoever's 95 % interval (Wilson) overlaps the best "
    "one's, share the first rank: the exam cannot tell them apart. The next rank begins with the "
    "first one below, and so on."
)


@dataclass(frozen=True)
class Row:
    """One result with its numbers."""

    name: str
    points: float
    max_points: float
    figures: Figures


@dataclass(frozen=True)
class Ranked:
    """A row at its rank; `tied`, if others share it."""

    rank: int
    tied: bool
    row: Row


@dataclass(frozen=True)
class Leaderboard:
    """
    ranked    who has a rank, the best first
    void      whose accuracy does not count
    without   names of which nothing was measured, and why
    practice  the exam was the practice exam
    """

    ranked: tuple[Ranked, ...]
    void: tuple[Row, ...]
    without: tuple[tuple[str, str], ...]
    practice: bool


def load(folder: Path) -> list[dict[str, Any]]:
    """The results in a folder that `capstone grade` wrote, by name; or BadResults."""
    if not folder.is_dir():
        raise BadResults(f"there is no folder {folder}; make it with autograder capstone grade")
    files = sorted(folder.glob(f"*/{RESULTS}"))
    if not files:
        raise BadResults(
            f"{folder} holds no results; write them with autograder capstone grade --out {folder}"
        )
    return [read(file) for file in files]


def leaderboard(documents: Sequence[dict[str, Any]]) -> Leaderboard:
    """Ranks; BadResults where numbers come from exams that differ."""
    rows: list[Row] = []
    without: list[tuple[str, str]] = []
    for document in documents:
        name = str(document["submission"])
        if document.get("measured") is None:
            without.append((name, _reason(document)))
            continue
        figures = Figures.from_json(document["measured"])
        rows.append(Row(name, float(document["score"]), float(document["max_score"]), figures))
    exams: dict[str, str] = {}
    for row in rows:
        exams.setdefault(row.figures.exam, row.name)
    if len(exams) > 1:
        one, other, *_ = exams.values()
        raise BadResults(
            f"{one} and {other} had different exams, which cannot be compared; grade all with the "
            "same --secret"
        )
    counting = [row for row in rows if not row.figures.void]
    return Leaderboard(
        tuple(_ranked(counting)),
        tuple(row for row in rows if row.figures.void),
        tuple(without),
        any(document["seed"] == PRACTICE for document in documents),
    )


def _ranked(rows: Sequence[Row]) -> list[Ranked]:
    """The first row of a rank is its best; a row whose interval lies below begins the next."""
    ranks: list[int] = []
    ordered = sorted(rows, key=lambda row: (-row.figures.accuracy, row.name))
    for place, row in enumerate(ordered, 1):
        best = ordered[ranks[-1] - 1] if ranks else None
        overlaps = best is not None and row.figures.interval[1] >= best.figures.interval[0]
        ranks.append(ranks[-1] if overlaps else place)
    return [
        Ranked(rank, ranks.count(rank) > 1, row) for rank, row in zip(ranks, ordered, strict=True)
    ]


def _reason(document: dict[str, Any]) -> str:
    laws = document["exercises"][0]["laws"]
    told = [law for law in laws if law["status"] != "not_run"]
    if told and told[0]["name"] == "valid" and told[0]["status"] in ("fail", "grader_fault"):
        return str(told[0].get("message", "")) or "nothing was measured"
    return "an older result, without numbers; grade again"
