"""Where jobs run: in this process, in others of this machine, or on a Dask cluster.

Every pool hands jobs to executors of `concurrent.futures`. A process that dies breaks its whole
executor, so each process has one of its own: only the submission in it is lost, and graded again.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

CONNECT_SECONDS = 10.0
# Jobs that are sent to a thread of a cluster before it asks for them.
AHEAD = 2


class NoCluster(RuntimeError):
    """A scheduler that cannot be used; the message says why."""


class Pool(Protocol):
    """Some executors."""

    @property
    def lost(self) -> tuple[type[BaseException], ...]:
        """What a job's future raises where whoever had it is gone."""

    @property
    def size(self) -> int:
        """So many jobs may be under way."""

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Begin a job; only while fewer than `size` are under way."""

    def everywhere(self, job: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Do this once in each process, also in those to come; what came of it."""

    def stop(self) -> None:
        """End all that is under way, at once."""


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Now(Executor):
    """Does a job when it is given one."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Here:
    """One job at a time, in this process."""

    size: int = 1
    lost: tuple[type[BaseException], ...] = ()

    def __init__(self, end: Callable[[], None] = lambda: None) -> None:
        self._executor = _Now()
        self._end = end

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return self._executor.submit(job, *arguments)

    def everywhere(self, job: Callable[..., Any], *arguments: Any) -> list[Any]:
        return [self.submit(job, *arguments).result()]

    def stop(self) -> None:
        self._end()


@dataclass
class _Lane:
    """One process, and the job in it."""

    executor: Executor
    processes: list[BaseProcess] = field(default_factory=list)
    future: Future[Any] | None = None


class Processes:
    """So many processes on this machine."""

    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, count: int) -> None:
        self._first: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._lanes = [_Lane(_executor()) for _ in range(count)]

    @property
    def size(self) -> int:
        return len(self._lanes)

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        lane = next(lane for lane in self._lanes if lane.future is None or lane.future.done())
        return self._submit(lane, job, *arguments)

    def everywhere(self, job: Callable[..., Any], *arguments: Any) -> list[Any]:
        futures = [self._submit(lane, job, *arguments) for lane in self._lanes]
        self._first.append((job, arguments))
        return [future.result() for future in futures]

    def _submit(self, lane: _Lane, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        try:
            lane.future = self._begin(lane, job, *arguments)
        except BrokenExecutor:  # its process ended while it had nothing to do, or in its last job
            lane.executor.shutdown(wait=False)
            lane.executor = _executor()
            for first, given in self._first:
                self._begin(lane, first, *given)
            lane.future = self._begin(lane, job, *arguments)
        return lane.future

    def _begin(self, lane: _Lane, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """The first job of an executor starts its process."""
        before = set(multiprocessing.active_children())
        with _no_interrupt():
            future = lane.executor.submit(job, *arguments)
        started = set(multiprocessing.active_children()) - before
        lane.processes = [*(p for p in lane.processes if p.is_alive()), *started]
        return future

    def stop(self) -> None:
        for lane in self._lanes:
            busy = lane.future is not None and not lane.future.done()
            for process in lane.processes if busy else ():
                process.kill()
            lane.executor.shutdown(wait=not busy, cancel_futures=True)


def _executor() -> Executor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, context, _born)


def _born() -> None:
    """A process of ours leaves interrupts to its parent, and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Processes that are started meanwhile ignore Ctrl-C from their first instruction on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Cluster:
    """The workers of a Dask scheduler, through the executor of its client.

    Where a worker dies, the scheduler gives its jobs to others by itself.
    """

    def __init__(self, address: str) -> None:
        import distributed

        connect: Any = distributed.Client
        self.lost: tuple[type[BaseException], ...] = (distributed.KilledWorker,)
        try:
            self._client = connect(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError, ImportError) as error:
            told = str(error).strip().splitlines()
            raise NoCluster(f"no scheduler answers at {address}: {' '.join(told[:1])}") from error
        if not self._client.nthreads():
            self._client.close(timeout=1)
            raise NoCluster(f"the scheduler at {address} has no workers")
        self._executor: Executor = self._client.get_executor(pure=False)

    @property
    def size(self) -> int:
        return AHEAD * max(int(sum(self._client.nthreads().values())), 1)

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return self._executor.submit(job, *arguments)

    def everywhere(self, job: Callable[..., Any], *arguments: Any) -> list[Any]:
        return list(self._client.run(job, *arguments).values())

    def stop(self) -> None:
        self._executor.shutdown(wait=False)  # which cancels what is under way
        self._client.close(timeout=1)
