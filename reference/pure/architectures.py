"""Famous networks: their shapes, their parameters, their building blocks."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .activation import relu
from .convolution import conv2d_im2col
from .padding import _as_float, output_size
from .pooling import _pooled_size, max_pool2d


def _shape_after(layer: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    kind = layer["kind"]
    if kind in ("relu", "batch_norm"):
        return shape
    if kind == "flatten":
        return (prod(shape),)
    if kind == "dense":
        if len(shape) != 1:
            raise ValueError(f"dense needs a shape (D,), so flatten first; got {shape}.")
        return (layer["out"],)
    if kind not in ("conv", "max_pool", "avg_pool", "global_avg_pool"):
        raise ValueError(f"kind of layer is not known; got {kind!r}.")
    if len(shape) != 3:
        raise ValueError(f"{kind} needs a shape (C, H, W); got {shape}.")
    channels, height, width = shape
    if kind == "global_avg_pool":
        return (channels,)
    (kh, kw), (ph, pw) = layer["kernel"], layer.get("padding", (0, 0))
    if kind == "conv":
        sh, sw = layer.get("stride", (1, 1))
        ho = output_size(height, kh, sh, (ph, ph))
        wo = output_size(width, kw, sw, (pw, pw))
        return layer["out"], ho, wo
    return channels, *_pooled_size((height, width), (kh, kw), layer["stride"], (ph, pw))


def trace_shapes(layers: list[dict[str, Any]], shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The (C, H, W) or (D,) shape after every layer."""
    shapes = []
    for layer in layers:
        shape = _shape_after(layer, shape)
        shapes.append(shape)
    return shapes


def count_parameters(layers: list[dict[str, Any]], shape: tuple[int, ...]) -> int:
    """Trainable parameters of all layers together."""
    total = 0
    inputs = [shape, *trace_shapes(layers, shape)]
    for layer, before in zip(layers, inputs, strict=False):
        bias = layer["out"] if layer.get("bias", True) and "out" in layer else 0
        if layer["kind"] == "conv":
            kh, kw = layer["kernel"]
            total += layer["out"] * before[0] * kh * kw + bias
        elif layer["kind"] == "dense":
            total += layer["out"] * before[0] + bias
        elif layer["kind"] == "batch_norm":
            total += 2 * before[0]
    return total


def _conv(out: int, kernel: int, stride: int = 1, padding: int = 0) -> dict[str, Any]:
    return {
        "kind": "conv",
        "out": out,
        "kernel": (kernel, kernel),
        "stride": (stride, stride),
        "padding": (padding, padding),
    }


def _pool(kind: str, kernel: int, stride: int) -> dict[str, Any]:
    return {"kind": kind, "kernel": (kernel, kernel), "stride": (stride, stride)}


def lenet5() -> list[dict[str, Any]]:
    """LeNet-5 (1998) for 1x32x32 images and 10 classes: 61,706 parameters."""
    return [
        _conv(6, 5),
        {"kind": "relu"},
        _pool("avg_pool", 2, 2),
        _conv(16, 5),
        {"kind": "relu"},
        _pool("avg_pool", 2, 2),
        {"kind": "flatten"},
        {"kind": "dense", "out": 120},
        {"kind": "relu"},
        {"kind": "dense", "out": 84},
        {"kind": "relu"},
        {"kind": "dense", "out": 10},
    ]


def alexnet() -> list[dict[str, Any]]:
    """AlexNet as torchvision builds it, 3x224x224, 1000 classes: 61,100,840 parameters."""
    return [
        _conv(64, 11, stride=4, padding=2),
        {"kind": "relu"},
        _pool("max_pool", 3, 2),
        _conv(192, 5, padding=2),
        {"kind": "relu"},
        _pool("max_pool", 3, 2),
        _conv(384, 3, padding=1),
        {"kind": "relu"},
        _conv(256, 3, padding=1),
        {"kind": "relu"},
        _conv(256, 3, padding=1),
        {"kind": "relu"},
        _pool("max_pool", 3, 2),
        {"kind": "flatten"},
        {"kind": "dense", "out": 4096},
        {"kind": "relu"},
        {"kind": "dense", "out": 4096},
        {"kind": "relu"},
        {"kind": "dense", "out": 1000},
    ]


def batch_norm2d(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> np.ndarray:
    """gamma * (x - mean) / sqrt(var + eps) + beta, mean and var per channel over N, H, W."""
    x = _as_float("x", x, 4)
    gamma = _as_float("gamma", gamma, 1, x.dtype)
    beta = _as_float("beta", beta, 1, x.dtype)
    if len(gamma) != x.shape[1] or len(beta) != x.shape[1]:
        raise ValueError(
            f"gamma and beta must have one entry per channel of x ({x.shape[1]}); "
            f"got shapes {gamma.shape} and {beta.shape}."
        )
    if x.size == 0:
        return x.copy()
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    var = ((x - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True)
    # float(eps): a NumPy scalar of another type must not decide the dtype.
    normal = (x - mean) / np.sqrt(var + float(eps))
    y: np.ndarray = gamma[:, None, None] * normal + beta[:, None, None]
    return y


def _check_kernel(name: str, w: np.ndarray, kernel: tuple[int, int]) -> None:
    if np.shape(w)[2:] != kernel:
        raise ValueError(f"{name} must be (O, C, {kernel[0]}, {kernel[1]}); got {np.shape(w)}.")


def residual_block(
    x: np.ndarray,
    w1: np.ndarray,
    b1: np.ndarray,
    w2: np.ndarray,
    b2: np.ndarray,
    w_skip: np.ndarray | None = None,
    stride: tuple[int, int] = (1, 1),
) -> np.ndarray:
    """relu(conv3x3(relu(conv3x3(x, stride))) + skip), the skip x itself or a 1x1 convolution."""
    x = _as_float("x", x, 4)
    _check_kernel("w1", w1, (3, 3))
    _check_kernel("w2", w2, (3, 3))
    hidden = relu(conv2d_im2col(x, w1, b1, stride, (1, 1)))
    y = conv2d_im2col(hidden, w2, b2, (1, 1), (1, 1))
    skip = x
    if w_skip is not None:
        _check_kernel("w_skip", w_skip, (1, 1))
        skip = conv2d_im2col(x, w_skip, np.zeros(len(w_skip)), stride)
    if skip.shape != y.shape:
        raise ValueError(f"the skip must have the shape of the block {y.shape}; got {skip.shape}.")
    return relu(y + skip)


def inception_module(
    x: np.ndarray, branches: dict[str, tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """The four branches 1x1, 1x1-3x3, 1x1-5x5, maxpool-1x1, joined along the channels."""
    sides = {"1x1": 1, "3x3_reduce": 1, "3x3": 3, "5x5_reduce": 1, "5x5": 5, "pool_proj": 1}
    if set(branches) != set(sides):
        raise ValueError(f"branches must have the keys {list(sides)}; got {list(branches)}.")

    def conv_relu(name: str, image: np.ndarray) -> np.ndarray:
        (w, b), side = branches[name], sides[name]
        _check_kernel(f'branches["{name}"]', w, (side, side))
        return relu(conv2d_im2col(image, w, b, (1, 1), (side // 2, side // 2)))

    return np.concatenate(
        [
            conv_relu("1x1", x),
            conv_relu("3x3", conv_relu("3x3_reduce", x)),
            conv_relu("5x5", conv_relu("5x5_reduce", x)),
            conv_relu("pool_proj", max_pool2d(x, (3, 3), (1, 1), (1, 1))),
        ],
        axis=1,
    )
