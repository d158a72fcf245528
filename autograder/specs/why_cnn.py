"""Why not just a dense network: what layers cost, what one unit sees, and what it answers to.

Hubel and Wiesel, "Receptive fields, binocular interaction and functional architecture in the cat's
visual cortex" (1962); Araujo, Norris and Sim, "Computing receptive fields of convolutional neural
networks" (2019).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograder.compare import Mismatch, mismatch, number
from autograder.laws import agrees, refuses
from autograder.spec import Arguments, Case, Exercise, Law
from autograder.specs import _working
from autograder.specs._layers import NONE, ONE, Pair, image_size, output_shape
from autograder.strategies import Draw
from autograder.tolerance import unit_roundoff
from reference import ops

LESSON = 1


# --- dense_layer_cost

COUNTS = ("connections", "parameters")


def counts(part: int, name: str, says: str, points: float, *kinds: str) -> Law:
    """One of the two numbers of a layer's cost is right."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
        yours, expected = answers[0].value, case.expected
        wrong = mismatch(yours, expected, 0.0, COUNTS, values=False)
        return wrong or mismatch(yours[part], expected[part], 0.0, (COUNTS[part],))

    return Law(name, says, points, judge, kinds)


def small_dense(draw: Draw) -> Arguments:
    inputs, units = draw.unlike_pair(1, 12)
    return dict(inputs=inputs, units=units)


def real_dense(draw: Draw) -> Arguments:
    inputs, units = draw.choose((784, 10), (100 * 100, 1000), (120, 84), (9216, 4096))
    return dict(inputs=inputs, units=units)


def impossible_dense(draw: Draw) -> Arguments:
    inputs, units = draw.choose((0, 3), (3, 0), (-1, 3), (3, -1))
    return dict(inputs=inputs, units=units)


def bias_forgotten(inputs, units):
    """the biases are forgotten.
    Every unit has a bias on top of its weights."""
    connections, parameters = ops.dense_layer_cost(inputs, units)
    return connections, parameters - units


def one_bias_for_all(inputs, units):
    """one bias is counted for the whole layer.
    Every unit has a bias of its own."""
    connections, parameters = ops.dense_layer_cost(inputs, units)
    return connections, parameters - units + 1


def bias_per_input(inputs, units):
    """a bias is counted for every input.
    A bias belongs to a unit: there are as many as units."""
    connections, parameters = ops.dense_layer_cost(inputs, units)
    return connections, parameters - units + inputs


def biases_as_connections(inputs, units):
    """the biases are counted as connections.
    A connection joins an input to a unit; a bias joins nothing."""
    connections, parameters = ops.dense_layer_cost(inputs, units)
    return connections + units, parameters


def parameters_first(inputs, units):
    """the parameters come before the connections.
    The result is (connections, parameters)."""
    connections, parameters = ops.dense_layer_cost(inputs, units)
    return parameters, connections


dense_layer_cost = Exercise(
    ops.dense_layer_cost,
    kinds={"small": small_dense, "real": real_dense, "impossible": impossible_dense},
    laws=[
        counts(0, "connections", "every input is joined to every unit", 0.5),
        counts(1, "parameters", "every connection has a weight, every unit a bias", 0.5),
        refuses("a layer with no inputs or no units raises ValueError"),
    ],
    misconceptions=[
        bias_forgotten,
        one_bias_for_all,
        bias_per_input,
        biases_as_connections,
        parameters_first,
    ],
    returns=COUNTS,
    formula=("every connection has a weight of its own, and every unit has a bias",),
    working=_working.dense_cost,
)


# --- conv_layer_cost


def layer(
    draw: Draw, kernel: Pair, stride: Pair, padding: Pair, depth: Pair, more: int
) -> Arguments:
    height, width = image_size(draw, kernel, padding, more)
    return dict(
        height=height,
        width=width,
        in_channels=depth[0],
        out_channels=depth[1],
        kernel=kernel,
        stride=stride,
        padding=padding,
    )


def plain_layer(draw: Draw) -> Arguments:
    arguments = layer(draw, draw.pair(1, 3), ONE, NONE, ONE, 9)
    del arguments["stride"], arguments["padding"]
    return arguments


def channels(draw: Draw) -> Arguments:
    return layer(draw, draw.pair(1, 3), ONE, NONE, draw.unlike_pair(1, 4), 3)


def strides(draw: Draw) -> Arguments:
    return layer(draw, draw.pair(1, 3), draw.unlike_pair(1, 4), NONE, draw.pair(1, 2), 6)


def paddings(draw: Draw) -> Arguments:
    return layer(draw, draw.pair(1, 3), ONE, draw.unlike_pair(0, 2), draw.pair(1, 2), 3)


