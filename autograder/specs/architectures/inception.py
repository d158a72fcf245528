"""Four branches side by side: inception_module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograder.laws import agrees, dtype, lasting, refuses, untouched
from autograder.spec import Arguments, Exercise
from autograder.specs import _working
from autograder.specs._layers import ONE, Pair, renumbered
from autograder.specs._network import Carried
from autograder.specs.architectures._blocks import Values, as_it_is, long_side
from autograder.strategies import Draw
from reference import ops

SIDES = {"1x1": 1, "3x3_reduce": 1, "3x3": 3, "5x5_reduce": 1, "5x5": 5, "pool_proj": 1}


def module(draw: Draw, most: int, size: Pair, n: int = 1) -> Arguments:
    """A module whose six convolutions have up to `most` filters each, in any order of names."""
    c = draw.size(1, most)
    branches = {}
    before = 1
    for name, side in SIDES.items():
        depth = before if name in ("3x3", "5x5") else c
        before = draw.size(1, most)
        w = draw.whole(before, depth, side, side, low=-2, high=2)
        branches[name] = (w, draw.whole(before))
    if draw.size(0, 1):
        branches = dict(reversed(branches.items()))
    return dict(x=draw.whole(n, c, *size), branches=branches)


def one_channel_each(draw: Draw) -> Arguments:
    return module(draw, 1, draw.pair(1, 3))


def negative_pixels(draw: Draw) -> Arguments:
    """Where padding with zeros would win every maximum at the border."""
    arguments = one_channel_each(draw)
    return {**arguments, "x": draw.whole(*arguments["x"].shape, low=-4, high=-1)}


def many_channels(draw: Draw) -> Arguments:
    return module(draw, 3, draw.pair(1, 4), draw.size(1, 2))


def renumbered_module(draw: Draw, kind: str, size: Pair) -> Arguments:
    arguments = module(draw, 2, size, draw.size(1, 2))
    branches = {
        name: (renumbered(draw, kind, w), renumbered(draw, kind, b))
        for name, (w, b) in arguments["branches"].items()
    }
    return dict(x=renumbered(draw, kind, arguments["x"]), branches=branches)


def large_module(draw: Draw) -> Arguments:
    return renumbered_module(draw, "real", long_side(draw))


def impossible_module(draw: Draw) -> Arguments:
    """A name too few, or weights of other shapes, also such that the sizes come out."""
    branches = {name: (np.ones((1, 1, k, k)), np.ones(1)) for name, k in SIDES.items()}
    one, three = branches["1x1"], branches["3x3"]
    changes = draw.choose(
        {"5x5": None},
        {"pool_proj": None},
        {"1x1": three},
        {"3x3": one},
        {"3x3_reduce": three, "3x3": one},
        {"3x3": (np.ones((1, 2, 3, 3)), np.ones(1))},
    )
    kept = {name: pair for name, pair in (branches | changes).items() if pair is not None}
    return dict(x=np.ones((1, 1, 3, 4)), branches=kept)


def float32_module(draw: Draw) -> Arguments:
    return renumbered_module(draw, "float32", draw.pair(1, 4))


def integer_module(draw: Draw) -> Arguments:
    return renumbered_module(draw, draw.choose("uint8", "int64"), draw.pair(1, 4))


def no_images(draw: Draw) -> Arguments:
    return module(draw, 2, draw.pair(1, 3), 0)


def assembled(
    x: np.ndarray,
    branches: dict[str, tuple[np.ndarray, np.ndarray]],
    pool: Values = lambda x: ops.max_pool2d(x, (3, 3), ONE, ONE),
    reduced: Values = ops.relu,
    last: Values = ops.relu,
    order: Sequence[int] = (0, 1, 2, 3),
) -> np.ndarray:
    """The module with another pool, other activations, another order."""

    def conv(x: np.ndarray, name: str) -> np.ndarray:
        side = SIDES[name] // 2
        return ops.conv2d(x, *branches[name], ONE, (side, side))

    parts = [
        last(conv(x, "1x1")),
        last(conv(reduced(conv(x, "3x3_reduce")), "3x3")),
        last(conv(reduced(conv(x, "5x5_reduce")), "5x5")),
        last(conv(pool(x), "pool_proj")),
    ]
    return np.concatenate([parts[i] for i in order], axis=1)


def padding_wins_the_max(x, branches):
    """the pool's padding counts as 0, and wins over negative pixels.
    Padding never wins a maximum: it counts as minus infinity."""

    def pool(x):
        return ops.max_pool2d(ops.zero_pad2d(x, (ONE, ONE)), (3, 3), ONE)

    return assembled(x, branches, pool=pool)


def activation_missing_after_reduce(x, branches):
    """there is no ReLU after the convolutions that reduce.
    A ReLU follows each of the six convolutions."""
    return assembled(x, branches, reduced=as_it_is)


def activation_missing_at_the_end(x, branches):
    """there is no ReLU at the end of the branches.
    A ReLU follows each of the six convolutions."""
    return assembled(x, branches, last=as_it_is)


def no_activation_at_all(x, branches):
    """there is no ReLU at all.
    A ReLU follows each of the six convolutions."""
    return assembled(x, branches, reduced=as_it_is, last=as_it_is)


def pool_forgotten(x, branches):
    """the fourth branch does not pool.
    A 3x3 max pool with stride 1 and padding 1 comes before its convolution."""
    return assembled(x, branches, pool=as_it_is)


def average_for_maximum(x, branches):
    """the fourth branch averages.
    It takes the maximum of each 3x3 window."""
    return assembled(x, branches, pool=lambda x: ops.avg_pool2d(x, (3, 3), ONE, ONE))


def large_filters_before_small(x, branches):
    """the branches of 3x3 and 5x5 change places.
    The order is 1x1, 3x3, 5x5, pool."""
    return assembled(x, branches, order=(0, 2, 1, 3))


def pool_first(x, branches):
    """the pooling branch comes first.
    The order is 1x1, 3x3, 5x5, pool."""
    return assembled(x, branches, order=(3, 0, 1, 2))


def module_error(arguments: Arguments, expected: Any) -> np.ndarray:
    """Those of the four branches, side by side."""
    x, branches = Carried.start(arguments["x"]), arguments["branches"]

    def conv(x: Carried, name: str) -> Carried:
        (w, b), side = branches[name], SIDES[name] // 2
        return x.conv(w, b, padding=(side, side))

    ends = [
        conv(x, "1x1"),
        conv(conv(x, "3x3_reduce").relu(), "3x3"),
        conv(conv(x, "5x5_reduce").relu(), "5x5"),
        conv(x.pool((3, 3), ONE, ONE), "pool_proj"),
    ]
    return np.concatenate([end.tolerance for end in ends], axis=1)


inception_module = Exercise(
    ops.inception_module,
    kinds={
        "one channel": one_channel_each,
        "negative": negative_pixels,
        "channels": many_channels,
        "large": large_module,
        "float32": float32_module,
        "integers": integer_module,
        "empty batch": no_images,
        "impossible": impossible_module,
    },
    laws=[
        agrees(0.5, "one channel", says="the four branches stand one after the other as channels"),
        agrees(0.5, "negative", "channels", "large", "float32", "integers", "empty batch",
               name="channels",
               says="so they do for any pixels, and any number of channels in a branch"),
        dtype(0.5),
        lasting(untouched(0.5, "channels", "float32", "integers", needs="agrees")),
        refuses("a missing name, or weights of another shape, raises ValueError"),
    ],
    tolerance=module_error,
    misconceptions=[
        padding_wins_the_max,
        activation_missing_after_reduce,
        activation_missing_at_the_end,
        no_activation_at_all,
        pool_forgotten,
        average_for_maximum,
        large_filters_before_small,
        pool_first,
    ],
    cases=8,
    formula=(
        '1. the 1x1 convolution "1x1"',
        '2. the 1x1 convolution "3x3_reduce", then the 3x3 convolution "3x3"',
        '3. the 1x1 convolution "5x5_reduce", then the 5x5 convolution "5x5"',
        '4. a 3x3 max pool with stride 1 and padding 1, then the 1x1 convolution '
        '"pool_proj"',
        "All strides are 1, paddings keep H and W, and a ReLU follows every convolution.",
    ),
    working=_working.branch,
)  # fmt: skip
