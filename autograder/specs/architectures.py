"""Architectures: famous networks, their shapes, their parameters and their blocks.

LeCun et al. (1998), LeNet-5; Krizhevsky et al. (2012), AlexNet; Szegedy et al. (2015), GoogLeNet;
Ioffe and Szegedy (2015), batch normalisation; He et al. (2016), ResNet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from autograder.compare import Mismatch, kind_of
from autograder.laws import agrees, dtype, lasting, refuses, untouched
from autograder.spec import Arguments, Case, Exercise, Law
from autograder.specs import _working
from autograder.specs._layers import NONE, ONE, Pair, image_size, renumbered, renumbered_all
from autograder.specs._network import Carried
from autograder.strategies import Draw
from autograder.tolerance import of_batch_norm
from reference import ops

LESSON = 8

Layer = dict[str, Any]
Shape = tuple[int, ...]


# --- layers and their shapes: trace_shapes, count_parameters

IMAGE_KINDS = ("conv", "max_pool", "avg_pool")
POOLS = ("max_pool", "avg_pool")


def optional(draw: Draw, **values: Any) -> Layer:
    """These keys, where a layer may leave them out: with their values, or not at all."""
    return {key: value for key, value in values.items() if draw.size(0, 2)}


def sized(draw: Draw, layer: Layer, kernel: Pair, padding: Pair = NONE, more: int = 4) -> Arguments:
    """One layer, and an image into which its kernel fits."""
    size = image_size(draw, kernel, padding, more)
    return dict(layers=[layer], shape=(draw.size(1, 3), *size))


def one_conv(draw: Draw) -> Arguments:
    kernel = draw.pair(1, 4)
    layer = {"kind": "conv", "out": draw.size(1, 5), "kernel": kernel}
    return sized(draw, layer | optional(draw, stride=ONE, padding=NONE), kernel)


def one_conv_with_geometry(draw: Draw) -> Arguments:
    kernel, stride, padding = draw.pair(1, 3), draw.unlike_pair(1, 4), draw.unlike_pair(0, 2)
    layer: Layer = {"kind": "conv", "out": draw.size(1, 4), "kernel": kernel}
    layer |= optional(draw, stride=stride, padding=padding)
    return sized(draw, layer, kernel, layer.get("padding", NONE), more=8)


def one_pool(draw: Draw) -> Arguments:
    kernel, stride = draw.pair(1, 4), draw.pair(1, 4)
    padding = draw.pair(0, min(kernel) // 2)
    layer: Layer = {"kind": draw.choose(*POOLS), "kernel": kernel, "stride": stride}
    layer |= optional(draw, padding=padding)
    return sized(draw, layer, kernel, layer.get("padding", NONE), more=8)


def pool_with_a_rest(draw: Draw) -> Arguments:
    """The last rows and columns are too few for one more window."""
    kernel, stride = draw.pair(2, 4), draw.pair(2, 3)
    size = tuple(
        k + s * draw.size(0, 2) + draw.size(1, s - 1) for k, s in zip(kernel, stride, strict=True)
    )
    layer = {"kind": draw.choose(*POOLS), "kernel": kernel, "stride": stride}
    return dict(layers=[layer], shape=(draw.size(1, 3), *size))


def no_kernel(draw: Draw) -> Arguments:
    """Layers that keep an image's shape, and one that makes it flat."""
    layers = [{"kind": draw.choose("relu", "batch_norm")} for _ in range(draw.size(0, 2))]
    layers.append({"kind": draw.choose("flatten", "global_avg_pool")})
    return dict(layers=layers, shape=(draw.size(1, 4), draw.size(1, 5), draw.size(1, 6)))


def dense_layers(draw: Draw) -> Arguments:
    layers = [{"kind": "dense", "out": draw.size(1, 12)} | optional(draw, bias=True)]
    if draw.size(0, 1):
        layers += [{"kind": "relu"}, {"kind": "dense", "out": draw.size(1, 12)}]
    if draw.size(0, 1):
        shape = draw.size(1, 3), draw.size(1, 4), draw.size(1, 5)
        return dict(layers=[{"kind": "flatten"}, *layers], shape=shape)
    return dict(layers=layers, shape=(draw.size(1, 12),))


