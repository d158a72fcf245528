"""The untrusted side: runs a submission's functions on the arguments it is sent, and answers.

Forked by `forkserver.py`, with nothing of the autograder importable: the standard library, NumPy
and `wire.py` are all it has. It judges nothing. It holds no expected value, no law and no
seed, so student code that takes over this process gains only the power to send other answers.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import math
import os
import re
import socket
import sys
import time
import traceback
import types
from typing import Any

import numpy

PACKAGE = "exercises"
CPU_GRACE = 5  # seconds
MOST_LOOKS = 10_000
FLUSH_SECONDS = 0.005
# Calls that take less are told in sum only.
NOTABLE_SECONDS = 0.001


def apply_rlimits(limits: dict[str, Any]) -> None:
    try:
        import resource
    except ImportError:  # Windows has none
        return
    wanted = {
        "RLIMIT_AS": limits["memory_bytes"],
        "RLIMIT_CPU": limits["worker_seconds"],
        "RLIMIT_FSIZE": limits["file_bytes"],
        "RLIMIT_NOFILE": limits["open_files"],
        "RLIMIT_STACK": limits["stack_bytes"],
        "RLIMIT_CORE": 0,
        "RLIMIT_NPROC": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
    }
    for name, value in wanted.items():
        if (number := getattr(resource, name, None)) is not None:
            hard = resource.getrlimit(number)[1]
            unlimited = hard == resource.RLIM_INFINITY
            value = value if unlimited else min(value, hard)
            most = value
            if name == "RLIMIT_CPU" and (unlimited or value + CPU_GRACE <= hard):
                most += CPU_GRACE  # SIGXCPU comes first and says why; SIGKILL, if it is ignored
            try:
                resource.setrlimit(number, (value, most))
            except (ValueError, OSError):
                # macOS refuses some of them; the parent's own deadlines still stand.
                if sys.platform == "linux":
                    raise


class ForbiddenImport(ModuleNotFoundError):
    """Student code asked for a module that the exercises do without."""


class Submission(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes the sent sources importable as `exercises.NAME` and as plain `NAME`, once each.

    It is the last finder, so a submission's `numpy.py` shadows nothing; and since it is the last,
    a name that it does not know either is one that the exercises do without.
    """

    def __init__(self, sources: dict[str, str]) -> None:
        self.sources = sources
        package = types.ModuleType(PACKAGE)
        package.__path__ = []
        sys.modules[PACKAGE] = package
        sys.meta_path.append(self)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        name = fullname.removeprefix(PACKAGE + ".")
        if "." not in name and name in self.sources:
            return importlib.machinery.ModuleSpec(fullname, self, origin=filename(name))
        top = fullname.partition(".")[0]
        if top in sys.stdlib_module_names or top == "numpy":
            return None
        raise ForbiddenImport(
            f"{fullname} is not available: use NumPy, the standard library and your own modules",
            name=fullname,
        )

    def create_module(self, spec: Any) -> Any:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        name = module.__name__
        if not name.startswith(PACKAGE + "."):
            # Both names must mean one module, or its classes and its state would exist twice.
            sys.modules[name] = importlib.import_module(f"{PACKAGE}.{name}")
            return
        stem = name.removeprefix(PACKAGE + ".")
        module.__file__ = filename(stem)
        setattr(sys.modules[PACKAGE], stem, module)
        exec(compile(self.sources[stem], filename(stem), "exec", dont_inherit=True), vars(module))

    def line(self, file: str, number: int | None) -> str:
        text = self.sources.get(file.removeprefix(PACKAGE + "/").removesuffix(".py"), "")
        lines = text.splitlines()
        return lines[number - 1].strip()[:200] if number and number <= len(lines) else ""


def filename(stem: str) -> str:
    return f"{PACKAGE}/{stem}.py"


