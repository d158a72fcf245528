"""What an audit found: as JSON, in a terminal of 80 columns, and as a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from autograder import __version__
from autograder.audit.audit import Audit, Row, Trial
from autograder.report.html import environment

SCHEMA = "autograder/audit/1"
WIDTH = 80
# What might tell a solution of each sort from a right one.
HINTS = {
    "mutant": "a kind of cases on which the two lines differ, or a note in audit/equivalent.toml",
    "fault": "a law about what the code does besides its values, on the right kinds of cases",
    "misconception": "a kind of cases that reveals the idea",
    "golden": "a kind of cases that reveals the mistake",
}


def document(audit: Audit, least: float) -> dict[str, Any]:
    """The audit in JSON.

    `summary.killed` is the share of all wrong solutions that lose points, `summary.mutants` the
    number of mutants among them, `summary.false_failures` the number of right solutions, counted
    for each seed and exercise, that lose any, and `summary.named` the share of the solutions with
    a misconception that get its name and no other.
    """
    return {
        "schema": SCHEMA,
        "kit": __version__,
        "summary": _summary(audit, least),
        "rows": [asdict(row) for row in audit.rows],
        "survivors": [_trial(trial) for trial in audit.survivors],
        "wrongly_named": [_trial(trial) for trial in audit.wrongly_named],
        "false_failures": [_trial(trial) for trial in audit.false_failures],
        "stale_notes": audit.stale,
        "equivalent": [
            {"mutant": trial.says, "reason": audit.reason(trial)} for trial in audit.equivalent
        ],
        "mistakes": [_trial(trial) for trial in audit.mistakes],
    }


def _summary(audit: Audit, least: float) -> dict[str, Any]:
    total = _total(audit.rows)
    return {
        "passed": audit.passed(least),
        "killed": audit.killed,
        "wrong": len(audit.wrong),
        "mutants": total.mutants[1],
        "mutants_killed": total.mutants[0],
        "equivalent": total.equivalent,
        "faults": total.faults[1],
        "faults_killed": total.faults[0],
        "named": audit.named,
        "right": sum(trial.sort == "right" for trial in audit.trials),
        "false_failures": total.false_failures,
        "seeds": audit.seeds,
        "cpu_seconds": round(total.seconds, 1),
        "wall_seconds": round(audit.wall_seconds, 1),
    }


def _trial(trial: Trial) -> dict[str, Any]:
    entry = {key: value for key, value in asdict(trial).items() if value}
    return {**entry, "named": list(trial.named), "expected": list(trial.expected)}


def _total(rows: Iterable[Row]) -> Row:
    def summed(name: str) -> tuple[int, int]:
        pairs = [getattr(row, name) for row in rows]
        return sum(a for a, _ in pairs), sum(b for _, b in pairs)

    rows = list(rows)
    return Row(
        "all",
        summed("mutants"),
        sum(row.equivalent for row in rows),
        summed("named"),
        summed("faults"),
        sum(row.false_failures for row in rows),
        sum(row.seconds for row in rows),
    )


# --- the terminal


def show(console: Console, audit: Audit, least: float, mistakes: bool) -> None:
    """A row an exercise, then everything that is not as it should be."""
    heads = f"{'mutants':>12}{'ideas named':>13}{'faults':>9}{'right lost':>12}{'seconds':>9}"
    console.print(Text(f"{'exercise':<24}{heads}", "bold"))
    for row in audit.rows:
        console.print(_line(row))
    console.print(_line(_total(audit.rows)))
    for title, paragraphs in _troubles(audit):
        console.print(Text(f"\n{title}", "bold"))
        for paragraph in paragraphs:
            console.print()
            for line in paragraph:
                console.print(Text(line))
    if mistakes:
        _show_mistakes(console, audit)
    console.print()
    for line in textwrap.wrap(_verdict(audit, least), WIDTH):
        console.print(Text(line, "green" if audit.passed(least) else "red"))


def _line(row: Row) -> Text:
    def share(pair: tuple[int, int]) -> str:
        return f"{pair[0]}/{pair[1]}"

    figures = (
        f"{share(row.mutants):>12}{share(row.named):>13}{share(row.faults):>9}"
        f"{row.false_failures:>12}{row.seconds:>9.1f}"
    )
    whole = all(a == b for a, b in (row.mutants, row.named, row.faults))
    return Text(f"{row.exercise:<24}{figures}", "" if whole and not row.false_failures else "red")


def _verdict(audit: Audit, least: float) -> str:
    equivalent = f" ({len(audit.equivalent)} more are noted as equivalent)"
    return (
        f"{audit.killed:.2%} of {len(audit.wrong)} wrong solutions lose points"
        f"{equivalent if audit.equivalent else ''}; {least:.2%} must. "
        f"{audit.named:.2%} of those with a misconception get its name. "
        f"{len(audit.false_failures)} right ones lose points on {audit.seeds} seeds."
    )


def _troubles(audit: Audit) -> Iterator[tuple[str, list[list[str]]]]:
    """Titles, and paragraphs of lines."""
    if audit.survivors:
        yield "Survivors: wrong, and full marks", [_survivor(trial) for trial in audit.survivors]
    if audit.wrongly_named:
        yield "Wrongly named", [_wrongly_named(trial) for trial in audit.wrongly_named]
    if audit.false_failures:
        lost = [
            [f"  {trial.submission} on the seed {trial.says!r}: {trial.shown_by}"]
            for trial in audit.false_failures
        ]
        yield "Right, and points lost", lost
    if audit.stale:
        yield (
            "Notes in audit/equivalent.toml that are wrong",
            [list(_wrapped(note)) for note in audit.stale],
        )


def _survivor(trial: Trial) -> list[str]:
    what = trial.says.partition(":")[0] if trial.sort == "mutant" else trial.says
    lines = [f"  {trial.exercise}: {trial.sort} {trial.submission or what}"]
    lines += [piece for line in trial.diff.splitlines() for piece in _wrapped(line, "      ")]
    return [*lines, *_wrapped(f"what could tell: {HINTS[trial.sort]}", "    ")]


def _wrongly_named(trial: Trial) -> list[str]:
    named, expected = (", ".join(names) or "nothing" for names in (trial.named, trial.expected))
    what = trial.submission or trial.says
    return list(_wrapped(f"{trial.exercise}: {what} is named {named}; it should be {expected}"))


def _wrapped(text: str, margin: str = "  ") -> Iterator[str]:
    pieces = textwrap.wrap(text, WIDTH - len(margin) - 2, subsequent_indent="  ")
    return (margin + piece for piece in pieces)


def _show_mistakes(console: Console, audit: Audit) -> None:
    console.print(Text("\nCommon mistakes, and what reveals them", "bold"))
    for mistake in _mistakes(audit):
        console.print()
        for line in _wrapped(mistake.mistake):
            console.print(Text(line))
        for line in _wrapped(f"{mistake.function}: {mistake.name or 'no name'}", "    "):
            console.print(Text(line))
        for line in _wrapped(f"kinds: {mistake.kinds or 'none'}", "    "):
            console.print(Text(line, "dim"))


@dataclass(frozen=True)
class Mistake:
    """A line of the list of common mistakes, and what it is told by in one function."""

    mistake: str
    function: str
    name: str
    kinds: str


def _mistakes(audit: Audit) -> list[Mistake]:
    return [
        Mistake(t.says, t.exercise, ", ".join(t.named), ", ".join(t.kinds)) for t in audit.mistakes
    ]


# --- the page


def page(audit: Audit, least: float) -> str:
    """The whole audit as a page of its own."""
    return (
        environment()
        .get_template("audit.html")
        .render(
            title="Audit of the grader",
            kit=__version__,
            passed=audit.passed(least),
            verdict=_verdict(audit, least),
            rows=audit.rows,
            total=_total(audit.rows),
            minutes=f"{audit.wall_seconds / 60:.1f}",
            seeds=audit.seeds,
            survivors=audit.survivors,
            hints=HINTS,
            named=[" ".join("".join(_wrongly_named(t)).split()) for t in audit.wrongly_named],
            failures=audit.false_failures,
            stale=audit.stale,
            mistakes=_mistakes(audit),
            equivalent=[(trial.says, audit.reason(trial)) for trial in audit.equivalent],
        )
    )
