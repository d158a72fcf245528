import numpy as np

from exercises.activation import relu
from exercises.convolution import conv2d
from exercises.padding import need_4d, output_size, to_float
from exercises.pooling import max_pool2d


def _spatial(layer, shape, stride):
    if len(shape) != 3:
        raise ValueError(f"{layer['kind']} should get (C, H, W) but gets {shape}")
    kernel = layer["kernel"]
    padding = layer.get("padding", (0, 0))
    if layer["kind"] != "conv" and (
        padding[0] > kernel[0] // 2 or padding[1] > kernel[1] // 2
    ):
        raise ValueError(f"padding {padding} should be at most half of the kernel {kernel}")
    return tuple(
        output_size(shape[1 + axis], kernel[axis], stride[axis], (padding[axis], padding[axis]))
        for axis in (0, 1)
    )


def _conv(layer, shape):
    return (layer["out"],) + _spatial(layer, shape, layer.get("stride", (1, 1)))


def _pool(layer, shape):
    return (shape[0],) + _spatial(layer, shape, layer["stride"])


def _dense(layer, shape):
    if len(shape) != 1:
        raise ValueError(f"dense should get a flat input but gets {shape}")
    return (layer["out"],)


def _global(layer, shape):
    if len(shape) != 3:
        raise ValueError(f"global_avg_pool should get (C, H, W) but gets {shape}")
    return (shape[0],)


def _flatten(layer, shape):
    return (int(np.prod(shape, dtype=int)),)


def _same(layer, shape):
    return shape


RULES = {
    "conv": _conv,
    "max_pool": _pool,
    "avg_pool": _pool,
    "dense": _dense,
    "global_avg_pool": _global,
    "flatten": _flatten,
    "relu": _same,
    "batch_norm": _same,
}


def trace_shapes(layers, shape):
    shapes = [tuple(shape)]
    for layer in layers:
        rule = RULES.get(layer["kind"])
        if rule is None:
            raise ValueError(f"kind should be one of {sorted(RULES)} but is {layer['kind']!r}")
        shapes.append(rule(layer, shapes[-1]))
    return shapes[1:]


def count_parameters(layers, shape):
    inputs = [tuple(shape)] + trace_shapes(layers, shape)
    count = 0
    for layer, before in zip(layers, inputs):
        weights = biases = 0
        if layer["kind"] == "conv":
            kh, kw = layer["kernel"]
            weights, biases = layer["out"] * before[0] * kh * kw, layer["out"]
        elif layer["kind"] == "dense":
            weights, biases = layer["out"] * before[0], layer["out"]
        elif layer["kind"] == "batch_norm":
            weights = 2 * before[0]
        count += weights + (biases if layer.get("bias", True) else 0)
    return count


def lenet5():
    return [
        {"kind": "conv", "out": 6, "kernel": (5, 5), "stride": (1, 1), "padding": (0, 0)},
        {"kind": "relu"},
        {"kind": "avg_pool", "kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)},
        {"kind": "conv", "out": 16, "kernel": (5, 5), "stride": (1, 1), "padding": (0, 0)},
        {"kind": "relu"},
        {"kind": "avg_pool", "kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)},
        {"kind": "flatten"},
        {"kind": "dense", "out": 120, "bias": True},
        {"kind": "relu"},
        {"kind": "dense", "out": 84, "bias": True},
        {"kind": "relu"},
        {"kind": "dense", "out": 10, "bias": True},
    ]


def alexnet():
    return [
        {"kind": "conv", "out": 64, "kernel": (11, 11), "stride": (4, 4), "padding": (2, 2)},
        {"kind": "relu"},
        {"kind": "max_pool", "kernel": (3, 3), "stride": (2, 2)},
        {"kind": "conv", "out": 192, "kernel": (5, 5), "padding": (2, 2)},
        {"kind": "relu"},
        {"kind": "max_pool", "kernel": (3, 3), "stride": (2, 2)},
        {"kind": "conv", "out": 384, "kernel": (3, 3), "padding": (1, 1)},
        {"kind": "relu"},
        {"kind": "conv", "out": 256, "kernel": (3, 3), "padding": (1, 1)},
        {"kind": "relu"},
        {"kind": "conv", "out": 256, "kernel": (3, 3), "padding": (1, 1)},
        {"kind": "relu"},
        {"kind": "max_pool", "kernel": (3, 3), "stride": (2, 2)},
        {"kind": "flatten"},
        {"kind": "dense", "out": 4096},
        {"kind": "relu"},
        {"kind": "dense", "out": 4096},
        {"kind": "relu"},
        {"kind": "dense", "out": 1000},
    ]


def batch_norm2d(x, gamma, beta, eps=1e-5):
    x = to_float(x)
    need_4d(x)
    n, c, h, w = x.shape
    if gamma.shape != (c,) or beta.shape != (c,):
        raise ValueError(f"gamma and beta should be ({c},) but are {gamma.shape}, {beta.shape}")
    if x.size == 0:
        return np.zeros(x.shape, x.dtype)
    # one row a channel; float64 inside, the mean of many float32 loses digits
    rows = x.transpose(1, 0, 2, 3).reshape(c, n * h * w).astype(np.float64)
    rows = (rows - rows.mean(axis=1)[:, None]) / np.sqrt(rows.var(axis=1) + eps)[:, None]
    rows = rows * gamma[:, None] + beta[:, None]
    return rows.reshape(c, n, h, w).transpose(1, 0, 2, 3).astype(x.dtype, order="C")


def check_kernel(w, side, name):
    if w.shape[2:] != (side, side):
        raise ValueError(f"{name} should have {side}x{side} kernels but has shape {w.shape}")


def residual_block(x, w1, b1, w2, b2, w_skip=None, stride=(1, 1)):
    x = to_float(x)
    check_kernel(w1, 3, "w1")
    check_kernel(w2, 3, "w2")
    out = conv2d(x, w1, b1, stride=stride, padding=(1, 1))
    out = relu(out)
    out = conv2d(out, w2, b2, stride=(1, 1), padding=(1, 1))
    if w_skip is not None:
        check_kernel(w_skip, 1, "w_skip")
        x = conv2d(x, w_skip, np.zeros(w_skip.shape[0]), stride=stride)
    if x.shape != out.shape:
        raise ValueError(f"the skip should have shape {out.shape} but has {x.shape}")
    return relu(out + x)


def inception_module(x, branches):
    plan = [
        [("1x1", 0)],
        [("3x3_reduce", 0), ("3x3", 1)],
        [("5x5_reduce", 0), ("5x5", 2)],
        [("pool_proj", 0)],
    ]
    missing = [name for path in plan for name, _ in path if name not in branches]
    if missing:
        raise ValueError(f"branches should have {missing} too")
    outputs = []
    for path in plan:
        y = x
        if path[0][0] == "pool_proj":
            y = max_pool2d(x, (3, 3), (1, 1), (1, 1))
        for name, p in path:
            w, b = branches[name]
            check_kernel(w, 2 * p + 1, name)
            y = relu(conv2d(y, w, b, padding=(p, p)))
        outputs.append(y)
    return np.concatenate(outputs, axis=1)
