"""ONNX's backend tests: models, inputs and outputs that its wheel ships.

Every model that has an operator of `ADAPTERS` is run: those operators by the reference, the others
of the same graph by ONNX's own evaluator. An adapter says what an operator is in terms of the
reference, and raises `LeftOut` where the reference has no such thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from harness import LeftOut, Survey, close, same_pads, survey, uneven_average, watched
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"

Attributes = dict[str, Any]
Results = Sequence[np.ndarray]


def two_axes(x: np.ndarray) -> np.ndarray:
    """An image; a signal (N, C, L) is an image of one row."""
    if x.ndim > 4:
        raise LeftOut("three spatial axes")
    return x[:, :, None] if x.ndim == 3 else x


def like(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The result of a signal without its row."""
    return y[:, :, 0] if x.ndim == 3 else y


def pair(x: np.ndarray, values: Sequence[int] | None, default: int = 1) -> tuple[int, int]:
    """One number an axis; a signal's row has the default."""
    if x.ndim > 4:
        raise LeftOut("three spatial axes")
    numbers = [default] * (x.ndim - 2) if values is None else list(values)
    rows, cols = [default] * (2 - len(numbers)) + numbers
    return rows, cols


def pads_of(
    a: Attributes, x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int], dilation: Any
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The four amounts of padding that the attributes ask for."""
    auto = a.get("auto_pad", b"NOTSET").decode()
    if auto == "VALID":
        return (0, 0), (0, 0)
    if auto.startswith("SAME"):
        sides = two_axes(x).shape[2:]
        wanted = [
            same_pads(*numbers) for numbers in zip(sides, kernel, stride, dilation, strict=True)
        ]
        if auto == "SAME_LOWER":
            wanted = [(after, before) for before, after in wanted]
        return wanted[0], wanted[1]
    amounts = list(a.get("pads", [0] * (2 * (x.ndim - 2))))
    half = len(amounts) // 2
    before, after = pair(x, amounts[:half], 0), pair(x, amounts[half:], 0)
    return (before[0], after[0]), (before[1], after[1])


def conv(a: Attributes, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> Results:
    stride, dilation = pair(x, a.get("strides")), pair(x, a.get("dilations"))
    image, filters = two_axes(x), two_axes(w)
    rows, cols = filters.shape[2:]
    pads = pads_of(a, x, (rows, cols), stride, dilation)
    bias = np.zeros(len(w), x.dtype) if b is None else b
    y = watched.general_conv2d(image, filters, bias, stride, pads, dilation, a.get("group", 1))
    return [like(x, y)]


def conv_integer(
    a: Attributes, x: np.ndarray, w: np.ndarray, x_zero: Any = 0, w_zero: Any = 0
) -> Results:
    zeros = np.asarray(w_zero).astype(np.float64)
    by_filter = zeros.reshape(-1, *[1] * (w.ndim - 1)) if zeros.size > 1 else zeros
    return conv(a, x.astype(np.float64) - np.asarray(x_zero).astype(np.float64), w - by_filter)


def conv_transpose(
    a: Attributes, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None
) -> Results:
    """The gradient of a convolution at its image: its weights (C, O/groups, ...) are ours."""
    stride, dilation = pair(x, a.get("strides")), pair(x, a.get("dilations"))
    groups = a.get("group", 1)
    dy, filters = two_axes(x), two_axes(w)
    extra = pair(x, a.get("output_padding"), 0)
    full = [
        step * (side - 1) + more + gap * (k - 1) + 1
        for side, k, step, gap, more in zip(
            dy.shape[2:], filters.shape[2:], stride, dilation, extra, strict=True
        )
    ]
    if "output_shape" in a or a.get("auto_pad", b"NOTSET").decode().startswith("SAME"):
        if "output_shape" in a:
            sides = pair(x, a["output_shape"][-(x.ndim - 2) :])
        else:
            sides = (dy.shape[2] * stride[0], dy.shape[3] * stride[1])
        lower = a.get("auto_pad", b"NOTSET") == b"SAME_UPPER"
        amounts = []
        for whole, side in zip(full, sides, strict=True):
            total = max(whole - side, 0)
            before = total // 2 if lower else total - total // 2
            amounts.append((before, total - before))
        if any(whole < side for whole, side in zip(full, sides, strict=True)):
            # Rows that no window reaches are zeros.
            full = [max(*numbers) for numbers in zip(full, sides, strict=True)]
        pads = amounts[0], amounts[1]
    else:
        pads = pads_of(a, x, (1, 1), stride, dilation)
    shape = [side - sum(amount) for side, amount in zip(full, pads, strict=True)]
    image = np.zeros((len(x), filters.shape[1] * groups, *shape), x.dtype)
    dx, _, _ = watched.general_conv2d_backward(dy, image, filters, stride, pads, dilation, groups)
    bias = np.zeros(dx.shape[1], x.dtype) if b is None else b
    return [like(x, dx + bias[:, None, None])]


def pooled(a: Attributes, x: np.ndarray, fill: float | None) -> tuple[Any, ...]:
    """(image, kernel, stride, padding) of a pooling; uneven padding is filled in beforehand."""
    if any(d != 1 for d in a.get("dilations", [1])):
        raise LeftOut("pooling with dilation")
    kernel, stride = pair(x, a["kernel_shape"]), pair(x, a.get("strides"))
    image = two_axes(x)
    pads = pads_of(a, x, kernel, stride, (1, 1))
    if a.get("ceil_mode", 0):
        for side, k, step, amount in zip(image.shape[2:], kernel, stride, pads, strict=True):
            if (side + sum(amount) - k) % step:
                raise LeftOut("pooling that rounds its size up")
    even = all(before == after for before, after in pads)
    if even and all(amount[0] <= k // 2 for amount, k in zip(pads, kernel, strict=True)):
        return image, kernel, stride, (pads[0][0], pads[1][0])
    if fill is None:
        return image, kernel, stride, pads
    wide = np.full((*image.shape[:2], *np.add(image.shape[2:], np.sum(pads, axis=1))), fill)
    (top, _), (left, _) = pads
    wide[:, :, top : top + image.shape[2], left : left + image.shape[3]] = image
    return wide.astype(x.dtype), kernel, stride, (0, 0)


def max_pool(a: Attributes, x: np.ndarray) -> Results:
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    return [like(x, watched.max_pool2d(*pooled(a, x, lowest)))]


def average_pool(a: Attributes, x: np.ndarray) -> Results:
    if a.get("count_include_pad", 0):
        if a.get("ceil_mode", 0):
            pooled(a, x, None)
        kernel, stride = pair(x, a["kernel_shape"]), pair(x, a.get("strides"))
        padded = watched.zero_pad2d(two_axes(x), pads_of(a, x, kernel, stride, (1, 1)))
        inner = {"kernel_shape": kernel, "strides": stride, "dilations": a.get("dilations", [1])}
        return [like(x, watched.avg_pool2d(*pooled(inner, padded, None)))]
    image, kernel, stride, padding = pooled(a, x, None)
    if isinstance(padding[0], tuple):
        return [like(x, uneven_average(image, kernel, stride, padding))]
    return [like(x, watched.avg_pool2d(image, kernel, stride, padding))]


def global_average_pool(a: Attributes, x: np.ndarray) -> Results:
    return [watched.global_avg_pool2d(two_axes(x)).reshape(*x.shape[:2], *[1] * (x.ndim - 2))]


def global_max_pool(a: Attributes, x: np.ndarray) -> Results:
    image = two_axes(x)
    return [like(x, watched.max_pool2d(image, image.shape[2:], (1, 1)))]


def rows_of(x: np.ndarray, axis: int) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """(the axis as the last one of a matrix, the way back)."""
    moved = np.moveaxis(x, axis, -1)
    rows = moved.reshape(-1, moved.shape[-1])
    return rows, lambda y: np.moveaxis(y.reshape(moved.shape), -1, axis)


def softmax_rows(a: Attributes, x: np.ndarray, opset: int) -> Any:
    if opset >= 13:
        return rows_of(x, a.get("axis", -1))
    # Until version 13 everything from the axis on was one row.
    axis = a.get("axis", 1)
    return x.reshape(prod(x.shape[:axis]), -1), lambda y: y.reshape(x.shape)


def softmax(a: Attributes, x: np.ndarray, opset: int = 13) -> Results:
    rows, back = softmax_rows(a, x, opset)
    return [back(watched.softmax(rows))]


def log_probabilities(rows: np.ndarray) -> np.ndarray:
    """The loss of a row with the label k is the negative of its k-th log-probability."""
    return np.array(
        [
            [-watched.cross_entropy(row[None], np.array([k])) for k in range(len(row))]
            for row in rows
        ],
        rows.dtype,
    ).reshape(rows.shape)


def log_softmax(a: Attributes, x: np.ndarray, opset: int = 13) -> Results:
    rows, back = softmax_rows(a, x, opset)
    return [back(log_probabilities(rows))]


def losses(
    a: Attributes, rows: np.ndarray, labels: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    """The cross-entropy of a batch, or of each of its rows, as `reduction` says."""
    if weights is not None:
        raise LeftOut("a loss with weights of classes")
    if "ignore_index" in a and np.any(labels == a["ignore_index"]):
        raise LeftOut("a loss that ignores a label")
    flat = labels.reshape(-1)
    reduction = a.get("reduction", b"mean").decode()
    if reduction == "none":
        each = [
            watched.cross_entropy(row[None], label[None])
            for row, label in zip(rows, flat, strict=True)
        ]
        return np.array(each, rows.dtype).reshape(labels.shape)
    mean = watched.cross_entropy(rows, flat)
    return np.array(mean * (len(rows) if reduction == "sum" else 1), rows.dtype)


def softmax_cross_entropy(
    a: Attributes, scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> Results:
    rows, back = rows_of(scores, 1)
    return [losses(a, rows, labels, weights), back(log_probabilities(rows))]


def nll_loss(
    a: Attributes, x: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> Results:
    rows, _ = rows_of(x, 1)
    if not np.allclose(np.exp(rows).sum(axis=1), 1, rtol=1e-4):
        raise LeftOut("the negative of numbers that are no log-probabilities")
    return [losses(a, rows, labels, weights)]


def batch_norm(
    a: Attributes, x: np.ndarray, scale: np.ndarray, b: np.ndarray, *statistics: np.ndarray
) -> Results:
    if not a.get("training_mode", 0):
        raise LeftOut("batch normalisation with kept statistics")
    # Of the three results the first is ours; the others are running means of statistics.
    return [watched.batch_norm2d(two_axes(x), scale, b, a.get("epsilon", 1e-5)).reshape(x.shape)]


def instance_norm(a: Attributes, x: np.ndarray, scale: np.ndarray, b: np.ndarray) -> Results:
    """Every image of every channel is a batch and a channel of its own."""
    n, c = x.shape[:2]
    image = x.reshape(1, n * c, 1, -1)
    y = watched.batch_norm2d(image, np.tile(scale, n), np.tile(b, n), a.get("epsilon", 1e-5))
    return [y.reshape(x.shape)]


def pad(
    a: Attributes, x: np.ndarray, amounts: Any = None, value: Any = None, axes: Any = None
) -> Results:
    if a.get("mode", b"constant") != b"constant":
        raise LeftOut(f"padding in the mode {a['mode'].decode()}")
    if np.any(np.asarray(a.get("value", 0.0) if value is None else value)):
        raise LeftOut("padding with another number than 0")
    amounts = np.asarray(a.get("pads", a.get("paddings")) if amounts is None else amounts)
    before, after = np.zeros((2, x.ndim), int)
    chosen = np.arange(x.ndim) if axes is None else np.asarray(axes)
    before[chosen], after[chosen] = np.split(amounts, 2)
    if min(*before, *after) < 0:
        raise LeftOut("negative padding")
    if x.ndim > 4 or any(before[:-2]) or any(after[:-2]):
        raise LeftOut("padding of other axes than rows and columns")
    image = x.reshape(*[1] * (4 - x.ndim), *x.shape)
    y = watched.zero_pad2d(image, ((before[-2], after[-2]), (before[-1], after[-1])))
    return [y.reshape(np.add(x.shape, before + after))]


def col2im(a: Attributes, columns: np.ndarray, sides: Any, kernel: Any) -> Results:
    if len(sides) != 2:
        raise LeftOut("three spatial axes")
    if any(d != 1 for d in a.get("dilations", [1])):
        raise LeftOut("col2im with dilation")
    top, left, bottom, right = a.get("pads", [0] * 4)
    if (top, left) != (bottom, right):
        raise LeftOut("col2im with uneven padding")
    shape = (len(columns), columns.shape[1] // prod(kernel), *sides)
    stride = tuple(a.get("strides", (1, 1)))
    return [watched.col2im(columns, shape, tuple(kernel), stride, (top, left))]


def gemm(a: Attributes, x: np.ndarray, w: np.ndarray, c: np.ndarray | None = None) -> Results:
    if a.get("alpha", 1.0) != 1 or a.get("beta", 1.0) != 1:
        raise LeftOut("a matrix product with factors")
    x, w = x.T if a.get("transA", 0) else x, w.T if a.get("transB", 0) else w
    if c is not None and c.ndim == 2 and len(c) > 1:
        raise LeftOut("a matrix product to which a matrix is added")
    b = np.zeros(1, x.dtype) if c is None else c
    return [watched.dense(x, w, np.broadcast_to(b.reshape(-1), (w.shape[1],)))]


def relu(a: Attributes, x: np.ndarray) -> Results:
    return [watched.relu(x)]


def not_here(reason: str, a: Attributes, *inputs: np.ndarray) -> Results:
    raise LeftOut(reason)


ADAPTERS: dict[str, Callable[..., Results]] = {
    "AveragePool": average_pool,
    "BatchNormalization": batch_norm,
    "Col2Im": col2im,
    "Conv": conv,
    "ConvInteger": conv_integer,
    "ConvTranspose": conv_transpose,
    "Gemm": gemm,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
    "InstanceNormalization": instance_norm,
    "LogSoftmax": log_softmax,
    "LpPool": partial(not_here, "pooling by a norm"),
    "MaxPool": max_pool,
    "NegativeLogLikelihoodLoss": nll_loss,
    "Pad": pad,
    "QLinearConv": partial(not_here, "quantized convolution"),
    "Relu": relu,
    "Softmax": softmax,
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy,
}


def evaluate(model: onnx.ModelProto, inputs: dict[str, Any]) -> dict[str, Any]:
    """Every value of the graph by name."""
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    values |= inputs
    opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    for node in model.graph.node:
        given = [values[name] if name else None for name in node.input]
        if node.op_type in ADAPTERS:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            adapter = ADAPTERS[node.op_type]
            if node.op_type in ("Softmax", "LogSoftmax"):
                adapter = partial(adapter, opset=opset)
            if node.op_type == "MaxPool" and len(node.output) > 1:
                raise LeftOut("the places of the maxima")
            while given and given[-1] is None:
                given.pop()
            results = [np.asarray(y).astype(given[0].dtype) for y in adapter(attributes, *given)]
        else:
            results = other(node, given, model)
        values |= dict(zip(node.output, results, strict=False))
    return values


def other(node: onnx.NodeProto, given: list[Any], model: onnx.ModelProto) -> list[Any]:
    """A node that is not ours, by ONNX's own evaluator."""
    if any(attribute.HasField("g") for attribute in node.attribute):
        raise LeftOut("a graph with a loop in it")
    names = [name for name in node.input if name]
    graph = helper.make_graph(
        [node],
        "one",
        [onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names)],
        [onnx.ValueInfoProto(name=name) for name in node.output if name],
    )
    single = helper.make_model(graph, opset_imports=model.opset_import)
    single.ir_version = model.ir_version
    feeds = dict(zip(node.input, given, strict=True))
    found = iter(ReferenceEvaluator(single).run(None, {name: feeds[name] for name in names}))
    return [next(found) if name else None for name in node.output]


