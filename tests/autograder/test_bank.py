"""The case bank: what comes from the disk is what was drawn, and the disk never matters."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

from autograder import bank as banking
from autograder import catalog
from autograder.bank import CACHE_VARIABLE, Banks, Seed, calls_for, make, plan
from autograder.compare import mismatch
from autograder.isolation.calls import EncodedCall
from autograder.isolation.wire import layout
from autograder.laws import agrees, fresh, shifted, untouched
from autograder.spec import Case, Exercise, Refusal
from autograder.tolerance import arrays_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def drawn(monkeypatch):
    """How often a bank was made and not read."""
    made = []
    real = banking.make

    def counted(exercise, seed):
        made.append(exercise.name)
        return real(exercise, seed)

    monkeypatch.setattr(banking, "make", counted)
    return made


def assert_same(first, second):
    assert [c.kind for c in first.cases] == [c.kind for c in second.cases]
    for one, other in zip(first.cases, second.cases, strict=True):
        # Encoded: names, values, dtypes and the layouts that student code will meet.
        assert EncodedCall.of(one.arguments) == EncodedCall.of(other.arguments)
        assert type(one.expected) is type(other.expected)
        if isinstance(one.expected, Refusal):
            assert one.expected == other.expected
        else:
            assert mismatch(one.expected, other.expected, 0.0) is None
            for a, b in zip(arrays_of(one.expected), arrays_of(other.expected), strict=True):
                assert a.dtype == b.dtype
    for name in ("calls", "groups", "main"):
        assert tuple(getattr(first, name)) == tuple(getattr(second, name))
    assert first.plan.keys() == second.plan.keys()
    for law in first.plan:
        assert [tuple(e) for e in first.plan[law]] == [tuple(e) for e in second.plan[law]]


SOME = ["output_size", "zero_pad2d", "conv2d", "max_pool2d_backward", "line_filter"]


@pytest.mark.parametrize("name", SOME)
def test_a_bank_from_the_disk_is_the_one_that_was_drawn(folder, drawn, exercise, name):
    first = Banks().of(exercise(name))
    assert drawn == [name]
    assert len(list(folder.glob(f"{name}-*.bank"))) == 1
    second = Banks().of(exercise(name))
    assert drawn == [name]
    assert first is not second
    assert_same(first, second)
    # What student code is called with later, when a case is tried again, is the same as well.
    for one, other in zip(first.cases, second.cases, strict=True):
        for a, b in zip(arrays_of(one.arguments), arrays_of(other.arguments), strict=True):
            assert layout(a) == layout(b)
            assert a.flags.writeable == b.flags.writeable


@pytest.mark.slow
@pytest.mark.parametrize("exercise", catalog.exercises(), ids=lambda e: e.name)
def test_every_bank_comes_back_from_the_disk(exercise):
    fresh_one = make(exercise, Seed())
    assert_same(fresh_one, banking._parse(banking._dump(fresh_one)))


def test_a_bank_is_drawn_once_in_a_run(folder, drawn, exercise):
    banks = Banks()
    assert banks.of(exercise("output_size")) is banks.of(exercise("output_size"))
    assert drawn == ["output_size"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data + b"\0",
        lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: bytes(len(data)),
        lambda data: b"\x80\x04\x95" + data,
    ],
)
def test_a_damaged_bank_is_made_anew(folder, drawn, exercise, damage):
    good = Banks().of(exercise("zero_pad2d"))
    (file,) = folder.glob("*.bank")
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert_same(Banks().of(exercise("zero_pad2d")), good)
    assert drawn == ["zero_pad2d"] * 2
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path, monkeypatch, drawn, exercise):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    for _ in range(2):
        assert Banks().of(exercise("output_size")).cases
    assert drawn == ["output_size"] * 2


def test_a_disk_that_is_full_leaves_nothing_half_done(folder, monkeypatch, exercise):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(banking.os, "replace", full)
    assert Banks().of(exercise("output_size")).cases
    assert list(folder.iterdir()) == []


def test_banks_of_old_versions_are_forgotten(folder, exercise, monkeypatch):
    for number in range(banking.MAX_KEPT + 2):
        monkeypatch.setattr(banking, "__version__", f"1.{number}")
        Banks().of(exercise("output_size"))
        for file in folder.glob("*.bank"):
            os.utime(file, ns=(file.stat().st_mtime_ns - 10**9,) * 2)  # a second older
    Banks().of(exercise("same_padding"))
    assert len(list(folder.glob("output_size-*.bank"))) == banking.MAX_KEPT
    assert len(list(folder.glob("same_padding-*.bank"))) == 1
    # The latest is among them: nothing is drawn again.
    assert banking._file(exercise("output_size"), Seed()).is_file()


def test_others_cannot_read_the_folder(folder, exercise):
    Banks().of(exercise("output_size"))
    assert folder.stat().st_mode & 0o077 == 0


def test_a_secret_seed_leaves_nothing_on_the_disk(folder, drawn, exercise):
    secret = Banks(Seed("the course's own words"))
    bank = secret.of(exercise("output_size"))
    assert not folder.exists()
    public = Banks().of(exercise("output_size"))
    arguments = [
        sorted(str(case.arguments) for case in b.cases if case.kind == "strided")
        for b in (bank, public)
    ]
    assert arguments[0] != arguments[1]
    # Public banks on the disk are not taken for secret ones.
    assert Banks(Seed("the course's own words")).of(exercise("output_size")) is not bank
    assert drawn == ["output_size"] * 3


def test_a_secret_seed_says_no_more_than_that():
    assert (Seed().secret, Seed().label) == (False, "public")
    assert (Seed("x").secret, Seed("x").label) == (True, "secret")
    assert (Seed("").secret, Seed("").label) == (True, "secret")


# --- the key


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A copy of the house that the key is made of, to be changed."""
    specs = tmp_path / "specs"
    specs.mkdir()
    (specs / "package").mkdir()
    (specs / "package" / "one.py").write_text("# as it is\n")
    for name in ("bank.py", "laws.py", "specs/padding.py", "specs/pooling.py", "specs/_layers.py"):
        (tmp_path / name).write_text("# as it is\n")
        os.utime(tmp_path / name, ns=(10**18, 10**18))
    monkeypatch.setattr(banking, "__file__", str(tmp_path / "bank.py"))
    return tmp_path


