"""Calls every operation of `reference.ops` with random arguments, on both twins.

    python tests/reference/fuzz.py --cases 100000

Sizes are small, 0 and 1 among them; strides, kernels, padding and shapes are now and then as large
as 64-bit integers go or larger. Arrays come in every dtype and layout, some read-only, some of
objects or complex numbers. A tenth of the calls have one argument spoiled. Both twins must give
the same result, or refuse in the same words with a TypeError, a ValueError or a MemoryError; the
arguments must stay as they are. Whole numbers keep sums exact.

Case i of a seed is the same on every machine; what fails is told with its number, and
`--only NUMBER` runs it alone. Meant for the debug build (`make fuzz`) and for sanitizers
(`make sanitize`): a kernel that leaves its arrays is seen there.
"""

from __future__ import annotations

import argparse
import copy
import faulthandler
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from twins import PLAIN, ROUNDED, assert_same, load_ops

# Most are beyond what a geometry may be; the first is the largest that may.
HUGE = [2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, 2**63, 2**64, 10**30]
REFUSALS = (TypeError, ValueError, MemoryError)
REAL = ["f8", "f8", "f8", "f4", "f4", "f4", "i8", "i4", "i1", "u1", "?", "f2", ">f8", ">f4", "g"]
NOT_REAL = ["O", "c16", "U1", "M8[s]", "V8"]