def everything(draw: Draw) -> Arguments:
    kernel, stride, padding = draw.pair(1, 5), draw.pair(1, 4), draw.pair(0, 3)
    return layer(draw, kernel, stride, padding, draw.pair(1, 12), 20)


def real_layers(draw: Draw) -> Arguments:
    """LeNet-5's first, AlexNet's first, VGG-16's first, a bottleneck of ResNet-50."""
    side, depth, kernel, stride, padding = draw.choose(
        (32, (1, 6), 5, 1, 0), (224, (3, 64), 11, 4, 2), (224, (3, 64), 3, 1, 1),
        (56, (256, 64), 1, 1, 0),
    )  # fmt: skip
    return dict(
        height=side,
        width=side,
        in_channels=depth[0],
        out_channels=depth[1],
        kernel=(kernel, kernel),
        stride=(stride, stride),
        padding=(padding, padding),
    )


def impossible_layer(draw: Draw) -> Arguments:
    good = dict(height=4, width=5, in_channels=2, out_channels=3, kernel=(2, 2), stride=ONE)
    fault = draw.choose(
        {"kernel": (5, 1)},
        {"kernel": (1, 6)},
        {"kernel": (1, 8), "padding": (9, 1)},
        {"kernel": (7, 1), "padding": (1, 9)},
        {"kernel": (0, 2)},
        {"kernel": (2, 0)},
        {"stride": (0, 1)},
        {"stride": (1, 0)},
        {"stride": (-1, 1)},
        {"padding": (-1, 0)},
        {"padding": (0, -1)},
        {"in_channels": 0},
        {"out_channels": 0},
        {"height": 0, "padding": (1, 0)},
        {"width": 0, "padding": (0, 1)},
    )
    return {**good, "padding": NONE, **fault}


