"""A layer's settings in a `config.json`, read one by one; what nobody asks for is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# More than any of these is a bomb, whatever the rest of the model says.
LARGEST = 1_000_000

# What says how weights came about, and nothing of what a layer computes with them.
TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint")
WITHOUT_EFFECT = ("name", "trainable", "dtype", "activity_regularizer", "batch_input_shape")


class Refused(ValueError):
    """A model that is not scored; the message is one sentence that says what, and what to do."""


class Settings:
    """The settings of one layer. Each is asked for by name, with what it may be."""

    def __init__(self, kind: str, config: Mapping[str, Any]) -> None:
        self.kind = kind
        self._config = config
        self._asked: set[str] = set(WITHOUT_EFFECT)

    def refused(self, key: str, wanted: str) -> Refused:
        value = repr(self._config.get(key))
        shown = value if len(value) <= 60 else value[:57] + "..."
        return Refused(f"{key} of a layer {self.kind} must be {wanted}; it is {shown}")

    def ignore(self, *keys: str) -> None:
        """Settings that change nothing where a model only answers."""
        self._asked.update(keys)

    def get(self, key: str, default: Any = None) -> Any:
        self._asked.add(key)
        return self._config.get(key, default)

    def whole(self, key: str, default: int | None = None, least: int = 1) -> int:
        value = self.get(key, default)
        if not _is_whole(value) or not least <= value <= LARGEST:
            raise self.refused(key, f"a whole number from {least} to {LARGEST}")
        return int(value)

    def pair(self, key: str, default: Any = None, least: int = 1) -> tuple[int, int]:
        value = self.get(key, default)
        both = [value, value] if _is_whole(value) else value
        if not _is_list(both, 2) or not all(_is_whole(v) and least <= v <= LARGEST for v in both):
            raise self.refused(key, f"two whole numbers from {least} to {LARGEST}")
        return int(both[0]), int(both[1])

    def sides(self, key: str) -> tuple[tuple[int, int], tuple[int, int]]:
        """((top, bottom), (left, right)), from whichever of Keras' three forms."""
        value = self.get(key)
        rows_and_columns = [value, value] if _is_whole(value) else value
        if _is_list(rows_and_columns, 2):
            both = [[v, v] if _is_whole(v) else v for v in rows_and_columns]
            if all(
                _is_list(v, 2) and all(_is_whole(n) and 0 <= n <= LARGEST for n in v) for v in both
            ):
                (top, bottom), (left, right) = both
                return (int(top), int(bottom)), (int(left), int(right))
        raise self.refused(key, "amounts for the four sides")

    def wholes(self, key: str, least: int) -> tuple[int, ...]:
        value = self.get(key)
        value = [value] if _is_whole(value) else value
        if (
            not isinstance(value, list | tuple)
            or not 0 < len(value) <= 8
            or not all(_is_whole(v) and least <= v <= LARGEST for v in value)
        ):
            raise self.refused(key, "whole numbers")
        return tuple(int(v) for v in value)

    def number(self, key: str, default: float | None = None) -> float:
        value = self.get(key, default)
        if not _is_number(value):
            raise self.refused(key, "a finite number")
        return float(value)

    def number_or_none(self, key: str) -> float | None:
        return None if self.get(key) is None else self.number(key)

    def numbers(self, key: str, most: int) -> tuple[float, ...]:
        """A number, or a list of them in whatever nesting."""
        flat: list[float] = []
        waiting = [self.get(key)]
        while waiting:
            value = waiting.pop()
            if isinstance(value, list | tuple) and len(value) + len(waiting) <= most:
                waiting.extend(reversed(value))
            elif _is_number(value) and len(flat) < most:
                flat.append(float(value))
            else:
                raise self.refused(key, f"at most {most} finite numbers")
        if not flat:
            raise self.refused(key, "at least one number")
        return tuple(flat)

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self.get(key, default)
        if not isinstance(value, bool):
            raise self.refused(key, "true or false")
        return value

    def choice(self, key: str, *known: str, default: str | None = None) -> str:
        value = self.get(key, default)
        if not isinstance(value, str) or value not in known:
            raise self.refused(key, " or ".join(known))
        return value

    def channels_last(self) -> None:
        self.choice("data_format", "channels_last", default="channels_last")

    def must_be(self, key: str, *allowed: Any) -> None:
        """A setting of which only some values are computed here; one that is absent has these."""
        value = self.get(key, allowed[0])
        if not any(type(value) is type(other) and value == other for other in allowed):
            raise self.refused(key, " or ".join(repr(other) for other in allowed))

    def finish(self) -> None:
        """Refuse a type other than float32, and every setting that was not asked for."""
        dtype = self._config.get("dtype", "float32")
        if isinstance(dtype, dict):
            config = dtype.get("config")
            dtype = config.get("name") if isinstance(config, dict) else None
        if dtype != "float32":
            raise Refused(
                f"a layer {self.kind} does not compute in float32; leave out mixed precision and "
                "quantisation"
            )
        for key in self._config:
            if key not in self._asked and not key.endswith(TRAINING_ONLY):
                shown = ascii(key)[1:41]
                raise Refused(f"a layer {self.kind} has a setting that is not known: {shown}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e30 and math.isfinite(value)


def _is_list(value: Any, length: int) -> bool:
    return isinstance(value, list | tuple) and len(value) == length