class Capped(io.TextIOBase):
    """Keeps the first characters that are printed, and drops the rest."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.text) < self.limit:
            self.text += str(text)[: self.limit - len(self.text)]
        return len(text)

    def take(self) -> str:
        text, self.text = self.text, ""
        return text


class Session:
    """Serves one parent until it closes the channel."""

    def __init__(self, channel: socket.socket, wire: Any, limits: dict[str, Any]) -> None:
        self.channel = channel
        self.wire = wire
        self.limits = limits
        self.printed = Capped(limits["printed_chars"])
        self.submission: Submission
        self.waiting: list[bytes] = []
        self.due = 0.0
        self.seconds = 0.0

    def serve(self) -> None:
        sys.stdout = sys.stderr = self.printed
        versions = {"python": sys.version.split()[0], "numpy": numpy.__version__}
        self.send(self.wire.READY, bytes(self.wire.NONCE_BYTES), {"versions": versions})
        while True:
            kind, nonce, meta, body = self.receive()
            if kind == self.wire.SOURCES:
                self.submission = Submission(meta)
            elif kind == self.wire.CALLS:
                self.calls(nonce, meta, body)

    # --- frames

    def send(self, kind: int, nonce: bytes, meta: Any, body: bytes = b"") -> None:
        self.waiting.append(self.wire.pack(kind, nonce, meta, body))
        self.flush()

    def flush(self) -> None:
        """Send what waits. Answers wait for each other a little: one system call serves many."""
        self.channel.sendall(b"".join(self.waiting))
        self.waiting.clear()
        self.due = time.monotonic() + FLUSH_SECONDS

    def receive(self) -> tuple[int, bytes, Any, bytes]:
        header = self.exactly(self.wire.HEADER.size)
        _, kind, nonce, meta_size, body_size = self.wire.HEADER.unpack(header)
        meta = json.loads(self.exactly(meta_size))
        return kind, nonce, meta, self.exactly(body_size)

    def exactly(self, size: int) -> bytes:
        data = bytearray(size)
        view = memoryview(data)
        got = 0
        while got < size:
            count = self.channel.recv_into(view[got:])
            if not count:
                os._exit(0)  # the parent is gone or done
            got += count
        return bytes(data)

    # --- calls

    def calls(self, nonce: bytes, meta: dict[str, Any], body: bytes) -> None:
        function, trouble = self.find(meta["module"], meta["function"])
        self.send(self.wire.LOADED, nonce, trouble)
        if function is None:
            return
        parts = memoryview(body)
        careful = meta["careful"]
        at = 0
        held: Any = None
        self.seconds = 0.0
        for index, (nodes, size, keep) in enumerate(meta["calls"]):
            if self.waiting and (careful or time.monotonic() > self.due):
                self.flush()
            if nodes is None:
                # Read the kept result once more: has a later call changed it?
                text, data = self.spelled(index, {}, held)
            else:
                result, text, data = self.call(index, function, nodes, parts[at : at + size])
                held = result if keep else held
            at += size
            self.waiting.append(self.wire.frame(self.wire.ANSWER, nonce, text, data))
        self.send(self.wire.DONE, nonce, {"s": self.seconds})

    def find(self, module: str, name: str) -> tuple[Any, dict[str, Any]]:
        """The student's function, or what to say of its absence."""
        if module not in self.submission.sources:
            return None, {"missing": f"there is no {module}.py"}
        try:
            loaded = importlib.import_module(f"{PACKAGE}.{module}")
        except BaseException as error:
            return None, {"error": self.describe(error, None)}
        finally:
            self.printed.take()
        function = vars(loaded).get(name)
        if function is None:
            return None, {"missing": f"{module}.py defines no {name}"}
        if not callable(function):
            kind = type(function).__name__[:80]
            wrong = TypeError(f"{name} in {module}.py is of type {kind}; it should be a function")
            return None, {"error": self.describe(wrong, None)}
        return function, {}

    def call(
        self, index: int, function: Any, nodes: list[Any], body: memoryview
    ) -> tuple[Any, bytes, bytes]:
        """The result of one call, and its answer's text and bytes."""
        decoder = self.wire.Decoder(body, layouts=True, generators=True)
        arguments = [decoder.read(node) for _, node in nodes]
        # What there is nothing to say of is left out: most answers are small and many.
        remarks: dict[str, Any] = {}
        started = time.thread_time()
        try:
            result = function(*arguments)
        except BaseException as error:
            remarks["error"] = self.describe(error, function)
            if printed := self.printed.take():
                remarks["p"] = printed
            return None, self.wire.compact({"i": index, **remarks}).encode(), b""
        seconds = time.thread_time() - started
        self.seconds += seconds
        if seconds > NOTABLE_SECONDS:
            remarks["s"] = seconds
        if printed := self.printed.take():
            remarks["p"] = printed
        if touched := self.touched(nodes, body, arguments):
            remarks["touched"] = touched
        results = [result] if type(result) is numpy.ndarray else list(arrays(result))
        if shares := self.shares(nodes, arguments, results):
            remarks["shares"] = shares
        if any(overlapping(array) for array in results):
            remarks["overlaps"] = True
        return result, *self.spelled(index, remarks, result)

    def spelled(self, index: int, remarks: dict[str, Any], result: Any) -> tuple[bytes, bytes]:
        """An answer's text and bytes."""
        encoder = self.wire.Encoder(self.limits["reply_bytes"], layouts=False)
        try:
            reply = {"i": index, "v": encoder.add(result), **remarks}
            data = encoder.body
        except self.wire.WireError as error:
            reply, data = {"i": index, "unfit": str(error), **remarks}, b""
        except BaseException as error:
            reply, data = {"i": index, "error": self.describe(error, None), **remarks}, b""
        text = self.wire.compact(reply).encode()
        if len(text) > self.wire.MAX_META:
            unfit = "too many or too long separate values; return an array"
            return self.wire.compact({"i": index, "unfit": unfit}).encode(), b""
        return text, data

    def touched(self, nodes: list[Any], body: memoryview, arguments: list[Any]) -> list[str]:
        """Names of arguments that no longer hold what they were sent with."""
        names = []
        at = 0
        for (name, node), argument in zip(nodes, arguments, strict=True):
            if type(node) is dict and "a" in node:
                size = size_of(node, self.wire)
                # Most arguments are arrays: their bytes tell, without encoding them again.
                same = (
                    list(argument.shape) == node["a"][1]
                    and argument.dtype == self.wire.DTYPES[node["a"][0]]
                    and argument.tobytes() == body[at : at + size]
                )
            elif type(node) is dict or type(node) is list:
                if "r" in node:
                    continue  # a generator is there to be drawn from
                size = size_of(node, self.wire)
                encoder = self.wire.Encoder()
                try:
                    same = encoder.add(argument) == node and encoder.body == body[at : at + size]
                except self.wire.WireError:
                    same = False
            else:
                continue  # numbers and words cannot be changed
            at += size
            if not same:
                names.append(name)
        return names

    def shares(
        self, nodes: list[Any], arguments: list[Any], results: list[numpy.ndarray]
    ) -> list[str]:
        """Names of arguments whose memory these arrays of the result share."""
        # An array that owns its memory shares it with an argument only if it is the argument.
        views = [array for array in results if array.base is not None]
        owners = {id(array) for array in results}
        names = []
        for (name, _), argument in zip(nodes, arguments, strict=True):
            if type(argument) in (int, float, str, bool):
                continue
            for array in arrays(argument):
                if id(array) in owners or any(numpy.may_share_memory(array, v) for v in views):
                    names.append(name)
                    break
        return names

    def describe(self, error: BaseException, function: Any) -> dict[str, Any]:
        """An exception as plain data: what, and where in the student's own files."""
        cap = self.limits["message_chars"]
        try:
            message = str(error)
            # Where things lie on this machine, and in its memory, is nobody's business.
            if isinstance(error, ImportError) and error.path:
                message = message.replace(f" ({error.path})", "")
            message = re.sub(r" at 0x[0-9a-f]+", "", message[:cap])
        except BaseException:
            message = "(the exception cannot be printed)"
        kind = type(error)
        # Not traceback.extract_tb: it asks the file system about every frame's file.
        frames = [
            (frame.f_code.co_filename, line, frame.f_code.co_name)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename.startswith(PACKAGE + "/")
        ]
        described: dict[str, Any] = {
            "type": str(kind.__name__)[:80],
            "message": message,
            "bases": [base.__name__ for base in kind.__mro__ if base.__module__ == "builtins"],
            "forbidden": isinstance(error, ForbiddenImport),
        }
        if isinstance(error, SyntaxError) and str(error.filename).startswith(PACKAGE + "/"):
            line = (error.text or "").strip()[:200]
            described["where"] = [error.filename, error.lineno or 0, "", line]
            described["message"] = str(error.msg)[:cap]
        elif frames:
            file, number, name = frames[-1]
            source = self.submission.line(file, number)
            described["where"] = [file, number, name[:80], source]
            described["depth"] = len(frames)
        return described


