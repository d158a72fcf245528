#!/usr/bin/env python
# coding: utf-8

# # 3. Convolution

# In[1]:

import numpy as np

from exercises.padding import Axis, Border
from utils import Checked, ShapeProblem

# In[2]:


class Windows:
    """All windows of an image: take() reads them, put() adds to them (its adjoint)."""

    def __init__(self, size: tuple, kernel: tuple, stride: tuple = (1, 1),
                 padding: tuple = (0, 0), dilation: tuple = (1, 1), fill: float = 0):
        self.rows, self.columns = (
            Axis(size[a], kernel[a], stride[a], (padding[a], padding[a]), dilation[a])
            for a in (0, 1)
        )
        self.shape = (len(self.rows), len(self.columns))
        self.border = Border((padding[0],) * 2, (padding[1],) * 2, fill)

    def take(self, x: np.array) -> np.array:
        """(N, C, H, W) to (N, C, HO, KH, WO, KW), rows first, then columns."""
        bands = np.take(self.border.add(x), self.rows.pixels, axis=2)
        return np.take(bands, self.columns.pixels, axis=4)

    def put(self, patches: np.array) -> np.array:
        """(N, C, HO, KH, WO, KW) to (N, C, H, W); overlaps add up.

        The pixels of one tap are all different, so a plain += is safe within a tap.
        """
        n, c, ho, kh, wo, kw = patches.shape
        bands = np.zeros((n, c, self.rows.padded, wo, kw), dtype=patches.dtype)
        for tap, pixels in enumerate(self.rows.pixels.T):
            bands[:, :, pixels] += patches[:, :, :, tap]
        image = np.zeros((n, c, self.rows.padded, self.columns.padded), dtype=patches.dtype)
        for tap, pixels in enumerate(self.columns.pixels.T):
            image[:, :, :, pixels] += bands[..., tap]
        return self.border.remove(image)


# In[3]:


class Conv2D:
    """A convolutional layer. Call it to go forward, then backward(dy) gives the gradients."""

    def __init__(self, w: np.array, b: np.array = None, stride: tuple = (1, 1),
                 padding: tuple = (0, 0), dilation: tuple = (1, 1), groups: int = 1):
        Checked(w, "w").ndim(4)
        if b is not None:
            Checked(b, "b").shape(w.shape[0])
        if groups < 1 or w.shape[0] % groups:
            raise ShapeProblem("groups", f"a divisor of {w.shape[0]} filters", groups)
        self.w, self.b = w, b
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.groups = groups

    def __call__(self, x: np.array) -> np.array:
        x = Checked(x, "x").ndim(4).as_float()
        channels = x.shape[1]
        if channels % self.groups:
            raise ShapeProblem("groups", f"a divisor of {channels} channels", self.groups)
        per_group = channels // self.groups
        if self.w.shape[1] != per_group:
            raise ShapeProblem("w", f"{per_group} channels", f"shape {self.w.shape}")
        self.weights = self.w.astype(x.dtype)
        self.windows = Windows(x.shape[2:], self.w.shape[2:], self.stride, self.padding,
                               self.dilation)
        self.patches = self.windows.take(x)
        filters = len(self.w) // self.groups
        y = np.concatenate([
            np.tensordot(self.weights[g * filters:(g + 1) * filters],
                         self.patches[:, g * per_group:(g + 1) * per_group],
                         axes=([1, 2, 3], [1, 3, 5]))
            for g in range(self.groups)
        ])
        y = np.ascontiguousarray(y.transpose(1, 0, 2, 3))
        if self.b is not None:
            y += self.b.astype(x.dtype).reshape(-1, 1, 1)
        return y

    def backward(self, dy: np.array) -> tuple:
        dw = np.tensordot(dy, self.patches, axes=([0, 2, 3], [0, 2, 4]))
        patches = np.tensordot(dy, self.weights, axes=(1, 0))  # N HO WO C KH KW
        dx = self.windows.put(patches.transpose(0, 3, 1, 4, 2, 5))
        return dx, dw, dy.sum(axis=(0, 2, 3))


# In[4]:


def cross_correlate2d(image: np.array, kernel: np.array) -> np.array:
    image = Checked(image, "image").ndim(2).array
    kernel = Checked(kernel, "kernel").ndim(2).array
    return Conv2D(kernel[None, None])(image[None, None])[0, 0].copy()


def convolve2d(image: np.array, kernel: np.array, mode: str = "valid") -> np.array:
    image = Checked(image, "image").ndim(2).as_float()
    kernel = Checked(kernel, "kernel").ndim(2).as_float(like=image)
    if kernel.size == 0 or image.size == 0:
        raise ShapeProblem("image and kernel", "entries", f"{image.shape} and {kernel.shape}")
    kh, kw = kernel.shape
    turned = np.rot90(kernel, 2)
    if mode == "valid":
        return cross_correlate2d(image, turned)
    full = cross_correlate2d(np.pad(image, ((kh - 1, kh - 1), (kw - 1, kw - 1))), turned)
    if mode == "full":
        return full
    if mode == "same":
        rows = (kh - 1) // 2 + np.arange(image.shape[0])
        columns = (kw - 1) // 2 + np.arange(image.shape[1])
        return full[np.ix_(rows, columns)]
    raise ValueError(f"mode: want 'valid', 'same' or 'full', got {mode!r}")


def conv2d(x: np.array, w: np.array, b: np.array, stride: tuple = (1, 1),
           padding: tuple = (0, 0)) -> np.array:
    return Conv2D(w, b, stride, padding)(x)


# In[5]:


def im2col(x: np.array, kernel: tuple, stride: tuple = (1, 1),
           padding: tuple = (0, 0)) -> np.array:
    x = Checked(x, "x").ndim(4).as_float()
    patches = Windows(x.shape[2:], kernel, stride, padding).take(x)
    n, c, ho, kh, wo, kw = patches.shape
    return patches.transpose(0, 1, 3, 5, 2, 4).reshape(n, c * kh * kw, ho * wo)


def conv2d_im2col(x: np.array, w: np.array, b: np.array, stride: tuple = (1, 1),
                  padding: tuple = (0, 0)) -> np.array:
    return Conv2D(w, b, stride, padding)(x)  # tensordot builds the columns inside


def grouped_conv2d(x: np.array, w: np.array, b: np.array, stride: tuple = (1, 1),
                   padding: tuple = (0, 0), dilation: tuple = (1, 1),
                   groups: int = 1) -> np.array:
    return Conv2D(w, b, stride, padding, dilation, groups)(x)


# In[6]:

if __name__ == "__main__":
    print(conv2d(np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3)), np.zeros(1)))
