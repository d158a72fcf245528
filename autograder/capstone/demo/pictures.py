"""What the page shows of a layer: each feature map as a picture, a byte for each number.

All maps of a layer have one scale, so that a strong one looks strong. Where a layer has no number
below zero, 0 is 0 and its largest number 255; elsewhere 128 is zero.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograder.capstone.graph import Node
from autograder.capstone.model import Model

SHORT = 32  # so many numbers in a row are one line
ZERO = 128


def outline(model: Model) -> list[dict[str, Any]]:
    """Of each layer its name, kind and shape, and how many maps of which size it has."""
    return [_outline(node) for node in model.graph.nodes]


def _outline(node: Node) -> dict[str, Any]:
    maps, rows, columns = size(node.shape)
    return {
        "name": node.name,
        "kind": "Input" if node.layer is None else node.layer.kind,
        "shape": list(node.shape),
        "maps": maps,
        "rows": rows,
        "columns": columns,
    }


def size(shape: Sequence[int]) -> tuple[int, int, int]:
    """Maps, and the rows and columns of each: a line of numbers is folded to a square."""
    if len(shape) == 3:
        return shape[2], shape[0], shape[1]
    total = math.prod(shape)
    if len(shape) == 2:
        return 1, shape[0], shape[1]
    if total <= SHORT:
        return 1, 1, total
    columns = math.isqrt(total - 1) + 1
    return 1, -(-total // columns), columns


def maps_of(value: np.ndarray) -> np.ndarray:
    """The maps (M, H, W) of a layer's answer to one image."""
    numbers = value[0]
    maps, rows, columns = size(numbers.shape)
    if numbers.ndim == 3:
        return np.asarray(numbers.transpose(2, 0, 1))
    flat = np.zeros(maps * rows * columns, numbers.dtype)
    flat[: numbers.size] = numbers.ravel()
    return flat.reshape(maps, rows, columns)


def scaled(value: np.ndarray) -> tuple[float, float, bytes]:
    """(smallest, largest, a byte for each number)."""
    maps = np.nan_to_num(maps_of(value).astype(np.float32), nan=0, posinf=0, neginf=0)
    low, high = float(maps.min()), float(maps.max())
    if low < 0:
        shades = ZERO + maps * (127 / max(-low, high))
    else:
        shades = maps * (255 / high if high else 0)
    return low, high, np.rint(shades).astype(np.uint8).tobytes()


def packed(head: Mapping[str, Any], *groups: Sequence[np.ndarray]) -> bytes:
    """One answer: the length of a JSON text, the text, then the maps' bytes in a row.

    `ranges` in it holds the smallest and the largest number of each layer, group by group.
    """
    done = [[scaled(value) for value in values] for values in groups]
    ranges = [[[low, high] for low, high, _ in group] for group in done]
    text = json.dumps({**head, "ranges": ranges}, allow_nan=False).encode()
    bodies = [body for group in done for _, _, body in group]
    return b"".join([len(text).to_bytes(4, "little"), text, *bodies])
