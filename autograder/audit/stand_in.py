"""A function of ours in the place of a student's: the answers that a worker would send back.

Misconceptions call the reference, which no worker has; so they are answered for in this process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from autograder.bank import Bank
from autograder.diagnose import predict
from autograder.isolation import wire
from autograder.isolation.calls import Answer, EncodedCall

LARGEST = 2**26


def answers_of(bank: Bank, function: Callable[..., Any]) -> list[Answer]:
    """An answer to every call of a bank."""
    found: list[Answer] = []
    kept = Answer("fail", "nothing is kept")
    for call in bank.calls:
        if call.nodes is None:
            found.append(kept)
            continue
        found.append(as_answer(predict(function, _arguments(call))))
        if call.keep:
            kept = found[-1]
    return found


def as_answer(value: Any) -> Answer:
    """The answer that brings this value, or exception."""
    if isinstance(value, Exception):
        bases = [base.__name__ for base in type(value).__mro__ if base.__module__ == "builtins"]
        return Answer("error", f"{type(value).__name__}: {value}", raised=tuple(bases))
    encoder = wire.Encoder(LARGEST)
    try:
        node = encoder.add(value)
    except wire.WireError as error:
        return Answer("fail", str(error))
    return Answer("value", node=node, body=encoder.body)


def _arguments(call: EncodedCall) -> dict[str, Any]:
    decoder = wire.Decoder(call.body, layouts=True)
    return {name: decoder.read(node) for name, node in json.loads(call.nodes or "[]")}
