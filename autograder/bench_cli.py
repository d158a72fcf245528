"""The commands `autograder bench ...`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from autograder.options import ExercisesFolder
from autograder.shell import complain, extra, new_console, stop, write_page

app = typer.Typer(help="Measure what grading costs.", no_args_is_help=True)


@app.command()
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
        raise stop(f"there is no folder {golden}; name one with --golden")
    measured = measure(golden)
    if page is not None:
        from autograder.report import overhead as report

        write_page(page, report.page(measured))
    if as_json:
        print(json.dumps(measured, indent=1))
        return
    from autograder.report.terminal import show_overhead

    show_overhead(new_console(), measured)


@app.command("class")
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
    right: Annotated[
        bool, typer.Option("--right", help="All of them are right, and vectorised.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """How fast a class is graded, what the CPU goes into, and whether that grows with the class."""
    from autograder import bench_class as benching
    from autograder.pools import cores
    from autograder.report import scale

    try:
        students = benching.VECTORISED if right else benching.STUDENTS
        measured = benching.bench(golden, count or benching.COUNTS, jobs or cores(), students)
    except benching.NoGolden as error:
        raise stop(str(error)) from error
    print(json.dumps(measured, indent=1) if as_json else scale.table(measured))


@app.command("nbgrader")
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
    with extra("nbgrader"):
        from autograder.integrations.nbgrader.bench import bench as measure
    if not golden.is_dir():
        raise stop(f"there is no folder {golden}; name one with --golden")
    measured = measure(exercises, golden, students)
    from autograder.report import nbgrader as report

    if page is not None:
        write_page(page, report.page(measured))
    print(json.dumps(measured, indent=1) if as_json else report.table(measured))


@app.command("peers")
def bench_peers(
    golden: Annotated[
        Path, typer.Option(help="The folder of golden submissions that the class is made of.")
    ] = Path("tests/submissions"),
    students: Annotated[int, typer.Option(min=1, help="So many hand in.")] = 10,
    env: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where nbgrader and otter-grader are installed, at the first run.",
            show_default="in the user's cache",
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the table, as Markdown.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """What a case costs here, under nbgrader and under otter-grader, on the same submissions."""
    from autograder import bench_class as benching
    from autograder import bench_peers as peers
    from autograder.report import peers as report

    try:
        measured = peers.bench(golden, students, env, complain)
    except (benching.NoGolden, peers.NoPeer) as error:
        raise stop(str(error)) from error
    if page is not None:
        write_page(page, report.page(measured))
    print(json.dumps(measured, indent=1) if as_json else report.table(measured))
