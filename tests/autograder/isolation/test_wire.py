"""The wire: what goes in comes out, and nothing that does not fit the protocol comes through."""

from __future__ import annotations

import collections
import contextlib
import json
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.isolation import wire
from autograder.isolation.wire import Decoder, Encoder, RandomSource, WireError

TABLE = sorted(wire.DTYPES)
NONCE = bytes(range(wire.NONCE_BYTES))


def sent(value, **decoding):
    """The value after its way through JSON and bytes."""
    encoder = Encoder()
    node = json.loads(json.dumps(encoder.add(value)))
    decoder = Decoder(encoder.body, **decoding)
    received = decoder.read(node)
    assert decoder.consumed == len(encoder.body)
    return received


def same(first, second):
    """Equal to the last bit, with equal types."""
    assert type(first) is type(second)
    if isinstance(first, np.ndarray):
        assert first.dtype == second.dtype
        assert first.shape == second.shape
        assert first.tobytes() == second.tobytes()
    elif isinstance(first, np.generic):
        assert first.tobytes() == second.tobytes()
    elif isinstance(first, float):
        assert math.isnan(first) == math.isnan(second)
        assert math.isnan(first) or first.hex() == second.hex()
    elif isinstance(first, dict):
        assert list(first) == list(second)
        for key in first:
            same(first[key], second[key])
    elif isinstance(first, list | tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            same(one, other)
    else:
        assert first == second


dtypes = st.sampled_from([np.dtype(code) for code in TABLE])
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**39), 10**39),
    st.floats(),
    st.text(),
    dtypes.flatmap(lambda dtype: hnp.arrays(dtype, ())).map(lambda array: array[()]),
)
values = st.recursive(
    scalars | arrays,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=5), inner, max_size=4),
    ),
    max_leaves=8,
)
LAYOUTS = ("C", "F", "reversed", "strided")


@given(values)
@example([float("nan"), -0.0, float("inf"), 5e-324])
@example({"conv1.w": np.zeros((0, 3)), "": (1, [2.5, None])})
def test_values_come_out_as_they_went_in(value):
    same(sent(value), value)


@given(arrays.filter(lambda array: array.ndim), st.sampled_from(LAYOUTS), st.booleans())
def test_arrays_keep_their_layout(array, kind, frozen):
    laid = wire.Arrangement.of(array, kind + "!" * frozen).copy()
    received = sent(laid, layouts=True)
    same(received, np.asarray(array))
    assert wire.layout(received) == wire.layout(laid)
    assert received.flags.writeable is not frozen
    if array.size > 1 and min(array.shape) > 1:
        assert wire.layout(laid).rstrip("!") == (kind if array.ndim > 1 or kind != "F" else "C")


def test_a_laid_out_array_is_private():
    array = np.arange(6.0).reshape(2, 3)
    for kind in LAYOUTS:
        assert not np.shares_memory(wire.Arrangement.of(array, kind).copy(), array)


def test_generators_cross_as_their_seed():
    assert sent(RandomSource(5)) == RandomSource(5)


def test_several_values_share_one_body():
    encoder = Encoder()
    nodes = [encoder.add(np.arange(n)) for n in (3, 0, 2)]
    decoder = Decoder(encoder.body)
    assert [decoder.read(node).tolist() for node in nodes] == [[0, 1, 2], [], [0, 1]]
    assert decoder.consumed == 40


def test_bytes_in_the_other_order_are_turned():
    array = np.array([1.0, 2.0]).astype(">f8")
    same(sent(array), np.array([1.0, 2.0]))