def network(draw: Draw) -> Arguments:
    """Rounds of convolution and pooling, then a head; every layer fits the one before."""
    # Large enough for two rounds of the largest kernels and strides.
    shape: Shape = draw.size(1, 3), draw.size(21, 33), draw.size(21, 33)
    layers: list[Layer] = []
    start = shape
    for _ in range(draw.size(0, 2)):
        kernel = draw.pair(1, 3)
        conv = {"kind": "conv", "out": draw.size(1, 6), "kernel": kernel}
        conv |= optional(draw, stride=draw.pair(1, 2), padding=draw.pair(0, 1))
        layers += [conv, {"kind": draw.choose("relu", "batch_norm")}]
        if draw.size(0, 1):
            pool = draw.choose(*POOLS)
            layers.append({"kind": pool, "kernel": draw.pair(1, 2), "stride": draw.pair(1, 2)})
    if draw.size(0, 1):
        layers.append({"kind": draw.choose("flatten", "global_avg_pool")})
        for _ in range(draw.size(1, 2)):
            layers += [{"kind": "dense", "out": draw.size(1, 12)}, {"kind": "relu"}]
    return dict(layers=layers, shape=start)


def impossible_layers(draw: Draw) -> Arguments:
    """A layer that cannot take what reaches it, or does not exist."""
    flatten, image = {"kind": "flatten"}, (2, 4, 5)
    conv = {"kind": "conv", "out": 3, "kernel": (3, 3)}
    pool = {"kind": "max_pool", "kernel": (2, 2), "stride": (2, 2)}
    layers = draw.choose(
        [conv | {"kernel": (5, 3)}],
        [conv | {"kernel": (3, 6)}],
        [conv | {"kernel": (7, 1), "padding": (1, 3)}],
        [pool | {"kernel": (2, 6)}],
        [pool, conv],
        [{"kind": "dense", "out": 3}],
        [flatten, conv],
        [conv | {"stride": (0, 1)}],
        [conv | {"padding": (0, -1)}],
        [conv | {"kind": "conv2d"}],
    )
    return dict(layers=layers, shape=image)


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


def counted_conv(draw: Draw) -> Arguments:
    arguments = one_conv_with_geometry(draw)
    arguments["layers"][0] |= optional(draw, bias=True)
    return arguments


def without_bias(draw: Draw) -> Arguments:
    arguments = draw.choose(one_conv, dense_layers)(draw)
    layers = [x | {"bias": False} if "out" in x else x for x in arguments["layers"]]
    return {**arguments, "layers": layers}


def normalised_maps(draw: Draw) -> Arguments:
    """Batch normalisation, after a convolution perhaps."""
    arguments = draw.choose(no_kernel, one_conv)(draw)
    layers = [x for x in arguments["layers"] if x["kind"] == "conv"] + [{"kind": "batch_norm"}]
    return {**arguments, "layers": layers}


Count = Callable[[Layer, Shape, Shape], int]


def counted(layers: Sequence[Layer], shape: Shape, **rules: Count) -> int:
    """The parameters of all layers; `rules` count some kinds of layers otherwise."""
    total = 0
    for layer, new in zip(layers, ops.trace_shapes(list(layers), shape), strict=True):
        rule = rules.get(layer["kind"])
        total += ops.count_parameters([layer], shape) if rule is None else rule(layer, shape, new)
        shape = new
    return total


def biases(layer: Layer) -> int:
    return layer["out"] if layer.get("bias", True) else 0


def taps(layer: Layer) -> int:
    rows, columns = layer["kernel"]
    return rows * columns


def bias_forgotten(layers, shape):
    """the biases are not counted.
    Each filter of a convolution and each unit of a dense layer has one, unless "bias" is False."""
    return ops.count_parameters([x | {"bias": False} if "out" in x else x for x in layers], shape)


def bias_key_ignored(layers, shape):
    """the biases are counted where "bias" is False.
    Such a layer has weights alone."""
    return ops.count_parameters([x | {"bias": True} if "out" in x else x for x in layers], shape)


def one_bias_a_layer(layers, shape):
    """a layer is given a single bias.
    It has one for each of its filters or units."""

    def rule(layer, shape, new):
        weights = ops.count_parameters([layer | {"bias": False}], shape)
        return weights + (biases(layer) > 0)

    return counted(layers, shape, conv=rule, dense=rule)


