"""What crosses to the page: a byte for each number, and the scale of each layer."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autograder.capstone.demo import pictures


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((28, 28, 1), (1, 28, 28)),
        ((7, 5, 64), (64, 7, 5)),
        ((10,), (1, 1, 10)),
        ((32,), (1, 1, 32)),
        ((3136,), (1, 56, 56)),
        ((50,), (1, 7, 8)),
        ((4, 6), (1, 4, 6)),
        ((2, 3, 2, 5), (1, 8, 8)),
    ],
)
def test_every_shape_has_maps(shape, size):
    assert pictures.size(shape) == size
    value = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(1, *shape)
    maps = pictures.maps_of(value)
    assert maps.shape == size
    assert sorted(maps[maps > 0]) == sorted(value.ravel())


def test_maps_are_the_channels():
    value = np.zeros((1, 2, 3, 4), np.float32)
    value[0, 1, 2, 3] = 7
    assert np.argwhere(pictures.maps_of(value)).tolist() == [[3, 1, 2]]


def test_zero_is_0_where_nothing_is_below_it_and_128_elsewhere():
    low, high, data = pictures.scaled(np.array([[0, 1, 4]], np.float32))
    assert (low, high, list(data)) == (0, 4, [0, 64, 255])
    low, high, data = pictures.scaled(np.array([[-4, 0, 2]], np.float32))
    assert (low, high, list(data)) == (-4, 2, [1, 128, 192])
    low, high, data = pictures.scaled(np.array([[-1, 0, 2]], np.float32))
    assert list(data) == [64, 128, 255]
    assert list(pictures.scaled(np.zeros((1, 3), np.float32))[2]) == [0, 0, 0]


def test_what_is_no_number_is_shown_as_zero():
    low, high, data = pictures.scaled(np.array([[np.nan, np.inf, -np.inf, 3]], np.float32))
    assert (low, high, list(data)) == (0, 3, [0, 0, 0, 255])


def test_the_outline_is_of_every_layer(untrained):
    outline = pictures.outline(untrained)
    assert [layer["name"] for layer in outline][:3] == ["input", "pixels", "stage1_1_conv"]
    assert outline[0]["kind"] == "Input"
    assert outline[2] == {
        "name": "stage1_1_conv",
        "kind": "Conv2D",
        "shape": [28, 28, 16],
        "maps": 16,
        "rows": 28,
        "columns": 28,
    }
    assert outline[-1]["kind"] == "Softmax"


def test_packed_and_read_again():
    one = [np.array([[1.0, 2.0]]), np.full((1, 1, 2, 2), -1.0)]
    data = pictures.packed({"answer": 1}, one, one[:1])
    length = int.from_bytes(data[:4], "little")
    head = json.loads(data[4 : 4 + length])
    assert head == {"answer": 1, "ranges": [[[1, 2], [-1, -1]], [[1, 2]]]}
    assert list(data[4 + length :]) == [128, 255, 1, 1, 1, 1, 128, 255]
