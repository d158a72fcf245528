"""A trained model run three ways: by the reference, by the student's own layers, and by Keras.

Whether they agree is judged in float64, where `rounding` derives how far apart two evaluations may
lie: a millionth for the kit's network. In float32, in which they are timed, such a bound says
nothing of a network as deep as this one. Answers beyond the bound are those of something else:
which layer it is, is found by models in which all later convolutions only pass their input on.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from autograder.capstone import activations, layers, rounding
from autograder.capstone.graph import Node
from autograder.capstone.model import Model, Precision
from autograder.capstone.training import Tell, silent
from autograder.isolation.calls import Answer, EncodedCall
from autograder.isolation.ladder import ForkServer
from autograder.isolation.limits import DEFAULT, MIB, Limits
from autograder.isolation.parent import Session
from autograder.submissions import BadSubmission, read

MODULE = "capstone.predict"
STEP = 100  # digits of one call: the columns of more would not fit into memory
SECONDS = 60.0  # CPU, for these
REPEATS = 5  # of what is timed here; the median counts
PROBED = 4  # digits that a wrong predict is asked again, with changed models
BOUNDED = 100  # digits whose bound is computed at once
# Who computes in float32 whatever is given lies beyond a bound for float64, but not by this much.
FLOAT32 = 1e-4
LIMITS = dataclasses.replace(
    DEFAULT, call_seconds=SECONDS, submission_wall_seconds=3600.0, memory_bytes=4096 * MIB
)


class NoAnswer(Exception):
    """The student's function gave nothing that can be compared; the text says why."""


@dataclass(frozen=True)
class Ran:
    """One way to run the model.

    answers  (N, 10) in float32, and the CPU `seconds` that they took
    exact    the same of float64 weights and pixels
    """

    name: str
    answers: np.ndarray
    seconds: float
    exact: np.ndarray


@dataclass(frozen=True)
class Distance:
    """How far answers lie from the reference's.

    alike    digits of which the likeliest class is the same
    largest  the largest difference in float32
    exact    the largest difference in float64, and `where`: digit and class
    bound    the largest difference in float64 that rounding explains
    beyond   digits with a float64 answer further away than rounding explains
    """

    alike: int
    largest: float
    exact: float
    where: tuple[int, int]
    bound: float
    beyond: np.ndarray

    @property
    def proven(self) -> bool:
        return not len(self.beyond)

    @property
    def agrees(self) -> bool:
        return self.proven or max(self.exact, self.largest) <= FLOAT32


