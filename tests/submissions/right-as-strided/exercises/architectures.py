"""Chapter 8."""

import numpy as np
from activation import relu
from convolution import conv2d
from pooling import max_pool2d
from windows import as_real, outputs, require

POOLS = ("max_pool", "avg_pool")


def trace_shapes(layers, shape):
    trace = []
    current = tuple(shape)
    for number, layer in enumerate(layers):
        kind = layer["kind"]
        name = f"layer {number} ({kind})"
        if kind == "flatten":
            size = 1
            for length in current:
                size *= length
            current = (size,)
        elif kind == "dense":
            require(len(current) == 1, f"{name} needs (D,), not {current}")
            current = (layer["out"],)
        elif kind == "global_avg_pool":
            require(len(current) == 3, f"{name} needs (C, H, W), not {current}")
            current = current[:1]
        elif kind == "conv" or kind in POOLS:
            require(len(current) == 3, f"{name} needs (C, H, W), not {current}")
            c, h, w = current
            kh, kw = layer["kernel"]
            sh, sw = layer.get("stride", (1, 1))
            ph, pw = layer.get("padding", (0, 0))
            if kind == "conv":
                c = layer["out"]
            else:
                require(ph <= kh // 2 and pw <= kw // 2, f"{name} has too much padding")
            current = (c, outputs(h, kh, sh, ph, ph), outputs(w, kw, sw, pw, pw))
        else:
            require(kind in ("relu", "batch_norm"), f"{name} is of no kind that I know")
        trace.append(current)
    return trace


def count_parameters(layers, shape):
    shapes = [tuple(shape)]
    shapes.extend(trace_shapes(layers, shape))
    total = 0
    for i, layer in enumerate(layers):
        kind, inputs = layer["kind"], shapes[i][0]
        if kind == "batch_norm":
            total += inputs + inputs  # gamma and beta
        if kind == "conv":
            inputs *= layer["kernel"][0] * layer["kernel"][1]
        if kind in ("conv", "dense"):
            total += inputs * layer["out"]
            total += layer["out"] if layer.get("bias", True) else 0
    return total


def lenet5():
    relu_layer = {"kind": "relu"}
    pool = {"kind": "avg_pool", "kernel": (2, 2), "stride": (2, 2)}
    return [
        {"kind": "conv", "out": 6, "kernel": (5, 5)},
        relu_layer,
        pool,
        {"kind": "conv", "out": 16, "kernel": (5, 5)},
        relu_layer,
        pool,
        {"kind": "flatten"},
        {"kind": "dense", "out": 120},
        relu_layer,
        {"kind": "dense", "out": 84},
        relu_layer,
        {"kind": "dense", "out": 10},
    ]


def alexnet():
    relu_layer = {"kind": "relu"}
    pool = {"kind": "max_pool", "kernel": (3, 3), "stride": (2, 2), "padding": (0, 0)}
    layers = [
        {"kind": "conv", "out": 64, "kernel": (11, 11), "stride": (4, 4), "padding": (2, 2)},
        relu_layer,
        pool,
        {"kind": "conv", "out": 192, "kernel": (5, 5), "padding": (2, 2)},
        relu_layer,
        pool,
    ]
    for filters in (384, 256, 256):
        layers.append({"kind": "conv", "out": filters, "kernel": (3, 3), "padding": (1, 1)})
        layers.append(relu_layer)
    layers += [pool, {"kind": "flatten"}]
    layers += [{"kind": "dense", "out": 4096}, relu_layer]
    layers += [{"kind": "dense", "out": 4096}, relu_layer]
    layers += [{"kind": "dense", "out": 1000}]
    return layers


def batch_norm2d(x, gamma, beta, eps=1e-5):
    require(x.ndim == 4, f"x must be (N, C, H, W), not {x.shape}")
    c = x.shape[1]
    require(gamma.shape == (c,), f"gamma must be ({c},), not {gamma.shape}")
    require(beta.shape == (c,), f"beta must be ({c},), not {beta.shape}")
    x = as_real(x)
    if not len(x):
        return x.copy()
    per_channel = (1, c, 1, 1)
    mean = np.mean(x, axis=(0, 2, 3)).reshape(per_channel)
    std = np.sqrt(np.var(x, axis=(0, 2, 3)).reshape(per_channel) + float(eps))
    gamma = gamma.astype(x.dtype).reshape(per_channel)
    beta = beta.astype(x.dtype).reshape(per_channel)
    return gamma * ((x - mean) / std) + beta


def residual_block(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    require(w1.shape[2:] == (3, 3), f"w1 must have 3x3 kernels, not {w1.shape}")
    require(w2.shape[2:] == (3, 3), f"w2 must have 3x3 kernels, not {w2.shape}")
    y = conv2d(relu(conv2d(x, w1, b1, stride, (1, 1))), w2, b2, (1, 1), (1, 1))
    if w_skip is None:
        short = as_real(x)
    else:
        require(w_skip.shape[2:] == (1, 1), f"w_skip must have 1x1 kernels, not {w_skip.shape}")
        short = conv2d(x, w_skip, np.zeros(w_skip.shape[:1]), stride, (0, 0))
    require(short.shape == y.shape, f"w_skip: the skip is {short.shape}, the branch {y.shape}")
    y += short
    return relu(y)


def inception_module(x, branches):
    def conv_relu(image, name, padding):
        require(name in branches, f"branches has no {name!r}")
        weights, biases = branches[name]
        side = 1 + 2 * padding[0]
        require(weights.shape[2:] == (side, side), f"{name} must have {side}x{side} kernels")
        return relu(conv2d(image, weights, biases, (1, 1), padding))

    a = conv_relu(x, "1x1", (0, 0))
    b = conv_relu(x, "3x3_reduce", (0, 0))
    b = conv_relu(b, "3x3", (1, 1))
    c = conv_relu(x, "5x5_reduce", (0, 0))
    c = conv_relu(c, "5x5", (2, 2))
    d = max_pool2d(x, (3, 3), (1, 1), (1, 1))
    d = conv_relu(d, "pool_proj", (0, 0))
    return np.hstack([a, b, c, d])  # hstack joins along axis 1
