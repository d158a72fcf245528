"""PyTorch on a CPU: images in its own order of axes, and in the one that its kernels prefer."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from autograder.performance.layers import Arrays, Geometry
from autograder.performance.ways import TORCH, Call

ORDERS = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}


class Torch:
    name = TORCH

    def forms(self, geometry: Geometry, arrays: Arrays, backward: bool) -> dict[str, Call]:
        """Eager calls: forward without a graph, or forward and autograd."""
        return {
            name: partial(_call, geometry, _tensors(geometry, arrays, order, backward), backward)
            for name, order in ORDERS.items()
        }

    def arrays_of(self, form: str, result: Any) -> list[np.ndarray]:
        return [tensor.detach().numpy() for tensor in result]


def _tensors(g: Geometry, a: Arrays, order: Any, backward: bool) -> tuple[list[Any], Any]:
    arrays = [a.x, a.w, a.b] if g.kind == "conv" else [a.x]
    inputs = [torch.from_numpy(array) for array in arrays]
    inputs = [t.contiguous(memory_format=order) if t.ndim == 4 else t for t in inputs]
    dy = torch.from_numpy(a.dy).contiguous(memory_format=order)
    return [t.detach().requires_grad_(backward) for t in inputs], dy


def _call(g: Geometry, tensors: tuple[list[Any], Any], backward: bool) -> tuple[Any, ...]:
    inputs, dy = tensors
    if g.kind == "conv":
        y = functional.conv2d(*inputs, g.stride, g.padding)
    elif g.kind == "max_pool":
        y = functional.max_pool2d(inputs[0], g.kernel, g.stride, g.padding)
    else:
        y = functional.avg_pool2d(inputs[0], g.kernel, g.stride, g.padding, count_include_pad=False)
    return (y, *torch.autograd.grad(y, inputs, dy)) if backward else (y,)
