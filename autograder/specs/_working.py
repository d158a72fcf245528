"""The arithmetic of one number, for functions that are more than a sum, a maximum or a copy."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from autograder.compare import number
from autograder.specs._network import SmallNetwork
from autograder.working import (
    Arguments,
    Index,
    Step,
    Working,
    joined,
    products,
    shortened,
    signed,
    spot_of,
    sums,
)
from reference import ops

# exp of more than this is shown as the reference computes it: the largest logit is subtracted.
SAFE_EXPONENT = 30
NUDGE = 1e-4


def given(function: Callable[..., Any], arguments: Arguments) -> Arguments:
    """The arguments, and the defaults of those that were left out."""
    bound = inspect.signature(function).bind(**arguments)
    bound.apply_defaults()
    return dict(bound.arguments)


def dense_cost(arguments: Arguments, name: str, index: Index) -> Working:
    inputs, units = arguments["inputs"], arguments["units"]
    connections = Step("inputs * units", f"{inputs} * {units}", str(inputs * units))
    if name == "connections":
        return Working((connections,))
    total = Step("one weight a connection, one bias a unit", f"{inputs * units} + {units}",
                 str(inputs * units + units))  # fmt: skip
    return Working((connections, total))


def conv_cost(arguments: Arguments, name: str, index: Index) -> Working:
    arguments = given(ops.conv_layer_cost, arguments)
    kh, kw = arguments["kernel"]
    channels, filters = arguments["in_channels"], arguments["out_channels"]
    window = channels * kh * kw
    first = Step("cells of a window: C * KH * KW", f"{channels} * {kh} * {kw}", str(window))
    if name == "parameters":
        total = window * filters + filters
        weights = Step("O windows of weights, O biases", f"{filters} * {window} + {filters}",
                       str(total))  # fmt: skip
        return Working((first, weights))
    sides = zip(*(arguments[key] for key in ("kernel", "stride", "padding")), strict=True)
    sizes = arguments["height"], arguments["width"]
    rows, columns = (
        ops.output_size(size, k, s, (p, p)) for size, (k, s, p) in zip(sizes, sides, strict=True)
    )
    places = rows * columns
    return Working(
        (
            first,
            Step("places: HO * WO", f"{rows} * {columns}", str(places)),
            Step("places * O * cells of a window", f"{places} * {filters} * {window}",
                 str(places * filters * window)),
        )
    )  # fmt: skip


def field(arguments: Arguments, name: str, index: Index) -> Working:
    layers = arguments["layers"]
    strides = accumulate((s for _, s in layers), initial=1, func=lambda a, b: a * b)
    steps = [Step("one pixel", "", "1")]
    for at, ((kernel, _), before) in enumerate(zip(layers, strides, strict=False)):
        what = f"layer {at}: (kernel - 1) * strides before it"
        steps.append(Step(what, f"({kernel} - 1) * {before}", str((kernel - 1) * before)))
    return Working((*shortened(steps), Step("the sum", "", str(ops.receptive_field(layers)))))


def places(arguments: Arguments, name: str, index: Index) -> Working:
    size, kernel, stride, (before, after), dilation = given(ops.output_size, arguments).values()
    length, span = size + before + after, dilation * (kernel - 1) + 1
    count = ops.output_size(**arguments)
    starts = [str(start) for start in range(0, count * stride, stride)]
    if len(starts) > 6:
        starts = [*starts[:3], "…", starts[-1]]
    return Working(
        (
            Step("cells, padding included", f"{size} + {before} + {after}", str(length)),
            Step("cells from the first tap to the last", f"{dilation} * ({kernel} - 1) + 1",
                 str(span)),
            Step("the last start that fits", f"{length} - {span}", str(length - span)),
            Step(f"number of starts ({', '.join(starts)})", "", str(count)),
        )
    )  # fmt: skip


def same_amounts(arguments: Arguments, name: str, index: Index) -> Working:
    size, kernel, stride = given(ops.same_padding, arguments).values()
    outputs = math.ceil(size / stride)
    needed = (outputs - 1) * stride + kernel
    total = max(needed - size, 0)
    before = total // 2
    last = (
        Step("half of them before, rounded down", f"{total} // 2", str(before))
        if name.endswith("[0]")
        else Step("the others after", f"{total} - {before}", str(total - before))
    )
    return Working(
        (
            Step("outputs: ceil(size / stride)", f"ceil({size} / {stride})", str(outputs)),
            Step("cells they need", f"({outputs} - 1) * {stride} + {kernel}", str(needed)),
            Step("zeros to add, never fewer than 0", f"max({needed} - {size}, 0)", str(total)),
            last,
        )
    )


def relu(arguments: Arguments, name: str, index: Index) -> Working:
    x = arguments["x"][index]
    if np.isnan(x):
        return Working((Step(f"{spot_of('x', index)} is NaN and stays NaN", "", "nan"),))
    line, value = f"max({number(x)}, 0)", number(ops.relu(np.array([x]))[0])
    return Working((Step(f"max({spot_of('x', index)}, 0)", line, value),), line)


def relu_gradient(arguments: Arguments, name: str, index: Index) -> Working:
    x, dy = arguments["x"][index], arguments["dy"][index]
    source, gradient = spot_of("x", index), spot_of("dy", index)
    if x > 0:
        last = Step(f"{source} is above 0, so {gradient} passes", "", number(dy))
    else:
        last = Step(f"{source} is not above 0, so nothing passes", "", "0")
    return Working((Step(source, "", number(x)), last))


def softmax(arguments: Arguments, name: str, index: Index) -> Working:
    row, column = index
    logits = arguments["logits"].astype(np.float64)[row]
    largest = float(logits.max())
    shift = largest if np.abs(logits).max() > SAFE_EXPONENT else 0.0
    minus = f" - {number(shift)}" if shift > 0 else f" + {number(-shift)}" if shift else ""
    powers = np.exp(logits - shift)
    steps = [
        Step(f"exp({spot_of('logits', (row, k))}{minus})", f"exp({number(z)}{minus})", number(e))
        for k, (z, e) in enumerate(zip(logits, powers, strict=True))
    ]
    total, mine = number(powers.sum()), number(powers[column])
    value = number(ops.softmax(logits[None])[0, column])
    return Working(
        (
            *shortened(steps),
            Step("the sum", "", total),
            Step("its own share of the sum", f"{mine} / {total}", value),
        )
    )


def cross_entropy(arguments: Arguments, name: str, index: Index) -> Working | None:
    logits, labels = arguments["logits"].astype(np.float64), arguments["labels"]
    return _mean_loss(logits, labels) if len(logits) else None


def _mean_loss(logits: np.ndarray, labels: np.ndarray) -> Working:
    losses = [ops.cross_entropy(logits[n : n + 1], labels[n : n + 1]) for n in range(len(logits))]
    steps = []
    for n, loss in enumerate(losses):
        share = ops.softmax(logits[n : n + 1])[0, labels[n]]
        numbers = f"-log({number(share)})" if share > 1e-12 else ""
        steps.append(Step(f"-log(softmax(logits)[{n},{labels[n]}])", numbers, number(loss)))
    total = f"{number(sum(losses))} / {len(losses)}"
    last = Step("the mean", total, number(ops.cross_entropy(logits, labels)))
    return Working((*shortened(steps), last))


def cross_entropy_gradient(arguments: Arguments, name: str, index: Index) -> Working:
    logits, labels = arguments["logits"].astype(np.float64), arguments["labels"]
    row, column = index
    share = number(ops.softmax(logits)[index])
    hit = int(labels[row] == column)
    value = number(ops.cross_entropy_backward(logits, labels)[index])
    label = "is" if hit else "is not"
    return Working(
        (
            Step(f"p = {spot_of('softmax(logits)', index)}", "", share),
            Step(f"t: labels[{row}] {label} {column}", "", str(hit)),
            Step("(p - t) / N", f"({share} - {hit}) / {len(logits)}", value),
        )
    )


def winners(arguments: Arguments, name: str, index: Index) -> Working:
    """Through a max pool: the windows that hold a pixel, and which pixel won each."""
    dy, x, *window = given(ops.max_pool2d_backward, arguments).values()
    dy = dy.astype(np.float64)
    steps = []
    for cell in np.ndindex(dy.shape):
        one = np.zeros_like(dy)
        one[cell] = 1.0
        if not ops.avg_pool2d_backward(one, x, *window)[index]:
            continue  # the window of this output does not hold the pixel
        won = ops.max_pool2d_backward(one, x, *window)
        winner = tuple(int(i) for i in np.unravel_index(won.argmax(), won.shape))
        if winner == index:
            steps.append(Step(f"{spot_of('dy', cell)} goes here", "", number(dy[cell])))
        else:
            steps.append(Step(f"{spot_of('dy', cell)} goes to {spot_of('x', winner)}", "", "0"))
    if not steps:
        return Working((Step("no window holds this pixel", "", "0"),))
    total = ops.max_pool2d_backward(dy, x, *window)[index]
    line = joined([step.value for step in steps])
    return Working((*shortened(steps), Step("the sum", "", number(total))), line)


def traced(arguments: Arguments, name: str, index: Index) -> Working | None:
    """The shape before a layer and after it; names are such as shapes[1][0]."""
    found = re.fullmatch(r"shapes\[(\d+)\]\[(\d+)\]", name)
    if found is None:
        return None
    at, axis = map(int, found.groups())
    layers, shape = arguments["layers"], arguments["shape"]
    shapes = [shape, *ops.trace_shapes(layers, shape)]
    layer = {key: value for key, value in layers[at].items() if key != "kind"}
    settings = ", ".join(f"{key} {value}" for key, value in layer.items())
    steps = [Step(f"layer {at}, {layers[at]['kind']}, takes", "", str(shapes[at]))]
    if settings:
        steps.append(Step("its settings", "", settings))
    steps.append(Step("it gives", "", str(shapes[at + 1])))
    return Working((*steps, Step(f"its entry {axis}", "", str(shapes[at + 1][axis]))))


def parameters_by_layer(arguments: Arguments, name: str, index: Index) -> Working:
    layers, shape = arguments["layers"], arguments["shape"]
    totals = [ops.count_parameters(layers[:end], shape) for end in range(len(layers) + 1)]
    steps = [
        Step(f"layer {at}, {layer['kind']}", "", str(totals[at + 1] - totals[at]))
        for at, layer in enumerate(layers)
    ]
    return Working((*shortened(steps), Step("the sum", "", str(totals[-1]))))


def normalised(arguments: Arguments, name: str, index: Index) -> Working:
    x, gammas, betas, eps = given(ops.batch_norm2d, arguments).values()
    x, channel = x.astype(np.float64), index[1]
    values = x[:, channel]
    mean, variance = number(values.mean()), number(values.var())
    above, root = x[index] - values.mean(), np.sqrt(values.var() + eps)
    with np.errstate(all="ignore"):
        one = number(above / root)
    gamma, beta = number(gammas[channel]), number(betas[channel])
    return Working(
        (
            Step(f"mean of channel {channel}, {values.size} numbers", "", mean),
            Step(f"variance of channel {channel}", "", variance),
            Step(f"{spot_of('x', index)} - mean", signed(f"{number(x[index])} - {mean}"),
                 number(above)),
            Step("sqrt(var + eps)", f"sqrt({variance} + {eps:g})", number(root)),
            Step("z, the one divided by the other", f"{number(above)} / {number(root)}", one),
            Step(f"gamma[{channel}] * z + beta[{channel}]", signed(f"{gamma} * {one} + {beta}"),
                 number(ops.batch_norm2d(x, gammas, betas, eps)[index])),
        )
    )  # fmt: skip


def block(arguments: Arguments, name: str, index: Index) -> Working:
    """A residual block: the two convolutions, the skip, and their sum."""
    x, w1, b1, w2, b2, w_skip, stride = given(ops.residual_block, arguments).values()
    x, one = x.astype(np.float64), (1, 1)
    inner = ops.relu(ops.conv2d(x, w1, b1, stride, one))
    main = ops.conv2d(inner, w2, b2, one, one)[index]
    if w_skip is None:
        skip, what = x[index], f"skip: {spot_of('x', index)}"
    else:
        skip = ops.conv2d(x, w_skip, np.zeros(len(w_skip)), stride)[index]
        what = f"skip: {spot_of('conv(x, w_skip)', index)}"
    return Working(
        (
            Step(spot_of("conv2(relu(conv1(x)))", index), "", number(main)),
            Step(what, "", number(skip)),
            Step("relu of their sum", signed(f"max({number(main)} + {number(skip)}, 0)"),
                 number(max(main + skip, 0.0))),
        )
    )  # fmt: skip


BRANCHES = ("1x1", "3x3", "5x5", "pool_proj")


def branch(arguments: Arguments, name: str, index: Index) -> Working | None:
    """Of an inception module: the branch a channel comes from, and its last convolution."""
    x = arguments["x"].astype(np.float64)
    weights = arguments["branches"]
    image, channel, row, column = index
    for which in BRANCHES:
        w, b = weights[which]
        if channel < len(w):
            break
        channel -= len(w)
    if which == "pool_proj":
        x = ops.max_pool2d(x, (3, 3), (1, 1), (1, 1))
    elif which != "1x1":
        x = ops.relu(ops.conv2d(x, *weights[f"{which}_reduce"]))
    label = {"1x1": "x", "pool_proj": "pooled"}.get(which, "reduced")
    side = w.shape[-1] // 2
    inner = {label: x, "w": w, "b": b, "padding": (side, side)}

    def convolution(w: Any, b: Any, padding: Any, **image: Any) -> np.ndarray:
        return ops.conv2d(image[label], w, b, (1, 1), padding)

    place = image, channel, row, column
    found = sums(convolution, label, "w", bias="b")(inner, name, place)
    if found is None:
        return None
    before = float(found.steps[-1].value)
    first = Step(f'y[:,{index[1]}] is filter {channel} of "{which}"', "", "")
    last = Step("relu of the sum", f"max({number(before)}, 0)", number(max(before, 0.0)))
    return Working((first, *found.steps, last))


def momentum_step(arguments: Arguments, name: str, index: Index) -> Working | None:
    found = re.fullmatch(r"(parameters|velocity)\['(.*)'\]", name)
    if found is None:
        return None
    which, key = found.groups()
    rate, keep = arguments["learning_rate"], arguments["momentum"]
    p, g, v = (
        float(arguments[kind][key][index]) for kind in ("parameters", "gradients", "velocity")
    )
    kept, taken, new = keep * v, rate * g, keep * v - rate * g
    steps = [
        Step("momentum * v", f"{number(keep)} * {number(v)}", number(kept)),
        Step("learning_rate * g", f"{number(rate)} * {number(g)}", number(taken)),
        Step("new v: their difference", signed(f"{number(kept)} - {number(taken)}"), number(new)),
    ]
    if which == "parameters":
        steps.append(Step("p + new v", signed(f"{number(p)} + {number(new)}"), number(p + new)))
    return Working(tuple(steps))


def logits_of_network(arguments: Arguments, name: str, index: Index) -> Working:
    parameters = {k: v.astype(np.float64) for k, v in arguments["parameters"].items()}
    network = SmallNetwork.of(parameters, arguments["images"].astype(np.float64))
    flat, logits = network.flat.values, network.logits.values
    return _dense(flat, parameters["dense.w"], parameters["dense.b"], logits, index)


def logits_of_keras(arguments: Arguments, name: str, index: Index) -> Working:
    weights = [
        w.astype(np.float64).transpose(3, 2, 0, 1) if w.ndim == 4 else w.astype(np.float64)
        for w in arguments["weights"]
    ]
    names = ("conv1.w", "conv1.b", "conv2.w", "conv2.b", "dense.w", "dense.b")
    images = arguments["images"].astype(np.float64).transpose(0, 3, 1, 2)
    network = SmallNetwork.of(dict(zip(names, weights, strict=True)), images, channels_last=True)
    return _dense(network.flat.values, weights[4], weights[5], network.logits.values, index)


def _dense(
    flat: np.ndarray, w: np.ndarray, b: np.ndarray, logits: np.ndarray, index: Index
) -> Working:
    image, unit = index
    factors = [
        (f"flat[{image},{k}]", float(x), f"w[{k},{unit}]", float(w[k, unit]))
        for k, x in enumerate(flat[image])
    ]
    terms = shortened(products(factors))
    bias = Step(f"b[{unit}] of the dense layer", "", number(b[unit]))
    return Working((*terms, bias, Step("the sum", "", number(logits[index]))))


def network_gradient(arguments: Arguments, name: str, index: Index) -> Working | None:
    """The loss by its rows; a gradient by what the loss does when its parameter is nudged."""
    parameters = {k: v.astype(np.float64) for k, v in arguments["parameters"].items()}
    images, labels = arguments["images"].astype(np.float64), arguments["labels"]
    if not len(images):
        return None
    if name == "loss":
        return _mean_loss(ops.forward(parameters, images), labels)
    key = name.removeprefix("gradients['").removesuffix("']")

    def loss(change: float) -> float:
        changed = parameters[key].copy()
        changed[index] += change
        return ops.cross_entropy(ops.forward({**parameters, key: changed}, images), labels)

    value = ops.loss_and_gradients(parameters, images, labels)[1][key][index]
    above, below = loss(NUDGE), loss(-NUDGE)
    slope = (above - below) / (2 * NUDGE)
    if abs(slope - value) > 1e-4 * abs(value) + 1e-9:
        return None  # a ReLU or a maximum changes its mind in between
    place = spot_of(key, index)
    return Working(
        (
            Step(f"the loss with {place} + {NUDGE:g}", "", f"{above:.12g}"),
            Step(f"the loss with {place} - {NUDGE:g}", "", f"{below:.12g}"),
            Step(f"their difference / {2 * NUDGE:g}, about", "", number(value)),
        )
    )
