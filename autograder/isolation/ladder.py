"""The ladder of isolation, and the proof of the level in use.

strong   bubblewrap namespaces, another user (when started by root), Landlock, seccomp, rlimits
medium   Landlock, seccomp, rlimits, no capabilities: what a default container allows
weak     a separate process and rlimits: practice on macOS, never a grade

A level counts only when a probe has failed at everything that it must deny.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import platform
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.isolation.calls import EncodedCall
from autograder.isolation.limits import Limits
from autograder.isolation.profiles import NUMPY, Profile

LEVELS = ("weak", "medium", "strong")
HERE = Path(__file__).resolve().parent
FILTERS = HERE / "filters"
# Of a server, at once: one that ends, and the next.
WORKERS = 2
# Nobody else's numbers: above the users and service accounts of distributions, below subuid ranges.
# The kernel counts processes and threads by user, and one server's workers must not use up those of
# another: each draws its own.
WORKER_UIDS = range(64001, 64801)
PR_SET_DUMPABLE = 4

# What each level must deny; the rest of the probe is told, not required.
ALWAYS = ("read the environment", "read the grader's memory")
CONFINED = (
    *ALWAYS,
    "read a file",
    "list the home",
    "write a file",
    "open a socket",
    "start a process",
    "signal the grader",
    "limit the grader",
    "trace a process",
)


class GraderFault(RuntimeError):
    """Something of ours failed: never the student's fault, never their points."""


class NotIsolated(RuntimeError):
    """A level of isolation cannot be had here; the message says why and what would mend it."""


@dataclass(frozen=True)
class Isolation:
    """The level in force, as results record it."""

    level: str
    mechanisms: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"level": self.level, "mechanisms": list(self.mechanisms)}


@dataclass(frozen=True)
class Ended:
    """How a worker ended."""

    code: int  # its exit code; a signal's number below zero
    killed: bool  # it did not end by itself
    cpu_seconds: float


