"""PyTorch on a CPU: the values of its functions, and gradients by its autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from geometries import (
    axis_sizes,
    blocks,
    classified,
    even_convolutions,
    images,
    matrices,
    modules,
    networks,
    normalisable,
    numbers,
    planes,
    rounded_convolutions,
    rounded_pools,
    steps,
)
from harness import close, ops, relative, rounding, softmax_bound
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from twins import pools

torch.set_num_threads(1)


def tensor(array: np.ndarray) -> Any:
    return torch.tensor(array, requires_grad=array.dtype.kind == "f")


def gradients(
    function: Callable[..., Any], arrays: list[np.ndarray], dy: np.ndarray
) -> list[np.ndarray]:
    """The gradients of sum(dy * function(arrays)) at every array."""
    inputs = [tensor(array) for array in arrays]
    return [g.numpy() for g in torch.autograd.grad(function(*inputs), inputs, torch.tensor(dy))]


def value(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        result: np.ndarray = function(*map(torch.tensor, arrays)).numpy()
    return result


def dy_for(y: np.ndarray, seed: int = 7) -> np.ndarray:
    return numbers(seed, *y.shape, dtype=y.dtype)


def general_conv2d(case: Any) -> None:
    x, w, b, stride, pads, dilation, groups = case
    (top, bottom), (left, right) = pads

    def theirs(x: Any, w: Any, b: Any) -> Any:
        padded = functional.pad(x, (left, right, top, bottom))
        return functional.conv2d(padded, w, b, stride, 0, dilation, groups)

    y = ops.general_conv2d(*case)
    close(y, value(theirs, x, w, b), rounding(ops.general_conv2d, w[0].size + 1, *case))
    dy, terms = dy_for(y), y[:, 0].size + w[:, 0].size
    arguments = (dy, x, w, stride, pads, dilation, groups)
    bound = rounding(ops.general_conv2d_backward, terms, *arguments)
    wanted = gradients(theirs, [x, w, b], dy)
    close(ops.general_conv2d_backward(*arguments), wanted, bound)


def grouped_conv2d(case: Any) -> None:
    x, w, b, *geometry = case
    wanted = value(lambda x, w, b: functional.conv2d(x, w, b, *geometry), x, w, b)
    close(ops.grouped_conv2d(*case), wanted, rounding(ops.grouped_conv2d, w[0].size + 1, *case))


def conv2d(case: Any) -> None:
    x, w, b, stride, padding, _, _ = case

    def theirs(x: Any, w: Any, b: Any) -> Any:
        return functional.conv2d(x, w, b, stride, padding)

    wanted = value(theirs, x, w, b)
    arguments = (x, w, b, stride, padding)
    bound = rounding(ops.conv2d, w[0].size + 1, *arguments)
    y = ops.conv2d(*arguments)
    close(y, wanted, bound)
    close(ops.conv2d_im2col(*arguments), wanted, bound)
    dy = dy_for(y)
    arguments = (dy, x, w, stride, padding)
    bound = rounding(ops.conv2d_backward, y[:, 0].size + w[:, 0].size, *arguments)
    close(ops.conv2d_backward(*arguments), gradients(theirs, [x, w, b], dy), bound)


def strided_conv2d(case: Any) -> None:
    x, w, _, stride, (rows, cols), _, _ = case
    x = np.pad(x, ((0, 0), (0, 0), (rows, rows), (cols, cols)))
    wanted = value(lambda x, w: functional.conv2d(x, w, None, stride), x, w)
    bound = rounding(ops.strided_conv2d, w[0].size, x, w, stride)
    close(ops.strided_conv2d(x, w, stride), wanted, bound)


def cross_correlate2d(case: Any) -> None:
    wanted = value(lambda x, w: functional.conv2d(x[None, None], w[None, None])[0, 0], *case)
    close(
        ops.cross_correlate2d(*case), wanted, rounding(ops.cross_correlate2d, case[1].size, *case)
    )


def zero_pad2d(case: Any) -> None:
    x, _, _, _, pads, _, _ = case
    (top, bottom), (left, right) = pads
    wanted = value(lambda x: functional.pad(x, (left, right, top, bottom)), x)
    close(ops.zero_pad2d(x, pads), wanted, 0)


def im2col(case: Any) -> None:
    x, kernel, stride, padding = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)  # fold and unfold refuse an empty batch

    def theirs(x: Any) -> Any:
        return functional.unfold(x, kernel, 1, padding, stride)

    columns = ops.im2col(x, kernel, stride, padding)
    close(columns, value(theirs, x), 0)
    values = dy_for(columns)
    arguments = (values, x.shape, kernel, stride, padding)
    bound = rounding(ops.col2im, kernel[0] * kernel[1], *arguments)
    got = ops.col2im(*arguments)
    folded = value(lambda c: functional.fold(c, x.shape[2:], kernel, 1, padding, stride), values)
    close(got, folded, bound)
    close(got, gradients(theirs, [x], values)[0], bound)


def sliding_windows(case: Any) -> None:
    x, kernel, stride, (rows, cols) = case
    x = np.pad(x, ((0, 0), (0, 0), (rows, rows), (cols, cols)))
    wanted = value(lambda x: x.unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1]), x)
    close(ops.sliding_windows(x, kernel, stride), wanted, 0)


def downsample(case: Any) -> None:
    x, _, stride, _ = case
    close(ops.downsample(x, stride), value(lambda x: x[:, :, :: stride[0], :: stride[1]], x), 0)


def max_pool2d(case: Any) -> None:
    """With ties, whole numbers: the first of equal maxima has the gradient."""
    x, kernel, stride, padding = case

    def theirs(x: Any) -> Any:
        return functional.max_pool2d(x, kernel, stride, padding)

    y = ops.max_pool2d(*case)
    close(y, value(theirs, x), 0)
    dy = dy_for(y)
    bound = rounding(ops.max_pool2d_backward, kernel[0] * kernel[1], dy, *case)
    bound = np.max(bound, initial=0.0)
    close(ops.max_pool2d_backward(dy, *case), gradients(theirs, [x], dy)[0], bound)


def avg_pool2d(case: Any) -> None:
    x, kernel, stride, padding = case

    def theirs(x: Any) -> Any:
        return functional.avg_pool2d(x, kernel, stride, padding, count_include_pad=False)

    y, terms = ops.avg_pool2d(*case), kernel[0] * kernel[1] + 2
    close(y, value(theirs, x), rounding(ops.avg_pool2d, terms, *case))
    dy = dy_for(y)
    bound = rounding(ops.avg_pool2d_backward, terms, dy, *case)
    close(ops.avg_pool2d_backward(dy, *case), gradients(theirs, [x], dy)[0], bound)


def global_avg_pool2d(x: np.ndarray) -> None:
    def theirs(x: Any) -> Any:
        return functional.adaptive_avg_pool2d(x, 1)[:, :, 0, 0]

    y = ops.global_avg_pool2d(x)
    close(y, value(theirs, x), rounding(ops.global_avg_pool2d, x[0, 0].size + 2, x))
    dy = dy_for(y)
    got = ops.global_avg_pool2d_backward(dy, x.shape)
    bound = rounding(ops.global_avg_pool2d_backward, 2, dy, x.shape)
    close(got, gradients(theirs, [x], dy)[0], bound)


def relu(x: np.ndarray) -> None:
    close(ops.relu(x), value(functional.relu, x), 0)
    dy = dy_for(x)
    close(ops.relu_backward(dy, x), gradients(functional.relu, [x], dy)[0], 0)


def softmax(case: Any) -> None:
    logits, _ = case

    def theirs(logits: Any) -> Any:
        return functional.softmax(logits, dim=1)

    y = ops.softmax(logits)
    close(y, value(theirs, logits), softmax_bound(logits) * y + 1e-37)
    dy = dy_for(y)
    got = ops.softmax_backward(dy, logits)
    bound = 4 * softmax_bound(logits) * np.max(np.abs(dy)) * logits.shape[1]
    close(got, gradients(theirs, [logits], dy)[0], bound)


def cross_entropy(case: Any) -> None:
    logits, labels = case

    def theirs(logits: Any) -> Any:
        return functional.cross_entropy(logits, torch.tensor(labels))

    loss = ops.cross_entropy(logits, labels)
    close(loss, float(value(theirs, logits)), softmax_bound(logits) + relative(logits, abs(loss)))
    got = ops.cross_entropy_backward(logits, labels)
    wanted = gradients(theirs, [logits], np.ones((), logits.dtype))[0]
    close(got, wanted, 2 * softmax_bound(logits))


def dense(case: Any) -> None:
    x, w, _ = case

    def theirs(x: Any, w: Any, b: Any) -> Any:
        return functional.linear(x, w.T, b)

    y = ops.dense(*case)
    close(y, value(theirs, *case), rounding(ops.dense, len(w) + 1, *case))
    dy = dy_for(y)
    bound = rounding(ops.dense_backward, max(*x.shape, *w.shape), dy, x, w)
    close(ops.dense_backward(dy, x, w), gradients(theirs, list(case), dy), bound)


def batch_norm2d(case: Any) -> None:
    x, gamma, beta, eps = case

    def theirs(x: Any, gamma: Any, beta: Any) -> Any:
        return functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)

    y = ops.batch_norm2d(*case)
    close(y, value(theirs, x, gamma, beta), 1e-12 * (1 + np.abs(y)))
    dy = dy_for(y)
    got = ops.batch_norm2d_backward(dy, x, gamma, eps)
    close(got, gradients(theirs, [x, gamma, beta], dy), 1e-9)


def residual_block(case: Any) -> None:
    *arrays, w_skip, stride = case

    def theirs(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        inner = functional.relu(functional.conv2d(x, w1, b1, stride, 1))
        skip = x
        if w_skip is not None:
            skip = functional.conv2d(x, torch.tensor(w_skip), None, stride)
        return functional.relu(functional.conv2d(inner, w2, b2, 1, 1) + skip)

    y = ops.residual_block(*case)
    close(y, value(theirs, *arrays), 1e-11 * (1 + np.max(np.abs(y), initial=0)))


def inception_module(case: Any) -> None:
    x, branches = case

    def layer(image: Any, name: str) -> Any:
        w, b = map(torch.tensor, branches[name])
        return functional.relu(functional.conv2d(image, w, b, 1, w.shape[2] // 2))

    def theirs(x: Any) -> Any:
        pooled = functional.max_pool2d(x, 3, 1, 1)
        parts = [
            layer(x, "1x1"),
            layer(layer(x, "3x3_reduce"), "3x3"),
            layer(layer(x, "5x5_reduce"), "5x5"),
            layer(pooled, "pool_proj"),
        ]
        return torch.cat(parts, dim=1)

    y = ops.inception_module(*case)
    close(y, value(theirs, x), 1e-11 * (1 + np.max(np.abs(y))))


def network(images: Any, p: dict[str, Any]) -> Any:
    x = functional.relu(functional.conv2d(images, p["conv1.w"], p["conv1.b"], 1, 1))
    x = functional.max_pool2d(x, 2)
    x = functional.relu(functional.conv2d(x, p["conv2.w"], p["conv2.b"], 1, 1))
    x = functional.max_pool2d(x, 2)
    return x.flatten(1) @ p["dense.w"] + p["dense.b"]


def small_network(case: Any) -> None:
    parameters, images, labels = case
    p = {name: tensor(array) for name, array in parameters.items()}
    logits = network(torch.tensor(images), p)
    loss = functional.cross_entropy(logits, torch.tensor(labels))
    wanted = torch.autograd.grad(loss, list(p.values()))
    close(ops.forward(parameters, images), logits.detach().numpy(), 1e-10)
    got_loss, got = ops.loss_and_gradients(parameters, images, labels)
    close(got_loss, loss.item(), 1e-10)
    close([got[name] for name in p], [g.numpy() for g in wanted], 1e-9)


def sgd_momentum(case: Any) -> None:
    """PyTorch keeps the velocity without the rate: v_torch = -v / rate."""
    parameters, grads, velocity, rate, momentum = case
    new_p, new_v = ops.sgd_momentum(*case)
    for key, array in parameters.items():
        p = tensor(array)
        optimizer = torch.optim.SGD([p], lr=rate, momentum=momentum)
        p.grad = torch.tensor(grads[key])
        if momentum:
            optimizer.state[p]["momentum_buffer"] = torch.tensor(-velocity[key] / rate)
        optimizer.step()
        scale = 1 + np.abs(array) + rate * np.abs(grads[key]) + np.abs(velocity[key])
        close(new_p[key], p.detach().numpy(), 1e-14 * scale)
        if momentum:
            kept = optimizer.state[p]["momentum_buffer"].numpy()
            close(new_v[key], -rate * kept, 1e-14 * scale)


def output_size(case: Any) -> None:
    size, kernel, stride, (before, after), dilation = case
    x = torch.empty(1, 1, size + before + after, device="meta")
    y = functional.conv1d(x, torch.empty(1, 1, kernel, device="meta"), None, stride, 0, dilation)
    assert ops.output_size(*case) == y.shape[2]


def receptive_field(layers: list[tuple[int, int]]) -> None:
    """The first output has a gradient at the inputs up to this one, and at none after it."""
    side = ops.receptive_field(layers)
    x = torch.ones(1, 1, side + 3, requires_grad=True, dtype=torch.float64)
    y = x
    for kernel, stride in layers:
        y = functional.conv1d(y, torch.ones(1, 1, kernel, dtype=torch.float64), None, stride)
    (gradient,) = torch.autograd.grad(y[0, 0, 0], [x])
    assert int(torch.nonzero(gradient[0, 0]).max()) + 1 == side


def module_of(layer: dict[str, Any], channels: int) -> Any:
    kind = layer["kind"]
    if kind == "conv":
        stride, padding = layer.get("stride", (1, 1)), layer.get("padding", (0, 0))
        bias = layer.get("bias", True)
        return nn.Conv2d(channels, layer["out"], layer["kernel"], stride, padding, bias=bias)
    if kind in ("max_pool", "avg_pool"):
        pooling = nn.MaxPool2d if kind == "max_pool" else nn.AvgPool2d
        return pooling(layer["kernel"], layer["stride"], layer.get("padding", (0, 0)))
    if kind == "dense":
        return nn.Linear(channels, layer["out"], bias=layer.get("bias", True))
    return {
        "relu": nn.ReLU,
        "flatten": nn.Flatten,
        "batch_norm": lambda: nn.BatchNorm2d(channels),
        "global_avg_pool": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    }[kind]()


def shapes_and_parameters(case: Any) -> None:
    layers, shape = case
    x, total, shapes = torch.empty(1, *shape, device="meta"), 0, []
    for layer in layers:
        module = module_of(layer, x.shape[1]).to("meta")
        x = module(x)
        shapes.append(tuple(x.shape[1:]))
        total += sum(p.numel() for p in module.parameters())
    assert ops.trace_shapes(layers, shape) == shapes
    assert ops.count_parameters(layers, shape) == total


@st.composite
def architectures(draw: st.DrawFn) -> tuple[Any, ...]:
    """A known network, or a few layers that fit."""
    known = draw(st.sampled_from(["lenet5", "alexnet", "drawn", "drawn", "drawn"]))
    if known == "lenet5":
        return ops.lenet5(), (1, 32, 32)
    if known == "alexnet":
        return ops.alexnet(), (3, 224, 224)
    layers: list[dict[str, Any]] = []
    shape = draw(st.integers(1, 3)), draw(st.integers(9, 30)), draw(st.integers(9, 30))
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["conv", "max_pool", "avg_pool", "batch_norm", "relu"]))
        layer: dict[str, Any] = {"kind": kind}
        if kind in ("conv", "max_pool", "avg_pool"):
            layer["kernel"] = draw(st.integers(1, 3)), draw(st.integers(1, 3))
            layer["stride"] = draw(st.integers(1, 2)), draw(st.integers(1, 2))
            limit = 3 if kind == "conv" else min(layer["kernel"]) // 2
            layer["padding"] = draw(st.integers(0, limit)), draw(st.integers(0, limit))
        if kind == "conv":
            layer |= {"out": draw(st.integers(1, 4)), "bias": draw(st.booleans())}
        try:
            ops.trace_shapes([*layers, layer], shape)
        except ValueError:
            break  # the kernel no longer fits
        layers.append(layer)
    layers.append({"kind": draw(st.sampled_from(["flatten", "global_avg_pool"]))})
    layers.append({"kind": "dense", "out": draw(st.integers(1, 9)), "bias": draw(st.booleans())})
    return layers, shape


axis_layers = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), max_size=4)

# What is compared: the operations of ours, the cases, the comparison.
COMPARISONS: dict[str, tuple[list[str], Any, Callable[[Any], None]]] = {
    "convolution, general": (
        ["general_conv2d", "general_conv2d_backward"],
        rounded_convolutions(),
        general_conv2d,
    ),
    "convolution in groups": (["grouped_conv2d"], even_convolutions(), grouped_conv2d),
    "convolution": (
        ["conv2d", "conv2d_im2col", "conv2d_backward"],
        even_convolutions(dilated=False),
        conv2d,
    ),
    "strided convolution": (
        ["strided_conv2d"],
        even_convolutions(dilated=False),
        strided_conv2d,
    ),
    "cross-correlation": (["cross_correlate2d"], planes(), cross_correlate2d),
    "padding": (["zero_pad2d"], rounded_convolutions(), zero_pad2d),
    "columns": (["im2col", "col2im"], rounded_pools(), im2col),
    "windows": (["sliding_windows"], rounded_pools(), sliding_windows),
    "downsampling": (["downsample"], rounded_pools(), downsample),
    "max pooling, with ties": (["max_pool2d", "max_pool2d_backward"], pools(), max_pool2d),
    "average pooling": (["avg_pool2d", "avg_pool2d_backward"], rounded_pools(), avg_pool2d),
    "global pooling": (
        ["global_avg_pool2d", "global_avg_pool2d_backward"],
        images(),
        global_avg_pool2d,
    ),
    "ReLU": (["relu", "relu_backward"], images(), relu),
    "softmax": (["softmax", "softmax_backward"], classified(), softmax),
    "cross-entropy": (["cross_entropy", "cross_entropy_backward"], classified(), cross_entropy),
    "dense layer": (["dense", "dense_backward"], matrices(), dense),
    "batch normalisation": (
        ["batch_norm2d", "batch_norm2d_backward"],
        normalisable(),
        batch_norm2d,
    ),
    "residual block": (["residual_block"], blocks(), residual_block),
    "inception module": (["inception_module"], modules(), inception_module),
    "small network": (["forward", "loss_and_gradients"], networks(), small_network),
    "momentum": (["sgd_momentum"], steps(), sgd_momentum),
    "output size": (["output_size"], axis_sizes(), output_size),
    "receptive field": (["receptive_field"], axis_layers, receptive_field),
    "shapes and parameters": (
        ["trace_shapes", "count_parameters", "lenet5", "alexnet"],
        architectures(),
        shapes_and_parameters,
    ),
}