def depth_forgotten(layers, shape):
    """the depth of a convolution's input is left out.
    A filter has weights for each channel that it reads: O * C * KH * KW."""

    def rule(layer, shape, new):
        return layer["out"] * taps(layer) + biases(layer)

    return counted(layers, shape, conv=rule)


def weights_counted_per_position(layers, shape):
    """the weights are counted once for each place at which a filter stands.
    All places share one set of weights."""

    def rule(layer, shape, new):
        weights = layer["out"] * shape[0] * taps(layer)
        return weights * new[1] * new[2] + biases(layer)

    return counted(layers, shape, conv=rule)


def all_counted_per_position(layers, shape):
    """weights and biases are counted once for each place at which a filter stands.
    All places share one set of weights and one bias."""

    def rule(layer, shape, new):
        return ops.count_parameters([layer], shape) * new[1] * new[2]

    return counted(layers, shape, conv=rule)


def kernel_taken_as_square(layers, shape):
    """the kernel's rows are counted twice, as if it were square.
    A filter has KH * KW weights for each channel."""

    def rule(layer, shape, new):
        return layer["out"] * shape[0] * layer["kernel"][0] ** 2 + biases(layer)

    return counted(layers, shape, conv=rule)


def pool_has_parameters(layers, shape):
    """the windows of pools are counted as weights.
    Pooling has nothing to learn: 0 parameters."""

    def rule(layer, shape, new):
        return shape[0] * taps(layer)

    return counted(layers, shape, max_pool=rule, avg_pool=rule)


def batch_norm_forgotten(layers, shape):
    """batch normalisation is taken to have no parameters.
    It learns a gamma and a beta for each channel."""
    return counted(layers, shape, batch_norm=lambda layer, shape, new: 0)


def running_statistics_counted(layers, shape):
    """the running mean and variance of batch normalisation are counted.
    They are not trained: gamma and beta make 2 * C."""
    return counted(layers, shape, batch_norm=lambda layer, shape, new: 4 * shape[0])


count_parameters = Exercise(
    ops.count_parameters,
    kinds={
        "conv": counted_conv,
        "dense": dense_layers,
        "no bias": without_bias,
        "pool": one_pool,
        "batch norm": normalised_maps,
        "network": network,
        "impossible": impossible_layers,
    },
    laws=[
        agrees(0.5, "conv", name="conv",
               says="a convolution has O * C * KH * KW weights and O biases"),
        agrees(0.5, "dense", name="dense", says="a dense layer has D * M weights and M biases"),
        agrees(0.5, "no bias", name="no_bias", says='"bias": False leaves the biases out'),
        agrees(0.5, "pool", "batch norm", "network", name="network",
               says="only batch_norm has others, 2 a channel; the layers' numbers add up"),
        untouched(0.5, needs="conv"),
        refuses("a layer that cannot take what reaches it raises ValueError"),
    ],
    misconceptions=[
        bias_forgotten,
        bias_key_ignored,
        one_bias_a_layer,
        depth_forgotten,
        weights_counted_per_position,
        all_counted_per_position,
        kernel_taken_as_square,
        pool_has_parameters,
        batch_norm_forgotten,
        running_statistics_counted,
    ],
    returns=("the number of parameters",),
    cases=10,
    formula=(
        'Convolutions and dense layers have weights, and biases unless "bias" is False; a '
        'batch norm has a gamma and a beta for every channel; the other kinds have none.',
    ),
    working=_working.parameters_by_layer,
)  # fmt: skip


# --- lenet5, alexnet: many lists are right; what they mean is judged, not how they are spelled

LENET_IMAGE, ALEXNET_IMAGE = (1, 32, 32), (3, 224, 224)
Step = tuple[Any, ...]


class Malformed(Exception):
    """The answer is no list of layers; the message says why."""


