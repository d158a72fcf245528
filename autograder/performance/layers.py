"""What is timed: the layers of known networks, and the sizes of the kit's own property tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograder import catalog
from autograder.bank import Banks
from reference import ops

Pair = tuple[int, int]
DTYPES = ("float64", "float32")
PASSES = ("forward", "both")  # "both": forward and backward, as training calls them
TESTS = "property tests"


@dataclass(frozen=True)
class Geometry:
    """One call: a convolution of images (n, c, h, w) with `out` filters, or a pool (`out` = c)."""

    kind: str  # "conv", "max_pool" or "avg_pool"
    n: int
    c: int
    h: int
    w: int
    out: int
    kernel: Pair
    stride: Pair
    padding: Pair

    @property
    def outputs(self) -> Pair:
        (kh, kw), (sh, sw), (ph, pw) = self.kernel, self.stride, self.padding
        return (
            ops.output_size(self.h, kh, sh, (ph, ph)),
            ops.output_size(self.w, kw, sw, (pw, pw)),
        )

    @property
    def flops(self) -> int:
        """Multiplications and additions of a convolution's forward pass; a pool has no products."""
        rows, cols = self.outputs
        taps = self.c * self.kernel[0] * self.kernel[1]
        return 2 * self.n * self.out * rows * cols * taps if self.kind == "conv" else 0


@dataclass(frozen=True)
class Arrays:
    """x, and dy for the output; w and b belong to convolutions."""

    x: np.ndarray
    w: np.ndarray
    b: np.ndarray
    dy: np.ndarray


@dataclass(frozen=True)
class Layer:
    """A row of the tables: one geometry, or all those of a property test, called in turn."""

    network: str
    name: str
    geometries: tuple[Geometry, ...]

    @property
    def kind(self) -> str:
        return self.geometries[0].kind

    @property
    def size(self) -> str:
        if len(self.geometries) > 1:
            return f"{len(self.geometries)} small calls"
        g = self.geometries[0]
        text = f"{g.n}x{g.c}x{g.h}x{g.w}, {g.kernel[0]}x{g.kernel[1]}"
        if g.kind == "conv":
            text += f" to {g.out}"
        if g.stride != (1, 1):
            text += f", stride {g.stride[0]}"
        return text + (f", padding {g.padding[0]}" if g.padding != (0, 0) else "")

    @property
    def flops(self) -> int:
        return sum(geometry.flops for geometry in self.geometries)


# name, kind, channels, rows (= columns) of the input, filters, kernel, stride, padding
NETWORKS: dict[str, tuple[tuple[str, str, int, int, int, int, int, int], ...]] = {
    "LeNet-5": (
        ("conv1", "conv", 1, 32, 6, 5, 1, 0),
        ("conv2", "conv", 6, 14, 16, 5, 1, 0),
        ("pool1", "avg_pool", 6, 28, 6, 2, 2, 0),
        ("pool2", "avg_pool", 16, 10, 16, 2, 2, 0),
    ),
    "AlexNet": (
        ("conv1", "conv", 3, 224, 64, 11, 4, 2),
        ("conv2", "conv", 64, 27, 192, 5, 1, 2),
        ("conv3", "conv", 192, 13, 384, 3, 1, 1),
        ("conv4", "conv", 384, 13, 256, 3, 1, 1),
        ("conv5", "conv", 256, 13, 256, 3, 1, 1),
        ("pool1", "max_pool", 64, 55, 64, 3, 2, 0),
        ("pool2", "max_pool", 192, 27, 192, 3, 2, 0),
        ("pool5", "max_pool", 256, 13, 256, 3, 2, 0),
    ),
    "GoogLeNet": (
        ("3a 1x1", "conv", 192, 28, 64, 1, 1, 0),
        ("3a 3x3 reduce", "conv", 192, 28, 96, 1, 1, 0),
        ("3a 3x3", "conv", 96, 28, 128, 3, 1, 1),
        ("3a 5x5 reduce", "conv", 192, 28, 16, 1, 1, 0),
        ("3a 5x5", "conv", 16, 28, 32, 5, 1, 2),
        ("3a pool proj", "conv", 192, 28, 32, 1, 1, 0),
        ("3a pool", "max_pool", 192, 28, 192, 3, 1, 1),
        ("4a 1x1", "conv", 480, 14, 192, 1, 1, 0),
        ("4a 3x3 reduce", "conv", 480, 14, 96, 1, 1, 0),
        ("4a 3x3", "conv", 96, 14, 208, 3, 1, 1),
        ("4a 5x5 reduce", "conv", 480, 14, 16, 1, 1, 0),
        ("4a 5x5", "conv", 16, 14, 48, 5, 1, 2),
        ("4a pool proj", "conv", 480, 14, 64, 1, 1, 0),
        ("4a pool", "max_pool", 480, 14, 480, 3, 1, 1),
        ("last pool", "avg_pool", 1024, 7, 1024, 7, 1, 0),
    ),
    "ResNet-18": (
        ("conv1", "conv", 3, 224, 64, 7, 2, 3),
        ("pool", "max_pool", 64, 112, 64, 3, 2, 1),
        ("conv2_x", "conv", 64, 56, 64, 3, 1, 1),
        ("conv3_1", "conv", 64, 56, 128, 3, 2, 1),
        ("conv3 skip", "conv", 64, 56, 128, 1, 2, 0),
        ("conv3_x", "conv", 128, 28, 128, 3, 1, 1),
        ("conv4_1", "conv", 128, 28, 256, 3, 2, 1),
        ("conv4 skip", "conv", 128, 28, 256, 1, 2, 0),
        ("conv4_x", "conv", 256, 14, 256, 3, 1, 1),
        ("conv5_1", "conv", 256, 14, 512, 3, 2, 1),
        ("conv5 skip", "conv", 256, 14, 512, 1, 2, 0),
        ("conv5_x", "conv", 512, 7, 512, 3, 1, 1),
        ("last pool", "avg_pool", 512, 7, 512, 7, 1, 0),
    ),
}
BATCH = {"LeNet-5": 64, "AlexNet": 8, "GoogLeNet": 8, "ResNet-18": 8}
# One of a kind, of one image: enough to see that all works.
QUICK = (
    "LeNet-5 conv2",
    "LeNet-5 pool1",
    "AlexNet conv3",
    "GoogLeNet 4a pool",
    "ResNet-18 conv5_1",
)
DRAWN = {"conv2d": "conv", "max_pool2d": "max_pool", "avg_pool2d": "avg_pool"}
MEMORY = Geometry("conv", 64, 64, 27, 27, 192, (5, 5), (1, 1), (2, 2))  # AlexNet's conv2


