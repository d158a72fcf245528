"""The layers that a submitted model may have: their shapes, and their forward pass.

Images are (N, H, W, C), as in Keras; `_first` and `_last` move the channels for the reference,
which computes everything that is a sum over windows. No Keras is needed, nor imported.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from autograder.capstone import activations
from autograder.capstone.settings import LARGEST, Refused, Settings
from reference import ops

Shape = tuple[int, ...]  # without the batch
Pads = tuple[tuple[int, int], tuple[int, int]]
Arrays = Sequence[np.ndarray]


class Layer(ABC):
    """One layer, built for inputs of known shapes.

    shape          of the output
    weights        shapes of the weights that it computes with, in the order of Keras' file
    unread         how many arrays of the file come behind them
    multiply_adds  for one image
    settings       what its result depends on, besides weights and inputs
    """

    weights: tuple[Shape, ...] = ()
    unread = 0
    multiply_adds = 0

    def __init__(self, kind: str, shape: Shape, settings: tuple[Any, ...] = ()) -> None:
        self.kind = kind
        self.shape = shape
        self.settings = settings

    @abstractmethod
    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        """The layer's answer to a batch, in the type of its input."""

    @property
    def is_identity(self) -> bool:
        return isinstance(self, Identity)


def _first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def _last(x: np.ndarray) -> np.ndarray:
    return x.transpose(0, 2, 3, 1)


def _one(kind: str, shapes: Sequence[Shape], axes: int | None = None) -> Shape:
    if len(shapes) != 1:
        raise Refused(f"a layer {kind} has {len(shapes)} inputs; it takes one")
    if axes is not None and len(shapes[0]) != axes:
        raise Refused(f"a layer {kind} takes inputs of {axes} axes; its input has {shapes[0]}")
    return shapes[0]


def _fit(kind: str, shape: Shape, pads: Pads, kernel: Shape, strides: Shape) -> tuple[int, int]:
    """Rows and columns of the output of windows."""
    sizes = [
        (size + sum(pad) - k) // stride + 1
        for size, pad, k, stride in zip(shape[:2], pads, kernel, strides, strict=True)
    ]
    if min(sizes) < 1:
        raise Refused(f"the window of a layer {kind}, {kernel}, is larger than its input, {shape}")
    return sizes[0], sizes[1]


def _pads(padding: str, shape: Shape, kernel: Shape, strides: Shape) -> Pads:
    if padding == "valid":
        return ((0, 0), (0, 0))
    rows, columns = (
        ops.same_padding(size, k, stride)
        for size, k, stride in zip(shape[:2], kernel, strides, strict=True)
    )
    return rows, columns