@pytest.mark.parametrize("file", ["specs/padding.py", "specs/_layers.py", "laws.py"])
def test_the_key_changes_with_the_sources(house, exercise, file):
    one = exercise("output_size")
    before = banking._file(one, Seed())
    assert banking._file(one, Seed()) == before
    (house / file).write_text("# another\n")
    assert banking._file(one, Seed()) != before


def test_the_key_changes_with_every_module_of_a_package(house, exercise):
    one = dataclasses.replace(exercise("output_size"), topic="package")
    keys = {banking._file(one, Seed())}
    (house / "specs" / "package" / "one.py").write_text("# another\n")
    keys.add(banking._file(one, Seed()))
    (house / "specs" / "package" / "_shared.py").write_text("# a new one\n")
    keys.add(banking._file(one, Seed()))
    assert len(keys) == 3


def test_the_key_is_of_one_topic(house, exercise):
    one = exercise("output_size")
    before = banking._file(one, Seed())
    (house / "specs" / "pooling.py").write_text("# another\n")
    (house / "specs" / "package" / "one.py").write_text("# another\n")
    assert banking._file(one, Seed()) == before


def test_the_key_changes_with_everything_else(monkeypatch, exercise):
    import reference

    one = exercise("output_size")
    files = {banking._file(one, Seed()), banking._file(one, Seed("other"))}
    for module, name, value in [
        (banking, "__version__", "9.9"),
        (np, "__version__", "9.9"),
        (banking, "version", lambda package: "9.9"),
        (reference, "backend", lambda: "pure"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            files.add(banking._file(one, Seed()))
    assert len(files) == 6


# --- which calls


def double(x):
    return x * 2.0


def kind(draw):
    return {"x": draw.whole(draw.size(1, 4))}


def toy(*laws):
    kinds = {"plain": kind, "more": kind}
    return Exercise(double, kinds=kinds, laws=laws, topic="padding", cases=4)


def some_cases(*sizes):
    return [Case("plain", {"x": np.ones(n)}, np.full(n, 2.0)) for n in sizes]


def test_laws_share_their_calls():
    bank = plan(toy(agrees(1), untouched(1, needs="agrees")), some_cases(1, 2))
    assert len(bank.calls) == 2
    assert bank.plan["agrees"] == bank.plan["untouched"]
    assert list(bank.main) == [0, 1]


def test_equal_cases_are_called_once():
    bank = plan(toy(agrees(1)), some_cases(1, 1, 2))
    assert len(bank.calls) == 2
    assert list(bank.main) == [0, 0, 1]
    assert [number for number, _ in bank.plan["agrees"]] == [0, 1, 2]


def test_a_law_has_its_kinds_alone():
    cases = [*some_cases(1), Case("more", {"x": np.ones(3)}, None)]
    bank = plan(toy(agrees(1, "more")), cases)
    assert [number for number, _ in bank.plan["agrees"]] == [1]
    # The case itself is called all the same: misconceptions are compared with it.
    assert len(bank.main) == 2


def test_a_changed_call_comes_beside_the_case():
    law = shifted("more", "more", 1, lambda a: {"x": a["x"] + 1}, lambda a, b, c: (c, b + 2))
    bank = plan(toy(agrees(1), law), some_cases(2))
    assert len(bank.calls) == 2
    assert list(bank.plan["more"]) == [(0, (0, 1))]
    assert bank.groups[0] != bank.groups[1]


def test_what_is_read_again_stays_together():
    exercise = toy(agrees(1), fresh(1), untouched(1, needs="agrees"))
    bank = plan(exercise, some_cases(2, 3))
    for (_, numbers), size in zip(bank.plan["fresh"], (2, 3), strict=True):
        first, second, again = numbers
        assert (second, again) == (first + 1, first + 2)
        assert bank.calls[first].keep
        assert not bank.calls[second].keep
        assert bank.calls[again] == EncodedCall(None)
        assert bank.calls[first] == EncodedCall.of({"x": np.ones(size)}, keep=True)
        assert len({bank.groups[i] for i in numbers}) == 1
    calls = [bank.calls[i] for i in bank.plan["fresh"][0][1]]
    assert calls == calls_for(exercise.laws[1], {"x": np.ones(2)})


def test_a_bank_holds_what_the_reference_says():
    def refusing(x):
        if x.size == 1:
            raise ValueError("too small")
        return double(x)

    exercise = dataclasses.replace(toy(agrees(1)), reference=refusing)
    for case in make(exercise, Seed()).cases:
        if case.arguments["x"].size == 1:
            assert case.expected == Refusal("too small")
        else:
            np.testing.assert_array_equal(case.expected, case.arguments["x"] * 2)
