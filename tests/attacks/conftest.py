"""The house that is attacked: servers at each level, secrets as baits, and a look round afterwards.

Every scenario ends with that look: no process, file, connection or open descriptor may be left of
it, and the baits must be as they were. The helpers are in battery.py, beside this file.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import socket
import stat
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest
import threadpoolctl  # noqa: F401  it sets a variable of the environment, before the look round

# Before the import below, whatever pytest's import mode is.
sys.path.insert(0, str(Path(__file__).parent))

from battery import LEVELS

from autograder import catalog
from autograder.bank import Banks
from autograder.engine import Engine, session_of
from autograder.isolation import ladder
from autograder.isolation.calls import EncodedCall
from autograder.isolation.limits import MIB, Limits
from autograder.submissions import Submission

# Bombs burst soon; honest code still ends in time on a loaded machine.
QUICK = Limits(
    import_seconds=1.0,
    call_seconds=0.3,
    wall_factor=10.0,
    patience=1.0,
    fatal_per_exercise=2,
    memory_bytes=768 * MIB,
)
VARIABLE = "AUTOGRADER_ATTACKS_CANARY"
PR_SET_CHILD_SUBREAPER = 36


@dataclass
class House:
    """The baits: what an attacker would look for, none of it of any worth."""

    folder: Path
    secret: str = field(default_factory=lambda: f"canary-{secrets.token_hex(16)}")

    def __post_init__(self):
        self.lay_out_canary()
        self.home = self.folder / "home"
        for name in (".ssh/id_ed25519", ".netrc", ".git-credentials", ".cache/pip/page"):
            self._file(f"home/{name}")
        self.other = self._file("submissions/alice/exercises/padding.py")
        self.history = self._file("repository/.git/objects/ab/cdef")
        self._file("repository/.git/HEAD")
        self.tmp = self.folder / "tmp"
        self.tmp.mkdir()
        self.tmp.chmod(0o1777)
        self.tcp = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract_name = f"autograder-{self.secret[-12:]}"
        self.abstract.bind("\0" + self.abstract_name)
        self.abstract.listen(64)
        self.named = socket.socket(socket.AF_UNIX)
        self.named.bind(str(self.folder / "socket"))
        self.named.listen(64)
        os.chmod(self.folder / "socket", 0o777)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        for listener in (self.tcp, self.abstract, self.named, self.udp):
            listener.setblocking(False)

    def lay_out_canary(self) -> None:
        self.canary = self._file("canary")
        self.canary.chmod(0o666)  # whoever is not kept from it by a sandbox may even write to it

    def _file(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{self.secret}\n")
        return path

    def close(self) -> None:
        for listener in (self.tcp, self.abstract, self.named, self.udp):
            listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def visitors(self) -> list[str]:
        """Who has connected since the last look."""
        found = []
        for name in ("tcp", "abstract", "named"):
            with contextlib.suppress(BlockingIOError):
                while True:
                    getattr(self, name).accept()[0].close()
                    found.append(name)
        with contextlib.suppress(BlockingIOError):
            while self.udp.recv(100):
                found.append("udp")
        return found

    def files(self) -> set[str]:
        return {
            os.path.join(folder, name)
            for folder, folders, names in os.walk(self.folder)
            for name in (*folders, *names)
        }

    def whole(self) -> bool:
        """Whether the bait is as it was laid out."""
        return self.canary.is_file() and self.canary.read_text() == f"{self.secret}\n"


@pytest.fixture(scope="session")
def house():
    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    folder.chmod(0o755)
    made = House(folder)
    yield made
    made.close()


@contextlib.contextmanager
def living_in(house: House):
    """The surroundings of a grader who has secrets in the environment and at home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, house.secret)
        patch.setenv("HOME", str(house.home))
        patch.setenv("TMPDIR", str(house.tmp))
        patch.setattr(tempfile, "tempdir", str(house.tmp))
        yield


@pytest.fixture(scope="session")
def surroundings(house):
    """`with surroundings():` as above, for whoever starts servers of their own."""
    return lambda: living_in(house)


class Servers:
    """One server a level, proven; one that an attack has brought down is started anew."""

    def __init__(self) -> None:
        self._running: dict[str, ladder.ForkServer] = {}

    def __getitem__(self, level: str) -> ladder.ForkServer:
        if level not in self._running:
            self._running[level] = ladder.proven(level, QUICK)
        return self._running[level]

    def dead(self) -> list[str]:
        """The levels whose servers have ended; they are forgotten."""
        found = [level for level, server in self._running.items() if not _alive(server)]
        for level in found:
            self._running.pop(level).close()
        return found

    def close(self) -> None:
        for server in self._running.values():
            server.close()


def _alive(server: ladder.ForkServer) -> bool:
    try:
        return server.end(0).code == 0  # it knows no such worker, and says so
    except ladder.GraderFault:
        return False


