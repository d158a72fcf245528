"""Grades a class: many submissions on a pool, each written as soon as it is ready.

Of what is graded a summary alone stays in memory, for the page of the class. What is done is in the
journal, so that a run that was broken off can go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from autograder import jobs, results
from autograder.capstone import files
from autograder.intake import HandIn
from autograder.isolation.ladder import LEVELS
from autograder.jobs import Outcome, Terms
from autograder.journal import Journal
from autograder.pools import Cluster, Here, NoCluster, Pool, Processes
from autograder.report.results import write_class
from autograder.report.summary import Summary, summary
from autograder.submissions import Submission
from autograder.writing import write

# A submission whose process was killed is graded again so often: it may have been its own doing.
AGAIN = 2
TICK_SECONDS = 0.5


@dataclass(frozen=True)
class Graded:
    """A submission that has its results; `before` where an earlier run had graded it."""

    summary: Summary
    before: bool = False
    markdown: str = ""
    commands: tuple[str, ...] = ()


@dataclass
class _Job:
    submission: Submission
    key: str
    lost: int = 0


@dataclass
class Grading:
    """One run over a class. Iterating grades, and gives each submission once it is written.

    `unasked` counts the capstones that nobody asked to grade. After an interrupt the pool's `stop`
    ends what is under way; what is written stays.
    """

    hand_ins: Sequence[HandIn]
    terms: Terms
    pool: Pool
    journal: Journal
    out: Path
    topics: frozenset[str]
    unasked: int = field(default=0, init=False)
    _summaries: list[Summary] = field(default_factory=list, init=False)
    _under_way: dict[Future[Outcome], _Job] = field(default_factory=dict, init=False)

    def __iter__(self) -> Iterator[Graded | None]:
        """Everything that is graded; None now and then while nothing is ready."""
        for hand_in in self.hand_ins:
            submission = hand_in.read(self.topics, self.terms.course.limits)
            if not self.terms.exam and submission.path is not None:
                self.unasked += files.holds_model(submission.path)
            key = self._key(submission)
            if self.journal.is_done(submission.name, key):
                yield self._graded(Graded(self._earlier(submission.name), before=True))
                continue
            while len(self._under_way) >= self.pool.size:
                yield from self._finished()
            self._begin(_Job(submission, key))
        while self._under_way:
            yield from self._finished()

    def _key(self, submission: Submission) -> str:
        capstone = ""
        if self.terms.exam and submission.path is not None:
            capstone = files.digest(submission.path, self.terms.course.limits)
        return self.journal.key(submission, self.terms.to_json(), self.terms.seed, capstone)

    def _begin(self, job: _Job) -> None:
        future = self.pool.submit(jobs.judge, self.terms, job.submission)
        self._under_way[future] = job

    def _finished(self) -> Iterator[Graded | None]:
        """What is done by now; those whose process is gone are begun again."""
        done, _ = wait(self._under_way, TICK_SECONDS, FIRST_COMPLETED)
        if not done:
            yield None
        for future in done:
            job = self._under_way.pop(future)
            if future.cancelled():
                raise NoCluster("the scheduler is gone")
            error = future.exception()
            if isinstance(error, self.pool.lost) and job.lost < AGAIN:
                job.lost += 1
                self._begin(job)
            else:
                yield self._write(job, future)

    def _write(self, job: _Job, future: Future[Outcome]) -> Graded:
        error = future.exception()
        if error is None:
            outcome = future.result()
        else:
            told = f"{type(error).__name__}: {error}"
            if isinstance(error, self.pool.lost):
                told = f"the process that graded it was ended {job.lost + 1} times"
            verdict = jobs.failed(self.terms, job.submission, told)
            outcome = jobs.written(self.terms, verdict, job.submission)
        name = job.submission.name
        for file, text in outcome.files.items():
            write(self.out / name / file, text)
        if not outcome.summary.faults:
            # What we failed at is graded anew by the next run.
            self.journal.record(name, job.key)
        return self._graded(Graded(outcome.summary, False, outcome.markdown, outcome.commands))

    def _graded(self, graded: Graded) -> Graded:
        self._summaries.append(graded.summary)
        return graded

    def _earlier(self, name: str) -> Summary:
        """What an earlier run found in a submission."""
        return summary(results.read(self.out / name / results.FILE))

    def finish(self) -> None:
        """Write the page of the class and the table of its points, once all are graded."""
        write_class(self.out, self._summaries)


def pool_of(count: int, scheduler: str | None = None) -> Pool:
    """So many processes, or the cluster of a scheduler; a single job is done here."""
    if scheduler is not None:
        return Cluster(scheduler)
    return Here(jobs.release) if count < 2 else Processes(count)


def prepare(
    terms: Terms, pool: Pool, progress: Callable[[int, int], None] = lambda done, total: None
) -> str:
    """Make ready what serves the whole class; the level of isolation.

    The case banks are drawn once, by all processes together. NotIsolated where the level that is
    required cannot be had.
    """
    levels: list[str] = pool.everywhere(jobs.level_of, terms)
    if isinstance(pool, Cluster):
        pool.everywhere(jobs.release)  # jobs run in other threads there
    if isinstance(pool, Processes):
        _draw(terms, pool, progress)
    return min(levels, key=LEVELS.index)


def _draw(terms: Terms, pool: Pool, progress: Callable[[int, int], None]) -> None:
    drawn: dict[tuple[bool, str], bytes] = {}
    missing = jobs.missing_banks(terms)
    total = len(missing)
    under_way: dict[Future[bytes | None], tuple[bool, str]] = {}
    while missing or under_way:
        while missing and len(under_way) < pool.size:
            bank = missing.pop(0)
            under_way[pool.submit(jobs.draw, terms, *bank)] = bank
        done, _ = wait(under_way, TICK_SECONDS, FIRST_COMPLETED)
        for future in done:
            bank = under_way.pop(future)
            if (data := future.result()) is not None:
                drawn[bank] = data
            progress(total - len(missing) - len(under_way), total)
    if drawn:
        pool.everywhere(jobs.give, drawn)
