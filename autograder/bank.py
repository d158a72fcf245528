"""The case bank: an exercise's cases, calls and expected values, made once and kept.

Drawing a case costs over a millisecond, replaying it a tenth of that. So everything that does not
depend on the submission is computed once for an exercise, a seed and a version of the kit: it
serves a whole class and every later check.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from autograder import __version__
from autograder.isolation import wire
from autograder.isolation.parent import Encoded, EncodedCall
from autograder.spec import Case, Exercise, Law, Refusal

PUBLIC = "public"
CACHE_VARIABLE = "AUTOGRADER_CACHE"
MAX_KEPT = 4


@dataclass(frozen=True)
class Seed:
    """Which cases are drawn. A secret one never appears in an output and never on disk."""

    text: str = PUBLIC

    @property
    def secret(self) -> bool:
        return self.text != PUBLIC

    @property
    def label(self) -> str:
        return "secret" if self.secret else PUBLIC

    def number(self, exercise: Exercise, kind: str) -> int:
        from autograder.strategies import number

        return number(self.text, exercise.name, kind)


@dataclass(frozen=True)
class Bank:
    """`plan` says of every law which cases it judges and which calls' answers it needs."""

    cases: Sequence[Case]
    calls: Sequence[EncodedCall]
    groups: Sequence[str]  # the kind of each call
    plan: dict[str, Sequence[tuple[int, tuple[int, ...]]]]
    main: Sequence[int]  # the call of each case that just makes the case


class Banks:
    """The banks of one seed: in memory, in the cache folder, or drawn when first asked for."""

    def __init__(self, seed: Seed | None = None) -> None:
        self.seed = seed or Seed()
        self._known: dict[str, Bank] = {}

    def of(self, exercise: Exercise) -> Bank:
        if exercise.name not in self._known:
            self._known[exercise.name] = self._load(exercise) or self._make(exercise)
        return self._known[exercise.name]

    def _make(self, exercise: Exercise) -> Bank:
        bank = make(exercise, self.seed)
        if not self.seed.secret:
            _write(_file(exercise, self.seed), _dump(bank))
        return bank

    def _load(self, exercise: Exercise) -> Bank | None:
        if self.seed.secret:
            return None
        try:
            return _parse(_file(exercise, self.seed).read_bytes())
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None  # not there, or damaged: it is made anew


def make(exercise: Exercise, seed: Seed) -> Bank:
    """Draw every kind's cases and evaluate the reference on them."""
    from autograder.strategies import draw_cases

    cases = [
        exercise.case(kind, arguments)
        for kind, draw in exercise.kinds.items()
        for arguments in draw_cases(draw, seed.number(exercise, kind), exercise.cases)
    ]
    return plan(exercise, cases)


def plan(exercise: Exercise, cases: Sequence[Case]) -> Bank:
    """Which calls the laws need for these cases; calls that laws share are made once."""
    calls: list[EncodedCall] = []
    groups: list[str] = []
    known: dict[EncodedCall, int] = {}

    def add(call: EncodedCall, group: str) -> int:
        calls.append(call)
        groups.append(group)
        return len(calls) - 1

    def once(arguments: dict[str, Any], group: str) -> int:
        call = EncodedCall.of(arguments)
        if call not in known:
            known[call] = add(call, group)
        return known[call]

    main = [once(case.arguments, case.kind) for case in cases]
    needs: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
    for law in exercise.laws:
        entries = needs.setdefault(law.name, [])
        for number, case in enumerate(cases):
            if case.kind not in exercise.kinds_of(law):
                continue
            if law.calls is None:
                entries.append((number, (main[number],)))
            elif law.reread:
                # These stay together and in order: no call of another law may come between.
                group = f"{law.name} {number}"
                made = [
                    add(EncodedCall.of(arguments, keep=i == 0), group)
                    for i, arguments in enumerate(law.calls(case.arguments))
                ]
                entries.append((number, (*made, add(EncodedCall(None), group))))
            else:
                group = f"{law.name} {case.kind}"
                made = [once(arguments, group) for arguments in law.calls(case.arguments)]
                entries.append((number, tuple(made)))
    ready = _with_right(calls, cases, main)
    return Bank(tuple(cases), ready, tuple(groups), dict(needs), tuple(main))


def calls_for(law: Law, arguments: dict[str, Any]) -> list[EncodedCall]:
    """The calls that one law needs for one case."""
    wanted = law.calls(arguments) if law.calls is not None else (arguments,)
    calls = [EncodedCall.of(a, keep=law.reread and i == 0) for i, a in enumerate(wanted)]
    return [*calls, EncodedCall(None)] if law.reread else calls


# --- on disk


