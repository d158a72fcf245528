#!/usr/bin/env python
# coding: utf-8

# # 7. Backpropagation
#
# Every layer knows its own way back, so this notebook only calls them.

# In[1]:

import numpy as np

from .activation import ReLU, SoftmaxLoss
from .convolution import Conv2D, Windows
from .pooling import AvgPool2D, MaxPool2D
from utils import Checked, ShapeProblem

# In[2]:


class Dense:
    def __init__(self, w: np.array, b: np.array = None):
        self.w, self.b = Checked(w, "w").ndim(2).array, b
        if b is not None:
            Checked(b, "b").shape(w.shape[1])

    def __call__(self, x: np.array) -> np.array:
        self.x = Checked(x, "x").ndim(2).as_float()
        if self.x.shape[1] != self.w.shape[0]:
            raise ShapeProblem("w", f"{self.x.shape[1]} rows", f"shape {self.w.shape}")
        y = self.x @ self.w.astype(self.x.dtype)
        return y if self.b is None else y + self.b.astype(y.dtype)

    def backward(self, dy: np.array) -> tuple:
        dx = dy @ self.w.astype(dy.dtype).T
        dw = self.x.astype(dy.dtype).T @ dy
        return dx, dw, dy.sum(axis=0)


# In[3]:


def relu_backward(dy: np.array, x: np.array) -> np.array:
    layer = ReLU()
    layer(x)
    return layer.backward(dy)


def dense_backward(dy: np.array, x: np.array, w: np.array) -> tuple:
    layer = Dense(w)
    y = layer(x)
    return layer.backward(Checked(dy, "dy").shape(*y.shape).as_float())


def cross_entropy_backward(logits: np.array, labels: np.array) -> np.array:
    return SoftmaxLoss(logits).backward(labels)


def max_pool2d_backward(dy: np.array, x: np.array, kernel: tuple, stride: tuple,
                        padding: tuple = (0, 0)) -> np.array:
    layer = MaxPool2D(kernel, stride, padding)
    layer(x)
    return layer.backward(dy)


def avg_pool2d_backward(dy: np.array, x: np.array, kernel: tuple, stride: tuple,
                        padding: tuple = (0, 0)) -> np.array:
    layer = AvgPool2D(kernel, stride, padding)
    layer(x)
    return layer.backward(dy)


def conv2d_backward(dy: np.array, x: np.array, w: np.array, stride: tuple = (1, 1),
                    padding: tuple = (0, 0)) -> tuple:
    x = Checked(x, "x").as_float(like=dy)
    layer = Conv2D(w, stride=stride, padding=padding)
    y = layer(x)
    return layer.backward(Checked(dy, "dy").shape(*y.shape).as_float())


# In[4]:


def col2im(columns: np.array, shape: tuple, kernel: tuple, stride: tuple = (1, 1),
           padding: tuple = (0, 0)) -> np.array:
    if len(shape) != 4:
        raise ShapeProblem("shape", "(N, C, H, W)", shape)
    n, c, h, w = shape
    windows = Windows((h, w), kernel, stride, padding)
    kh, kw = kernel
    ho, wo = windows.shape
    columns = Checked(columns, "columns").shape(n, c * kh * kw, ho * wo).as_float()
    patches = columns.reshape(n, c, kh, kw, ho, wo).transpose(0, 1, 4, 2, 5, 3)
    return windows.put(patches)
