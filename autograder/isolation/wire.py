"""Values and frames between the grader and its worker: JSON for structure, raw bytes for arrays.

The worker holds student code, so whatever it sends is hostile until decoded here: no pickle, a
closed table of dtypes, every size checked before anything is allocated. The case bank on disk uses
the same encoding. The worker runs this file beside `worker.py`: standard library and NumPy only.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = b"CNNx"
HEADER = struct.Struct("<4sB3x16sIQ")
NONCE_BYTES = 16
MAX_META = 64 * 1024
# Answers that share a frame have no more bytes than this; a larger one has a frame of its own.
BUNCH_BYTES = 1024 * 1024
MAX_NDIM = 8
MAX_NODES = 10_000
MAX_DEPTH = 40
MAX_INT_DIGITS = 40
LARGEST_INT = 10**MAX_INT_DIGITS

# frame kinds
READY, SOURCES, CALLS, LOADED, ANSWERS, DONE = range(6)

DTYPES = {
    np.dtype(code).str[1:]: np.dtype(code).newbyteorder("<")
    for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
}

CODES = {dtype: code.encode() for code, dtype in DTYPES.items()}


class WireError(ValueError):
    """The bytes, or the value, do not fit the protocol."""


@dataclass(frozen=True)
class RandomSource:
    """Stands for `np.random.default_rng(seed)`: generators cross the wire as their seed."""

    seed: int


def dtype_code(dtype: np.dtype[Any]) -> str:
    """The table's code of a dtype (`f8`), or WireError: no objects, no structures, no complex."""
    code = dtype.str[1:]
    if code not in DTYPES:
        raise WireError(f"an array of dtype {dtype} cannot be judged; return float or int numbers")
    return code


