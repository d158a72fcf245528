"""Lesson 1: why not just a dense network?

A dense layer joins every pixel to every unit. A convolutional layer joins each unit to a small
window and gives all units of a channel the same weights, after the simple cells that Hubel and
Wiesel found in the cat's visual cortex. Here you count what each kind of layer costs, work out how
much of the image one output sees, and build filters that answer to lines.
"""

import numpy as np


def dense_layer_cost(inputs: int, units: int) -> tuple[int, int]:
    """What a dense layer with biases costs: (connections, parameters).

    A connection joins one input to one unit. A parameter is a number that training can change:
    here every connection has a weight of its own, and every unit has a bias. A bias is no
    connection.

    Raises ValueError for `inputs` or `units` below 1.

    >>> dense_layer_cost(100 * 100, 1000)
    (10000000, 10001000)

    Taught in: Lesson 1, Why CNNs: a 100 by 100 image meets 1000 hidden units.
    """
    raise NotImplementedError


def conv_layer_cost(
    height: int,
    width: int,
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> tuple[int, int]:
    """What a convolutional layer with biases costs: (connections, parameters).

    Every one of the HO * WO outputs of each of the `out_channels` channels is joined to a window
    of KH by KW cells in all `in_channels` channels. Cells of the padding count as connections
    like any other. All outputs of one channel share their weights, and one bias.

    Raises ValueError for sizes or channels below 1, a stride below 1, negative padding, and a
    kernel larger than the padded image.

    >>> conv_layer_cost(32, 32, 1, 6, (5, 5))
    (117600, 156)

    Taught in: Lesson 1, Why CNNs: shared weights (LeCun et al. 1998, section II).
    """
    raise NotImplementedError


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """Side of the square of input pixels that one output depends on.

    `layers` is a list of (kernel, stride) pairs of whole numbers, the first layer first; all
    kernels are square. Two neighbouring outputs of a layer with stride 2 look at places that are
    two of its inputs apart: each stride stretches all that comes after it. No layer at all sees
    one pixel. Padding changes nothing.

    Raises ValueError for a kernel or a stride below 1.

    >>> receptive_field([])
    1
    >>> receptive_field([(3, 1), (3, 1)])
    5
    >>> receptive_field([(3, 2), (3, 1)])
    7

    Taught in: Lesson 1, Why CNNs: receptive fields (Araujo, Norris and Sim 2019).
    """
    raise NotImplementedError


def line_filter(orientation: str) -> np.ndarray:
    """A (3, 3) float64 kernel that answers most strongly to a line of one orientation.

    `orientation` is "horizontal", "vertical", "diagonal" (top-left to bottom-right) or
    "antidiagonal" (top-right to bottom-left). The answer of a kernel to a 3 by 3 image is the sum
    of the products of their numbers. Two laws decide, and many kernels obey them: the nine numbers
    sum to zero, so that a plain grey image gives no answer; and a line through the middle, one
    pixel wide and of the kernel's own orientation, gives a stronger answer than such a line of any
    of the other three.

    Raises ValueError for any other word.

    >>> line_filter("vertical").shape
    (3, 3)
    >>> float(line_filter("diagonal").sum())
    0.0

    Taught in: Lesson 1, Why CNNs: cells that answer to lines (Hubel and Wiesel 1962).
    """
    raise NotImplementedError
