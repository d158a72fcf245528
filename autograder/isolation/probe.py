"""What must fail in a worker, tried in one: the proof of a level of isolation.

Runs in a worker that is confined like any other, before a submission is seen. Standard library
only. Every attempt says what came of it: "denied", with the error, or "possible".
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any


def attempt(request: dict[str, Any]) -> dict[str, str]:
    """Each attempt by name. `request` names the canary file, the port and the grader's pid."""
    attempts: dict[str, Callable[[], Any]] = {
        "read a file": lambda: os.close(os.open(request["canary"], os.O_RDONLY)),
        "list the home": lambda: os.listdir(request["home"]),
        "write a file": lambda: os.close(
            os.open(request["canary"] + ".written", os.O_WRONLY | os.O_CREAT)
        ),
        "open a socket": lambda: _connect(request["port"]),
        "start a process": _fork,
        "signal the grader": lambda: os.kill(request["pid"], 0),
        "read the grader's memory": lambda: _memory(request["pid"]),
        "limit the grader": lambda: _prlimit(request["pid"]),
        "read the environment": lambda: _environment(request["pid"]),
        "trace a process": _trace,
    }
    return {name: _outcome(try_it) for name, try_it in attempts.items()}


def _outcome(try_it: Callable[[], Any]) -> str:
    try:
        try_it()
    except Exception as error:
        return f"denied: {type(error).__name__}"
    return "possible"


def _connect(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        connection.connect(("127.0.0.1", port))


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _memory(pid: int) -> None:
    # Whoever may open it may read it; at which address there is some is another question.
    with open(f"/proc/{pid}/mem", "rb"):
        pass


def _environment(pid: int) -> None:
    with open(f"/proc/{pid}/environ", "rb") as environment:
        environment.read(1)


def _prlimit(pid: int) -> None:
    import resource

    limits = resource.prlimit(pid, resource.RLIMIT_CORE)
    resource.prlimit(pid, resource.RLIMIT_CORE, limits)


def _trace() -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    # PTRACE_TRACEME: the mildest of its requests, which harms nobody.
    if libc.ptrace(0, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