class Conv(Layer):
    """Conv2D, and DepthwiseConv2D as one with a group for each channel."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes, 3)
        self.kernel = s.pair("kernel_size")
        self.strides = s.pair("strides", (1, 1))
        self.dilation = s.pair("dilation_rate", (1, 1))
        self.padding = s.choice("padding", "valid", "same", default="valid")
        self.use_bias = s.flag("use_bias", True)
        self.activation = _activation(s)
        s.channels_last()
        s.must_be("lora_rank", None)
        s.must_be("quantization_config", None)
        channels = shape[2]
        if kind == "Conv2D":
            self.groups = s.whole("groups", 1)
            filters = s.whole("filters")
            if channels % self.groups or filters % self.groups:
                raise s.refused("groups", f"a divisor of {channels} and {filters}")
            kernel_shape = (*self.kernel, channels // self.groups, filters)
        else:
            multiplier = s.whole("depth_multiplier", 1)
            self.groups, filters = channels, channels * multiplier
            kernel_shape = (*self.kernel, channels, multiplier)
        spread = tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True))
        self.pads = _pads(self.padding, shape, spread, self.strides)
        rows, columns = _fit(kind, shape, self.pads, spread, self.strides)
        super().__init__(
            kind,
            (rows, columns, filters),
            (self.kernel, self.strides, self.dilation, self.padding, self.groups, self.activation),
        )
        self.weights = (kernel_shape, (filters,)) if self.use_bias else (kernel_shape,)
        self.terms = math.prod(self.kernel) * channels // self.groups
        self.multiply_adds = math.prod(self.shape) * self.terms

    def linear(self, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """Before the activation; also in float64, for bounds."""
        if self.kind == "DepthwiseConv2D":
            # Keras' (KH, KW, C, M): filter m of channel c is output c*M + m.
            kernel = kernel.reshape(*self.kernel, 1, -1)
        filters = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1), dtype=x.dtype)
        if bias is None:
            bias = np.zeros(len(filters), x.dtype)
        args = (self.strides, self.pads, self.dilation, self.groups)
        return _last(ops.general_conv2d(_first(x), filters, bias.astype(x.dtype), *args))

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        y = self.linear(xs[0], weights[0], weights[1] if self.use_bias else None)
        return activations.FUNCTIONS[self.activation](y)


class SeparableConv(Layer):
    """A depthwise convolution, then a 1x1 convolution over the channels."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        config = {
            key: s.get(key)
            for key in ("kernel_size", "strides", "dilation_rate", "padding", "depth_multiplier")
            if s.get(key) is not None
        }
        depthwise = Settings("SeparableConv2D", {**config, "use_bias": False})
        self.depthwise = Conv("DepthwiseConv2D", depthwise, shapes)
        pointwise = {
            key: s.get(key)
            for key in ("filters", "use_bias", "activation")
            if s.get(key) is not None
        }
        s.channels_last()
        self.pointwise = Conv(
            "Conv2D",
            Settings("SeparableConv2D", {**pointwise, "kernel_size": 1}),
            [self.depthwise.shape],
        )
        super().__init__(
            kind, self.pointwise.shape, (self.depthwise.settings, self.pointwise.settings)
        )
        self.weights = self.depthwise.weights + self.pointwise.weights
        self.multiply_adds = self.depthwise.multiply_adds + self.pointwise.multiply_adds

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        return self.pointwise.forward([self.depthwise.forward(xs, weights[:1])], weights[1:])


