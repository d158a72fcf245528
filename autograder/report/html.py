"""The page of a class: scores, points per function, mistakes, and who has not attempted what.

It is made of summaries, a small one a submission: what was found in each is told on the student's
own page (`student.py`). Both are self-contained: no network, no file beside them, no script needed.

The templates lie in `templates/`; those whose names begin with an underscore are parts. What comes
from student code is cut and passed through `visible` here, and Jinja2 escapes it. A policy in the
page lets the browser run the page's own script and style and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, median
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from autograder import __version__
from autograder.report.summary import Mark, Summary
from autograder.report.terminal import IN_PART, MARKS, WRONG, steps
from autograder.report.text import points, shortened
from autograder.verdict import Counterexample, LawResult
from autograder.working import Step

# What a page can take: text beyond these lengths is cut.
MAX_NAME = 100
MAX_MESSAGE = 500
MAX_PRINTED_LINES = 5
MAX_PRINTED = 400
MAX_MISTAKES = 12
MAX_FAULTS = 10

BINS = 10
# The histogram's drawing: its width and height, and the room for what is written above and below.
CHART_WIDTH, CHART_HEIGHT, CHART_TOP, CHART_BOTTOM = 400, 150, 18, 22


def class_page(summaries: Iterable[Summary]) -> str:
    """The page of a class, by name; the same summaries give the same bytes."""
    everybody = sorted(summaries, key=lambda s: s.name)
    functions = _functions(everybody)
    levels = sorted({s.level for s in everybody})
    mistakes = _mistakes(everybody)
    return (
        environment()
        .get_template("class.html")
        .render(
            title="Graded class",
            kit=__version__,
            seeds=", ".join(shortened(s, MAX_NAME) for s in sorted({s.seed for s in everybody})),
            levels=", ".join(shortened(level, MAX_NAME) for level in levels),
            weak="weak" in levels,
            faults=_faults(everybody),
            max_faults=MAX_FAULTS,
            submissions=_rows(everybody, [function.name for function in functions]),
            scores=_scores(everybody),
            common=mistakes[:MAX_MISTAKES],
            rare=mistakes[MAX_MISTAKES:],
            functions=functions,
        )
    )


@cache
def environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("autograder.report")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (loader.get_source(environment, name)[0] for name in ("page.css", "page.js"))
    environment.globals.update(
        style=Markup(style),
        style_hash=_hash(style),
        script=Markup(script),
        script_hash=_hash(script),
    )
    return environment


def styled(*files: str) -> dict[str, Markup | str]:
    """The style of a page that needs more than page.css, for its template."""
    loader = jinja2.PackageLoader("autograder.report")
    found = [loader.get_source(environment(), name)[0] for name in ("page.css", *files)]
    style = "".join(found)
    return {"style": Markup(style), "style_hash": _hash(style)}


def _hash(source: str) -> str:
    digest = hashlib.sha256(source.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


# --- text


def share(score: float, max_score: float) -> float:
    """Per cent, for the length of a bar."""
    return round(100 * score / max_score, 1) if max_score else 0.0


def count(number: int, noun: str) -> str:
    """1 warning, 2 warnings."""
    return f"{number} {noun}" + "s" * (number != 1)


# --- the class as a whole


@dataclass(frozen=True)
class Bin:
    """A bar of the histogram: submissions from `low` up to `high` per cent."""

    low: int
    high: int
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Scores:
    bins: tuple[Bin, ...]
    summary: str
    width: int = CHART_WIDTH
    height: int = CHART_HEIGHT
    base: int = CHART_HEIGHT - CHART_BOTTOM


def _scores(everybody: Sequence[Summary]) -> Scores:
    return histogram([share(s.score, s.max_score) for s in everybody], _told(everybody))


def histogram(shares: Sequence[float], summary: str) -> Scores:
    """Shares of the points, in per cent, as bars."""
    counts = [0] * BINS
    for one in shares:
        counts[min(int(one * BINS / 100), BINS - 1)] += 1
    step, room = CHART_WIDTH / BINS, CHART_HEIGHT - CHART_TOP - CHART_BOTTOM
    bins = []
    for i, count in enumerate(counts):
        height = round(room * count / max(*counts, 1), 1)
        y = round(CHART_TOP + room - height, 1)
        low, high = i * 100 // BINS, (i + 1) * 100 // BINS
        bins.append(Bin(low, high, count, i * step + 2, y, step - 4, height))
    return Scores(tuple(bins), summary)


def _told(everybody: Sequence[Summary]) -> str:
    """Mean and median, in points where all can reach the same number of them."""
    if not everybody:
        return ""
    highest = {s.max_score for s in everybody}
    if len(highest) == 1:
        numbers, of = [s.score for s in everybody], f" of {points(highest.pop())} points"
    else:
        numbers, of = [share(s.score, s.max_score) for s in everybody], " per cent of the points"
    full = sum(s.passed for s in everybody)
    return (
        f"Mean {points(round(fmean(numbers), 2))}, median {points(round(median(numbers), 2))}{of}. "
        f"{count(full, 'submission')} with every law passed."
    )


def _faults(everybody: Sequence[Summary]) -> list[str]:
    """What the grader itself failed at; a fault that meets every law of an exercise comes once."""
    faults = [f"{s.name}: {fault}" for s in everybody for fault in s.faults]
    return [shortened(fault, MAX_MESSAGE) for fault in faults]


@dataclass(frozen=True)
class Person:
    """A name, and where the student's page tells of what is at hand."""

    name: str
    link: str


