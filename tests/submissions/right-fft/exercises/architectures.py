# Exercise 8

import numpy as np

from . import activation as act
from . import convolution as conv
from . import padding as pad
from . import pooling as pool


def walk(layers, shape):
    # yields (layer, shape before, shape after)
    shape = tuple(shape)
    for layer in layers:
        before, kind = shape, layer["kind"]
        if kind not in (
            "conv", "max_pool", "avg_pool", "relu", "flatten", "dense", "batch_norm",
            "global_avg_pool",
        ):
            raise ValueError("layers: kind %r is not known" % (kind,))
        if kind in ("conv", "max_pool", "avg_pool", "global_avg_pool") and len(shape) != 3:
            raise ValueError("layers: %s needs an image, got shape %s" % (kind, shape))
        if kind == "dense" and len(shape) != 1:
            raise ValueError("layers: dense needs a vector, got shape %s" % (shape,))

        if kind in ("conv", "max_pool", "avg_pool"):
            p = layer.get("padding", (0, 0))
            k = layer["kernel"]
            if kind != "conv" and (p[0] > k[0] // 2 or p[1] > k[1] // 2):
                raise ValueError("layers: padding %s is over half of the kernel %s" % (p, k))
            s = layer["stride"] if "stride" in layer else (1, 1)
            channels = layer["out"] if kind == "conv" else shape[0]
            shape = (
                channels,
                pad.output_size(shape[1], k[0], s[0], (p[0], p[0])),
                pad.output_size(shape[2], k[1], s[1], (p[1], p[1])),
            )
        if kind == "global_avg_pool":
            shape = (shape[0],)
        if kind == "flatten":
            shape = (int(np.prod(shape)),)
        if kind == "dense":
            shape = (layer["out"],)
        yield layer, before, shape


def trace_shapes(layers, shape):
    return [after for _, _, after in walk(layers, shape)]


def count_parameters(layers, shape):
    count = 0
    for layer, before, after in walk(layers, shape):
        bias = 1 if layer.get("bias", True) else 0
        if layer["kind"] == "conv":
            count += after[0] * (before[0] * layer["kernel"][0] * layer["kernel"][1] + bias)
        elif layer["kind"] == "dense":
            count += after[0] * (before[0] + bias)
        elif layer["kind"] == "batch_norm":
            count += 2 * before[0]
    return count


# Short recipes: c = conv (filters, kernel, stride, padding), a and m = pools, r, f, d = dense
LENET = "c 6 5 1 0; r; a 2 2; c 16 5 1 0; r; a 2 2; f; d 120; r; d 84; r; d 10"
ALEXNET = (
    "c 64 11 4 2; r; m 3 2; c 192 5 1 2; r; m 3 2; c 384 3 1 1; r; c 256 3 1 1; r; "
    "c 256 3 1 1; r; m 3 2; f; d 4096; r; d 4096; r; d 1000"
)


def read(recipe):
    layers = []
    for words in recipe.split(";"):
        letter, *numbers = words.split()
        n = [int(word) for word in numbers]
        if letter == "c":
            layer = {"kind": "conv", "out": n[0], "kernel": (n[1], n[1])}
            layer["stride"] = (n[2], n[2])
            layer["padding"] = (n[3], n[3])
        elif letter in "am":
            layer = {"kind": "avg_pool" if letter == "a" else "max_pool"}
            layer["kernel"] = (n[0], n[0])
            layer["stride"] = (n[1], n[1])
        elif letter == "d":
            layer = {"kind": "dense", "out": n[0]}
        else:
            layer = {"kind": "relu" if letter == "r" else "flatten"}
        layers.append(layer)
    return layers


def lenet5():
    return read(LENET)


def alexnet():
    return read(ALEXNET)


def batch_norm2d(x, gamma, beta, eps=1e-5):
    if x.ndim != 4:
        raise ValueError("x: must have 4 axes, got shape %s" % (x.shape,))
    if gamma.shape != (x.shape[1],) or beta.shape != (x.shape[1],):
        raise ValueError("gamma, beta: shapes %s, %s, x %s" % (gamma.shape, beta.shape, x.shape))
    dtype = pad.result_type(x)
    y = np.moveaxis(x.astype(np.float64), 1, 3)  # channels last: broadcasting needs no reshape
    if y.size:
        y = (y - y.mean(axis=(0, 1, 2))) / np.sqrt(y.var(axis=(0, 1, 2)) + eps)
    return np.moveaxis(y * gamma + beta, 3, 1).astype(dtype, order="C")


def check_kernel(name, w, k):
    if w.ndim != 4 or w.shape[2:] != (k, k):
        raise ValueError("%s: kernels must be %dx%d, got shape %s" % (name, k, k, w.shape))


def residual_block(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    check_kernel("w1", w1, 3)
    check_kernel("w2", w2, 3)
    one = (1, 1)
    y = conv.conv2d(x, w1, b1, stride=stride, padding=one)
    y = conv.conv2d(act.relu(y), w2, b2, stride=one, padding=one)
    skip = x
    if w_skip is not None:
        check_kernel("w_skip", w_skip, 1)
        skip = conv.conv2d(x, w_skip, np.zeros(len(w_skip)), stride=stride)
    if skip.shape != y.shape:
        raise ValueError("w_skip: cannot add %s to %s" % (skip.shape, y.shape))
    return act.relu(y + skip.astype(y.dtype))


def inception_module(x, branches):
    def block(a, name, padding=0):
        if name not in branches:
            raise ValueError("branches: no %r" % name)
        w, b = branches[name]
        check_kernel(name, w, 2 * padding + 1)
        return act.relu(conv.conv2d(a, w, b, padding=(padding, padding)))

    pooled = pool.max_pool2d(x, kernel=(3, 3), stride=(1, 1), padding=(1, 1))
    small = block(x, "1x1")
    middle = block(block(x, "3x3_reduce"), "3x3", 1)
    large = block(block(x, "5x5_reduce"), "5x5", 2)
    return np.concatenate((small, middle, large, block(pooled, "pool_proj")), axis=1)