class Dense(Layer):
    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes)
        units = s.whole("units")
        self.use_bias = s.flag("use_bias", True)
        self.activation = _activation(s)
        s.must_be("lora_rank", None)
        s.must_be("quantization_config", None)
        super().__init__(kind, (*shape[:-1], units), (self.activation,))
        self.terms = shape[-1]
        self.weights = ((self.terms, units), (units,)) if self.use_bias else ((self.terms, units),)
        self.multiply_adds = math.prod(self.shape) * self.terms

    def linear(self, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """Before the activation; also in float64, for bounds."""
        if bias is None:
            bias = np.zeros(kernel.shape[1], x.dtype)
        rows = np.ascontiguousarray(x).reshape(-1, self.terms)
        y = ops.dense(rows, kernel.astype(x.dtype), bias.astype(x.dtype))
        return y.reshape(len(x), *self.shape)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        y = self.linear(xs[0], weights[0], weights[1] if self.use_bias else None)
        return activations.FUNCTIONS[self.activation](y)


class Pool(Layer):
    """MaxPooling2D and AveragePooling2D; padding never wins, and is not counted."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes, 3)
        self.size = s.pair("pool_size", (2, 2))
        strides = s.get("strides")
        self.strides = self.size if strides is None else s.pair("strides")
        padding = s.choice("padding", "valid", "same", default="valid")
        s.channels_last()
        self.pads = _pads(padding, shape, self.size, self.strides)
        rows, columns = _fit(kind, shape, self.pads, self.size, self.strides)
        super().__init__(kind, (rows, columns, shape[2]), (self.size, self.strides, padding))
        self.multiply_adds = math.prod(self.shape) * math.prod(self.size)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        x = _first(xs[0])
        largest = self.kind == "MaxPooling2D"
        around = ((0, 0), (0, 0), *self.pads)
        padded = np.pad(x, around, constant_values=-np.inf if largest else 0)
        if largest:
            return _last(ops.max_pool2d(padded, self.size, self.strides))
        y = ops.avg_pool2d(padded, self.size, self.strides)
        if any(map(any, self.pads)):
            there = np.pad(np.ones_like(x[:1, :1]), around)
            y = y / ops.avg_pool2d(there, self.size, self.strides)
        return _last(y)


class GlobalPool(Layer):
    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes, 3)
        s.channels_last()
        keep = s.flag("keepdims", False)
        super().__init__(kind, (1, 1, shape[2]) if keep else (shape[2],))
        self.terms = shape[0] * shape[1]

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        if self.kind == "GlobalAveragePooling2D":
            y = ops.global_avg_pool2d(_first(xs[0]))
        else:
            y = xs[0].max(axis=(1, 2))
        return y.reshape(len(y), *self.shape)


class BatchNormalization(Layer):
    """With the moving statistics: a factor and a shift for each channel."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes)
        s.must_be("axis", -1, len(shape), [-1], [len(shape)])
        s.must_be("renorm", False)
        s.ignore("momentum", "synchronized", "renorm_clipping", "renorm_momentum")
        self.epsilon = s.number("epsilon", 1e-3)
        self.scale, self.center = s.flag("scale", True), s.flag("center", True)
        super().__init__(kind, shape, (self.epsilon, self.scale, self.center))
        self.weights = ((shape[-1],),) * (2 + self.scale + self.center)

    def factors(self, weights: Arrays) -> tuple[np.ndarray, np.ndarray]:
        """(factor, shift) in float64."""
        parts = [w.astype(np.float64) for w in weights]
        gamma = parts.pop(0) if self.scale else 1.0
        beta = parts.pop(0) if self.center else 0.0
        mean, variance = parts
        factor = gamma / np.sqrt(variance + self.epsilon)
        return factor, beta - mean * factor

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        factor, shift = self.factors(weights)
        y: np.ndarray = xs[0] * factor.astype(xs[0].dtype) + shift.astype(xs[0].dtype)
        return y


class Normalization(Layer):
    """(x - mean) / deviation; both learnt from data before training, or given."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes)
        axes = s.get("axis", [-1])
        channels = axes in (-1, [-1], len(shape), [len(shape)])
        if not channels and axes not in (None, []):
            raise s.refused("axis", "-1 or null")
        self.invert = s.flag("invert", False)
        size = shape[-1] if channels else 1
        self.given: tuple[np.ndarray, np.ndarray] | None = None
        given: tuple[Any, ...] = ()
        if s.get("mean") is not None or s.get("variance") is not None:
            given = s.numbers("mean", size), s.numbers("variance", size)
            if any(len(values) not in (1, size) for values in given):
                raise s.refused("mean", f"one number, or {size}")
            self.given = np.array(given[0], np.float32), np.array(given[1], np.float32)
        else:
            self.weights = (((shape[-1],) if channels else ()),) * 2
            self.unread = 1  # how many numbers it has seen
        super().__init__(kind, shape, (self.invert, *given))

    def statistics(self, weights: Arrays) -> tuple[np.ndarray, np.ndarray]:
        """(mean, deviation) in float32; Keras never divides by less than 1e-7."""
        mean, variance = self.given or (weights[0], weights[1])
        return mean, np.maximum(np.sqrt(variance), np.float32(1e-7))

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        mean, deviation = self.statistics(weights)
        y: np.ndarray = xs[0] * deviation + mean if self.invert else (xs[0] - mean) / deviation
        return y


class LayerNormalization(Layer):
    """Over the last axis."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes)
        s.must_be("axis", -1, len(shape), [-1], [len(shape)])
        s.must_be("rms_scaling", False)
        self.epsilon = s.number("epsilon", 1e-3)
        self.scale, self.center = s.flag("scale", True), s.flag("center", True)
        super().__init__(kind, shape, (self.epsilon, self.scale, self.center))
        self.weights = ((shape[-1],),) * (self.scale + self.center)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        x = xs[0].astype(np.float64)
        centred = x - x.mean(axis=-1, keepdims=True)
        y = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.epsilon)
        if self.scale:
            y = y * weights[0]
        if self.center:
            y = y + weights[-1]
        answer: np.ndarray = y.astype(xs[0].dtype)
        return answer


