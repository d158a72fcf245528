"""The trusted side of reading weights: asks a confined worker, and checks what it answers."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograder.capstone.layers import Shape
from autograder.capstone.settings import Refused
from autograder.isolation import ladder
from autograder.isolation.calls import EncodedCall
from autograder.isolation.ladder import ForkServer, GraderFault
from autograder.isolation.limits import DEFAULT, MIB, Limits
from autograder.isolation.parent import Session
from autograder.isolation.profiles import H5PY

READER = Path(__file__).with_name("h5reader.py")
# Five megabytes are read in milliseconds.
LIMITS = dataclasses.replace(
    DEFAULT, call_seconds=5.0, memory_bytes=1024 * MIB, reply_bytes=8 * MIB, answers_bytes=8 * MIB
)
AGAIN = "save it again with model.save('digits.keras')"
SENTENCES = {
    "objects": "the weights file holds too many objects",
    "link": "the weights file has a link at {where}; every array must lie in the file itself",
    "external": "the array {where} of the weights file lies in another file",
    "packed": "the array {where} of the weights file is compressed",
    "dtype": "the array {where} of the weights file is not of float32 numbers",
    "size": "the array {where} of the weights file is not as large as it says",
    "missing": "the weights file has no array {where}, which config.json asks for",
    "shape": "the array {where} of the weights file has another shape than config.json says",
}


def server(required: str = "weak", limits: Limits = LIMITS) -> ForkServer:
    """A server of workers that have h5py, at the best level of isolation there is."""
    if importlib.util.find_spec("h5py") is None:
        raise GraderFault("h5py is not installed; pip install 'cnn-exercise-kit[capstone]'")
    return ladder.best(limits, required, H5PY)


def read(data: bytes, expected: Mapping[str, Shape], workers: ForkServer) -> dict[str, np.ndarray]:
    """The arrays of a weights file by their places; Refused where it is not as expected."""
    wanted = [(path, list(shape)) for path, shape in expected.items()]
    call = EncodedCall.of({"data": np.frombuffer(data, np.uint8), "wanted": wanted})
    sources = {"h5reader": READER.read_text(encoding="utf-8")}
    with Session(sources, workers.limits, server=workers) as session:
        (answer,) = session.ask("h5reader", "read", [call])
    if answer.status != "value":
        if answer.at_import:
            raise GraderFault(f"the weights reader does not start: {answer.message}")
        raise Refused(f"the weights file cannot be read; {AGAIN}")
    value = answer.value
    if isinstance(value, dict):
        raise _refused(value)
    if not isinstance(value, list) or len(value) != len(wanted):
        raise Refused(f"the weights file cannot be read; {AGAIN}")
    arrays: dict[str, np.ndarray] = {}
    for (path, shape), array in zip(expected.items(), value, strict=True):
        if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.shape != shape:
            raise Refused(f"the weights file cannot be read; {AGAIN}")
        array.flags.writeable = False
        arrays[path] = array
    return arrays


def _refused(value: Mapping[str, Any]) -> Refused:
    try:
        why, where = value["unfit"]
        sentence = SENTENCES[why]
    except (KeyError, ValueError, TypeError):
        return Refused(f"the weights file cannot be read; {AGAIN}")
    shown = re.sub(r"[^A-Za-z0-9_/. -]", "?", str(where)[:100])
    return Refused(f"{sentence.format(where=shown)}; {AGAIN}")
