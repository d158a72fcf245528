"""Which twin computes: ``reference.fast`` (compiled) or ``reference.pure`` (plain NumPy).

Chosen once by the environment variable ``REFERENCE_BACKEND`` (``fast`` unless told).
There is no fallback: a compiled core that is missing is an ImportError that says how to build it.
Only the twin that was asked for is imported.
"""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = [
    "NAME",
    "activation",
    "architectures",
    "backprop",
    "convolution",
    "general",
    "keras_bridge",
    "padding",
    "pooling",
    "small",
    "stride",
    "training",
    "why_cnn",
]

NAME = os.environ.get("REFERENCE_BACKEND", "fast")

if TYPE_CHECKING:
    # The type checker reads the signatures of the pure twins: both twins have the same ones.
    from reference.pure import (
        activation,
        architectures,
        backprop,
        convolution,
        general,
        keras_bridge,
        padding,
        pooling,
        stride,
        training,
        why_cnn,
    )

    # The short way of small calls: a module of the compiled twin, None in the plain one.
    small: Any

if NAME not in ("fast", "pure"):
    raise ImportError(f"REFERENCE_BACKEND must be 'fast' or 'pure'; got {NAME!r}.")

if NAME == "pure":
    small = None


def __getattr__(topic: str) -> ModuleType:
    # On first use: loading the compiled core (and SciPy's BLAS with it) takes a fifth of a second,
    # which a check that replays kept cases does not need to spend.
    if topic not in __all__ or topic == "NAME":
        raise AttributeError(f"module {__name__!r} has no attribute {topic!r}")
    try:
        name = "_small" if topic == "small" else topic
        module = importlib.import_module(f"reference.{NAME}.{name}")
    except ImportError as error:
        if NAME == "pure":
            raise
        raise ImportError(
            "The compiled core of `reference` cannot be loaded. Build it from the checkout with "
            "`pip install -e .` (or `make setup`), or set REFERENCE_BACKEND=pure for the slow "
            f"twin. The cause: {error}"
        ) from error
    if "scipy.linalg.cython_blas" in sys.modules:
        _one_thread()
    globals()[topic] = module
    return module


@cache
def _one_thread() -> None:
    """Keep SciPy's BLAS to the calling thread.

    Its other threads spin for a tenth of a second after every larger product, which costs more CPU
    than the products of this course do. NumPy's own BLAS is left as it is.
    """
    from threadpoolctl import ThreadpoolController  # 18 ms, which a check of kept cases can spare

    libraries = ThreadpoolController().select(user_api="blas")
    for library in libraries.lib_controllers:
        if "scipy" in Path(library.filepath).parent.name:
            library.set_num_threads(1)