class Activation(Layer):
    """One of Keras' functions, number by number or over the last axis."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes)
        self.steepest = 1.0
        settings: tuple[Any, ...]
        function: activations.Function
        if kind == "ReLU":
            slope, threshold = s.number("negative_slope", 0.0), s.number("threshold", 0.0)
            most = s.number_or_none("max_value")
            if threshold and slope:
                raise s.refused("threshold", "0 where there is a negative slope")
            settings = (slope, most, threshold)
            self.steepest = max(1.0, abs(slope)) if not threshold else math.inf
            function = lambda x: activations.relu(x, slope, most, threshold)  # noqa: E731
        elif kind == "LeakyReLU":
            slope = s.number("negative_slope", 0.3)
            settings = (slope,)
            self.steepest = max(1.0, abs(slope))
            function = lambda x: activations.relu(x, slope, None, 0.0)  # noqa: E731
        elif kind == "ELU":
            alpha = s.number("alpha", 1.0)
            settings = (alpha,)
            self.steepest = max(1.0, abs(alpha))
            function = lambda x: activations.elu(x, alpha)  # noqa: E731
        else:
            if kind == "Softmax":
                s.must_be("axis", -1, len(shape), [-1], [len(shape)])
                name = "softmax"
            else:
                name = _activation(s)
            settings = (name,)
            self.steepest = activations.STEEPEST.get(name, 1.0)
            function = activations.FUNCTIONS[name]
        self.function = function
        super().__init__(kind, shape, settings)

    @property
    def is_identity(self) -> bool:
        return self.settings == ("linear",)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        return self.function(xs[0])


class PReLU(Layer):
    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes)
        shared = s.get("shared_axes")
        axes = () if shared is None else s.wholes("shared_axes", 1)
        super().__init__(kind, shape)
        self.weights = (tuple(1 if i in axes else n for i, n in enumerate(shape, 1)),)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        return np.where(xs[0] > 0, xs[0], weights[0] * xs[0])


class Rescaling(Layer):
    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes)
        self.scale = np.array(s.numbers("scale", shape[-1]))
        self.offset = np.array(s.numbers("offset", shape[-1]) if s.get("offset") else (0.0,))
        if any(len(part) not in (1, shape[-1]) for part in (self.scale, self.offset)):
            raise s.refused("scale", f"one number, or {shape[-1]}")
        super().__init__(kind, shape, (self.scale.tolist(), self.offset.tolist()))

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        y: np.ndarray = xs[0] * self.scale.astype(xs[0].dtype) + self.offset.astype(xs[0].dtype)
        return y


class Identity(Layer):
    """Dropout, noise and random augmentation: nothing of them is left where a model answers."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        super().__init__(kind, _one(kind, shapes))
        s.channels_last()
        s.ignore(
            *("rate", "seed", "noise_shape", "stddev", "factor", "fill_mode", "fill_value", "mode"),
            *("interpolation", "height_factor", "width_factor", "value_range", "x_factor"),
            *("y_factor", "scale", "alpha", "l1", "l2"),
        )

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        return xs[0]


