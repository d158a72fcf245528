"""A submitted `.keras` file, read as hostile bytes, and the model in it at work without Keras.

Nothing is extracted, imported, unpickled or followed. In order: the file and its members, within
their sizes; `config.json` against the list of allowed layers, with every shape bounded
(`graph.py`); then the arrays, by a confined worker (`weights.py`). What is not as Keras saves it is
refused with one sentence. Accepted models answer by the reference's operations (`layers.py`).
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from autograder.capstone import activations, graph, weights
from autograder.capstone.graph import OUTPUT, Graph, Node
from autograder.capstone.layers import Shape
from autograder.capstone.settings import Refused
from autograder.isolation.ladder import ForkServer
from autograder.isolation.limits import MIB

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
MOST = {"metadata.json": 64 * 1024, "config.json": MIB, "model.weights.h5": 5 * MIB}
FILE_BYTES = 5 * MIB
# Of the numbers of a batch that are there at once: 64 MB of them.
BATCH_NUMBERS = 16_000_000
SAVE = "save the model with model.save('digits.keras')"
UNCOMPILED = (
    "save a copy, which has no optimiser: copy = keras.models.clone_model(model); "
    "copy.set_weights(model.get_weights()); copy.save('digits.keras')"
)

Precision = type[np.float32] | type[np.float64]


@dataclass(frozen=True)
class Model:
    """An accepted model.

    digest  SHA-256 of the file
    size    bytes of the file
    """

    graph: Graph
    arrays: dict[str, np.ndarray]
    digest: str = ""
    size: int = 0

    @property
    def parameters(self) -> int:
        return self.graph.parameters

    @cached_property
    def ends_in_softmax(self) -> bool:
        """Whether the answers are probabilities already."""
        node = self.graph.nodes[self.graph.output]
        while node.layer is not None and node.layer.is_identity:
            node = self.graph.nodes[node.inputs[0]]
        return getattr(node.layer, "function", None) is activations.softmax or (
            getattr(node.layer, "activation", "") == "softmax"
        )

    @cached_property
    def peak(self) -> int:
        """Numbers of one image that are there at once, at most."""
        nodes = self.graph.nodes
        sizes = [math.prod(node.shape) for node in nodes]
        last = {i: index for index, node in enumerate(nodes) for i in node.inputs}
        most = there = 0
        for index, node in enumerate(nodes):
            there += sizes[index]
            most = max(most, there)
            there -= sum(sizes[i] for i in set(node.inputs) if last[i] == index)
        return most

    def weights_of(self, node: Node) -> list[np.ndarray]:
        return [self.arrays[path] for path in node.weights]

    def values(
        self, images: np.ndarray, dtype: Precision = np.float32
    ) -> Iterator[tuple[Node, np.ndarray]]:
        """Every node with its output, for a batch (N, 28, 28); each is freed after its last use."""
        nodes = self.graph.nodes
        last = {i: index for index, node in enumerate(nodes) for i in node.inputs}
        kept: dict[int, np.ndarray] = {}
        for index, node in enumerate(nodes):
            if node.layer is None:
                value = np.asarray(images, dtype).reshape(len(images), *node.shape)
            else:
                xs = [kept[i] for i in node.inputs]
                with np.errstate(all="ignore"):
                    value = node.layer.forward(xs, self.weights_of(node))
            kept[index] = value
            yield node, value
            for i in set(node.inputs):
                if last[i] == index:
                    del kept[i]

    def answers(self, images: np.ndarray) -> np.ndarray:
        """What the model gives for digits (N, 28, 28), raw pixels from 0 to 255: (N, 10)."""
        step = int(np.clip(BATCH_NUMBERS // self.peak, 1, 250))
        parts = [np.zeros((0, *self.graph.nodes[self.graph.output].shape), np.float32)]
        output = self.graph.nodes[self.graph.output]
        for start in range(0, len(images), step):
            for node, value in self.values(images[start : start + step]):
                if node is output:
                    parts.append(value)
                    break
        return np.concatenate(parts)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """The answers as probabilities, through a softmax where the model does not end in one."""
        answers = self.answers(images)
        if self.ends_in_softmax:
            return answers
        with np.errstate(all="ignore"):
            return activations.softmax(answers)


def read(path: Path, workers: ForkServer, output: Shape | None = OUTPUT) -> Model:
    """The model in a file; Refused, with one sentence, where it is not accepted.

    A backbone has no answers of its own: its `output` is None, of any shape.
    """
    return parse(_content(path), workers, output)


def parse(data: bytes, workers: ForkServer, output: Shape | None = OUTPUT) -> Model:
    """The model in the bytes of a `.keras` file."""
    members = _members(data)
    _json(members["metadata.json"], "metadata.json")
    config = _json(members["config.json"], "config.json")
    try:
        plan = graph.read(config, output)
    except Refused:
        raise
    except Exception:  # whatever breaks while the file is read is the file's doing
        raise Refused(f"config.json in the file does not describe a Keras model; {SAVE}") from None
    arrays = weights.read(members["model.weights.h5"], plan.expected(), workers)
    return Model(plan, arrays, hashlib.sha256(data).hexdigest(), len(data))


def _content(path: Path) -> bytes:
    """A regular file's bytes, read once and not through a link."""
    name = path.name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Refused(f"there is no {name}; {SAVE}") from None
    except OSError as error:
        if path.is_symlink():
            raise Refused(f"{name} is a symbolic link; hand in the file itself") from None
        raise Refused(f"{name} cannot be read: {error.strerror}") from None
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        if stat.S_ISDIR(kind):
            raise Refused(f"{name} is a folder, such as a SavedModel; {SAVE}, which is one file")
        raise Refused(f"{name} is no ordinary file; {SAVE}")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise Refused(f"{name} is larger than {FILE_BYTES // MIB} MiB; {UNCOMPILED}")
    return data


