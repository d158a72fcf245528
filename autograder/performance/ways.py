"""Ours and NumPy's ways to compute a layer; PyTorch's and TensorFlow's have files of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from autograder.performance.layers import Arrays, Geometry, Pair
from reference import ops

CORE, CORE_ONE, PURE = "core", "core, one thread", "pure twin"
WINDOWS, COLUMNS = "NumPy windows", "NumPy im2col"
TORCH, TENSORFLOW = "PyTorch", "TensorFlow"
PEERS = (TORCH, TENSORFLOW)

Call = Callable[[], Any]


def arranged(name: str) -> str:
    """What a library is called where its arrays lie in the order of axes that it likes best."""
    return f"{name}, arranged"


ARRANGED = (arranged(TORCH), arranged(TENSORFLOW))


@dataclass(frozen=True)
class Form:
    """A call that computes a layer, of arrays that are made before.

    The same arrays are ours: (N, C, H, W) and (O, C, KH, KW), given and wanted back; a library that
    prefers another order of axes changes it in the call. Arranged ones have another order before
    the call, and keep it after.
    """

    name: str  # "" of the only one
    call: Call
    arranged: bool = False


class Way(Protocol):
    """One way to compute a layer."""

    name: str

    def forms(self, geometry: Geometry, arrays: Arrays, backward: bool) -> list[Form]:
        """Calls that do the same; the fastest on the same arrays is timed, and the fastest on
        arranged ones."""

    def arrays_of(self, form: Form, result: Any) -> list[np.ndarray]:
        """y, or (y, dx) and of a convolution (y, dx, dw, db), in the kit's order of axes."""


class OfReference:
    """The functions of `reference.ops`, or those of the pure twin, which have the same names."""

    def __init__(self, name: str, functions: Any) -> None:
        self.name, self._f = name, functions

    def forms(self, geometry: Geometry, arrays: Arrays, backward: bool) -> list[Form]:
        g, a, f = geometry, arrays, self._f
        if g.kind == "conv":

            def conv() -> tuple[np.ndarray, ...]:
                y = f.conv2d(a.x, a.w, a.b, g.stride, g.padding)
                if not backward:
                    return (y,)
                return (y, *f.conv2d_backward(a.dy, a.x, a.w, g.stride, g.padding))

            return [Form("", conv)]
        pool, pool_backward = getattr(f, f"{g.kind}2d"), getattr(f, f"{g.kind}2d_backward")

        def pooled() -> tuple[np.ndarray, ...]:
            y = pool(a.x, g.kernel, g.stride, g.padding)
            if not backward:
                return (y,)
            return y, pool_backward(a.dy, a.x, g.kernel, g.stride, g.padding)

        return [Form("", pooled)]

    def arrays_of(self, form: Form, result: Any) -> list[np.ndarray]:
        return list(result)


def core() -> OfReference:
    return OfReference(CORE, ops)


def pure() -> OfReference:
    from reference.pure import backprop, convolution, pooling

    functions = SimpleNamespace(**{**vars(convolution), **vars(pooling), **vars(backprop)})
    return OfReference(PURE, functions)


class NumPy:
    """Vectorised NumPy, as good solutions of the exercises are written."""

    def __init__(self, name: str) -> None:
        self.name = name
        columns = name == COLUMNS
        self._of = {
            "conv": _conv_columns if columns else _conv_windows,
            "max_pool": _max_shifted if columns else _max_windows,
            "avg_pool": _avg_shifted if columns else _avg_windows,
        }

    def forms(self, geometry: Geometry, arrays: Arrays, backward: bool) -> list[Form]:
        function = self._of[geometry.kind]
        return [Form("", lambda: function(geometry, arrays, backward))]

    def arrays_of(self, form: Form, result: Any) -> list[np.ndarray]:
        return list(result)


Results = tuple[np.ndarray, ...]


def _padded(x: np.ndarray, padding: Pair, fill: float = 0.0) -> np.ndarray:
    if padding == (0, 0):
        return x
    (ph, pw) = padding
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=fill)


def _cropped(padded: np.ndarray, g: Geometry) -> np.ndarray:
    ph, pw = g.padding
    return np.ascontiguousarray(padded[:, :, ph : ph + g.h, pw : pw + g.w])


def _windows(padded: np.ndarray, kernel: Pair, stride: Pair) -> np.ndarray:
    """(N, C, HO, WO, KH, KW), a view."""
    return sliding_window_view(padded, kernel, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]


def _shifts(g: Geometry) -> Iterator[tuple[slice, slice]]:
    """For every cell of the window, the padded pixels that it lies on."""
    (rows, cols), (kh, kw), (sh, sw) = g.outputs, g.kernel, g.stride
    for u in range(kh):
        for v in range(kw):
            yield (
                slice(u, u + (rows - 1) * sh + 1, sh),
                slice(v, v + (cols - 1) * sw + 1, sw),
            )


def _padded_zeros(g: Geometry, dtype: np.dtype[Any]) -> np.ndarray:
    return np.zeros((g.n, g.c, g.h + 2 * g.padding[0], g.w + 2 * g.padding[1]), dtype)


