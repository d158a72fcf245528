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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from autograder import __version__
from autograder.capstone.cli import app as capstone
from autograder.options import CourseFile, Level

if TYPE_CHECKING:
    from autograder.capstone.joined import Capstone
    from autograder.course import Course
    from autograder.spec import Exercise
    from autograder.submissions import Submission
    from autograder.verdict import Verdict

app = typer.Typer(
    help="Checks and grades the exercises of a first course on convolutional neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PASSED, FAILED, USAGE, FAULT = 0, 1, 2, 3


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
        from autograder.grading import results_json
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
        typer.Argument(metavar="PATH", help="Submissions, or folders of submissions."),
    ],
    out: Annotated[Path, typer.Option(help="Where results are written, a folder a submission.")],
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
    from contextlib import ExitStack

    from autograder import catalog
    from autograder.bank import Seed
    from autograder.engine import Engine
    from autograder.grading import collect, write
    from autograder.grading import grade as grade_all
    from autograder.isolation.ladder import NotIsolated
    from autograder.report.formats import FILES
    from autograder.report.results import write_class, write_student
    from autograder.report.terminal import class_line, isolation

    topics = frozenset(topic.name for topic in catalog.topics())
    with _usage():
        settings = _course(course)
        chosen, limits = catalog.select(_functions(only), settings), settings.limits
        if only and not _functions(only):
            chosen = ()
        exam = _capstone_exam(settings, only, capstone_exam)
        submissions = collect(paths, topics, limits, capstone=bool(exam))
    summary = _github_summary() if Format.github in (formats or ()) else None
    engine = Engine.of(Seed(seed), limits=limits, required=require_isolation.value)
    try:
        _ = engine.server
        capstone = _capstone(exam, settings, require_isolation.value)
    except NotIsolated as error:
        print(
            f"autograder: isolation {require_isolation.value} cannot be had here: {error}",
            file=sys.stderr,
        )
        raise typer.Exit(USAGE) from error
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass  # better told now than after the first submission
    except OSError as error:
        print(f"autograder: cannot write to {out}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(USAGE) from error
    console = _console()
    sources = {submission.name: submission.sources for submission in submissions}
    summaries = []
    faults = []
    with _progress(len(submissions), console) as advance, ExitStack() as closing:
        if capstone is not None:
            closing.enter_context(capstone)
        for verdict in grade_all(submissions, chosen, engine, out, capstone):
            console.print(class_line(verdict))
            summaries.append(write_student(out, verdict))
            faults += [f"{verdict.submission}: {fault}" for fault in verdict.grader_faults]
            for wanted in formats or ():
                if wanted is not Format.github:
                    file, document = FILES[wanted.value]
                    write(out / verdict.submission / file, document(verdict))
            if summary is not None:
                _to_github(verdict, sources[verdict.submission], summary)
            advance(None)
    write_class(out, summaries)
    console.print(f"\n{isolation(engine.server.level)}", style="dim")
    console.print(f"{len(summaries)} graded; the page for the class is {out / 'index.html'}")
    if capstone is None and not only:
        _tell_of_capstones(submissions, settings)
    _tell_faults(faults)


@app.command()
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
    from autograder.grading import write
    from autograder.report.formats import FILES
    from autograder.report.results import write_class, write_student
    from autograder.results import BadResults, verdicts

    if Format.github in (formats or ()):
        _complain("--format github needs the students' sources, which results.json has not")
        raise typer.Exit(USAGE)
    console = _console()
    try:
        summaries = []
        for verdict in verdicts(results):
            summaries.append(write_student(results, verdict))
            for wanted in formats or ():
                file, document = FILES[wanted.value]
                write(results / verdict.submission / file, document(verdict))
        write_class(results, summaries)
    except BadResults as error:
        _complain(str(error))
        raise typer.Exit(USAGE) from error
    except OSError as error:
        _complain(f"cannot write {error.filename}: {error.strerror}")
        raise typer.Exit(USAGE) from error
    console.print(f"{len(summaries)} read; the page for the class is {results / 'index.html'}")


@app.command()
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
    from autograder import catalog
    from autograder.grading import collect, write
    from autograder.report import similar as report
    from autograder.similar import pairs, stubs_in

    with _usage():
        submissions = collect([folder], frozenset(topic.name for topic in catalog.topics()))
        stubs = stubs_in(exercises)
    if not stubs:
        _complain(f"{exercises} holds no stubs, and what they hold is no copy; see --exercises")
        raise typer.Exit(USAGE)
    found = pairs(submissions, stubs, least)
    if page is not None:
        write(page, report.page(found, submissions))
    report.show(_console(), found, len(submissions))


def _functions(only: list[str] | None) -> list[str]:
    """The names that are not the capstone's, which is no function."""
    from autograder.course import CAPSTONE

    return [name for name in only or () if name != CAPSTONE]


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


def _capstone(exam: str, settings: Course, required: str) -> Capstone | None:
    if not exam:
        return None
    from autograder.capstone import joined
    from autograder.capstone.exam import NotAnExam
    from autograder.course import CAPSTONE
    from autograder.isolation.ladder import GraderFault

    try:
        points = settings.points.get(CAPSTONE, joined.POINTS)
        return joined.Capstone(joined.exam_of(exam), settings.limits, required, points)
    except NotAnExam as error:
        _complain(str(error))
        raise typer.Exit(USAGE) from error
    except GraderFault as error:
        _complain(f"the capstone cannot be graded here: {error}")
        raise typer.Exit(USAGE) from error


def _tell_of_capstones(submissions: Sequence[Submission], settings: Course) -> None:
    """That there are models which nobody asked to grade."""
    from autograder.capstone.files import holds_model
    from autograder.course import CAPSTONE

    count = sum(one.path is not None and holds_model(one.path) for one in submissions)
    if count and CAPSTONE not in settings.without:
        those = "1 submission holds" if count == 1 else f"{count} submissions hold"
        _complain(
            f"{those} a capstone, which was not graded: name its exam with --capstone EXAM.npz"
        )


def _github_summary() -> Path:
    """The file that GitHub shows as the job's summary."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        _complain("--format github writes a job's summary: GITHUB_STEP_SUMMARY is not set here")
        raise typer.Exit(USAGE)
    return Path(place)


def _to_github(verdict: Verdict, sources: Mapping[str, str], summary: Path) -> None:
    from autograder.report import github, markdown

    with summary.open("a", encoding="utf-8") as stream:
        stream.write(markdown.document(verdict))
    for command in github.commands(verdict, sources):
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
            catalog.select(_functions(without))
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
