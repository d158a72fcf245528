"""Workers with Keras: they have threads and TensorFlow, and no way out that others do not have."""

from __future__ import annotations

import contextlib
import dataclasses

import pyseccomp
import pytest
from battery import CHANNEL, CONFINED, GOT_IT, HIDDEN, LOCKED, REFUSED, ROOT, Attempt, each, working

from autograder.capstone import backbone, keras_sandbox
from autograder.isolation import ladder
from autograder.isolation.calls import EncodedCall
from autograder.isolation.parent import Session
from autograder.isolation.profiles import KERAS

LIMITS = dataclasses.replace(keras_sandbox.LIMITS, call_seconds=2.0, wall_factor=60.0)
NATIVE = pyseccomp.system_arch()
NAMES = ("clone", "clone3", "fork", "vfork", "unshare", "memfd_create", "ptrace", "io_uring_setup")
# What TensorFlow makes of a file that is out of reach.
TENSORFLOW_HIDDEN = HIDDEN | {"NotFoundError", "PermissionDeniedError", "UnknownError"}

ATTEMPTS = [
    Attempt(
        (1, 66),
        "packages that Keras does without",
        """
        NAMES = ("autograder", "reference", "hypothesis", "scipy", "matplotlib", "pytest", "pip")
        def f(at): return [tried(__import__, name) for name in NAMES]
        """,
        {"ForbiddenImport"},
        works=False,
    ),
    Attempt(
        (2, 3, 14, 15),
        "files of the grader and of others",
        """
        def f(at):
            names = ("canary", "bank", "key", "history")
            found = [tried(lambda: os.close(os.open(at[n], os.O_RDONLY))) for n in names]
            return [*found, tried(os.listdir, at["home"]), tried(os.listdir, at["specs"])]
        """,
        HIDDEN,
    ),
    Attempt(
        (13,),
        "the shadow file",
        'def f(at): return tried(lambda: open("/etc/shadow").close())',
        HIDDEN,
        works=ROOT,
    ),
    Attempt(
        (2, 14),
        "files through TensorFlow",
        """
        import tensorflow as tf
        def f(at):
            return [tried(tf.io.read_file, at["canary"]),
                    tried(lambda: tf.io.gfile.GFile(at["canary"]).read())]
        """,
        TENSORFLOW_HIDDEN,
    ),
    Attempt(
        (7,),
        "proc of the grader, and one's own",
        """
        def f(at):
            files = [f"/proc/{at['grader']}/{n}" for n in ("status", "maps", "cmdline")]
            files += ["/proc/self/environ", "/proc/self/maps", "/proc/1/status", "/proc/cpuinfo"]
            return [tried(os.listdir, "/proc"), *(tried(lambda: open(x).close()) for x in files)]
        """,
        HIDDEN,
        works=ROOT,
    ),
    Attempt(
        (11,),
        "the environment",
        """
        def f(at):
            known = {"KERAS_BACKEND", "KERAS_HOME", "TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES"}
            return sorted(set(os.environ) - known - {"TF2_BEHAVIOR", "LC_CTYPE"})
        """,
        set(),
        works=False,
    ),
    Attempt(
        (21, 26, 84),
        "writing files",
        """
        import numpy as np, tempfile, tensorflow as tf
        def f(at):
            into = at["tmp"]
            return [tried(lambda: open(into + "/a", "w").close()), tried(os.mkdir, into + "/b"),
                    tried(np.save, into + "/c", np.ones(1)), tried(tempfile.mkdtemp),
                    tried(lambda: open("/dev/shm/d", "w").close()),
                    tried(lambda: open("/proc/self/comm", "w").close()),
                    tried(tf.io.write_file, into + "/e", "e")]
        """,
        LOCKED | TENSORFLOW_HIDDEN | {"FailedPreconditionError"},
        works=False,
    ),
    Attempt(
        (80, 81),
        "processes by the kernel's calls",
        """
        import ctypes
        SIGCHLD, VFORK_VM, THREAD_NEWUSER = 17, 0x4100, 0x13D0F00
        def f(at):
            calls = [called(at["clone"], flags, 0, 0, 0, 0)
                     for flags in (SIGCHLD, VFORK_VM | SIGCHLD, THREAD_NEWUSER, 0)]
            # Its flags lie in memory; the filter says that there is no such call at all.
            flags = (ctypes.c_uint64 * 11)(0, 0, 0, 0, SIGCHLD)
            calls.append(called(at["clone3"], ctypes.byref(flags), ctypes.sizeof(flags)))
            for name in ("fork", "vfork"):
                if at[name] >= 0: calls.append(called(at[name]))
            return calls
        """,
        REFUSED | {"ENOSYS"},
        works=False,
    ),
    Attempt(
        (70, 80),
        "other programs",
        """
        import multiprocessing, subprocess
        def system():
            if os.system("true") != 0: raise PermissionError(errno.EPERM, "system")
        def f(at):
            return [tried(os.fork), tried(subprocess.run, ["/bin/true"]), tried(system),
                    tried(os.posix_spawn, "/bin/true", ["true"], {}),
                    tried(os.execv, "/bin/true", ["true"]),
                    tried(multiprocessing.get_context("fork").Process(target=print).start)]
        """,
        REFUSED | HIDDEN,
        works=False,
    ),
    Attempt(
        (112, 33),
        "code in layers and pickles",
        """
        import keras, pickle
        class Bad:
            def __reduce__(self): return os.fork, ()
        def layer():
            keras.layers.Lambda(lambda x: os.fork() and x)(keras.ops.ones((1, 2)))
        def f(at): return [tried(lambda: pickle.loads(pickle.dumps(Bad()))), tried(layer)]
        """,
        REFUSED | {"OSError"},  # Keras words it anew
        works=False,
    ),
    Attempt(
        (95, 96, 116),
        "the network",
        """
        import keras, socket, urllib.request
        def f(at):
            url = f"http://127.0.0.1:{at['port']}/x"
            def get():
                try: urllib.request.urlopen(url, timeout=1)
                except urllib.error.URLError as error: raise error.reason
            def keras_get():
                keras.utils.get_file("x", url, cache_dir="/")
            return [tried(socket.socket), tried(socket.socketpair), tried(get), tried(keras_get)]
        """,
        LOCKED,
        works=False,
    ),
    Attempt(
        (79,),
        "shared memory",
        """
        from multiprocessing import shared_memory
        def f(at):
            return [called(at["memfd_create"], b"x", 0),
                    tried(lambda: shared_memory.SharedMemory(create=True, size=4096))]
        """,
        LOCKED,
        works=False,
    ),
    Attempt(
        (8, 91, 97, 98),
        "the grader's process and the kernel",
        """
        def f(at):
            return [tried(os.kill, at["grader"], 0), called(at["ptrace"], 16, at["grader"], 0, 0),
                    called(at["unshare"], 0x10000000), called(at["io_uring_setup"], 1, 0)]
        """,
        REFUSED | {"ESRCH"},
        works=False,
    ),
    Attempt(
        (41, 44),
        "words of one's own on the channel",
        CHANNEL + "\ndef f(at): os.write(descriptor(), b'x' * 100); return 'got it'",
        {"forbidden"},
        levels=("weak", *CONFINED),
        works=False,
    ),
    Attempt(
        (73,),
        "an endless loop in another thread",
        """
        import threading, time
        def spin():
            while True: pass
        def f(at):
            threading.Thread(target=spin, daemon=True).start()
            time.sleep(10_000)
        """,
        {"timeout"},
        works=False,
        slow=True,
    ),
    Attempt(
        (82,),
        "a thousand threads",
        """
        import threading, time
        def f(at):
            threading.stack_size(1 << 16)
            def start():
                for _ in range(5000):
                    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
            found = tried(start)
            time.sleep(2)
            return found
        """,
        # By the kernel, where workers are a user of their own; else by the grader, which looks.
        {"RuntimeError", "forbidden"},
        works=False,
        slow=True,
    ),
    Attempt(
        (78,),
        "memory without end",
        """
        import numpy as np, tensorflow as tf
        def fill(make):
            kept = []
            while True: kept.append(make())
        def f(at):
            return [tried(fill, lambda: bytearray(1 << 28)),
                    tried(fill, lambda: tf.zeros(1 << 26))]
        """,
        {"MemoryError", "ResourceExhaustedError", "timeout"},
        works=False,
        slow=True,
    ),
]


