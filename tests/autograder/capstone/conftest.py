"""What tests that train need: Keras, with its threads kept to one so that sums have one order."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from autograder.capstone.backbone import letters


@pytest.fixture
def keras():
    """The module, or no test."""
    tensorflow = pytest.importorskip("tensorflow")
    if not tensorflow.config.threading.get_intra_op_parallelism_threads():
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    from autograder.capstone import training

    found = training.keras()
    found.utils.set_random_seed(0)
    return found


@pytest.fixture
def archives(tmp_path, monkeypatch) -> Path:
    """A folder of font archives, made of fonts that matplotlib brings along."""
    import matplotlib

    outlines = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    folder = tmp_path / "archives"
    folder.mkdir()
    listed = []
    for name in ("DejaVuSans", "DejaVuSerif"):
        data = (outlines / f"{name}.ttf").read_bytes()
        font = letters.Font(name, "1.0.0", False, "free", hashlib.sha256(data).hexdigest())
        with tarfile.open(folder / font.archive, "w:gz") as opened:
            member = tarfile.TarInfo(font.file)
            member.size = len(data)
            opened.addfile(member, io.BytesIO(data))
        listed.append(font)
    monkeypatch.setattr(letters, "fonts", lambda: listed)
    return folder