def test_subclasses_count_as_their_contents():
    class Liar(np.ndarray):
        def __eq__(self, other):
            return True

        def __array__(self, *args, **kwargs):
            return np.full(3, 7.0)

        def tobytes(self, order="C"):
            return b"\0" * 24

    class Inventive(list):
        def __iter__(self):
            return iter([7, 7])

    Pair = collections.namedtuple("Pair", "connections parameters")
    same(sent(np.arange(3.0).view(Liar)), np.arange(3.0))
    same(sent(np.ma.masked_array([1.0, 2.0], mask=[True, False])), np.array([1.0, 2.0]))
    same(sent(Pair(1, 2)), (1, 2))
    same(sent(collections.OrderedDict(a=1)), {"a": 1})
    same(sent(Inventive([1])), [1])


@pytest.mark.parametrize(
    "value",
    [
        np.array([None]),
        np.array([1 + 2j]),
        np.array(["a"]),
        np.zeros(2, dtype=[("a", "f8")]),
        np.array([1, 2], dtype="M8[s]"),
        np.zeros((1,) * 9),
        object(),
        {1, 2},
        b"bytes",
        1 + 2j,
        np.complex128(1),
        10**40,
        lambda: None,
        np.float64,
    ],
    ids=lambda value: str(getattr(value, "dtype", type(value).__name__)),
)
def test_values_that_nobody_can_judge_are_refused(value):
    with pytest.raises(WireError):
        Encoder().add(value)


def test_long_double_is_refused_where_it_is_longer():
    if np.dtype(np.longdouble).itemsize == 8:
        pytest.skip("long double is double here")
    with pytest.raises(WireError):
        Encoder().add(np.zeros(1, np.longdouble))


def test_a_reply_is_bounded():
    # 8 TiB of addresses, 8 bytes of memory: the size is known before anything is copied.
    huge = np.broadcast_to(1.0, (2**40,))
    with pytest.raises(WireError, match="too large"):
        Encoder(1024).add(huge)
    with pytest.raises(WireError, match="too large"):
        Encoder(1024).add([np.zeros(100), np.zeros(100)])
    with pytest.raises(WireError, match="return an array"):
        Encoder(1024).add([0] * (wire.MAX_NODES + 1))


def test_lists_within_lists_are_bounded():
    nested: list = []
    for _ in range(wire.MAX_DEPTH - 1):
        nested = [nested]
    same(sent(nested), nested)
    with pytest.raises(WireError, match="inside one another"):
        Encoder().add([[[nested]]])
    endless: list = []
    endless.append(endless)
    with pytest.raises(WireError):
        Encoder().add(endless)


# --- hostile bytes

EIGHT = bytes(8)


@pytest.mark.parametrize(
    ("node", "body"),
    [
        ({"a": ["O8", [1], "C"]}, EIGHT),
        ({"a": ["c8", [1], "C"]}, EIGHT),
        ({"a": ["V8", [1], "C"]}, EIGHT),
        ({"a": ["f8", [2], "C"]}, EIGHT),
        ({"a": ["f8", [-1], "C"]}, EIGHT),
        ({"a": ["f8", [-1, -1], "C"]}, EIGHT),
        ({"a": ["f8", [2**62], "C"]}, EIGHT),
        ({"a": ["f8", [2**62, 2**62], "C"]}, EIGHT),
        ({"a": ["f8", [2**31, 2**33], "C"]}, EIGHT),  # 2**64 wraps to 0 in 64 bits
        ({"a": ["f8", [0, 2**62, 2**62], "C"]}, EIGHT),
        ({"a": ["f8", [0, 10**30], "C"]}, EIGHT),
        ({"a": ["f8", [True], "C"]}, EIGHT),
        ({"a": ["f8", [1.0], "C"]}, EIGHT),
        ({"a": ["f8", ["1"], "C"]}, EIGHT),
        ({"a": ["f8", [float("nan")], "C"]}, EIGHT),
        ({"a": ["f8", [1] * 9, "C"]}, EIGHT),
        ({"a": ["f8", None, "C"]}, EIGHT),
        ({"a": ["f8", {"0": 1}, "C"]}, EIGHT),
        ({"a": ["f8", 1, "C"]}, EIGHT),
        ({"a": [["f8"], [1], "C"]}, EIGHT),
        ({"a": ["f8", [1]]}, EIGHT),
        ({"a": ["f8", [1], "C", 0]}, EIGHT),
        ({"a": 1}, EIGHT),
        ({"a": None}, EIGHT),
        ({"f": 1.0}, b""),
        ({"f": "0x1p99999"}, b""),
        ({"f": "hello"}, b""),
        ({"s": ["f8", "00"]}, b""),
        ({"s": ["f8", "zz"]}, b""),
        ({"s": ["O8", "00" * 8]}, b""),
        ({"s": "f8"}, b""),
        ({"t": 5}, b""),
        ({"d": [["a"]]}, b""),
        ({"d": {"a": 1}}, b""),
        ({"r": "seed"}, b""),
        ({"r": [1]}, b""),
        ({"r": True}, b""),
        ({"x": 1}, b""),
        ({"a": ["f8", [1], "C"], "f": "0x1p0"}, EIGHT),
        ({}, b""),
        (0.5, b""),
        (10**40, b""),
        (-(10**4000), b""),
        ([1, {"unknown": 2}], b""),
    ],
    ids=str,
)
def test_hostile_nodes_are_refused(node, body):
    decoder = Decoder(body)
    with pytest.raises(WireError):
        decoder.read(node)
    # Generators and layouts, which only the worker asks for, open no way either.
    with pytest.raises((WireError, ValueError)):
        Decoder(body, layouts=True).read(node)