def arrays(value: Any) -> Any:
    """All arrays inside a value; of one that holds itself, or far too much, the first ones."""
    waiting, looked = [value], 0
    while waiting and looked < MOST_LOOKS:
        item = waiting.pop()
        looked += 1
        if isinstance(item, numpy.ndarray):
            yield item
        elif isinstance(item, list | tuple):
            waiting += item[:1000]
        elif isinstance(item, dict):
            waiting += item.values()


def overlapping(array: Any) -> bool:
    """Whether cells of an array surely share memory: it has more of them than its memory holds."""
    if array.flags.c_contiguous:
        return False
    steps = zip(array.shape, array.strides, strict=True)
    span = sum((n - 1) * abs(step) for n, step in steps) + array.itemsize
    return bool(array.size and array.nbytes > span)


def size_of(node: Any, wire: Any) -> int:
    """Bytes that a node's arrays take in the body."""
    if type(node) is dict:
        if "a" in node:
            code, shape, _ = node["a"]
            return int(wire.DTYPES[code].itemsize * math.prod(shape))
        if "t" in node:
            return sum(size_of(n, wire) for n in node["t"])
        if "d" in node:
            return sum(size_of(n, wire) for _, n in node["d"])
    if type(node) is list:
        return sum(size_of(n, wire) for n in node)
    return 0
