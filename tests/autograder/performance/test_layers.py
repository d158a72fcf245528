"""What is timed has the sizes of the networks that it is named after."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.performance import layers
from autograder.performance.layers import Geometry
from reference import ops


@pytest.mark.parametrize(
    ("network", "plan", "shape"),
    [("LeNet-5", ops.lenet5(), (1, 32, 32)), ("AlexNet", ops.alexnet(), (3, 224, 224))],
)
def test_networks_are_those_of_the_reference(network, plan, shape):
    shapes = [shape, *ops.trace_shapes(plan, shape)]
    wanted = {
        (layer["kind"], before, after)
        for layer, before, after in zip(plan, shapes, shapes[1:], strict=False)
        if layer["kind"] in ("conv", "avg_pool", "max_pool")
    }
    timed = {
        (g.kind, (g.c, g.h, g.w), (g.out, *g.outputs))
        for layer in layers.layers()
        if layer.network == network
        for g in layer.geometries
    }
    assert timed == wanted


def test_operations_are_counted_as_connections_are():
    g = Geometry("conv", 3, 4, 9, 8, 5, (3, 2), (2, 1), (1, 0))
    connections, _ = ops.conv_layer_cost(9, 8, 4, 5, (3, 2), (2, 1), (1, 0))
    assert g.flops == 2 * 3 * connections


def test_the_sizes_of_the_property_tests_are_drawn_by_the_exercises():
    drawn = {layer.name: layer for layer in layers.layers() if layer.network == layers.TESTS}
    assert drawn.keys() == layers.DRAWN.keys()
    for layer in drawn.values():
        assert len(layer.geometries) > 50
        assert any(g.stride[0] != g.stride[1] for g in layer.geometries)
        assert all(g.n and min(g.outputs) > 0 for g in layer.geometries)


def test_quick_is_small_and_has_every_network():
    quick = layers.layers(quick=True)
    assert {layer.network for layer in quick} == {layers.TESTS, *layers.NETWORKS}
    assert sum(layer.flops for layer in quick) < 1e9
    assert f"{quick[-1].network} {quick[-1].name}" in layers.QUICK


def test_no_two_pixels_of_a_pool_are_alike():
    g = Geometry("max_pool", 2, 3, 20, 20, 3, (3, 3), (1, 1), (1, 1))
    data = layers.arrays(g, "float32", np.random.default_rng(0))
    assert data.x.dtype == data.dy.dtype == np.float32
    assert len(np.unique(data.x)) == data.x.size
    assert data.dy.shape == (2, 3, 20, 20)
