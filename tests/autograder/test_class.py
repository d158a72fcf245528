"""A class graded by the command: broken off at any moment, on a cluster, with wrong arguments."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

import psutil
import pytest

from autograder.shell import INTERRUPTED, PASSED, USAGE

GOLDEN = (
    "right-einsum",
    "right-loops",
    "half-finished",
    "wrong-conv-flipped-kernel",
    "wrong-maxpool-over-channels",
    "wrong-avgpool-counts-padding",
    "broken-segfault",
    "broken-syntax-error",
)
ONLY = ("--only", "padding", "--only", "convolution", "--only", "pooling")
SLEEPS = "import time\n\ntime.sleep(600)\n"


def command(*arguments):
    return [sys.executable, "-m", "autograder.cli", *map(str, arguments)]


def process(*arguments, cwd=None):
    return subprocess.run(command(*arguments), cwd=cwd, capture_output=True, text=True, check=False)


def files_of(out):
    """All that must not depend on how it was graded; the journal has a salt and an order."""
    return {
        str(file.relative_to(out)): file.read_bytes()
        for file in sorted(out.rglob("*"))
        if file.is_file() and file.name not in ("timing.json", "journal.jsonl")
    }


@pytest.fixture(scope="module")
def golden_class(golden, tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "students"
    for name in GOLDEN:
        shutil.copytree(golden / name, folder / name)
    (folder / "zara.zip").write_bytes(b"PK\x03\x04 and no more")
    return folder


@pytest.fixture(scope="module")
def undisturbed(golden_class, tmp_path_factory):
    """What one job writes that nobody disturbs."""
    out = tmp_path_factory.mktemp("undisturbed") / "results"
    done = process("grade", golden_class, *ONLY, "--out", out, "--jobs", 1)
    assert (done.returncode, done.stderr) == (PASSED, "")
    assert {"zara/results.json", "right-loops/results.json", "index.html"} <= files_of(out).keys()
    return files_of(out)


@pytest.fixture
def students(tmp_path):
    """Two students; the second one's code sleeps."""
    for name, text in (("anna", "def relu(x):\n    return x\n"), ("ben", SLEEPS)):
        (tmp_path / "students" / name).mkdir(parents=True)
        (tmp_path / "students" / name / "activation.py").write_text(text)
    return tmp_path / "students"


@contextlib.contextmanager
def running(*arguments, **options):
    """A process that is gone afterwards, whatever happens."""
    with subprocess.Popen(arguments, text=True, **options) as started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


