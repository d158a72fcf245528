"""Reads the arrays of a Keras weights file. Runs in a worker: what it says is not believed.

The worker holds the bytes and nothing else: no file can be opened there, whatever they name. Still
everything in them that could lead elsewhere, or unpack to more than it is, ends the reading.
"""

from __future__ import annotations

import io
from typing import Any

import h5py
import numpy as np

# The weights and the optimiser's state of 400 layers, and the groups that they lie in.
MAX_OBJECTS = 5000


class Unfit(Exception):
    """(why, where): the parent has the sentence."""


def read(data: np.ndarray, wanted: list[tuple[str, list[int]]]) -> Any:
    """The float32 arrays at these places, in this order; or why there are none, and where."""
    try:
        with h5py.File(io.BytesIO(data.tobytes()), "r") as file:
            found = datasets(file, data.nbytes)
            return [array(found, path, tuple(shape)) for path, shape in wanted]
    except Unfit as unfit:
        return {"unfit": list(unfit.args)}


def datasets(file: Any, most: int) -> dict[str, Any]:
    """Every dataset by its path, if all that the file holds is plain."""
    found: dict[str, Any] = {}
    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [("", file)]
    while waiting:
        prefix, group = waiting.pop()
        if len(seen) + len(group) > MAX_OBJECTS:
            raise Unfit("objects", prefix)
        for name in group:
            path = f"{prefix}{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise Unfit("link", path)
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                raise Unfit("link", path)
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append((f"{path}/", item))
            elif isinstance(item, h5py.Dataset):
                plain(item, path, most)
                found[path] = item
            else:
                raise Unfit("dtype", path)
    return found


def plain(item: Any, path: str, most: int) -> None:
    """Numbers, stored in the file itself, as many as they are."""
    made = item.id.get_create_plist()
    if made.get_external_count() or made.get_layout() == h5py.h5d.VIRTUAL:
        raise Unfit("external", path)
    if made.get_nfilters():
        raise Unfit("packed", path)
    if item.dtype.kind not in "fiu" or item.dtype.fields is not None:
        raise Unfit("dtype", path)
    if item.shape is None or item.size * item.dtype.itemsize > most:
        raise Unfit("size", path)


def array(found: dict[str, Any], path: str, shape: tuple[int, ...]) -> np.ndarray:
    if path not in found:
        raise Unfit("missing", path)
    item = found[path]
    if item.shape != shape:
        raise Unfit("shape", path)
    if item.dtype != np.float32:
        raise Unfit("dtype", path)
    if item.id.get_storage_size() != item.size * item.dtype.itemsize:
        raise Unfit("size", path)
    values: np.ndarray = item[()]
    return np.asarray(values)