@pytest.fixture(scope="session")
def servers(house):
    with living_in(house):
        running = Servers()
        for level in LEVELS:
            running[level]
    yield running
    running.close()


@pytest.fixture
def uncaged():
    """Requested by a test that lets an attack through: what it leaves is cleared away, not told."""


@pytest.fixture(autouse=True)
def look_round(request, house, servers):
    """After each scenario: what it left behind, which must be nothing."""
    me = psutil.Process()
    with living_in(house):
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # orphans of an attack come to us
        children = set(me.children(recursive=True))
        files = house.files()
        descriptors = me.num_fds()
        marks = dict(os.environ)
        yield
        breaches = [f"the server at level {level} has ended" for level in servers.dead()]
        left = set(me.children(recursive=True)) - children
        _, left = psutil.wait_procs(left, timeout=3)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                breaches.append(f"a process is left: {process}")
                process.kill()
        psutil.wait_procs(left, timeout=3)
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        for name in sorted(house.files() - files, reverse=True):  # contents before folders
            breaches.append(f"a file is left: {name}")
            with contextlib.suppress(OSError):
                os.rmdir(name) if stat.S_ISDIR(os.lstat(name).st_mode) else os.unlink(name)
        breaches += [f"a file is gone: {name}" for name in files - house.files()]
        breaches += [f"somebody has connected: {name}" for name in house.visitors()]
        if not house.whole():
            breaches.append("the canary is changed")
            house.lay_out_canary()
        if me.num_fds() > descriptors:
            breaches.append(f"{me.num_fds() - descriptors} descriptors are left open")
        changed = {
            name for name in {*marks, *os.environ} if marks.get(name) != os.environ.get(name)
        }
        if changed - {"PYTEST_CURRENT_TEST"}:
            breaches.append(f"the grader's environment is changed: {sorted(changed)}")
    if "uncaged" not in request.fixturenames:
        assert not breaches


@pytest.fixture(scope="session")
def at(house, cache, root):
    """What an attacker may know: where everything lies, and who the grader is."""
    relu = catalog.select(["relu"])[0]
    with living_in(house):
        Banks().of(relu)
    # Another one may lie there: of a kit that a test has installed elsewhere.
    bank = min(cache.glob("relu-*.bank"))
    facts = {
        "canary": str(house.canary),
        "folder": str(house.folder),
        "home": str(house.home),
        "tmp": str(house.tmp),
        "other": str(house.other),
        "history": str(house.history),
        "bank": str(bank),
        "checkout": str(root),
        "specs": str(root / "autograder" / "specs"),
        "key": str(root / "reference" / "pure" / "padding.py"),
        "packages": str(Path(np.__file__).parent.parent),
    }
    assert all(Path(path).exists() for path in facts.values())
    return {
        **facts,
        "grader": os.getpid(),
        "variable": VARIABLE,
        "port": house.tcp.getsockname()[1],
        "datagrams": house.udp.getsockname()[1],
        "abstract": house.abstract_name,
        "socket": str(house.folder / "socket"),
    }


@pytest.fixture
def run(servers, at):
    """`run(attempt, level)`: what came of it, each thing that it returned once."""

    def attempted(scenario, level, **more):
        submission = Submission("mallory", {"m": scenario.text})
        with session_of(submission, QUICK, servers[level]) as session:
            (answer,) = session.ask("m", "f", [EncodedCall.of({"at": {**at, **more}})])
        return outcomes(answer)

    return attempted


@pytest.fixture(scope="session")
def flat():
    """`flat(answer)`: what an attempt returned, each thing once."""
    return outcomes


def outcomes(answer) -> set[str]:
    if answer.status != "value":
        return {answer.status}
    flat, waiting = set(), [answer.value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list | tuple):
            waiting += item
        else:
            flat.add(str(item))
    return flat


@pytest.fixture(scope="session")
def engine(house):
    """Judges without explaining: the status is what counts, and explanations cost time."""
    with living_in(house):
        return Engine.of(explaining=False, limits=QUICK)


@pytest.fixture
def play(servers, engine):
    """`play(exercise, source, level)`: the result of this source."""

    def played(name, source, level, engine=engine, limits=QUICK, **others):
        (exercise,) = catalog.select([name])
        submission = Submission("mallory", {exercise.topic: source, **others})
        servers[level].learn(engine.banks.of(exercise).calls)  # as where a class is graded
        with session_of(submission, limits, servers[level]) as session:
            return engine.judge(exercise, session)

    return played


@pytest.fixture
def statuses():
    """`statuses(exercise, result)`: of the laws that look at values and were judged."""

    def of(name, result):
        (exercise,) = catalog.select([name])
        told = {law.name: law.status for law in result.laws}
        return {
            told[law.name]
            for law in exercise.laws
            if not law.structural and told[law.name] != "not_run"
        }

    return of