class Draw:
    """Random arguments out of one generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.dtype = np.dtype(self.one_of(REAL))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one_of(self, choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def number(self, least: int, most: int) -> int:
        return int(self.rng.integers(least, most + 1))

    def side(self, most: int = 6) -> int:
        """A size: now and then 0, often 1."""
        if self.chance(0.04):
            return 0
        return 1 if self.chance(0.2) else self.number(1, most)

    def stride(self) -> tuple[int, int]:
        return self.step(), self.step()

    def step(self) -> int:
        return HUGE[0] if self.chance(0.02) else self.number(1, 4)

    def array(self, *shape: int) -> np.ndarray:
        """Small whole numbers in the call's dtype, in some layout."""
        low = 0 if self.dtype.kind in "ub?" else -4
        values = self.rng.integers(low, 5, shape)
        return self.layout(values.astype(self.dtype))

    def layout(self, array: np.ndarray) -> np.ndarray:
        kind = self.number(0, 11)
        if kind == 0:
            array = np.asfortranarray(array)
        elif kind == 1 and array.ndim:
            array = array[::-1].copy()[::-1]
        elif kind == 2 and array.ndim:
            wide = np.zeros([2 * side for side in array.shape], array.dtype)
            view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
            view[...] = array
            array = view
        elif kind == 3 and array.ndim:
            buffer = np.zeros(array.nbytes + 1, np.uint8)
            unaligned = buffer[1:].view(array.dtype).reshape(array.shape)
            unaligned[...] = array
            array = unaligned
        elif kind == 4 and array.ndim and array.shape[0]:
            array = np.broadcast_to(array[:1], array.shape)  # one row, many times
        elif kind == 5:
            array = array.T.copy().T
        if self.chance(0.2):
            array = array.view()
            array.flags.writeable = False
        return array

    def image(self) -> np.ndarray:
        return self.array(self.side(3), self.side(3), self.side(7), self.side(7))

    def kernel_for(self, x: np.ndarray, padding: tuple[int, int], gap: Any = (1, 1)) -> Any:
        """Mostly fits."""
        sides = []
        for side, p, d in zip(x.shape[2:], padding, gap, strict=True):
            most = max(1, (side + 2 * p - 1) // d + 1)
            sides.append(self.number(1, min(most, 4) + (1 if self.chance(0.05) else 0)))
        return tuple(sides)

    def padding(self) -> tuple[int, int]:
        if self.chance(0.01):
            return HUGE[0], HUGE[0]
        return self.number(0, 3), self.number(0, 3)

    def pool(self) -> tuple[Any, ...]:
        """(x, kernel, stride, padding); a huge kernel may be half padding."""
        x = self.image()
        if self.chance(0.02):
            return x, (HUGE[0], HUGE[0]), self.stride(), (HUGE[0] // 2, HUGE[0] // 2)
        kernel = self.number(1, 4), self.number(1, 4)
        padding = self.number(0, kernel[0] // 2), self.number(0, kernel[1] // 2)
        kernel = tuple(
            min(k, max(side + 2 * p, 1))
            for k, side, p in zip(kernel, x.shape[2:], padding, strict=True)
        )
        padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))
        return x, kernel, self.stride(), padding

    def logits(self) -> np.ndarray:
        return self.array(self.side(5), self.side(6))

    def labels(self, logits: np.ndarray) -> np.ndarray:
        n, k = logits.shape
        return self.rng.integers(0, max(k, 1), n).astype(self.one_of(["i8", "i4", "u1", "u8"]))

    def whole(self) -> int:
        return self.one_of(HUGE) if self.chance(0.1) else self.number(0, 40)


def size(length: int, kernel: int, stride: int, padding: Any, gap: int = 1) -> int:
    """Outputs along an axis, or 0."""
    return max((length + sum(padding) - gap * (kernel - 1) - 1) // stride + 1, 0)


def outputs(x: np.ndarray, kernel: Any, stride: Any, pads: Any, gap: Any = (1, 1)) -> Any:
    rows, cols = (size(*n) for n in zip(x.shape[2:], kernel, stride, pads, gap, strict=True))
    # A call with a dy that cannot be allocated is a call with another shape of dy.
    return (rows, cols) if rows * cols < 2**16 else (1, 1)


def even(padding: Any) -> Any:
    return tuple((p, p) for p in padding)


def conv(d: Draw, gaps: bool = False, uneven: bool = False) -> tuple[Any, ...]:
    """x, w, b, stride, padding or pads, dilation, groups."""
    x = d.image()
    groups = d.number(1, 3) if gaps else 1
    if groups > 1:
        x = d.array(x.shape[0], groups * d.side(2), *x.shape[2:])
    elif d.chance(0.2):  # as many as make the kernels do the rows of w one by one
        x = d.array(d.side(8), d.number(6, 14), *x.shape[2:])
    padding = d.padding()
    gap = (d.number(1, 3), d.number(1, 3)) if gaps else (1, 1)
    kernel = d.kernel_for(x, padding if max(padding) < 9 else (1, 1), gap)
    filters = groups * d.side(3)
    w = d.array(filters, x.shape[1] // groups, *kernel)
    pads = tuple((p, d.number(p, 3) if p < 4 else p) for p in padding) if uneven else padding
    return x, w, d.array(filters), d.stride(), pads, gap, groups


def conv_backward(d: Draw, general: bool) -> tuple[Any, ...]:
    x, w, _, stride, pads, gap, groups = conv(d, gaps=general, uneven=general)
    shape = outputs(x, w.shape[2:], stride, pads if general else even(pads), gap)
    dy = d.array(x.shape[0], w.shape[0], *shape)
    return (dy, x, w, stride, pads, gap, groups) if general else (dy, x, w, stride, pads)


def pool_backward(d: Draw) -> tuple[Any, ...]:
    x, kernel, stride, padding = d.pool()
    shape = outputs(x, kernel, stride, even(padding))
    return d.array(*x.shape[:2], *shape), x, kernel, stride, padding


def windows(d: Draw) -> tuple[Any, ...]:
    x = d.image()
    return x, d.kernel_for(x, (0, 0)), d.stride()


def columns(d: Draw) -> tuple[Any, ...]:
    x, padding = d.image(), d.padding()
    return x, d.kernel_for(x, padding if max(padding) < 9 else (1, 1)), d.stride(), padding


def col2im(d: Draw) -> tuple[Any, ...]:
    x, kernel, stride, padding = columns(d)
    rows, cols = outputs(x, kernel, stride, even(padding))
    n, c = x.shape[:2]
    return d.array(n, c * kernel[0] * kernel[1], rows * cols), x.shape, kernel, stride, padding


def plane(d: Draw) -> tuple[Any, ...]:
    image = d.array(d.side(7), d.side(7))
    return image, d.array(*(d.number(1, max(1, side)) for side in image.shape))


def dense(d: Draw) -> tuple[Any, ...]:
    n, k, m = d.side(), d.side(), d.side()
    return d.array(n, k), d.array(k, m), d.array(m)


def dense_backward(d: Draw) -> tuple[Any, ...]:
    x, w, b = dense(d)
    return d.array(len(x), len(b)), x, w


def normalised(d: Draw) -> tuple[Any, ...]:
    x = d.image()
    return x, d.array(x.shape[1]), d.array(x.shape[1]), d.one_of([1e-5, 0.5, 1])


def residual(d: Draw) -> tuple[Any, ...]:
    x = d.image()
    c, o = x.shape[1], d.side(3)
    plain = d.chance(0.3)
    o, stride = (c, (1, 1)) if plain else (o, d.stride())
    weights = d.array(o, c, 3, 3), d.array(o), d.array(o, o, 3, 3), d.array(o)
    return x, *weights, None if plain else d.array(o, c, 1, 1), stride


def inception(d: Draw) -> tuple[Any, ...]:
    x = d.image()
    c = x.shape[1]
    three, five = d.side(3), d.side(3)
    shapes = {
        "1x1": (d.side(3), c, 1, 1),
        "3x3_reduce": (three, c, 1, 1),
        "3x3": (d.side(3), three, 3, 3),
        "5x5_reduce": (five, c, 1, 1),
        "5x5": (d.side(3), five, 5, 5),
        "pool_proj": (d.side(3), c, 1, 1),
    }
    return x, {key: (d.array(*shape), d.array(shape[0])) for key, shape in shapes.items()}


def steps(d: Draw) -> tuple[Any, ...]:
    shapes = {"w": (d.side(), d.side()), "b": (d.side(),)}
    groups = [{key: d.array(*shape) for key, shape in shapes.items()} for _ in range(3)]
    return (*groups, 0.25, 0.5)


def network(d: Draw) -> tuple[Any, ...]:
    """Parameters of the small CNN and images."""
    n, c, h, w = d.side(2), d.side(2), d.number(3, 9), d.number(3, 9)
    o, p, m = d.side(3), d.side(3), d.side(4)
    shapes = {
        "conv1.w": (o, c, 3, 3),
        "conv1.b": (o,),
        "conv2.w": (p, o, 3, 3),
        "conv2.b": (p,),
        "dense.w": (p * (h // 4) * (w // 4), m),
        "dense.b": (m,),
    }
    return {key: d.array(*shape) for key, shape in shapes.items()}, d.array(n, c, h, w)


def trained(d: Draw) -> tuple[Any, ...]:
    parameters, images = network(d)
    labels = d.rng.integers(0, max(len(parameters["dense.b"]), 1), len(images))
    return parameters, images, labels


def fit(d: Draw) -> tuple[Any, ...]:
    d.dtype = np.dtype("f8")
    images = d.array(d.side(3), 1, d.number(3, 6), d.number(3, 6)) / d.dtype.type(8)
    labels = d.rng.integers(0, 10, len(images))
    batch = d.one_of([1, 2, *HUGE])
    rng = np.random.default_rng(d.number(0, 9))
    return images, labels, d.number(0, 1), 0.01, 0.5, batch, rng


def keras_network(d: Draw) -> tuple[Any, ...]:
    n, h, w, c = d.side(2), d.number(3, 9), d.number(3, 9), d.side(2)
    o, p, m = d.side(3), d.side(3), d.side(4)
    features = p * (h // 4) * (w // 4)
    shapes = [(3, 3, c, o), (o,), (3, 3, o, p), (p,), (features, m), (m,)]
    return [d.array(*shape) for shape in shapes], d.array(n, h, w, c)


def layers(d: Draw) -> tuple[Any, ...]:
    stack: list[dict[str, Any]] = []
    for _ in range(d.number(0, 5)):
        kinds = ["conv", "max_pool", "avg_pool", "batch_norm", "relu", "flatten", "dense"]
        layer: dict[str, Any] = {"kind": d.one_of([*kinds, "global_avg_pool"])}
        if layer["kind"] in ("conv", "max_pool", "avg_pool"):
            layer |= {"kernel": (d.number(1, 3), d.number(1, 3)), "stride": d.stride()}
            if d.chance(0.5):
                layer["padding"] = d.number(0, 1), d.number(0, 1)
        if layer["kind"] in ("conv", "dense"):
            layer["out"] = d.whole()
        stack.append(layer)
    if d.chance(0.2):
        return stack, (d.whole(),)
    return stack, (d.side(3), d.whole(), d.whole())


DRAWS: dict[str, Callable[[Draw], tuple[Any, ...]]] = {
    "alexnet": lambda d: (),
    "avg_pool2d": Draw.pool,
    "avg_pool2d_backward": pool_backward,
    "batch_norm2d": normalised,
    "batch_norm2d_backward": lambda d: (lambda x, g, _, e: (d.array(*x.shape), x, g, e))(
        *normalised(d)
    ),
    "col2im": col2im,
    "conv2d": lambda d: conv(d)[:5],
    "conv2d_backward": lambda d: conv_backward(d, general=False),
    "conv2d_im2col": lambda d: conv(d)[:5],
    "conv_layer_cost": lambda d: (
        *(d.whole() for _ in range(4)),
        (d.whole(), d.whole()),
        (d.whole(), d.whole()),
        (d.whole(), d.whole()),
    ),
    "convolve2d": lambda d: (*plane(d), d.one_of(["valid", "same", "full"])),
    "count_parameters": layers,
    "cross_correlate2d": plane,
    "cross_entropy": lambda d: (lambda z: (z, d.labels(z)))(d.logits()),
    "cross_entropy_backward": lambda d: (lambda z: (z, d.labels(z)))(d.logits()),
    "dense": dense,
    "dense_backward": dense_backward,
    "dense_layer_cost": lambda d: (d.whole(), d.whole()),
    "downsample": lambda d: (d.image(), d.stride()),
    "fit": fit,
    "forward": network,
    "general_conv2d": lambda d: conv(d, gaps=True, uneven=True),
    "general_conv2d_backward": lambda d: conv_backward(d, general=True),
    "global_avg_pool2d": lambda d: (d.image(),),
    "global_avg_pool2d_backward": lambda d: (
        lambda n, c: (d.array(n, c), (n, c, d.side(), d.side()))
    )(d.side(), d.side()),
    "grouped_conv2d": lambda d: conv(d, gaps=True),
    "he_normal": lambda d: (
        tuple(d.side() for _ in range(d.one_of([2, 4]))),
        np.random.default_rng(d.number(0, 9)),
    ),
    "im2col": columns,
    "images_from_keras": lambda d: (d.image(),),
    "inception_module": inception,
    "kernel_from_keras": lambda d: (d.image(),),
    "lenet5": lambda d: (),
    "line_filter": lambda d: (d.one_of(["horizontal", "vertical", "diagonal", "antidiagonal"]),),
    "loss_and_gradients": trained,
    "max_pool2d": Draw.pool,
    "max_pool2d_backward": pool_backward,
    "output_size": lambda d: (d.whole(), d.whole(), d.whole(), (d.whole(), d.whole()), d.whole()),
    "predict": keras_network,
    "receptive_field": lambda d: ([(d.whole(), d.whole()) for _ in range(d.number(0, 4))],),
    "relu": lambda d: (d.array(*(d.side() for _ in range(d.number(0, 4)))),),
    "relu_backward": lambda d: (lambda x: (d.array(*x.shape), x))(d.image()),
    "residual_block": residual,
    "same_padding": lambda d: (d.whole(), d.whole(), d.whole()),
    "sgd_momentum": steps,
    "sliding_windows": windows,
    "softmax": lambda d: (d.logits(),),
    "softmax_backward": lambda d: (lambda z: (d.array(*z.shape), z))(d.logits()),
    "strided_conv2d": lambda d: (lambda x, w, _, s, *rest: (x, w, s))(*conv(d)),
    "trace_shapes": layers,
    "zero_pad2d": lambda d: (
        d.image(),
        even(d.padding()) if d.chance(0.5) else ((d.side(), d.side()), (d.side(), d.side())),
    ),
}

# Long loops of the pure twin, and calls without arguments: one turn in eight.
RARE = {"alexnet", "fit", "inception_module", "lenet5", "line_filter", "loss_and_gradients"}

# These would train for ever: the epochs are not spoiled.
KEPT = {"fit": {2}}


def spoiled(d: Draw, value: Any) -> Any:
    """Something that is not quite what was asked for."""
    if isinstance(value, np.ndarray):
        return spoiled_array(d, value)
    if isinstance(value, dict) and value:
        key = d.one_of(list(value))
        change = d.number(0, 2)
        if change == 0:
            return {k: v for k, v in value.items() if k != key}
        return {**value, "more": 1} if change == 1 else {**value, key: spoiled(d, value[key])}
    if isinstance(value, tuple | list) and value and d.chance(0.7):
        index = d.number(0, len(value) - 1)
        # A shape with one large side would be allocated, if the machine has the memory.
        inner = [*value[:index], spoiled(d, value[index]), *value[index + 1 :]]
        return type(value)(inner)
    if isinstance(value, int) and not isinstance(value, bool) and d.chance(0.8):
        return d.one_of([-1, 0, -(2**31), -(2**64), *HUGE[2:]])
    return d.one_of([None, "word", 1.5, (), [], (1,), (1, 2, 3), {}, object(), np.nan, True, b"x"])


def spoiled_array(d: Draw, array: np.ndarray) -> Any:
    change = d.number(0, 6)
    if change == 0:
        return array[None]
    if change == 1 and array.ndim:
        return array[0] if len(array) else array[..., None]
    if change == 2 and array.ndim:
        axis = d.number(0, array.ndim - 1)
        return (
            np.repeat(array, 2, axis=axis)
            if d.chance(0.5)
            else np.delete(array, [0], axis)
            if array.shape[axis]
            else array
        )
    if change == 3:
        kind = d.one_of(NOT_REAL)
        return (
            np.zeros(array.shape, kind)
            if kind == "V8"
            else array.astype("f8").astype("i8").astype(kind)
        )
    if change == 4:
        return array.tolist()
    if change == 5 and array.ndim:
        # No memory at all, and sides that no product of which fits 64 bits.
        sides = [d.one_of([0, 1, 2**20, 2**31, 2**40]) for _ in array.shape]
        sides[d.number(0, len(sides) - 1)] = 0
        try:
            return np.zeros(sides, array.dtype)
        except ValueError:
            return array
    return d.one_of([None, "word", 1.5, [], [[1, 2], [3]], {}, object()])


def call(module: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    """(result, None), or (None, the refusal)."""
    # `fit` and `he_normal` draw from the generator that they are given.
    drawn = [copy.deepcopy(a) if isinstance(a, np.random.Generator) else a for a in arguments]
    try:
        return getattr(module, name)(*drawn), None
    except REFUSALS as error:
        return None, error


def case(names: list[str], seed: int, index: int) -> tuple[str, tuple[Any, ...], bool]:
    """(operation, arguments, whether they are finite)."""
    d = Draw(np.random.default_rng([seed, index]))
    name = names[index % len(names)]
    while name in RARE and not d.chance(0.125):
        name = d.one_of(names)
    arguments = DRAWS[name](d)
    finite = True
    if d.chance(0.02):
        finite = not poisoned(d, arguments)
    if arguments and d.chance(0.1):
        index = d.number(0, len(arguments) - 1)
        if index not in KEPT.get(name, ()):
            changed = spoiled(d, arguments[index])
            arguments = (*arguments[:index], changed, *arguments[index + 1 :])
    return name, arguments, finite


def poisoned(d: Draw, value: Any) -> bool:
    """NaN or infinity in the first array that can hold it."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
        if not value.flags.writeable:
            return False
        value[tuple(0 for _ in value.shape)] = d.one_of([np.nan, np.inf, -np.inf])
        return True
    items = value.values() if isinstance(value, dict) else value
    return isinstance(value, dict | tuple | list) and any(poisoned(d, item) for item in items)


def shapes(value: Any) -> Any:
    """What is compared where the numbers are not finite."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype
    if isinstance(value, dict):
        return {key: shapes(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [shapes(item) for item in value]
    return type(value)


def same(got: Any, wanted: Any, rounded: bool) -> None:
    if isinstance(got, tuple) and isinstance(wanted, tuple) and len(got) == len(wanted):
        for one, other in zip(got, wanted, strict=True):
            same(one, other, rounded)
        return
    if isinstance(got, float) and isinstance(wanted, float):
        # A loss: in float32 the pure twin subtracts numbers of the logits' size.
        assert abs(got - wanted) <= 1e-5 * max(1.0, abs(wanted)), (got, wanted)
        return
    if isinstance(got, np.ndarray) and isinstance(wanted, np.ndarray):
        assert got.flags.c_contiguous
        assert got.flags.writeable
        if got.dtype == wanted.dtype and np.array_equal(got, wanted):
            return
    assert_same(got, wanted, rounded)


def judge(
    fast: Any, pure: Any, name: str, arguments: tuple[Any, ...], finite: bool, copied: bool
) -> str:
    """Runs one case and says what it was, for the count."""
    before = copy.deepcopy(arguments) if copied and finite else None
    got, refused = call(fast, name, arguments)
    if before is not None:
        for one, other in zip(arguments, before, strict=True):
            if not isinstance(one, np.random.Generator) and type(one) is not object:
                untouched(one, other)
    if vast(arguments) and (refused is None or beyond_memory(refused)):
        return "too large for the pure twin"  # which counts to the sides of an empty array
    wanted, refused_too = call(pure, name, arguments)
    if beyond_memory(refused_too) and (refused is None or beyond_memory(refused)):
        return "too large for the pure twin"  # which pads a copy
    if refused is not None or refused_too is not None:
        assert repr(refused) == repr(refused_too), f"{refused!r} and {refused_too!r}"
        assert str(refused)
        return "refused"
    if finite:
        # Means are rounded by the number of their pixels, chains of layers by their length.
        same(got, wanted, name in ROUNDED or "avg" in name or name in PLAIN)
    else:
        assert shapes(got) == shapes(wanted)
    return "agreed"


def vast(value: Any) -> bool:
    """An array without entries, one side of which is a large number."""
    if isinstance(value, np.ndarray):
        return value.size == 0 and max(value.shape) > 2**16
    items = value.values() if isinstance(value, dict) else value
    return isinstance(value, dict | tuple | list) and any(map(vast, items))


def beyond_memory(error: Exception | None) -> bool:
    """NumPy's two refusals of an array."""
    return isinstance(error, MemoryError) or str(error).startswith("array is too big")


def untouched(one: Any, other: Any) -> None:
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes() or one.dtype == object
    elif isinstance(one, dict):
        for key in one:
            untouched(one[key], other[key])
    elif isinstance(one, tuple | list):
        for part, kept in zip(one, other, strict=True):
            untouched(part, kept)


def bounds_are_checked() -> bool:
    """Whether this is the debug build. The index is one past the view, inside of its memory."""
    from reference.fast import activation

    try:
        activation._relu(np.zeros(2), np.zeros(3)[:1])
    except IndexError:
        return True
    return False


def leave_an_array() -> None:
    """What no operation does: a kernel writes behind its result."""
    from reference.fast import activation

    activation._relu(np.zeros(5000), np.empty(4990))


def limit_memory(gigabytes: int) -> None:
    """So that an allocation that is too large fails at once, whatever the machine promises."""
    import resource

    limit = gigabytes * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def run(cases: int, seed: int = 0, start: int = 0) -> tuple[Counter[str], list[str]]:
    """(counts of what became of them, what failed)."""
    # The fast twin in turns with and without its short way of small calls.
    ways, pure = (load_ops("fast"), load_ops("fast", short=False)), load_ops("pure")
    names = sorted(DRAWS)
    counts: Counter[str] = Counter()
    failures: list[str] = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for index in range(start, start + cases):
            name, arguments, finite = case(names, seed, index)
            fast = ways[index // 8 % 2]
            try:
                counts[judge(fast, pure, name, arguments, finite, index % 8 == 0)] += 1
            except Exception as error:  # whatever it is, the next case is run
                counts["failed"] += 1
                failures.append(f"case {index}, {name}: {type(error).__name__}: {error}")
    return counts, failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this case alone")
    parser.add_argument("--debug", action="store_true", help="fail unless indices are checked")
    parser.add_argument("--prove", action="store_true", help="leave an array, for a sanitizer")
    parser.add_argument("--memory", type=int, default=8, metavar="GB", help="0: no limit")
    options = parser.parse_args()
    if options.prove:
        leave_an_array()
        return 0
    faulthandler.enable()
    if options.memory:
        limit_memory(options.memory)
    if options.only is not None:
        print(case(sorted(DRAWS), options.seed, options.only))
        counts, failures = run(1, options.seed, options.only)
        print(dict(counts), *failures, sep="\n")
        return bool(failures)
    checked = bounds_are_checked()
    print(f"bounds {'are' if checked else 'are not'} checked; seed {options.seed}")
    if options.debug and not checked:
        return 2
    began = time.process_time()
    total: Counter[str] = Counter()
    for start in range(0, options.cases, 10_000):
        counts, failures = run(min(10_000, options.cases - start), options.seed, start)
        total += counts
        print(*failures[:20], sep="\n", end="\n" if failures else "")
        rate = total.total() / (time.process_time() - began)
        print(f"{total.total():,} cases, {dict(total)}, {rate:.0f} a CPU second", flush=True)
    return bool(total["failed"])


if __name__ == "__main__":
    sys.exit(main())
