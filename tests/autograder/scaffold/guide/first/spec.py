import numpy as np

from autograder.laws import agrees, shape
from autograder.spec import Arguments, Exercise
from autograder.strategies import Draw
from reference import ops

# --- prelu


def plain_channels(draw: Draw) -> Arguments:
    side = draw.size(1, 3)
    return dict(x=draw.whole(1, side, side, side), slope=np.full(side, 0.25))


def slope_subtracted(x, slope):
    """the slope turns the negative numbers round.
    A negative number is multiplied by the slope, and not by minus the slope."""
    return ops.prelu(x, -slope)


prelu = Exercise(
    ops.prelu,
    kinds={"plain": plain_channels},
    laws=[
        shape("the output has the shape of x"),
        agrees(2, says="positive numbers stay, others are multiplied by their channel's slope"),
    ],
    misconceptions=[slope_subtracted],
    formula=(
        "y[n, c, i, j] = x[n, c, i, j] where that is positive, else slope[c] * x[n, c, i, j]",
    ),
)