def _members(data: bytes) -> dict[str, bytes]:
    """The three members of a `.keras` file, none larger than it may be."""
    if data.startswith(b"\x89HDF\r\n\x1a\n"):
        raise Refused(f"the file is HDF5 and not .keras; {SAVE}")
    if data.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        raise Refused(f"the file is a pickle, which is never read; {SAVE}")
    if not data.startswith(b"PK\x03\x04"):
        raise Refused(f"the file is not in Keras' format; {SAVE}")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
    except Exception:  # the bytes are anybody's
        raise Refused(f"the file is no readable .keras file; {SAVE}") from None
    names = [info.filename for info in infos]
    for name in sorted(set(names)):
        if name not in MEMBERS:
            shown = ascii(name)[1:-1][:60]
            raise Refused(f"the file holds {shown}, which Keras does not put there; {SAVE}")
    for name in MEMBERS:
        if names.count(name) != 1:
            count = "no" if name not in names else "more than one"
            raise Refused(f"the file holds {count} {name}; {SAVE}")
    return {info.filename: _member(archive, info) for info in infos}


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    name, most = info.filename, MOST[info.filename]
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise Refused(f"{name} in the file is a link or no ordinary file; {SAVE}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise Refused(f"{name} in the file is packed in an unusual way; {SAVE}")
    if info.file_size > most:
        raise Refused(f"{name} in the file is larger than {most // 1024} KiB; {UNCOMPILED}")
    try:
        with archive.open(info) as stream:
            content = stream.read(most + 1)
    except Exception:  # as above
        raise Refused(f"{name} in the file cannot be unpacked; {SAVE}") from None
    if len(content) > most or len(content) != info.file_size:
        raise Refused(f"{name} in the file is not as large as it says; {SAVE}")
    return content


def _json(content: bytes, name: str) -> Any:
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refused(f"{name} in the file is not JSON; {SAVE}") from None
