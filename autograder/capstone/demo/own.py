"""A student's functions compute the network, in the isolated worker, layer by layer.

Each layer's answer is compared with the reference's for the same input, so that a wrong function is
named however late in the network it is. Its answer goes on all the same: what a mistake does to
the layers behind it is there to be seen. Where a function is missing or has no usable answer, the
reference stands in. Batch normalisation, scaling and the dense layer's matrix product are no
exercises: the kit computes them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autograder import catalog
from autograder.capstone import activations, layers
from autograder.capstone.graph import Node
from autograder.capstone.model import Model
from autograder.engine import session_of
from autograder.isolation import ladder
from autograder.isolation.calls import Answer, EncodedCall
from autograder.isolation.ladder import ForkServer
from autograder.isolation.limits import DEFAULT, Limits
from autograder.isolation.parent import Session
from autograder.report.text import visible
from autograder.submissions import read

# In the order in which they are shown, with their modules; of convolutions the quickest first.
FUNCTIONS = {
    "images_from_keras": "keras_bridge",
    "kernel_from_keras": "keras_bridge",
    "zero_pad2d": "padding",
    "conv2d_im2col": "convolution",
    "conv2d": "convolution",
    "grouped_conv2d": "convolution",
    "relu": "activation",
    "max_pool2d": "pooling",
    "avg_pool2d": "pooling",
    "global_avg_pool2d": "pooling",
    "softmax": "activation",
}
# The network's layers are far larger than any case of an exercise. A drawing is looked at as long
# as somebody draws, so only single calls are limited; a worker is renewed well before its end.
SECONDS = 20.0
RENEWED_AFTER = 100.0
# Of the largest number: float32 sums of some hundred products differ by a hundredth of this.
ROUNDING = 1e-4
# After these a function is not called again until its file changes: it would be waited for anew.
FATAL = ("timeout", "crash", "memory", "forbidden")
RANK = {"right": 0, "wrong": 1, "unwritten": 2, "broken": 2}


@dataclass
class Used:
    """One function at work.

    status  "right" or "wrong"; "unwritten" or "broken" where the reference stands in for it
    said    in words, what is the matter
    layers  those that it computed, or should have
    """

    function: str
    status: str = "right"
    said: str = ""
    layers: list[str] = field(default_factory=list)

    def note(self, status: str, said: str) -> None:
        """What is worse than before; of two that are alike the first is told."""
        if RANK[status] > RANK[self.status]:
            self.status, self.said = status, said

    def to_json(self) -> dict[str, Any]:
        module = FUNCTIONS[self.function]
        return {**dataclasses.asdict(self), "module": f"{module}.py"}


@dataclass
class Look:
    """What the functions made of one image: a value for each node, as `Model.values` gives them.

    seconds           from the image to the answer, with all that is between
    function_seconds  CPU time in the functions alone, by the worker's own word
    """

    values: list[np.ndarray]
    used: list[Used]
    seconds: float
    function_seconds: float


def limited(limits: Limits, seconds: float) -> Limits:
    """The course's limits with these CPU seconds for a call, and without those for a submission."""
    return dataclasses.replace(
        limits,
        call_seconds=seconds,
        submission_seconds=1e9,
        submission_wall_seconds=1e9,
    )


