"""What the gradients of several layers share: laws, and kinds with other types of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autograder.compare import Mismatch, mismatch, structure
from autograder.laws import lasting, tidy
from autograder.spec import Arguments, Case, Exercise, Kind, Law
from autograder.specs._layers import Pair, output_shape, renumbered_all
from autograder.strategies import Draw

if TYPE_CHECKING:
    from autograder.isolation.calls import Answer


GRADIENTS = ("dx", "dw", "db")


def parts(name: str, names: Sequence[str], says: str, points: float, *kinds: str) -> Law:
    """These gradients, of the several that come together, equal the reference's."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
        yours = answers[0].value
        if (wrong := structure(yours, case.expected, "the result")) is not None:
            return wrong
        tolerance = case.tolerance
        for part in names:
            i = exercise.returns.index(part)
            wrong = mismatch(yours[i], case.expected[i], tolerance[i], (part,))
            if wrong is not None:
                return wrong
        return None

    return Law(name, says, points, judge, kinds)


def tidy_gradient(*kinds: str) -> Law:
    """`dtype`, `untouched` and `lasting` in one, on these kinds and on all types of numbers."""
    says = "it is an array of its own, of the dtype of dy; arguments stay unchanged"
    return lasting(tidy(0.5, says, *kinds, *TYPES, needs="agrees"))


def numbers(*types: str, of: Kind) -> Kind:
    """A kind with numbers of other types, in other layouts in memory.

    "pixels" are whole-number x with a dy that is not whole: a dx of x's dtype cuts it off.
    """

    def kind(draw: Draw) -> Arguments:
        type_ = draw.choose(*types)
        arguments = of(draw)
        changed = renumbered_all(draw, "real" if type_ == "pixels" else type_, arguments)
        if type_ == "pixels":
            changed["x"] = draw.layout(np.abs(arguments["x"]).astype(np.uint8))
        return changed

    return kind


def of_all_types(kind: Kind) -> dict[str, Kind]:
    return {
        "real numbers": numbers("real", of=kind),
        "float32": numbers("float32", of=kind),
        "integers": numbers("int64", "uint8", of=kind),
        "pixels": numbers("pixels", of=kind),
    }


TYPES = ("real numbers", "float32", "integers", "pixels")


def size_asked_for(kernel: Pair, layer: Arguments) -> Pair:
    """What the formula says of the output for an image of 3 by 4 pixels, where it says anything."""
    stride = max(layer["stride"][0], 1), max(layer["stride"][1], 1)
    rows, columns = output_shape((3, 4), kernel, stride, layer["padding"])
    return max(rows, 1), max(columns, 1)
