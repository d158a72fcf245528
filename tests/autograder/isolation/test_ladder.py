"""The ladder: a level counts only when it is proven, and what is asked for is what one gets."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import types
from pathlib import Path

import psutil
import pytest

from autograder.isolation import confine, ladder
from autograder.isolation.calls import EncodedCall
from autograder.isolation.ladder import CONFINED, LEVELS, ForkServer, GraderFault, NotIsolated
from autograder.isolation.parent import Session

ABOVE_WEAK = [level for level in LEVELS if level != "weak"]
PR_GET_DUMPABLE = 3


@contextlib.contextmanager
def proven(level, limits):
    server = ladder.proven(level, limits)
    try:
        yield server
    finally:
        server.close()


def gone(processes):
    """Whether they all end within a while."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


# --- the levels


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_can_be_had_here(level, quick):
    """No skip: where a level is missing, this machine is not the one to test the kit on."""
    with proven(level, quick) as server:
        assert server.isolation.level == level
        mechanisms = server.isolation.mechanisms
        with Session({"m": "def f(): return 7"}, quick, server=server) as session:
            (answer,) = session.ask("m", "f", [EncodedCall.of({})])
            assert answer.value == 7
            assert session.isolation == {"level": level, "mechanisms": list(mechanisms)}
    assert mechanisms[0] == "process"
    assert mechanisms[-1] == "rlimits"
    assert ("bwrap" in mechanisms) == (level == "strong")
    assert ("seccomp" in mechanisms) == (level != "weak")
    assert any(name.startswith("landlock") for name in mechanisms) == (level != "weak")
    if os.geteuid() == 0:
        assert ("uid" in mechanisms) == (level == "strong")


@pytest.mark.parametrize("level", ABOVE_WEAK)
def test_the_probe_fails_at_everything_in_a_sandbox(level, quick):
    with proven(level, quick) as server:
        outcome = ladder.examine(server)
    assert set(outcome) >= set(CONFINED)
    assert not [name for name in CONFINED if not outcome[name].startswith("denied: ")]


def test_the_probe_can_do_all_of_it_without_one(quick):
    """So what fails in a sandbox fails because of it."""
    with proven("weak", quick) as server:
        outcome = ladder.examine(server)
    # Of processes, RLIMIT_NPROC allows none; root is not bound by it.
    denied = set() if os.geteuid() == 0 else {*ladder.ALWAYS, "start a process"}
    assert {name for name in CONFINED if outcome[name] == "possible"} >= set(CONFINED) - denied


# --- the best there is, and what is required


def test_the_best_is_the_highest(quick):
    with contextlib.closing(ladder.best(quick)) as server:
        assert server.level == "strong"


@pytest.fixture
def refused(quick):
    """`refused(level)`: why nothing is had where this level is required; nothing keeps running."""

    def why(required):
        before = set(psutil.Process().children(recursive=True))
        with pytest.raises(NotIsolated) as caught:
            ladder.best(quick, required)
        assert gone(set(psutil.Process().children(recursive=True)) - before)
        return str(caught.value)

    return why


