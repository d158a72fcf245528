"""The commands for a class: `grade` it, make its `report` anew, find what is `similar` in it."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from autograder.options import CourseFile, ExercisesFolder, Format, Level
from autograder.shell import (
    FAULT,
    INTERRUPTED,
    USAGE,
    check_writable,
    complain,
    course_of,
    extra,
    new_console,
    stop,
    tell_faults,
    usage,
)

if TYPE_CHECKING:
    from autograder.course import Course
    from autograder.grading import Graded, Grading
    from autograder.intake import Intake
    from autograder.jobs import Terms
    from autograder.report.progress import Watch


def grade(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Submissions, folders of them, platforms' downloads."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where results are written, a folder a submission.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Grade only this exercise or topic; may be repeated."),
    ] = None,
    seed: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="A secret text: other cases than the students have; it is shown nowhere.",
        ),
    ] = "public",
    require_isolation: Annotated[
        Level,
        typer.Option(help="Grade only if student code can be isolated this well (see doctor)."),
    ] = Level.weak,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Processes.", show_default="one for each core"),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Grade on this Dask cluster, in place of --jobs."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Grade only what is missing in --out, or has changed."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be graded.")
    ] = False,
    formats: Annotated[
        list[Format] | None,
        typer.Option("--format", help="Write this one too, for each; may be repeated."),
    ] = None,
    course: CourseFile = None,
    capstone_exam: Annotated[
        str | None,
        typer.Option(
            "--capstone",
            metavar="EXAM",
            help="Grade the capstone too: its exam's file, or the word practice.",
            show_default="the exam of course.toml, if it names one",
        ),
    ] = None,
) -> None:
    """Grade submissions: results.json for each, a table, and index.html for the class."""
    from autograder import catalog, intake
    from autograder.jobs import Terms

    topics = frozenset(topic.name for topic in catalog.topics())
    if out is None and not dry_run:
        raise stop("Missing option '--out': where results are written")
    if jobs is not None and scheduler is not None:
        raise stop("--jobs is for this machine, and --scheduler for a cluster: choose one")
    # Zips of whole classes are unpacked here.
    with tempfile.TemporaryDirectory(prefix="autograder-") as room:
        with usage():
            settings = course_of(course)
            exam = _capstone_exam(settings, only, capstone_exam)
            terms = Terms(
                tuple(only or ()),
                settings,
                seed,
                require_isolation.value,
                formats=tuple(wanted.value for wanted in formats or ()),
                exam=_whole(exam),
                exam_key=_exam_key(exam),
            )
            terms.exercises()  # names that there are not are told before anything is read
            found = intake.collect(paths, topics, Path(room), settings.limits)
        if out is None or dry_run:
            _list(found, topics, settings)
            return
        terms = dataclasses.replace(terms, many=len(found.hand_ins) > 1)
        _grade(found, terms, out, topics, jobs, scheduler, resume)


def _capstone_exam(settings: Course, only: list[str] | None, given: str | None) -> str:
    """The capstone's exam, where it is to be graded; empty where not."""
    from autograder.catalog import UnknownName
    from autograder.course import CAPSTONE

    asked = CAPSTONE in (only or ())
    if CAPSTONE in settings.without:
        if asked or given:
            raise UnknownName(f"{CAPSTONE!r} is left out of this course")
        return ""
    exam = given or settings.exam
    if asked and not exam:
        raise UnknownName(
            "the capstone needs its exam: --capstone EXAM.npz, or --capstone practice for the "
            "public one"
        )
    return exam if asked or given or not only else ""


def _whole(exam: str) -> str:
    """As processes in other folders find it."""
    from autograder.course import PRACTICE

    return exam if exam in ("", PRACTICE) else str(Path(exam).absolute())


def _exam_key(exam: str) -> str:
    if not exam:
        return ""
    from autograder.capstone import joined
    from autograder.capstone.exam import NotAnExam

    try:
        return joined.key(joined.exam_of(exam))
    except NotAnExam as error:
        raise stop(str(error)) from error


def _list(found: Intake, topics: frozenset[str], settings: Course) -> None:
    from autograder.report.terminal import show_intake

    submissions = (hand_in.read(topics, settings.limits) for hand_in in found.hand_ins)
    show_intake(new_console(), found, submissions)


