"""What tests that train need; and Keras files by hand.

The files are as Keras saves them, and as it never would; they need no TensorFlow.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from autograder.capstone import weights
from autograder.capstone.backbone import letters


@pytest.fixture
def keras():
    """The module."""
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


@pytest.fixture(scope="session")
def workers():
    """A server of workers that read weights."""
    running = weights.server()
    yield running
    running.close()


def layer(kind, name=None, **config):
    """One entry of a Sequential's layers."""
    inner = {"name": name or kind.lower(), "trainable": True, "dtype": "float32", **config}
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": inner,
        "registered_name": None,
    }


def sequential(*entries, shape=(28, 28, 1)):
    """A config.json: an input of this shape, then these layers."""
    given = {"batch_shape": [None, *shape], "dtype": "float32", "name": "input", "sparse": False}
    begin = {**layer("InputLayer"), "config": given}
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "digits", "trainable": True, "layers": [begin, *entries]},
        "registered_name": "Sequential",
        "build_config": {"input_shape": [None, *shape]},
    }


def functional(*calls, output):
    """A Functional config.json of (layer, names of what it takes)."""
    begin = sequential()["config"]["layers"][0]
    entries = [{**begin, "name": "input", "inbound_nodes": []}]
    for entry, parents in calls:
        tensors = [
            {"class_name": "__keras_tensor__", "config": {"keras_history": [parent, 0, 0]}}
            for parent in parents
        ]
        args = tensors if len(tensors) == 1 else [tensors]
        nodes = [{"args": args, "kwargs": {}}]
        entries.append({**entry, "name": entry["config"]["name"], "inbound_nodes": nodes})
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": "digits",
            "trainable": True,
            "layers": entries,
            "input_layers": [["input", 0, 0]],
            "output_layers": [[output, 0, 0]],
        },
        "registered_name": "Functional",
    }


def small():
    """Convolution, pool, dense: 3 x 3 x 2 + 2 and 338 x 10 + 10 parameters."""
    return sequential(
        layer("Rescaling", scale=1 / 255, offset=0.0),
        layer("Conv2D", filters=2, kernel_size=[3, 3], padding="valid", activation="relu"),
        layer("MaxPooling2D", pool_size=[2, 2], strides=[2, 2]),
        layer("Flatten"),
        layer("Dense", units=10, activation="softmax"),
    )


def small_arrays():
    rng = np.random.default_rng(1)
    shapes = {
        "layers/conv2d/vars/0": (3, 3, 1, 2),
        "layers/conv2d/vars/1": (2,),
        "layers/dense/vars/0": (338, 10),
        "layers/dense/vars/1": (10,),
    }
    return {path: rng.normal(size=shape).astype(np.float32) for path, shape in shapes.items()}


def weights_file(arrays, change=None):
    """The bytes of a weights file; `change(file)` may spoil it before it is closed."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for path, array in arrays.items():
            file[path] = array
        if change is not None:
            change(file)
    return stream.getvalue()


def packed(members, **changes):
    """A zip file of (name, bytes), in order."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = changes.get("external_attr", 0o600 << 16)
            info.compress_type = changes.get("compress_type", zipfile.ZIP_STORED)
            archive.writestr(info, content)
    return stream.getvalue()


def keras_file(config=None, arrays=None, change=None, weights=None, more=()):
    """The bytes of a .keras file."""
    config = small() if config is None else config
    content = config if isinstance(config, bytes) else json.dumps(copy.deepcopy(config)).encode()
    if weights is None:
        weights = weights_file(small_arrays() if arrays is None else arrays, change)
    return packed(
        [
            ("metadata.json", b'{"keras_version": "3.15.1"}'),
            ("config.json", content),
            ("model.weights.h5", weights),
            *more,
        ]
    )


class Kit:
    """What the tests make their files with."""

    layer = staticmethod(layer)
    sequential = staticmethod(sequential)
    functional = staticmethod(functional)
    small = staticmethod(small)
    small_arrays = staticmethod(small_arrays)
    weights_file = staticmethod(weights_file)
    packed = staticmethod(packed)
    keras_file = staticmethod(keras_file)


@pytest.fixture(scope="session")
def kit():
    return Kit
