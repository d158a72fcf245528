#!/usr/bin/env python
# coding: utf-8

# # 4. Stride

# In[1]:

import numpy as np

from .convolution import Conv2D, Windows
from .padding import pairs
from utils import Checked

# In[2]:


def sliding_windows(x: np.array, kernel: tuple, stride: tuple = (1, 1)) -> np.array:
    x = Checked(x, "x").ndim(4).as_float()
    patches = Windows(x.shape[2:], kernel, stride).take(x)
    return np.ascontiguousarray(patches.swapaxes(3, 4))


def downsample(x: np.array, stride: tuple) -> np.array:
    x = Checked(x, "x").ndim(4).as_float()
    pairs(stride=stride)
    rows = np.arange(0, x.shape[2], stride[0])
    columns = np.arange(0, x.shape[3], stride[1])
    return x.take(rows, axis=2).take(columns, axis=3)


def strided_conv2d(x: np.array, w: np.array, stride: tuple) -> np.array:
    return Conv2D(w, stride=stride)(x)
