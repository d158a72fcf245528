"""Which twin computes: ``reference.fast`` (compiled) or ``reference.pure`` (plain NumPy).

Chosen once, at import, by the environment variable ``REFERENCE_BACKEND`` (``fast`` unless told).
There is no fallback: a compiled core that is missing is an ImportError that says how to build it.
Only the twin that was asked for is imported.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

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
    "stride",
    "training",
    "why_cnn",
]

NAME = os.environ.get("REFERENCE_BACKEND", "fast")

if TYPE_CHECKING or NAME == "pure":
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
elif NAME == "fast":
    try:
        from reference.fast import (
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
    except ImportError as error:
        raise ImportError(
            "The compiled core of `reference` cannot be loaded. Build it from the checkout with "
            "`pip install -e .` (or `make setup`), or ask for the slow twin with "
            f"REFERENCE_BACKEND=pure. The cause: {error}"
        ) from error
else:
    raise ImportError(f"REFERENCE_BACKEND must be 'fast' or 'pure'; got {NAME!r}.")
