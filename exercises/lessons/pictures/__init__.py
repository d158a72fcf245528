"""The pictures of the lessons: each function draws one figure below the cell that calls it.

A module a topic, and `drawing` for what they share. Numbers are computed by the kit's compiled
core. A topic's module begins with an underscore: in a folder that is handed in, `padding.py` would
be taken for the student's own.
"""

from pictures._activation import activations, bent, loss, probabilities
from pictures._architectures import alexnet_blocks, inception, normalised, residual, shape_table
from pictures._backprop import (
    back_through_convolution,
    back_through_pools,
    back_through_relu,
    back_to_weights,
    chain,
)
from pictures._convolution import channels, columns, flipped, line_filters, sliding
from pictures._keras_bridge import axes_moved, flattened, layouts
from pictures._padding import padded, places, same, seen
from pictures._pooling import pool_border, pools, shifted
from pictures._stride import kept, strides, work
from pictures._training import depths, downhill, small_network, some_digits, training_curves
from pictures._why_cnn import connections, costs, receptive_field, simple_cell
from pictures.drawing import digit

__all__ = [
    "activations",
    "alexnet_blocks",
    "axes_moved",
    "back_through_convolution",
    "back_through_pools",
    "back_through_relu",
    "back_to_weights",
    "bent",
    "chain",
    "channels",
    "columns",
    "connections",
    "costs",
    "depths",
    "digit",
    "downhill",
    "flattened",
    "flipped",
    "inception",
    "kept",
    "layouts",
    "line_filters",
    "loss",
    "normalised",
    "padded",
    "places",
    "pool_border",
    "pools",
    "probabilities",
    "receptive_field",
    "residual",
    "same",
    "seen",
    "shape_table",
    "shifted",
    "simple_cell",
    "sliding",
    "small_network",
    "some_digits",
    "strides",
    "training_curves",
    "work",
]