def steps(layers: Any, shape: Shape) -> tuple[list[Step], int]:
    """The convolutions, pools and dense layers in one spelling, and the number of parameters.

    Any pool is a pool; ReLU, normalisation, flattening and pools of one pixel are left out; a
    convolution that its input just fits into is a dense layer.
    """
    if not isinstance(layers, list | tuple):
        raise Malformed(f"the result is {kind_of(layers)}; it should be a list of layers")
    try:
        shapes = ops.trace_shapes(list(layers), shape)
        total = ops.count_parameters(list(layers), shape)
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise Malformed(f"{error}"[:400]) from None
    found: list[Step] = []
    for layer, before, new in zip(layers, [shape, *shapes], shapes, strict=False):
        kind = layer["kind"]
        if kind in IMAGE_KINDS:
            kernel, stride, padding = (
                tuple(int(n) for n in layer.get(key, default))
                for key, default in (("kernel", ONE), ("stride", ONE), ("padding", NONE))
            )
            if kind == "conv" and kernel == before[1:] and padding == NONE:
                found.append(("dense", new[0]))
            elif kind == "conv":
                found.append(("conv", new[0], kernel, stride, padding))
            elif (kernel, stride) != (ONE, ONE):
                found.append(("pool", kernel, stride, padding))
        elif kind == "dense":
            found.append(("dense", new[0]))
        elif kind == "global_avg_pool" and before[1:] != (1, 1):
            found.append(("global_avg_pool",))
    return found, total


def brief(number: int) -> str:
    return f"{number:,}" if abs(number) < 10**15 else "a number too large to write"


def said(step: Step) -> str:
    """One of the steps in words."""
    kind, *rest = step
    if kind == "global_avg_pool":
        return "a global average pool"
    if kind == "dense":
        return f"a dense layer of {brief(rest[0])}"
    kernel, stride, padding = (tuple(map(brief, pair)) for pair in rest[-3:])
    what = f"a convolution of {brief(rest[0])} filters" if kind == "conv" else "a pool"
    sides = (
        f" {kernel[0]}x{kernel[1]}, stride ({', '.join(stride)}), padding ({', '.join(padding)})"
    )
    return what + sides


def holds_steps(
    name: str, says: str, points: float, shape: Shape, what: str, kinds: Sequence[str]
) -> Law:
    """The steps of these kinds are the reference's, one after the other."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
        try:
            yours = [s for s in steps(answers[0].value, shape)[0] if s[0] in kinds]
        except Malformed as problem:
            return Mismatch(str(problem))
        right = [s for s in steps(case.expected, shape)[0] if s[0] in kinds]
        for i, (wanted, found) in enumerate(zip_longest(right, yours), start=1):
            if found == wanted:
                continue
            number = f"of the {what}, number {i}"
            if found is None:
                return Mismatch(f"{number} is missing: {said(wanted)}")
            if wanted is None:
                return Mismatch(f"{number}, {said(found)}, is one too many")
            return Mismatch(f"{number} is {said(found)}; it should be {said(wanted)}")
        return None

    return Law(name, says, points, judge)


def holds_parameters(says: str, points: float, shape: Shape) -> Law:
    """The number of parameters is the reference's."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
        try:
            yours = steps(answers[0].value, shape)[1]
        except Malformed as problem:
            return Mismatch(str(problem))
        right = steps(case.expected, shape)[1]
        if yours == right:
            return None
        return Mismatch(f"they have {brief(yours)} parameters; they should have {brief(right)}")

    return Law("parameters", says, points, judge)


def holds_activations(shape: Shape) -> Law:
    """Before the next layer with weights, or the end, every layer with weights but the last has
    one ReLU: right after it, or after the pool that follows."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
        layers = answers[0].value
        try:
            steps(layers, shape)
        except Malformed as problem:
            return Mismatch(str(problem))
        relus = [0]
        for layer in layers:
            if layer["kind"] in ("conv", "dense"):
                relus.append(0)
            elif layer["kind"] == "relu":
                relus[-1] += 1
        if len(relus) == 1:
            return Mismatch("there is no layer with weights")
        before, *between, end = relus
        for i, count in enumerate(between, start=1):
            if count == 0:
                return Mismatch(f"no ReLU follows layer {i} of those with weights")
        if before or end:
            place = "before the first" if before else "after the last"
            return Mismatch(f"a ReLU stands {place} of the layers with weights")
        return None

    says = "a ReLU follows every layer with weights but the last"
    return Law("activations", says, 0.5, judge)


def normal(shape: Shape) -> Callable[[Any], Any]:
    """The spelling in which an answer is compared with a misconception's."""

    def in_one_spelling(layers: Any) -> Any:
        try:
            return steps(layers, shape)[0]
        except Malformed as problem:
            return str(problem)

    return in_one_spelling


