"""The untrusted side's first process: imports NumPy once, and forks a worker for each submission.

It never runs student code itself, so every worker starts from the same clean memory, in
milliseconds. Started by `ladder.py`, in a sandbox or not, as a script: the standard library, NumPy
and the files beside this one are all it has.

Over the control socket come requests of one JSON message each, and one answer goes back:

    learn  a file descriptor: prepare these calls for the workers to come
    fork   with the worker's channel as a file descriptor  ->  pid
    cpu    pid                                             ->  CPU seconds so far
    end    pid: kill it, and clean up behind it            ->  wait status, CPU seconds
    usage                                                  ->  CPU seconds of it all
    probe  what to try, in a worker confined like others   ->  what came of it
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
import warnings
from typing import Any

MESSAGE = 1 << 16


class Server:
    def __init__(self, control: socket.socket, settings: dict[str, Any]) -> None:
        self.control = control
        self.settings = settings
        self.workers: set[int] = set()
        self.batches: list[Any] = []

    def serve(self) -> None:
        self.confine()
        # What is here stays: no worker's collector need look at it, nor copy its pages by doing so.
        gc.collect()
        gc.freeze()
        self.answer({"ready": self.mechanisms, "versions": versions()})
        while True:
            request, descriptors = self.receive()
            if request is None:
                os._exit(0)  # the grader is gone, and with us go all workers
            self.answer(getattr(self, f"do_{request['do']}")(request, descriptors))

    def receive(self) -> tuple[Any, list[int]]:
        data, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE, 1)
        return (json.loads(data) if data else None), descriptors

    def answer(self, message: dict[str, Any]) -> None:
        self.control.send(json.dumps(message).encode())

    # --- what is given up once, for this process and all its workers

    def confine(self) -> None:
        settings = self.settings
        self.mechanisms: list[str] = []
        if settings["level"] == "weak":
            return
        import confine

        if settings["uid"] is not None:
            confine.become(settings["uid"])
            self.mechanisms.append("uid")
        confine.drop_capabilities()
        confine.no_new_privileges()
        with open(settings["filter"], "rb") as file:
            self.filter = file.read()
        version = confine.landlock(settings["listed"], settings["readable"], settings["devices"])
        self.mechanisms += ["capabilities", f"landlock {version}", "seccomp"]

    # --- requests

    def do_learn(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        import batch

        with os.fdopen(descriptors[0], "rb") as file:
            entries = json.loads(file.read(request["size"]))
            self.batches.append(batch.prepare(entries, file.read()))
        gc.freeze()
        return {"batch": len(self.batches) - 1}

    def do_fork(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        (channel,) = descriptors
        pid = os.fork()
        if pid == 0:
            try:
                self.control.close()
                connection = socket.socket(fileno=channel)
                self.become_worker()
                work(connection, self.batches, self.settings)
            finally:
                os._exit(70)
        os.close(channel)
        self.workers.add(pid)
        return {"pid": pid}

    def become_worker(self) -> None:
        """What each worker gives up for itself.

        It can write no file, so there is none in which it could leave something for the next one,
        or which somebody would have to clean up.
        """
        import worker

        os.chdir(self.settings["folder"])
        os.environ.clear()
        os.environ.update(self.settings["environment"])
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
        if sys.platform == "linux":
            import confine

            if self.settings["cpus"]:
                seen = sorted(os.sched_getaffinity(0))
                random.shuffle(seen)
                os.sched_setaffinity(0, seen[: self.settings["cpus"]])
            # Dies with this server, even in the midst of an endless loop.
            confine.die_with_parent()
        worker.apply_rlimits(self.settings["limits"], self.settings["processes"])
        if self.settings["level"] != "weak":
            # Once more, for each worker: no signal reaches the server or another worker.
            confine.landlock([], ["/"], self.settings["devices"])
            confine.seccomp(self.filter)

    def do_cpu(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        # The kernel's clock of another process: clock_getcpuclockid(3), without /proc.
        clock = (~request["pid"] << 3) | 2
        try:
            return {"cpu": time.clock_gettime(clock)}
        except OSError:
            return {"cpu": None}

    def do_usage(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        import resource

        kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        usages = [resource.getrusage(kind) for kind in kinds]
        return {"cpu": sum(usage.ru_utime + usage.ru_stime for usage in usages)}

    def do_end(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        pid = request["pid"]
        if pid not in self.workers:
            return {"status": 0, "killed": False, "cpu": 0.0}
        # One that is ending by itself is left to do so: its status tells why.
        until = time.monotonic() + request["patience"]
        done, status, used = os.wait4(pid, os.WNOHANG)
        while not done and time.monotonic() < until:
            time.sleep(0.001)
            done, status, used = os.wait4(pid, os.WNOHANG)
        if not done:
            os.kill(pid, signal.SIGKILL)
            _, status, used = os.wait4(pid, 0)
        self.workers.remove(pid)
        return {"status": status, "killed": not done, "cpu": used.ru_utime + used.ru_stime}

    def do_probe(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        import probe

        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                self.become_worker()
                theirs.sendall(json.dumps(probe.attempt(request)).encode())
            finally:
                os._exit(0)
        theirs.close()
        ours.settimeout(20)
        parts = []
        while data := ours.recv(MESSAGE):
            parts.append(data)
        ours.close()
        os.waitpid(pid, 0)
        return {"outcome": json.loads(b"".join(parts) or b"{}")}


def work(channel: socket.socket, batches: list[Any], settings: dict[str, Any]) -> None:
    """Serve a submission, with our own modules' names free for the submission's."""
    import batch
    import wire
    import worker

    for name in ("batch", "confine", "probe", "wire", "worker"):
        sys.modules.pop(name, None)
    session = worker.Session(channel, wire, batch, batches, settings["limits"])
    session.serve(settings["packages"])


def versions() -> dict[str, str]:
    import numpy

    return {"python": sys.version.split()[0], "numpy": numpy.__version__}


class Packages(importlib.abc.MetaPathFinder):
    """Finds packages of a folder by their names, and nothing else that lies there."""

    def __init__(self, names: list[str], folder: str) -> None:
        self.names = names
        self.folder = folder

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname not in self.names:
            return None
        return importlib.machinery.PathFinder.find_spec(fullname, [self.folder])


def main() -> None:
    descriptor, here, packages, text = sys.argv[1:5]
    settings = json.loads(text)
    sys.path[:] = [p for p in sys.path if p not in ("", here)]
    sys.path.append(here)
    finder = Packages(["numpy", *settings["packages"]], packages)
    sys.meta_path.append(finder)
    # Some ask for it when they are imported, and there is none.
    tempfile.tempdir = "/"
    # All that workers use is imported now: they start with it, and find none of it on a path.
    import batch
    import numpy
    import numpy.fft
    import numpy.lib.stride_tricks
    import numpy.linalg
    import numpy.random
    import probe
    import wire
    import worker

    for name in settings["packages"]:
        importlib.import_module(name)
    for module, function, argument in settings["first"]:
        getattr(importlib.import_module(module), function)(argument)
    del batch, numpy, probe, wire, worker
    if sys.platform == "linux":
        import confine  # noqa: F401
    tempfile.tempdir = None
    sys.meta_path.remove(finder)
    sys.path.remove(here)
    sys.argv[1:] = sys.orig_argv[1:] = []
    warnings.simplefilter("ignore")
    Server(socket.socket(fileno=int(descriptor)), settings).serve()


if __name__ == "__main__":
    main()
