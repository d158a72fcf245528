#!/usr/bin/env python
# coding: utf-8

# # 8. Architectures

# In[1]:

import numpy as np

from exercises.activation import relu
from exercises.convolution import conv2d
from exercises.padding import Axis
from exercises.pooling import Pool2D, max_pool2d
from utils import Checked, ShapeProblem

# In[2]:


class Layer:
    """Base class: the shape stays, nothing to learn."""

    dimensions = None

    def __init__(self, settings: dict, shape: tuple):
        self.settings, self.before = settings, tuple(shape)
        if self.dimensions not in (None, len(shape)):
            raise ShapeProblem(settings["kind"], f"{self.dimensions} axes", shape)

    def after(self) -> tuple:
        return self.before

    def parameters(self) -> int:
        return 0


class Norm(Layer):
    def parameters(self) -> int:
        return 2 * self.before[0]


class Flatten(Layer):
    def after(self) -> tuple:
        size = 1
        for axis in self.before:
            size *= axis
        return (size,)


class Global(Layer):
    dimensions = 3

    def after(self) -> tuple:
        return self.before[:1]


class DenseLayer(Layer):
    dimensions = 1

    def after(self) -> tuple:
        return (self.settings["out"],)

    def parameters(self) -> int:
        biases = self.settings["out"] if self.settings.get("bias", True) else 0
        return self.before[0] * self.settings["out"] + biases


class Window(Layer):
    dimensions = 3

    def channels(self) -> int:
        return self.before[0]

    def after(self) -> tuple:
        kernel = self.settings["kernel"]
        stride = self.settings.get("stride", (1, 1))
        padding = self.settings.get("padding", (0, 0))
        sides = [
            len(Axis(self.before[1 + a], kernel[a], stride[a], (padding[a], padding[a])))
            for a in (0, 1)
        ]
        return (self.channels(), *sides)


class PoolLayer(Window):
    def __init__(self, settings: dict, shape: tuple):
        super().__init__(settings, shape)
        Pool2D(settings["kernel"], settings["stride"], settings.get("padding", (0, 0)))


class ConvLayer(Window):
    def channels(self) -> int:
        return self.settings["out"]

    def parameters(self) -> int:
        kh, kw = self.settings["kernel"]
        bias = bool(self.settings.get("bias", True))
        return self.settings["out"] * (self.before[0] * kh * kw + bias)


KINDS = dict(conv=ConvLayer, max_pool=PoolLayer, avg_pool=PoolLayer, relu=Layer, flatten=Flatten,
             dense=DenseLayer, batch_norm=Norm, global_avg_pool=Global)


def build(layers: list, shape: tuple) -> list:
    built = []
    for settings in layers:
        if settings["kind"] not in KINDS:
            raise ValueError(f"kind: want one of {list(KINDS)}, got {settings['kind']!r}")
        built.append(KINDS[settings["kind"]](settings, shape))
        shape = built[-1].after()
    return built


def trace_shapes(layers: list, shape: tuple) -> list:
    return [layer.after() for layer in build(layers, shape)]


def count_parameters(layers: list, shape: tuple) -> int:
    return sum(layer.parameters() for layer in build(layers, shape))


# In[3]:


class Net(list):
    """A list of layers that can be written as a chain."""

    def conv(self, out: int, k: int, s: int = 1, p: int = 0):
        self.append(dict(kind="conv", out=out, kernel=(k, k), stride=(s, s), padding=(p, p)))
        return self.relu()

    def relu(self):
        self.append(dict(kind="relu"))
        return self

    def pool(self, kind: str, k: int, s: int):
        self.append(dict(kind=kind, kernel=(k, k), stride=(s, s)))
        return self

    def dense(self, *units: int):
        self.append(dict(kind="flatten"))
        for out in units[:-1]:
            self.append(dict(kind="dense", out=out))
            self.relu()
        self.append(dict(kind="dense", out=units[-1]))
        return self

    def layers(self) -> list:
        return list(self)