def no_arguments(draw: Draw) -> Arguments:
    return {}


def convolution(out: int, side: int, stride: int = 1, padding: int = 0) -> Layer:
    return {
        "kind": "conv", "out": out, "kernel": (side, side), "stride": (stride, stride),
        "padding": (padding, padding),
    }  # fmt: skip


def pool(side: int, stride: int) -> Layer:
    return {"kind": "max_pool", "kernel": (side, side), "stride": (stride, stride)}


def head(*units: int) -> list[Layer]:
    return [{"kind": "flatten"}, *({"kind": "dense", "out": n} for n in units)]


def lenet_of(padding: int, second_padding: int, *units: int) -> list[Layer]:
    """LeNet-5 with other paddings and units."""
    first, second = convolution(6, 5, 1, padding), convolution(16, 5, 1, second_padding)
    return [first, pool(2, 2), second, pool(2, 2), *head(*units)]


def lenet_for_28x28():
    """the first convolution is padded by 2, as for MNIST's images of 28x28.
    LeNet-5 takes 32x32 pixels, and none of its layers is padded."""
    return lenet_of(2, 0, 120, 84, 10)


def same_padding_everywhere():
    """both convolutions are padded, so that they keep the size.
    In LeNet-5 a 5x5 convolution makes 28 of 32 and 10 of 14."""
    return lenet_of(2, 2, 120, 84, 10)


def layer_of_84_forgotten():
    """the dense layer of 84 units is left out.
    After the pools come dense layers of 120, 84 and 10."""
    return lenet_of(0, 0, 120, 10)


lenet5 = Exercise(
    ops.lenet5,
    kinds={"list": no_arguments},
    laws=[
        holds_steps("layers",
                    "5x5 convolutions of 6 and 16, each with a 2x2 pool; dense 120, 84, 10", 0.5,
                    LENET_IMAGE,
                    "convolutions, pools and dense layers",
                    ("conv", "pool", "global_avg_pool", "dense")),
        holds_parameters("for images of 1x32x32 they have 61,706 parameters", 0.5, LENET_IMAGE),
        holds_activations(LENET_IMAGE),
    ],
    misconceptions=[lenet_for_28x28, same_padding_everywhere, layer_of_84_forgotten],
    returns=("the list",),
    cases=1,
    normal=normal(LENET_IMAGE),
    formula=(
        "Two rounds of 5x5 convolution (6, then 16 filters) and 2x2 average pooling with "
        "stride 2, then dense layers of 120, 84 and 10. A ReLU follows every layer with "
        "weights but the last.",
    ),
)  # fmt: skip


def alexnet_of(
    maps: Sequence[int],
    padding: int = 2,
    window: int = 3,
    units: Sequence[int] = (4096, 4096, 1000),
) -> list[Layer]:
    """AlexNet with other numbers of maps, another first padding, other pools, other units."""
    one, two, three, four, five = maps
    return [
        convolution(one, 11, 4, padding), pool(window, 2),
        convolution(two, 5, 1, 2), pool(window, 2),
        convolution(three, 3, 1, 1), convolution(four, 3, 1, 1), convolution(five, 3, 1, 1),
        pool(window, 2), *head(*units),
    ]  # fmt: skip


MAPS = (64, 192, 384, 256, 256)


def alexnet_of_the_paper():
    """the filters are those of the paper of 2012: 96, 256, 384, 384, 256.
    torchvision builds the later version of one column: 64, 192, 384, 256, 256."""
    return alexnet_of((96, 256, 384, 384, 256))


def pools_without_overlap():
    """the pools are 2x2.
    AlexNet's windows overlap: 3x3 with stride 2."""
    return alexnet_of(MAPS, window=2)


def first_layer_not_padded():
    """the first convolution is not padded.
    With padding 2, 224 pixels become 55."""
    return alexnet_of(MAPS, padding=0)


def one_dense_layer_of_4096():
    """there is only one dense layer of 4096.
    After the last pool come 4096, 4096 and 1000."""
    return alexnet_of(MAPS, units=(4096, 1000))


