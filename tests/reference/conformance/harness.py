"""What the comparisons with other people's tests and libraries share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from twins import load_ops

from autograder import tolerance

# What is tested is the compiled core.
ops = load_ops("fast")


class LeftOut(Exception):
    """The case asks for something that the reference does not have; the message says for what."""


@dataclass
class Survey:
    """What became of the cases of one source."""

    ran: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    # The operations of ours that were called in cases that ran.
    operations: set[str] = field(default_factory=set)


class Watched:
    """`reference.ops`, and which of its operations were called."""

    def __init__(self) -> None:
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.called.add(name)
        return getattr(ops, name)


watched = Watched()


def survey(cases: Iterator[tuple[str, Callable[[], None]]]) -> Survey:
    """Runs every case, and sorts them."""
    result = Survey()
    for name, run in cases:
        watched.called.clear()
        try:
            run()
        except LeftOut as reason:
            result.left_out.setdefault(str(reason), []).append(name)
        except pytest.skip.Exception:
            result.left_out.setdefault("its own authors skip it", []).append(name)
        except Exception as error:  # every failure is to be seen, not only the first
            result.failed[name] = f"{type(error).__name__}: {error}"
        else:
            if not watched.called:
                result.left_out.setdefault("it does not reach the code under test", []).append(name)
                continue
            result.ran.append(name)
            result.operations |= watched.called
    return result


def close(got: Any, wanted: Any, bound: Any) -> None:
    """Nested results have the same shapes, and differ by the bound at most."""
    if isinstance(wanted, tuple | list):
        bounds = bound if isinstance(bound, tuple | list) else [bound] * len(wanted)
        assert len(got) == len(wanted)
        for one, other, limit in zip(got, wanted, bounds, strict=True):
            close(one, other, limit)
        return
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape, f"shape {got.shape} instead of {wanted.shape}"
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0, np.abs(got.astype(np.float64) - wanted.astype(np.float64)))
    worst = np.max(error - bound, initial=0.0)
    assert worst <= 0, f"off by {np.max(error):.3g}, with {np.max(bound):.3g} allowed"


def rounding(function: Callable[..., Any], terms: int, *arguments: Any) -> Any:
    """How far two results of a function that sums `terms` products may lie apart, cell by cell.

    Each errs by at most (terms + 2) u times the same sum of magnitudes (Higham, Accuracy and
    Stability of Numerical Algorithms, 2nd ed., eq. 3.5), u being that of the first array.
    """
    u = tolerance.unit_roundoff(tolerance.arrays_of(list(arguments))[0].dtype)
    # A tuple of arrays is not expected: tuples are geometry.
    magnitudes = function(*map(tolerance.absolute, arguments))
    return scaled(magnitudes, 2 * (terms + 2) * u)


def scaled(value: Any, factor: float) -> Any:
    """Every array of a nested value, times the factor."""
    if isinstance(value, tuple | list):
        return [scaled(part, factor) for part in value]
    return factor * np.asarray(value)


def same_pads(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """The reference's own "same" padding of a kernel with gaps."""
    pads: tuple[int, int] = watched.same_padding(size, dilation * (kernel - 1) + 1, stride)
    return pads


def uneven_average(
    image: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int], pads: Any
) -> np.ndarray:
    """Means over the real pixels with another padding before than after: the mean with zeros, over
    the share of real pixels, which is the mean of ones with zeros."""
    with_zeros = watched.avg_pool2d(watched.zero_pad2d(image, pads), kernel, stride)
    share = watched.avg_pool2d(watched.zero_pad2d(np.ones_like(image), pads), kernel, stride)
    mean: np.ndarray = with_zeros / share
    return mean


def softmax_bound(logits: np.ndarray) -> float:
    """Twice the relative error of a softmax, and the absolute error of its logarithm."""
    return 2 * tolerance.softmax_error(logits)


def relative(like: np.ndarray, size: float) -> float:
    """Rounding of a mean over a batch."""
    return 2 * (len(like) + 2) * tolerance.unit_roundoff(like.dtype) * size
