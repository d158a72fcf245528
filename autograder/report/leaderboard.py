"""The leaderboard: as a page, as CSV, and in a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from autograder import __version__
from autograder.capstone.leaderboard import RULE, Leaderboard, Row
from autograder.capstone.rubric import percent
from autograder.report import spreadsheet
from autograder.report.capstone import short
from autograder.report.capstone_page import MAX_NAME, MAX_TEXT, PRACTICE, STYLE
from autograder.report.html import environment, styled
from autograder.report.terminal import WIDTH
from autograder.report.text import for_log, points, visible

COLUMNS = (
    "rank",
    "tied",
    "name",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "robustness",
    "few_labels",
    "loss",
    "parameters",
    "bytes",
    "points",
    "max_points",
    "exam",
    "note",
)
NAME = 20
SHOWN_BELOW = 0.1
VOID = "the accuracy does not count: train_head, given other labels, does not learn them"


def document(board: Leaderboard) -> str:
    """The text of leaderboard.csv: ranks first, then who has none, with the reason."""
    exam = "practice" if board.practice else "secret"
    rows = [_values(one.rank, one.tied, one.row, exam, "") for one in board.ranked]
    rows += [_values(None, None, row, exam, VOID) for row in board.void]
    empty = (None,) * (len(COLUMNS) - 5)
    rows += [(None, None, visible(n), *empty, exam, visible(why)) for n, why in board.without]
    return spreadsheet.table(COLUMNS, rows)


def _values(
    rank: int | None, tied: bool | None, row: Row, exam: str, note: str
) -> tuple[object, ...]:
    figures = row.figures
    loss = figures.loss if figures.loss == figures.loss else None
    return (
        rank,
        tied,
        visible(row.name),
        figures.accuracy,
        *figures.interval,
        figures.robustness,
        figures.few,
        loss,
        figures.parameters,
        figures.size,
        row.points,
        row.max_points,
        exam,
        note,
    )


def show(console: Console, board: Leaderboard) -> None:
    """A line each."""
    if board.practice:
        for line in textwrap.wrap(PRACTICE, WIDTH):
            console.print(Text(line, "yellow"))
        console.print()
    head = f"{'rank':>4}  {'name':<{NAME}}{'accuracy':>8}  {'95 % interval':<15}"
    console.print(Text(f"{head}{'robust':>7}{'few':>8}{'params':>9}{'kB':>5}", "bold"))
    for one in board.ranked:
        rank = f"{one.rank}{'=' if one.tied else ' '}"
        console.print(Text(_line(f"{rank:>5}", one.row)))
    for title, rows in (("Accuracy does not count", board.void),):
        if rows:
            console.print(Text(f"\n{title}", "bold"))
        for row in rows:
            console.print(Text(_line(" " * 5, row), "dim"))
    if board.without:
        console.print(Text("\nNothing was measured", "bold"))
    for name, why in board.without:
        start = f"      {short(name, NAME - 1):<{NAME}} "
        rest = textwrap.shorten(for_log(why), WIDTH - len(start), placeholder=" …")
        console.print(Text(start + rest, "dim"))
    console.print()
    for line in textwrap.wrap(RULE, WIDTH):
        console.print(Text(line, "dim"))


def _line(rank: str, row: Row) -> str:
    figures = row.figures
    low, high = figures.interval
    interval = f"{100 * low:.1f} to {100 * high:.1f}"
    few = "–" if figures.few is None else percent(figures.few)
    return (
        f"{rank} {short(row.name, NAME - 1):<{NAME}}{percent(figures.accuracy):>8}  {interval:<15}"
        f"{percent(figures.robustness):>7}{few:>8}{figures.parameters:>9,}"
        f"{figures.size / 1000:>5,.0f}"
    )


@dataclass(frozen=True)
class Shown:
    """A row as the page has it; x values are per cent of the drawing's width."""

    rank: int
    label: str
    name: str
    accuracy: str
    interval: str
    low: float
    middle: float
    high: float
    robustness: str
    few: str
    few_value: float
    parameters: str
    size: str
    points: str
    row: Row


def page(board: Leaderboard) -> str:
    """The page; the same results give the same bytes."""
    rows = [one.row for one in board.ranked]
    start = _start([row.figures.interval[0] for row in (*rows, *board.void)])
    shown = [_shown(one.rank, one.tied, one.row, start) for one in board.ranked]
    return (
        environment()
        .get_template("leaderboard.html")
        .render(
            **styled(STYLE),
            kit=__version__,
            rule=RULE,
            practice=PRACTICE if board.practice else "",
            digits=f"{rows[0].figures.digits:,}" if rows else "",
            rows=shown,
            void=[_shown(0, False, row, start) for row in board.void],
            void_says=VOID,
            without=[(_cut(name, MAX_NAME), _cut(why, MAX_TEXT)) for name, why in board.without],
            start=percent(start),
        )
    )


def _start(lows: list[float]) -> float:
    """Where the drawn intervals begin: one that lies far below the best is left out."""
    if not lows:
        return 0.0
    least = max(min(lows), max(lows) - SHOWN_BELOW)
    return max(0.0, int(least * 100 - 0.5) / 100)


def _cut(text: str, limit: int) -> str:
    return visible(text[:limit]) + (" …" if len(text) > limit else "")


def _shown(rank: int, tied: bool, row: Row, start: float) -> Shown:
    figures = row.figures
    low, high = figures.interval
    room = max(1.0 - start, 1e-9)

    def place(share: float) -> float:
        return round(100 * (share - start) / room, 2)

    return Shown(
        rank,
        f"{rank}{'=' if tied else ''}" if rank else "–",
        _cut(row.name, MAX_NAME),
        percent(figures.accuracy),
        f"{100 * low:.1f} to {100 * high:.1f}",
        place(low),
        place(figures.accuracy),
        place(high),
        percent(figures.robustness),
        "–" if figures.few is None else percent(figures.few),
        -1.0 if figures.few is None else figures.few,
        f"{figures.parameters:,}",
        f"{figures.size / 1000:,.0f} kB",
        points(row.points),
        row,
    )