def lenet5() -> list:
    net = Net().conv(6, 5).pool("avg_pool", 2, 2).conv(16, 5).pool("avg_pool", 2, 2)
    return net.dense(120, 84, 10).layers()


def alexnet() -> list:
    net = Net().conv(64, 11, 4, 2).pool("max_pool", 3, 2).conv(192, 5, 1, 2)
    net = net.pool("max_pool", 3, 2).conv(384, 3, 1, 1).conv(256, 3, 1, 1).conv(256, 3, 1, 1)
    return net.pool("max_pool", 3, 2).dense(4096, 4096, 1000).layers()


assert count_parameters(lenet5(), (1, 32, 32)) == 61706
assert count_parameters(alexnet(), (3, 224, 224)) == 61100840

# In[4]:


class BatchNorm2D:
    def __init__(self, gamma: np.array, beta: np.array, eps: float):
        self.gamma, self.beta, self.eps = gamma, beta, eps

    def __call__(self, x: np.array) -> np.array:
        x = Checked(x, "x").ndim(4).as_float()
        channels = x.shape[1]
        Checked(self.gamma, "gamma").shape(channels)
        Checked(self.beta, "beta").shape(channels)
        if x.size == 0:
            return x
        axes = (0, 2, 3)
        x -= x.mean(axis=axes, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=axes, keepdims=True) + float(self.eps))
        x *= self.gamma[:, None, None]
        x += self.beta[:, None, None]
        return x


def batch_norm2d(x: np.array, gamma: np.array, beta: np.array, eps: float = 1e-5) -> np.array:
    return BatchNorm2D(gamma, beta, eps)(x)


# In[5]:


def square(w: np.array, side: int, name: str) -> np.array:
    if w.ndim != 4 or w.shape[2:] != (side, side):
        raise ShapeProblem(name, f"{side}x{side} kernels", f"shape {w.shape}")
    return w


class ResidualBlock:
    def __init__(self, *weights):
        self.w1, self.b1, self.w2, self.b2, self.w_skip = weights

    def __call__(self, x: np.array, stride: tuple) -> np.array:
        y = conv2d(x, square(self.w1, 3, "w1"), self.b1, stride, (1, 1))
        y = conv2d(relu(y), square(self.w2, 3, "w2"), self.b2, (1, 1), (1, 1))
        if self.w_skip is not None:
            no_bias = np.zeros(self.w_skip.shape[0])
            x = conv2d(x, square(self.w_skip, 1, "w_skip"), no_bias, stride)
        Checked(x, "x (or w_skip)").shape(*y.shape)
        return relu(y + Checked(x, "x").as_float())


def residual_block(x: np.array, w1: np.array, b1: np.array, w2: np.array, b2: np.array,
                   w_skip: np.array = None, stride: tuple = (1, 1)) -> np.array:
    return ResidualBlock(w1, b1, w2, b2, w_skip)(x, stride)


# In[6]:


class Inception:
    steps = (("1x1",), ("3x3_reduce", "3x3"), ("5x5_reduce", "5x5"), ("pool_proj",))
    padding = {"3x3": (1, 1), "5x5": (2, 2)}

    def __init__(self, branches: dict):
        missing = {name for path in self.steps for name in path} - set(branches)
        if missing:
            raise ValueError(f"branches: want all six, got none for {sorted(missing)}")
        self.branches = branches

    def __call__(self, x: np.array) -> np.array:
        results = []
        for path in self.steps:
            y = max_pool2d(x, (3, 3), (1, 1), (1, 1)) if path == ("pool_proj",) else x
            for name in path:
                padding = self.padding.get(name, (0, 0))
                w, b = self.branches[name]
                y = relu(conv2d(y, square(w, 2 * padding[0] + 1, name), b, padding=padding))
            results.append(y)
        return np.concatenate(results, axis=1)


def inception_module(x: np.array, branches: dict) -> np.array:
    return Inception(branches)(x)
