"""Architectures: LeNet-5, AlexNet, and the blocks of ResNet and GoogLeNet."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .activation import relu
from .convolution import conv2d
from .padding import floats, output_size
from .pooling import check_pool, max_pool2d

Layer = dict[str, Any]
Shape = tuple[int, ...]


def step(layer: Layer, shape: Shape) -> tuple[Shape, int]:
    """The shape after one layer, and how many parameters the layer has."""
    kind = layer["kind"]
    if kind in {"conv", "max_pool", "avg_pool", "global_avg_pool"} and len(shape) != 3:
        raise ValueError(f"layers: {kind} works on (C, H, W), not on {shape}")
    if kind == "relu":
        return shape, 0
    if kind == "batch_norm":
        return shape, 2 * shape[0]
    if kind == "flatten":
        return (prod(shape),), 0
    if kind == "global_avg_pool":
        return shape[:1], 0
    if kind == "dense":
        if len(shape) != 1:
            raise ValueError(f"layers: dense works on (D,), not on {shape}")
        return (layer["out"],), (shape[0] + bool(layer.get("bias", True))) * layer["out"]
    if kind not in {"conv", "max_pool", "avg_pool"}:
        raise ValueError(f"layers: no such kind {kind!r}")

    kernel, padding = layer["kernel"], layer.get("padding", (0, 0))
    if kind != "conv":
        check_pool(kernel, padding)
    stride = layer.get("stride", (1, 1) if kind == "conv" else kernel)
    rows, cols = (
        output_size(size, k, s, (p, p))
        for size, k, s, p in zip(shape[1:], kernel, stride, padding, strict=True)
    )
    if kind != "conv":
        return (shape[0], rows, cols), 0
    fan_in = shape[0] * kernel[0] * kernel[1]
    return (layer["out"], rows, cols), (fan_in + bool(layer.get("bias", True))) * layer["out"]


def trace_shapes(layers: list[Layer], shape: Shape) -> list[Shape]:
    trace = []
    for layer in layers:
        shape, _ = step(layer, tuple(shape))
        trace.append(shape)
    return trace


def count_parameters(layers: list[Layer], shape: Shape) -> int:
    total = 0
    for layer in layers:
        shape, here = step(layer, tuple(shape))
        total += here
    return total


def lenet5() -> list[Layer]:
    pool = {"kind": "avg_pool", "kernel": (2, 2), "stride": (2, 2)}
    return [
        {"kind": "conv", "out": 6, "kernel": (5, 5)},
        {"kind": "relu"},
        dict(pool),
        {"kind": "conv", "out": 16, "kernel": (5, 5)},
        {"kind": "relu"},
        dict(pool),
        {"kind": "flatten"},
        {"kind": "dense", "out": 120},
        {"kind": "relu"},
        {"kind": "dense", "out": 84},
        {"kind": "relu"},
        {"kind": "dense", "out": 10},
    ]


def alexnet() -> list[Layer]:
    def conv(out: int, k: int, p: int, s: int = 1) -> list[Layer]:
        layer = {"kind": "conv", "out": out, "kernel": (k, k), "stride": (s, s), "padding": (p, p)}
        return [layer, {"kind": "relu"}]

    def pool() -> list[Layer]:
        return [{"kind": "max_pool", "kernel": (3, 3), "stride": (2, 2)}]

    features = conv(64, 11, 2, 4) + pool() + conv(192, 5, 2) + pool()
    features += conv(384, 3, 1) + conv(256, 3, 1) + conv(256, 3, 1) + pool()
    classifier = [
        {"kind": "flatten"},
        {"kind": "dense", "out": 4096},
        {"kind": "relu"},
        {"kind": "dense", "out": 4096},
        {"kind": "relu"},
        {"kind": "dense", "out": 1000},
    ]
    return features + classifier


def batch_norm2d(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> np.ndarray:
    x = floats(x, 4)
    c = x.shape[1]
    if gamma.shape != (c,) or beta.shape != (c,):
        raise ValueError(f"gamma, beta: expected ({c},), got {gamma.shape} and {beta.shape}")
    if not x.size:
        return np.zeros_like(x)
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    centred = x - mean
    variance = np.square(centred).mean(axis=(0, 2, 3), keepdims=True)
    scale = gamma.astype(x.dtype).reshape(1, c, 1, 1) / np.sqrt(variance + float(eps))
    return centred * scale + beta.astype(x.dtype).reshape(1, c, 1, 1)


def check_side(w: np.ndarray, side: int, name: str) -> None:
    if w.shape[2:] != (side, side):
        raise ValueError(f"{name}: expected {side}x{side} kernels, got shape {w.shape}")


def residual_block(
    x: np.ndarray,
    w1: np.ndarray,
    b1: np.ndarray,
    w2: np.ndarray,
    b2: np.ndarray,
    w_skip: np.ndarray | None = None,
    stride: tuple[int, int] = (1, 1),
) -> np.ndarray:
    check_side(w1, 3, "w1")
    check_side(w2, 3, "w2")
    if w_skip is not None:
        check_side(w_skip, 1, "w_skip")
    y = conv2d(relu(conv2d(x, w1, b1, stride, (1, 1))), w2, b2, padding=(1, 1))
    skip = x if w_skip is None else conv2d(x, w_skip, np.zeros(len(w_skip)), stride)
    if skip.shape != y.shape:
        raise ValueError(f"w_skip: the skip gives {skip.shape}, the block {y.shape}")
    return relu(y + skip)


def inception_module(
    x: np.ndarray, branches: dict[str, tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    def unit(image: np.ndarray, name: str, p: int = 0) -> np.ndarray:
        if name not in branches:
            raise ValueError(f"branches: {name!r} is missing")
        check_side(branches[name][0], 2 * p + 1, name)
        return relu(conv2d(image, *branches[name], padding=(p, p)))

    return np.concatenate(
        [
            unit(x, "1x1"),
            unit(unit(x, "3x3_reduce"), "3x3", 1),
            unit(unit(x, "5x5_reduce"), "5x5", 2),
            unit(max_pool2d(x, (3, 3), (1, 1), (1, 1)), "pool_proj"),
        ],
        axis=1,
    )