class Reshape(Layer):
    """Flatten and Reshape."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        size = math.prod(shape := _one(kind, shapes))
        if kind == "Flatten":
            s.channels_last()
            wanted: Shape = (size,)
        else:
            wanted = s.wholes("target_shape", -1)
            if wanted.count(-1) == 1 and 0 not in wanted:
                known = -math.prod(wanted)
                wanted = tuple(size // known if n == -1 else n for n in wanted)
            if min(wanted) < 1 or math.prod(wanted) != size:
                raise s.refused("target_shape", f"of as many numbers as its input, {shape}")
        super().__init__(kind, wanted, (wanted,))

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        return np.ascontiguousarray(xs[0]).reshape(len(xs[0]), *self.shape)


class Permute(Layer):
    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        shape = _one(kind, shapes)
        self.dims = s.wholes("dims", 1)
        if sorted(self.dims) != list(range(1, len(shape) + 1)):
            raise s.refused("dims", f"an order of the {len(shape)} axes")
        super().__init__(kind, tuple(shape[d - 1] for d in self.dims), self.dims)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        return xs[0].transpose(0, *self.dims)


class ZeroPadding(Layer):
    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        rows, columns, channels = _one(kind, shapes, 3)
        self.padding = s.sides("padding")
        s.channels_last()
        rows, columns = rows + sum(self.padding[0]), columns + sum(self.padding[1])
        super().__init__(kind, (rows, columns, channels), self.padding)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        return _last(ops.zero_pad2d(_first(xs[0]), self.padding))


class Cropping(Layer):
    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        rows, columns, channels = _one(kind, shapes, 3)
        (top, bottom), (left, right) = cropping = s.sides("cropping")
        s.channels_last()
        shape = rows - top - bottom, columns - left - right, channels
        if min(shape) < 1:
            raise s.refused("cropping", f"less than its input, {(rows, columns)}")
        self.rows, self.columns = slice(top, rows - bottom), slice(left, columns - right)
        super().__init__(kind, shape, cropping)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        return xs[0][:, self.rows, self.columns]


class UpSampling(Layer):
    """Every pixel repeated."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        rows, columns, channels = _one(kind, shapes, 3)
        self.size = s.pair("size", (2, 2))
        s.channels_last()
        s.must_be("interpolation", "nearest")
        shape = rows * self.size[0], columns * self.size[1], channels
        super().__init__(kind, shape, self.size)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        return xs[0].repeat(self.size[0], axis=1).repeat(self.size[1], axis=2)


class Merge(Layer):
    """Add, Subtract, Multiply, Average, Maximum, Minimum: number by number."""

    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        if len(shapes) < 2 or (kind == "Subtract" and len(shapes) > 2):
            raise Refused(f"a layer {kind} has {len(shapes)} inputs; it takes two")
        try:
            if len({len(shape) for shape in shapes}) > 1:
                raise ValueError
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            raise Refused(f"the inputs of a layer {kind} do not match: {list(shapes)}") from None
        super().__init__(kind, shape)
        self.multiply_adds = len(shapes) * math.prod(shape)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        functions: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
            "Add": np.add,
            "Average": np.add,
            "Subtract": np.subtract,
            "Multiply": np.multiply,
            "Maximum": np.maximum,
            "Minimum": np.minimum,
        }
        y = xs[0]
        for x in xs[1:]:
            y = functions[self.kind](y, x)
        return y / y.dtype.type(len(xs)) if self.kind == "Average" else y


class Arithmetic(Layer):
    """`images / 255` and the like, which Keras keeps as operations and not as layers.

    numbers  the constants, and None where an input stands
    """

    def __init__(self, kind: str, numbers: Sequence[float | None], shapes: Sequence[Shape]) -> None:
        if len(numbers) != 2 or not shapes:
            raise Refused(f"an operation {kind} takes two inputs, or one and a number")
        if len({len(shape) for shape in shapes}) > 1:
            raise Refused(f"the inputs of an operation {kind} do not match: {list(shapes)}")
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            raise Refused(f"the inputs of a layer {kind} do not match: {list(shapes)}") from None
        self.numbers = tuple(numbers)
        super().__init__(kind, shape, self.numbers)

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        functions: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
            "Add": np.add,
            "Subtract": np.subtract,
            "Multiply": np.multiply,
            "Divide": np.divide,
        }
        inputs = iter(xs)
        dtype = xs[0].dtype
        left, right = (
            next(inputs) if number is None else np.array(number, dtype) for number in self.numbers
        )
        return functions[self.kind](left, right)


