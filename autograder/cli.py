"""The command `autograder`: reads arguments, calls the engine, shows what it returns.

Exit codes: 0 all passed (`check`) or all graded (`grade`), 1 something failed, 2 wrong usage, 3 the
grader's own fault.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from autograder import __version__
from autograder.capstone.cli import app as capstone

if TYPE_CHECKING:
    from autograder.course import Course
    from autograder.grading import Graded
    from autograder.intake import Intake
    from autograder.jobs import Terms
    from autograder.report.progress import Watch
    from autograder.spec import Exercise

app = typer.Typer(
    help="Checks and grades the exercises of a first course on convolutional neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PASSED, FAILED, USAGE, FAULT = 0, 1, 2, 3
INTERRUPTED = 130


class Level(StrEnum):
    """Levels of isolation, as `isolation/ladder.py` proves them."""

    weak = "weak"
    medium = "medium"
    strong = "strong"


class Format(StrEnum):
    """Formats that other programs read; see `report/formats.py`."""

    classroom = "classroom"
    github = "github"
    gitlab = "gitlab"
    gradescope = "gradescope"
    junit = "junit"
    markdown = "markdown"


class HandIn(StrEnum):
    """What students hand in to nbgrader."""

    notebooks = "notebooks"
    modules = "modules"


def main() -> None:
    """The entry point: a missing compiled core or an interrupt is told in one line."""
    try:
        app()
    except KeyboardInterrupt:
        print("\nautograder: interrupted", file=sys.stderr)
        sys.exit(130)
    except ImportError as error:
        print(f"autograder: {error}", file=sys.stderr)
        sys.exit(FAULT)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output is gone, and so is the need for it
        sys.exit(FAILED)
    except Exception as error:
        # What nobody thought of is our fault; exit code 1 would say that the student failed.
        traceback.print_exc()
        print(f"autograder: the grader itself failed: {error}", file=sys.stderr)
        sys.exit(FAULT)


def _version(asked: bool) -> None:
    if asked:
        print(f"autograder {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of every command."""


@contextmanager
def _usage() -> Iterator[None]:
    """A wrong argument is one sentence and exit code 2."""
    from autograder.catalog import UnknownName
    from autograder.course import BadCourse
    from autograder.submissions import BadSubmission

    try:
        yield
    except (UnknownName, BadSubmission, BadCourse) as error:
        _complain(str(error))
        raise typer.Exit(USAGE) from error
    except OSError as error:
        _complain(f"cannot read {error.filename}: {error.strerror}")
        raise typer.Exit(USAGE) from error


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """What only an extra brings is missing: say how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        _complain(f"{error.name} is missing: pip install -c constraints.txt -e '.[{name}]'")
        raise typer.Exit(USAGE) from error


def _complain(text: str) -> None:
    """On stderr; the names of files in it are a student's."""
    from autograder.report.text import for_log

    print(f"autograder: {for_log(text)}", file=sys.stderr)


CourseFile = Annotated[
    Path | None,
    typer.Option(
        "--course",
        metavar="FILE",
        help="The course's settings.",
        show_default="course.toml in this folder, if there is one",
    ),
]


def _course(file: Path | None) -> Course:
    from autograder import course

    return course.find(Path()) if file is None else course.load(file)


ExercisesFolder = Annotated[
    Path, typer.Option("--exercises", help="The folder of stub modules and lessons.")
]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Exercises or topics; all of them by default."),
]


