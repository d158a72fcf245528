"""The shapes that a list of layers makes: trace_shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograder.laws import agrees, refuses, untouched
from autograder.spec import Exercise
from autograder.specs import _working
from autograder.specs._layers import NONE, ONE
from autograder.specs.architectures._lists import (
    IMAGE_KINDS,
    POOLS,
    Layer,
    Shape,
    dense_layers,
    impossible_layers,
    network,
    no_kernel,
    one_conv,
    one_conv_with_geometry,
    one_pool,
    pool_with_a_rest,
)
from reference import ops


def after(layer: Layer, shape: Shape) -> Shape:
    return ops.trace_shapes([layer], shape)[0]


def traced(layers: Sequence[Layer], shape: Shape, rule: Callable[[Layer, Shape], Shape]) -> Any:
    """The shape after every layer, by a rule for one layer."""
    shapes = []
    for layer in layers:
        shape = rule(layer, shape)
        shapes.append(shape)
    return shapes


def retraced(change: Callable[[Layer], Layer]) -> Callable[[Layer, Shape], Shape]:
    """The rule that sees every layer with a kernel changed."""
    return lambda layer, shape: after(change(layer) if "kernel" in layer else layer, shape)


def pool_changes_depth(layers, shape):
    """a pooling layer gives one map, as if it added up the channels.
    Pooling works on each channel by itself: the depth stays."""

    def rule(layer, shape):
        new = after(layer, shape)
        return (1, *new[1:]) if layer["kind"] in POOLS else new

    return traced(layers, shape, rule)


def rounded_up(size, kernel, stride, padding):
    free = size + 2 * padding - kernel
    if free < 0:
        raise ValueError("the kernel does not fit")
    return -(-free // stride) + 1


def ceil_mode(layers, shape):
    """the last window of a pool may stick out of the image.
    A window that does not fit whole is not counted: round down."""

    def length(size, kernel, stride, padding):
        found = rounded_up(size, kernel, stride, padding)
        return found - ((found - 1) * stride >= size + padding)

    def rule(layer, shape):
        if layer["kind"] not in POOLS:
            return after(layer, shape)
        padding = layer.get("padding", NONE)
        geometry = zip(shape[1:], layer["kernel"], layer["stride"], padding, strict=True)
        return (shape[0], *(length(*axis) for axis in geometry))

    return traced(layers, shape, rule)


def sizes_rounded_up(layers, shape):
    """sizes are rounded up.
    A step that does not fit whole is not made: round down, for convolutions and for pools."""

    def rule(layer, shape):
        if layer["kind"] not in IMAGE_KINDS:
            return after(layer, shape)
        stride, padding = layer.get("stride", ONE), layer.get("padding", NONE)
        geometry = zip(shape[1:], layer["kernel"], stride, padding, strict=True)
        return (after(layer, shape)[0], *(rounded_up(*axis) for axis in geometry))

    return traced(layers, shape, rule)


def width_from_height(layers, shape):
    """the width is computed from the height.
    Images need not be square: each axis has its own size."""

    def rule(layer, shape):
        if layer["kind"] not in IMAGE_KINDS:
            return after(layer, shape)
        return after(layer, (shape[0], shape[1], shape[1]))

    return traced(layers, shape, rule)


def swapped_kernel(layers, shape):
    """the kernel's rows and columns are swapped.
    kernel = (rows, columns): the first belongs to the height, the second to the width."""
    return traced(layers, shape, retraced(lambda x: x | {"kernel": x["kernel"][::-1]}))


def swapped_strides(layers, shape):
    """the strides of rows and columns are swapped.
    stride = (rows, columns): the first belongs to the height, the second to the width."""
    return traced(layers, shape, retraced(lambda x: x | {"stride": x.get("stride", ONE)[::-1]}))


def swapped_paddings(layers, shape):
    """the paddings of rows and columns are swapped.
    padding = (rows, columns): the first belongs to the height, the second to the width."""
    return traced(layers, shape, retraced(lambda x: x | {"padding": x.get("padding", NONE)[::-1]}))


def stride_ignored(layers, shape):
    """the stride is ignored.
    With a stride of s there is a window at every s-th place only."""
    return traced(layers, shape, retraced(lambda x: x | {"stride": ONE}))


def padding_ignored(layers, shape):
    """the padding is ignored.
    It makes the image larger before the kernel moves over it."""
    return traced(layers, shape, retraced(lambda x: x | {"padding": NONE}))


def padding_added_once(layers, shape):
    """the padding is added once and not on both sides.
    The padded size is H + 2 * padding."""

    def rule(layer, shape):
        if layer["kind"] not in IMAGE_KINDS:
            return after(layer, shape)
        rows, columns = layer.get("padding", NONE)
        larger = (shape[0], shape[1] + rows, shape[2] + columns)
        return after(layer | {"padding": NONE}, larger)

    return traced(layers, shape, rule)


def pool_stride_is_the_kernel(layers, shape):
    """a pool's stride is taken to be its kernel.
    Windows may overlap or leave gaps: use the layer's "stride"."""

    def rule(layer, shape):
        return after(
            layer | {"stride": layer["kernel"]} if layer["kind"] in POOLS else layer, shape
        )

    return traced(layers, shape, rule)


def global_pool_keeps_axes(layers, shape):
    """global average pooling keeps two axes of length 1.
    It gives one number for every channel: (C,)."""

    def rule(layer, shape):
        new = after(layer, shape[:1] if layer["kind"] == "dense" else shape)
        return (*new, 1, 1) if layer["kind"] == "global_avg_pool" else new

    return traced(layers, shape, rule)


def every_layer_on_the_input(layers, shape):
    """every layer is applied to the input's shape.
    A layer takes the shape that the layer before it gives."""
    return [after(layer, shape) for layer in layers]


trace_shapes = Exercise(
    ops.trace_shapes,
    kinds={
        "conv": one_conv,
        "geometry": one_conv_with_geometry,
        "pool": one_pool,
        "rest": pool_with_a_rest,
        "no kernel": no_kernel,
        "dense": dense_layers,
        "network": network,
        "impossible": impossible_layers,
    },
    laws=[
        agrees(0.5, "conv", "geometry", name="conv",
               says='a convolution gives "out" maps, each (size + 2p - k) // s + 1'),
        agrees(0.5, "pool", "rest", name="pool",
               says="a pool keeps the channels and rounds sizes down"),
        agrees(0.5, "no kernel", "dense", name="other",
               says="flatten and dense give (D,), global_avg_pool (C,), others keep the shape"),
        agrees(0.5, "network", name="network",
               says="each layer takes the shape that the one before it gives"),
        untouched(0.5, needs="conv"),
        refuses("a layer that cannot take its input, or is unknown, raises ValueError"),
    ],
    misconceptions=[
        pool_changes_depth,
        ceil_mode,
        sizes_rounded_up,
        width_from_height,
        swapped_kernel,
        swapped_strides,
        swapped_paddings,
        stride_ignored,
        padding_ignored,
        padding_added_once,
        pool_stride_is_the_kernel,
        global_pool_keeps_axes,
        every_layer_on_the_input,
    ],
    returns=("shapes",),
    cases=10,
    formula=(
        '"flatten" gives (C * H * W,), "dense" takes a (D,) and gives (out,), '
        '"global_avg_pool" gives (C,), "relu" and "batch_norm" change nothing.',
    ),
    working=_working.traced,
)  # fmt: skip
