"""Convolution: a small filter slides over the image, the same weights everywhere.

LeCun et al., "Gradient-based learning applied to document recognition" (1998), section II.
"""

from __future__ import annotations

from autograder.specs.convolution.groups import grouped_conv2d
from autograder.specs.convolution.layers import conv2d, conv2d_im2col
from autograder.specs.convolution.one_channel import convolve2d, cross_correlate2d
from autograder.specs.convolution.windows import im2col

LESSON = 3

# In the order in which students meet them.
EXERCISES = (
    cross_correlate2d,
    convolve2d,
    conv2d,
    im2col,
    conv2d_im2col,
    grouped_conv2d,
)
