"""Famous networks: their shapes, their parameters, their blocks."""

import numpy as np

from libc.math cimport sqrt

from reference.fast.activation import relu
from reference.fast.convolution import conv2d
from reference.fast.padding import output_size
from reference.fast.pooling import max_pool2d

from reference.fast._columns cimport real


cdef tuple _after(dict layer, tuple shape):
    """The shape after one layer."""
    kind = layer["kind"]
    if kind in ("conv", "max_pool", "avg_pool"):
        stride = layer.get("stride", (1, 1))
        padding = layer.get("padding", (0, 0))
        rows, cols = [
            output_size(size, layer["kernel"][axis], stride[axis], (padding[axis], padding[axis]))
            for axis, size in enumerate(shape[1:])
        ]
        return (layer["out"] if kind == "conv" else shape[0], rows, cols)
    if kind == "dense":
        return (layer["out"],)
    if kind == "flatten":
        return (_product(shape),)
    if kind == "global_avg_pool":
        return (shape[0],)
    return shape


cdef _product(factors):
    """Of Python integers, which have no upper limit."""
    result = 1
    for factor in factors:
        result *= factor
    return result


def trace_shapes(layers, shape):
    """The shape after every layer."""
    shapes = []
    for layer in layers:
        shape = _after(layer, tuple(shape))
        shapes.append(shape)
    return shapes


def count_parameters(layers, shape):
    """Weights and biases of conv and dense, gamma and beta of batch_norm."""
    total = 0
    shape = tuple(shape)
    for layer in layers:
        kind = layer["kind"]
        if kind == "conv":
            total += layer["out"] * shape[0] * _product(layer["kernel"])
        elif kind == "dense":
            total += layer["out"] * shape[0]
        elif kind == "batch_norm":
            total += 2 * shape[0]
        if kind in ("conv", "dense") and layer.get("bias", True):
            total += layer["out"]
        shape = _after(layer, shape)
    return total


cdef dict _conv(out, side, stride=1, padding=0):
    return {"kind": "conv", "out": out, "kernel": (side, side), "stride": (stride, stride),
            "padding": (padding, padding)}


cdef dict _pool(kind, side, stride):
    return {"kind": kind, "kernel": (side, side), "stride": (stride, stride)}


cdef dict _dense(out):
    return {"kind": "dense", "out": out}


cdef dict _relu():
    return {"kind": "relu"}


cdef dict _flatten():
    return {"kind": "flatten"}


def lenet5():
    """LeCun et al. 1998, with plain connections between the convolutions."""
    return [
        _conv(6, 5), _relu(), _pool("avg_pool", 2, 2),
        _conv(16, 5), _relu(), _pool("avg_pool", 2, 2),
        _flatten(), _dense(120), _relu(), _dense(84), _relu(), _dense(10),
    ]


def alexnet():
    """Krizhevsky et al. 2012, in one column as torchvision builds it."""
    return [
        _conv(64, 11, 4, 2), _relu(), _pool("max_pool", 3, 2),
        _conv(192, 5, 1, 2), _relu(), _pool("max_pool", 3, 2),
        _conv(384, 3, 1, 1), _relu(),
        _conv(256, 3, 1, 1), _relu(),
        _conv(256, 3, 1, 1), _relu(), _pool("max_pool", 3, 2),
        _flatten(), _dense(4096), _relu(), _dense(4096), _relu(), _dense(1000),
    ]


def _batch_norm2d(const real[:, :, ::1] x, const real[::1] gamma, const real[::1] beta, double eps,
                  real[:, :, ::1] y):
    cdef Py_ssize_t n, c, p, count = x.shape[0] * x.shape[2]
    cdef double mean, variance, scale, d
    with nogil:
        for c in range(x.shape[1]):
            mean = 0
            for n in range(x.shape[0]):
                for p in range(x.shape[2]):
                    mean += x[n, c, p]
            mean /= count
            variance = 0
            for n in range(x.shape[0]):
                for p in range(x.shape[2]):
                    d = x[n, c, p] - mean
                    variance += d * d
            scale = gamma[c] / sqrt(variance / count + eps)
            for n in range(x.shape[0]):
                for p in range(x.shape[2]):
                    y[n, c, p] = <real>((x[n, c, p] - mean) * scale + beta[c])


def batch_norm2d(x, gamma, beta, eps=1e-5):
    """(x - mean) / sqrt(variance + eps) * gamma + beta, in two passes for the variance."""
    cdef tuple flat = (x.shape[0], x.shape[1], x.shape[2] * x.shape[3])
    y = np.empty_like(x)
    if x.size:
        _batch_norm2d(x.reshape(flat), gamma, beta, eps, y.reshape(flat))
    return y


def _add_and_relu(real[::1] y, const real[::1] skip):
    cdef Py_ssize_t i
    with nogil:
        for i in range(y.shape[0]):
            y[i] += skip[i]
            y[i] = 0 if y[i] <= 0 else y[i]


def residual_block(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    """relu(conv(relu(conv(x))) + skip)."""
    inner = relu(conv2d(x, w1, b1, stride, (1, 1)))
    y = conv2d(inner, w2, b2, (1, 1), (1, 1))
    skip = x if w_skip is None else conv2d(x, w_skip, np.zeros(len(w_skip), x.dtype), stride)
    _add_and_relu(y.reshape(-1), skip.reshape(-1))
    return y


def inception_module(x, branches):
    """Four branches side by side on the axis of channels."""
    def layer(image, name, padding=(0, 0)):
        w, b = branches[name]
        return relu(conv2d(image, w, b, (1, 1), padding))

    pooled = max_pool2d(x, (3, 3), (1, 1), (1, 1))
    return np.concatenate(
        [
            layer(x, "1x1"),
            layer(layer(x, "3x3_reduce"), "3x3", (1, 1)),
            layer(layer(x, "5x5_reduce"), "5x5", (2, 2)),
            layer(pooled, "pool_proj"),
        ],
        axis=1,
    )