alexnet = Exercise(
    ops.alexnet,
    kinds={"list": no_arguments},
    laws=[
        holds_steps("convolutions",
                    "five convolutions and three overlapping pools, as torchvision's", 0.5,
                    ALEXNET_IMAGE,
                    "convolutions and pools", ("conv", "pool", "global_avg_pool")),
        holds_steps("dense", "then dense layers of 4096, 4096 and 1000", 0.5, ALEXNET_IMAGE,
                    "dense layers", ("dense",)),
        holds_parameters("for images of 3x224x224 they have 61,100,840 parameters", 0.5,
                         ALEXNET_IMAGE),
        holds_activations(ALEXNET_IMAGE),
    ],
    misconceptions=[
        alexnet_of_the_paper,
        pools_without_overlap,
        first_layer_not_padded,
        one_dense_layer_of_4096,
    ],
    returns=("the list",),
    cases=1,
    normal=normal(ALEXNET_IMAGE),
    formula=(
        "Five convolutions: 64 filters of 11x11 with stride 4 and padding 2; 192 of 5x5 "
        "with padding 2; then 384, 256 and 256 of 3x3 with padding 1.",
        "A 3x3 max pool with stride 2 comes after the first, the second and the last of "
        "them. Then dense layers of 4096, 4096 and 1000. A ReLU follows every layer with "
        "weights but the last.",
    ),
)  # fmt: skip


# --- batch_norm2d


def channels_of(draw: Draw, n: int, c: int, h: int, w: int) -> Arguments:
    return dict(x=draw.whole(n, c, h, w), gamma=draw.whole(c), beta=draw.whole(c))


def one_image(draw: Draw) -> Arguments:
    return channels_of(draw, 1, draw.size(1, 2), draw.size(1, 3), draw.size(2, 4))


def whole_batch(draw: Draw) -> Arguments:
    return channels_of(draw, draw.size(2, 4), draw.size(1, 3), draw.size(1, 3), draw.size(1, 3))


def large_eps(draw: Draw) -> Arguments:
    return {**whole_batch(draw), "eps": draw.choose(1.0, 0.25, 3.0, 0.001)}


def constant_channel(draw: Draw) -> Arguments:
    """No variance at all: only eps keeps the division possible."""
    if draw.size(0, 1) == 0:
        return channels_of(draw, 1, 1, 1, 1)
    arguments = whole_batch(draw)
    return {**arguments, "x": arguments["x"][:1, :, :1, :1] + 0 * arguments["x"]}


def long_side(draw: Draw) -> Pair:
    """Rows and columns, of which one is beyond 8."""
    sides = draw.size(1, 4), draw.size(9, 11)
    return sides if draw.size(0, 1) else sides[::-1]


def renumbered_channels(draw: Draw, kind: str, size: Pair) -> Arguments:
    arguments = channels_of(draw, draw.size(1, 3), draw.size(1, 3), *size)
    return renumbered_all(draw, kind, arguments)


def large_maps(draw: Draw) -> Arguments:
    return renumbered_channels(draw, "real", long_side(draw))


def float32_maps(draw: Draw) -> Arguments:
    return renumbered_channels(draw, "float32", draw.pair(2, 5))


def integer_maps(draw: Draw) -> Arguments:
    return renumbered_channels(draw, draw.choose("uint8", "int64"), draw.pair(2, 5))


def no_activations(draw: Draw) -> Arguments:
    arguments = whole_batch(draw)
    return {**arguments, "x": arguments["x"][:0]}


def impossible_scale(draw: Draw) -> Arguments:
    """A gamma or a beta that has not one number for each channel."""
    good = dict(x=np.ones((2, 3, 2, 3)), gamma=np.ones(3), beta=np.ones(3))
    return {**good, draw.choose("gamma", "beta"): np.ones(draw.choose(1, 2, 4))}


def normalised(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: Any, deviation: Any
) -> np.ndarray:
    y: np.ndarray = (x - mean) / deviation * gamma[:, None, None] + beta[:, None, None]
    return y


def statistics(x: np.ndarray, axes: tuple[int, ...] | None = (0, 2, 3)) -> tuple[Any, Any]:
    """Mean and biased variance over these axes."""
    x = x.astype(np.float64)
    return x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)


def statistics_per_image(x, gamma, beta, eps=1e-5):
    """each image is normalised by its own mean and variance.
    Batch normalisation takes both over the whole batch: over N, H and W."""
    mean, variance = statistics(x, (2, 3))
    return normalised(x, gamma, beta, mean, np.sqrt(variance + eps))


