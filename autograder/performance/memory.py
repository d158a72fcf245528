"""How much memory a convolution takes beside its input and output, in a process of its own."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from autograder.performance.layers import MEMORY, Geometry, arrays
from autograder.performance.ways import Form, Way

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def growth(way: Way, geometry: Geometry = MEMORY, dtype: str = "float32") -> dict[str, Any]:
    """Bytes by which the peak of the process grows in one forward call, its output among them."""
    small = Geometry("conv", 1, 4, 8, 8, 4, (3, 3), (1, 1), (0, 0))
    for form in _forms(way, small, dtype):
        form.call()  # what a library makes at its first call
    data = arrays(geometry, dtype, np.random.default_rng(0))
    # All are kept: a library would give the memory of those that are gone to the call.
    forms = way.forms(geometry, data, backward=False)
    form = forms[0]  # on the same arrays
    before = _reset()
    result = form.call()
    grown = _peak() - before
    y = way.arrays_of(form, result)[0]
    sizes = {"input": data.x.nbytes, "output": y.nbytes}
    return {"way": way.name, "batch": geometry.n, "grown": grown, **sizes}


def _forms(way: Way, geometry: Geometry, dtype: str) -> list[Form]:
    data = arrays(geometry, dtype, np.random.default_rng(0))
    return way.forms(geometry, data, backward=False)


def _reset() -> int:
    """The memory in use, from which the peak counts anew where the system can do that."""
    if CLEAR.exists():
        CLEAR.write_text("5", encoding="ascii")
    return _peak()


def _peak() -> int:
    """Of this process alone: `getrusage` keeps that of the process which started it."""
    if STATUS.exists():
        for line in STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
