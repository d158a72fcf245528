"""Digits from files: pictures brought into MNIST's form, and arrays as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autograder.capstone.backbone.letters import SIDE, as_in_mnist

INSTALL = "pip install -c constraints.txt -e '.[capstone]'"
# Of the way from paper to the strongest ink: what is fainter is the paper's own grain.
FAINT = 0.2


class NotADigit(Exception):
    """The file holds no digit; the text says what would do."""


def read(path: Path) -> np.ndarray:
    """The digits of a file: (N, 28, 28) uint8, ink 255 on paper 0."""
    try:
        with path.open("rb") as file:
            begins = file.read(6)
    except OSError as error:
        raise NotADigit(f"cannot read {path}: {error.strerror}") from error
    return _array(path) if begins == b"\x93NUMPY" else _picture(path)[None]


def _array(path: Path) -> np.ndarray:
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise NotADigit(f"{path} is no readable .npy file") from error
    images = found.reshape(-1, SIDE, SIDE) if found.shape[-2:] == (SIDE, SIDE) else found
    if found.ndim == 4 and found.shape[1:] == (SIDE, SIDE, 1):
        images = found[..., 0]
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or images.dtype.kind not in "fiu":
        raise NotADigit(
            f"{path} holds {found.dtype} of shape {found.shape}; digits are numbers (N, 28, 28)"
        )
    if not len(images) or not (np.isfinite(images).all() and 0 <= images.min() <= images.max()):
        raise NotADigit(f"{path} holds no pixels; they are numbers from 0 to 255")
    if (images.dtype.kind == "f" and images.max() <= 1) or images.max() > 255:
        raise NotADigit(f"{path} has pixels up to {images.max():g}; they go from 0 to 255")
    pixels: np.ndarray = np.rint(images).astype(np.uint8)
    return pixels


def _picture(path: Path) -> np.ndarray:
    """One digit, of whatever size, dark on bright or bright on dark."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise NotADigit(f"{path} needs Pillow: {INSTALL}; or hand over a .npy file") from error
    try:
        with Image.open(path) as opened:
            # What is transparent is paper.
            solid = opened.convert("RGBA")
            page = Image.alpha_composite(Image.new("RGBA", solid.size, "white"), solid)
            gray = np.asarray(page.convert("L"), np.float64)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise NotADigit(f"{path} is no picture and no .npy file that can be read") from error
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    paper = float(np.median(border))
    ink = np.clip(paper - gray if paper > 127 else gray - paper, 0, None)
    most = ink.max()
    if most < 30:
        raise NotADigit(f"{path} shows nothing: ink must stand out from the paper around it")
    if gray.shape == (SIDE, SIDE):
        return np.rint(np.clip(ink, 0, 255)).astype(np.uint8)
    ink = np.where(ink < FAINT * most, 0, ink) * (255 / most)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return as_in_mnist(Image.fromarray(np.rint(cut).astype(np.uint8)))
