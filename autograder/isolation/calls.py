"""Calls and their answers, as the trusted side knows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from autograder.isolation import wire


@dataclass(frozen=True)
class Encoded:
    """A value as it crosses the wire: its node, the bytes of its arrays, its answer's text."""

    node: Any
    body: bytes
    text: bytes

    @staticmethod
    def of(value: Any) -> Encoded:
        encoder = wire.Encoder(layouts=False)
        return Encoded.from_node(encoder.add(value), encoder.body)

    @staticmethod
    def from_node(node: Any, body: bytes) -> Encoded:
        return Encoded(node, body, wire.compact({"v": node}).encode())

    @cached_property
    def answer(self) -> Answer:
        """The answer that brings this value, and of which there is nothing else to say."""
        return Answer("value", node=self.node, body=self.body, exact=True)


@dataclass(frozen=True)
class EncodedCall:
    """The arguments of one call, ready to send; `nodes` is JSON, None reads the kept result.

    `right` is what the right answer looks like on the wire, where it is known: an answer of the
    same bytes need not be read. It is compared here and never sent.
    """

    nodes: str | None
    body: bytes = b""
    keep: bool = False
    right: Encoded | None = field(default=None, compare=False)

    @staticmethod
    def of(arguments: Mapping[str, Any], keep: bool = False) -> EncodedCall:
        encoder = wire.Encoder()
        nodes = [[name, encoder.add(value)] for name, value in arguments.items()]
        return EncodedCall(json.dumps(nodes, separators=(",", ":")), encoder.body, keep)

    @staticmethod
    def batch(calls: Sequence[EncodedCall]) -> tuple[bytes, bytes]:
        """Calls as the worker prepares them: JSON, and the bytes of all their arrays."""
        items = (f"[{call.nodes or 'null'},{len(call.body)},{int(call.keep)}]" for call in calls)
        return f"[{','.join(items)}]".encode(), b"".join(call.body for call in calls)


@dataclass
class Answer:
    """What came back from one call: a value, or the status of its absence."""

    status: str  # value, fail (no judgeable value), or one of the verdict's statuses
    message: str = ""
    node: Any = None
    body: bytes = b""
    raised: tuple[str, ...] = ()  # built-in classes of the exception
    touched: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    overlaps: bool = False  # cells of the result share memory with each other
    seconds: float = 0.0  # CPU time, where a law asked for it
    printed: str = ""
    at_import: bool = False  # the module never came to the call
    exact: bool = False  # the right answer to the bit, with nothing else to say of it

    @cached_property
    def value(self) -> Any:
        return wire.Decoder(self.body).read(self.node)