def _grade(
    found: Intake,
    terms: Terms,
    out: Path,
    topics: frozenset[str],
    jobs: int | None,
    scheduler: str | None,
    resume: bool,
) -> None:
    from autograder import grading, pools
    from autograder.isolation.ladder import GraderFault, NotIsolated
    from autograder.jobs import GITHUB, WrongKit
    from autograder.journal import BadJournal, Journal
    from autograder.report.progress import Watch
    from autograder.report.terminal import isolation
    from autograder.report.text import for_log

    summary = _github_summary() if GITHUB in terms.formats else None
    console = new_console()
    count = len(found.hand_ins)
    shown = console if console.is_terminal else Console(stderr=True)
    watch = Watch(count, console, shown if shown.is_terminal and count > 1 else None)
    faults: list[str] = []
    try:
        with extra("cluster"):
            pool = grading.pool_of(min(jobs or pools.cores(), count), scheduler)
    except pools.NoCluster as error:
        raise stop(str(error)) from error
    try:
        with watch:
            level = grading.prepare(terms, pool, watch.preparing)
            terms = dataclasses.replace(terms, level=level)
            check_writable(out)
            with Journal(out, resume) as journal:
                run = grading.Grading(found.hand_ins, terms, pool, journal, out, topics)
                for graded in run:
                    if graded is None:
                        watch.tick()
                        continue
                    watch.graded(graded.summary, graded.before)
                    faults += [f"{graded.summary.name}: {f}" for f in graded.summary.faults]
                    if summary is not None and not graded.before:
                        _to_github(graded, summary)
                run.finish()
    except NotIsolated as error:
        raise stop(f"isolation {terms.required} cannot be had here: {error}") from error
    except GraderFault as error:
        raise stop(str(error)) from error
    except (pools.NoCluster, WrongKit, BadJournal) as error:
        raise stop(f"{error}{_so_far(watch)}", FAULT if watch.done else USAGE) from error
    except KeyboardInterrupt as error:
        raise stop(f"interrupted{_so_far(watch)}", INTERRUPTED) from error
    finally:
        pool.stop()
    for sentence in found.told:
        console.print(f"Note: {for_log(sentence)}", markup=False)
    if watch.before:
        console.print(f"{watch.before} were graded before, and are as they were")
    console.print(f"\n{isolation(level)}", style="dim")
    console.print(f"{count} graded; the page for the class is {out / 'index.html'}")
    _tell_of_capstones(run, terms)
    tell_faults(faults)


def _so_far(watch: Watch) -> str:
    if not watch.total or watch.done == 0:
        return ""
    return (
        f": {watch.done} of {watch.total} are graded; the same command with --resume goes on from "
        "there"
    )


def _tell_of_capstones(run: Grading, terms: Terms) -> None:
    """That there are models which nobody asked to grade."""
    from autograder.course import CAPSTONE

    if run.unasked and not terms.names and CAPSTONE not in terms.course.without:
        those = "1 submission holds" if run.unasked == 1 else f"{run.unasked} submissions hold"
        complain(
            f"{those} a capstone, which was not graded: name its exam with --capstone EXAM.npz"
        )


def _github_summary() -> Path:
    """The file that GitHub shows as the job's summary."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        raise stop("--format github writes a job's summary: GITHUB_STEP_SUMMARY is not set here")
    return Path(place)


def _to_github(graded: Graded, summary: Path) -> None:
    with summary.open("a", encoding="utf-8") as stream:
        stream.write(graded.markdown)
    for command in graded.commands:
        print(command)


def report(
    results: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder that `grade` wrote results into.")
    ],
    formats: Annotated[
        list[Format] | None,
        typer.Option("--format", help="Write this one too, for each; may be repeated."),
    ] = None,
) -> None:
    """Make the pages and grades.csv anew, from the results.json files in a folder."""
    from autograder.report.formats import FILES
    from autograder.report.results import write_class, write_student
    from autograder.results import BadResults, verdicts
    from autograder.writing import write

    if Format.github in (formats or ()):
        raise stop("--format github needs the students' sources, which results.json has not")
    console = new_console()
    try:
        summaries = []
        for verdict in verdicts(results):
            summaries.append(write_student(results, verdict))
            for wanted in formats or ():
                file, document = FILES[wanted.value]
                write(results / verdict.submission / file, document(verdict))
        write_class(results, summaries)
    except BadResults as error:
        raise stop(str(error)) from error
    except OSError as error:
        raise stop(f"cannot write {error.filename}: {error.strerror}") from error
    console.print(f"{len(summaries)} read; the page for the class is {results / 'index.html'}")


def similar(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of submissions.")],
    least: Annotated[
        float,
        typer.Option(min=0.05, max=1, help="The share of the shorter one that both must have."),
    ] = 0.3,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write both sources side by side.")
    ] = None,
    exercises: ExercisesFolder = Path("exercises"),
) -> None:
    """List pairs of submissions that are suspiciously alike: a hint for a person, never a score."""
    from autograder import catalog, intake
    from autograder.report import similar as report
    from autograder.similar import pairs, stubs_in
    from autograder.writing import write

    topics = frozenset(topic.name for topic in catalog.topics())
    with usage(), tempfile.TemporaryDirectory(prefix="autograder-") as room:
        found_in = intake.collect([folder], topics, Path(room))
        submissions = [hand_in.read(topics) for hand_in in found_in.hand_ins]
        stubs = stubs_in(exercises)
    if not stubs:
        raise stop(f"{exercises} holds no stubs, and what they hold is no copy; see --exercises")
    found = pairs(submissions, stubs, least)
    if page is not None:
        write(page, report.page(found, submissions))
    report.show(new_console(), found, len(submissions))
