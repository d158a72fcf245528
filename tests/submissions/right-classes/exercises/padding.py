#!/usr/bin/env python
# coding: utf-8

# # 2. Padding

# In[1]:

import numpy as np

from utils import Checked, ShapeProblem, pairs

# In[2]:


class Axis:
    """How windows lie along one axis of an image.

    pixels has shape (outputs, kernel): the padded pixel under each tap of each window.
    """

    def __init__(self, size: int, kernel: int, stride: int = 1, padding: tuple = (0, 0),
                 dilation: int = 1):
        pairs(kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        self.size, self.kernel, self.stride, self.dilation = size, kernel, stride, dilation
        self.before, self.after = padding
        self.padded = size + self.before + self.after
        self.extent = (kernel - 1) * dilation + 1
        if self.extent > self.padded:
            raise ShapeProblem("kernel", f"at most {self.padded} (the padded size)", self.extent)

    def __len__(self) -> int:
        return (self.padded - self.extent) // self.stride + 1

    @property
    def pixels(self) -> np.array:
        starts = np.arange(len(self)) * self.stride
        return starts[:, np.newaxis] + np.arange(self.kernel) * self.dilation

    @property
    def real(self) -> np.array:
        """How many pixels of each window are no padding."""
        inside = (self.pixels >= self.before) & (self.pixels < self.before + self.size)
        return inside.sum(axis=1)


def output_size(size: int, kernel: int, stride: int = 1, padding: tuple = (0, 0),
                dilation: int = 1) -> int:
    return len(Axis(size, kernel, stride, padding, dilation))


output_size(7, 3, 2)

# In[3]:


def same_padding(size: int, kernel: int, stride: int = 1) -> tuple:
    pairs(size=size, kernel=kernel, stride=stride)
    outputs = int(np.ceil(size / stride))
    total = max(0, (outputs - 1) * stride + kernel - size)
    return total // 2, total - total // 2


assert sum(same_padding(5, 2)) + 5 == 6

# In[4]:


class Border:
    def __init__(self, rows: tuple, columns: tuple, value: float = 0):
        pairs(padding=rows)
        pairs(padding=columns)
        self.amounts = ((0, 0), (0, 0), tuple(rows), tuple(columns))
        self.value = value

    def add(self, x: np.array) -> np.array:
        return np.pad(x, self.amounts, mode="constant", constant_values=self.value)

    def remove(self, x: np.array) -> np.array:
        # [:, :, p:-p] is empty for p = 0, so count from the left
        (top, bottom), (left, right) = self.amounts[2:]
        return x[:, :, top:x.shape[2] - bottom, left:x.shape[3] - right].copy()


def zero_pad2d(x: np.array, padding: tuple) -> np.array:
    x = Checked(x, "x").ndim(4).as_float()
    return Border(*padding).add(x)
