"""Architectures: famous networks, their shapes, their parameters and their blocks.

LeCun et al. (1998), LeNet-5; Krizhevsky et al. (2012), AlexNet; Szegedy et al. (2015), GoogLeNet;
Ioffe and Szegedy (2015), batch normalisation; He et al. (2016), ResNet.
"""

from __future__ import annotations

from autograder.specs.architectures.famous import alexnet, lenet5
from autograder.specs.architectures.inception import inception_module
from autograder.specs.architectures.normalisation import batch_norm2d
from autograder.specs.architectures.parameters import count_parameters
from autograder.specs.architectures.residual import residual_block
from autograder.specs.architectures.shapes import trace_shapes

LESSON = 8

# In the order in which students meet them.
EXERCISES = (
    trace_shapes,
    count_parameters,
    lenet5,
    alexnet,
    batch_norm2d,
    residual_block,
    inception_module,
)