@app.command()
def check(
    names: Names = None,
    path: Annotated[
        Path | None,
        typer.Option(
            help="The folder, zip, .py or .ipynb to check.",
            show_default="exercises, or this folder",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every failing law, not just the first.")
    ] = False,
    hint: Annotated[
        bool, typer.Option("--hint", help="Name the mistake, and repeat the definition.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="And show the arithmetic of one wrong number.")
    ] = False,
    course: CourseFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Check your own functions: points, and the smallest input that shows a mistake."""
    from autograder import catalog
    from autograder.engine import Engine
    from autograder.submissions import read

    topics = frozenset(topic.name for topic in catalog.topics())
    with _usage():
        settings = _course(course)
        chosen, limits = catalog.select(names or (), settings), settings.limits
        submission = read(path or _default_path(topics), topics, limits)
    console = _console()
    with _progress(len(chosen), console) as advance:
        verdict = Engine.of(limits=limits).verdict(submission, chosen, progress=advance)
    if as_json:
        from autograder.jobs import results_json
        from autograder.report.text import json_for_log

        print(json_for_log(results_json(verdict)), end="")
    else:
        from autograder.report.terminal import Depth, show_verdict

        depth = Depth.EXPLANATION if explain else Depth.HINT if hint else Depth.SYMPTOM
        show_verdict(console, verdict, everything, depth)
    _tell_faults(verdict.grader_faults)
    raise typer.Exit(PASSED if verdict.passed else FAILED)


def _default_path(topics: frozenset[str]) -> Path:
    """`exercises` here, or this folder itself where it holds the stub modules."""
    here = Path()
    inside = not Path("exercises").exists() and any((here / f"{t}.py").exists() for t in topics)
    return here.resolve() if inside else Path("exercises")


@app.command()
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
) -> None:
    """Grade submissions: results.json for each, a table, and index.html for the class."""
    from autograder import catalog, intake
    from autograder.jobs import Terms

    topics = frozenset(topic.name for topic in catalog.topics())
    if out is None and not dry_run:
        _complain("Missing option '--out': where results are written")
        raise typer.Exit(USAGE)
    if jobs is not None and scheduler is not None:
        _complain("--jobs is for this machine, and --scheduler for a cluster: choose one")
        raise typer.Exit(USAGE)
    # Zips of whole classes are unpacked here.
    with tempfile.TemporaryDirectory(prefix="autograder-") as room:
        with _usage():
            settings = _course(course)
            catalog.select(only or (), settings)
            found = intake.collect(paths, topics, Path(room), settings.limits)
        if out is None or dry_run:
            _list(found, topics, settings)
            return
        terms = Terms(
            tuple(only or ()),
            settings,
            seed,
            require_isolation.value,
            formats=tuple(wanted.value for wanted in formats or ()),
            many=len(found.hand_ins) > 1,
        )
        _grade(found, terms, out, topics, jobs, scheduler, resume)


def _list(found: Intake, topics: frozenset[str], settings: Course) -> None:
    from autograder.report.terminal import show_intake

    submissions = (hand_in.read(topics, settings.limits) for hand_in in found.hand_ins)
    show_intake(_console(), found, submissions)


def _grade(
    found: Intake,
    terms: Terms,
    out: Path,
    topics: frozenset[str],
    jobs: int | None,
    scheduler: str | None,
    resume: bool,
) -> None:
    import dataclasses

    from autograder import grading, pools
    from autograder.isolation.ladder import NotIsolated
    from autograder.jobs import GITHUB, WrongKit
    from autograder.journal import BadJournal, Journal
    from autograder.report.progress import Watch
    from autograder.report.terminal import isolation
    from autograder.report.text import for_log

    summary = _github_summary() if GITHUB in terms.formats else None
    console = _console()
    count = len(found.hand_ins)
    shown = console if console.is_terminal else Console(stderr=True)
    watch = Watch(count, console, shown if shown.is_terminal and count > 1 else None)
    faults: list[str] = []
    try:
        with _extra("cluster"):
            pool = grading.pool_of(min(jobs or pools.cores(), count), scheduler)
    except pools.NoCluster as error:
        _complain(str(error))
        raise typer.Exit(USAGE) from error
    try:
        with watch:
            level = grading.prepare(terms, pool, watch.preparing)
            terms = dataclasses.replace(terms, level=level)
            _writable(out)
            with Journal(out, resume) as journal:
                run = grading.Grading(found.hand_ins, terms, pool, journal, out, topics)
                for graded in run:
                    if graded is None:
                        watch.tick()
                        continue
                    watch.graded(graded.line, graded.before)
                    faults += [f"{graded.line.submission}: {f}" for f in graded.line.faults]
                    if summary is not None and not graded.before:
                        _to_github(graded, summary)
                run.page()
    except NotIsolated as error:
        _complain(f"isolation {terms.required} cannot be had here: {error}")
        raise typer.Exit(USAGE) from error
    except (pools.NoCluster, WrongKit, BadJournal) as error:
        _complain(f"{error}{_so_far(watch)}")
        raise typer.Exit(USAGE if not watch.done else FAULT) from error
    except KeyboardInterrupt as error:
        _complain(f"interrupted{_so_far(watch)}")
        raise typer.Exit(INTERRUPTED) from error
    finally:
        pool.stop()
    for sentence in found.told:
        console.print(f"Note: {for_log(sentence)}", markup=False)
    if watch.before:
        console.print(f"{watch.before} were graded before, and are as they were")
    console.print(f"\n{isolation(level)}", style="dim")
    console.print(f"{count} graded; the page for the class is {out / 'index.html'}")
    _tell_faults(faults)


def _so_far(watch: Watch) -> str:
    if not watch.total or watch.done == 0:
        return ""
    return (
        f": {watch.done} of {watch.total} are graded; the same command with --resume goes on from "
        "there"
    )


def _writable(out: Path) -> None:
    """Better told now than after the first submission."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        _complain(f"cannot write to {out}: {error.strerror}")
        raise typer.Exit(USAGE) from error


def _github_summary() -> Path:
    """The file that GitHub shows as the job's summary."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        _complain("--format github writes a job's summary: GITHUB_STEP_SUMMARY is not set here")
        raise typer.Exit(USAGE)
    return Path(place)


def _to_github(graded: Graded, summary: Path) -> None:
    with summary.open("a", encoding="utf-8") as stream:
        stream.write(graded.summary)
    for command in graded.commands:
        print(command)


@app.command()
def doctor() -> None:
    """Tell what is installed, what is missing, and the command that mends it."""
    from autograder.doctor import examine
    from autograder.report.terminal import show_examination

    findings = examine()
    show_examination(_console(), findings)
    healthy = all(finding.ok or finding.optional for finding in findings)
    raise typer.Exit(PASSED if healthy else FAILED)


@app.command()
def audit(
    names: Names = None,
    golden: Annotated[
        Path, typer.Option(help="The folder of right and wrong submissions to judge as well.")
    ] = Path("tests/submissions"),
    seeds: Annotated[
        int, typer.Option(min=0, help="On so many sets of cases right solutions are judged.")
    ] = 20,
    jobs: Annotated[
        int, typer.Option(min=0, help="Processes.", show_default="one for each core")
    ] = 0,
    least: Annotated[
        float, typer.Option("--min", min=0, max=1, help="The share that must lose points.")
    ] = 1.0,
    mistakes: Annotated[
        bool, typer.Option("--mistakes", help="Show what reveals each of the common mistakes.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Write all of it into this page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Grade the grader: which wrong solutions its laws would pass, which right ones they fail."""
    from autograder import catalog

    try:
        from autograder.audit.audit import audit as try_all
        from autograder.audit.audit import tasks
        from autograder.report.audit import document, page, show
    except ModuleNotFoundError as error:
        _complain("this kit is the students': it has no audit; run that in a checkout")
        raise typer.Exit(USAGE) from error

    with _usage():
        chosen = catalog.select(names or ())
        wanted = tasks(chosen, golden if golden.is_dir() else None, seeds)
    console = _console()
    with _progress(len(wanted), console) as advance:
        found = try_all(chosen, wanted, jobs, lambda: advance(None))
    if html is not None:
        from autograder.grading import write

        write(html, page(found, least))
    if as_json:
        print(json.dumps(document(found, least), indent=1))
    else:
        show(console, found, least, mistakes)
    raise typer.Exit(PASSED if found.passed(least) else FAILED)


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="TOPIC.NAME", help="The function, and the topic it is in.")
    ],
) -> None:
    """Begin a new exercise: its first version in every room of this checkout."""
    from autograder.scaffold.new import BadName, said
    from autograder.scaffold.new import new as begin

    try:
        written = begin(name, Path())
    except BadName as error:
        _complain(str(error))
        raise typer.Exit(USAGE) from error
    except OSError as error:
        _complain(f"cannot write {error.filename}: {error.strerror}; nothing is changed")
        raise typer.Exit(USAGE) from error
    _console().print(said(name, written))