def layers(quick: bool = False) -> list[Layer]:
    """All that is timed; with `quick` less of it, and smaller."""
    found = [
        Layer(TESTS, name, geometries[:10] if quick else geometries)
        for name, geometries in _drawn()
    ]
    for layer in _layers_of_networks():
        if not quick:
            found.append(layer)
        elif f"{layer.network} {layer.name}" in QUICK:
            found.append(replace(layer, geometries=(replace(layer.geometries[0], n=1),)))
    return found


def _layers_of_networks() -> Iterator[Layer]:
    for network, rows in NETWORKS.items():
        for name, kind, c, side, out, kernel, stride, padding in rows:
            pairs = (kernel, kernel), (stride, stride), (padding, padding)
            geometry = Geometry(kind, BATCH[network], c, side, side, out, *pairs)
            yield Layer(network, name, (geometry,))


def _drawn() -> Iterator[tuple[str, tuple[Geometry, ...]]]:
    """The geometries of the public cases that the kit's own exercises are judged by."""
    banks = Banks()
    for exercise in catalog.select(list(DRAWN)):
        drawn = [
            _geometry(DRAWN[exercise.name], case.arguments)
            for case in banks.of(exercise).cases
            if case.kind != "impossible" and len(case.arguments["x"])
        ]
        yield exercise.name, tuple(drawn)


def _geometry(kind: str, arguments: dict[str, Any]) -> Geometry:
    n, c, h, w = np.shape(arguments["x"])
    if kind == "conv":
        out, _, kh, kw = np.shape(arguments["w"])
    else:
        out, (kh, kw) = c, arguments["kernel"]
    stride, padding = arguments.get("stride", (1, 1)), arguments.get("padding", (0, 0))
    return Geometry(kind, n, c, h, w, out, (kh, kw), tuple(stride), tuple(padding))


def arrays(geometry: Geometry, dtype: str, rng: np.random.Generator) -> Arrays:
    """Normal numbers for convolutions; for pools numbers that differ, so that no maximum ties."""
    g = geometry
    dy = rng.normal(size=(g.n, g.out, *g.outputs)).astype(dtype)
    if g.kind == "conv":
        x = rng.normal(size=(g.n, g.c, g.h, g.w))
        w = rng.normal(size=(g.out, g.c, *g.kernel))
    else:
        count = g.n * g.c * g.h * g.w
        x = rng.permutation(count).reshape(g.n, g.c, g.h, g.w) / count - 0.5
        w = np.zeros((0, 0, 0, 0))
    b = rng.normal(size=g.out)
    return Arrays(x.astype(dtype), w.astype(dtype), b.astype(dtype), dy)
