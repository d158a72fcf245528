"""PyTorch on a CPU: images in our order of axes, and in the one that some of its kernels prefer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from autograder.performance.layers import Arrays, Geometry
from autograder.performance.ways import TORCH, Form

OURS, LAST = torch.contiguous_format, torch.channels_last
Layer = Callable[[list[Any]], Any]

# The build for CUDA brings a compiler, which its optimizers load: after TensorFlow that crashes.
with contextlib.suppress(ImportError):
    import triton  # noqa: F401


class Torch:
    name = TORCH

    def forms(self, geometry: Geometry, arrays: Arrays, backward: bool) -> list[Form]:
        """Eager calls: forward without a graph, or forward and autograd."""
        a = arrays
        ours = [a.x, a.w, a.b] if geometry.kind == "conv" else [a.x]
        inputs, dy = [torch.from_numpy(array) for array in ours], torch.from_numpy(a.dy)
        last = [_in(LAST, tensor) for tensor in inputs], _in(LAST, dy)
        for tensor in (*inputs, *last[0]):
            tensor.requires_grad_(backward)
        layer = partial(_layer, geometry)
        return [
            Form("channels first", partial(_call, layer, backward, inputs, dy)),
            Form("channels last inside", partial(_converted, layer, backward, inputs, dy)),
            Form("channels last", partial(_call, layer, backward, *last), arranged=True),
        ]

    def arrays_of(self, form: Form, result: Any) -> list[np.ndarray]:
        return [tensor.detach().numpy() for tensor in result]


def _in(order: Any, tensor: Any) -> Any:
    """A copy, unless it lies so already; vectors have one order only."""
    return tensor.contiguous(memory_format=order) if tensor.ndim == 4 else tensor


def _call(layer: Layer, backward: bool, inputs: list[Any], dy: Any) -> tuple[Any, ...]:
    y = layer(inputs)
    return (y, *torch.autograd.grad(y, inputs, dy)) if backward else (y,)


def _converted(layer: Layer, backward: bool, inputs: list[Any], dy: Any) -> tuple[Any, ...]:
    """Our order of axes, in and out; the gradients pass through the copies too."""

    def inside(inputs: list[Any]) -> Any:
        return _in(OURS, layer([_in(LAST, tensor) for tensor in inputs]))

    return tuple(_in(OURS, tensor) for tensor in _call(inside, backward, inputs, dy))


def _layer(g: Geometry, inputs: list[Any]) -> Any:
    if g.kind == "conv":
        return functional.conv2d(*inputs, g.stride, g.padding)
    if g.kind == "max_pool":
        return functional.max_pool2d(inputs[0], g.kernel, g.stride, g.padding)
    return functional.avg_pool2d(inputs[0], g.kernel, g.stride, g.padding, count_include_pad=False)
