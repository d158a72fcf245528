"""The parameters of a list of layers: count_parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograder.laws import agrees, refuses, untouched
from autograder.spec import Arguments, Exercise
from autograder.specs import _working
from autograder.specs.architectures._lists import (
    Layer,
    Shape,
    dense_layers,
    impossible_layers,
    network,
    no_kernel,
    one_conv,
    one_conv_with_geometry,
    one_pool,
    optional,
)
from autograder.strategies import Draw
from reference import ops


def counted_conv(draw: Draw) -> Arguments:
    arguments = one_conv_with_geometry(draw)
    arguments["layers"][0] |= optional(draw, bias=True)
    return arguments


def without_bias(draw: Draw) -> Arguments:
    arguments = draw.choose(one_conv, dense_layers)(draw)
    layers = [x | {"bias": False} if "out" in x else x for x in arguments["layers"]]
    return {**arguments, "layers": layers}


def normalised_maps(draw: Draw) -> Arguments:
    """Batch normalisation, after a convolution perhaps."""
    arguments = draw.choose(no_kernel, one_conv)(draw)
    layers = [x for x in arguments["layers"] if x["kind"] == "conv"] + [{"kind": "batch_norm"}]
    return {**arguments, "layers": layers}


Count = Callable[[Layer, Shape, Shape], int]


def counted(layers: Sequence[Layer], shape: Shape, **rules: Count) -> int:
    """The parameters of all layers; `rules` count some kinds of layers otherwise."""
    total = 0
    for layer, new in zip(layers, ops.trace_shapes(list(layers), shape), strict=True):
        rule = rules.get(layer["kind"])
        total += ops.count_parameters([layer], shape) if rule is None else rule(layer, shape, new)
        shape = new
    return total


def biases(layer: Layer) -> int:
    return layer["out"] if layer.get("bias", True) else 0


def taps(layer: Layer) -> int:
    rows, columns = layer["kernel"]
    return rows * columns


def bias_forgotten(layers, shape):
    """the biases are not counted.
    Each filter of a convolution and each unit of a dense layer has one, unless "bias" is False."""
    return ops.count_parameters([x | {"bias": False} if "out" in x else x for x in layers], shape)


def bias_key_ignored(layers, shape):
    """the biases are counted where "bias" is False.
    Such a layer has weights alone."""
    return ops.count_parameters([x | {"bias": True} if "out" in x else x for x in layers], shape)


def one_bias_a_layer(layers, shape):
    """a layer is given a single bias.
    It has one for each of its filters or units."""

    def rule(layer, shape, new):
        weights = ops.count_parameters([layer | {"bias": False}], shape)
        return weights + (biases(layer) > 0)

    return counted(layers, shape, conv=rule, dense=rule)


def depth_forgotten(layers, shape):
    """the depth of a convolution's input is left out.
    A filter has weights for each channel that it reads: O * C * KH * KW."""

    def rule(layer, shape, new):
        return layer["out"] * taps(layer) + biases(layer)

    return counted(layers, shape, conv=rule)


def weights_counted_per_position(layers, shape):
    """the weights are counted once for each place at which a filter stands.
    All places share one set of weights."""

    def rule(layer, shape, new):
        weights = layer["out"] * shape[0] * taps(layer)
        return weights * new[1] * new[2] + biases(layer)

    return counted(layers, shape, conv=rule)


def all_counted_per_position(layers, shape):
    """weights and biases are counted once for each place at which a filter stands.
    All places share one set of weights and one bias."""

    def rule(layer, shape, new):
        return ops.count_parameters([layer], shape) * new[1] * new[2]

    return counted(layers, shape, conv=rule)


def kernel_taken_as_square(layers, shape):
    """the kernel's rows are counted twice, as if it were square.
    A filter has KH * KW weights for each channel."""

    def rule(layer, shape, new):
        return layer["out"] * shape[0] * layer["kernel"][0] ** 2 + biases(layer)

    return counted(layers, shape, conv=rule)


def pool_has_parameters(layers, shape):
    """the windows of pools are counted as weights.
    Pooling has nothing to learn: 0 parameters."""

    def rule(layer, shape, new):
        return shape[0] * taps(layer)

    return counted(layers, shape, max_pool=rule, avg_pool=rule)


def batch_norm_forgotten(layers, shape):
    """batch normalisation is taken to have no parameters.
    It learns a gamma and a beta for each channel."""
    return counted(layers, shape, batch_norm=lambda layer, shape, new: 0)


def running_statistics_counted(layers, shape):
    """the running mean and variance of batch normalisation are counted.
    They are not trained: gamma and beta make 2 * C."""
    return counted(layers, shape, batch_norm=lambda layer, shape, new: 4 * shape[0])


count_parameters = Exercise(
    ops.count_parameters,
    kinds={
        "conv": counted_conv,
        "dense": dense_layers,
        "no bias": without_bias,
        "pool": one_pool,
        "batch norm": normalised_maps,
        "network": network,
        "impossible": impossible_layers,
    },
    laws=[
        agrees(0.5, "conv", name="conv",
               says="a convolution has O * C * KH * KW weights and O biases"),
        agrees(0.5, "dense", name="dense", says="a dense layer has D * M weights and M biases"),
        agrees(0.5, "no bias", name="no_bias", says='"bias": False leaves the biases out'),
        agrees(0.5, "pool", "batch norm", "network", name="network",
               says="only batch_norm has others, 2 a channel; the layers' numbers add up"),
        untouched(0.5, needs="conv"),
        refuses("a layer that cannot take what reaches it raises ValueError"),
    ],
    misconceptions=[
        bias_forgotten,
        bias_key_ignored,
        one_bias_a_layer,
        depth_forgotten,
        weights_counted_per_position,
        all_counted_per_position,
        kernel_taken_as_square,
        pool_has_parameters,
        batch_norm_forgotten,
        running_statistics_counted,
    ],
    returns=("the number of parameters",),
    cases=10,
    formula=(
        'Convolutions and dense layers have weights, and biases unless "bias" is False; a '
        'batch norm has a gamma and a beta for every channel; the other kinds have none.',
    ),
    working=_working.parameters_by_layer,
)  # fmt: skip
