"""The command `autograder`: reads arguments, calls the engine, shows what it returns.

Exit codes: 0 all passed (`check`) or all graded (`grade`), 1 something failed, 2 wrong usage, 3 the
grader's own fault.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from autograder import __version__, bench_cli, grading_cli
from autograder.capstone.cli import app as capstone
from autograder.options import CourseFile, ExercisesFolder
from autograder.shell import (
    FAILED,
    FAULT,
    INTERRUPTED,
    PASSED,
    complain,
    course_of,
    extra,
    new_console,
    stop,
    tell_faults,
    usage,
)

if TYPE_CHECKING:
    from autograder.spec import Exercise

app = typer.Typer(
    help="Checks and grades the exercises of a first course on convolutional neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
        sys.exit(INTERRUPTED)
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
    with usage():
        settings = course_of(course)
        chosen, limits = catalog.select(names or (), settings), settings.limits
        submission = read(path or _default_path(topics), topics, limits)
    console = new_console()
    with _progress(len(chosen), console) as advance:
        verdict = Engine.of(limits=limits).verdict(submission, chosen, progress=advance)
    if as_json:
        from autograder.report.text import json_for_log
        from autograder.results import results_json

        print(json_for_log(results_json(verdict)), end="")
    else:
        from autograder.report.terminal import Depth, show_verdict

        depth = Depth.EXPLANATION if explain else Depth.HINT if hint else Depth.SYMPTOM
        show_verdict(console, verdict, everything, depth)
    tell_faults(verdict.grader_faults)
    raise typer.Exit(PASSED if verdict.passed else FAILED)


def _default_path(topics: frozenset[str]) -> Path:
    """`exercises` here, or this folder itself where it holds the stub modules."""
    here = Path()
    inside = not Path("exercises").exists() and any((here / f"{t}.py").exists() for t in topics)
    return here.resolve() if inside else Path("exercises")


@app.command()
def doctor() -> None:
    """Tell what is installed, what is missing, and the command that mends it."""
    from autograder.doctor import examine
    from autograder.report.terminal import show_examination

    findings = examine()
    show_examination(new_console(), findings)
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
        raise stop("this kit is the students': it has no audit; run that in a checkout") from error

    with usage():
        chosen = catalog.select(names or ())
        wanted = tasks(chosen, golden if golden.is_dir() else None, seeds)
    console = new_console()
    with _progress(len(wanted), console) as advance:
        found = try_all(chosen, wanted, jobs, lambda: advance(None))
    if html is not None:
        from autograder.writing import write

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
        raise stop(str(error)) from error
    except OSError as error:
        raise stop(
            f"cannot write {error.filename}: {error.strerror}; nothing is changed"
        ) from error
    new_console().print(said(name, written))


@app.command()
def lessons(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where they are written.")],
    exercises: ExercisesFolder = Path("exercises"),
) -> None:
    """Build the notebooks of the lessons."""
    with extra("lessons"):
        from autograder.scaffold import lessons
    if not lessons.sources(exercises):
        raise stop(f"{exercises} holds no lessons; run this in a checkout of the kit")
    try:
        lessons.build(exercises, folder)
    except OSError as error:
        raise stop(f"cannot write {error.filename}: {error.strerror}") from error
    new_console().print(f"{len(lessons.sources(exercises))} lessons are in {folder}")


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
    from autograder.course import CAPSTONE

    with extra("lessons"):
        from autograder.scaffold import release as making
    try:
        with usage():
            settings = course_of(course)
            catalog.select([name for name in without or () if name != CAPSTONE])
            left_out = dict.fromkeys([*settings.without, *(without or ())])
            settings = dataclasses.replace(settings, without=tuple(left_out))
            notes = making.release(folder, exercises, wheels, settings, gradescope)
    except making.BadRelease as error:
        raise stop(str(error)) from error
    for note in notes:
        complain(note)
    new_console().print(making.said(folder, gradescope))


for command in (grading_cli.grade, grading_cli.report, grading_cli.similar):
    app.command()(command)
nbgrader = typer.Typer(help="Grade with nbgrader.", no_args_is_help=True)
app.add_typer(nbgrader, name="nbgrader")
app.add_typer(bench_cli.app, name="bench")
app.add_typer(capstone, name="capstone")


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
    with extra("nbgrader"):
        from autograder.integrations.nbgrader import course as making
    with usage():
        found = course_of(settings)
    try:
        assignments = making.init(course, exercises, hand_in, found)
    except making.BadCourse as error:
        raise stop(str(error)) from error
    except OSError as error:
        raise stop(f"cannot write {error.filename}: {error.strerror}") from error
    console = new_console()
    console.print(f"{course} holds {making.count(assignments)}, released and in its gradebook.")
    console.print(making.NEXT.format(course=course, assignment=assignments[-1]))


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


if __name__ == "__main__":
    main()