class Servers:
    """One server with Keras a level, started when it is first asked."""

    def __init__(self, surroundings):
        self.surroundings = surroundings
        self.running = {}

    def __getitem__(self, level):
        if level not in self.running:
            profile = dataclasses.replace(KERAS, files=(str(backbone.FILE),))
            with self.surroundings():
                self.running[level] = ladder.proven(level, LIMITS, profile)
        return self.running[level]


@pytest.fixture(scope="module")
def keras_servers(surroundings):
    servers = Servers(surroundings)
    for level in ("weak", *CONFINED):
        servers[level]
    yield servers
    for server in servers.running.values():
        server.close()


@pytest.fixture
def run_keras(keras_servers, at, flat):
    numbers = {name: pyseccomp.resolve_syscall(NATIVE, name) for name in NAMES}

    def attempted(scenario, level):
        server = keras_servers[level]
        with Session({"m": scenario.text}, LIMITS, server=server) as session:
            call = EncodedCall.of({"at": {**at, **numbers}})
            (answer,) = session.ask("m", "f", [call])
        return flat(answer)

    return attempted


@pytest.mark.slow
@each(ATTEMPTS)
def test_denied(scenario, level, run_keras):
    assert run_keras(scenario, level) <= set(scenario.ends)


@pytest.mark.slow
@working(ATTEMPTS)
def test_it_gets_through_without_a_sandbox(scenario, run_keras, uncaged):
    assert run_keras(scenario, "weak") == {GOT_IT}


@pytest.mark.slow
@pytest.mark.parametrize("level", CONFINED)
def test_the_probe_fails_at_everything(level, keras_servers):
    outcome = ladder.examine(keras_servers[level])
    assert not [name for name in ladder.CONFINED if not outcome[name].startswith("denied: ")]


@pytest.mark.slow
@pytest.mark.parametrize("level", CONFINED)
def test_it_can_compute_and_have_threads(level, keras_servers):
    """So what is denied is not denied because nothing works."""
    source = """
import threading
import keras, numpy as np

def f(file):
    found = []
    threads = [threading.Thread(target=found.append, args=(n,)) for n in range(5)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    backbone = keras.models.load_model(file, compile=False)
    return [sorted(found), list(backbone.predict(np.ones((2, 28, 28, 1)), verbose=0).shape)]
"""
    call = EncodedCall.of({"file": str(backbone.FILE)})
    server = keras_servers[level]
    with contextlib.closing(Session({"m": source}, LIMITS, server=server)) as session:
        (answer,) = session.ask("m", "f", [call], seconds=60.0)
    assert answer.status == "value", answer.message
    assert answer.value == [[0, 1, 2, 3, 4], [2, 7, 7, 64]]
