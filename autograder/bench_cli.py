"""The commands `autograder bench ...`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from autograder.options import ExercisesFolder
from autograder.shell import FAULT, INTERRUPTED, complain, extra, new_console, stop, write_page

app = typer.Typer(
    help="Measure what grading costs, and how fast the core is.", no_args_is_help=True
)


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


@app.command("core")
def bench_core(
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A few small layers, short timings: to see that it works."),
    ] = False,
    runs: Annotated[int, typer.Option(min=1, help="So many timings of everything.")] = 5,
    threads: Annotated[str, typer.Option(help="Numbers of threads, with commas.")] = "1,2",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write performance.md and performance.svg here."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """The core's speed beside PyTorch, TensorFlow and NumPy, in turns: twenty minutes or more."""
    from autograder.performance import bench as measuring
    from autograder.report import performance as report

    numbers = _numbers_of_threads(threads)
    if out is not None and not out.is_dir():
        raise stop(f"there is no folder {out}; make it, or name another with --out")
    console = new_console()
    steps = measuring.core(runs, numbers, quick, _tell_part)
    measured = _measured(steps, lambda so_far: "\n".join(report.lines(so_far)))
    if out is not None:
        write_page(out / "performance.md", report.page(measured))
        write_page(out / "performance.svg", report.plot(measured))
    if as_json:
        print(json.dumps(measured, indent=1))
        return
    for line in report.lines(measured):
        console.print(line, markup=False)


@app.command("lenet")
def bench_lenet(
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the digits.")] = 3,
    seeds: Annotated[int, typer.Option(min=1, help="So many trainings, from other weights.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """LeNet-5 trained by the core, by PyTorch and by Keras alike: accuracy a CPU second."""
    from autograder.performance import bench as measuring
    from autograder.performance import targets
    from autograder.report import performance as report

    steps = measuring.lenet(epochs, seeds, tell=_tell_part)
    measured = _measured(steps, lambda so_far: report.lenet_table(so_far["lenet"]))
    if as_json:
        print(json.dumps(measured, indent=1))
        return
    print(report.lenet_table(measured["lenet"]))
    for seen in targets.lenet(measured["lenet"]):
        mean = seen.reached[""].mean
        print(f"The faster of both libraries takes {mean:.2f} times the core's CPU seconds.")


def _numbers_of_threads(text: str) -> list[int]:
    numbers = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    cores = os.cpu_count() or 1
    if min(numbers) < 1 or max(numbers) > cores or len(set(numbers)) < len(numbers):
        raise stop(
            f"--threads must be different numbers from 1 to {cores}, the cores of this machine, "
            f"with commas; got {text}"
        )
    return numbers


def _measured(
    steps: Iterator[dict[str, Any]], shown: Callable[[dict[str, Any]], str]
) -> dict[str, Any]:
    """The figures when all is measured; what there is of them when somebody interrupts."""
    from autograder.performance.bench import Failed

    measured: dict[str, Any] = {}
    try:
        with extra("conformance,capstone-cpu"):
            for so_far in steps:
                measured = so_far
    except Failed as error:
        raise stop(f"the measurement failed: {error}", FAULT) from error
    except KeyboardInterrupt:
        _tell_part(0, 0, "")
        text = "interrupted before anything was measured"
        if measured:
            print(shown(measured))
            text = "interrupted: these figures are of what was measured so far, and not written"
        raise stop(text, INTERRUPTED) from None
    finally:
        _tell_part(0, 0, "")
    return measured


def _tell_part(done: int, total: int, what: str) -> None:
    """A line that is written over, where somebody watches."""
    if sys.stderr.isatty():
        text = f"{what}: {done} of {total}" if what else ""
        print(f"\r{text:<60}" + ("" if what else "\r"), end="", file=sys.stderr, flush=True)
