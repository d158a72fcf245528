"""Two convolutions, and a skip beside them: residual_block."""

from __future__ import annotations

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


def block(draw: Draw, channels: int, outputs: int, size: Pair) -> Arguments:
    """A block without w_skip and stride, of small numbers."""
    c, o = channels, outputs
    return dict(
        x=draw.whole(draw.size(1, 2), c, *size),
        w1=draw.whole(o, c, 3, 3, low=-2, high=2), b1=draw.whole(o),
        w2=draw.whole(o, o, 3, 3, low=-2, high=2), b2=draw.whole(o),
    )  # fmt: skip


def identity_skip(draw: Draw) -> Arguments:
    channels = draw.size(1, 2)
    return block(draw, channels, channels, draw.pair(1, 4))


def projected(draw: Draw, stride: Pair, size: Pair) -> Arguments:
    arguments = block(draw, draw.size(1, 3), draw.size(1, 3), size)
    w_skip = draw.whole(len(arguments["w1"]), arguments["x"].shape[1], 1, 1)
    return {**arguments, "w_skip": w_skip, "stride": stride}


def projected_skip(draw: Draw) -> Arguments:
    return projected(draw, ONE, draw.pair(1, 4))


def strided_skip(draw: Draw) -> Arguments:
    return projected(draw, draw.unlike_pair(1, 3), draw.pair(1, 7))


def renumbered_block(draw: Draw, kind: str, size: Pair) -> Arguments:
    arguments = projected(draw, draw.pair(1, 2), size)
    return {name: renumbered(draw, kind, value) for name, value in arguments.items()}


def large_block(draw: Draw) -> Arguments:
    return renumbered_block(draw, "real", long_side(draw))


def float32_block(draw: Draw) -> Arguments:
    return renumbered_block(draw, "float32", draw.pair(1, 4))


def integer_block(draw: Draw) -> Arguments:
    return renumbered_block(draw, draw.choose("uint8", "int64"), draw.pair(1, 4))


def empty_block(draw: Draw) -> Arguments:
    arguments = draw.choose(identity_skip, strided_skip)(draw)
    return {**arguments, "x": arguments["x"][:0]}


def impossible_block(draw: Draw) -> Arguments:
    """Weights that do not fit, or an x that cannot be the skip."""
    two, three = np.ones((2, 2, 3, 3)), np.ones((3, 3, 3, 3))
    one = np.ones((2, 2, 1, 1))
    good = dict(x=np.ones((1, 2, 3, 4)), w1=two, b1=np.ones(2), w2=two, b2=np.ones(2))
    fault = draw.choose(
        dict(w1=three[:, :2], b1=np.ones(3), w2=three, b2=np.ones(3)),
        dict(x=np.ones((1, 1, 3, 4)), w1=two[:, :1]),  # an addition would stretch it
        dict(w_skip=None, stride=(2, 1)),
        dict(w_skip=None, stride=(1, 2)),
        dict(w_skip=one[:, :1]),
        # Strides with which a kernel of another size would do.
        dict(x=np.ones((1, 2, 3, 3)), w1=np.ones((2, 2, 5, 5)), w_skip=one, stride=(3, 3)),
        dict(x=np.ones((1, 2, 3, 3)), w_skip=two, stride=(3, 3)),
    )
    return good | fault


def built(
    arguments: tuple[Any, ...],
    inner: Values = ops.relu,
    branch: Values = as_it_is,
    outer: Values = ops.relu,
    second_stride: bool = False,
    skipping: bool = True,
) -> np.ndarray:
    """The block with other functions in the places of its two ReLUs."""
    x, w1, b1, w2, b2, w_skip, stride = arguments
    strides = (ONE, stride) if second_stride else (stride, ONE)
    hidden = inner(ops.conv2d(x, w1, b1, strides[0], ONE))
    y = branch(ops.conv2d(hidden, w2, b2, strides[1], ONE))
    if skipping and w_skip is not None:
        y = y + ops.conv2d(x, w_skip, np.zeros(len(w_skip)), stride)
    elif skipping:
        if x.shape != y.shape:
            raise ValueError("x cannot be added")
        y = y + x
    return outer(y)


