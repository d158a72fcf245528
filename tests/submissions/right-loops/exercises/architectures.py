"""Exercise 8: famous architectures."""

import math

import numpy as np
from activation import relu
from convolution import conv2d
from padding import check_axes, float_type, output_size
from pooling import max_pool2d


def shape_after(layer, shape):
    kind = layer["kind"]
    if kind in ("relu", "batch_norm"):
        return shape
    if kind == "flatten":
        total = 1
        for axis in shape:
            total = total * axis
        return (total,)
    if kind == "dense":
        if len(shape) != 1:
            raise ValueError(f"a dense layer needs a flat input, got {shape}")
        return (layer["out"],)
    if kind not in ("conv", "max_pool", "avg_pool", "global_avg_pool"):
        raise ValueError(f"unknown kind of layer: {kind!r}")
    if len(shape) != 3:
        raise ValueError(f"{kind} needs an input (C, H, W), got {shape}")
    C, H, W = shape
    if kind == "global_avg_pool":
        return (C,)
    kernel = layer["kernel"]
    padding = layer.get("padding", (0, 0))
    if kind == "conv":
        channels = layer["out"]
        stride = layer.get("stride", (1, 1))
    else:
        channels = C
        stride = layer["stride"]
        if padding[0] > kernel[0] // 2 or padding[1] > kernel[1] // 2:
            raise ValueError(f"padding {padding} is more than half of the kernel {kernel}")
    height = output_size(H, kernel[0], stride[0], (padding[0], padding[0]))
    width = output_size(W, kernel[1], stride[1], (padding[1], padding[1]))
    return (channels, height, width)


def trace_shapes(layers, shape):
    shapes = []
    shape = tuple(shape)
    for layer in layers:
        shape = shape_after(layer, shape)
        shapes.append(shape)
    return shapes


def count_parameters(layers, shape):
    total = 0
    before = tuple(shape)
    for layer, after in zip(layers, trace_shapes(layers, shape)):
        if layer["kind"] == "conv":
            total += layer["out"] * before[0] * layer["kernel"][0] * layer["kernel"][1]
            if layer.get("bias", True):
                total += layer["out"]
        elif layer["kind"] == "dense":
            total += before[0] * layer["out"]
            if layer.get("bias", True):
                total += layer["out"]
        elif layer["kind"] == "batch_norm":
            total += 2 * before[0]
        before = after
    return total


def lenet5():
    layers = []
    for filters in (6, 16):
        layers.append({"kind": "conv", "out": filters, "kernel": (5, 5)})
        layers.append({"kind": "relu"})
        layers.append({"kind": "avg_pool", "kernel": (2, 2), "stride": (2, 2)})
    layers.append({"kind": "flatten"})
    layers.append({"kind": "dense", "out": 120})
    layers.append({"kind": "relu"})
    layers.append({"kind": "dense", "out": 84})
    layers.append({"kind": "relu"})
    layers.append({"kind": "dense", "out": 10})
    return layers


def alexnet():
    layers = []
    # filters, kernel, stride, padding, is there a pool afterwards?
    table = [
        (64, 11, 4, 2, True),
        (192, 5, 1, 2, True),
        (384, 3, 1, 1, False),
        (256, 3, 1, 1, False),
        (256, 3, 1, 1, True),
    ]
    for filters, k, s, p, pool in table:
        layers.append(
            {"kind": "conv", "out": filters, "kernel": (k, k), "stride": (s, s), "padding": (p, p)}
        )
        layers.append({"kind": "relu"})
        if pool:
            layers.append({"kind": "max_pool", "kernel": (3, 3), "stride": (2, 2)})
    layers.append({"kind": "flatten"})
    for units in (4096, 4096):
        layers.append({"kind": "dense", "out": units})
        layers.append({"kind": "relu"})
    layers.append({"kind": "dense", "out": 1000})
    return layers


def batch_norm2d(x, gamma, beta, eps=1e-5):
    check_axes(x, 4, "x")
    N, C, H, W = x.shape
    if gamma.shape != (C,) or beta.shape != (C,):
        raise ValueError(f"gamma {gamma.shape} and beta {beta.shape} must have {C} entries")
    out = np.zeros(x.shape, dtype=float_type(x))
    if out.size == 0:
        return out
    count = N * H * W
    for c in range(C):
        mean = 0.0
        for n in range(N):
            for i in range(H):
                for j in range(W):
                    mean += float(x[n, c, i, j]) / count
        variance = 0.0
        for n in range(N):
            for i in range(H):
                for j in range(W):
                    variance += (float(x[n, c, i, j]) - mean) ** 2 / count
        scale = float(gamma[c]) / math.sqrt(variance + eps)
        for n in range(N):
            for i in range(H):
                for j in range(W):
                    out[n, c, i, j] = (float(x[n, c, i, j]) - mean) * scale + float(beta[c])
    return out


def check_kernel(w, size, name):
    if w.ndim != 4 or w.shape[2] != size or w.shape[3] != size:
        raise ValueError(f"{name} must have {size} x {size} kernels, got shape {w.shape}")


def residual_block(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    check_kernel(w1, 3, "w1")
    check_kernel(w2, 3, "w2")
    hidden = relu(conv2d(x, w1, b1, stride, (1, 1)))
    y = conv2d(hidden, w2, b2, (1, 1), (1, 1))
    if w_skip is None:
        skip = x
    else:
        check_kernel(w_skip, 1, "w_skip")
        skip = conv2d(x, w_skip, np.zeros(w_skip.shape[0]), stride)
    if skip.shape != y.shape:
        raise ValueError(f"the skip has shape {skip.shape} but the block gives {y.shape}")
    for index in np.ndindex(*y.shape):
        y[index] += skip[index]
    return relu(y)


def inception_module(x, branches):
    def conv(image, name, padding=(0, 0)):
        if name not in branches:
            raise ValueError(f"branches must have {name!r}, got {sorted(branches)}")
        w, b = branches[name]
        check_kernel(w, 2 * padding[0] + 1, name)
        return relu(conv2d(image, w, b, (1, 1), padding))

    first = conv(x, "1x1")
    second = conv(conv(x, "3x3_reduce"), "3x3", (1, 1))
    third = conv(conv(x, "5x5_reduce"), "5x5", (2, 2))
    fourth = conv(max_pool2d(x, (3, 3), (1, 1), (1, 1)), "pool_proj")
    N, _, H, W = x.shape
    channels = sum(part.shape[1] for part in (first, second, third, fourth))
    out = np.zeros((N, channels, H, W), dtype=first.dtype)
    start = 0
    for part in (first, second, third, fourth):
        for c in range(part.shape[1]):
            out[:, start + c] = part[:, c]
        start += part.shape[1]
    return out
