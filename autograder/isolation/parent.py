"""The trusted side: starts workers, sends calls in batches, and reads answers it does not believe.

One `Session` serves one submission. A worker that crashes or overruns is replaced; the call that
it died in is known, because answers come one by one and in order.
"""

from __future__ import annotations

import contextlib
import math
import secrets
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from autograder.cells import Place, in_cells
from autograder.isolation import ladder, wire
from autograder.isolation.calls import Answer, EncodedCall
from autograder.isolation.ladder import ForkServer, GraderFault
from autograder.isolation.limits import DEFAULT, MIB, Limits

START_SECONDS = 60.0
SLOW_TICK = 0.2


@dataclass
class _Loaded:
    """Whether a function can be called at all; if not, the answer that every call gets."""

    answer: Answer | None = None


@dataclass
class _Done:
    """All calls are answered; the CPU seconds that they took, as the worker tells it."""

    seconds: float


class _Died(Exception):
    """The worker ended, overran or broke the protocol: it is gone, and this is what to say."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, message)


class _UsedUp(_Died):
    """The submission has had all the time that there is for one."""

    def __init__(self, time_limit: str) -> None:
        super().__init__("timeout", f"the submission has used up its {time_limit}")


class Worker:
    """One process of student code, forked for one submission."""

    def __init__(self, server: ForkServer, sources: Mapping[str, str]) -> None:
        self.server = server
        self.limits = server.limits
        self.served: set[tuple[str, str]] = set()  # module and function
        self.cpu_seconds_at_end = 0.0
        self._buffer = bytearray()
        self._at = 0  # where the unread part of the buffer begins
        self._socket, theirs = socket.socketpair()
        try:
            with theirs:
                self.pid = server.fork(theirs)
        except BaseException:
            self._socket.close()
            raise
        self._known = dict(server.learned)
        self._socket.setblocking(False)
        try:
            kind, _, _ = self._frame(bytes(wire.NONCE_BYTES), START_SECONDS)
            if kind != wire.READY:
                raise GraderFault("the worker did not say that it is ready")
            self._send(wire.pack(wire.SOURCES, bytes(wire.NONCE_BYTES), dict(sources)))
        except (_Died, GraderFault) as death:
            self.close()
            raise GraderFault(f"the worker did not start: {death}") from death

    def close(self) -> None:
        """End the process; where its server is gone, it is gone as well."""
        self._socket.close()
        with contextlib.suppress(GraderFault):
            self.cpu_seconds_at_end += self.server.end(self.pid).cpu_seconds

    def run(
        self,
        module: str,
        function: str,
        calls: Sequence[EncodedCall],
        wanted: Sequence[int],
        seconds: float,
        careful: bool,
        clocked: bool,
    ) -> Iterator[_Loaded | list[Answer] | _Done]:
        """How loading went, the wanted calls' answers in order, the seconds used; raises _Died.

        Answers come in bunches, and a bunch is lost when the worker dies; carefully, they come
        each by itself.
        """
        if len(self._buffer) > self._at or select.select([self._socket], [], [], 0)[0]:
            self._peek_unsolicited()
        nonce = secrets.token_bytes(wire.NONCE_BYTES)
        self.served.add((module, function))
        asked = {"module": module, "function": function, "careful": careful, "clocked": clocked}
        self._send(self._request(nonce, asked, calls, wanted))
        kind, meta, _ = self._frame(nonce, self.limits.import_seconds)
        if kind != wire.LOADED:
            raise _garbled("an answer came before its call")
        loaded = _loaded(meta, module, function, self.limits)
        yield loaded
        if loaded.answer is not None:
            return
        answered = 0
        while answered < len(wanted):
            kind, text, body = self._raw_frame(nonce, seconds)
            if kind != wire.ANSWERS:
                raise _garbled("there are fewer answers than calls")
            records = text.split(b"\n")
            these = [calls[i] for i in wanted[answered : answered + len(records)]]
            answered += len(records)
            if answered > len(wanted):
                raise _garbled("there are more answers than calls")
            yield _bunch(records, body, these, function, self.limits)
        kind, meta, _ = self._frame(nonce, self.limits.import_seconds)
        if kind != wire.DONE:
            raise _garbled("there are more answers than calls")
        yield _Done(_seconds(meta))

    def _request(
        self,
        nonce: bytes,
        head: dict[str, Any],
        calls: Sequence[EncodedCall],
        wanted: Sequence[int],
    ) -> bytes:
        """The frame that asks for these calls; batches that the worker knows have a number."""
        if id(calls) in self._known:
            number, _ = self._known[id(calls)]
            head |= {"batch": number, "wanted": wanted if len(wanted) < len(calls) else None}
            return wire.pack(wire.CALLS, nonce, head)
        entries, body = EncodedCall.batch([calls[i] for i in wanted])
        text = b'%s,"wanted":null,"calls":%s}' % (wire.compact(head)[:-1].encode(), entries)
        return wire.frame(wire.CALLS, nonce, text, body)

    # --- the channel

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(START_SECONDS)
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._death() from error
        finally:
            self._socket.setblocking(False)

    def _peek_unsolicited(self) -> None:
        if len(self._buffer) > self._at or self._receive():
            raise _garbled("bytes came that nobody asked for")
        raise self._death()

    def _receive(self) -> bool:
        """Read what is there; False at the end of the stream."""
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return True
        except OSError:
            return False
        # What has been read is dropped only now, once for many answers.
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data
        return bool(data)

    def _frame(self, nonce: bytes, seconds: float) -> tuple[int, dict[str, Any], bytes]:
        """The next frame, with its description read."""
        kind, text, body = self._raw_frame(nonce, seconds)
        return kind, _parsed(text), body

    def _raw_frame(self, nonce: bytes, seconds: float) -> tuple[int, bytes, bytes]:
        """The next frame, checked from its first byte on, within the CPU seconds allowed."""
        clock: _Clock | None = None
        head = wire.HEADER.size
        while True:
            if len(self._buffer) - self._at >= head:
                magic, kind, got, text_size, body_size = wire.HEADER.unpack_from(
                    self._buffer, self._at
                )
                if magic != wire.MAGIC or got != nonce or kind > wire.DONE:
                    raise _garbled("what came is no answer")
                most = wire.BUNCH_BYTES if kind == wire.ANSWERS else wire.MAX_META
                if text_size > 2 * most or body_size > self.limits.reply_bytes:
                    raise _garbled("the answer is too large")
                middle = self._at + head + text_size
                end = middle + body_size
                if len(self._buffer) >= end:
                    break
            if clock is None:
                clock = _Clock(self._cpu_seconds, seconds, self.limits.wall_factor)
            if select.select([self._socket], [], [], SLOW_TICK)[0] and not self._receive():
                raise self._death()
            if (overrun := clock.overrun()) is not None:
                raise _Died("timeout", overrun)
            most = self.server.profile.threads
            if (self.server.threads(self.pid) or 0) > most > 0:
                raise _Died("forbidden", f"the code started more than {most} threads")
        text = bytes(self._buffer[middle - text_size : middle])
        body = bytes(self._buffer[middle:end])
        self._at = end
        return kind, text, body

    def _cpu_seconds(self) -> float | None:
        return self.server.cpu_seconds(self.pid)

    def _death(self) -> _Died:
        """Why the process is gone; it is over with it in any case."""
        ended = self.server.end(self.pid, patience=5.0)
        self.cpu_seconds_at_end += ended.cpu_seconds
        code = ended.code
        if ended.killed:
            return _garbled("the channel was closed")
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            limit = self.limits.worker_seconds
            told = f"stopped by the system after {limit} CPU seconds, the limit for one process"
            return _Died("timeout", told)
        if code < 0:
            # Not all signals have names: those for real time are numbers.
            known = -code in set(signal.Signals)
            name = signal.Signals(-code).name if known else f"signal {-code}"
            return _Died("crash", f"the process was ended by {name}")
        return _Died("crash", f"the process ended itself with exit code {code}")


def _garbled(what: str) -> _Died:
    return _Died("forbidden", f"the code wrote to the grader's own channel: {what}")


class _Clock:
    """Counts the worker's CPU seconds until its answer is whole; looks only once it is slow."""

    def __init__(
        self, cpu_seconds: Callable[[], float | None], seconds: float, wall_factor: float
    ) -> None:
        self._cpu_seconds = cpu_seconds
        self._seconds = seconds
        self._wall = seconds * wall_factor
        self._started = time.monotonic()
        self._next_look = self._started + SLOW_TICK
        self._cpu_at_first_look: float | None = None

    def overrun(self) -> str | None:
        now = time.monotonic()
        if now < self._next_look:
            return None
        self._next_look = now + SLOW_TICK
        cpu = self._cpu_seconds()
        if cpu is None:
            return None  # it ended: the channel will tell
        if self._cpu_at_first_look is None:
            self._cpu_at_first_look = cpu
        if cpu - self._cpu_at_first_look > self._seconds:
            return f"no answer after {self._seconds:g} CPU seconds, the limit for one call"
        if now - self._started > self._wall:
            return f"no answer after {self._wall:g} seconds of waiting, the limit for one call"
        return None


