"""The numbers that a capstone's result keeps, in its entry `measured`: a leaderboard needs no more.

Old results have no such entry; what is there must be complete and possible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import Any

from autograder.capstone.rubric import wilson


class BadFigures(ValueError):
    """An entry `measured` that nobody can have measured; the text is one sentence."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one model.

    exam        the fingerprint of the exam: only numbers of the same one can be compared
    digits      of the private set; `right` of them were read rightly
    void        the accuracy does not count: `train_head` learns nothing
    families    the share of spoilt digits that was right, for each family of corruptions
    loss        the mean of -log of the right class's probability
    few_labels  the share that was right in each task of few labels; None where it was not run
    size        bytes of the model's file
    """

    exam: str
    digits: int
    right: int
    void: bool
    families: Mapping[str, float]
    loss: float
    few_labels: tuple[float, ...] | None
    parameters: int
    size: int

    @property
    def accuracy(self) -> float:
        return self.right / self.digits if self.digits else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true accuracy may lie: Wilson's 95 % interval."""
        return wilson(self.right, self.digits)

    @property
    def robustness(self) -> float:
        return fmean(self.families.values()) if self.families else 0.0

    @property
    def few(self) -> float | None:
        """The mean over the tasks."""
        return fmean(self.few_labels) if self.few_labels else None

    def to_json(self) -> dict[str, Any]:
        return {
            "exam": self.exam,
            "digits": self.digits,
            "right": self.right,
            "void": self.void,
            "families": {name: float(share) for name, share in self.families.items()},
            "loss": float(self.loss) if isfinite(self.loss) else None,
            "few_labels": None if self.few_labels is None else [*map(float, self.few_labels)],
            "parameters": self.parameters,
            "size": self.size,
        }

    @staticmethod
    def from_json(entry: Any) -> Figures:
        """The figures in an entry `measured`; BadFigures where they cannot be."""
        if not isinstance(entry, dict):
            raise BadFigures("its entry 'measured' is no object")
        few = entry.get("few_labels")
        loss = entry.get("loss")
        if few is not None and not (isinstance(few, list) and all(map(_is_share, few))):
            raise _bad("few_labels", few)
        families = _get(entry, "families", dict)
        for name, share in families.items():
            if not _is_share(share):
                raise _bad(f"families.{name}", share)
        if loss is not None and not (_is_number(loss) and loss >= 0):
            raise _bad("loss", loss)
        figures = Figures(
            _get(entry, "exam", str),
            _count(entry, "digits"),
            _count(entry, "right"),
            _get(entry, "void", bool),
            families,
            float("nan") if loss is None else loss,
            None if few is None else tuple(few),
            _count(entry, "parameters"),
            _count(entry, "size"),
        )
        if figures.right > figures.digits:
            raise _bad("right", figures.right)
        return figures


def _get(entry: Mapping[str, Any], name: str, kind: type) -> Any:
    value = entry.get(name)
    if type(value) is not kind:
        raise _bad(name, value)
    return value


def _count(entry: Mapping[str, Any], name: str) -> int:
    number: int = _get(entry, name, int)
    if number < 0:
        raise _bad(name, number)
    return number


def _bad(name: str, value: Any) -> BadFigures:
    return BadFigures(f"its measured.{name} cannot be {str(value)[:60]!r}")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1
