"""Pairs of submissions that are suspiciously alike: a hint for a person, never a score.

Winnowing, after S. Schleimer, D. Wilkerson, A. Aiken, "Winnowing: Local Algorithms for Document
Fingerprinting" (SIGMOD 2003): hash every run of K tokens, keep the smallest hash of every window of
W. Every common run of K + W - 1 tokens is found, common runs of less than K are not.

Names of variables, numbers, texts, comments and layout do not count, so a copy stays one when it is
renamed. What the stubs hold does not count, and neither does what many submissions share.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from pathlib import Path

from autograder.submissions import Submission

K, W = 16, 8
# Alike is who shares so much of the shorter one's prints, and so many of them. The independent
# solutions in tests/submissions share a tenth at most.
LEAST_SHARE, LEAST_PRINTS = 0.3, 8
# What more than three and a tenth of the class have written is common knowledge.
COMMON, COMMON_SHARE = 3, 0.1
KEPT = {*keyword.kwlist, *dir(builtins)}
SKIPPED = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of a module."""

    module: str
    first: int
    last: int


# A print, and where in a submission it stands.
Prints = Mapping[int, Sequence[Place]]


@dataclass(frozen=True)
class Pair:
    """Two submissions, the share of the shorter one that is in both, and where it stands."""

    one: str
    other: str
    share: float
    prints: int
    places: tuple[tuple[Place, ...], tuple[Place, ...]]

    @property
    def modules(self) -> list[str]:
        """The modules with what is shared, the most of it first."""
        return [name for name, _ in Counter(p.module for p in self.places[0]).most_common()]


def pairs(
    submissions: Sequence[Submission], stubs: Iterable[str], least: float = LEAST_SHARE
) -> list[Pair]:
    """The pairs that are alike, the most alike first."""
    given: set[int] = set()
    for text in stubs:
        given |= {print_ for print_, _ in _runs(text, "")}
    found = [prints(submission, given) for submission in submissions]
    who: dict[int, list[int]] = {}
    for number, one in enumerate(found):
        for print_ in one:
            who.setdefault(print_, []).append(number)
    many = max(COMMON, COMMON_SHARE * len(submissions))
    shared: dict[tuple[int, int], list[int]] = {}
    for print_, numbers in who.items():
        if 1 < len(numbers) <= many:
            for pair in combinations(numbers, 2):
                shared.setdefault(pair, []).append(print_)
    alike = []
    for (i, j), common in shared.items():
        # Of the shorter one, what is common knowledge does not count either.
        own = min(sum(len(who[p]) <= many for p in found[n]) for n in (i, j))
        if len(common) >= LEAST_PRINTS and len(common) >= least * own:
            places = tuple(tuple(p for print_ in common for p in found[n][print_]) for n in (i, j))
            names = submissions[i].name, submissions[j].name
            alike.append(Pair(*names, len(common) / own, len(common), (places[0], places[1])))
    return sorted(alike, key=lambda pair: (-pair.share, -pair.prints, pair.one, pair.other))


def stubs_in(folder: Path) -> list[str]:
    """The text that every student was given."""
    return [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py"))]


def prints(submission: Submission, given: set[int]) -> Prints:
    """The winnowed prints of all modules, without those of the stubs."""
    found: dict[int, list[Place]] = {}
    for module, text in sorted(submission.sources.items()):
        for print_, place in _winnowed(list(_runs(text, module))):
            if print_ not in given:
                found.setdefault(print_, []).append(place)
    return found


def _winnowed(runs: list[tuple[int, Place]]) -> Iterator[tuple[int, Place]]:
    """The smallest print of each window, the last one of equals, each once."""
    last = -1
    for start in range(max(len(runs) - W + 1, min(len(runs), 1))):
        window = range(start, min(start + W, len(runs)))
        smallest = min(window, key=lambda i: (runs[i][0], -i))
        if smallest != last:
            last = smallest
            yield runs[smallest]


def _runs(text: str, module: str) -> Iterator[tuple[int, Place]]:
    """Every run of K tokens as a print, with its lines."""
    tokens = list(_tokens(text))
    for start in range(len(tokens) - K + 1):
        run = tokens[start : start + K]
        digest = blake2b(" ".join(word for word, _ in run).encode(), digest_size=8).digest()
        yield int.from_bytes(digest, "big"), Place(module, run[0][1], run[-1][1])


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """The words of a source that a renamed copy has too; up to where it is no Python."""
    docstrings = _docstrings(text)
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in SKIPPED or token.start in docstrings:
                continue
            word = token.string
            if token.type == tokenize.NAME and word not in KEPT and before != ".":
                word = "name"
            elif token.type == tokenize.NUMBER:
                word = "number"
            elif token.type == tokenize.STRING:
                word = "text"
            before = token.string
            yield word, token.start[0]
    except (tokenize.TokenError, SyntaxError):
        return


def _docstrings(text: str) -> set[tuple[int, int]]:
    """Where texts begin that are statements."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {
        (node.lineno, node.col_offset)
        for node in nodes
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
