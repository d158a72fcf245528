"""Threads of the compiled core: how many, and work shared out among them.

A kernel is handed ranges of its tasks (images, blocks of outputs, channels). How the tasks are cut
never depends on the number of threads, and no two of them write to the same place: so the results
are the same to the last bit with any number. The kernels release the GIL.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

# Below so many multiplications (0.1 ms or more), waking a thread costs more than it saves.
WORTH_SHARING = 10_000_000

_threads = 1
_pool: ThreadPoolExecutor | None = None


def set_threads(threads: int) -> None:
    """How many threads the larger convolutions and poolings may use, the calling one included.

    1 until it is called. The results do not depend on it. A process that is forked later starts
    threads of its own when it needs them.

    Raises ValueError for anything but a whole number of at least 1.
    """
    global _threads
    try:
        number = operator.index(threads)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(
            f"`set_threads`: threads must be a whole number of at least 1; got {threads!r}."
        )
    if number != _threads:
        _drop()
    _threads = number


def share(kernel: Callable[..., object], tasks: int, work: int, *arguments: Any) -> None:
    """Call ``kernel(first, last, *arguments)`` until all of the tasks are done.

    `work` is the number of multiplications in all tasks together. There are more ranges than
    threads, so that one slow range keeps nobody waiting for long.
    """
    if _threads == 1 or tasks < 2 or work < WORTH_SHARING:
        kernel(0, tasks, *arguments)
        return
    threads = min(_threads, tasks)
    parts = min(tasks, 4 * threads)
    bounds = [tasks * part // parts for part in range(parts + 1)]
    ranges = iter(list(pairwise(bounds)))

    def run() -> None:
        # Taking the next range from a list's iterator is one step under the GIL.
        for first, last in ranges:
            kernel(first, last, *arguments)

    others = [_workers().submit(run) for _ in range(threads - 1)]
    try:
        run()
    finally:
        for other in others:
            other.result()


def _workers() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(_threads - 1, "reference")
    return _pool


def _drop() -> None:
    """Forget the threads; idle ones end by themselves."""
    global _pool
    if _pool is not None:
        _pool.shutdown(wait=False)
        _pool = None


def _forget() -> None:
    """In a forked child the threads do not exist; the object that led them must not be used."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
