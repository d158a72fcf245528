"""A class while it is graded: a bar where somebody watches, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.progress import TimeRemainingColumn as Remaining

from autograder.report.summary import Summary
from autograder.report.terminal import class_line

EVERY_SECONDS = 30.0


@dataclass
class Tallies:
    """What has come out so far."""

    full: int = 0
    part: int = 0
    none: int = 0
    faults: int = 0

    def add(self, summary: Summary) -> None:
        if summary.faults:
            self.faults += 1
        elif summary.passed:
            self.full += 1
        elif summary.score > 0:
            self.part += 1
        else:
            self.none += 1

    def __str__(self) -> str:
        words = [(self.full, "full"), (self.part, "in part"), (self.none, "none")]
        told = ", ".join(f"{count} {word}" for count, word in words)
        return f"{told}, {self.faults} not judged" if self.faults else told


@dataclass
class Watch:
    """Shows how far a class is.

    `shown` is a terminal for the bar; without one, `out` gets a line on how far it is now and then.
    """

    total: int
    out: Console
    shown: Console | None
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    before: int = 0
    tallies: Tallies = field(default_factory=Tallies)
    _bar: Progress | None = None
    _task: TaskID = field(init=False)

    def __post_init__(self) -> None:
        self._started = self._told = self.clock()
        if self.shown is not None:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(20),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                Remaining(compact=True),
                TextColumn("[dim]{task.fields[tallies]}"),
                console=self.shown,
                transient=True,
            )
            self._task = self._bar.add_task("", total=self.total, rate="", tallies="")

    def __enter__(self) -> Watch:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def preparing(self, done: int, total: int) -> None:
        """Case banks are drawn, which only the first run has to wait for."""
        if self._bar is not None:
            self._bar.update(self._task, description=f"cases {done}/{total}")
        self._started = self._told = self.clock()

    def graded(self, summary: Summary, before: bool) -> None:
        """A submission has its results; `before` where an earlier run had given them."""
        self.done += 1
        self.before += before
        self.tallies.add(summary)
        if not before:
            self.out.print(class_line(summary))
        self.tick()

    def tick(self) -> None:
        """Some time has passed."""
        if self._bar is not None:
            self._bar.update(
                self._task,
                description="",
                completed=self.done,
                rate=f"{self._rate():.0f}/min",
                tallies=str(self.tallies),
            )
        elif self.clock() - self._told >= EVERY_SECONDS:
            self._told = self.clock()
            self.out.print(self.line())

    def line(self) -> str:
        """How far it is, in a line."""
        rate = self._rate()
        left = f", {(self.total - self.done) / rate:.0f} min left" if rate else ""
        return f"-- {self.done} of {self.total} done, {rate:.0f} a minute{left}: {self.tallies}"

    def _rate(self) -> float:
        passed = self.clock() - self._started
        return 60 * (self.done - self.before) / passed if passed > 0 else 0.0
