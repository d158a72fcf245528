"""Backpropagation: each layer hands back the gradient of the loss at its input and its weights.

Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors" (1986);
LeCun et al., "Backpropagation applied to handwritten zip code recognition" (1989). Gradients are
judged against the reference's, never by the forward pass of the submission.
"""

from __future__ import annotations

from autograder.specs.backprop.columns import col2im
from autograder.specs.backprop.conv import conv2d_backward
from autograder.specs.backprop.cross_entropy import cross_entropy_backward
from autograder.specs.backprop.dense import dense_backward
from autograder.specs.backprop.pools import avg_pool2d_backward, max_pool2d_backward
from autograder.specs.backprop.relu import relu_backward

LESSON = 7

# In the order in which students meet them.
EXERCISES = (
    relu_backward,
    dense_backward,
    cross_entropy_backward,
    max_pool2d_backward,
    avg_pool2d_backward,
    conv2d_backward,
    col2im,
)