def _text(value: Any) -> str:
    return str(value)[:1200]


def _parsed(text: bytes) -> dict[str, Any]:
    if len(text) > wire.MAX_META:
        raise _garbled("the answer is too large")
    try:
        parsed = wire.parse_meta(text)
    except wire.WireError as error:
        raise _garbled(str(error)) from error
    if not isinstance(parsed, dict):
        raise _garbled("the answer's description has no known form")
    return parsed


def _seconds(meta: dict[str, Any]) -> float:
    try:
        seconds = float(meta.get("s", 0.0))
    except (TypeError, ValueError, OverflowError) as error:
        raise _garbled("seconds of no known form") from error
    return seconds if 0.0 <= seconds < 1e6 else 0.0


def _loaded(meta: dict[str, Any], module: str, function: str, limits: Limits) -> _Loaded:
    try:
        if "missing" in meta:
            # One of two sentences of ours: another could tell of the calls, which may be secret.
            file = module.replace(".", "/")
            absent, undefined = f"there is no {file}.py", f"{file}.py defines no {function}"
            said = absent if meta["missing"] == absent else undefined
            return _Loaded(Answer("not_attempted", said))
        if "error" in meta:
            answer = _raised(meta["error"], None, limits)
            answer.at_import = True
            return _Loaded(answer)
    except Exception as error:  # as in _answer
        raise _garbled("an exception of no known form") from error
    return _Loaded()