@dataclass(frozen=True)
class Row:
    """A submission. `kinds`, `untried` and `failing` are what the filter looks for."""

    name: str
    link: str
    points: float
    score: str
    max_score: str
    share: float
    passed: int
    total: int
    left: int
    warnings: int
    kinds: str
    untried: str
    failing: str


def _rows(everybody: Sequence[Summary], functions: Sequence[str]) -> list[Row]:
    numbers = {name: str(number) for number, name in enumerate(functions)}
    return [_row(summary, numbers) for summary in everybody]


def _row(summary: Summary, numbers: dict[str, str]) -> Row:
    untried = [numbers[mark.name] for mark in summary.marks if not mark.attempted]
    failing = [numbers[mark.name] for mark in summary.marks if mark.attempted and not mark.passed]
    kinds = [summary.status.replace(" ", "-")]
    kinds += ["warnings"] * bool(summary.warnings) + ["unfinished"] * bool(untried)
    return Row(
        shortened(summary.name, MAX_NAME),
        summary.link,
        summary.score,
        points(summary.score),
        points(summary.max_score),
        share(summary.score, summary.max_score),
        sum(mark.passed for mark in summary.marks),
        len(summary.marks),
        len(untried),
        summary.warnings,
        " ".join(kinds),
        " ".join(untried),
        " ".join(failing),
    )


@dataclass(frozen=True)
class Mistake:
    """A misconception of one function, and who has it."""

    exercise: str
    says: str
    who: tuple[Person, ...]


def _mistakes(everybody: Sequence[Summary]) -> list[Mistake]:
    """The misconceptions that were named, the most common first."""
    says: dict[tuple[str, str], str] = {}
    who: dict[tuple[str, str], list[Person]] = {}
    for summary in everybody:
        for exercise, name, idea in summary.mistakes:
            says.setdefault((exercise, name), idea)
            who.setdefault((exercise, name), []).append(_person(summary, exercise))
    found = [Mistake(key[0], says[key], tuple(people)) for key, people in who.items()]
    return sorted(found, key=lambda m: (-len(m.who), m.exercise, m.says))


def _person(summary: Summary, exercise: str = "") -> Person:
    anchor = f"#{quote(exercise, safe='')}" if exercise else ""
    return Person(shortened(summary.name, MAX_NAME), summary.link + anchor)


@dataclass(frozen=True)
class Function:
    """One exercise over the class."""

    name: str
    topic: str
    mean: str
    mean_points: float
    max_score: str
    share: float
    passed: int
    failing: int
    untried: tuple[Person, ...]


def _functions(everybody: Sequence[Summary]) -> list[Function]:
    """Every exercise, in the order of the catalogue."""
    marks: dict[str, list[tuple[Summary, Mark]]] = {}
    for summary in everybody:
        for mark in summary.marks:
            marks.setdefault(mark.name, []).append((summary, mark))
    return [_function(name, results) for name, results in marks.items()]


def _function(name: str, results: Sequence[tuple[Summary, Mark]]) -> Function:
    mean = fmean(mark.score for _, mark in results)
    highest = max(mark.max_score for _, mark in results)
    passed = sum(mark.passed for _, mark in results)
    untried = tuple(_person(summary) for summary, mark in results if not mark.attempted)
    return Function(
        name,
        results[0][1].topic,
        points(round(mean, 2)),
        mean,
        points(highest),
        share(mean, highest),
        passed,
        len(results) - passed - len(untried),
        untried,
    )


# --- parts of other pages


@dataclass(frozen=True)
class ShownLaw:
    mark: str
    tone: str
    status: str
    name: str
    says: str
    points: str


def shown_law(law: LawResult) -> ShownLaw:
    mark, _ = IN_PART if law.in_part else MARKS.get(law.status, WRONG)
    tone = {"pass": "good", "not_attempted": "open", "not_run": "open"}.get(law.status, "bad")
    status = "in part" if law.in_part else law.status.replace("_", " ")
    scored = f"{points(law.score)} of {points(law.max_score)}"
    return ShownLaw(mark, tone, status, law.name, shortened(law.says, MAX_MESSAGE), scored)


def printed(example: Counterexample | None) -> str:
    if example is None:
        return ""
    # `split`, not `splitlines`: a form feed or a next-line sign is for `visible` to spell out.
    lines = example.printed[: MAX_PRINTED + 1].split("\n")
    return shortened("\n".join(lines[:MAX_PRINTED_LINES]), MAX_PRINTED).rstrip()


def shown_steps(example: Counterexample | None) -> tuple[Step, ...]:
    """The arithmetic of one number; theirs may be any text."""
    lines = steps(example) if example else ()
    return tuple(Step(s.what, s.numbers, shortened(s.value, MAX_MESSAGE)) for s in lines)
