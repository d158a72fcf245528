#!/usr/bin/env python
# coding: utf-8

# # 1. Why not dense?

# In[1]:

import numpy as np

from exercises.padding import Axis
from utils import pairs

# In[2]:


class DenseCost:
    def __init__(self, inputs: int, units: int):
        pairs(size=(inputs, units))
        self.connections = inputs * units
        self.parameters = self.connections + units


class ConvCost:
    def __init__(self, rows: Axis, columns: Axis, in_channels: int, out_channels: int):
        pairs(size=(rows.size, columns.size, in_channels, out_channels))
        self.weights_per_filter = in_channels * rows.kernel * columns.kernel
        self.parameters = out_channels * (self.weights_per_filter + 1)
        self.connections = len(rows) * len(columns) * out_channels * self.weights_per_filter


def dense_layer_cost(inputs: int, units: int) -> (int, int):
    cost = DenseCost(inputs, units)
    return cost.connections, cost.parameters


def conv_layer_cost(height: int, width: int, in_channels: int, out_channels: int, kernel: tuple,
                    stride: tuple = (1, 1), padding: tuple = (0, 0)) -> tuple:
    rows = Axis(height, kernel[0], stride[0], (padding[0], padding[0]))
    columns = Axis(width, kernel[1], stride[1], (padding[1], padding[1]))
    cost = ConvCost(rows, columns, in_channels, out_channels)
    return cost.connections, cost.parameters


dense_layer_cost(100 * 100, 1000)

# In[3]:


def receptive_field(layers: list) -> int:
    # the smallest input that still gives one output
    size = 1
    for kernel, stride in layers[::-1]:
        if kernel < 1 or stride < 1:
            raise ValueError(f"layers: want kernel and stride >= 1, got {kernel} and {stride}")
        size = (size - 1) * stride + kernel
    return size


# In[4]:


class LineDetector:
    """A cell of Hubel and Wiesel."""

    names = {"horizontal": 0, "vertical": 1, "diagonal": 2, "antidiagonal": 3}

    def __init__(self, orientation: str):
        if orientation not in self.names:
            raise ValueError(f"orientation: want one of {list(self.names)}, got {orientation!r}")
        self.orientation = orientation

    def kernel(self) -> np.array:
        straight = np.array([[-0.5, -0.5, -0.5], [1.0, 1.0, 1.0], [-0.5, -0.5, -0.5]])
        slanted = 1.5 * np.identity(3) - 0.5
        number = self.names[self.orientation]
        return np.rot90(slanted if number >= 2 else straight, k=number % 2).copy()


def line_filter(orientation: str) -> np.array:
    return LineDetector(orientation).kernel()


assert all(abs(line_filter(name).sum()) < 1e-12 for name in LineDetector.names)