def _bunch(
    records: Sequence[bytes],
    body: bytes,
    calls: Sequence[EncodedCall],
    function: str,
    limits: Limits,
) -> list[Answer]:
    """The answers of one frame: a line of text each, and the bytes of their arrays in a row."""
    answers = []
    at = 0
    for record, call in zip(records, calls, strict=True):
        right = call.right
        if right is not None and record == right.text:
            # It has the form of the right answer: there is nothing to be read but the bytes.
            data = body[at : at + len(right.body)]
            at += len(right.body)
            same = data == right.body
            answers.append(right.answer if same else Answer("value", node=right.node, body=data))
        else:
            answers.append(_answer(record, body, at, function, limits))
            at += len(answers[-1].body)
    if at != len(body):
        raise _garbled("the bytes that came are not those of the answers")
    return answers


def _answer(record: bytes, body: bytes, at: int, function: str, limits: Limits) -> Answer:
    """An answer, whose arrays begin at this byte."""
    try:
        meta = _parsed(record)
        if "error" in meta:
            answer = _raised(meta["error"], function, limits)
        elif "unfit" in meta:
            answer = Answer("fail", _text(meta["unfit"]))
        else:
            decoder = wire.Decoder(memoryview(body)[at:])
            decoder.read(meta["v"])  # WireError, if it cannot be read
            # A large answer comes alone, and of all its bytes no copy is made here.
            answer = Answer("value", node=meta["v"], body=body[at : at + decoder.consumed])
        answer.touched = tuple(_text(n) for n in meta.get("touched", ()))
        answer.shares = tuple(_text(n) for n in meta.get("shares", ()))
        answer.overlaps = bool(meta.get("overlaps"))
        answer.printed = _text(meta.get("p", ""))
    except wire.WireError as error:
        raise _garbled(str(error)) from error
    except _Died:
        raise
    except Exception as error:
        # Whatever breaks while a worker's words are read is the worker's doing; as a fault of ours
        # it would give the points away.
        raise _garbled("an answer of no known form") from error
    return answer


