"""The untrusted side: runs a submission's functions on the arguments it is sent, and answers.

Forked by `forkserver.py`, with nothing of the autograder importable: the standard library, NumPy,
`wire.py` and `batch.py` are all it has. It judges nothing. It holds no expected value, no law and
no seed, so student code that takes over this process gains only the power to send other answers.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
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
FLUSH_SECONDS = 0.05
# The arrays of all cases are far smaller; to touch all memory that code may ask for takes seconds.
MOST_FILLED = 2**24  # bytes


def apply_rlimits(limits: dict[str, Any], processes: int | None = 0) -> None:
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
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
    }
    if processes is not None:
        wanted["RLIMIT_NPROC"] = processes
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

    A source named `capstone.predict` is the module `predict` of a package `capstone`: it is
    `exercises.capstone.predict`, and plain `capstone.predict` or `predict` where nothing else is.

    It is the last finder, so a submission's `numpy.py` shadows nothing; and since it is the last,
    a name that it does not know either is one that the exercises do without.
    """

    def __init__(self, sources: dict[str, str], others: list[str]) -> None:
        self.sources = sources
        self.others = others  # what can be imported beside NumPy
        self.packages = {name.partition(".")[0] for name in sources if "." in name}
        self.lines: dict[str, list[str]] = {}  # of files that were asked for
        package = types.ModuleType(PACKAGE)
        package.__path__ = []
        sys.modules[PACKAGE] = package
        sys.meta_path.append(self)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        name = self.own(fullname)
        if name is not None:
            return importlib.machinery.ModuleSpec(
                fullname, self, origin=filename(name), is_package=name in self.packages
            )
        top = fullname.partition(".")[0]
        if top in sys.stdlib_module_names or top == "numpy" or top in self.others:
            return None
        known = "Keras, NumPy" if "keras" in self.others else "NumPy"
        raise ForbiddenImport(
            f"{fullname} is not available: use {known}, the standard library and your own modules",
            name=fullname,
        )

    def own(self, fullname: str) -> str | None:
        """The source, or the package of sources, that a module's name means."""
        name = fullname.removeprefix(PACKAGE + ".")
        if name in self.packages or name in self.sources:
            return name
        inner = [source for source in self.sources if source.partition(".")[2] == name]
        return inner[0] if name == fullname and len(inner) == 1 else None

    def create_module(self, spec: Any) -> Any:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        name = self.own(module.__name__)
        assert name is not None
        if not module.__name__.startswith(PACKAGE + "."):
            # Both names must mean one module, or its classes and its state would exist twice.
            sys.modules[module.__name__] = importlib.import_module(f"{PACKAGE}.{name}")
            return
        parent, _, stem = module.__name__.rpartition(".")
        setattr(sys.modules[parent], stem, module)
        if name in self.packages:
            return
        module.__file__ = filename(name)
        exec(compile(self.sources[name], filename(name), "exec", dont_inherit=True), vars(module))

    def line(self, file: str, number: int | None) -> str:
        if file not in self.lines:
            name = file.removeprefix(PACKAGE + "/").removesuffix(".py").replace("/", ".")
            self.lines[file] = self.sources.get(name, "").splitlines()
        lines = self.lines[file]
        return lines[number - 1].strip()[:200] if number and number <= len(lines) else ""


def _no_time() -> float:
    return 0.0


def filename(name: str) -> str:
    return f"{PACKAGE}/{name.replace('.', '/')}.py"


