"""Random arguments: the geometry is drawn by Hypothesis, the numbers come from a drawn seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from twins import convolutions, pools

Draw = st.DrawFn

DTYPES = [np.float32, np.float64]


def numbers(seed: int, *shape: int, dtype: Any = np.float64) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def uneven(array: np.ndarray, seed: int) -> np.ndarray:
    """The whole numbers of a case moved apart, so that sums are rounded and no two are equal."""
    return (array + np.random.default_rng(seed).uniform(-0.4, 0.4, array.shape)).astype(array.dtype)


seeds = st.integers(0, 2**32 - 1)


@st.composite
def rounded_convolutions(draw: Draw) -> tuple[Any, ...]:
    """Arguments of general_conv2d."""
    x, w, b, *geometry = draw(convolutions())
    seed = draw(seeds)
    return (uneven(x, seed), uneven(w, seed + 1), uneven(b, seed + 2), *geometry)


@st.composite
def even_convolutions(draw: Draw, dilated: bool = True) -> tuple[Any, ...]:
    """Arguments of grouped_conv2d: the same padding on both sides."""
    x, w, b, stride, pads, dilation, groups = draw(rounded_convolutions())
    padding = max(pads[0]), max(pads[1])
    if not dilated:
        w = np.repeat(w, groups, axis=1)
        dilation, groups = (1, 1), 1
    return x, w, b, stride, padding, dilation, groups


@st.composite
def rounded_pools(draw: Draw) -> tuple[Any, ...]:
    """Arguments of the poolings, no ties."""
    x, *geometry = draw(pools())
    return (uneven(x, draw(seeds)), *geometry)


@st.composite
def images(draw: Draw, least: int = 1, most: int = 6) -> np.ndarray:
    shape = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    sides = draw(st.integers(least, most)), draw(st.integers(least, most))
    return numbers(draw(seeds), *shape, *sides, dtype=draw(st.sampled_from(DTYPES)))


@st.composite
def matrices(draw: Draw) -> tuple[np.ndarray, ...]:
    """x (N, D), w (D, M), b (M,)."""
    n, d, m = (draw(st.integers(1, 7)) for _ in range(3))
    seed, dtype = draw(seeds), draw(st.sampled_from(DTYPES))
    return (
        numbers(seed, n, d, dtype=dtype),
        numbers(seed + 1, d, m, dtype=dtype),
        numbers(seed + 2, m, dtype=dtype),
    )


@st.composite
def classified(draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, K), small or large, and labels (N,)."""
    n, k = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    seed, dtype = draw(seeds), draw(st.sampled_from(DTYPES))
    logits = numbers(seed, n, k, dtype=dtype) * dtype(draw(st.sampled_from([1, 10, 80])))
    return logits, np.random.default_rng(seed).integers(0, k, n)


@st.composite
def normalisable(draw: Draw) -> tuple[Any, ...]:
    """x, gamma, beta, eps of batch normalisation: every channel has several numbers."""
    n, c, h, w = (draw(st.integers(2, 4)) for _ in range(4))
    seed = draw(seeds)
    x, gamma, beta = numbers(seed, n, c, h, w), numbers(seed + 1, c), numbers(seed + 2, c)
    return x, gamma, beta, draw(st.sampled_from([1e-5, 1e-3, 0.5]))


@st.composite
def networks(draw: Draw, channels: int = 1) -> tuple[Any, ...]:
    """Parameters of the small CNN, images and labels."""
    h, w = draw(st.integers(4, 9)), draw(st.integers(4, 9))
    seed, n = draw(seeds), draw(st.integers(1, 4))
    shapes = {
        "conv1.w": (8, channels, 3, 3),
        "conv1.b": (8,),
        "conv2.w": (16, 8, 3, 3),
        "conv2.b": (16,),
        "dense.w": (16 * (h // 4) * (w // 4), 10),
        "dense.b": (10,),
    }
    parameters = {
        key: numbers(seed + 1 + index, *shape) / 4
        for index, (key, shape) in enumerate(shapes.items())
    }
    labels = np.random.default_rng(seed).integers(0, 10, n)
    return parameters, numbers(seed, n, channels, h, w), labels


@st.composite
def blocks(draw: Draw) -> tuple[Any, ...]:
    """Arguments of residual_block."""
    n, c, o = (draw(st.integers(1, 3)) for _ in range(3))
    h, w = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    stride, seed = (draw(st.integers(1, 3)), draw(st.integers(1, 3))), draw(seeds)
    plain = draw(st.booleans())
    if plain:
        o, stride = c, (1, 1)
    arrays = [
        numbers(seed + index, *shape)
        for index, shape in enumerate(
            [(n, c, h, w), (o, c, 3, 3), (o,), (o, o, 3, 3), (o,), (o, c, 1, 1)]
        )
    ]
    return (*arrays[:5], None if plain else arrays[5], stride)


@st.composite
def modules(draw: Draw) -> tuple[Any, ...]:
    """Arguments of inception_module."""
    n, c, h, w = (draw(st.integers(1, 5)) for _ in range(4))
    a, b3, c3, b5, c5, p = (draw(st.integers(1, 3)) for _ in range(6))
    shapes = {
        "1x1": (a, c, 1, 1),
        "3x3_reduce": (b3, c, 1, 1),
        "3x3": (c3, b3, 3, 3),
        "5x5_reduce": (b5, c, 1, 1),
        "5x5": (c5, b5, 5, 5),
        "pool_proj": (p, c, 1, 1),
    }
    seed = draw(seeds)
    return numbers(seed, n, c, h, w), {
        key: (numbers(seed + 2 * index, *shape), numbers(seed + 2 * index + 1, shape[0]))
        for index, (key, shape) in enumerate(shapes.items(), 1)
    }


@st.composite
def steps(draw: Draw) -> tuple[Any, ...]:
    """Arguments of sgd_momentum."""
    shape = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    seed = draw(seeds)
    dictionaries = [
        {"w": numbers(seed + i, *shape), "b": numbers(seed + i + 3, shape[1])} for i in range(3)
    ]
    rates = draw(st.sampled_from([0.1, 0.01, 1.0])), draw(st.sampled_from([0.0, 0.5, 0.9]))
    return (*dictionaries, *rates)


@st.composite
def axis_sizes(draw: Draw) -> tuple[Any, ...]:
    """Arguments of output_size."""
    kernel, dilation = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    padding = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    least = max(1, dilation * (kernel - 1) + 1 - sum(padding))
    return least + draw(st.integers(0, 30)), kernel, draw(st.integers(1, 9)), padding, dilation


@st.composite
def planes(draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    """An image and a kernel of one channel; the kernel fits."""
    h, w = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    kh, kw = draw(st.integers(1, h)), draw(st.integers(1, w))
    seed, dtype = draw(seeds), draw(st.sampled_from(DTYPES))
    return numbers(seed, h, w, dtype=dtype), numbers(seed + 1, kh, kw, dtype=dtype)