def bounds(model: Model, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The reference's answers in float64, and how far others may lie from them."""
    starts = range(0, len(images), BOUNDED)
    parts = [rounding.bound(model, images[start : start + BOUNDED], np.float64) for start in starts]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def distance(ran: Ran, reference: Ran, bound: np.ndarray) -> Distance:
    apart = _apart(ran.exact, reference.exact)
    digit, label = np.unravel_index(int(apart.argmax()), apart.shape)
    alike = int((ran.answers.argmax(axis=1) == reference.answers.argmax(axis=1)).sum())
    return Distance(
        alike,
        float(_apart(ran.answers, reference.answers).max()),
        float(apart[digit, label]),
        (int(digit), int(label)),
        float(bound.max()),
        np.flatnonzero((apart > bound).any(axis=1)),
    )


def _apart(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Differences; what is no number lies infinitely far away."""
    with np.errstate(invalid="ignore"):
        apart: np.ndarray = np.abs(some.astype(np.float64) - others.astype(np.float64))
    return np.where(np.isnan(apart), np.inf, apart)


def _is(model: Model, images: np.ndarray, answers: np.ndarray) -> bool:
    """Whether answers are this model's, computed in whichever precision."""
    ours, bound = rounding.bound(model, images, np.float64)
    return bool((_apart(answers, ours) <= bound + FLOAT32).all())


def by_reference(model: Model, images: np.ndarray, exact: np.ndarray) -> Ran:
    """By the compiled reference's operations, on one core; in float64 it is known already."""
    answers, seconds = _timed(lambda: model.answers(images))
    return Ran("the reference", answers, seconds, exact)


def by_keras(path: Path, images: np.ndarray) -> Ran:
    """By Keras; the file must have been accepted, so that nothing in it is more than data."""
    from autograder.capstone.training import keras

    module = keras()
    loaded = module.models.load_model(path, compile=False)
    given = images[..., None]
    loaded.predict(given[:1], verbose=0)  # what it does once only
    answers, seconds = _timed(lambda: loaded.predict(given, batch_size=250, verbose=0))
    config = json.loads(json.dumps(loaded.get_config()).replace('"float32"', '"float64"'))
    wide = type(loaded).from_config(config)
    wide.set_weights(loaded.get_weights())
    for layer in _layers(wide):
        if isinstance(layer, module.layers.Rescaling):
            # A plain number is rounded to float32 by TensorFlow, whatever it is cast to then.
            layer.scale, layer.offset = np.float64(layer.scale), np.float64(layer.offset)
    exact = wide.predict(given.astype(np.float64), batch_size=250, verbose=0)
    return Ran(f"Keras {module.__version__}", answers, seconds, exact)


def _layers(keras_model: Any) -> Iterator[Any]:
    for layer in keras_model.layers:
        yield from _layers(layer) if hasattr(layer, "layers") else [layer]


def _timed(run: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    seconds = []
    for _ in range(REPEATS):
        started = time.process_time()
        answers = run()
        seconds.append(time.process_time() - started)
    return np.asarray(answers), statistics.median(seconds)


def weights_in_keras_order(model: Model) -> list[np.ndarray]:
    """What `get_weights()` of the Keras model gives: layer by layer, each array once."""
    paths = dict.fromkeys(path for node in model.graph.nodes for path in node.weights)
    return [model.arrays[path] for path in paths]


# --- the student's own layers


def sources(folder: Path, topics: frozenset[str], limits: Limits = DEFAULT) -> dict[str, str]:
    """The modules of an exercises folder, and capstone/predict.py among them."""
    file = folder / "capstone" / "predict.py"
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSubmission(f"{file} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise BadSubmission(
            f"cannot read {file}: {error.strerror}; name the folder that holds capstone with "
            "--exercises"
        ) from error
    return {**read(folder, topics, limits).sources, MODULE: text}


class Mine:
    """The student's predict.py in an isolated worker."""

    def __init__(
        self, sources: Mapping[str, str], server: ForkServer, limits: Limits = LIMITS
    ) -> None:
        self._session = Session(sources, limits, server=server, clocked=True)

    def __enter__(self) -> Mine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def run(self, model: Model, images: np.ndarray, tell: Tell = silent) -> Ran:
        """`predict` on these images; NoAnswer, if there is none for each of them."""
        before = self._session.function_seconds
        answers = self.predict(model, images, np.float32, tell)
        seconds = self._session.function_seconds - before
        exact = self.predict(model, images, np.float64, tell)
        return Ran("your layers", answers, seconds, exact)

    def predict(
        self, model: Model, images: np.ndarray, dtype: Precision, tell: Tell = silent
    ) -> np.ndarray:
        """The answers for float32 weights and raw pixels, or all of it in float64."""
        weights = [array.astype(dtype) for array in weights_in_keras_order(model)]
        given = images if dtype == np.float32 else images.astype(dtype)
        parts = []
        for start in range(0, len(given), STEP):
            some = given[start : start + STEP]
            answer = self._ask("predict", {"weights": weights, "images": some})
            parts.append(_probabilities(answer, len(some)))
            tell(start + len(some), len(given), f"your layers in {dtype.__name__}")
        return np.concatenate(parts)

    def fold(self, *arrays: np.ndarray, epsilon: float) -> Answer:
        names = ("kernel", "gamma", "beta", "mean", "variance")
        return self._ask(
            "fold_batch_norm", {**dict(zip(names, arrays, strict=True)), "epsilon": epsilon}
        )

    def _ask(self, function: str, arguments: Mapping[str, object]) -> Answer:
        return self._session.ask(MODULE, function, [EncodedCall.of(arguments)])[0]


def _probabilities(answer: Answer, count: int) -> np.ndarray:
    if answer.status == "not_attempted":
        raise NoAnswer(answer.message or "predict is not written yet")
    if answer.status == "timeout":
        raise NoAnswer(
            f"{answer.message}, which was for {count} digits; ask for fewer with --digits, or "
            "build on conv2d_im2col"
        )
    if answer.status != "value":
        raise NoAnswer(answer.message)
    value = answer.value
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        kind = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise NoAnswer(f"predict gives {kind}; it should give an array of float numbers")
    if value.shape != (count, 10):
        raise NoAnswer(
            f"predict gives an array of shape {value.shape} for {count} digits; it should be "
            f"({count}, 10)"
        )
    return value


# --- what is wrong


def fold_trouble(mine: Mine, model: Model) -> str:
    """What is wrong with `fold_batch_norm` by itself; empty where it is right, or not written."""
    for conv, norm in _folded(model):
        weights = [model.arrays[path] for path in (*conv.weights[:1], *norm.weights)]
        assert isinstance(norm.layer, layers.BatchNormalization)
        answer = mine.fold(*weights, epsilon=norm.layer.epsilon)
        if answer.status == "not_attempted":
            return ""
        if answer.status != "value":
            return answer.message
        value = answer.value
        if not (
            isinstance(value, list | tuple)
            and len(value) == 2
            and all(isinstance(part, np.ndarray) for part in value)
        ):
            return "it should give two arrays, the kernel and the bias"
        kernel, gamma, beta, mean, variance = (w.astype(np.float64) for w in weights)
        scale = gamma / np.sqrt(variance + norm.layer.epsilon)
        wanted = {"kernel": (kernel * scale, np.abs(kernel * scale)),
                  "bias": (beta - mean * scale, np.abs(beta) + np.abs(mean * scale))}  # fmt: skip
        for got, (name, (right, size)) in zip(value, wanted.items(), strict=True):
            if got.shape != right.shape:
                return f"its {name} has shape {got.shape}; it should be {right.shape}"
            # Some six roundings on each side of numbers of this size.
            apart = np.abs(got - right) - 16 * rounding.U * size
            if not (apart <= 0).all():
                at = np.unravel_index(int(np.nan_to_num(apart, nan=np.inf).argmax()), right.shape)
                place = ", ".join(map(str, at))
                return (
                    f"for {_name(conv)} its {name}[{place}] is {got[at]:.6g}; "
                    f"it should be {right[at]:.6g}"
                )
    return ""


def _folded(model: Model) -> Iterator[tuple[Node, Node]]:
    """Each convolution without a bias, and the batch normalisation of its output."""
    nodes = model.graph.nodes
    for node in nodes:
        if isinstance(node.layer, layers.BatchNormalization) and len(node.weights) == 4:
            before = nodes[node.inputs[0]]
            if isinstance(before.layer, layers.Conv) and not before.layer.use_bias:
                yield before, node


def _name(node: Node) -> str:
    return node.name.rpartition("/")[2]


def first_wrong_layer(mine: Mine, model: Model, images: np.ndarray) -> str:
    """Up to which layer the student's answers are right; empty where that cannot be told.

    In the model of step k the first k convolutions are the trained ones. The others have kernels
    that pass a channel on, and a batch normalisation that changes nothing.
    """
    convolutions = _convolutions(model)
    some = images[:PROBED]
    for step in range(len(convolutions) + 1):
        passing = _passing_on(model, convolutions[step:])
        try:
            answers = mine.predict(passing, some, np.float64)
        except NoAnswer:
            return ""
        if not _is(passing, some, answers):
            if step == 0:
                return (
                    "with convolutions that only pass their input on it is wrong already: look at "
                    "the division by 255, pooling, flattening in Keras' order, the dense layer "
                    "and the softmax"
                )
            right = "no" if step == 1 else "one" if step == 2 else str(step - 1)
            return (
                f"with {right} convolution{'' if step == 2 else 's'} at work it is right, and from "
                f"{_name(convolutions[step - 1])} on it is wrong: look at this convolution, its "
                "batch normalisation and ReLU, and the pooling around it"
            )
    return ""


def _convolutions(model: Model) -> list[Node]:
    """Those that can be made to pass their input on, each once."""
    found = {
        node.weights[0]: node
        for node in model.graph.nodes
        if isinstance(node.layer, layers.Conv)
        and node.layer.kind == "Conv2D"
        and node.layer.groups == 1
        and all(size % 2 for size in node.layer.kernel)
    }
    return list(found.values())


def _passing_on(model: Model, convolutions: list[Node]) -> Model:
    arrays = dict(model.arrays)
    for node in convolutions:
        kernel = np.zeros_like(arrays[node.weights[0]])
        height, width, channels, filters = kernel.shape
        outputs = np.arange(filters)
        kernel[height // 2, width // 2, outputs % channels, outputs] = 1
        arrays[node.weights[0]] = kernel
        for path in node.weights[1:]:
            arrays[path] = np.zeros_like(arrays[path])
        for norm in (n for c, n in _folded(model) if c.weights[0] == node.weights[0]):
            for path, value in zip(norm.weights, (1, 0, 0, 1), strict=True):
                arrays[path] = np.full_like(arrays[path], value)
    return dataclasses.replace(model, arrays=arrays)


def misreading(model: Model, images: np.ndarray, answers: np.ndarray) -> str:
    """The one mistake that explains wrong float64 answers, if it is a known one."""
    wide = {path: array.astype(np.float64) for path, array in model.arrays.items()}
    model = dataclasses.replace(model, arrays=wide)
    some, given = images[:PROBED].astype(np.float64), answers[:PROBED]
    for told, (changed, pixels) in _misread(model, some):
        if _is(changed, pixels, given):
            return told
    if model.ends_in_softmax and _is(model, some, activations.softmax(given)):
        return "the softmax of the last layer is missing: the answers are no probabilities"
    return ""


def _misread(model: Model, images: np.ndarray) -> Iterator[tuple[str, tuple[Model, np.ndarray]]]:
    """Wrong models, by what made them: each with the images that it is asked."""

    def changed(change: Callable[[np.ndarray], np.ndarray], paths: list[str]) -> Model:
        arrays = {**model.arrays, **{path: change(model.arrays[path]) for path in paths}}
        return dataclasses.replace(model, arrays=arrays)

    kernels = [n.weights[0] for n in model.graph.nodes if isinstance(n.layer, layers.Conv)]
    norms = [norm for _, norm in _folded(model)]
    shifts = [path for norm in norms for path in norm.weights[1:3]]
    yield "the pixels are not divided by 255", (model, images * 255)
    yield "the pixels are divided by 255 twice", (model, images / 255)
    yield (
        "the kernels are flipped; Keras' convolution does not flip them either",
        (changed(lambda kernel: np.ascontiguousarray(kernel[::-1, ::-1]), kernels), images),
    )
    yield (
        "rows and columns of the kernels are swapped, as .T does; use kernel_from_keras",
        (changed(lambda kernel: np.ascontiguousarray(kernel.swapaxes(0, 1)), kernels), images),
    )
    yield (
        "the biases of the folded convolutions are missing",
        (changed(np.zeros_like, shifts), images),
    )
    if norms:
        assert isinstance(norms[0].layer, layers.BatchNormalization)
        epsilon = norms[0].layer.epsilon
        variances = [norm.weights[3] for norm in norms]
        yield (
            "epsilon is not added to the variance",
            (changed(lambda variance: variance - epsilon, variances), images),
        )
    for node in model.graph.nodes:
        before = model.graph.nodes[node.inputs[0]] if node.inputs else None
        if isinstance(node.layer, layers.Dense) and before is not None:
            while before.inputs and before.layer is not None and before.layer.is_identity:
                before = model.graph.nodes[before.inputs[0]]
            if not isinstance(before.layer, layers.Reshape):
                continue
            shape = model.graph.nodes[before.inputs[0]].shape
            if len(shape) == 3:

                def reordered(kernel: np.ndarray, shape: tuple[int, ...] = shape) -> np.ndarray:
                    height, width, channels = shape
                    rows = kernel.reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
                    return rows.reshape(kernel.shape)

                yield (
                    "the features are flattened in the order channel, row, column; Keras' order "
                    "is row, column, channel",
                    (changed(reordered, [node.weights[0]]), images),
                )
