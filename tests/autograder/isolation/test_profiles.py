"""Profiles: what a kind of worker has beside NumPy, and no more. Made up here, without Keras."""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
from pathlib import Path

import pytest

from autograder.isolation import ladder
from autograder.isolation.calls import EncodedCall
from autograder.isolation.parent import Session
from autograder.isolation.profiles import H5PY, KERAS, NUMPY, Profile

CONFINED = ("medium", "strong")


@pytest.fixture
def asked(quick):
    """`asked(profile, level, source)`: the answer of `f(at)` in a worker of this profile."""

    def answer(profile, level, source, at=""):
        with (
            contextlib.closing(ladder.proven(level, quick, profile)) as server,
            Session({"m": source}, quick, server=server) as session,
        ):
            (got,) = session.ask("m", "f", [EncodedCall.of({"at": at})])
        return got

    return answer


@pytest.fixture
def open_folder():
    """A folder that another user could read; pytest's own are closed to all but their owner."""
    with tempfile.TemporaryDirectory(prefix="profiles-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_only_who_needs_threads_has_a_filter_with_them():
    machine = platform.machine()
    assert ladder.filter_of(NUMPY).name == ladder.filter_of(H5PY).name == f"{machine}.bpf"
    assert ladder.filter_of(KERAS).name == f"{machine}-threads.bpf"
    assert ladder.filter_of(KERAS).is_file()


def test_all_that_keras_needs_lies_beside_numpy():
    names = {place.name.removesuffix(".py") for place in ladder._python(KERAS).folders}
    assert names >= {"numpy", *KERAS.packages}


@pytest.mark.parametrize("level", ladder.LEVELS)
def test_a_package_is_there_for_those_who_name_it(asked, level):
    source = "def f(at):\n    import h5py\n    return h5py.__name__"
    assert asked(H5PY, level, source).value == "h5py"
    refused = asked(NUMPY, level, source)
    assert refused.status == "forbidden"
    assert "use NumPy, the standard library and your own modules" in refused.message


@pytest.mark.parametrize("level", CONFINED)
def test_a_file_is_there_and_none_beside_it(asked, level, open_folder):
    given, other = open_folder / "given", open_folder / "other"
    for file in (given, other):
        file.write_text("text")
        file.chmod(0o644)
    profile = Profile(files=(str(given),))
    source = "def f(at):\n    return open(at).read()"
    assert asked(profile, level, source, str(given)).value == "text"
    assert asked(profile, level, source, str(other)).status == "error"
    write = "def f(at):\n    return open(at, 'w').write('')"
    assert asked(profile, level, write, str(given)).status == "error"
    assert given.read_text() == "text"


@pytest.mark.parametrize("level", ladder.LEVELS)
def test_its_environment_is_all_there_is(asked, level):
    source = "import os\ndef f(at):\n    return sorted(os.environ)"
    assert asked(Profile(environment={"ONE": "1"}), level, source).value == ["ONE"]
    assert asked(NUMPY, level, source).value == []


def test_few_processors_are_seen(asked):
    source = "import os\ndef f(at):\n    return len(os.sched_getaffinity(0))"
    assert asked(Profile(cpus=1), "strong", source).value == 1
    assert asked(NUMPY, "strong", source).value == len(os.sched_getaffinity(0))


THREADS = """
import os, threading, time

def f(at):
    threads = [threading.Thread(target=time.sleep, args=(1.5,), daemon=True) for _ in range(at)]
    for thread in threads:
        thread.start()
    try:
        os.fork()
    except PermissionError:
        time.sleep(1)
        return "no process"
"""


@pytest.mark.parametrize("level", CONFINED)
def test_threads_are_allowed_and_processes_are_not(asked, level):
    assert asked(Profile(threads=4), level, THREADS, 3).value == "no process"
    assert "start new thread" in asked(NUMPY, level, THREADS, 3).message


def test_too_many_threads_are_seen_from_outside(asked):
    told = asked(Profile(threads=4), "medium", THREADS, 20)
    assert (told.status, told.message) == ("forbidden", "the code started more than 4 threads")


def test_too_many_threads_are_refused_by_the_kernel_where_workers_are_one_user(asked):
    told = asked(Profile(threads=1), "strong", THREADS, 20 * ladder.WORKERS)
    assert "can't start new thread" in told.message


def test_what_is_done_once_is_done_by_the_server(asked):
    profile = Profile(first=(("builtins", "setattr_that_is_not_there", ""),))
    with pytest.raises(ladder.NotIsolated, match="setattr_that_is_not_there"):
        asked(profile, "medium", "")
