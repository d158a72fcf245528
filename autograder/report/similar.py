"""Pairs of submissions that are alike: a table in the terminal, and both sources side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from autograder.report.html import MAX_NAME, environment
from autograder.report.text import for_log, shortened, visible
from autograder.similar import Pair
from autograder.submissions import Submission

HINT = "A hint for a person, and no proof: read both sources before you speak up."
MAX_PAIRS = 100
WIDE = 22  # a name in a line of 80
# The sources of so many pairs fit into a page.
MAX_SHOWN = 20


def show(console: Console, pairs: Sequence[Pair], submissions: int) -> None:
    """A line a pair."""
    if not pairs:
        console.print(f"No two of {submissions} submissions are alike.")
        return
    console.print(Text(f"{'share':>5}  {'submission':<22}  {'submission':<22}  modules", "bold"))
    for pair in pairs[:MAX_PAIRS]:
        names = "  ".join(f"{_short(name):<22}" for name in (pair.one, pair.other))
        modules = pair.modules
        told = modules[0] + (f" + {len(modules) - 1}" if len(modules) > 1 else "")
        console.print(Text(f"{pair.share:>5.0%}  {names}  {_short(told)}"))
    if len(pairs) > MAX_PAIRS:
        console.print(Text(f"{len(pairs) - MAX_PAIRS} more pairs", "dim"))
    console.print(Text(f"\n{HINT}", "dim"))


def _short(name: str) -> str:
    text = for_log(name).replace("\n", " ").expandtabs(1)
    return text if len(text) <= WIDE else f"{text[: WIDE - 1]}…"


@dataclass(frozen=True)
class Line:
    number: int
    text: str
    shared: bool


@dataclass(frozen=True)
class Shown:
    """A pair; of each module that both share in, the lines of one and of the other."""

    one: str
    other: str
    share: str
    modules: tuple[tuple[str, tuple[tuple[Line, ...], tuple[Line, ...]]], ...]


def page(pairs: Sequence[Pair], submissions: Sequence[Submission]) -> str:
    """The page: self-contained, like those of the class."""
    sources = {submission.name: submission.sources for submission in submissions}
    return (
        environment()
        .get_template("similar.html")
        .render(
            title="Similar submissions",
            hint=HINT,
            submissions=len(submissions),
            total=len(pairs),
            pairs=[_shown(pair, sources) for pair in pairs[:MAX_SHOWN]],
        )
    )


def _shown(pair: Pair, sources: Mapping[str, Mapping[str, str]]) -> Shown:
    names = pair.one, pair.other
    modules = []
    for module in pair.modules:
        sides = []
        for name, places in zip(names, pair.places, strict=True):
            here = [place for place in places if place.module == module]
            shared = {n for place in here for n in range(place.first, place.last + 1)}
            sides.append(_lines(sources[name], module, shared))
        modules.append((shortened(module, MAX_NAME), (sides[0], sides[1])))
    told = [shortened(name, MAX_NAME) for name in names]
    return Shown(told[0], told[1], f"{pair.share:.0%}", tuple(modules))


def _lines(sources: Mapping[str, str], module: str, shared: set[int]) -> tuple[Line, ...]:
    """A module's lines; another one may have the same text in a module of another name."""
    lines = enumerate(sources.get(module, "").split("\n"), 1)
    return tuple(Line(number, visible(line), number in shared) for number, line in lines)
