"""The tests that Keras' wheel ships, with Keras' layers replaced by the reference.

Keras' tests compare its layers with oracles in plain NumPy. Here the same tests run, but where they
say `layers` or `knn` (the module `keras.ops.nn`) they find the stand-ins below, which compute with
the reference alone: what is compared is the reference with Keras' oracles.
"""

from __future__ import annotations

import importlib
import unittest
from collections.abc import Callable, Iterator
from functools import cache, partial
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
from harness import LeftOut, Survey, same_pads, survey, uneven_average, watched
from onnx_cases import log_probabilities, rows_of

Shape = tuple[int, ...]


class Weight:
    """What a test assigns and reads."""

    def __init__(self, shape: Shape) -> None:
        self.value = np.zeros(shape)

    @property
    def shape(self) -> Shape:
        return self.value.shape

    def assign(self, value: Any) -> None:
        assert np.shape(value) == self.shape
        self.value = np.asarray(value)


def numbers(value: Any, axes: int) -> Shape:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def image_of(x: np.ndarray, data_format: str | None) -> np.ndarray:
    """(N, C, H, W); a signal is an image of one row."""
    if x.ndim > 4:
        raise LeftOut("three spatial axes")
    if data_format == "channels_first":
        return x[:, :, None] if x.ndim == 3 else x
    image: np.ndarray = watched.images_from_keras(x[:, None] if x.ndim == 3 else x)
    return image


def back(y: np.ndarray, axes: int, data_format: str | None) -> np.ndarray:
    """The result in Keras' order."""
    if data_format != "channels_first":
        y = y.transpose(0, 2, 3, 1)
        return y[:, 0] if axes == 3 else y
    return y[:, :, 0] if axes == 3 else y


def two(value: Any, axes: int) -> tuple[int, int]:
    """Rows and columns; the row of a signal has 1."""
    rows, cols = (1,) * (4 - axes) + numbers(value, axes - 2)
    return rows, cols


def padding_of(
    padding: str, sides: Any, kernel: Any, stride: Any, dilation: Any
) -> tuple[tuple[int, int], tuple[int, int]]:
    if padding == "valid":
        return (0, 0), (0, 0)
    rows, cols = (
        same_pads(*numbers) for numbers in zip(sides, kernel, stride, dilation, strict=True)
    )
    if padding == "causal":
        return rows, (sum(cols), 0)
    return rows, cols


def filters_of(kernel: np.ndarray) -> np.ndarray:
    """(O, C, KH, KW)."""
    w: np.ndarray = watched.kernel_from_keras(kernel[None] if kernel.ndim == 3 else kernel)
    return w