def conv_ideas() -> list[Any]:
    """Misconceptions about a convolutional layer's cost."""
    cost = ops.conv_layer_cost

    def bias_forgotten(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the biases are forgotten.
        Every filter has one bias on top of its weights."""
        sizes = height, width, in_channels, out_channels, kernel, stride, padding
        return cost(*sizes)[0], cost(*sizes)[1] - out_channels

    def one_bias_for_all(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """one bias is counted for the whole layer.
        Every filter has a bias of its own."""
        sizes = height, width, in_channels, out_channels, kernel, stride, padding
        return cost(*sizes)[0], cost(*sizes)[1] - out_channels + 1

    def bias_per_channel(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """a filter is given one bias for every input channel.
        A filter adds its one bias after the sum over all channels."""
        sizes = height, width, in_channels, out_channels, kernel, stride, padding
        return cost(*sizes)[0], cost(*sizes)[1] + out_channels * (in_channels - 1)

    def depth_forgotten(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """a filter is taken to be flat, whatever the number of input channels.
        A filter is as deep as its input: C * KH * KW weights."""
        return cost(height, width, 1, out_channels, kernel, stride, padding)

    def one_filter_counted(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """one filter is counted instead of out_channels of them.
        Every output channel has a filter and a bias of its own."""
        return cost(height, width, in_channels, 1, kernel, stride, padding)

    def weights_counted_per_position(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """every position of a filter is given weights of its own.
        A filter has the same weights wherever it looks: they are counted once."""
        connections, _ = cost(height, width, in_channels, out_channels, kernel, stride, padding)
        return connections, connections + out_channels

    def weights_and_biases_per_position(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """every output is given weights and a bias of its own.
        A filter has the same weights and bias wherever it looks: they are counted once."""
        connections, _ = cost(height, width, in_channels, out_channels, kernel, stride, padding)
        rows, columns = output_shape((height, width), kernel, stride, padding)
        return connections, connections + out_channels * rows * columns

    def biases_as_connections(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the biases are counted as connections, one for each output.
        A connection joins an input to an output; a bias joins nothing."""
        sizes = height, width, in_channels, out_channels, kernel, stride, padding
        rows, columns = output_shape((height, width), kernel, stride, padding)
        return cost(*sizes)[0] + out_channels * rows * columns, cost(*sizes)[1]

    def parameters_first(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the parameters come before the connections.
        The result is (connections, parameters)."""
        return cost(height, width, in_channels, out_channels, kernel, stride, padding)[::-1]

    def kernel_height_for_width(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the kernel's height is used for its width too.
        kernel = (rows, columns), and the two may differ."""
        square = (kernel[0], kernel[0])
        return cost(height, width, in_channels, out_channels, square, stride, padding)

    def swapped_strides(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the strides of rows and columns are swapped.
        stride = (rows, columns): the first moves down, the second to the right."""
        return cost(height, width, in_channels, out_channels, kernel, stride[::-1], padding)

    def row_stride_for_both(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the row stride is used for the columns too.
        stride = (rows, columns), and the two may differ."""
        both = (stride[0], stride[0])
        return cost(height, width, in_channels, out_channels, kernel, both, padding)

    def stride_ignored(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the stride is ignored.
        With a stride of s, only every s-th output is there."""
        return cost(height, width, in_channels, out_channels, kernel, (1, 1), padding)

    def size_rounded_up(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the number of steps is rounded up.
        A last step that does not fit whole is not made: round down."""
        sides = (height, width), kernel, stride, padding
        rows, columns = (
            math.ceil((n + 2 * p - k) / s) + 1 for n, k, s, p in zip(*sides, strict=True)
        )
        parameters = cost(height, width, in_channels, out_channels, kernel, stride, padding)[1]
        return rows * columns * (parameters - out_channels), parameters

    def swapped_paddings(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the paddings of rows and columns are swapped.
        padding = (rows, columns): the first goes above and below the image."""
        return cost(height, width, in_channels, out_channels, kernel, stride, padding[::-1])

    def padding_ignored(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the padding is ignored.
        Padding makes room for more outputs: H + 2 * PH rows, W + 2 * PW columns."""
        return cost(height, width, in_channels, out_channels, kernel, stride, (0, 0))

    def padding_on_one_side(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the padding is added on one side only.
        padding is added on both sides: the image grows by twice the amount."""
        grown = height + padding[0], width + padding[1]
        return cost(*grown, in_channels, out_channels, kernel, stride, (0, 0))

    def padding_cells_not_counted(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """connections to padding cells are left out.
        They count like any other: every output has C * KH * KW connections."""
        real = ops.im2col(np.ones((1, 1, height, width)), kernel, stride, padding).sum()
        parameters = cost(height, width, in_channels, out_channels, kernel, stride, padding)[1]
        return int(real) * in_channels * out_channels, parameters

    def output_as_large_as_input(
        height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
    ):
        """the output is taken to be as large as the image.
        Its size follows from kernel, stride and padding: (H + 2 * PH - KH) // SH + 1 rows."""
        parameters = cost(height, width, in_channels, out_channels, kernel, stride, padding)[1]
        return height * width * (parameters - out_channels), parameters

    return [idea for idea in locals().values() if callable(idea) and idea is not cost]


conv_layer_cost = Exercise(
    ops.conv_layer_cost,
    kinds={
        "plain": plain_layer,
        "channels": channels,
        "strides": strides,
        "paddings": paddings,
        "everything": everything,
        "real layers": real_layers,
        "impossible": impossible_layer,
    },
    laws=[
        counts(0, "connections", "every output is joined to KH * KW cells of every input channel",
               0.5, "plain", "channels"),
        counts(0, "geometry", "stride and padding decide how many outputs there are",
               0.5, "strides", "paddings", "everything", "real layers"),
        counts(1, "parameters", "a filter has C * KH * KW weights and one bias, however large "
               "the image", 0.5),
        refuses("sizes below 1 and impossible geometry raise ValueError"),
    ],
    misconceptions=conv_ideas(),
    returns=COUNTS,
    cases=16,
    formula=(
        "Every one of the HO * WO outputs of each of the `out_channels` channels is joined "
        "to a window of KH by KW cells in all `in_channels` channels.",
        "All outputs of one channel share their weights, and one bias.",
    ),
    working=_working.conv_cost,
)  # fmt: skip


# --- receptive_field


def stack(draw: Draw, fewest: int, most: int, strides: Pair) -> list[Pair]:
    """Layers (kernel, stride) with strides from the first number to the second."""
    count = draw.size(fewest, most)
    return [(draw.size(1, 5), draw.size(*strides)) for _ in range(count)]


def unit_strides(draw: Draw) -> Arguments:
    return dict(layers=stack(draw, 0, 4, (1, 1)))


def one_layer(draw: Draw) -> Arguments:
    """Its own stride changes nothing: the next layers' steps are stretched, not its own."""
    return dict(layers=stack(draw, 1, 1, (1, 4)))


def two_layers(draw: Draw) -> Arguments:
    return dict(layers=stack(draw, 2, 2, (1, 3)))


def deep(draw: Draw) -> Arguments:
    return dict(layers=stack(draw, 3, 10, (1, 3)))


def real_networks(draw: Draw) -> Arguments:
    """LeNet-5, AlexNet and VGG-16, up to the last pooling."""
    lenet = [(5, 1), (2, 2), (5, 1), (2, 2)]
    alexnet = [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2)]
    twice, thrice = [(3, 1)] * 2 + [(2, 2)], [(3, 1)] * 3 + [(2, 2)]
    return dict(layers=draw.choose(lenet, alexnet, twice * 2 + thrice * 3))


def impossible_stack(draw: Draw) -> Arguments:
    layers = draw.choose(
        [(0, 1)], [(3, 0)], [(-1, 1)], [(3, -1)], [(3, 1), (0, 2)], [(3, 0), (3, 1)],
        [(3, 2), (3, -2), (3, 1)],
    )  # fmt: skip
    return dict(layers=layers)


def adds_whole_kernel(layers):
    """each layer adds its whole kernel.
    The first of its k cells is seen already: a layer adds k - 1 steps."""
    return ops.receptive_field(layers) + sum(math.prod(s for _, s in layers[:i])
                                             for i in range(len(layers)))  # fmt: skip


def earlier_strides_ignored(layers):
    """the strides of earlier layers are ignored.
    A step of this layer is as wide as the product of all strides before it."""
    return ops.receptive_field([(kernel, 1) for kernel, _ in layers])


def own_stride_first(layers):
    """a layer's own stride stretches its own kernel.
    A stride spreads the outputs: it stretches the steps of the layers after it."""
    kernels = [1, *(kernel for kernel, _ in layers)]
    strides = [*(stride for _, stride in layers), 1]
    return ops.receptive_field(list(zip(kernels, strides, strict=True)))


def previous_stride_only(layers):
    """only the stride of the layer just before counts.
    A step is as wide as the product of all strides before it."""
    before = [1, *(stride for _, stride in layers)]
    return 1 + sum((kernel - 1) * step for (kernel, _), step in zip(layers, before, strict=False))


def strides_added(layers):
    """the strides of earlier layers are added up.
    They multiply: two layers of stride 2 make steps of 4 pixels."""
    before = [stride for _, stride in layers]
    return 1 + sum((kernel - 1) * (sum(before[:i]) or 1) for i, (kernel, _) in enumerate(layers))


def layers_backwards(layers):
    """the layers are taken last first, as if the last were next to the image.
    The first layer of the list is the one that reads the pixels."""
    return ops.receptive_field(layers[::-1])


def starts_at_zero(layers):
    """the sum starts at 0.
    No layer at all sees one pixel: start at 1."""
    return ops.receptive_field(layers) - 1


def area_instead_of_side(layers):
    """the area is given.
    The result is the side of the square."""
    return ops.receptive_field(layers) ** 2


receptive_field = Exercise(
    ops.receptive_field,
    kinds={
        "unit strides": unit_strides,
        "one layer": one_layer,
        "two layers": two_layers,
        "deep": deep,
        "real networks": real_networks,
        "impossible": impossible_stack,
    },
    laws=[
        agrees(0.5, "unit strides",
               says="no layer sees one pixel; with stride 1 each layer adds its kernel - 1"),
        agrees(0.5, "one layer", "two layers", "deep", "real networks", name="stride",
               says="each stride stretches the steps of the layers after it"),
        refuses("a kernel or stride below 1 raises ValueError"),
    ],
    misconceptions=[
        adds_whole_kernel,
        earlier_strides_ignored,
        own_stride_first,
        previous_stride_only,
        strides_added,
        layers_backwards,
        starts_at_zero,
        area_instead_of_side,
    ],
    returns=("the side",),
    formula=(
        "Two neighbouring outputs of a layer with stride 2 look at places that are two of "
        "its inputs apart: each stride stretches all that comes after it.",
    ),
    working=_working.field,
)  # fmt: skip


# --- line_filter: many filters are right, so laws alone judge, and the reference's is never shown

LINES = {
    "horizontal": np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]]),
    "vertical": np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0]]),
    "diagonal": np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    "antidiagonal": np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]),
}