def _conv_windows(g: Geometry, a: Arrays, backward: bool) -> Results:
    windows = _windows(_padded(a.x, g.padding), g.kernel, g.stride)
    y = np.einsum("ncijuv,ocuv->noij", windows, a.w, optimize=True) + a.b[:, None, None]
    if not backward:
        return (y,)
    dw = np.einsum("noij,ncijuv->ocuv", a.dy, windows, optimize=True)
    dwindows = np.einsum("noij,ocuv->uvncij", a.dy, a.w, optimize=True)
    dx = _padded_zeros(g, a.x.dtype)
    for share, (i, j) in zip(dwindows.reshape(-1, *dwindows.shape[2:]), _shifts(g), strict=True):
        dx[:, :, i, j] += share
    return y, _cropped(dx, g), dw, a.dy.sum(axis=(0, 2, 3))


def _conv_columns(g: Geometry, a: Arrays, backward: bool) -> Results:
    rows, cols = g.outputs
    windows = _windows(_padded(a.x, g.padding), g.kernel, g.stride)
    taps = g.c * g.kernel[0] * g.kernel[1]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(g.n, taps, rows * cols)
    w = a.w.reshape(g.out, taps)
    y = (w @ columns + a.b[:, None]).reshape(g.n, g.out, rows, cols)
    if not backward:
        return (y,)
    dy = a.dy.reshape(g.n, g.out, rows * cols)
    dw = (dy @ columns.transpose(0, 2, 1)).sum(axis=0).reshape(a.w.shape)
    dcolumns = (w.T @ dy).reshape(g.n, g.c, -1, rows, cols)
    dx = _padded_zeros(g, a.x.dtype)
    for tap, (i, j) in enumerate(_shifts(g)):
        dx[:, :, i, j] += dcolumns[:, :, tap]
    return y, _cropped(dx, g), dw, a.dy.sum(axis=(0, 2, 3))


def _max_windows(g: Geometry, a: Arrays, backward: bool) -> Results:
    padded = _padded(a.x, g.padding, -np.inf)
    windows = _windows(padded, g.kernel, g.stride)
    if not backward:
        return (windows.max(axis=(4, 5)),)
    flat = windows.reshape(*windows.shape[:4], -1)
    winners = flat.argmax(axis=-1)
    y = np.take_along_axis(flat, winners[..., None], axis=-1)[..., 0]
    (rows, cols), (height, width) = g.outputs, padded.shape[2:]
    row = winners // g.kernel[1] + g.stride[0] * np.arange(rows)[:, None]
    col = winners % g.kernel[1] + g.stride[1] * np.arange(cols)
    image = np.arange(g.n * g.c).reshape(g.n, g.c, 1, 1)
    places = (image * height + row) * width + col
    dx = np.bincount(places.ravel(), a.dy.ravel(), padded.size)
    return y, _cropped(dx.astype(a.x.dtype).reshape(padded.shape), g)


def _max_shifted(g: Geometry, a: Arrays, backward: bool) -> Results:
    padded = _padded(a.x, g.padding, -np.inf)
    y = np.full((g.n, g.c, *g.outputs), -np.inf, a.x.dtype)
    for i, j in _shifts(g):
        np.maximum(y, padded[:, :, i, j], out=y)
    if not backward:
        return (y,)
    dx = np.zeros_like(padded)
    waiting = np.ones(y.shape, bool)
    for i, j in _shifts(g):
        wins = waiting & (padded[:, :, i, j] == y)
        dx[:, :, i, j] += a.dy * wins
        waiting &= ~wins
    return y, _cropped(dx, g)


def _counts(g: Geometry, dtype: np.dtype[Any]) -> np.ndarray:
    """How many real pixels every window has."""
    ones = _padded(np.ones((1, 1, g.h, g.w), dtype), g.padding)
    counts: np.ndarray = _windows(ones, g.kernel, g.stride).sum(axis=(4, 5))
    return counts


def _avg_windows(g: Geometry, a: Arrays, backward: bool) -> Results:
    windows = _windows(_padded(a.x, g.padding), g.kernel, g.stride)
    counts = _counts(g, a.x.dtype)
    y = windows.sum(axis=(4, 5)) / counts
    return (y, _shared(g, a.dy / counts)) if backward else (y,)


def _avg_shifted(g: Geometry, a: Arrays, backward: bool) -> Results:
    padded = _padded(a.x, g.padding)
    counts = _counts(g, a.x.dtype)
    y = np.zeros((g.n, g.c, *g.outputs), a.x.dtype)
    for i, j in _shifts(g):
        y += padded[:, :, i, j]
    y /= counts
    return (y, _shared(g, a.dy / counts)) if backward else (y,)


def _shared(g: Geometry, shares: np.ndarray) -> np.ndarray:
    dx = _padded_zeros(g, shares.dtype)
    for i, j in _shifts(g):
        dx[:, :, i, j] += shares
    return _cropped(dx, g)
