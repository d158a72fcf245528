#!/usr/bin/env python
# coding: utf-8

# # 6. Pooling

# In[1]:

import numpy as np

from .convolution import Windows
from utils import Checked, ShapeProblem

# In[2]:


class Pool2D:
    fill = 0.0

    def __init__(self, kernel: tuple, stride: tuple, padding: tuple = (0, 0)):
        for k, p in zip(kernel, padding):
            if p > k // 2:
                raise ShapeProblem("padding", f"at most half of the kernel {kernel}", padding)
        self.kernel, self.stride, self.padding = kernel, stride, padding

    def __call__(self, x: np.array) -> np.array:
        x = Checked(x, "x").ndim(4).as_float()
        self.windows = Windows(x.shape[2:], self.kernel, self.stride, self.padding,
                               fill=self.fill)
        patches = self.windows.take(x)
        n, c, ho, kh, wo, kw = patches.shape
        # the taps of a window side by side, in row-major order
        self.flat = patches.swapaxes(3, 4).reshape(n, c, ho, wo, kh * kw)
        return self.reduce(self.flat)

    def backward(self, dy: np.array) -> np.array:
        dy = Checked(dy, "dy").shape(*self.flat.shape[:4]).as_float()
        share = np.zeros(self.flat.shape, dtype=dy.dtype)
        self.share_out(dy[..., np.newaxis], share)
        patches = share.reshape(*dy.shape, *self.kernel).swapaxes(3, 4)
        return self.windows.put(patches)


class MaxPool2D(Pool2D):
    fill = -np.inf

    def reduce(self, flat: np.array) -> np.array:
        return np.amax(flat, axis=-1)

    def share_out(self, dy: np.array, share: np.array) -> None:
        first = np.expand_dims(self.flat.argmax(axis=-1), -1)
        np.put_along_axis(share, first, dy, axis=-1)


class AvgPool2D(Pool2D):
    def counts(self) -> np.array:
        return np.multiply.outer(self.windows.rows.real, self.windows.columns.real)

    def reduce(self, flat: np.array) -> np.array:
        return flat.sum(axis=-1) / self.counts().astype(flat.dtype)

    def share_out(self, dy: np.array, share: np.array) -> None:
        share += dy / self.counts().astype(dy.dtype)[..., np.newaxis]


# In[3]:


def max_pool2d(x: np.array, kernel: tuple, stride: tuple, padding: tuple = (0, 0)) -> np.array:
    return MaxPool2D(kernel, stride, padding)(x)


def avg_pool2d(x: np.array, kernel: tuple, stride: tuple, padding: tuple = (0, 0)) -> np.array:
    return AvgPool2D(kernel, stride, padding)(x)


def global_avg_pool2d(x: np.array) -> np.array:
    x = Checked(x, "x").ndim(4).as_float()
    if 0 in x.shape[2:]:
        raise ShapeProblem("x", "at least one pixel", f"shape {x.shape}")
    return x.sum(axis=(2, 3)) / (x.shape[2] * x.shape[3])