def _raised(error: dict[str, Any], function: str | None, limits: Limits) -> Answer:
    """An exception of the student's code, as the status it means and a sentence."""
    kind, message = _text(error["type"]) or "an exception", _text(error["message"])
    bases = tuple(_text(base) for base in error["bases"])
    said = f"{kind}: {message}" if message else kind
    where = error.get("where")
    if where is not None:
        file, line, name, source = where
        said += f"\n{_text(file)}, line {int(line)}" + (f", in {_text(name)}" if name else "")
        said += f"\n    {_text(source)}" if source else ""
    if error["forbidden"]:
        return Answer("forbidden", said, raised=bases)
    if "NotImplementedError" in bases and function is not None:
        name = _text(where[2]) if where is not None else function
        if error.get("depth") == 1 or name == function:
            return Answer("not_attempted", "", raised=bases)
        return Answer("error", f"{function} calls {name}, which is not written yet", raised=bases)
    if "MemoryError" in bases:
        said += f"\nthe limit is {limits.memory_bytes // MIB} MiB in all"
        return Answer("memory", said, raised=bases)
    if "SystemExit" in bases:
        return Answer("crash", f"the code ended the program ({said})", raised=bases)
    return Answer("error", said, raised=bases)


@dataclass
class Session:
    """A submission at work: its functions can be asked, whatever they do.

    `unreadable` says of modules that are there but are no text why they are not; `single` names
    the one module that holds every function, where one file was handed in; `places` tells of
    modules made from code cells where their lines stand. Without a server given, the session starts
    one of its own, at the best level of isolation that there is.
    """

    sources: Mapping[str, str]
    limits: Limits = DEFAULT
    unreadable: Mapping[str, str] = field(default_factory=dict)
    single: str = ""
    server: ForkServer | None = None
    places: Mapping[str, Sequence[Place]] = field(default_factory=dict)
    clocked: bool = False  # whether workers tell the CPU seconds of the functions alone
    function_seconds: float = field(default=0.0, init=False)  # these, by the worker's own word
    wall_seconds: float = field(default=0.0, init=False)  # what it took to get the answers
    _ended_seconds: float = field(default=0.0, init=False)  # CPU of the workers that are gone
    _worker: Worker | None = field(default=None, init=False)
    _own_server: ForkServer | None = field(default=None, init=False)
    _unloadable: dict[str, Answer] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for module, reason in self.unreadable.items():
            self._unloadable[module] = Answer("error", reason, at_import=True)

    def running_server(self) -> ForkServer:
        """The server that forks this session's workers."""
        if self.server is not None:
            return self.server
        if self._own_server is None:
            self._own_server = ladder.best(self.limits)
        return self._own_server

    @property
    def isolation(self) -> dict[str, Any]:
        """The level of isolation in force, as results record it."""
        return self.running_server().isolation.to_json()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.end_worker()
        if self._own_server is not None:
            self._own_server.close()
            self._own_server = None

    def end_worker(self) -> None:
        """What functions left behind is gone; the next question gets a new worker."""
        if self._worker is not None:
            self._worker.close()
            self._ended_seconds += self._worker.cpu_seconds_at_end
            self._worker = None

    def cpu_seconds(self) -> float:
        """What all workers of this session have used so far."""
        if self._worker is None:
            return self._ended_seconds
        running = self._worker.server.cpu_seconds(self._worker.pid)
        return self._ended_seconds + (running or 0.0)

    def served_others(self, topic: str, function: str) -> bool:
        """Whether the running worker was asked other functions than this one."""
        mine = {(self.single or topic, function)}
        return self._worker is not None and not self._worker.served <= mine

    def ask(
        self,
        topic: str,
        function: str,
        calls: Sequence[EncodedCall],
        groups: Sequence[str] | None = None,
        seconds: float | None = None,
    ) -> list[Answer]:
        """One answer a call of a topic's function.

        `groups` names the kind of each call: after a crash or a timeout the other calls of that
        kind are not made, and get the same answer.
        """
        module = self.single or topic
        kinds = list(groups) if groups is not None else [""] * len(calls)
        answers: list[Answer | None] = [None] * len(calls)
        allowed = seconds or self.limits.call_seconds
        # Most submissions never die: first all calls at one stroke, and only after a death, which
        # takes answers with it, those that are missing one by one.
        careful = len(calls) == 1
        fatal = 0
        while rest := [i for i, answer in enumerate(answers) if answer is None]:
            lost = self._unloadable.get(module)
            if lost is None:
                patience = allowed if careful else allowed / 2
                lost = self._ask_rest(module, function, calls, answers, rest, patience, careful)
            if lost is None:
                break
            if not careful and module not in self._unloadable:
                careful = True
                if None not in answers:
                    # It died after its last answer, or had more to say: none of them counts.
                    answers = [None] * len(calls)
                _forget_kept(calls, kinds, answers)
                continue
            fatal += 1
            allowed = (seconds or self.limits.call_seconds) * self.limits.patience
            broken = next((i for i in rest if answers[i] is None), rest[-1])
            everything = module in self._unloadable or fatal >= self.limits.fatal_per_exercise
            for i in rest:
                if answers[i] is None and (everything or kinds[i] == kinds[broken]):
                    answers[i] = lost
            # A worker that dies after its last answer has said something that it should not.
            answers[broken] = lost
        given = [answer for answer in answers if answer is not None]
        if self.places:
            for answer in given:
                answer.message = in_cells(answer.message, self.places)
        return given

    def seconds_of(self, topic: str, function: str, call: EncodedCall) -> float:
        """The CPU seconds of one call, by the clock of the worker's process."""
        before = self.cpu_seconds()
        (answer,) = self.ask(topic, function, [call])
        return self.cpu_seconds() - before if answer.status == "value" else math.inf

    def _within_limits(self, started: float) -> None:
        """_UsedUp if the submission has had its time; nobody uses more CPU than time passes."""
        limits = self.limits
        passed = self.wall_seconds + time.monotonic() - started
        if passed > limits.submission_seconds and self.cpu_seconds() > limits.submission_seconds:
            raise _UsedUp(f"{limits.submission_seconds:g} CPU seconds")
        if passed > limits.submission_wall_seconds:
            raise _UsedUp(f"{limits.submission_wall_seconds:g} seconds of waiting")

    def _ask_rest(
        self,
        module: str,
        function: str,
        calls: Sequence[EncodedCall],
        answers: list[Answer | None],
        rest: list[int],
        seconds: float,
        careful: bool,
    ) -> Answer | None:
        """Fill in answers until all are there or the worker dies; then the answer it died with."""
        started = time.monotonic()
        used = self.served_others(module, function)
        held = sum(len(a.body) for a in answers if a is not None and not a.exact)
        loaded = inherited = False
        try:
            self._within_limits(started)
            if self._worker is None:
                self._worker = Worker(self.running_server(), self.sources)
            replies = self._worker.run(
                module, function, calls, rest, seconds, careful, self.clocked
            )
            unread = iter(rest)
            for reply in replies:
                if isinstance(reply, _Loaded):
                    loaded = True
                    if reply.answer is not None:
                        for i in rest:
                            answers[i] = reply.answer
                elif isinstance(reply, _Done):
                    self.function_seconds += reply.seconds
                else:
                    for answer in reply:
                        held += 0 if answer.exact else len(answer.body)
                        if held > self.limits.answers_bytes:
                            most = self.limits.answers_bytes
                            told = f"the answers come to {held} bytes; {most} can be kept"
                            raise _Died("memory", told)
                        answers[next(unread)] = answer
                    self._within_limits(started)
        except _UsedUp as death:
            self.end_worker()
            return death.answer
        except _Died as death:
            self.end_worker()
            inherited = not loaded and used and death.answer.status != "forbidden"
            if not loaded and not inherited:
                death.answer.at_import = True
                self._unloadable[module] = death.answer
            if not inherited:
                return death.answer
        finally:
            self.wall_seconds += time.monotonic() - started
        if inherited:
            # Something that another function left behind has ended it: not this one's doing.
            return self._ask_rest(module, function, calls, answers, rest, seconds, careful)
        return None


def _forget_kept(
    calls: Sequence[EncodedCall], kinds: Sequence[str], answers: list[Answer | None]
) -> None:
    """A kept result is gone with its worker: the calls that belong together are made again."""
    missing = {kind for kind, answer in zip(kinds, answers, strict=True) if answer is None}
    keeping = {kind for kind, call in zip(kinds, calls, strict=True) if call.keep}
    for i, kind in enumerate(kinds):
        if kind in missing & keeping:
            answers[i] = None
