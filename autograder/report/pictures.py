"""Digits as small pictures: in a page's source, and in the characters of a terminal."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

# Ink from this value on is drawn in a terminal.
INK = 96
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def png(image: np.ndarray) -> str:
    """An image (H, W) of ink 255 on paper 0 as the address of a PNG, dark on light."""
    height, width = image.shape
    paper = (255 - image.astype(np.int64).clip(0, 255)).astype(np.uint8)
    lines = b"".join(b"\0" + line.tobytes() for line in paper)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, content)
        for kind, content in (
            (b"IHDR", head),
            (b"IDAT", zlib.compress(lines, 9)),
            (b"IEND", b""),
        )
    )
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    sum_ = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", sum_)


def blocks(image: np.ndarray) -> list[str]:
    """The middle 24 of 28 columns and rows, two rows to a line of half blocks."""
    ink = image[2:-2, 2:-2] >= INK
    return [
        "".join(_HALVES[bool(up), bool(down)] for up, down in zip(*pair, strict=True))
        for pair in zip(ink[::2], ink[1::2], strict=True)
    ]