def straight_lines(draw: Draw) -> Arguments:
    return dict(orientation=draw.choose("horizontal", "vertical"))


def slanted_lines(draw: Draw) -> Arguments:
    return dict(orientation=draw.choose("diagonal", "antidiagonal"))


def unknown_orientation(draw: Draw) -> Arguments:
    return dict(orientation=draw.choose("round", "", "upwards", "horizon"))


def filter_form(value: Any) -> Mismatch | None:
    """What is wrong with the form of a filter, if anything."""
    form = "a 3 by 3 array of float64"
    wrong = mismatch(value, np.zeros((3, 3)), 0.0, ("the filter",), values=False)
    if wrong is None and value.dtype != np.float64:
        wrong = Mismatch(f"the filter has dtype {value.dtype}; it should be float64")
    return wrong and Mismatch(wrong.message, "the filter", None, value, form)


def is_filter(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.shape == (3, 3)


def total(kernel: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(kernel.sum(dtype=np.float64))


def rounding(kernel: np.ndarray) -> float:
    """Error of a sum of nine numbers that took a few operations each to compute."""
    return 16 * unit_roundoff(np.float64) * total(np.abs(kernel))


def responses(kernel: np.ndarray) -> dict[str, float]:
    """A filter's answer to each line."""
    with np.errstate(all="ignore"):
        return {name: total(kernel * line) for name, line in LINES.items()}


def seen(value: Any) -> Any:
    """What a filter sees: whether it sums to zero, and the line that it answers to most."""
    if not is_filter(value) or not value.any():
        return value
    sums = "to zero" if abs(total(value)) <= rounding(value) else "to something"
    response = responses(value)
    most = max(abs(answer) for answer in response.values())
    lines = [name for name in LINES if abs(response[name]) >= most - rounding(value)]
    if len(lines) != 1:
        return sums, "no line"
    sign = "bright" if response[lines[0]] > 0 else "dark"
    return sums, f"{sign} {lines[0]}"


def _filter_shape(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    return filter_form(answers[0].value)


def _answers_to_its_line(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    value, own = answers[0].value, case.arguments["orientation"]
    if not is_filter(value):
        return filter_form(value)
    response = responses(value)
    rival = max((name for name in LINES if name != own), key=lambda name: response[name])
    if response[own] > response[rival] + rounding(value):
        return None
    text = (
        f"its answer to the {own} line is {number(response[own])}, "
        f"to the {rival} line {number(response[rival])}; its own line should get the most"
    )
    return Mismatch(text, "the filter", None, value, f"more than {number(response[rival])}")


def _sums_to_zero(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    value = answers[0].value
    if not is_filter(value):
        return filter_form(value)
    if abs(total(value)) <= rounding(value):
        return None
    text = f"the nine numbers sum to {number(total(value))}; they should sum to 0"
    return Mismatch(text, "the filter", None, value, "a sum of 0")


def orientations_exchanged(orientation):
    """the horizontal and the vertical filter are exchanged.
    A horizontal line runs along a row: the filter's middle row answers to it."""
    exchanged = {"horizontal": "vertical", "vertical": "horizontal"}
    return ops.line_filter(exchanged.get(orientation, orientation))


def diagonals_exchanged(orientation):
    """the two diagonals are exchanged.
    "diagonal" runs from the top left to the bottom right, "antidiagonal" the other way."""
    exchanged = {"diagonal": "antidiagonal", "antidiagonal": "diagonal"}
    return ops.line_filter(exchanged.get(orientation, orientation))


def filter_does_not_sum_to_zero(orientation):
    """the numbers on the line are not made up for by negative ones beside it.
    Subtract the mean of all nine: a plain grey image must get no answer."""
    return (ops.line_filter(orientation) + 1) / 3


def edge_instead_of_line(orientation):
    """the filter looks for an edge: bright on one side, dark on the other.
    A line is brighter than both of its sides: positive numbers on it, negative ones beside it."""
    down, right = np.mgrid[-1.0:2, -1.0:2]
    across = {"horizontal": down, "vertical": right, "diagonal": right - down}
    return across.get(orientation, right + down)


def dark_line(orientation):
    """the signs are exchanged, which finds a dark line on a bright ground.
    The numbers on the line are positive, those beside it negative."""
    return -ops.line_filter(orientation)


line_filter = Exercise(
    ops.line_filter,
    free=True,
    kinds={
        "straight": straight_lines,
        "slanted": slanted_lines,
        "impossible": unknown_orientation,
    },
    laws=[
        Law("shape", "the filter is a 3 by 3 array of float64", 0.5, _filter_shape),
        Law("line", "the filter answers more to its own line than to the other three", 0.5,
            _answers_to_its_line),
        Law("zero", "its numbers sum to zero: plain grey gets no answer", 0.5, _sums_to_zero,
            needs="line"),
        refuses("an unknown orientation raises ValueError"),
    ],
    misconceptions=[
        orientations_exchanged,
        diagonals_exchanged,
        filter_does_not_sum_to_zero,
        edge_instead_of_line,
        dark_line,
    ],
    normal=seen,
    returns=("the filter",),
    cases=8,
    formula=(
        "the nine numbers sum to zero, so that a plain grey image gives no answer",
        "a line through the middle, one pixel wide and of the kernel's own orientation, "
        "gives a stronger answer than such a line of any of the other three",
    ),
)  # fmt: skip