def layout(array: np.ndarray) -> str:
    """How an array lies in memory; the worker lays its copy out the same way."""
    kind = "C"
    if not array.flags.c_contiguous:
        if any(stride < 0 for stride in array.strides):
            kind = "reversed"
        else:
            kind = "F" if array.flags.f_contiguous else "strided"
    return kind + ("" if array.flags.writeable else "!")


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How an array lies in memory: the memory as an array, and the window that is the array."""

    memory: np.ndarray
    window: tuple[slice, ...] | None
    frozen: bool

    @staticmethod
    def of(array: np.ndarray, kind: str) -> Arrangement:
        """The values of `array`, in memory of their own, arranged as `layout` named it."""
        frozen = kind.endswith("!")
        kind = kind.rstrip("!")
        if kind == "reversed":
            window = (slice(None, None, -1),) * array.ndim
            return Arrangement(np.array(array[window], order="C"), window, frozen)
        if kind == "strided":
            # Every second cell of a larger array whose other cells are poison.
            window = tuple(slice(1, 2 * n + 1, 2) for n in array.shape)
            memory = np.full([2 * n + 1 for n in array.shape], 77, dtype=array.dtype)
            memory[window] = array
            return Arrangement(memory, window, frozen)
        return Arrangement(np.array(array, order="F" if kind == "F" else "C"), None, frozen)

    @property
    def array(self) -> np.ndarray:
        """The array itself, to be read only."""
        return self.memory if self.window is None else self.memory[self.window]

    def copy(self) -> np.ndarray:
        """The array, in memory that nobody else has."""
        array = self.memory.copy(order="K")
        if self.window is not None:
            array = array[self.window]
        if self.frozen:
            array.flags.writeable = False
        return array


class Encoder:
    """Collects values: `add` gives the JSON node of each, `body` the bytes of all their arrays."""

    def __init__(self, max_bytes: int | None = None, *, layouts: bool = True) -> None:
        # Whether it matters how arrays lie in memory: for arguments it does, for results not.
        self._layouts = layouts
        self._chunks: list[bytes] = []
        self._size = 0
        self._nodes = 0
        self._max_bytes = max_bytes

    @property
    def body(self) -> bytes:
        return b"".join(self._chunks)

    def add(self, value: Any, depth: int = 0) -> Any:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise WireError(f"more than {MAX_DEPTH} lists inside one another; return an array")
        if self._nodes > MAX_NODES and self._max_bytes is not None:
            raise WireError(f"more than {MAX_NODES} separate values; return an array")
        kind = type(value)
        if kind is np.ndarray or isinstance(value, np.ndarray):
            return self._array(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return whole(value)
        if kind is float:
            return {"f": value.hex()}
        if isinstance(value, np.generic):
            scalar = np.asarray(value)
            return {"s": [dtype_code(scalar.dtype), scalar.tobytes().hex()]}
        # Subclasses (named tuples, ordered dictionaries) count as their plain contents.
        if isinstance(value, tuple):
            return {"t": [self.add(v, depth + 1) for v in tuple.__iter__(value)]}
        if isinstance(value, list):
            return [self.add(v, depth + 1) for v in list.__iter__(value)]
        if isinstance(value, dict):
            return {"d": [[str(k), self.add(v, depth + 1)] for k, v in dict.items(value)]}
        if kind is RandomSource:
            return {"r": value.seed}
        raise WireError(f"a value of type {kind.__name__[:80]} cannot be judged")

    def _array(self, value: np.ndarray) -> Any:
        base = np.asarray(value)  # a subclass counts as its plain data
        code = dtype_code(base.dtype)
        if base.ndim > MAX_NDIM:
            raise WireError(f"an array of {base.ndim} axes; at most {MAX_NDIM} can be judged")
        if self._max_bytes is not None and self._size + base.nbytes > self._max_bytes:
            told = f"too large a result: {base.nbytes} bytes, shape {base.shape}"
            raise WireError(f"{told}; at most {self._max_bytes} bytes can be judged")
        raw = np.ndarray.tobytes(base.astype(DTYPES[code], copy=False))
        self._size += len(raw)
        self._chunks.append(raw)
        return {"a": [code, list(base.shape), layout(base) if self._layouts else "C"]}


def plain_array(array: np.ndarray) -> tuple[bytes, bytes]:
    """The node of an array as text, and its bytes: what an encoder gives, in a third of the time.

    KeyError for a dtype that is not, to the byte order, in the table.
    """
    shape = ",".join(map(str, array.shape))
    return b'{"a":["%s",[%s],"C"]}' % (CODES[array.dtype], shape.encode()), array.tobytes()


class Decoder:
    """Reads the values of one encoder's nodes, in the order in which they were added."""

    def __init__(self, body: bytes | memoryview, *, layouts: bool = False) -> None:
        self._body = memoryview(body)
        self._at = 0
        self._nodes = 0
        # Whether arrays are private and in the layout they were sent with, or views of the body.
        self._layouts = layouts

    def read(self, node: Any, depth: int = 0) -> Any:
        self._nodes += 1
        if self._nodes > 50 * MAX_NODES or depth > MAX_DEPTH:
            raise WireError("too many or too deeply nested values")
        if isinstance(node, int):
            return whole(node)
        if node is None or isinstance(node, str):
            return node
        if isinstance(node, list):
            return [self.read(n, depth + 1) for n in node]
        if not isinstance(node, dict) or len(node) != 1:
            raise WireError("a value of no known form")
        ((tag, content),) = node.items()
        try:
            if tag == "a":
                return self._array(*content)
            if tag == "f":
                return float.fromhex(content)
            if tag == "s":
                code, raw = content
                return np.frombuffer(bytes.fromhex(raw), DTYPES[code], count=1)[0]
            if tag == "t":
                return tuple(self.read(n, depth + 1) for n in content)
            if tag == "d":
                return {str(k): self.read(n, depth + 1) for k, n in content}
            if tag == "r" and type(content) is int:
                return RandomSource(content)
        except (TypeError, ValueError, KeyError, OverflowError, RecursionError) as error:
            raise WireError("a value of no known form") from error
        raise WireError("a value of no known form")

    def _array(self, code: str, shape: list[int], kind: str) -> np.ndarray:
        dtype = DTYPES[code]
        if len(shape) > MAX_NDIM or not all(type(n) is int and n >= 0 for n in shape):
            raise WireError("a shape of no known form")
        size = math.prod(shape) * dtype.itemsize
        if size > len(self._body) - self._at:
            raise WireError("an array longer than the bytes that came with it")
        flat = np.frombuffer(self._body[self._at : self._at + size], dtype)
        self._at += size
        array = flat.reshape(shape)
        return Arrangement.of(array, kind).copy() if self._layouts else array

    @property
    def consumed(self) -> int:
        """How many bytes of the body belong to the values read so far."""
        return self._at


def whole(value: int) -> int:
    """A whole number that is not absurdly long."""
    if abs(value) >= LARGEST_INT:
        raise WireError(f"a whole number of more than {MAX_INT_DIGITS} digits")
    return value


compact = json.JSONEncoder(separators=(",", ":")).encode


def pack(kind: int, nonce: bytes, meta: Any, body: bytes = b"") -> bytes:
    """One frame."""
    return frame(kind, nonce, compact(meta).encode(), body)


def frame(kind: int, nonce: bytes, text: bytes, body: bytes = b"") -> bytes:
    """One frame whose JSON is written already."""
    return HEADER.pack(MAGIC, kind, nonce, len(text), len(body)) + text + body


def parse_meta(text: bytes) -> Any:
    """A frame's JSON, whatever it holds: bombs and nonsense are a WireError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireError("the answer's description is not JSON") from error
