"""What every operation asks of its arguments, each refusal worded once.

The functions here take the operation's name first and return the argument in the form that the
backends rely on: arrays are C-contiguous float32 or float64, geometry is pairs of Python integers.
A wrong type is a TypeError, a wrong value a ValueError, and both name the argument and its value.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from math import prod
from operator import index
from typing import Any

import numpy as np

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]

# The largest number in a geometry. Products of two of them fit the kernels' 64-bit integers, and
# one fits the 32-bit integers of BLAS.
LARGEST = 2**31 - 1


# The types of NumPy's own byte order; each is one object.
_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


# Arrays


def array(
    name: str, argument: str, value: Any, axes: str | None = None, like: np.ndarray | None = None
) -> np.ndarray:
    """`value` as a C-contiguous float array with the axes named in `axes`.

    float32 stays float32 and everything else becomes float64, unless there is an array to be
    `like`.
    """
    given = np.asarray(value)
    dtype = given.dtype
    known = dtype is like.dtype if like is not None else dtype is _DOUBLE or dtype is _SINGLE
    # The usual case, which on small arrays must not take long: nothing is to be done. A carray is
    # C-contiguous, aligned and writeable.
    if known and given.flags.carray and (axes is None or given.ndim == axes.count(",") + 1):
        return given
    if given.dtype.kind not in "fiub":
        raise TypeError(f"`{name}`: {argument} must hold real numbers; got dtype {given.dtype}.")
    if axes is not None and given.ndim != axes.count(",") + 1:
        raise ValueError(f"`{name}`: {argument} must have axes ({axes}); got shape {given.shape}.")
    if like is not None:
        dtype = like.dtype
    else:
        single = given.dtype.kind == "f" and given.dtype.itemsize == 4
        dtype = np.dtype(np.float32 if single else np.float64)
    if given.dtype != dtype:
        addressable(name, given.shape, dtype.itemsize)
        # A number too large for float32 becomes infinite, without a warning.
        with np.errstate(all="ignore"):
            given = given.astype(dtype, order="C")
    given = np.asarray(given, order="C")
    # Unaligned memory is legal in NumPy and is not in the kernels.
    return given if given.flags.aligned else given.copy()


def labels(name: str, value: Any, rows: int, classes: int, of: str = "row of logits") -> np.ndarray:
    """Class indices, one a row."""
    given = np.asarray(value)
    if given.size and given.dtype.kind not in "iu":
        raise TypeError(f"`{name}`: labels must be whole numbers; got dtype {given.dtype}.")
    if given.shape != (rows,):
        raise ValueError(
            f"`{name}`: labels must have one entry for every {of} ({rows}); "
            f"got shape {given.shape}."
        )
    if given.size and not 0 <= int(given.min()) <= int(given.max()) < classes:
        raise ValueError(
            f"`{name}`: labels must lie between 0 and {classes - 1}; "
            f"got {int(given.min())} to {int(given.max())}."
        )
    return np.ascontiguousarray(given, np.intp)


def same_shape(name: str, argument: str, value: np.ndarray, shape: tuple[int, ...]) -> None:
    """The array has exactly this shape."""
    if value.shape != tuple(shape):
        raise ValueError(
            f"`{name}`: {argument} must have shape {tuple(shape)}; got shape {value.shape}."
        )


def length(name: str, argument: str, value: np.ndarray, wanted: int, of: str) -> None:
    """The vector has one entry for each of something."""
    if len(value) != wanted:
        raise ValueError(
            f"`{name}`: {argument} must have one entry for every {of} ({wanted}); "
            f"got shape {value.shape}."
        )


def not_empty(name: str, argument: str, value: np.ndarray, *sizes: int) -> None:
    """There is at least one row and one column (one class, one pixel) to work on."""
    if 0 in sizes:
        raise ValueError(f"`{name}`: {argument} must not be empty; got shape {value.shape}.")


def addressable(name: str, shape: Sequence[int], itemsize: int = 8) -> None:
    """The result's size in bytes is a number that the machine can count to."""
    # An empty array's sides must be countable too, so that a side of 0 is left out.
    if itemsize * (prod(shape) or prod(filter(None, shape))) > sys.maxsize:
        raise ValueError(
            f"`{name}`: the result would have shape {tuple(shape)}, more than memory can address."
        )


def countable(name: str, *counts: int) -> None:
    """BLAS counts rows and columns of its matrices with 32 bits."""
    if max(counts) > LARGEST:
        raise ValueError(
            f"`{name}`: a matrix product with sides {counts} is too large; "
            f"every side must be at most {LARGEST}."
        )


