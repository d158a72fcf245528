"""Prepared calls: every call gets arguments of its own, and what became of them is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from autograder.isolation import wire
from autograder.isolation.calls import EncodedCall


@pytest.fixture(scope="module")
def batch():
    """The module as the worker has it: beside `wire`, and in no package."""
    folder = str(Path(wire.__file__).parent)
    sys.path.insert(0, folder)
    try:
        import batch
    finally:
        sys.path.remove(folder)
    yield batch
    del sys.modules["batch"], sys.modules["wire"]


@pytest.fixture
def prepared(batch):
    """`prepared(arguments, ...)`: the calls as the worker holds them."""

    def made(*calls, keep=False):
        entries, body = EncodedCall.batch([EncodedCall.of(c, keep) for c in calls])
        return batch.prepare(json.loads(entries), body)

    return made


def fresh(call):
    return [part.fresh() for part in call.parts]


X = np.arange(12.0).reshape(3, 4)
FROZEN = np.arange(3.0)
FROZEN.flags.writeable = False
VALUES = [
    X,
    X[::-1, ::-1],
    np.asfortranarray(X),
    np.repeat(X, 2, axis=-1)[..., ::2],
    FROZEN,
    np.zeros((0, 3), np.float32),
    np.float32(1.5),
    [1, 2.5, None, "same"],
    (1, (2, 3)),
    (X, 1),
    {"w": X, "layers": [{"kind": "conv"}]},
    float("nan"),
    -0.0,
    True,
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_arguments_come_as_they_were_sent_and_untouched(prepared, value):
    (call,) = prepared({"value": value})
    (argument,) = fresh(call)
    assert repr(argument) == repr(value)
    assert type(argument) is type(value)
    if isinstance(value, np.ndarray):
        assert wire.layout(argument) == wire.layout(value)
    assert call.touched([argument]) == []


def test_every_call_has_memory_of_its_own(prepared):
    first, second = prepared({"x": X, "w": X}, {"x": X, "w": {"w": X}})
    arrays = [*fresh(first), *fresh(first), fresh(second)[0], fresh(second)[1]["w"]]
    for i, array in enumerate(arrays):
        array += 1
        assert not any(np.shares_memory(array, other) for other in arrays[:i])
    assert (fresh(first)[0] == X).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a["x"].__setitem__((0, 0), 5),
        lambda a: a["x"].__setitem__((0, 0), -0.0),
        lambda a: setattr(a["x"], "shape", (4, 3)),
        lambda a: setattr(a["x"], "dtype", np.int64),
        lambda a: a["sizes"].append(1),
        lambda a: a["sizes"].__setitem__(0, 1.0),
        lambda a: a["sizes"].clear(),
        lambda a: a["layers"].pop("w"),
        lambda a: a["layers"]["w"].__setitem__(0, 1),
        lambda a: a["layers"].update(b=1),
        lambda a: a["pair"][0].__setitem__((0, 0), 7),
    ],
)
def test_what_is_changed_is_told(prepared, change):
    sent = {"x": X, "sizes": [1, 2], "layers": {"w": np.zeros(2)}, "pair": (X, 1)}
    (call,) = prepared(sent)
    arguments = dict(zip(call.names, fresh(call), strict=True))
    change(arguments)
    touched = call.touched(list(arguments.values()))
    assert len(touched) == 1
    changed = {name for name in sent if repr(arguments[name]) != repr(sent[name])}
    assert changed <= set(touched)


def test_not_a_number_is_itself(prepared):
    (call,) = prepared({"x": np.array([np.nan, -0.0]), "k": float("nan")})
    assert call.touched(fresh(call)) == []


def test_a_generator_is_there_to_be_drawn_from(prepared):
    (call,) = prepared({"rng": wire.RandomSource(5)})
    (rng,) = fresh(call)
    np.testing.assert_array_equal(rng.random(3), np.random.default_rng(5).random(3))
    assert call.touched([rng]) == []
    assert fresh(call)[0].random() == np.random.default_rng(5).random()


@pytest.mark.parametrize(
    ("result", "names"),
    [
        (lambda x, d: x, ["x"]),
        (lambda x, d: x[1:], ["x"]),
        (lambda x, d: x.T[::-1], ["x"]),
        (lambda x, d: d["w"], ["d"]),
        (lambda x, d: d["w"].reshape(-1), ["d"]),
        (lambda x, d: x.copy(), []),
        (lambda x, d: np.zeros(4)[1:], []),
    ],
)
def test_whose_memory_a_result_shares(batch, prepared, result, names):
    (call,) = prepared({"x": X, "k": 3, "d": {"w": X}})
    x, k, d = fresh(call)
    results = list(batch.arrays(result(x, d)))
    assert call.shared([x, k, d], results) == names


def test_equal_parts_are_one_object_and_unequal_ones_are_not(prepared):
    first, second = prepared(
        {"x": X, "stride": (1, 2), "a": 0.0, "b": 1},
        {"x": X, "stride": (1, 2), "a": -0.0, "b": True},
    )
    assert first.parts[0] is second.parts[0]
    assert first.parts[1] is second.parts[1]
    assert str(fresh(first)[2:]) == "[0.0, 1]"
    assert str(fresh(second)[2:]) == "[-0.0, True]"


def test_only_the_call_that_is_kept_is_kept(prepared):
    assert [call.keep for call in prepared({"x": 1}, keep=True)] == [True]
    assert [call.keep for call in prepared({"x": 1})] == [False]


def test_a_kept_result_is_no_call(batch):
    entries, body = EncodedCall.batch([EncodedCall.of({"x": 1}), EncodedCall(None)])
    assert batch.prepare(json.loads(entries), body)[1] is None
