"""How much of the shipped backbone a model holds: by what its layers compute, to the bit.

A layer's fingerprint is a hash of its class, its settings, its weights and the fingerprints of its
inputs, back to the pixels. So two nodes with one fingerprint give the same numbers, whatever they
are called and however models are put into one another; layers that only act in training count as
not there.
"""

from __future__ import annotations

import hashlib
import math

from autograder.capstone.model import Model
from autograder.capstone.rubric import Transfer


def fingerprints(model: Model) -> list[bytes]:
    """One for each node of the model's graph."""
    prints: list[bytes] = []
    for node in model.graph.nodes:
        if node.layer is None:
            prints.append(b"pixels")
        elif node.layer.is_identity:
            prints.append(prints[node.inputs[0]])
        else:
            digest = hashlib.sha256()
            for part in (
                repr((node.layer.kind, node.layer.settings)).encode(),
                *(array.tobytes() for array in model.weights_of(node)),
                *(prints[i] for i in node.inputs),
            ):
                digest.update(len(part).to_bytes(8, "little") + part)
            prints.append(digest.digest())
    return prints


def depths(model: Model) -> dict[bytes, int]:
    """By fingerprint: how many layers with weights its numbers have come through."""
    behind: list[frozenset[bytes]] = []
    found: dict[bytes, int] = {}
    for node, own in zip(model.graph.nodes, fingerprints(model), strict=True):
        passed = frozenset().union(*(behind[i] for i in node.inputs))
        if node.weights:
            passed |= {own}
        behind.append(passed)
        found[own] = len(passed)
    return found


def compare(model: Model, backbone: Model) -> Transfer:
    """What of the backbone every way from the pixels to the answer comes through."""
    known = depths(backbone)
    total = max(known.values(), default=0)
    kept: list[int] = []
    matched: set[bytes] = set()
    own: dict[str, int] = {}
    for node, print_ in zip(model.graph.nodes, fingerprints(model), strict=True):
        if print_ in known:
            # Numbers of the backbone; at the pixels there is nothing behind them yet.
            kept.append(known[print_])
            if node.weights:
                matched.add(print_)
        else:
            kept.append(min(kept[i] for i in node.inputs))
            for path in node.weights:
                own[path] = math.prod(model.arrays[path].shape)
    return Transfer(kept[model.graph.output], total, len(matched), sum(own.values()))
