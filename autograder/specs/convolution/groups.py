"""Groups of channels, and kernels whose taps lie apart: grouped_conv2d."""

from __future__ import annotations

import numpy as np

from autograder.laws import agrees, dtype, lasting, refuses, shape, untouched
from autograder.spec import Arguments, Exercise
from autograder.specs._layers import NUMBERS, Pair, by_numbers, image_size, renumbered_all, unsaid
from autograder.strategies import Draw
from autograder.tolerance import of_sums
from autograder.working import sums
from reference import ops


def grouped(
    draw: Draw, groups: int, width: int, depth: int, stride: Pair, padding: Pair, dilation: Pair
) -> Arguments:
    """`width` input and `depth` output channels in each group."""
    kernel = draw.pair(1, 3)
    size = image_size(draw, kernel, padding, 3, dilation)
    x = draw.whole(draw.size(1, 2), groups * width, *size)
    w = draw.whole(groups * depth, width, *kernel)
    return dict(
        x=x,
        w=w,
        b=draw.whole(len(w)),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def one_group(draw: Draw) -> Arguments:
    """What is not said is one group, no dilation, and perhaps no padding and a stride of one."""
    width, depth = draw.size(1, 2), draw.size(1, 2)
    stride, padding = draw.choose(((1, 1), (0, 0)), (draw.pair(1, 2), draw.pair(0, 1)))
    arguments = grouped(draw, 1, width, depth, stride, padding, (1, 1))
    del arguments["groups"], arguments["dilation"]
    return unsaid(arguments)


def dilations(draw: Draw) -> Arguments:
    dilation = draw.unlike_pair(1, 3)
    arguments = grouped(draw, 1, 1, draw.size(1, 2), draw.pair(1, 2), draw.pair(0, 1), dilation)
    del arguments["groups"]
    return arguments


def groups(draw: Draw) -> Arguments:
    count, width, depth = draw.size(2, 3), draw.size(1, 2), draw.size(1, 3)
    return grouped(draw, count, width, depth, (1, 1), (0, 0), (1, 1))


def depthwise(draw: Draw) -> Arguments:
    return grouped(draw, draw.size(2, 4), 1, 1, draw.pair(1, 2), draw.pair(0, 1), draw.pair(1, 2))


def grouped_numbers(draw: Draw, kind: str) -> Arguments:
    arguments = grouped(draw, 2, 2, 1, draw.pair(1, 2), draw.pair(0, 1), draw.pair(1, 2))
    if draw.size(0, 3) == 0:
        arguments["x"] = arguments["x"][:0]
    return renumbered_all(draw, kind, arguments)


def impossible_groups(draw: Draw) -> Arguments:
    good = dict(
        x=np.ones((1, 4, 4, 4)),
        w=np.ones((4, 2, 2, 2)),
        b=np.ones(4),
        stride=(1, 1),
        padding=(0, 0),
        dilation=(1, 1),
        groups=2,
    )
    fault = draw.choose(
        {"groups": 3},
        {"groups": 0},
        {"x": np.ones((1, 5, 4, 4))},
        {"w": np.ones((3, 2, 2, 2)), "b": np.ones(3)},
        {"dilation": (0, 1)},
        {"dilation": (1, 4)},
        {"stride": (1, 0)},
        {"w": np.ones((4, 2, 5, 2))},
    )
    return good | fault


def dilation_ignored(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """the dilation is ignored.
    Tap u reads row i * stride + u * dilation."""
    return ops.grouped_conv2d(x, w, b, stride, padding, (1, 1), groups)


def swapped_dilations(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """the dilations of rows and columns are swapped.
    dilation = (rows, columns)."""
    return ops.grouped_conv2d(x, w, b, stride, padding, dilation[::-1], groups)


def dilation_moves_the_window(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """the dilation is used as a stride.
    Dilation spreads the taps of one window; the stride moves the window."""
    moved = (stride[0] * dilation[0], stride[1] * dilation[1])
    return ops.grouped_conv2d(x, w, b, moved, padding, (1, 1), groups)


def dilation_and_stride_swapped(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """stride and dilation are exchanged.
    The stride moves the window; dilation spreads the taps within it."""
    return ops.grouped_conv2d(x, w, b, dilation, padding, stride, groups)


def dilation_times_kernel(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """a dilated kernel is taken to be dilation * kernel long, so the last outputs are missing.
    Its k taps have k - 1 gaps: it spans (k - 1) * dilation + 1 cells."""
    y = ops.grouped_conv2d(x, w, b, stride, padding, dilation, groups)
    rows, columns = (
        ops.output_size(x.shape[2 + a], w.shape[2 + a] * dilation[a], stride[a], (padding[a],) * 2)
        for a in (0, 1)
    )
    return y[:, :, :rows, :columns]


def channels_interleaved(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """group g takes every groups-th channel.
    A group is a block of neighbours: channels g * C // groups and the following."""
    n, c = x.shape[:2]
    mixed = x.reshape(n, c // groups, groups, *x.shape[2:]).swapaxes(1, 2).reshape(x.shape)
    return ops.grouped_conv2d(mixed, w, b, stride, padding, dilation, groups)


def filters_interleaved(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """filter o belongs to group o % groups.
    A group's filters are neighbours: filter o belongs to group o // (O // groups)."""
    order = np.arange(len(w)).reshape(-1, groups).T.ravel()
    y = ops.grouped_conv2d(x, w[order], b[order], stride, padding, dilation, groups)
    out = np.empty_like(y)
    out[:, order] = y
    return out


def first_group_for_all(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """all filters read the first group's channels.
    Filter o reads the channels of its own group."""
    width = x.shape[1] // groups
    first = np.concatenate([x[:, :width]] * groups, axis=1)
    return ops.grouped_conv2d(first, w, b, stride, padding, dilation, groups)


grouped_conv2d = Exercise(
    ops.grouped_conv2d,
    kinds={
        "one group": one_group,
        "dilations": dilations,
        "groups": groups,
        "depthwise": depthwise,
        **by_numbers(grouped_numbers),
        "impossible": impossible_groups,
    },
    laws=[
        shape("the output is (N, O, HO, WO)", 0.5, "one group"),
        agrees(0.5, "one group", says="with one group and no dilation it is conv2d"),
        agrees(0.5, "dilations", name="dilation", says="dilation spreads the taps of a window"),
        agrees(
            0.5,
            "groups",
            "depthwise",
            *NUMBERS,
            name="groups",
            says="each filter reads its own group's channels",
        ),
        dtype(0.5),
        lasting(untouched(0.5, "groups", *NUMBERS)),
        refuses("groups that do not divide, and impossible geometry, raise ValueError"),
    ],
    tolerance=of_sums(ops.grouped_conv2d, "x"),
    misconceptions=[
        dilation_ignored,
        swapped_dilations,
        dilation_moves_the_window,
        dilation_and_stride_swapped,
        dilation_times_kernel,
        channels_interleaved,
        filters_interleaved,
        first_group_for_all,
    ],
    cases=8,
    formula=(
        "the filters of run g see the channels of run g alone",
        "With dilation (dh, dw), tap (u, v) of the kernel reads the pixel u * dh rows and v "
        "* dw columns after the window's first.",
    ),
    working=sums(ops.grouped_conv2d, "x", "w", bias="b"),
)