def relu_before_addition(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    """the last ReLU comes before the addition.
    First the skip is added, then the sum goes through ReLU."""
    return built((x, w1, b1, w2, b2, w_skip, stride), branch=ops.relu, outer=as_it_is)


def relu_before_and_after_addition(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    """there is a ReLU before the addition as well.
    The second convolution's output is added as it is; its negative numbers count."""
    return built((x, w1, b1, w2, b2, w_skip, stride), branch=ops.relu)


def skip_forgotten(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    """the skip is not added.
    What the convolutions give is a change to x: relu(conv(relu(conv(x))) + skip)."""
    return built((x, w1, b1, w2, b2, w_skip, stride), skipping=False)


def stride_on_second_convolution(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    """the stride is on the second convolution.
    The first one and the skip have it, so the second one works on the smaller image."""
    return built((x, w1, b1, w2, b2, w_skip, stride), second_stride=True)


def inner_relu_forgotten(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    """there is no ReLU between the two convolutions.
    Without it the two are one linear step."""
    return built((x, w1, b1, w2, b2, w_skip, stride), inner=as_it_is)


def last_relu_forgotten(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    """there is no ReLU after the addition.
    The block ends in relu(... + skip)."""
    return built((x, w1, b1, w2, b2, w_skip, stride), outer=as_it_is)


def first_bias_on_the_skip(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    """the skip's convolution gets a bias.
    It has weights alone."""
    y = built((x, w1, b1, w2, b2, w_skip, stride), outer=as_it_is)
    return ops.relu(y if w_skip is None else y + b1[:, None, None])


def w_skip_ignored_where_shapes_agree(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    """w_skip is ignored where x has the output's shape already.
    Where it is given, it is used."""
    if w_skip is not None and w_skip.shape[0] == w_skip.shape[1] and tuple(stride) == ONE:
        w_skip = None
    return ops.residual_block(x, w1, b1, w2, b2, w_skip, stride)


def block_error(arguments: Arguments, expected: Any) -> np.ndarray:
    """Two convolutions, and the skip beside them."""
    x, stride = Carried.start(arguments["x"]), arguments.get("stride", ONE)
    hidden = x.conv(arguments["w1"], arguments["b1"], stride, ONE).relu()
    y = hidden.conv(arguments["w2"], arguments["b2"], ONE, ONE)
    w_skip = arguments.get("w_skip")
    return y.plus(x if w_skip is None else x.conv(w_skip, np.zeros(len(w_skip)), stride)).tolerance


residual_block = Exercise(
    ops.residual_block,
    kinds={
        "identity": identity_skip,
        "projection": projected_skip,
        "strides": strided_skip,
        "large": large_block,
        "float32": float32_block,
        "integers": integer_block,
        "empty batch": empty_block,
        "impossible": impossible_block,
    },
    laws=[
        agrees(0.5, "identity", says="without w_skip it is relu(conv(relu(conv(x))) + x)"),
        agrees(0.5, "projection", "strides", "large", "float32", "integers", "empty batch",
               name="projection",
               says="w_skip and the stride bring x to the output's shape; any dtype and batch"),
        dtype(0.5),
        lasting(untouched(0.5, "identity", "projection", "float32", "integers", needs="agrees")),
        refuses("weights that do not fit, or an x that cannot be added, raise ValueError"),
    ],
    tolerance=block_error,
    misconceptions=[
        relu_before_addition,
        relu_before_and_after_addition,
        skip_forgotten,
        stride_on_second_convolution,
        inner_relu_forgotten,
        last_relu_forgotten,
        first_bias_on_the_skip,
        w_skip_ignored_where_shapes_agree,
    ],
    cases=8,
    formula=(
        "y = relu(conv2(relu(conv1(x))) + skip)",
        "The skip is x itself, or, where the shapes differ, the convolution of x with "
        "w_skip (O, C, 1, 1), with the same `stride` and without padding or bias.",
    ),
    working=_working.block,
)  # fmt: skip
