"""Text that came from student code, made harmless; and numbers and arrays as people write them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np

from autograder.compare import number
from autograder.isolation.wire import RandomSource
from autograder.outline import nested, numbers_in, outline

# Nobody works more numbers out on paper.
MAX_NUMBERS = 100

# Control characters, invisible formats, bidirectional overrides, lone surrogates, private use.
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and accents that nobody sees: joiners, fillers, selectors of variants. A program that
# compares texts as people do, such as GitHub's runner, passes over them too.
_RANGES = range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)
_UNSEEN = {*map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0))}.union(
    *(map(chr, numbers) for numbers in _RANGES)
)
# That runner takes `::` at the start of a line, behind any blanks, for a command; it and others
# (Azure Pipelines, TeamCity) take `##[`, `##vso[` and the like, wherever they stand.
_COMMAND = re.compile(r"^\s*(?=::)|##(?=\w*\[)", re.MULTILINE)


def visible(text: str) -> str:
    """Student text with every character spelled out that does not show; line ends and tabs stay."""
    return "".join(c if c in "\n\t" or not _does_not_show(c) else _spelled(c) for c in text)


def _does_not_show(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE or character in _UNSEEN


def shortened(text: str, limit: int) -> str:
    """Visible, and no longer than a page can take."""
    # Cut first, since spelling out is slow and student text may be long.
    text = visible(text[: limit + 1])
    return text if len(text) <= limit else f"{text[: limit - 2]} …"


def for_log(text: str) -> str:
    """Visible, with a backslash where a CI that keeps the log would see a command.

    A line that is wrapped has more beginnings, so its pieces come here once more; a text that has
    been here does not change.
    """
    return _COMMAND.sub(lambda found: found[0] + "\\", visible(text))


def json_for_log(text: str) -> str:
    """The same JSON in which no CI sees a command; its strings never begin a line."""
    return text.replace("##", "#\\u0023")


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def points(value: float) -> str:
    """3, 0.5, 41.5."""
    return f"{value:g}"


def value(item: Any) -> str:
    """An argument or a result as one line: an array as nested lists, or its outline."""
    if isinstance(item, np.ndarray):
        if item.size == 0:
            return f"empty, shape {item.shape}"
        if numbers_in(item) > MAX_NUMBERS:
            return f"an array of shape {item.shape}"
        text = str(outline(item) or nested(item.tolist()))
        return text if item.dtype == np.float64 else f"{text} ({item.dtype})"
    if isinstance(item, np.generic):
        return value(item.item())
    if isinstance(item, bool | str) or item is None:
        return repr(item)
    if isinstance(item, int | float):
        return number(item) if isinstance(item, float) else str(item)
    if isinstance(item, dict):
        return "{" + ", ".join(f"{k!r}: {value(v)}" for k, v in item.items()) + "}"
    if isinstance(item, list | tuple):
        inner = ", ".join(value(v) for v in item)
        if isinstance(item, list):
            return f"[{inner}]"
        return f"({inner},)" if len(item) == 1 else f"({inner})"
    if isinstance(item, RandomSource):
        return f"default_rng({item.seed})"
    return str(item)


def cell(item: Any, index: tuple[int, ...] | None) -> str:
    """One number of a result, or the whole of it where it is no array."""
    if index is not None and isinstance(item, np.ndarray) and len(index) == item.ndim:
        return number(item[index])
    return value(item)