class Capped(io.TextIOBase):
    """Keeps the first characters that are printed, and drops the rest."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = self.limit - len(self.text)
        if room > 0:
            self.text += str(text)[:room]
            if len(text) > room:
                self.text += f"\n(cut here: {self.limit} characters are kept)"
        return len(text)

    def take(self) -> str:
        text, self.text = self.text, ""
        return text


class Bunch:
    """Answers that wait for each other a little: one frame and one system call serve many."""

    def __init__(self, channel: socket.socket, wire: Any, nonce: bytes, careful: bool) -> None:
        self.channel = channel
        self.wire = wire
        self.nonce = nonce
        self.patience = 0.0 if careful else FLUSH_SECONDS
        self.texts: list[bytes] = []
        self.bodies: list[bytes] = []
        self.size = 0
        self.due = time.monotonic() + self.patience

    def add(self, text: bytes, body: bytes) -> None:
        if self.size + len(text) + len(body) > self.wire.BUNCH_BYTES:
            self.flush()
        self.texts.append(text)
        self.bodies.append(body)
        self.size += len(text) + len(body)

    def flush_if_due(self) -> None:
        if self.texts and time.monotonic() >= self.due:
            self.flush()

    def flush(self, last: bytes = b"") -> None:
        """Send what waits, and a last frame behind it."""
        if self.texts:
            body = b"".join(self.bodies)
            text = b"\n".join(self.texts)
            last = self.wire.frame(self.wire.ANSWERS, self.nonce, text, body) + last
            self.texts.clear()
            self.bodies.clear()
            self.size = 0
        self.channel.sendall(last)
        self.due = time.monotonic() + self.patience


def nothing_set(make: Any) -> Any:
    """`numpy.empty` or `numpy.empty_like`, with contents that no solution can use by chance.

    What they return holds whatever was in memory, often zeros: a cell that is never set would be
    right on one run and wrong on the next.
    """

    @functools.wraps(make)
    def made(*args: Any, **options: Any) -> Any:
        array = make(*args, **options)
        if array.nbytes > MOST_FILLED:
            return array
        kind = array.dtype.kind
        if kind in "fc":
            array.fill(numpy.nan)
        elif kind in "iu":
            array.fill(numpy.iinfo(array.dtype).max)
        elif kind == "b":
            array.fill(True)
        return array

    return made


class Session:
    """Serves one parent until it closes the channel.

    `batches` are calls that were prepared before this process was forked.
    """

    def __init__(
        self,
        channel: socket.socket,
        wire: Any,
        batch: Any,
        batches: list[Any],
        limits: dict[str, Any],
    ) -> None:
        self.channel = channel
        self.wire = wire
        self.batch = batch
        self.batches = batches
        self.limits = limits
        self.printed = Capped(limits["printed_chars"])
        self.submission: Submission

    def serve(self, packages: list[str]) -> None:
        """`packages` are those that student code may import beside NumPy."""
        sys.stdout = sys.stderr = self.printed
        for name in ("empty", "empty_like"):
            setattr(numpy, name, nothing_set(getattr(numpy, name)))
        versions = {"python": sys.version.split()[0], "numpy": numpy.__version__}
        self.send(self.wire.READY, bytes(self.wire.NONCE_BYTES), {"versions": versions})
        while True:
            kind, nonce, meta, body = self.receive()
            if kind == self.wire.SOURCES:
                self.submission = Submission(meta, packages)
            elif kind == self.wire.CALLS:
                self.calls(nonce, meta, body)

    # --- frames

    def send(self, kind: int, nonce: bytes, meta: Any) -> None:
        self.channel.sendall(self.wire.pack(kind, nonce, meta))

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
        if "batch" in meta:
            batch = self.batches[meta["batch"]]
        else:
            batch = self.batch.prepare(meta["calls"], body)
        wanted = range(len(batch)) if meta["wanted"] is None else meta["wanted"]
        clock = time.thread_time if meta["clocked"] else _no_time
        answers = Bunch(self.channel, self.wire, nonce, careful=meta["careful"])
        held: Any = None
        seconds = 0.0
        for index in wanted:
            answers.flush_if_due()
            call = batch[index]
            if call is None:
                # Read the kept result once more: has a later call changed it?
                answers.add(*self.spelled({}, held))
                continue
            result, used, text, data = self.call(call, function, clock)
            answers.add(text, data)
            seconds += used
            held = result if call.keep else held
        answers.flush(self.wire.pack(self.wire.DONE, nonce, {"s": seconds}))

    def find(self, module: str, name: str) -> tuple[Any, dict[str, Any]]:
        """The student's function, or what to say of its absence."""
        file = module.replace(".", "/")
        if module not in self.submission.sources:
            return None, {"missing": f"there is no {file}.py"}
        try:
            loaded = importlib.import_module(f"{PACKAGE}.{module}")
        except BaseException as error:
            return None, {"error": self.describe(error, None)}
        finally:
            self.printed.take()
        function = vars(loaded).get(name)
        if function is None:
            return None, {"missing": f"{file}.py defines no {name}"}
        if not callable(function):
            kind = type(function).__name__[:80]
            wrong = TypeError(f"{name} in {file}.py is of type {kind}; it should be a function")
            return None, {"error": self.describe(wrong, None)}
        return function, {}

    def call(self, call: Any, function: Any, clock: Any) -> tuple[Any, float, bytes, bytes]:
        """The result of one call, its CPU seconds, and its answer's text and bytes."""
        arguments = [part.fresh() for part in call.parts]
        # What there is nothing to say of is left out: most answers are small and many.
        remarks: dict[str, Any] = {}
        started = clock()
        try:
            result = function(*arguments)
        except BaseException as error:
            seconds = clock() - started
            remarks["error"] = self.describe(error, function)
            if self.printed.text:
                remarks["p"] = self.printed.take()
            return None, seconds, self.wire.compact(remarks).encode(), b""
        seconds = clock() - started
        if self.printed.text:
            remarks["p"] = self.printed.take()
        if touched := call.touched(arguments):
            remarks["touched"] = touched
        results = list(self.batch.arrays(result))
        if shared := call.shared(arguments, results):
            remarks["shares"] = shared
        if any(self.batch.overlapping(array) for array in results):
            remarks["overlaps"] = True
        return result, seconds, *self.spelled(remarks, result)

    def spelled(self, remarks: dict[str, Any], result: Any) -> tuple[bytes, bytes]:
        """An answer's text and bytes."""
        most = self.limits["reply_bytes"]
        if (
            type(result) is numpy.ndarray
            and not remarks
            and result.dtype in self.wire.CODES
            and result.nbytes <= most
            and result.ndim <= self.wire.MAX_NDIM
        ):
            text, data = self.wire.plain_array(result)  # the usual answer
            return b'{"v":%s}' % text, data
        encoder = self.wire.Encoder(most, layouts=False)
        try:
            reply = {"v": encoder.add(result), **remarks}
            data = encoder.body
        except self.wire.WireError as error:
            reply, data = {"unfit": str(error), **remarks}, b""
        except BaseException as error:
            reply, data = {"error": self.describe(error, None), **remarks}, b""
        text = self.wire.compact(reply).encode()
        if len(text) > self.wire.MAX_META:
            unfit = "too many or too long separate values; return an array"
            return self.wire.compact({"unfit": unfit}).encode(), b""
        return text, data

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