def product(name: str, images: int, filters: Sequence[int], outputs: Pair) -> tuple[int, ...]:
    """The shape of a convolution's output, when its sizes and those of its product of matrices can
    be counted; `filters` is the shape (O, C, KH, KW)."""
    out, depth, kh, kw = filters
    rows, cols = outputs
    shape = (images, out, rows, cols)
    addressable(name, shape)
    countable(name, out, depth * kh * kw, rows * cols)
    return shape


def network(
    name: str,
    images: int,
    size: Sequence[int],
    conv1: Sequence[int],
    conv2: Sequence[int],
    classes: int,
) -> None:
    """The sizes inside the small CNN can be counted: two convolutions and poolings, one product."""
    rows, cols = size
    product(name, images, conv1, (rows, cols))
    product(name, images, conv2, (rows // 2, cols // 2))
    features = conv2[0] * (rows // 4) * (cols // 4)
    countable(name, images, features, classes)
    addressable(name, (images, features))


# Numbers


def whole(name: str, argument: str, value: Any, least: int, most: int | None = None) -> int:
    """One integer, at least `least`."""
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"`{name}`: {argument} must be a whole number; got {value!r}.") from None
    if number < least or (most is not None and number > most):
        _within(name, argument, value, (number,), least, most)
    return number


def pair(
    name: str,
    argument: str,
    value: Any,
    least: int,
    most: int | None = LARGEST,
    parts: str = "rows, columns",
) -> Pair:
    """Two integers, each at least `least`."""
    try:
        first, second = value
        first, second = index(first), index(second)
    except (TypeError, ValueError):
        raise TypeError(
            f"`{name}`: {argument} must be a pair of whole numbers ({parts}); got {value!r}."
        ) from None
    if first < least or second < least or (most is not None and (first > most or second > most)):
        _within(name, argument, value, (first, second), least, most)
    return first, second


def pads(name: str, argument: str, value: Any) -> Pads:
    """Four amounts of padding, ((top, bottom), (left, right))."""
    try:
        (top, bottom), (left, right) = value
        top, bottom, left, right = index(top), index(bottom), index(left), index(right)
    except (TypeError, ValueError):
        raise TypeError(
            f"`{name}`: {argument} must be ((top, bottom), (left, right)) in whole numbers; "
            f"got {value!r}."
        ) from None
    _within(name, argument, value, (top, bottom, left, right), 0, LARGEST)
    return (top, bottom), (left, right)


def _within(
    name: str, argument: str, value: Any, numbers: Sequence[int], least: int, most: int | None
) -> None:
    if min(numbers) < least:
        limit = "must not be negative" if least == 0 else f"must be at least {least}"
        raise ValueError(f"`{name}`: {argument} {limit}; got {value!r}.")
    if most is not None and max(numbers) > most:
        raise ValueError(f"`{name}`: {argument} must be at most {most}; got {value!r}.")


def shape(name: str, argument: str, value: Any, axes: Sequence[str]) -> tuple[int, ...]:
    """A shape with one of the named lists of axes."""
    try:
        sides = tuple(index(side) for side in value)
    except TypeError:
        raise TypeError(
            f"`{name}`: {argument} must be a tuple of whole numbers; got {value!r}."
        ) from None
    if len(sides) not in [names.count(",") + 1 for names in axes]:
        wanted = " or ".join(f"({names})" for names in axes)
        raise ValueError(f"`{name}`: {argument} must be {wanted}; got {value!r}.")
    _within(name, argument, value, sides, 0, None)
    return sides


def number(name: str, argument: str, value: Any, least: float | None = None) -> float:
    """One real number."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"`{name}`: {argument} must be a number; got {value!r}.") from None
    if least is not None and not result >= least:
        raise ValueError(f"`{name}`: {argument} must be at least {least:g}; got {value!r}.")
    return result


def choice(name: str, argument: str, value: Any, known: Sequence[str]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in known:
        words = ", ".join(f'"{word}"' for word in known)
        raise ValueError(f"`{name}`: {argument} must be one of {words}; got {value!r}.")
    return value


def generator(name: str, value: Any) -> np.random.Generator:
    """A NumPy generator of random numbers."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"`{name}`: rng must be a numpy.random.Generator; got {type(value).__name__}."
        )
    return value


# Geometry


def both_sides(padding: Pair) -> Pads:
    """The padding (rows, columns) as four amounts."""
    rows, cols = padding
    return (rows, rows), (cols, cols)


def fits(
    name: str,
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Pair = (1, 1),
    padding: Pads = ((0, 0), (0, 0)),
    dilation: Pair = (1, 1),
) -> Pair:
    """Rows and columns of the output; the kernel must have entries and lie inside."""
    h, w = size
    kh, kw = kernel
    if kh < 1 or kw < 1:
        raise ValueError(f"`{name}`: kernel must be at least 1; got {(kh, kw)}.")
    (top, bottom), (left, right) = padding
    height, width = top + h + bottom, left + w + right
    dh, dw = dilation
    reach_h, reach_w = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    if reach_h > height or reach_w > width:
        raise ValueError(
            f"`{name}`: the kernel {(kh, kw)} covers {(reach_h, reach_w)} pixels and must fit into "
            f"the padded image; got {(height, width)}."
        )
    sh, sw = stride
    return (height - reach_h) // sh + 1, (width - reach_w) // sw + 1


def fits_axis(name: str, size: int, kernel: int, padding: Pair, dilation: int) -> None:
    """The kernel lies inside one padded axis."""
    reach, padded = dilation * (kernel - 1) + 1, size + sum(padding)
    if reach > padded:
        raise ValueError(
            f"`{name}`: the kernel {kernel} covers {reach} cells and must fit into the padded "
            f"size; got {padded}."
        )


def pool(name: str, size: Sequence[int], kernel: Pair, stride: Pair, padding: Pair) -> Pair:
    """Rows and columns of the pooled image; every window must hold a real pixel."""
    rows, cols = padding
    if rows > kernel[0] // 2 or cols > kernel[1] // 2:
        raise ValueError(
            f"`{name}`: padding must be at most half of the kernel {kernel}; got {padding}."
        )
    return fits(name, size, kernel, stride, ((rows, rows), (cols, cols)))


def channels(
    name: str, argument: str, w: np.ndarray, of: str, wanted: int, groups: int = 1
) -> None:
    """The filters have one slice for every channel that they see."""
    if w.shape[1] != wanted // groups:
        extra = "" if groups == 1 else f" / {groups} groups"
        raise ValueError(
            f"`{name}`: {argument} must have as many channels as {of} ({wanted}{extra}); "
            f"got shape {w.shape}."
        )


def divides(name: str, groups: int, inputs: int, outputs: int) -> None:
    """Every group has the same number of channels and of filters."""
    if inputs % groups or outputs % groups:
        raise ValueError(
            f"`{name}`: groups must divide the channels of x ({inputs}) and the filters of w "
            f"({outputs}); got {groups}."
        )


def kernel_is(name: str, argument: str, given: Sequence[int], wanted: Pair) -> None:
    """The filters have the one size that the block asks for."""
    if tuple(given) != wanted:
        raise ValueError(
            f"`{name}`: {argument} must have a kernel of {wanted}; got {tuple(given)}."
        )


def skip(name: str, given: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Without w_skip, x itself is added to the output."""
    if given != wanted:
        raise ValueError(
            f"`{name}`: w_skip must be given where the output's shape {wanted} is not that of x; "
            f"got shape {given}."
        )


def pixels(name: str, argument: str, sides: tuple[int, ...]) -> None:
    """The last two axes of a shape hold at least one pixel."""
    if min(sides[2:]) < 1:
        raise ValueError(f"`{name}`: {argument} must have at least one pixel; got {sides}.")


def fan_in(name: str, sides: tuple[int, ...]) -> None:
    """Every output has at least one input."""
    if prod(sides[1:] if len(sides) == 4 else sides[:1]) < 1:
        raise ValueError(f"`{name}`: shape must give every output an input; got {sides}.")


def small_images(name: str, images: np.ndarray, sides: Sequence[int] | None = None) -> None:
    """Two poolings by 2 leave at least one pixel."""
    if min(images.shape[2:] if sides is None else sides) < 4:
        raise ValueError(
            f"`{name}`: images must have at least 4 rows and 4 columns; got shape {images.shape}."
        )


def one_channel(name: str, images: np.ndarray) -> None:
    """The network is for grey images."""
    if images.shape[1] != 1:
        raise ValueError(f"`{name}`: images must have one channel; got shape {images.shape}.")


# Collections


def count(name: str, argument: str, value: Any, wanted: int, what: str) -> None:
    """A list with so many entries."""
    if not isinstance(value, Sequence) or len(value) != wanted:
        got = len(value) if isinstance(value, Sequence) else type(value).__name__
        raise ValueError(f"`{name}`: {argument} must be a list of {wanted} {what}; got {got}.")


def two(name: str, argument: str, value: Any) -> tuple[Any, Any]:
    """The filters and biases (w, b) of one convolution."""
    count(name, argument, value, 2, "arrays (w, b)")
    return value[0], value[1]


def arrays(
    name: str, argument: str, value: Any, like: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """A dictionary of arrays, with the keys, shapes and types of another one when given."""
    if not isinstance(value, Mapping):
        raise TypeError(f"`{name}`: {argument} must be a dictionary; got {type(value).__name__}.")
    if like is None:
        return {key: array(name, f'{argument}["{key}"]', value[key]) for key in value}
    same_keys(name, argument, value, list(like))
    checked = {}
    for key, model in like.items():
        word = f'{argument}["{key}"]'
        checked[key] = array(name, word, value[key], like=model)
        same_shape(name, word, checked[key], model.shape)
    return checked


def same_keys(name: str, argument: str, value: Any, wanted: Sequence[str]) -> None:
    """A dictionary with exactly these keys."""
    if not isinstance(value, Mapping):
        raise TypeError(f"`{name}`: {argument} must be a dictionary; got {type(value).__name__}.")
    if set(value) != set(wanted):
        raise ValueError(
            f"`{name}`: {argument} must have the keys {sorted(wanted)}; "
            f"got {sorted(map(str, value))}."
        )


_KEYS = {
    "conv": ({"out", "kernel"}, {"stride", "padding", "bias"}),
    "max_pool": ({"kernel", "stride"}, {"padding"}),
    "avg_pool": ({"kernel", "stride"}, {"padding"}),
    "dense": ({"out"}, {"bias"}),
    "batch_norm": (set(), set()),
    "relu": (set(), set()),
    "flatten": (set(), set()),
    "global_avg_pool": (set(), set()),
}


def layers(name: str, value: Any, shape: tuple[int, ...]) -> list[dict[str, Any]]:
    """A list of layers, each of which fits the shape that reaches it."""
    checked = []
    for place, layer in enumerate(value):
        layer, shape = _layer(name, f"layers[{place}]", layer, shape)
        checked.append(layer)
    return checked


def _layer(
    name: str, argument: str, layer: Any, shape: tuple[int, ...]
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """The layer with its numbers as Python integers, and the shape after it."""
    if not isinstance(layer, Mapping):
        raise TypeError(f"`{name}`: {argument} must be a dictionary; got {type(layer).__name__}.")
    kind = choice(name, f'{argument}["kind"]', layer.get("kind"), list(_KEYS))
    needed, optional = _KEYS[kind]
    keys = set(layer) - {"kind"}
    if not needed <= keys <= needed | optional:
        raise ValueError(
            f"`{name}`: {argument} of kind {kind!r} must have {sorted(needed)} and may have "
            f"{sorted(optional)}; got {sorted(map(str, keys))}."
        )
    wants_image = kind in ("conv", "max_pool", "avg_pool", "global_avg_pool")
    if (wants_image and len(shape) != 3) or (kind == "dense" and len(shape) != 1):
        axes = "(C, H, W)" if wants_image else "(D,)"
        raise ValueError(
            f"`{name}`: {argument} of kind {kind!r} needs the shape {axes}; got {shape}."
        )
    layer = dict(layer)
    if "out" in layer:
        layer["out"] = whole(name, f'{argument}["out"]', layer["out"], 1)
    if "bias" in layer and not isinstance(layer["bias"], (bool, np.bool_)):
        raise TypeError(
            f'`{name}`: {argument}["bias"] must be True or False; got {layer["bias"]!r}.'
        )
    if "kernel" in layer:
        for key, default, least in (
            ("kernel", None, 1),
            ("stride", (1, 1), 1),
            ("padding", (0, 0), 0),
        ):
            layer[key] = pair(name, f'{argument}["{key}"]', layer.get(key, default), least, None)
        where = f"{name}` at `{argument}"
        if kind == "conv":
            size = fits(
                where, shape[1:], layer["kernel"], layer["stride"], both_sides(layer["padding"])
            )
        else:
            pixels(where, "shape", (1, *shape))
            size = pool(where, shape[1:], layer["kernel"], layer["stride"], layer["padding"])
        return layer, (layer.get("out", shape[0]), *size)
    if kind == "dense":
        return layer, (layer["out"],)
    if kind == "flatten":
        return layer, (prod(shape),)
    if kind == "global_avg_pool":
        return layer, (shape[0],)
    return layer, shape