class Concatenate(Layer):
    def __init__(self, kind: str, s: Settings, shapes: Sequence[Shape]) -> None:
        axes = len(shapes[0]) if shapes else 0
        axis = s.get("axis", -1)
        self.axis = axis + axes + 1 if isinstance(axis, int) and axis < 0 else axis
        if type(self.axis) is not int or not 1 <= self.axis <= axes:
            raise s.refused("axis", "an axis behind the batch")
        others = {tuple(np.delete(shape, self.axis - 1)) for shape in shapes if len(shape) == axes}
        if len(others) != 1 or any(len(shape) != axes for shape in shapes):
            raise Refused(f"the inputs of a layer {kind} do not match: {list(shapes)}")
        total = sum(shape[self.axis - 1] for shape in shapes)
        shape = list(shapes[0])
        shape[self.axis - 1] = total
        super().__init__(kind, tuple(shape), (self.axis,))

    def forward(self, xs: Arrays, weights: Arrays) -> np.ndarray:
        return np.concatenate(xs, axis=self.axis)


def _activation(s: Settings) -> str:
    name = s.get("activation", "linear")
    name = "linear" if name is None else name
    if not isinstance(name, str) or name not in activations.FUNCTIONS:
        raise s.refused("activation", "one of " + ", ".join(activations.FUNCTIONS))
    return name


_CLASSES: dict[type[Layer], str] = {
    Conv: "Conv2D DepthwiseConv2D",
    SeparableConv: "SeparableConv2D",
    Dense: "Dense",
    Pool: "MaxPooling2D AveragePooling2D",
    GlobalPool: "GlobalAveragePooling2D GlobalMaxPooling2D",
    BatchNormalization: "BatchNormalization",
    LayerNormalization: "LayerNormalization",
    Normalization: "Normalization",
    Activation: "Activation ReLU LeakyReLU ELU Softmax",
    PReLU: "PReLU",
    Rescaling: "Rescaling",
    Identity: "Dropout SpatialDropout2D GaussianDropout GaussianNoise AlphaDropout Identity "
    "ActivityRegularization RandomRotation RandomTranslation RandomZoom RandomFlip RandomContrast "
    "RandomBrightness RandomShear RandomErasing",
    Reshape: "Flatten Reshape",
    Permute: "Permute",
    ZeroPadding: "ZeroPadding2D",
    Cropping: "Cropping2D",
    UpSampling: "UpSampling2D",
    Merge: "Add Subtract Multiply Average Maximum Minimum",
    Concatenate: "Concatenate",
}
# Every layer that a model may have; a class that is not here is refused.
ALLOWED: Mapping[str, type[Layer]] = MappingProxyType(
    {kind: layer for layer, kinds in _CLASSES.items() for kind in kinds.split()}
)


def places(layer: Layer) -> list[str]:
    """Where its weights lie below the layer's own place in Keras' weights file."""
    return [f"vars/{number}" for number in range(len(layer.weights))]


def build(kind: str, config: Mapping[str, Any], shapes: Sequence[Shape]) -> Layer:
    """The layer of a Keras class with these settings, for inputs of these shapes."""
    settings = Settings(kind, config)
    layer = ALLOWED[kind](kind, settings, shapes)  # type: ignore[arg-type]
    settings.finish()
    if max(layer.shape, default=1) > LARGEST:
        raise Refused(f"the output of a layer {kind} is too large: {layer.shape}")
    return layer