class Own:
    """The functions at a path, read again whenever a file of theirs has changed.

    `seconds` of CPU are allowed for a call. Without a server given it starts its own.
    """

    def __init__(
        self,
        path: Path,
        limits: Limits = DEFAULT,
        server: ForkServer | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self.path = path
        self.limits = limited(limits, seconds)
        self._given = server
        self._server: ForkServer | None = server
        self._session: Session | None = None
        self._stamps: list[tuple[str, int, int]] = []
        self._broken: dict[str, str] = {}
        self._renew_at = RENEWED_AFTER
        self._topics = frozenset(topic.name for topic in catalog.topics())
        read(path, self._topics, self.limits)  # BadSubmission, better now than later

    @property
    def level(self) -> str:
        """Of isolation; starts the worker's server."""
        if self._server is None:
            self._server = ladder.best(self.limits)
        return self._server.level

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
        if self._server is not None and self._server is not self._given:
            self._server.close()
        self._server = self._given

    def look(self, model: Model, image: np.ndarray) -> Look:
        """The network's answer to a digit (28, 28); BadSubmission where nothing can be read."""
        session = self._current()
        before = session.function_seconds
        started = time.perf_counter()
        run = _Run(session, self._broken)
        values = run.through(model, image[None])
        seconds = time.perf_counter() - started
        if session.cpu_seconds() > self._renew_at:
            session.end_worker()
            self._renew_at = session.cpu_seconds() + RENEWED_AFTER
        used = [run.used[name] for name in FUNCTIONS if name in run.used]
        return Look(values, used, seconds, session.function_seconds - before)

    def _current(self) -> Session:
        stamps = self._look_at_files()
        if self._session is None or stamps != self._stamps:
            submission = read(self.path, self._topics, self.limits)
            if self._session is not None:
                self._session.close()
            _ = self.level
            self._session = session_of(submission, self.limits, self._server)
            self._session.clocked = True
            self._stamps, self._broken = stamps, {}
            self._renew_at = RENEWED_AFTER
        return self._session

    def _look_at_files(self) -> list[tuple[str, int, int]]:
        files = [self.path]
        if self.path.is_dir():
            patterns = ("*.py", "*/*.py", "*.ipynb", "*/*.ipynb")
            files = sorted(file for pattern in patterns for file in self.path.glob(pattern))
        stamps = []
        for file in files:
            with contextlib.suppress(OSError):
                stat = file.stat()
                stamps.append((str(file), stat.st_mtime_ns, stat.st_size))
        return stamps


class _Run:
    """One image on its way through the network."""

    def __init__(self, session: Session, broken: dict[str, str]) -> None:
        self.session = session
        self.broken = broken
        self.used: dict[str, Used] = {}
        self.layer = ""

    def through(self, model: Model, images: np.ndarray) -> list[np.ndarray]:
        values: list[np.ndarray] = []
        with np.errstate(all="ignore"):
            for node in model.graph.nodes:
                self.layer = node.name
                if node.layer is None:
                    shape = (len(images), *node.shape)
                    values.append(np.asarray(images, np.float32).reshape(shape))
                else:
                    xs = [values[i] for i in node.inputs]
                    values.append(self.computed(node, xs, model.weights_of(node)))
        return values

    def computed(
        self, node: Node, xs: list[np.ndarray], weights: Sequence[np.ndarray]
    ) -> np.ndarray:
        layer = node.layer
        assert layer is not None
        match layer:
            case layers.Conv():
                return self.activated(layer.activation, self.conv(layer, xs[0], weights))
            case layers.Dense():
                bias = weights[1] if layer.use_bias else None
                return self.activated(layer.activation, layer.linear(xs[0], weights[0], bias))
            case layers.Pool():
                return self.pool(layer, xs[0])
            case layers.GlobalPool(kind="GlobalAveragePooling2D"):
                expected = layer.forward(xs, weights)
                means = self.ask(
                    "global_avg_pool2d", expected.reshape(len(expected), -1), x=self.first(xs[0])
                )
                return means.reshape(expected.shape)
            case layers.Activation(settings=("relu",) | (0.0, None, 0.0)):
                return self.activated("relu", xs[0])
            case layers.Activation(settings=("softmax",)):
                return self.activated("softmax", xs[0])
        return layer.forward(xs, weights)

    # --- the layers that are exercises

    def first(self, x: np.ndarray) -> np.ndarray:
        """Keras' order of axes to the exercises'."""
        expected = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        return self.ask("images_from_keras", expected, images=x)

    def conv(self, layer: layers.Conv, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        kernel = weights[0]
        if layer.kind == "DepthwiseConv2D":
            kernel = kernel.reshape(*layer.kernel, 1, -1)
        bias = weights[1] if layer.use_bias else np.zeros(kernel.shape[3], np.float32)
        expected = layer.linear(x, weights[0], bias)
        transposed = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        arguments: dict[str, Any] = {
            "x": self.first(x),
            "w": self.ask("kernel_from_keras", transposed, kernel=kernel),
            "b": bias,
            "stride": layer.strides,
            "padding": (layer.pads[0][0], layer.pads[1][0]),
        }
        if any(before != after for before, after in layer.pads):
            around = np.pad(arguments["x"], ((0, 0), (0, 0), *layer.pads))
            arguments["x"] = self.ask("zero_pad2d", around, x=arguments["x"], padding=layer.pads)
            arguments["padding"] = (0, 0)
        names = ["conv2d_im2col", "conv2d"]
        if layer.groups > 1 or layer.dilation != (1, 1):
            names = ["grouped_conv2d"]
            arguments |= {"dilation": layer.dilation, "groups": layer.groups}
        y = self.ask_first(names, expected.transpose(0, 3, 1, 2), **arguments)
        return y.transpose(0, 2, 3, 1)

    def pool(self, layer: layers.Pool, x: np.ndarray) -> np.ndarray:
        expected = layer.forward([x], [])
        (top, bottom), (left, right) = layer.pads
        if top != bottom or left != right:
            return expected  # more zeros on one side: the exercises have no such pool
        name = "max_pool2d" if layer.kind == "MaxPooling2D" else "avg_pool2d"
        y = self.ask(
            name,
            expected.transpose(0, 3, 1, 2),
            x=self.first(x),
            kernel=layer.size,
            stride=layer.strides,
            padding=(top, left),
        )
        return y.transpose(0, 2, 3, 1)

    def activated(self, name: str, x: np.ndarray) -> np.ndarray:
        expected = activations.FUNCTIONS[name](x)
        if name == "relu":
            return self.ask("relu", expected, x=x)
        if name == "softmax":
            rows = self.ask(
                "softmax",
                expected.reshape(-1, x.shape[-1]),
                logits=np.ascontiguousarray(x.reshape(-1, x.shape[-1])),
            )
            return rows.reshape(expected.shape)
        return expected

    # --- the questions

    def ask_first(self, names: Sequence[str], expected: np.ndarray, **arguments: Any) -> np.ndarray:
        """Of the first of these functions that answers; of none of them, the reference."""
        for name in names[:-1]:
            y = self.ask(name, expected, **arguments)
            if self.used[name].status == "unwritten":
                del self.used[name]
            elif self.used[name].status != "broken":
                return y
        return self.ask(names[-1], expected, **arguments)

    def ask(self, function: str, expected: np.ndarray, **arguments: Any) -> np.ndarray:
        """The function's answer, in float32; `expected` itself where there is none of its shape."""
        used = self.used.setdefault(function, Used(function))
        used.layers.append(self.layer)
        if function in self.broken:
            used.note("broken", self.broken[function])
            return expected
        call = EncodedCall.of(arguments)
        (answer,) = self.session.ask(FUNCTIONS[function], function, [call])
        if answer.status != "value":
            said = _sentence(function, answer)
            used.note("unwritten" if answer.status == "not_attempted" else "broken", said)
            if answer.status in FATAL:
                self.broken[function] = said
            return expected
        given = answer.value
        if (unfit := _unfit(given, expected)) is not None:
            used.note("broken", f"{function} gives {unfit}, in {self.layer}")
            return expected
        y = np.asarray(given, np.float32)
        difference = distance(y, expected)
        allowed = ROUNDING * max(1.0, float(np.nan_to_num(np.abs(expected)).max(initial=0)))
        if difference > allowed:
            told = f"by up to {difference:.2g}" if np.isfinite(difference) else "or none"
            used.note(
                "wrong",
                f"{function} gives other numbers than the reference, {told}, in {self.layer}",
            )
        return y


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference of two arrays; infinite where only one of them has a number."""
    with np.errstate(all="ignore"):
        apart = np.abs(one.astype(np.float64) - other)
    apart[(one == other) | (np.isnan(one) & np.isnan(other))] = 0
    return float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(initial=0))


def _sentence(function: str, answer: Answer) -> str:
    if answer.status == "not_attempted":
        return visible(answer.message) or f"{function} is not written yet"
    if answer.at_import:
        return f"{FUNCTIONS[function]}.py does not load: {visible(answer.message)}"
    return f"{function} has no answer: {visible(answer.message)}"


def _unfit(given: Any, expected: np.ndarray) -> str | None:
    """Why an answer cannot take the place of the reference's."""
    if not isinstance(given, np.ndarray):
        return f"no array but a value of type {type(given).__name__}"
    if given.shape != expected.shape:
        return f"an array of shape {given.shape} where {expected.shape} is right"
    if given.dtype.kind not in "fiu":
        return f"an array of dtype {given.dtype}"
    return None