class ForkServer:
    """The process from which workers of one profile are forked, at one level of isolation."""

    def __init__(self, level: str, limits: Limits, profile: Profile = NUMPY) -> None:
        self.level = level
        self.limits = limits
        self.profile = profile
        # Batches that workers start with: their number, and the batch, whose id is the key.
        self.learned: dict[int, tuple[int, Sequence[EncodedCall]]] = {}
        _hide_this_process()
        # Where workers stand. Those that are confined can write nothing anywhere; the weak get an
        # empty folder, so that a file of theirs lands in nobody's way.
        self._folder = tempfile.mkdtemp(prefix="autograder-") if level == "weak" else "/"
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(profile.seconds)
        try:
            with theirs:
                self._process = self._start(theirs)
        except OSError as error:
            self._control.close()
            if level == "weak":
                os.rmdir(self._folder)
            raise GraderFault(f"the worker process did not start: {error}") from error
        self._finalizer = weakref.finalize(self, _end, self._process, self._control, self._folder)
        try:
            ready = self._ask({})
        except BaseException:
            self.close()
            raise
        names = [*(["bwrap"] if level == "strong" else []), *ready["ready"], "rlimits"]
        self.isolation = Isolation(level, ("process", *names))

    def _start(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        python = _python(self.profile)
        uid = secrets.choice(WORKER_UIDS) if self.level == "strong" and os.geteuid() == 0 else None
        settings = {
            "level": self.level,
            "uid": uid,
            "limits": asdict(self.limits),
            "filter": str(filter_of(self.profile)),
            "folder": self._folder,
            "packages": self.profile.packages,
            "first": self.profile.first,
            "environment": self.profile.environment,
            "processes": self._processes(),
            "cpus": self.profile.cpus,
            **python.grants(),
        }
        command = [
            python.executable,
            *("-S", "-s", "-P", "-B"),
            str(HERE / "forkserver.py"),
            str(theirs.fileno()),
            str(HERE),
            str(python.packages),
            json.dumps(settings),
        ]
        if self.level == "strong":
            command = [*bubblewrap(python, uid), *command]
        return subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            env={
                "PYTHONHASHSEED": "0",
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
                "MKL_NUM_THREADS": "1",
                **self.profile.environment,
            },
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _processes(self) -> int | None:
        """How many processes and threads the user of a worker may have; None: as many as now.

        Where that is the user who grades, other programs of theirs would count.
        """
        if not self.profile.threads:
            return 0
        return WORKERS * self.profile.threads if self.level == "strong" else None

    # --- requests

    def fork(self, channel: socket.socket) -> int:
        """A worker that answers on `channel`; its pid in the server's eyes."""
        return int(self._ask({"do": "fork"}, channel.fileno())["pid"])

    def learn(self, calls: Sequence[EncodedCall]) -> None:
        """Have a batch of calls prepared once: workers forked from now on start with it."""
        if id(calls) in self.learned:
            return
        entries, body = EncodedCall.batch(calls)
        with tempfile.TemporaryFile() as file:
            file.write(entries + body)
            file.flush()
            file.seek(0)
            message = {"do": "learn", "size": len(entries)}
            number = int(self._ask(message, file.fileno())["batch"])
        self.learned[id(calls)] = number, calls

    def cpu_seconds(self, pid: int) -> float | None:
        """CPU seconds that a worker has used so far; None if it has ended."""
        cpu = self._ask({"do": "cpu", "pid": pid})["cpu"]
        return None if cpu is None else float(cpu)

    def threads(self, pid: int) -> int | None:
        """How many threads a worker has; None where that cannot be seen from here."""
        if not self.profile.threads or self.level == "strong":
            return None
        try:
            return len(os.listdir(f"/proc/{pid}/task"))
        except OSError:
            return None

    def usage(self) -> float:
        """CPU seconds of the server and of all its workers that have ended."""
        return float(self._ask({"do": "usage"})["cpu"])

    def end(self, pid: int, patience: float = 0.0) -> Ended:
        """End a worker, after `patience` seconds. One that is ended twice has the exit code 0."""
        answer = self._ask({"do": "end", "pid": pid, "patience": patience})
        code = os.waitstatus_to_exitcode(int(answer["status"]))
        return Ended(code, bool(answer["killed"]), float(answer["cpu"]))

    def probe(self, request: Mapping[str, Any]) -> dict[str, str]:
        """What a worker can do here that it should not."""
        outcome: dict[str, str] = self._ask({"do": "probe", **request})["outcome"]
        return outcome

    def _ask(self, message: Mapping[str, Any], *descriptors: int) -> dict[str, Any]:
        try:
            if message:
                data = json.dumps(message).encode()
                socket.send_fds(self._control, [data], descriptors)
        except OSError as error:
            raise self._fault() from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        try:
            data = self._control.recv(1 << 16)
        except OSError as error:
            raise self._fault() from error
        if not data:
            raise self._fault()
        answer: dict[str, Any] = json.loads(data)
        return answer

    def _fault(self) -> GraderFault:
        """Why the server is gone, in its own last words."""
        self._process.kill()
        assert self._process.stderr is not None
        words = self._process.stderr.read() if not self._process.stderr.closed else b""
        last = words.decode(errors="replace").strip().splitlines()[-1:]
        return GraderFault(f"the worker process did not start or broke off: {' '.join(last)}")

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the server and all its workers; also done when nobody holds it any more."""
        self._finalizer()


def _end(process: subprocess.Popen[bytes], control: socket.socket, folder: str) -> None:
    control.close()
    process.kill()
    process.communicate()
    if folder != "/":
        # Folders too deep to be removed are left to whoever clears the temporary files.
        with contextlib.suppress(RecursionError):
            shutil.rmtree(folder, ignore_errors=True)


# --- where Python and NumPy lie


@dataclass(frozen=True)
class Python:
    """The interpreter without the packages installed beside it, but for NumPy and a profile's."""

    executable: str
    stdlib: Path
    packages: Path
    libraries: tuple[Path, ...]
    profile: Profile = NUMPY

    @property
    def folders(self) -> list[Path]:
        """Of packages, their libraries and modules that are one file; and the profile's files."""
        names = [
            f"{name}{ending}"
            for name in ("numpy", *self.profile.packages)
            for ending in ("", ".libs", ".py")
        ]
        places = [*(self.packages / name for name in names), *map(Path, self.profile.files)]
        return [place for place in places if place.exists()]

    def grants(self) -> dict[str, list[str]]:
        """For Landlock: what workers may list, read, and write as devices."""
        parts = [
            str(entry)
            for entry in sorted(self.stdlib.iterdir())
            if entry.name not in ("site-packages", "dist-packages")
        ]
        readable = [*parts, *map(str, self.folders), *map(str, self.libraries)]
        return {
            "listed": [str(self.stdlib)],
            "readable": [*readable, "/dev/urandom"],
            "devices": ["/dev/null"],
        }


def filter_of(profile: Profile) -> Path:
    """The seccomp filter of a profile's workers on this machine."""
    return FILTERS / f"{platform.machine()}{profile.filter}.bpf"


def _python(profile: Profile = NUMPY) -> Python:
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    libraries = [Path("/etc/ld.so.cache")]
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    for folder in ("/lib", "/usr/lib", "/lib64", "/usr/lib64"):
        # On Debian and its children the C libraries lie in a folder named for the architecture.
        inner = Path(folder) / multiarch
        place = inner if multiarch and inner.is_dir() else Path(folder)
        if place.is_dir() and (place == inner or folder.endswith("64")):
            libraries.append(place)
    own = Path(sysconfig.get_config_var("LIBDIR") or "")
    if own.is_dir() and own not in (Path("/usr/lib"), Path("/lib"), *libraries):
        libraries += sorted(own.glob("libpython*"))
    return Python(
        str(executable),
        Path(sysconfig.get_path("stdlib", vars=_base())).resolve(),
        Path(np.__file__).resolve().parent.parent,
        tuple(dict.fromkeys(path for path in libraries if path.exists())),
        profile,
    )


def _base() -> dict[str, str]:
    return {"base": sys.base_prefix, "installed_base": sys.base_prefix}


def bubblewrap(python: Python, uid: int | None) -> list[str]:
    """The command line that puts a program into namespaces of its own (see bwrap(1))."""
    binds = [Path(python.executable), python.stdlib, *python.folders, *python.libraries, HERE]
    arguments = [
        # By its path: where nothing is in the environment, programs are looked for elsewhere.
        shutil.which("bwrap") or "bwrap",
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        "--unshare-cgroup-try",
        *("--hostname", "worker", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
    ]
    if uid is None:
        arguments += ["--unshare-user", "--disable-userns"]
    else:
        # bwrap keeps root's privileges otherwise; these two are for becoming another user.
        arguments += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    seen: set[Path] = set()
    for path in [*binds, Path("/dev/null"), Path("/dev/urandom")]:
        # Folders that bwrap makes by itself are closed to other users than root.
        for parent in reversed(path.parents):
            if parent not in seen and parent != Path("/"):
                seen.add(parent)
                if parent.is_symlink():
                    arguments += ["--symlink", os.readlink(parent), str(parent)]
                else:
                    arguments += ["--perms", "0755", "--dir", str(parent)]
    for path in binds:
        if path.is_symlink():
            arguments += ["--symlink", os.readlink(path), str(path)]
        else:
            arguments += ["--ro-bind", str(path), str(path)]
    for name in ("site-packages", "dist-packages"):
        if (python.stdlib / name).is_dir():
            arguments += ["--perms", "0755", "--tmpfs", str(python.stdlib / name)]
    # A package folder inside the one just hidden: NumPy installed without a virtual environment.
    for path in python.folders:
        if python.stdlib in path.parents:
            arguments += ["--ro-bind", str(path), str(path)]
    if python.profile.first:
        # All of /proc that is there: an answer to who asks which program this is.
        arguments += ["--perms", "0755", "--dir", "/proc", "--perms", "0755", "--dir", "/proc/self"]
        arguments += ["--symlink", "/dev/null", "/proc/self/exe"]
    for device in ("/dev/null", "/dev/urandom"):
        arguments += ["--dev-bind", device, device]
    return [*arguments, "--remount-ro", "/", "--chdir", "/", "--"]


# --- which level


def best(limits: Limits, required: str = "weak", profile: Profile = NUMPY) -> ForkServer:
    """The highest level that can be proven here; NotIsolated if it is below the one required."""
    reasons = []
    for level in reversed(LEVELS):
        if LEVELS.index(level) < LEVELS.index(required):
            break
        try:
            return proven(level, limits, profile)
        except NotIsolated as error:
            reasons.append(str(error))
    raise NotIsolated("; ".join(reasons))


def proven(level: str, limits: Limits, profile: Profile = NUMPY) -> ForkServer:
    """A server at this level, after its probe has failed at all that the level must deny."""
    if (missing := unavailable(level)) is not None:
        raise NotIsolated(f"{level}: {missing}")
    try:
        server = ForkServer(level, limits, profile)
    except GraderFault as fault:
        if level == "weak":
            raise
        raise NotIsolated(f"{level}: {fault}") from fault
    try:
        breaches = possible(level, examine(server))
    except BaseException:
        server.close()
        raise
    if breaches:
        server.close()
        raise NotIsolated(f"{level}: a worker could {', '.join(breaches)}")
    return server


def unavailable(level: str) -> str | None:
    """Why a level cannot even be tried here, and what would mend it."""
    if level == "weak":
        return None
    if sys.platform != "linux":
        return "needs Linux (on Windows, WSL2)"
    if not (FILTERS / f"{platform.machine()}.bpf").is_file():
        return f"has no seccomp filter for {platform.machine()}"
    from autograder.isolation import confine

    if confine.landlock_version() < 1:
        return "needs a kernel with Landlock (5.13 or later)"
    if level == "strong" and shutil.which("bwrap") is None:
        return "needs bubblewrap (apt-get install bubblewrap)"
    return None


def examine(server: ForkServer) -> dict[str, str]:
    """Let a worker try what must fail, with baits made for it."""
    with tempfile.TemporaryDirectory(prefix="autograder-bait-") as folder:
        os.chmod(folder, 0o777)
        canary = Path(folder) / "canary"
        canary.write_text("canary")
        canary.chmod(0o644)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return server.probe(
                {
                    "canary": str(canary),
                    "home": str(Path.home()),
                    "port": listener.getsockname()[1],
                    "pid": os.getpid(),
                }
            )


def possible(level: str, outcome: Mapping[str, str]) -> list[str]:
    """What the probe achieved, or did not report, of what the level must deny."""
    must: tuple[str, ...] = ALWAYS if level == "weak" else CONFINED
    if level == "weak" and sys.platform == "linux" and os.geteuid() == 0:
        must = ()  # nothing is hidden from root
    return [name for name in must if not outcome.get(name, "").startswith("denied")]


def _hide_this_process() -> None:
    """Nobody may read this process's memory or environment through /proc, or trace it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
