"""Architectures, with one match statement instead of many ifs."""

from math import prod

import numpy as np
from activation import relu
from convolution import conv2d
from padding import output_size, working
from pooling import check_padding, max_pool2d


def _slide(sizes, kernel, stride, padding):
    return tuple(output_size(n, k, s, (p, p))
                 for n, k, s, p in zip(sizes, kernel, stride, padding))


def _layer(layer: dict, shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    bias = int(layer.get("bias", True))
    padding = layer.get("padding", (0, 0))
    match layer["kind"], shape:
        case "relu", _:
            return shape, 0
        case "batch_norm", (c, *_):
            return shape, 2 * c
        case "flatten", _:
            return (prod(shape),), 0
        case "dense", (d,):
            return (layer["out"],), (d + bias) * layer["out"]
        case "global_avg_pool", (c, _, _):
            return (c,), 0
        case "conv", (c, *sizes) if len(sizes) == 2:
            kernel = layer["kernel"]
            out = _slide(sizes, kernel, layer.get("stride", (1, 1)), padding)
            return (layer["out"], *out), (c * prod(kernel) + bias) * layer["out"]
        case "max_pool" | "avg_pool", (c, *sizes) if len(sizes) == 2:
            check_padding(layer["kernel"], padding)
            return (c, *_slide(sizes, layer["kernel"], layer["stride"], padding)), 0
        case kind, _:
            raise ValueError(f"layers: {kind!r} cannot follow on the shape {shape}")


def trace_shapes(layers: list[dict], shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    shapes = []
    for layer in layers:
        shape = _layer(layer, tuple(shape))[0]
        shapes.append(shape)
    return shapes


def count_parameters(layers: list[dict], shape: tuple[int, ...]) -> int:
    befores = [tuple(shape), *trace_shapes(layers, shape)]
    return sum(_layer(layer, before)[1] for layer, before in zip(layers, befores))


def _conv(out, kernel, stride=1, padding=0):
    return {"kind": "conv", "out": out, "kernel": (kernel, kernel),
            "stride": (stride, stride), "padding": (padding, padding)}


def _pool(kind, kernel, stride):
    return {"kind": kind, "kernel": (kernel, kernel), "stride": (stride, stride),
            "padding": (0, 0)}


def _head(*units):
    layers = [{"kind": "flatten"}]
    for n in units:
        layers += [{"kind": "dense", "out": n}, {"kind": "relu"}]
    return layers[:-1]  # no ReLU on the logits


def lenet5() -> list[dict]:
    return [_conv(6, 5), {"kind": "relu"}, _pool("avg_pool", 2, 2),
            _conv(16, 5), {"kind": "relu"}, _pool("avg_pool", 2, 2),
            *_head(120, 84, 10)]


def alexnet() -> list[dict]:
    return [_conv(64, 11, 4, 2), {"kind": "relu"}, _pool("max_pool", 3, 2),
            _conv(192, 5, 1, 2), {"kind": "relu"}, _pool("max_pool", 3, 2),
            _conv(384, 3, 1, 1), {"kind": "relu"},
            _conv(256, 3, 1, 1), {"kind": "relu"},
            _conv(256, 3, 1, 1), {"kind": "relu"}, _pool("max_pool", 3, 2),
            *_head(4096, 4096, 1000)]


def batch_norm2d(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray,
                 eps: float = 1e-5) -> np.ndarray:
    x = working(x, 4)
    n, c, h, w = x.shape
    for name, v in (("gamma", gamma), ("beta", beta)):
        if v.shape != (c,):
            raise ValueError(f"{name}: must be ({c},), got shape {v.shape}")
    count = max(n * h * w, 1)
    mean = np.einsum("nchw->c", x) / count
    x = x - mean[:, None, None]
    variance = np.einsum("nchw,nchw->c", x, x) / count
    scale = (gamma / np.sqrt(variance + eps)).astype(x.dtype)
    return np.einsum("nchw,c->nchw", x, scale) + beta.astype(x.dtype)[:, None, None]


def _square(w: np.ndarray, side: int, name: str) -> None:
    if w.shape[2:] != (side, side):
        raise ValueError(f"{name}: kernels must be {side}x{side}, got shape {w.shape}")


def residual_block(x: np.ndarray, w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray,
                   w_skip: np.ndarray | None = None,
                   stride: tuple[int, int] = (1, 1)) -> np.ndarray:
    x = working(x, 4)
    _square(w1, 3, "w1")
    _square(w2, 3, "w2")
    inner = relu(conv2d(x, w1, b1, stride, (1, 1)))
    inner = conv2d(inner, w2, b2, (1, 1), (1, 1))
    if w_skip is None:
        skip = x
    else:
        _square(w_skip, 1, "w_skip")
        skip = conv2d(x, w_skip, np.zeros(len(w_skip), x.dtype), stride)
    if skip.shape != inner.shape:
        raise ValueError(f"w_skip: skip {skip.shape} and branch {inner.shape} cannot be added")
    return relu(inner + skip)


def inception_module(x: np.ndarray,
                     branches: dict[str, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    x = working(x, 4)
    pooled = max_pool2d(x, (3, 3), (1, 1), (1, 1))

    def conv(image, name, p):
        try:
            w, b = branches[name]
        except KeyError:
            raise ValueError(f"branches: {name!r} is missing") from None
        _square(w, 2 * p + 1, name)
        return relu(conv2d(image, w, b, padding=(p, p)))

    parts = (conv(x, "1x1", 0),
             conv(conv(x, "3x3_reduce", 0), "3x3", 1),
             conv(conv(x, "5x5_reduce", 0), "5x5", 2),
             conv(pooled, "pool_proj", 0))
    return np.concatenate(parts, axis=1)
