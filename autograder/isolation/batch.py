"""The calls of a batch, ready to be made: fresh arguments for each, and what became of them.

Runs in the worker and in its fork server, beside `worker.py`: the standard library and NumPy only.
Whoever reads the arguments once (`prepare`) can make each call many times, on copies of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import wire

MOST_LOOKS = 10_000


class Part(Protocol):
    """One argument, or a part of one, as it was sent."""

    def fresh(self) -> Any:
        """A copy for one call, which student code may do with as it likes."""

    def untouched(self, value: Any) -> bool:
        """Whether such a copy still holds what was sent."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a word, or a tuple of them: nothing in it can be changed."""

    value: Any

    def fresh(self) -> Any:
        return self.value

    def untouched(self, value: Any) -> bool:
        return value is self.value or (type(value) is type(self.value) and value == self.value)


@dataclass(frozen=True, slots=True)
class Array:
    """An array: how it lies in memory, and what it holds."""

    arrangement: wire.Arrangement
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def fresh(self) -> Any:
        return self.arrangement.copy()

    def untouched(self, value: Any) -> bool:
        # The bytes are made anew: kept beside the array, they would double what a fork copies.
        kept = self.arrangement.array
        return bool(
            value.shape == self.shape
            and value.dtype == self.dtype
            and value.tobytes() == kept.tobytes()
        )


@dataclass(frozen=True, slots=True)
class Generator:
    """A seeded `np.random.Generator`; it is there to be drawn from."""

    seed: int

    def fresh(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def untouched(self, value: Any) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Items:
    """A list or a tuple."""

    kind: type
    parts: Sequence[Part]

    def fresh(self) -> Any:
        return self.kind([part.fresh() for part in self.parts])

    def untouched(self, value: Any) -> bool:
        return len(value) == len(self.parts) and all(
            part.untouched(v) for part, v in zip(self.parts, value, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Fields:
    """A dictionary."""

    parts: dict[str, Part]

    def fresh(self) -> dict[str, Any]:
        return {key: part.fresh() for key, part in self.parts.items()}

    def untouched(self, value: Any) -> bool:
        return list(value) == list(self.parts) and all(
            part.untouched(value[key]) for key, part in self.parts.items()
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its arguments by name, and whether its result is kept to be read again."""

    names: Sequence[str]
    parts: Sequence[Part]
    keep: bool

    def touched(self, arguments: Sequence[Any]) -> list[str]:
        """Names of arguments that no longer hold what they were sent with."""
        names = []
        for name, part, argument in zip(self.names, self.parts, arguments, strict=True):
            if type(part) is Constant:
                continue
            try:
                same = part.untouched(argument)
            except Exception:  # what was an array or a list is something else by now
                same = False
            if not same:
                names.append(name)
        return names

    def shared(self, arguments: Sequence[Any], results: Sequence[np.ndarray]) -> list[str]:
        """Names of arguments whose memory these arrays of the result share."""
        # An array that owns its memory shares it with an argument only if it is the argument.
        views = [array for array in results if array.base is not None]
        owners = {id(array) for array in results}
        names = []
        for name, part, argument in zip(self.names, self.parts, arguments, strict=True):
            if type(part) is Constant:
                continue
            for array in (argument,) if type(part) is Array else arrays(argument):
                if id(array) in owners or any(np.may_share_memory(array, view) for view in views):
                    names.append(name)
                    break
        return names


def prepare(entries: Sequence[Any], body: bytes) -> list[Call | None]:
    """The calls of a batch; None where a kept result is to be read once more.

    An entry is [nodes, size, keep]: the arguments as `wire.Encoder` describes them, and how many
    bytes of the body are theirs.
    """
    reader = _Reader(body)
    calls: list[Call | None] = []
    for nodes, _, keep in entries:
        if nodes is None:
            calls.append(None)
        else:
            names = reader.one(tuple(name for name, _ in nodes))
            calls.append(Call(names, tuple(reader.part(node) for _, node in nodes), bool(keep)))
    return calls


class _Reader:
    """Reads parts in the order in which an encoder added them.

    Equal parts are one object: a worker copies every page on which it counts a reference.
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0
        self.known: dict[Any, Any] = {}

    def one(self, value: Any) -> Any:
        """The first of all values that equal this one."""
        return self.known.setdefault(value, value)

    def part(self, node: Any) -> Part:
        if type(node) is list:
            return Items(list, [self.part(n) for n in node])
        if type(node) is not dict:
            return self.constant(node)
        ((tag, content),) = node.items()
        if tag == "a":
            return self.array(*content)
        if tag == "r":
            return Generator(content)
        if tag == "d":
            return Fields({key: self.part(n) for key, n in content})
        if tag == "t":
            parts = [self.part(n) for n in content]
            if all(type(part) is Constant for part in parts):
                return self.constant(tuple(part.fresh() for part in parts))
            return Items(tuple, parts)
        return self.constant(wire.Decoder(b"").read(node))

    def constant(self, value: Any) -> Part:
        key = repr(value)  # 1, 1.0 and True are equal, and -0.0 equals 0.0
        if key not in self.known:
            self.known[key] = Constant(value)
        part: Part = self.known[key]
        return part

    def array(self, code: str, shape: Sequence[int], layout: str) -> Part:
        dtype = wire.DTYPES[code]
        start, self.at = self.at, self.at + math.prod(shape) * dtype.itemsize
        data = self.body[start : self.at]
        key = code, tuple(shape), layout, data
        if key not in self.known:
            values = np.frombuffer(data, dtype).reshape(shape)
            arrangement = wire.Arrangement.of(values, layout)
            self.known[key] = Array(arrangement, self.one(key[1]), dtype)
        part: Part = self.known[key]
        return part


def arrays(value: Any) -> Iterator[np.ndarray]:
    """All arrays inside a value; of one that holds itself, or far too much, the first ones."""
    if type(value) is np.ndarray:
        yield value
        return
    waiting, looked = [value], 0
    while waiting and looked < MOST_LOOKS:
        item = waiting.pop()
        looked += 1
        if isinstance(item, np.ndarray):
            yield item
        elif isinstance(item, list | tuple):
            waiting += item[:1000]
        elif isinstance(item, dict):
            waiting += item.values()


def overlapping(array: np.ndarray) -> bool:
    """Whether cells of an array surely share memory: it has more of them than its memory holds."""
    if array.flags.c_contiguous:
        return False
    steps = zip(array.shape, array.strides, strict=True)
    span = sum((n - 1) * abs(step) for n, step in steps) + array.itemsize
    return bool(array.size and array.nbytes > span)