def cache_folder() -> Path:
    """Where banks are kept between runs."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("cnn-exercise-kit"))


def _file(exercise: Exercise, seed: Seed) -> Path:
    """The bank's file. Its name changes with everything that the bank depends on."""
    import reference

    drawn_by = version("hypothesis")
    parts = [__version__, np.__version__, drawn_by, seed.text, reference.backend()]
    ours = Path(__file__).parent
    sources = [
        ours / "specs" / f"{exercise.topic}.py",
        *sorted(ours.glob("*.py")),
        *sorted((ours / "specs").glob("_*.py")),
        *sorted(Path(reference.__file__).parent.rglob("*.*")),
    ]
    for source in sources:
        if source.suffix in (".py", ".so", ".pyd"):
            stat = source.stat()
            parts.append(f"{source.name} {stat.st_size} {stat.st_mtime_ns}")
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return cache_folder() / f"{exercise.name}-{key}.bank"


def _dump(bank: Bank) -> bytes:
    encoder = wire.Encoder()
    cases = []
    values = []
    for case in bank.cases:
        arguments = encoder.add(case.arguments)
        if case.right is None:
            cases.append([case.kind, arguments, {"refusal": case.expected.message}])
            continue
        tolerance = encoder.add(case.tolerance)
        values.append(case.right.body)
        size = len(case.right.body)
        outcome = {"value": case.right.node, "size": size, "tolerance": tolerance}
        cases.append([case.kind, arguments, outcome])
    head = json.dumps(
        {
            "cases": cases,
            "calls": [[call.nodes, len(call.body), call.keep] for call in bank.calls],
            "groups": bank.groups,
            "plan": bank.plan,
            "main": bank.main,
        }
    ).encode()
    bodies = b"".join([*(call.body for call in bank.calls), *values])
    sizes = len(head).to_bytes(8, "little") + len(bodies).to_bytes(8, "little")
    content = sizes + head + bodies + encoder.body
    return hashlib.sha256(content).digest() + content


def _parse(data: bytes) -> Bank:
    content = memoryview(data)[32:]
    if hashlib.sha256(content).digest() != data[:32]:
        raise ValueError("a damaged bank")
    head_size = int.from_bytes(content[:8], "little")
    body_size = int.from_bytes(content[8:16], "little")
    head = json.loads(bytes(content[16 : 16 + head_size]))
    bodies = content[16 + head_size : 16 + head_size + body_size]
    # With their layouts, or a case from the disk would be another one than when it was drawn.
    decoder = wire.Decoder(content[16 + head_size + body_size :], layouts=True)
    at = 0

    def body(size: int) -> bytes:
        nonlocal at
        at += size
        return bytes(bodies[at - size : at])

    calls = [EncodedCall(nodes, body(size), keep) for nodes, size, keep in head["calls"]]
    cases = []
    for kind, node, outcome in head["cases"]:
        arguments = decoder.read(node)
        if "refusal" in outcome:
            cases.append(Case(kind, arguments, Refusal(outcome["refusal"])))
            continue
        tolerance = decoder.read(outcome["tolerance"])
        right = Encoded.from_node(outcome["value"], body(outcome["size"]))
        expected = wire.Decoder(right.body).read(right.node)
        cases.append(Case(kind, arguments, expected, tolerance, right))
    plans: dict[str, Sequence[tuple[int, tuple[int, ...]]]] = {
        law: tuple((number, tuple(made)) for number, made in entries)
        for law, entries in head["plan"].items()
    }
    main = tuple(head["main"])
    known = _with_right(calls, cases, main)
    return Bank(tuple(cases), known, tuple(head["groups"]), plans, main)


def _with_right(
    calls: Sequence[EncodedCall], cases: Sequence[Case], main: Sequence[int]
) -> tuple[EncodedCall, ...]:
    """The calls that just make a case know its right answer."""
    known = list(calls)
    for case, i in zip(cases, main, strict=True):
        known[i] = dataclasses.replace(known[i], right=case.right)
    return tuple(known)


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all; a cache that cannot be written only costs time."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as temporary:
            try:
                temporary.write(data)
                temporary.flush()
                os.replace(temporary.name, file)
            except OSError:
                os.unlink(temporary.name)
        _forget_old(file)
    except OSError:
        return


def _forget_old(file: Path) -> None:
    """Of an exercise's banks only the latest are kept: the others are of versions long gone."""
    name = file.name.rpartition("-")[0]
    banks = sorted(file.parent.glob(f"{name}-*.bank"), key=lambda bank: bank.stat().st_mtime)
    for old in banks[:-MAX_KEPT]:
        old.unlink(missing_ok=True)
