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
from autograder.isolation.calls import Encoded, EncodedCall
from autograder.spec import Arguments, Case, Exercise, Law, Refusal

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

    def cached(self, exercise: Exercise) -> bool:
        """Whether the cache folder has this bank; it never has a secret one."""
        return not self.seed.secret and _file(exercise, self.seed).is_file()

    def dumped(self, exercise: Exercise) -> bytes:
        """The bank as bytes, for another process."""
        return _dump(self.of(exercise))

    def give(self, exercise: Exercise, data: bytes) -> None:
        """Take a bank from another process that drew it."""
        self._known[exercise.name] = _parse(data)

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
    rights: dict[tuple[str | None, bytes], Encoded | None] = {}

    def encoded(arguments: Arguments, keep: bool = False) -> EncodedCall:
        call = EncodedCall.of(arguments, keep)
        key = call.nodes, call.body
        if key not in rights:
            value = exercise.evaluate(arguments)
            rights[key] = None if isinstance(value, Refusal) else Encoded.of(value)
        return dataclasses.replace(call, right=rights[key])

    def add(call: EncodedCall, group: str) -> int:
        calls.append(call)
        groups.append(group)
        return len(calls) - 1

    def once(arguments: Arguments, group: str) -> int:
        call = encoded(arguments)
        if call not in known:
            known[call] = add(call, group)
        return known[call]

    for case in cases:
        call = EncodedCall.of(case.arguments)
        rights[call.nodes, call.body] = case.right
    main = [once(case.arguments, case.kind) for case in cases]
    needs: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
    for law in exercise.laws:
        entries = needs.setdefault(law.name, [])
        kinds = exercise.kinds_of(law)
        reread = _largest(cases, kinds, law.reread)
        for number, case in enumerate(cases):
            if case.kind not in kinds:
                continue
            if law.calls is None or (law.reread and number not in reread):
                entries.append((number, (main[number],)))
            elif law.reread:
                # These stay together and in order: no call of another law may come between.
                group = f"{law.name} {number}"
                made = [encoded(a, keep=i == 0) for i, a in enumerate(law.calls(case.arguments))]
                made.append(EncodedCall(None, right=made[0].right))
                entries.append((number, tuple(add(call, group) for call in made)))
            else:
                group = f"{law.name} {case.kind}"
                entries.append((number, tuple(once(a, group) for a in law.calls(case.arguments))))
    return Bank(tuple(cases), tuple(calls), tuple(groups), dict(needs), tuple(main))


def _largest(cases: Sequence[Case], kinds: Sequence[str], count: int) -> set[int]:
    """The numbers of the last cases of each kind: they come smallest first."""
    places: dict[str, list[int]] = {kind: [] for kind in kinds}
    for number, case in enumerate(cases):
        if case.kind in places:
            places[case.kind].append(number)
    return {
        number for numbers in places.values() for number in numbers[max(0, len(numbers) - count) :]
    }


def calls_for(law: Law, arguments: dict[str, Any]) -> list[EncodedCall]:
    """The calls that one law needs for one case."""
    wanted = law.calls(arguments) if law.calls is not None else (arguments,)
    calls = [EncodedCall.of(a, keep=bool(law.reread) and i == 0) for i, a in enumerate(wanted)]
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
        *sorted((ours / "specs").glob(f"{exercise.topic}.py")),
        *sorted((ours / "specs" / exercise.topic).glob("*.py")),  # where it is a package
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
    rights: dict[tuple[bytes, bytes], Encoded] = {}  # in the order of their numbers
    numbers: dict[tuple[bytes, bytes], int] = {}

    def number(right: Encoded | None) -> int | None:
        if right is None:
            return None
        key = right.text, right.body
        rights.setdefault(key, right)
        return numbers.setdefault(key, len(numbers))

    cases = []
    for case in bank.cases:
        outcome: dict[str, Any] = {"right": number(case.right)}
        if case.right is None:
            outcome["refusal"] = case.expected.message
        cases.append([case.kind, encoder.add(case.arguments), encoder.add(case.tolerance), outcome])
    calls = [[call.nodes, len(call.body), call.keep, number(call.right)] for call in bank.calls]
    head = json.dumps(
        {
            "cases": cases,
            "calls": calls,
            "rights": [[right.node, len(right.body)] for right in rights.values()],
            "groups": bank.groups,
            "plan": bank.plan,
            "main": bank.main,
        }
    ).encode()
    sent, known = (call.body for call in bank.calls), (right.body for right in rights.values())
    bodies = b"".join([*sent, *known])
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

    sent = [(nodes, body(size), keep, number) for nodes, size, keep, number in head["calls"]]
    rights = [Encoded.from_node(node, body(size)) for node, size in head["rights"]]

    def right(number: int | None) -> Encoded | None:
        return None if number is None else rights[number]

    calls = [EncodedCall(nodes, part, keep, right(number)) for nodes, part, keep, number in sent]
    cases = []
    for kind, node, allowed, outcome in head["cases"]:
        arguments, tolerance = decoder.read(node), decoder.read(allowed)
        expected = right(outcome["right"])
        if expected is None:
            cases.append(Case(kind, arguments, Refusal(outcome["refusal"]), tolerance))
        else:
            cases.append(Case(kind, arguments, expected.answer.value, tolerance, expected))
    plans: dict[str, Sequence[tuple[int, tuple[int, ...]]]] = {
        law: tuple((number, tuple(made)) for number, made in entries)
        for law, entries in head["plan"].items()
    }
    groups, main = tuple(head["groups"]), tuple(head["main"])
    return Bank(tuple(cases), tuple(calls), groups, plans, main)


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