@app.command()
def lessons(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where they are written.")],
    exercises: ExercisesFolder = Path("exercises"),
) -> None:
    """Build the notebooks of the lessons."""
    with _extra("lessons"):
        from autograder.scaffold import lessons
    if not lessons.sources(exercises):
        _complain(f"{exercises} holds no lessons; run this in a checkout of the kit")
        raise typer.Exit(USAGE)
    try:
        lessons.build(exercises, folder)
    except OSError as error:
        _complain(f"cannot write {error.filename}: {error.strerror}")
        raise typer.Exit(USAGE) from error
    _console().print(f"{len(lessons.sources(exercises))} lessons are in {folder}")


@app.command()
def release(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    wheels: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Wheels of the kit, built for other systems."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Leave this exercise or topic out; may be repeated."),
    ] = None,
    exercises: ExercisesFolder = Path("exercises"),
    gradescope: Annotated[
        bool,
        typer.Option(
            "--gradescope", help="Also write Gradescope's autograder, DIR.gradescope.zip."
        ),
    ] = False,
    course: CourseFile = None,
) -> None:
    """Make the students' repository: stubs, lessons, the kit without answers, CI that grades."""
    import dataclasses

    from autograder import catalog

    with _extra("lessons"):
        from autograder.scaffold import release as making
    try:
        with _usage():
            settings = _course(course)
            catalog.select(without or ())
            left_out = dict.fromkeys([*settings.without, *(without or ())])
            settings = dataclasses.replace(settings, without=tuple(left_out))
            notes = making.release(folder, exercises, wheels, settings, gradescope)
    except making.BadRelease as error:
        _complain(str(error))
        raise typer.Exit(USAGE) from error
    for note in notes:
        _complain(note)
    _console().print(making.said(folder, gradescope))


nbgrader = typer.Typer(help="Grade with nbgrader.", no_args_is_help=True)
app.add_typer(nbgrader, name="nbgrader")


