"""Lists of layers: their types, and the kinds that trace_shapes and count_parameters share."""

from __future__ import annotations

from typing import Any

from autograder.spec import Arguments
from autograder.specs._layers import NONE, ONE, Pair, image_size
from autograder.strategies import Draw

Layer = dict[str, Any]
Shape = tuple[int, ...]


IMAGE_KINDS = ("conv", "max_pool", "avg_pool")
POOLS = ("max_pool", "avg_pool")


def optional(draw: Draw, **values: Any) -> Layer:
    """These keys, where a layer may leave them out: with their values, or not at all."""
    return {key: value for key, value in values.items() if draw.size(0, 2)}


def sized(draw: Draw, layer: Layer, kernel: Pair, padding: Pair = NONE, more: int = 4) -> Arguments:
    """One layer, and an image into which its kernel fits."""
    size = image_size(draw, kernel, padding, more)
    return dict(layers=[layer], shape=(draw.size(1, 3), *size))


def one_conv(draw: Draw) -> Arguments:
    kernel = draw.pair(1, 4)
    layer = {"kind": "conv", "out": draw.size(1, 5), "kernel": kernel}
    return sized(draw, layer | optional(draw, stride=ONE, padding=NONE), kernel)


def one_conv_with_geometry(draw: Draw) -> Arguments:
    kernel, stride, padding = draw.pair(1, 3), draw.unlike_pair(1, 4), draw.unlike_pair(0, 2)
    layer: Layer = {"kind": "conv", "out": draw.size(1, 4), "kernel": kernel}
    layer |= optional(draw, stride=stride, padding=padding)
    return sized(draw, layer, kernel, layer.get("padding", NONE), more=8)


def one_pool(draw: Draw) -> Arguments:
    kernel, stride = draw.pair(1, 4), draw.pair(1, 4)
    padding = draw.pair(0, min(kernel) // 2)
    layer: Layer = {"kind": draw.choose(*POOLS), "kernel": kernel, "stride": stride}
    layer |= optional(draw, padding=padding)
    return sized(draw, layer, kernel, layer.get("padding", NONE), more=8)


def pool_with_a_rest(draw: Draw) -> Arguments:
    """The last rows and columns are too few for one more window."""
    kernel, stride = draw.pair(2, 4), draw.pair(2, 3)
    size = tuple(
        k + s * draw.size(0, 2) + draw.size(1, s - 1) for k, s in zip(kernel, stride, strict=True)
    )
    layer = {"kind": draw.choose(*POOLS), "kernel": kernel, "stride": stride}
    return dict(layers=[layer], shape=(draw.size(1, 3), *size))


def no_kernel(draw: Draw) -> Arguments:
    """Layers that keep an image's shape, and one that makes it flat."""
    layers = [{"kind": draw.choose("relu", "batch_norm")} for _ in range(draw.size(0, 2))]
    layers.append({"kind": draw.choose("flatten", "global_avg_pool")})
    return dict(layers=layers, shape=(draw.size(1, 4), draw.size(1, 5), draw.size(1, 6)))


def dense_layers(draw: Draw) -> Arguments:
    layers = [{"kind": "dense", "out": draw.size(1, 12)} | optional(draw, bias=True)]
    if draw.size(0, 1):
        layers += [{"kind": "relu"}, {"kind": "dense", "out": draw.size(1, 12)}]
    if draw.size(0, 1):
        shape = draw.size(1, 3), draw.size(1, 4), draw.size(1, 5)
        return dict(layers=[{"kind": "flatten"}, *layers], shape=shape)
    return dict(layers=layers, shape=(draw.size(1, 12),))


def network(draw: Draw) -> Arguments:
    """Rounds of convolution and pooling, then a head; every layer fits the one before."""
    # Large enough for two rounds of the largest kernels and strides.
    shape: Shape = draw.size(1, 3), draw.size(21, 33), draw.size(21, 33)
    layers: list[Layer] = []
    start = shape
    for _ in range(draw.size(0, 2)):
        kernel = draw.pair(1, 3)
        conv = {"kind": "conv", "out": draw.size(1, 6), "kernel": kernel}
        conv |= optional(draw, stride=draw.pair(1, 2), padding=draw.pair(0, 1))
        layers += [conv, {"kind": draw.choose("relu", "batch_norm")}]
        if draw.size(0, 1):
            pool = draw.choose(*POOLS)
            layers.append({"kind": pool, "kernel": draw.pair(1, 2), "stride": draw.pair(1, 2)})
    if draw.size(0, 1):
        layers.append({"kind": draw.choose("flatten", "global_avg_pool")})
        for _ in range(draw.size(1, 2)):
            layers += [{"kind": "dense", "out": draw.size(1, 12)}, {"kind": "relu"}]
    return dict(layers=layers, shape=start)


def impossible_layers(draw: Draw) -> Arguments:
    """A layer that cannot take what reaches it, or does not exist."""
    flatten, image = {"kind": "flatten"}, (2, 4, 5)
    conv = {"kind": "conv", "out": 3, "kernel": (3, 3)}
    pool = {"kind": "max_pool", "kernel": (2, 2), "stride": (2, 2)}
    layers = draw.choose(
        [conv | {"kernel": (5, 3)}],
        [conv | {"kernel": (3, 6)}],
        [conv | {"kernel": (7, 1), "padding": (1, 3)}],
        [pool | {"kernel": (2, 6)}],
        [pool, conv],
        [{"kind": "dense", "out": 3}],
        [flatten, conv],
        [conv | {"stride": (0, 1)}],
        [conv | {"padding": (0, -1)}],
        [conv | {"kind": "conv2d"}],
    )
    return dict(layers=layers, shape=image)