def heed():
    """Interrupts count, also where the tests themselves run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


PIPED = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_whoever_is_killed_goes_on(golden_class, undisturbed, tmp_path, jobs, until):
    out = tmp_path / "results"
    arguments = ("grade", golden_class, *ONLY, "--out", out, "--jobs", jobs)
    with running(*command(*arguments), **PIPED) as started:
        until(lambda: len(list(out.glob("*/results.json"))) >= 3)
        children = psutil.Process(started.pid).children(recursive=True)
        started.send_signal(signal.SIGKILL)
        started.communicate(timeout=60)
    assert started.returncode == -signal.SIGKILL
    assert psutil.wait_procs(children, timeout=20)[1] == []
    assert not (out / "index.html").exists()
    done = process(*arguments, "--resume")
    assert (done.returncode, done.stderr) == (PASSED, "")
    assert re.search(r"^[1-9] were graded before, and are as they were$", done.stdout, re.M)
    assert files_of(out) == undisturbed


@pytest.mark.slow
def test_two_jobs_write_the_same_bytes(golden_class, undisturbed, tmp_path):
    done = process("grade", golden_class, *ONLY, "--out", tmp_path, "--jobs", 2)
    assert (done.returncode, done.stderr) == (PASSED, "")
    assert files_of(tmp_path) == undisturbed


@pytest.mark.slow
def test_a_process_of_the_pool_that_is_killed_is_replaced(
    golden_class, undisturbed, tmp_path, until
):
    out = tmp_path / "results"
    arguments = ("grade", golden_class, *ONLY, "--out", out, "--jobs", 2)
    with running(*command(*arguments), **PIPED) as started:
        until(lambda: list(out.glob("*/results.json")))
        pool = [
            child
            for child in psutil.Process(started.pid).children()
            if "spawn_main" in " ".join(child.cmdline())
        ]
        pool[0].kill()
        _, told = started.communicate(timeout=600)
    assert (started.returncode, told) == (PASSED, "")
    assert files_of(out) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_ends_it_and_says_how_to_go_on(students, tmp_path, jobs, until):
    out = tmp_path / "results"
    arguments = ("grade", students, "--only", "relu", "--out", out, "--jobs", jobs)
    options = {"start_new_session": True, "preexec_fn": heed, **PIPED}
    with running(*command(*arguments), **options) as started:
        journal = out / ".journal" / "journal.jsonl"
        until(lambda: journal.exists() and '"anna"' in journal.read_text())
        until(lambda: "anna" in (out / ".journal" / "journal.jsonl").read_text())
        children = psutil.Process(started.pid).children(recursive=True)
        os.killpg(started.pid, signal.SIGINT)  # as a terminal sends it: to everybody
        _, told = started.communicate(timeout=60)
    assert started.returncode == INTERRUPTED
    assert told == (
        "autograder: interrupted: 1 of 2 are graded; the same command with --resume goes on from "
        "there\n"
    )
    assert psutil.wait_procs(children, timeout=20)[1] == []
    (students / "ben" / "activation.py").write_text("def relu(x):\n    return x\n")
    done = process(*arguments, "--resume")
    assert done.returncode == PASSED
    assert "1 were graded before" in done.stdout


# --- a cluster


@pytest.fixture
def cluster(tmp_path, until):
    """A scheduler on loopback and two workers, real processes; its address, and the workers."""
    address = tmp_path / "scheduler.json"
    dask = (sys.executable, "-m", "dask")
    here = ("--scheduler-file", str(address), "--no-dashboard")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    with contextlib.ExitStack() as stack:
        scheduler = (*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *here)
        stack.enter_context(running(*scheduler, **quiet))
        until(address.exists)
        worker = (*dask, "worker", "--nthreads", "1", "--no-nanny", *here)
        workers = [stack.enter_context(running(*worker, **quiet)) for _ in range(2)]
        import distributed

        with distributed.Client(scheduler_file=str(address), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
            place = client.scheduler.address
        yield place, workers


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_writes_the_same_bytes(
    golden_class, undisturbed, tmp_path, cluster, until
):
    place, workers = cluster
    out = tmp_path / "results"
    arguments = ("grade", golden_class, *ONLY, "--out", out, "--scheduler", place)
    with running(*command(*arguments), **PIPED) as started:
        until(lambda: list(out.glob("*/results.json")))
        workers[0].kill()
        _, told = started.communicate(timeout=600)
    assert started.returncode == PASSED, told
    assert files_of(out) == undisturbed


# --- what is asked for


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "o", "--jobs", "0"], "or equal to 1"),
        (["--out", "o", "--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"], "choose one"),
        ([], "Missing option '--out'"),
    ],
)
def test_wrong_arguments(students, tmp_path, arguments, sentence):
    done = process("grade", students, *arguments, cwd=tmp_path)
    assert done.returncode == USAGE
    assert sentence in done.stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
def test_a_scheduler_that_is_not_there(students, tmp_path):
    place = "tcp://127.0.0.1:1"
    done = process("grade", students, "--out", "o", "--scheduler", place, cwd=tmp_path)
    assert done.returncode == USAGE
    assert f"autograder: no scheduler answers at {place}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o").exists()


def test_an_empty_class(tmp_path):
    (tmp_path / "students").mkdir()
    done = process("grade", "students", "--out", "o", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.startswith("autograder: students holds no submission")
    assert not (tmp_path / "o").exists()


def test_a_journal_of_another_kind_is_not_gone_on_with(students, tmp_path):
    (tmp_path / "o" / ".journal").mkdir(parents=True)
    (tmp_path / "o" / ".journal" / "journal.jsonl").write_text('{"schema": "?", "salt": ""}\n')
    done = process("grade", students / "anna", "--out", "o", "--resume", cwd=tmp_path)
    assert done.returncode == USAGE
    assert "is of another version of the kit" in done.stderr


def test_a_dry_run_lists_and_grades_nothing(golden_class, tmp_path):
    done = process("grade", golden_class, "--dry-run", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (PASSED, "")
    lines = done.stdout.splitlines()
    rows = [line.split() for line in lines if not line.startswith(" ")]
    assert rows[: len(GOLDEN)] == [[name, "plain", name] for name in sorted(GOLDEN)]
    assert rows[len(GOLDEN)] == ["zara", "plain", "zara.zip"]
    assert any(line.startswith("    zara.zip is no readable zip file") for line in lines)
    assert lines[-1] == f"{len(GOLDEN) + 1} submissions would be graded"
    assert list(tmp_path.iterdir()) == []
