"""Digits as PNG and as characters."""

from __future__ import annotations

import base64
import io

import numpy as np

from autograder.report.pictures import INK, blocks, png


def test_a_png_is_read_back_dark_on_light():
    from PIL import Image

    image = np.arange(28 * 28).reshape(28, 28).astype(np.uint8)
    address = png(image)
    head, _, data = address.partition(",")
    assert head == "data:image/png;base64"
    read = Image.open(io.BytesIO(base64.b64decode(data)))
    read.verify()
    read = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (np.asarray(read) == 255 - image).all()


def test_values_beyond_the_pixels_are_cut():
    from PIL import Image

    data = png(np.array([[-5.0, 300.0]])).partition(",")[2]
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).tolist() == [[255, 0]]


def test_two_rows_make_a_line_of_half_blocks():
    image = np.zeros((28, 28), np.uint8)
    image[2, 2] = image[3, 3] = image[2, 4] = image[3, 4] = INK
    image[0, :] = 255  # the margin is not shown
    lines = blocks(image)
    assert len(lines) == 12
    assert {len(line) for line in lines} == {24}
    assert lines[0].rstrip() == "▀▄█"
    assert not "".join(lines[1:]).strip()
