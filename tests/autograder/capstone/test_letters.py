"""The letters: which are one class, what form they have, and how fonts are fetched and checked."""

from __future__ import annotations

import io
import sys
import tarfile

import numpy as np
import pytest
from PIL import Image

from autograder.capstone.backbone import letters


def test_classes_are_letters_and_merged_as_in_emnist():
    assert len(letters.CLASSES) == 37
    assert len(set(letters.CLASSES)) == 37
    assert all(c.isalpha() for c in letters.CLASSES)
    assert letters.label_of("c") == letters.label_of("C")
    assert letters.label_of("a") != letters.label_of("A")


def test_every_font_has_an_open_licence_and_an_exact_version():
    fonts = letters.fonts()
    assert len({font.name for font in fonts}) == len(fonts) == 69
    assert sum(font.hand for font in fonts) == 49
    for font in fonts:
        assert font.licence in ("OFL-1.1", "Apache-2.0")
        assert len(font.sha256) == 64
        assert font.version.count(".") == 2


def test_the_model_card_lists_every_font(root):
    card = (root / "autograder/capstone/backbone/README.md").read_text("utf-8")
    card = " ".join(card.split())
    for font in letters.fonts():
        assert f"{font.name} {font.version}" in card


@pytest.mark.parametrize("size", [(10, 90), (90, 10), (60, 60), (1, 400)])
def test_ink_is_brought_into_the_form_of_mnist(size):
    page = letters.as_in_mnist(Image.new("L", size, 255))
    assert page.shape == (28, 28)
    rows, columns = np.nonzero(page)
    spans = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert max(spans) == 20
    assert abs(rows.mean() - 13.5) <= 0.5
    assert abs(columns.mean() - 13.5) <= 0.5


def font(**changes) -> letters.Font:
    found = dict(name="some", version="1.2.3", hand=True, licence="OFL-1.1", sha256="0" * 64)
    return letters.Font(**{**found, **changes})


def archive(folder, one, data: bytes = b"outline"):
    with tarfile.open(folder / one.archive, "w:gz") as opened:
        member = tarfile.TarInfo(one.file)
        member.size = len(data)
        opened.addfile(member, io.BytesIO(data))


def test_another_font_file_is_refused(tmp_path):
    one = font()
    archive(tmp_path, one)
    with pytest.raises(letters.NoFonts, match="not the version that the list names"):
        letters.outlines(one, tmp_path)
    (tmp_path / one.archive).write_bytes(b"no archive")
    with pytest.raises(letters.NoFonts, match="cannot be read"):
        letters.outlines(one, tmp_path)


def test_a_font_file_is_read(tmp_path):
    import hashlib

    one = font(sha256=hashlib.sha256(b"outline").hexdigest())
    archive(tmp_path, one)
    assert letters.outlines(one, tmp_path) == b"outline"


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A stand-in for npm that notes what it is asked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "npm"
    script.write_text(
        f"#!{sys.executable}\nimport pathlib, sys\n"
        "dest = pathlib.Path(sys.argv[sys.argv.index('--pack-destination') + 1])\n"
        "for spec in sys.argv[5:]:\n"
        "    if spec.startswith('@fontsource/gone'): sys.exit('404 not found')\n"
        "    name, version = spec.removeprefix('@fontsource/').split('@')\n"
        "    (dest / f'fontsource-{name}-{version}.tgz').write_text(spec)\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_fonts_that_are_missing_are_fetched(npm, tmp_path, monkeypatch):
    wanted = [font(name=f"font{n}") for n in range(11)]
    monkeypatch.setattr(letters, "fonts", lambda: wanted)
    folder = tmp_path / "fonts"
    folder.mkdir()
    (folder / wanted[3].archive).write_text("mine")
    told = []
    letters.fetch(folder, lambda *step: told.append(step))
    assert sorted(f.name for f in folder.iterdir()) == sorted(f.archive for f in wanted)
    assert (folder / wanted[3].archive).read_text() == "mine"
    assert told == [(1, 11), (9, 11), (11, 11)]


def test_what_npm_says_is_told(npm, tmp_path, monkeypatch):
    monkeypatch.setattr(letters, "fonts", lambda: [font(name="gone")])
    with pytest.raises(letters.NoFonts, match="npm cannot get the fonts: 404 not found"):
        letters.fetch(tmp_path / "fonts")


def test_without_npm_it_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(letters.NoFonts, match="Node"):
        letters.fetch(tmp_path / "fonts")


def test_every_letter_of_every_font_is_rendered(archives):
    images, labels = letters.letters(archives)
    assert images.shape == (104, 28, 28)
    assert images.dtype == np.uint8
    assert set(labels.tolist()) == set(range(37))
    assert labels[:52].tolist() == labels[52:].tolist()
    # Paper outside of the square of 20 that holds the ink, but for the centre of mass.
    assert images[:, 0].max() == 0
    assert images.max(axis=(1, 2)).min() > 150
    big_l = images[11]
    assert labels[11] == letters.label_of("L")
    assert big_l[:, :14].sum() > big_l[:, 14:].sum()  # its upright is on the left