@nbgrader.command()
def init(
    course: Annotated[Path, typer.Argument(metavar="COURSE", help="A new or empty folder.")],
    hand_in: Annotated[
        HandIn, typer.Option(help="An assignment for each lesson, or one for all modules.")
    ] = HandIn.notebooks,
    exercises: ExercisesFolder = Path("exercises"),
    settings: CourseFile = None,
) -> None:
    """Make a course: source, release, configuration and gradebook."""
    with _extra("nbgrader"):
        from autograder.integrations.nbgrader import course as making
    with _usage():
        found = _course(settings)
    try:
        assignments = making.init(course, exercises, hand_in, found)
    except making.BadCourse as error:
        _complain(str(error))
        raise typer.Exit(USAGE) from error
    except OSError as error:
        _complain(f"cannot write {error.filename}: {error.strerror}")
        raise typer.Exit(USAGE) from error
    console = _console()
    console.print(f"{course} holds {making.count(assignments)}, released and in its gradebook.")
    console.print(making.NEXT.format(course=course, assignment=assignments[-1]))


bench = typer.Typer(help="Measure what grading costs.", no_args_is_help=True)
app.add_typer(bench, name="bench")
app.add_typer(capstone, name="capstone")


@bench.command()
def overhead(
    golden: Annotated[
        Path, typer.Option(help="The folder with the right submissions to measure with.")
    ] = Path("tests/submissions"),
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the table, as Markdown.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """What judging costs: the ratio of all CPU to that of the student's functions alone."""
    from autograder.bench import overhead as measure

    if not golden.is_dir():
        print(f"autograder: there is no folder {golden}; name one with --golden", file=sys.stderr)
        raise typer.Exit(USAGE)
    measured = measure(golden)
    if page is not None:
        from autograder.report import overhead as report

        _write_page(page, report.page(measured))
    if as_json:
        print(json.dumps(measured, indent=1))
        return
    from autograder.report.terminal import show_overhead

    show_overhead(_console(), measured)


@bench.command("class")
def bench_class(
    count: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Students; may be repeated.", show_default="10, 100 and 300"),
    ] = None,
    golden: Annotated[
        Path, typer.Option(help="The folder of golden submissions that the class is made of.")
    ] = Path("tests/submissions"),
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="one for each core")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """How fast a class is graded, what the CPU goes into, and whether that grows with the class."""
    from autograder import bench_class as benching
    from autograder.pools import cores
    from autograder.report import scale

    try:
        measured = benching.bench(golden, count or benching.COUNTS, jobs or cores())
    except benching.NoGolden as error:
        _complain(str(error))
        raise typer.Exit(USAGE) from error
    print(json.dumps(measured, indent=1) if as_json else scale.table(measured))


@bench.command("nbgrader")
def bench_nbgrader(
    golden: Annotated[
        Path, typer.Option(help="The folder of right and wrong submissions to hand in.")
    ] = Path("tests/submissions"),
    exercises: ExercisesFolder = Path("exercises"),
    students: Annotated[int, typer.Option(min=1, help="So many hand in.")] = 50,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the table, as Markdown.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """What nbgrader costs around the engine, and what it costs alone, on the same notebooks."""
    with _extra("nbgrader"):
        from autograder.integrations.nbgrader.bench import bench as measure
    if not golden.is_dir():
        print(f"autograder: there is no folder {golden}; name one with --golden", file=sys.stderr)
        raise typer.Exit(USAGE)
    measured = measure(exercises, golden, students)
    from autograder.report import nbgrader as report

    if page is not None:
        _write_page(page, report.page(measured))
    print(json.dumps(measured, indent=1) if as_json else report.table(measured))


def _write_page(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        _complain(f"cannot write {file}: {error.strerror}")
        raise typer.Exit(USAGE) from error


def _console() -> Console:
    """Colours only on a terminal; lines as wide as they are made."""
    return Console(highlight=False, soft_wrap=True)


@contextmanager
def _progress(total: int, console: Console) -> Iterator[Callable[[Exercise | None], None]]:
    """A line of progress where somebody watches; nothing elsewhere."""
    shown = console if console.is_terminal else Console(stderr=True)
    if total < 2 or not shown.is_terminal:
        yield lambda exercise: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=shown, transient=True) as bar:
        task = bar.add_task("", total=total)
        begun = False

        def advance(exercise: Exercise | None) -> None:
            # Called when an exercise begins, or (with None) when a submission is done.
            nonlocal begun
            if exercise is None:
                bar.advance(task)
                return
            bar.update(task, description=exercise.name, advance=int(begun))
            begun = True

        yield advance


def _tell_faults(faults: list[str]) -> None:
    if faults:
        for fault in faults:
            _complain(f"the grader itself failed at {fault}")
        raise typer.Exit(FAULT)


if __name__ == "__main__":
    main()
