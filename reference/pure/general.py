"""Slow twins of the compiled core's operations that no exercise names. They check nothing."""

from __future__ import annotations

import numpy as np

from .activation import softmax
from .convolution import grouped_conv2d
from .padding import zero_pad2d

_Pads = tuple[tuple[int, int], tuple[int, int]]  # ((top, bottom), (left, right))


def general_conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int],
    pads: _Pads,
    dilation: tuple[int, int],
    groups: int,
) -> np.ndarray:
    """`grouped_conv2d` with four amounts of padding."""
    return grouped_conv2d(zero_pad2d(x, pads), w, b, stride, (0, 0), dilation, groups)


def general_conv2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int],
    pads: _Pads,
    dilation: tuple[int, int],
    groups: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dw, db) of `general_conv2d`."""
    (kh, kw), (sh, sw), (dh, dw_) = w.shape[2:], stride, dilation
    (top, _), (left, _) = pads
    padded = zero_pad2d(x, pads)
    dpadded = np.zeros_like(padded)
    dw = np.zeros(w.shape, dy.dtype)
    c, o = x.shape[1] // groups, w.shape[0] // groups
    for g in range(groups):
        channels, filters = slice(g * c, (g + 1) * c), slice(g * o, (g + 1) * o)
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
                cols = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
                here = dy[:, filters, i, j]
                dpadded[:, channels, rows, cols] += np.tensordot(here, w[filters], axes=(1, 0))
                dw[filters] += np.tensordot(here, padded[:, channels, rows, cols], axes=(0, 0))
    dx = dpadded[:, :, top : top + x.shape[2], left : left + x.shape[3]].copy()
    return dx, dw, dy.sum(axis=(0, 2, 3))


def batch_norm2d_backward(
    dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dgamma, dbeta) of `batch_norm2d` with the batch's own statistics."""
    axes = (0, 2, 3)
    dbeta: np.ndarray = dy.sum(axis=axes)
    if x.size == 0:
        return np.zeros_like(x), dbeta.copy(), dbeta
    centred = x - x.mean(axis=axes, keepdims=True)
    inverse = 1 / np.sqrt((centred**2).mean(axis=axes, keepdims=True) + eps)
    normal = centred * inverse
    dgamma: np.ndarray = (dy * normal).sum(axis=axes)
    # Mean and variance depend on every pixel: what dy moves along 1 and along `normal` is lost.
    lost = dy.mean(axis=axes, keepdims=True)
    lost = lost + normal * (dy * normal).mean(axis=axes, keepdims=True)
    dx = gamma[None, :, None, None] * inverse * (dy - lost)
    return dx, dgamma, dbeta


def global_avg_pool2d_backward(dy: np.ndarray, shape: tuple[int, int, int, int]) -> np.ndarray:
    """dx: dy (N, C) shared equally by the pixels of its channel."""
    dx = np.zeros(shape, dy.dtype)
    dx += dy[:, :, None, None] / (shape[2] * shape[3])
    return dx


def dense(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """x @ w + b."""
    y: np.ndarray = x @ w + b
    return y


def softmax_backward(dy: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """dlogits of `softmax`: p * (dy - sum of dy * p along the row)."""
    p = softmax(logits)
    dlogits: np.ndarray = p * (dy - (dy * p).sum(axis=1, keepdims=True))
    return dlogits
