import numpy as np

from autograder.laws import agrees, dtype, lasting, refuses, untouched
from autograder.spec import Arguments, Exercise
from autograder.specs.activation import _floats, whole_numbers
from autograder.strategies import Draw
from autograder.tolerance import largest, unit_roundoff
from reference import ops

# --- prelu


def slopes(draw: Draw, channels: int) -> np.ndarray:
    """No two channels have the same slope; whole multiples of 1/8 keep the products exact."""
    return draw.shuffled(channels) / 8 + 0.25


def plain_channels(draw: Draw) -> Arguments:
    x = draw.whole(draw.size(1, 2), draw.size(1, 3), draw.size(1, 3), draw.size(1, 3))
    return dict(x=x, slope=slopes(draw, x.shape[1]))


def as_many_rows_as_channels(draw: Draw) -> Arguments:
    side = draw.size(2, 3)
    return dict(x=draw.whole(1, side, side, side), slope=slopes(draw, side))


def real_channels(draw: Draw) -> Arguments:
    x = draw.real(draw.size(1, 3), draw.size(1, 4), draw.size(1, 3), draw.size(1, 12))
    return dict(x=x, slope=draw.real(x.shape[1]))


def float32_channels(draw: Draw) -> Arguments:
    x = draw.real(draw.size(1, 2), draw.size(1, 3), draw.size(1, 3), 2, dtype=np.float32)
    return dict(x=draw.layout(x), slope=slopes(draw, x.shape[1]).astype(np.float32))


def integer_channels(draw: Draw) -> Arguments:
    x = whole_numbers(draw, draw.size(1, 2), draw.size(1, 3), draw.size(1, 3), 2)
    return dict(x=x, slope=slopes(draw, x.shape[1]))


def whole_slopes(draw: Draw) -> Arguments:
    x = draw.real(draw.size(1, 2), draw.size(1, 3), draw.size(1, 3), 2, dtype=np.float32)
    return dict(x=x, slope=draw.whole(x.shape[1], dtype=np.int64))


def no_images(draw: Draw) -> Arguments:
    channels = draw.size(1, 3)
    return dict(x=np.zeros((0, channels, 2, draw.size(1, 2))), slope=slopes(draw, channels))


def impossible_slope(draw: Draw) -> Arguments:
    x, slope = np.ones((1, 2, 3, 3)), np.ones(2)
    return draw.choose(
        dict(x=x, slope=np.ones(1)),
        dict(x=x, slope=np.ones(3)),
        dict(x=x, slope=np.ones((2, 1))),
        dict(x=np.ones((3, 2, 2)), slope=slope),
        dict(x=np.ones((1, 2, 1, 3, 3)), slope=slope),
    )


def slope_of_each_column(x, slope):
    """the slopes are handed out along the columns.
    NumPy lines up last axes: slope[:, None, None] puts the slopes on the channels."""
    if x.shape[3] not in (1, len(slope)) and len(slope) != 1:
        raise ValueError
    return np.where(x > 0, x, slope * x)


def slope_subtracted(x, slope):
    """the slope turns the negative numbers round.
    A negative number is multiplied by the slope, and not by minus the slope."""
    return ops.prelu(x, -slope)


def slope_of_the_positive(x, slope):
    """the slope is that of the positive numbers.
    Positive numbers stay as they are; all others are multiplied."""
    return -ops.prelu(-_floats(x), slope)


def first_slope_for_all(x, slope):
    """the first slope is that of all channels.
    Channel c has the slope slope[c]."""
    return ops.prelu(x, np.full_like(slope, slope[0]))


def rectified(x, slope):
    """negative numbers become 0, as in ReLU.
    They are multiplied by the slope of their channel."""
    return ops.relu(x)


def of_prelu(arguments: Arguments, expected: np.ndarray) -> float:
    """With a = |slope|, every way has at most four roundings of numbers up to (1 + a) |x|: also
    (1 + slope) / 2 * x + (1 - slope) / 2 * |x|."""
    x, slope = arguments["x"], arguments["slope"]
    return 4 * unit_roundoff(expected.dtype) * (1 + largest(slope)) * largest(_floats(x))


prelu = Exercise(
    ops.prelu,
    kinds={
        "plain": plain_channels,
        "square": as_many_rows_as_channels,
        "real": real_channels,
        "float32": float32_channels,
        "integers": integer_channels,
        "whole slopes": whole_slopes,
        "empty batch": no_images,
        "impossible": impossible_slope,
    },
    laws=[
        agrees(
            1,
            "plain",
            "square",
            "real",
            says="positive numbers stay, others are multiplied by their channel's slope",
        ),
        agrees(
            0.5,
            "float32",
            "integers",
            "whole slopes",
            "empty batch",
            name="numbers",
            says="any dtype and memory layout is right, and an empty batch",
        ),
        dtype(0.5),
        lasting(untouched(0.5, "plain", "float32", "integers", needs="agrees")),
        refuses("an x without four axes, or a slope too many or too few, raises ValueError"),
    ],
    tolerance=of_prelu,
    misconceptions=[
        slope_of_each_column,
        slope_subtracted,
        slope_of_the_positive,
        first_slope_for_all,
        rectified,
    ],
    formula=(
        "y[n, c, i, j] = x[n, c, i, j] where that is positive, else slope[c] * x[n, c, i, j]",
    ),
)
