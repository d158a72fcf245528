"""Letters as the backbone was pretrained on: glyphs of A-Z and a-z from open fonts, and no digit.

They are brought into MNIST's form: the longer side of the ink is 20 pixels, its centre of mass lies
in the middle of 28 by 28. Capital and small letters that look alike are one class, as in EMNIST.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase

import numpy as np

FONTS = Path(__file__).parent / "fonts.toml"
ALIKE = frozenset("CIJKLMOPSUVWXYZ")
CLASSES = tuple(ascii_uppercase) + tuple(c for c in ascii_lowercase if c.upper() not in ALIKE)
SIDE, INK = 28, 20


class NoFonts(Exception):
    """The fonts cannot be had; the text says what to do."""


@dataclass(frozen=True)
class Font:
    """A font of the list: an npm package of @fontsource, and the hash of the file in it."""

    name: str
    version: str
    hand: bool
    licence: str
    sha256: str

    @property
    def archive(self) -> str:
        return f"fontsource-{self.name}-{self.version}.tgz"

    @property
    def file(self) -> str:
        return f"package/files/{self.name}-latin-400-normal.woff"


def fonts() -> list[Font]:
    """The fonts that the shipped backbone was trained on."""
    listed = tomllib.loads(FONTS.read_text(encoding="utf-8"))["font"]
    return [Font(**font) for font in listed]


def fetch(folder: Path, tell: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Bring the archives of all fonts into `folder`, a few at a time; those that are there stay."""
    wanted = fonts()
    missing = [font for font in wanted if not (folder / font.archive).is_file()]
    if missing and shutil.which("npm") is None:
        raise NoFonts("the fonts are npm packages, and there is no npm: install Node.js")
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(missing), 8):
        tell(len(wanted) - len(missing) + start, len(wanted))
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            specs = [f"@fontsource/{f.name}@{f.version}" for f in missing[start : start + 8]]
            done = subprocess.run(
                ["npm", "pack", "--silent", "--pack-destination", fresh, *specs],
                capture_output=True,
                text=True,
                check=False,
            )
            for archive in Path(fresh).glob("*.tgz"):
                archive.rename(folder / archive.name)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise NoFonts(f"npm cannot get the fonts: {said[-1] if said else 'it says nothing'}")
    tell(len(wanted), len(wanted))


def outlines(font: Font, folder: Path) -> bytes:
    """The font's file out of its archive, checked."""
    try:
        with tarfile.open(folder / font.archive) as archive:
            member = archive.extractfile(font.file)
            data = b"" if member is None else member.read()
    except (OSError, KeyError, tarfile.TarError) as error:
        raise NoFonts(f"{font.archive} cannot be read: {error}") from error
    if hashlib.sha256(data).hexdigest() != font.sha256:
        raise NoFonts(f"{font.archive} is not the version that the list names; delete it")
    return data


def label_of(letter: str) -> int:
    """The class of a letter."""
    return CLASSES.index(letter.upper() if letter.upper() in ALIKE else letter)


def letters(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Every letter of every font: images (N, 28, 28) uint8, ink 255 on paper 0, and labels (N,)."""
    images, labels = [], []
    for font in fonts():
        for letter, image in _glyphs(outlines(font, folder)):
            images.append(image)
            labels.append(label_of(letter))
    return np.stack(images), np.array(labels, np.uint8)


def _glyphs(data: bytes) -> Iterator[tuple[str, np.ndarray]]:
    from PIL import Image, ImageDraw, ImageFont

    # The basic layout: what a letter looks like may not depend on what else is installed.
    font = ImageFont.truetype(io.BytesIO(data), 120, layout_engine=ImageFont.Layout.BASIC)
    for letter in ascii_uppercase + ascii_lowercase:
        page = Image.new("L", (480, 480))
        ImageDraw.Draw(page).text((160, 120), letter, fill=255, font=font)
        box = page.getbbox()
        if box is None:
            raise NoFonts(f"{font.getname()[0]} has no {letter}")
        yield letter, as_in_mnist(page.crop(box))


def as_in_mnist(ink: object) -> np.ndarray:
    """A PIL image of ink, cut to its edges, as a digit or letter of 28 by 28."""
    from PIL import Image

    assert isinstance(ink, Image.Image)
    shrink = INK / max(ink.size)
    width, height = (max(1, round(side * shrink)) for side in ink.size)
    small = np.asarray(ink.resize((width, height), Image.Resampling.BOX), np.float64)
    page = np.zeros((SIDE, SIDE), np.uint8)
    row, column = (
        (small.sum(axis=1 - axis) * np.arange(small.shape[axis])).sum() / small.sum()
        for axis in (0, 1)
    )
    top = int(np.clip(round((SIDE - 1) / 2 - row), 0, SIDE - height))
    left = int(np.clip(round((SIDE - 1) / 2 - column), 0, SIDE - width))
    page[top : top + height, left : left + width] = np.rint(small)
    return page