def statistics_per_pixel(x, gamma, beta, eps=1e-5):
    """each pixel has a mean and a variance of its own, over the batch only.
    A channel has one of each: over N, H and W."""
    mean, variance = statistics(x, (0,))
    return normalised(x, gamma, beta, mean, np.sqrt(variance + eps))


def statistics_of_all_channels(x, gamma, beta, eps=1e-5):
    """all channels share one mean and one variance.
    Each channel has its own."""
    mean, variance = statistics(x, None)
    return normalised(x, gamma, beta, mean, np.sqrt(variance + eps))


def unbiased_variance(x, gamma, beta, eps=1e-5):
    """the variance divides by one less than the number of values.
    Batch normalisation uses the biased variance: the mean of the squares."""
    count = x.size // max(x.shape[1], 1)
    mean, variance = statistics(x)
    return normalised(x, gamma, beta, mean, np.sqrt(variance * count / max(count - 1, 1) + eps))


def variance_for_deviation(x, gamma, beta, eps=1e-5):
    """the numbers are divided by the variance.
    Divide by its root: sqrt(var + eps)."""
    mean, variance = statistics(x)
    return normalised(x, gamma, beta, mean, variance + eps)


def eps_outside_the_root(x, gamma, beta, eps=1e-5):
    """eps is added to the standard deviation.
    It belongs under the root: sqrt(var + eps)."""
    mean, variance = statistics(x)
    return normalised(x, gamma, beta, mean, np.sqrt(variance) + eps)


def eps_ignored(x, gamma, beta, eps=1e-5):
    """eps is left out, and a channel without variance is divided by 0.
    Divide by sqrt(var + eps)."""
    mean, variance = statistics(x)
    return normalised(x, gamma, beta, mean, np.sqrt(variance))


def eps_argument_ignored(x, gamma, beta, eps=1e-5):
    """eps is always 0.00001.
    It is an argument: use what is given."""
    return ops.batch_norm2d(x, gamma, beta)


def gamma_and_beta_left_out(x, gamma, beta, eps=1e-5):
    """the result is not scaled and shifted.
    gamma and beta give each channel the deviation and the mean that it learns."""
    return ops.batch_norm2d(x, np.ones(len(gamma)), np.zeros(len(beta)), eps)


def gamma_and_beta_swapped(x, gamma, beta, eps=1e-5):
    """gamma and beta are swapped.
    gamma scales, beta shifts."""
    return ops.batch_norm2d(x, beta, gamma, eps)


batch_norm2d = Exercise(
    ops.batch_norm2d,
    kinds={
        "one image": one_image,
        "batch": whole_batch,
        "eps": large_eps,
        "constant": constant_channel,
        "large": large_maps,
        "float32": float32_maps,
        "integers": integer_maps,
        "empty batch": no_activations,
        "impossible": impossible_scale,
    },
    laws=[
        agrees(0.5, "one image", "batch",
               says="each channel gets mean beta, deviation gamma, over the whole batch"),
        agrees(0.5, "eps", "constant", "large", "float32", "integers", "empty batch",
               name="numbers", says="it is right for any eps, dtype, memory layout and batch"),
        dtype(0.5),
        lasting(untouched(0.5, "one image", "large", "float32", "integers", "empty batch",
                          needs="agrees")),
        refuses("a gamma or beta of another length than the channels raises ValueError"),
    ],
    tolerance=of_batch_norm,
    misconceptions=[
        statistics_per_image,
        statistics_per_pixel,
        statistics_of_all_channels,
        unbiased_variance,
        variance_for_deviation,
        eps_ignored,
        eps_outside_the_root,
        eps_argument_ignored,
        gamma_and_beta_left_out,
        gamma_and_beta_swapped,
    ],
    cases=10,
    formula=(
        "y = gamma * (x - mean) / sqrt(var + eps) + beta",
        "mean and var are those of the channel's own numbers in this batch, over N, H and W",
        "var is the biased variance: it divides by the number of values",
    ),
    working=_working.normalised,
)  # fmt: skip


# --- residual_block


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


Values = Callable[[np.ndarray], np.ndarray]


def as_it_is(x: np.ndarray) -> np.ndarray:
    return x


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


# --- inception_module

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