def test_without_bubblewrap_strong_cannot_be_had(refused, quick, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused("strong") == "strong: needs bubblewrap (apt-get install bubblewrap)"
    with contextlib.closing(ladder.best(quick, "medium")) as server:
        assert server.level == "medium"


def test_where_bubblewrap_is_not_allowed_its_reason_is_told(refused, quick, monkeypatch, tmp_path):
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    told = refused("strong")
    assert told.startswith("strong: the worker process did not start")
    assert told.endswith("bwrap: setting up uid map: Permission denied")
    with contextlib.closing(ladder.best(quick)) as server:
        assert server.level == "medium"


def test_without_landlock_there_is_no_sandbox(refused, quick, monkeypatch):
    monkeypatch.setattr(confine, "landlock_version", lambda: 0)
    needs = "needs a kernel with Landlock (5.13 or later)"
    assert refused("strong") == f"strong: {needs}"
    assert refused("medium") == f"strong: {needs}; medium: {needs}"
    with contextlib.closing(ladder.best(quick)) as server:
        assert server.level == "weak"


def test_without_a_filter_for_the_machine_there_is_no_sandbox(refused, monkeypatch, tmp_path):
    monkeypatch.setattr(ladder, "FILTERS", tmp_path)
    assert "medium: has no seccomp filter for " in refused("medium")


def test_elsewhere_than_on_linux_there_is_no_sandbox(monkeypatch):
    monkeypatch.setattr(ladder, "sys", types.SimpleNamespace(platform="darwin"))
    assert ladder.unavailable("medium") == "needs Linux (on Windows, WSL2)"
    assert ladder.unavailable("weak") is None


class Open(ForkServer):
    """Claims a level, and starts its workers without any of it."""

    def _start(self, theirs):
        claimed, self.level = self.level, "weak"
        try:
            return super()._start(theirs)
        finally:
            self.level = claimed


def test_a_level_that_is_only_claimed_is_found_out(refused, monkeypatch):
    monkeypatch.setattr(ladder, "ForkServer", Open)
    for level in ABOVE_WEAK:
        with pytest.raises(NotIsolated, match=f"{level}: a worker could .*open a socket"):
            ladder.proven(level, ladder.Limits())
    assert "medium: a worker could" in refused("medium")


@pytest.mark.parametrize("name", CONFINED)
@pytest.mark.parametrize("level", ABOVE_WEAK)
def test_one_breach_is_enough(level, name, quick, monkeypatch):
    denied = dict.fromkeys(CONFINED, "denied: PermissionError")
    for outcome in ({**denied, name: "possible"}, {k: v for k, v in denied.items() if k != name}):
        monkeypatch.setattr(ladder, "examine", lambda server, outcome=outcome: outcome)
        assert ladder.possible(level, outcome) == [name]
    assert ladder.possible(level, denied) == []


def test_a_breach_of_one_level_leads_to_the_next(quick, monkeypatch):
    real = ladder.examine

    def examined(server):
        return {
            **real(server),
            **({"open a socket": "possible"} if server.level == "strong" else {}),
        }

    monkeypatch.setattr(ladder, "examine", examined)
    with contextlib.closing(ladder.best(quick, "medium")) as server:
        assert server.level == "medium"
    with pytest.raises(NotIsolated, match="strong: a worker could open a socket"):
        ladder.best(quick, "strong")


STEPS = ["drop_capabilities", "no_new_privileges", "landlock", "seccomp", "die_with_parent"]


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """`copied(text)`: the isolation's own files elsewhere, with more at the end of `confine.py`."""

    def copy(more=""):
        place = tmp_path / "isolation"
        shutil.copytree(ladder.HERE, place)
        with (place / "confine.py").open("a") as file:
            file.write(more)
        monkeypatch.setattr(ladder, "HERE", place)
        monkeypatch.setattr(ladder, "FILTERS", place / "filters")

    return copy


@pytest.mark.parametrize("level", ABOVE_WEAK)
@pytest.mark.parametrize("step", [*STEPS, *(["become"] if os.geteuid() == 0 else [])])
def test_a_step_that_fails_ends_the_process(step, level, quick, copied):
    """Never on with less: the server or the worker ends, and the level is not had."""
    if (step, level) == ("become", "medium"):
        level = "strong"  # only there
    copied(f"\n\ndef {step}(*args):\n    raise OSError(1, '{step} failed')\n")
    with pytest.raises(NotIsolated, match=f"^{level}: "):
        ladder.proven(level, quick)


@pytest.mark.parametrize("level", ABOVE_WEAK)
@pytest.mark.parametrize("step", ["landlock", "seccomp"])
def test_a_step_left_out_is_found_out(step, level, quick, copied, monkeypatch):
    """The probe sees what one mechanism alone would have denied; strong has two for most."""
    copied(f"\n\ndef {step}(*args):\n    return 7\n")
    # A folder that is there in the namespaces too, and that Landlock alone keeps from the worker.
    monkeypatch.setenv("HOME", str(ladder.HERE))
    with pytest.raises(NotIsolated, match=f"^{level}: a worker could "):
        ladder.proven(level, quick)


def test_the_copy_itself_is_at_no_fault(quick, copied):
    copied()
    with proven("strong", quick) as server:
        assert server.level == "strong"


# --- the grader's own process, and the end of all


def test_the_grader_cannot_be_looked_into(quick):
    with proven("weak", quick):
        assert ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0


@pytest.mark.parametrize("level", LEVELS)
def test_a_server_ends_with_all_its_workers(level, quick):
    before = set(psutil.Process().children(recursive=True))
    folders = set(os.listdir(tempfile.gettempdir()))
    with proven(level, quick) as server:
        sessions = [Session({"m": "def f(): return 1"}, quick, server=server) for _ in range(3)]
        for session in sessions:
            session.ask("m", "f", [EncodedCall.of({})])
        running = set(psutil.Process().children(recursive=True)) - before
        assert len(running) >= 4
    assert gone(running)
    for session in sessions:
        session.close()  # of workers that are gone already
    left = set(os.listdir(tempfile.gettempdir())) - folders
    assert not [name for name in left if server._folder.endswith(name)]
    server.close()  # twice does no harm


@pytest.mark.parametrize("level", LEVELS)
def test_a_server_that_nobody_holds_any_more_ends(level, quick):
    before = set(psutil.Process().children(recursive=True))
    server = ladder.proven(level, quick)
    running = set(psutil.Process().children(recursive=True)) - before
    del server
    assert gone(running)


def test_a_server_that_has_ended_is_a_fault_of_ours(quick):
    with proven("medium", quick) as server, Session({"m": ""}, quick, server=server) as session:
        server._process.kill()
        with pytest.raises(GraderFault):
            session.ask("m", "f", [EncodedCall.of({})])


GRADER = """
import sys
from autograder.isolation import ladder
from autograder.isolation.limits import Limits
from autograder.isolation.calls import EncodedCall
from autograder.isolation.parent import Session

server = ladder.ForkServer(sys.argv[1], Limits())
source = "def f():\\n    return 1\\ndef g():\\n    while True: pass"
session = Session({"m": source}, server=server)
session.ask("m", "f", [EncodedCall.of({})])
print("ready", flush=True)
session.ask("m", "g", [EncodedCall.of({})], seconds=600)
"""


@pytest.mark.parametrize("level", LEVELS)
def test_a_grader_that_is_killed_leaves_no_process(level, root):
    with subprocess.Popen(
        [sys.executable, "-c", GRADER, level], cwd=root, stdout=subprocess.PIPE
    ) as grader:
        assert grader.stdout.readline() == b"ready\n"
        running = psutil.Process(grader.pid).children(recursive=True)
        assert len(running) >= 2
        grader.send_signal(signal.SIGKILL)
        grader.wait()
        assert gone(running)


# --- what is shipped


def generator():
    path = ladder.FILTERS / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["x86_64", "aarch64", "x86_64-threads", "aarch64-threads"])