def loaded(file: Path, kind: Any) -> Any:
    """A tensor of the test's data."""
    if not kind.HasField("tensor_type"):
        raise LeftOut("inputs that are no tensors")
    return numpy_helper.to_array(onnx.load_tensor(str(file)))


def check(folder: Path, model: onnx.ModelProto) -> None:
    """Every set of inputs gives its outputs, a hundred times closer than ONNX's runner asks."""
    # Initialisers may be listed as inputs, after those that the data has.
    sets = sorted(folder.glob("test_data_set_*"))
    assert sets
    for data in sets:
        inputs = {
            value.name: loaded(data / f"input_{index}.pb", value.type)
            for index, value in enumerate(model.graph.input)
            if (data / f"input_{index}.pb").exists()
        }
        values = evaluate(model, inputs)
        for index, value in enumerate(model.graph.output):
            wanted = loaded(data / f"output_{index}.pb", value.type)
            if value.name not in values:
                # The running statistics of batch normalisation.
                assert index > 0
                assert model.graph.node[0].op_type == "BatchNormalization"
                continue
            scale = float(np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted)))
            relative = {"f2": 1e-3, "f4": 1e-5, "f8": 1e-5}.get(wanted.dtype.str[1:], 0.0)
            close(values[value.name], wanted, relative * scale)


def cases() -> Iterator[tuple[str, Callable[[], None]]]:
    for file in sorted(DATA.glob("*/*/model.onnx")):
        model = onnx.load(file)
        if {node.op_type for node in model.graph.node} & set(ADAPTERS):
            name = f"{file.parts[-3]}/{file.parts[-2]}"
            yield name, partial(check, file.parent, model)


@cache
def onnx_survey() -> Survey:
    return survey(cases())