def test_nesting_bombs_are_refused():
    deep: list = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(WireError):
        Decoder(b"").read(deep)
    tags: object = 0
    for _ in range(200):
        tags = {"t": [tags]}
    with pytest.raises(WireError):
        Decoder(b"").read(tags)
    with pytest.raises(WireError):
        wire.parse_meta(b"[" * 60_000)


def test_wide_bombs_are_refused():
    # One array of JSON, many thousand values: refused before they are all made.
    with pytest.raises(WireError):
        Decoder(b"").read([0] * (50 * wire.MAX_NODES + 1))


def test_keys_that_are_no_text_do_no_harm():
    deep: object = 0
    for _ in range(200):
        deep = [deep]
    assert list(Decoder(b"").read({"d": [[deep, 1]]})) == [str(deep)]


def test_bytes_behind_the_last_value_are_told():
    encoder = Encoder()
    node = encoder.add(np.arange(2.0))
    decoder = Decoder(encoder.body + b"\0")
    decoder.read(node)
    assert decoder.consumed == 16


@pytest.mark.parametrize("code", TABLE)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 1), (2, 3)])
def test_the_shortcut_for_arrays_says_the_same(code, shape):
    array = np.ones(shape, code)
    encoder = Encoder(layouts=False)
    text = wire.compact(encoder.add(array)).encode()
    assert wire.plain_array(array) == (text, encoder.body)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xfe", b'{"i":', b"nonsense", b"9" * 5000, b'{"a":1}}', b"\0"]
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(WireError):
        wire.parse_meta(text)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(text):
    with contextlib.suppress(WireError):
        wire.parse_meta(text)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([*TABLE, "O8", "C", "0x1p0"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["a", "f", "s", "t", "d", "r", "x"]), inner, max_size=2),
    ),
    max_leaves=12,
)


@given(json_values, st.binary(max_size=40))
def test_no_json_breaks_the_decoder(node, body):
    try:
        value = Decoder(body).read(node)
    except WireError:
        return
    # What was understood can be judged: it goes back into the wire as well.
    Encoder().add(value)


def test_frames_say_how_long_they_are():
    frame = wire.pack(wire.ANSWERS, NONCE, {"i": 0}, b"body")
    magic, kind, nonce, meta_size, body_size = wire.HEADER.unpack_from(frame)
    assert (magic, kind, nonce) == (wire.MAGIC, wire.ANSWERS, NONCE)
    assert len(frame) == wire.HEADER.size + meta_size + body_size
    assert frame.endswith(b'{"i":0}body')