def test_the_filters_are_what_their_generator_makes(name):
    made = generator()
    assert set(made.PROGRAMS) == {path.stem for path in ladder.FILTERS.glob("*.bpf")}
    assert (ladder.FILTERS / f"{name}.bpf").read_bytes() == made.program(*made.PROGRAMS[name])


def test_a_command_line_without_the_grader(quick, monkeypatch):
    """What is handed to the server: no environment of the grader's, no descriptor but its own."""
    started = []
    real = subprocess.Popen
    monkeypatch.setenv("AUTOGRADER_SECRET", "hidden")

    def kept(command, **options):
        started.append((command, options))
        return real(command, **options)

    monkeypatch.setattr(ladder.subprocess, "Popen", kept)
    with proven("medium", quick):
        ((command, options),) = started
    assert "hidden" not in json.dumps(command) + json.dumps(options["env"])
    assert len(options["pass_fds"]) == 1
    assert set(options["env"]) == {
        "PYTHONHASHSEED",
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
    }
    assert {"-S", "-s", "-P"} <= set(command)


def test_namespaces_hold_what_is_needed_and_no_more(quick):
    """Strong: the sandbox's root, as a worker with no further confinement would see it."""
    with proven("strong", quick) as server:
        python = ladder._python()
        command = ladder.bubblewrap(python, None if os.geteuid() else ladder.WORKER_UIDS[0])
        assert server.level == "strong"
    source = textwrap.dedent(
        """
        import json, os
        found = [os.path.join(f, n) for f, fs, ns in os.walk("/") for n in [*fs, *ns]]
        secret = ("reference", "specs", ".git", "shadow", "passwd")
        named = [p for p in found if os.path.basename(p) in secret]
        others = [p for p in found if p.startswith(("/sys", "/proc", "/home", "/etc/passwd"))]
        print(json.dumps({"count": len(found), "named": named, "others": others}))
        """
    )
    done = subprocess.run(
        [*command, python.executable, "-S", "-s", "-P", "-B", "-c", source],
        capture_output=True,
        text=True,
        env={},
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["count"] > 100
    assert found["named"] == []
    # The kit and its Python may lie in somebody's home: of that there is the way to them alone.
    given = [
        ladder.HERE,
        python.stdlib,
        *python.folders,
        *python.libraries,
        Path(python.executable),
    ]
    for path in map(Path, found["others"]):
        assert any(path in (place, *place.parents) or place in path.parents for place in given)
