"""A backbone of `keras.applications`, which has seen a million photographs: the real-world path.

Its weights are downloaded by Keras, or read from a file. Digits are brought to what it takes inside
the model: larger, with three channels alike, and with its own preprocessing.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from autograder.capstone.training import Tell, keras, silent

SIDE = 96  # pixels: the networks halve the image five times, and some take nothing below 75


class NoApplication(Exception):
    """A network that cannot be had; the text says what to do."""


def load(
    name: str,
    weights: Path | None = None,
    side: int = SIDE,
    tell: Tell = silent,
    **options: Any,
) -> Any:
    """The network of this name without its classifier: raw images (N, 28, 28, 1) in, features out.

    With `weights`, a file that `save_weights` of the same network wrote, nothing is downloaded.
    """
    module, network = _find(name)
    if weights is not None and not weights.is_file():
        raise NoApplication(f"there is no {weights}; name a file of {network.__name__}'s weights")
    k = keras()
    tell(0, 0, f"weights of {network.__name__}")
    try:
        # Keras draws a bar of its own for a download, on stdout.
        with redirect_stdout(sys.stderr):
            body = network(
                include_top=False,
                weights="imagenet" if weights is None else str(weights),
                input_shape=(side, side, 3),
                **options,
            )
    except Exception as error:  # whatever the network, h5py and Keras make of it
        said = " ".join(str(error).split())[:200] or type(error).__name__
        if weights is None:
            raise NoApplication(
                f"the weights of {network.__name__} cannot be downloaded ({said}); where there is "
                "no network, name a local file with --weights"
            ) from error
        raise NoApplication(
            f"{weights} does not hold the weights of {network.__name__} without its classifier "
            f"({said})"
        ) from error
    image = k.Input((28, 28, 1), name="image")
    x = k.layers.Resizing(side, side, name="larger")(image)
    x = k.layers.Concatenate(name="three_channels")([x, x, x])
    features = body(module.preprocess_input(x), training=False)
    return k.Model(image, features, name="backbone")


def names() -> list[str]:
    """Every network that there is."""
    return [network.__name__ for _, network in _all()]


def _find(name: str) -> tuple[Any, Any]:
    for module, network in _all():
        if network.__name__.lower() == name.lower():
            return module, network
    import difflib

    known = names()
    lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    hint = f"did you mean {lower[close[0]]}?" if close else f"such as {known[0]} or MobileNetV2"
    raise NoApplication(f"{name!r} is no network of keras.applications; {hint}")


def _all() -> Iterator[tuple[Any, Any]]:
    """Each network with the module that has its preprocessing."""
    found: dict[str, tuple[Any, Any]] = {}
    for _, module in inspect.getmembers(keras().applications, inspect.ismodule):
        for name, network in inspect.getmembers(module, inspect.isfunction):
            if "include_top" in inspect.signature(network).parameters:
                # ResNet50 is in two modules, of which the one of its own name is a copy.
                found.setdefault(name, (module, network))
    yield from found.values()