def conv(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    image, stride = image_of(x, data_format), two(strides, x.ndim)
    w, dilation = filters_of(np.asarray(kernel)), two(dilation_rate, x.ndim)
    pads = padding_of(padding, image.shape[2:], w.shape[2:], stride, dilation)
    b = np.zeros(len(w)) if bias is None else bias
    groups = image.shape[1] // w.shape[1]
    y = watched.general_conv2d(image, w, b, stride, pads, dilation, groups)
    return back(y, x.ndim, data_format)


def depthwise_conv(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    """A group a channel: the kernel (KH, KW, C, M) has M filters for each."""
    *sides, channels, multiplier = np.shape(kernel)
    grouped = np.reshape(kernel, (*sides, 1, channels * multiplier))
    return conv(x, grouped, strides, padding, data_format, dilation_rate, bias)


def separable_conv(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    inner = depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(inner, pointwise_kernel, 1, "valid", data_format, 1, bias)


def conv_transpose(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    """The gradient, at its image, of the convolution that would give x."""
    if output_padding is not None:
        raise LeftOut("a transposed convolution whose size is asked for")
    dy, stride = image_of(x, data_format), two(strides, x.ndim)
    w, dilation = filters_of(np.asarray(kernel)), two(dilation_rate, x.ndim)
    sides = [side * step for side, step in zip(dy.shape[2:], stride, strict=True)]
    if padding == "valid":
        reach = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
        extra = [max(r - step, 0) for r, step in zip(reach, stride, strict=True)]
        # An axis of one cell and one tap stays as it is.
        sides = [side + more for side, more in zip(sides, extra, strict=True)]
    pads = padding_of(padding, sides, w.shape[2:], stride, dilation)
    image = np.zeros((len(dy), w.shape[1], *sides))
    dx, _, _ = watched.general_conv2d_backward(dy, image, w, stride, pads, dilation, 1)
    if bias is not None:
        dx = dx + bias[:, None, None]
    return back(dx, x.ndim, data_format)


def max_pool(
    x: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> np.ndarray:
    image, kernel = image_of(x, data_format), two(pool_size, x.ndim)
    stride = two(pool_size if strides is None else strides, x.ndim)
    (top, bottom), (left, right) = padding_of(padding, image.shape[2:], kernel, stride, (1, 1))
    wide = np.pad(image, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=-np.inf)
    return back(watched.max_pool2d(wide, kernel, stride), x.ndim, data_format)


def average_pool(
    x: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> np.ndarray:
    image, kernel = image_of(x, data_format), two(pool_size, x.ndim)
    stride = two(pool_size if strides is None else strides, x.ndim)
    pads = padding_of(padding, image.shape[2:], kernel, stride, (1, 1))
    return back(uneven_average(image, kernel, stride, pads), x.ndim, data_format)


def relu(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = watched.relu(x)
    return y


def by_rows(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, axis: Any) -> np.ndarray:
    if axis is None:
        return function(x.reshape(1, -1)).reshape(x.shape)
    rows, way_back = rows_of(x, axis)
    return way_back(function(rows))


def softmax(x: np.ndarray, axis: Any = -1) -> np.ndarray:
    return by_rows(watched.softmax, x, axis)


def log_softmax(x: np.ndarray, axis: Any = -1) -> np.ndarray:
    return by_rows(log_probabilities, x, axis)


def sparse_categorical_crossentropy(
    target: np.ndarray, output: np.ndarray, from_logits: bool = False
) -> np.ndarray:
    """Probabilities that sum to 1 are the softmax of their logarithms."""
    logits = output if from_logits else np.log(output)
    rows = zip(logits, target, strict=True)
    return np.array([watched.cross_entropy(row[None], label[None]) for row, label in rows])


def batch_normalization(*args: Any, **kwargs: Any) -> np.ndarray:
    raise LeftOut("batch normalisation with kept statistics")


KNN = SimpleNamespace(
    average_pool=average_pool,
    batch_normalization=batch_normalization,
    conv=conv,
    conv_transpose=conv_transpose,
    depthwise_conv=depthwise_conv,
    log_softmax=log_softmax,
    max_pool=max_pool,
    relu=relu,
    separable_conv=separable_conv,
    softmax=softmax,
    sparse_categorical_crossentropy=sparse_categorical_crossentropy,
)


class Convolution:
    """A layer with weights: what they are comes with `build`."""

    axes = 4

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def build(self, input_shape: Shape) -> None:
        first = self.settings.get("data_format") == "channels_first"
        channels = input_shape[1 if first else -1]
        sides = numbers(self.settings["kernel_size"], self.axes - 2)
        self.make(sides, channels)

    def make(self, sides: Shape, channels: int) -> None:
        filters = self.settings["filters"]
        self.kernel = Weight((*sides, channels // self.settings.get("groups", 1), filters))
        self.bias = Weight((filters,))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        names = ("strides", "padding", "data_format", "dilation_rate", "output_padding")
        given = {name: self.settings[name] for name in names if name in self.settings}
        return self.call(x, bias=self.bias.value, **given)

    def call(self, x: np.ndarray, **given: Any) -> np.ndarray:
        return conv(x, self.kernel.value, **given)


class DepthwiseConvolution(Convolution):
    def make(self, sides: Shape, channels: int) -> None:
        multiplier = self.settings["depth_multiplier"]
        self.kernel = Weight((*sides, channels, multiplier))
        self.bias = Weight((channels * multiplier,))

    def call(self, x: np.ndarray, **given: Any) -> np.ndarray:
        return depthwise_conv(x, self.kernel.value, **given)


class SeparableConvolution(Convolution):
    def make(self, sides: Shape, channels: int) -> None:
        multiplier, filters = self.settings["depth_multiplier"], self.settings["filters"]
        self.depthwise_kernel = Weight((*sides, channels, multiplier))
        ones = (1,) * len(sides)
        self.pointwise_kernel = Weight((*ones, channels * multiplier, filters))
        self.bias = Weight((filters,))

    def call(self, x: np.ndarray, **given: Any) -> np.ndarray:
        weights = self.depthwise_kernel.value, self.pointwise_kernel.value
        return separable_conv(x, *weights, **given)


class TransposedConvolution(Convolution):
    def make(self, sides: Shape, channels: int) -> None:
        filters = self.settings["filters"]
        self.kernel = Weight((*sides, filters, channels))
        self.bias = Weight((filters,))

    def call(self, x: np.ndarray, **given: Any) -> np.ndarray:
        return conv_transpose(x, self.kernel.value, **given)


def of_signals(layer: type[Convolution]) -> type[Convolution]:
    return type(f"{layer.__name__}1D", (layer,), {"axes": 3})


class Pooling:
    def __init__(self, function: Callable[..., np.ndarray], **settings: Any) -> None:
        self.function, self.settings = function, settings

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.function(x, **self.settings)


class GlobalPooling:
    def __init__(self, function: str, data_format: str, keepdims: bool) -> None:
        self.function, self.data_format, self.keepdims = function, data_format, keepdims

    def __call__(self, x: np.ndarray, mask: Any = None) -> np.ndarray:
        if mask is not None:
            raise LeftOut("pooling under a mask")
        image = image_of(x, self.data_format)
        if self.function == "average":
            y = watched.global_avg_pool2d(image)
        else:
            y = watched.max_pool2d(image, image.shape[2:], (1, 1))[:, :, 0, 0]
        return back(y[:, :, None, None], x.ndim, self.data_format) if self.keepdims else y


def missing(**settings: Any) -> None:
    raise LeftOut("three spatial axes")


LAYERS = SimpleNamespace(
    Conv1D=of_signals(Convolution),
    Conv2D=Convolution,
    Conv3D=missing,
    DepthwiseConv1D=of_signals(DepthwiseConvolution),
    DepthwiseConv2D=DepthwiseConvolution,
    SeparableConv1D=of_signals(SeparableConvolution),
    SeparableConv2D=SeparableConvolution,
    Conv1DTranspose=of_signals(TransposedConvolution),
    Conv2DTranspose=TransposedConvolution,
    Conv3DTranspose=missing,
    AveragePooling1D=partial(Pooling, average_pool),
    AveragePooling2D=partial(Pooling, average_pool),
    AveragePooling3D=missing,
    MaxPooling1D=partial(Pooling, max_pool),
    MaxPooling2D=partial(Pooling, max_pool),
    MaxPooling3D=missing,
    GlobalAveragePooling1D=partial(GlobalPooling, "average"),
    GlobalAveragePooling2D=partial(GlobalPooling, "average"),
    GlobalAveragePooling3D=missing,
    GlobalMaxPooling1D=partial(GlobalPooling, "max"),
    GlobalMaxPooling2D=partial(GlobalPooling, "max"),
    GlobalMaxPooling3D=missing,
)

# Module, class, the name that is replaced and by what.
CLASSES = [
    ("layers.convolutional.conv_test", "ConvCorrectnessTest", "layers", LAYERS),
    ("layers.convolutional.depthwise_conv_test", "DepthwiseConvCorrectnessTest", "layers", LAYERS),
    ("layers.convolutional.separable_conv_test", "SeparableConvCorrectnessTest", "layers", LAYERS),
    ("layers.convolutional.conv_transpose_test", "ConvTransposeCorrectnessTest", "layers", LAYERS),
    ("layers.pooling.average_pooling_test", "AveragePoolingCorrectnessTest", "layers", LAYERS),
    ("layers.pooling.max_pooling_test", "MaxPoolingCorrectnessTest", "layers", LAYERS),
    (
        "layers.pooling.global_average_pooling_test",
        "GlobalAveragePoolingCorrectnessTest",
        "layers",
        LAYERS,
    ),
    (
        "layers.pooling.global_max_pooling_test",
        "GlobalMaxPoolingCorrectnessTest",
        "layers",
        LAYERS,
    ),
    ("ops.nn_test", "NNOpsCorrectnessTest", "knn", KNN),
]

# Of the last class, the tests of operations that the reference has.
OPERATIONS = tuple(f"test_{name}" for name in vars(KNN))

# They test how Keras is configured and traced, not what it computes.
NOT_VALUES = ("test_conv_constraints", "test_conv_raises", "test_shape_inference")


def check(module: Any, test: unittest.TestCase, name: str, stand_in: Any) -> None:
    with mock.patch.object(module, name, stand_in):
        test.debug()


def cases() -> Iterator[tuple[str, Callable[[], None]]]:
    for path, group, replaced, stand_in in CLASSES:
        module = importlib.import_module(f"keras.src.{path}")
        kind = getattr(module, group)
        for method in unittest.defaultTestLoader.getTestCaseNames(kind):
            if replaced == "knn" and not method.startswith(OPERATIONS):
                continue
            if method == "test_session" or method.startswith((*NOT_VALUES, "test_relu6")):
                continue
            yield f"{group}.{method}", partial(check, module, kind(method), replaced, stand_in)


@cache
def keras_survey() -> Survey:
    np.random.seed(0)  # Keras' tests draw from it
    return survey(cases())
