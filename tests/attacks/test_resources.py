"""D. Resources: code that never ends, takes all there is, or ends the process."""

from __future__ import annotations

import dataclasses
import os
import time

import psutil
import pytest
from battery import GOT_IT, LEVELS, LOCKED, REFUSED, ROOT, Attempt, each, working

from autograder.engine import session_of
from autograder.isolation import parent
from autograder.isolation.calls import EncodedCall
from autograder.isolation.ladder import ForkServer
from autograder.isolation.limits import MIB
from autograder.submissions import Submission

DEEP = "[" * 300 + "]" * 300


def ending(numbers, name, body, ends, **others):
    """An attempt that ends in this way at every level, whoever asks."""
    source = (
        "import ctypes, itertools, re, signal, time\nimport numpy as np\ndef f(at):\n"
        + "\n".join("    " + line for line in body.strip("\n").splitlines())
    )
    others = {"levels": LEVELS, "works": False, **others}
    return Attempt(numbers, name, source, ends, **others)


ATTEMPTS = [
    # --- it never ends
    ending((73,), "a loop", "while True: pass", {"timeout"}),
    Attempt((73,), "a loop at import", "while True: pass", {"timeout"}, levels=LEVELS, works=False),
    ending(
        (74,),
        "a loop that catches everything",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        {"timeout"},
    ),
    ending(
        (75,),
        "a loop that ignores signals",
        "for n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        {"timeout"},
    ),
    ending((76,), "a loop inside of C", "sum(itertools.repeat(1))", {"timeout"}),
    ending((76,), "a regular expression", "re.match('(a+)+$', 'a' * 60 + 'b')", {"timeout"}),
    ending((76,), "a large power", "pow(3, 10**9)", {"timeout", "memory"}),
    ending((76,), "linear algebra", "while True: np.linalg.svd(np.ones((300, 300)))", {"timeout"}),
    ending((77,), "sleep", "time.sleep(10**6)", {"timeout"}, slow=True),
    ending((77,), "waiting for input", "os.read(0, 1) or input()", {"error"}),
    ending(
        (77,),
        "waiting for a lock",
        "import threading\nlock = threading.Lock()\nlock.acquire(); lock.acquire()",
        {"timeout"},
        slow=True,
    ),
    ending(
        (73,),
        "a destructor that never ends",
        "class D:\n    def __del__(self):\n        while True: pass\nD()\nreturn 'value'",
        {"timeout"},
    ),
    ending(
        (73,),
        "a result that takes for ever to read",
        "class L(list):\n    def __getitem__(self, i):\n        while True: pass\n"
        "    __len__ = __getitem__\n    def __iter__(self): return self\n"
        "    __next__ = __getitem__\nreturn L(['read'])",
        {"timeout", "read"},
    ),
    # --- it takes memory
    ending((78,), "a large array", "np.ones(2**36)", {"memory"}),
    ending((78,), "arrays kept", "kept = []\nwhile True: kept.append(np.empty(2**22))", {"memory"}),
    ending((78,), "a list", "kept = [0]\nwhile True: kept += kept", {"memory", "timeout"}),
    ending(
        (78,),
        "bytes",
        "kept = bytearray()\nwhile True: kept += bytes(2**24)",
        {"memory", "timeout"},
    ),
    ending((78,), "text", "'x' * 2**40", {"memory"}),
    ending(
        (78,),
        "memory taken by who catches MemoryError",
        "kept = []\nwhile True:\n    try: kept.append(np.ones(2**22))\n"
        "    except MemoryError: pass",
        {"timeout", "memory"},
    ),
    ending((78, 89), "a number's literal", "eval('9' * 10**7)", {"error", "memory", "timeout"}),
    ending(
        (78,),
        "a compressed bomb",
        "import zlib\nbomb = zlib.compress(bytes(2**26))\n"
        "return [zlib.decompress(bomb) for i in range(99)]",
        {"memory", "timeout"},
    ),
    ending((88,), "an endless generator", "list(itertools.count())", {"memory", "timeout"}),
    ending((88,), "a generator that is returned", "return itertools.count()", {"fail"}),
    # --- its own process
    ending((86,), "recursion", "def g(): return g()\ng()", {"error"}),
    ending(
        (86,),
        "recursion without a limit",
        "sys.setrecursionlimit(10**9)\ndef g(): return [g()]\ng()",
        {"crash", "memory", "error", "timeout"},
    ),
    ending(
        (86,),
        "a text of deep lists",
        "x = []\nfor i in range(10**5): x = [x]\nreturn repr(x)",
        {"error", "crash"},
    ),
    ending(
        (86,), "deep lists", "x = []\nfor i in range(10**5): x = [x]\nreturn x", {"fail", "crash"}
    ),
    ending((86,), "a list within itself", "x = []\nx.append(x)\nreturn x", {"fail"}),
    ending((86,), "a dictionary within itself", "x = {}\nx['x'] = x\nreturn x", {"fail"}),
    ending((87,), "a bad address", "ctypes.string_at(8)", {"crash"}),
    ending((87,), "abort", "os.abort()", {"crash"}),
    ending(
        (87,),
        "killing itself",
        "os.kill(os.getpid(), 9)\nreturn 'alive'",
        {"crash", "timeout", "error"},
    ),
    ending(
        (87,),
        "an instruction that there is not",
        "import mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(bytes.fromhex('0f0b') * 9)\n"
        "ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()",
        {"crash"},
    ),
    ending(
        (87,),
        "byte code that is none",
        "def g(): return 1\ng.__code__ = g.__code__.replace(co_code=bytes(range(1, 255)) * 4, "
        "co_stacksize=1)\ng()",
        {"crash", "error", "timeout"},
    ),
    ending((87,), "memory written over", "ctypes.memset(id(None), 0, 64)\nreturn 1", {"crash"}),
    ending(
        (85,),
        "megabytes printed",
        "for i in range(3000): print('x' * 1000); os.write(1, b'y' * 1000); os.write(2, b'z' * "
        "1000)\nreturn 'quiet'",
        {"quiet"},
    ),
    ending(
        (85,), "a print that is huge", "print('x' * 2**28)\nreturn 'quiet'", {"quiet", "memory"}
    ),
    ending(
        (83,),
        "all descriptors",
        "n = 0\ntry:\n    while n < 10**5: os.dup(0); n += 1\n"
        "except OSError as error: name = errno.errorcode[error.errno]\n"
        "return [name, 'few' if n < 70 else 'many']",
        {"EMFILE", "few"},
    ),
    # --- at the compiler
    *(
        Attempt((89,), f"{name} to compile", source, ends, levels=LEVELS, works=False)
        for name, source, ends in [
            ("nested brackets", f"x = {'(' * 5000}{')' * 5000}", {"error", "memory"}),
            ("200,000 signs", f"x = {'-' * 200_000}1", {"error", "memory", "crash"}),
            (
                "a constant that grows",
                "x = ((((9**99)**99)**99)**99)**99",
                {"timeout", "memory", "error"},
            ),
            (
                "a text that grows",
                "x = ((('x' * 4000) * 4000) * 4000) * 4000",
                {"memory", "timeout", "error"},
            ),
            (
                "a tuple that grows",
                "x = (((0,) * 250) * 4000) * 4000 * 4000",
                {"memory", "timeout", "error"},
            ),
            ("a very long literal", f"x = {'9' * 200_000}", {"error"}),
            ("a long chain", "x = " + " + ".join(["1"] * 60_000), {"error", "memory", "crash"}),
            (
                "nested functions",
                "".join(f"{' ' * i}def f():\n" for i in range(120)) + " " * 120 + "pass",
                {"error"},
            ),
            ("nested f-strings", "x = f'" + '{f"' * 40, {"error"}),
            ("a NUL", "def f(at): return '\0'", {"error"}),
        ]
    ),
    # --- hidden memory
    Attempt(
        (79, 98),
        "memory that no limit counts",
        """
        def f(at):
            name = ctypes.create_string_buffer(b"x")
            return [called(at["shmget"], 0, 4096, 0o1600), called(at["memfd_create"], name, 0)]
        import ctypes
        """,
        REFUSED,
    ),
    Attempt((79,), "pipes", "def f(at): return [tried(os.pipe), tried(os.pipe2, 0)]", REFUSED),
    Attempt(
        (79, 84),
        "shared memory",
        """
        from multiprocessing import shared_memory
        def f(at):
            def make():
                block = shared_memory.SharedMemory(create=True, size=4096)
                block.close(); block.unlink()
            return tried(make)
        """,
        LOCKED,
        works=False,  # without room for files there is none
    ),
    # --- processes and threads
    Attempt(
        (80,),
        "a process",
        """
        def f(at):
            def fork():
                pid = os.fork()
                if pid == 0: os._exit(0)
                os.waitpid(pid, 0)
            return tried(fork)
        """,
        REFUSED,
        works=ROOT,  # a limit on processes binds everybody else
    ),
    Attempt(
        (80,),
        "a daemon",
        """
        import time
        def f(at):
            def fork():
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0: time.sleep(20)
                    os._exit(0)
            return [tried(fork), tried(os.setsid)]
        """,
        REFUSED,
        works=False,
    ),
    Attempt(
        (81,),
        "many processes",
        """
        def f(at):
            found = []
            for i in range(200):
                try:
                    pid = os.fork()
                except OSError as error:
                    found.append(errno.errorcode[error.errno])
                    continue
                if pid == 0: os._exit(0)
                os.waitpid(pid, 0)
                found.append("got it")
            return found
        """,
        REFUSED,
        works=ROOT,  # a limit on processes binds everybody else
    ),
    Attempt(
        (82,),
        "threads",
        """
        import _thread, concurrent.futures, threading
        def pool():
            with concurrent.futures.ThreadPoolExecutor(2) as pool: pool.submit(int).result()
        def timer():
            threading.Timer(0, int).start()
        def f(at):
            return [tried(_thread.start_new_thread, int, ()), tried(pool), tried(timer)]
        """,
        {"RuntimeError"},
        works=ROOT,  # a limit on processes binds everybody else
    ),
    # --- files
    Attempt(
        (21, 84),
        "writing files",
        """
        def write(name):
            with open(name, "wb") as file: file.write(bytes(1))
        def f(at):
            places = [at["folder"], at["tmp"], at["home"], at["checkout"], at["library"],
                      "/tmp", "/var/tmp", "/dev/shm", "/run", "/etc", "/", "."]
            return [tried(write, f"{place}/{at['name']}") for place in places]
        """,
        LOCKED,
        works=False,
    ),
    Attempt(
        (21, 84),
        "making an empty file",
        "def f(at): return tried(lambda: os.close(os.open(f\"{at['tmp']}/{at['name']}\", "
        "os.O_CREAT | os.O_WRONLY)))",
        LOCKED,
    ),
    Attempt(
        (21,),
        "writing to what is there",
        """
        def f(at):
            path = at["canary"]
            flags = (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND)
            return [tried(lambda: os.close(os.open(path, flag))) for flag in flags]
        """,
        LOCKED,
    ),
    *(
        Attempt((21, 26, 84), name, f"def f(at): return tried({action})", LOCKED)
        for name, action in {
            "emptying a file": 'lambda: os.truncate(at["canary"], 0)',
            "removing a file": 'os.unlink, at["canary"]',
            "renaming a file": 'os.rename, at["canary"], at["canary"] + "x"',
            "changing rights": 'os.chmod, at["canary"], 0o666',
            "changing times": 'os.utime, at["canary"]',
            "a hard link": "os.link, at[\"canary\"], f\"{at['tmp']}/{at['name']}\"",
            "a symbolic link": "os.symlink, at[\"canary\"], f\"{at['tmp']}/{at['name']}\"",
            "a folder": "os.mkdir, f\"{at['tmp']}/{at['name']}\"",
            "a named pipe": "os.mkfifo, f\"{at['tmp']}/{at['name']}\"",
            "an attribute": 'os.setxattr, at["canary"], "user.x", b"x"',
            "a file without a name": 'lambda: os.close(os.open(at["tmp"], os.O_TMPFILE | '
            "os.O_WRONLY))",
        }.items()
    ),
    Attempt(
        (21, 97),
        "a device",
        "def f(at): return tried(os.mknod, f\"{at['tmp']}/{at['name']}\", 0o20600, os.makedev(1, "
        "3))",
        LOCKED,
        works=ROOT,
    ),
    Attempt(
        (26,),
        "code for the next interpreter",
        """
        import sysconfig
        def f(at):
            found = []
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
            for folder in (at["library"], at["packages"], at["numpy"]):
                for name in ("sitecustomize.py", "usercustomize.py", ".pth", "json.py"):
                    path = f"{folder}/{at['name']}{name}"
                    found.append(tried(lambda: os.close(os.open(path, flags))))
            return found
        """,
        LOCKED,
        works=False,
    ),
    # --- limits, its own and those of others
    Attempt(
        (90,),
        "more for itself",
        """
        import resource
        def f(at):
            kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE,
                     resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_CORE)
            return [tried(resource.setrlimit, kind, (10**15, 10**15)) for kind in kinds]
        """,
        {"ValueError", "EPERM"},
        works=False,
    ),
    Attempt(
        (91,),
        "the grader's limits",
        """
        import resource
        def f(at):
            pids = (at["grader"], os.getppid())
            now = [tried(resource.prlimit, pid, resource.RLIMIT_CORE) for pid in pids]
            return [*now, tried(os.kill, at["grader"], 0)]
        """,
        REFUSED | {"ESRCH"},
    ),
    Attempt(
        (91,),
        "the grader's time",
        """
        def f(at):
            pid = at["grader"]
            def slow_down():
                os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid))
            return tried(slow_down)
        """,
        REFUSED,
    ),
    Attempt(
        (91,),
        "where the grader may run",
        'def f(at): return tried(os.sched_setaffinity, at["grader"], os.sched_getaffinity(0))',
        REFUSED | {"ESRCH"},
    ),
    Attempt(
        (91,),
        "signals to others",
        """
        import signal
        def f(at):
            found = [tried(os.kill, pid, 0) for pid in (at["grader"], os.getppid(), 1, os.getpid())]
            return [*found, tried(os.killpg, 0, 0), tried(signal.raise_signal, 0)]
        """,
        REFUSED,
        works=False,
    ),
    Attempt(
        (91,),
        "a signal to the grader",
        'def f(at): return tried(os.kill, at["grader"], 0)',
        REFUSED,
    ),
    Attempt(
        (91,),
        "signals by way of a descriptor",
        """
        import fcntl
        SETOWN, SETSIG, SETOWN_EX, SETLEASE, NOTIFY = 8, 10, 15, 1024, 1026
        def f(at):
            descriptor = max(n for n in range(64) if tried(os.fstat, n) == "got it")
            pids = (at["grader"], os.getppid(), 1)
            found = [tried(fcntl.fcntl, descriptor, SETOWN, pid) for pid in pids]
            return [*found, tried(fcntl.fcntl, descriptor, SETSIG, 0)]
        """,
        REFUSED,
        works=False,
    ),
    Attempt(
        (91,),
        "owning a descriptor's signals",
        """
        import fcntl
        def f(at):
            descriptor = max(n for n in range(64) if tried(os.fstat, n) == "got it")
            requests = ((8, os.getpid()), (10, 0))
            return [tried(fcntl.fcntl, descriptor, *request) for request in requests]
        """,
        REFUSED,
    ),
]


@pytest.fixture(scope="session")
def more(house):
    import numpy
    import pyseccomp

    calls = ("shmget", "memfd_create")
    numbers = {n: pyseccomp.resolve_syscall(pyseccomp.system_arch(), n) for n in calls}
    return {
        **numbers,
        "name": house.secret[-12:],
        "numpy": os.path.dirname(numpy.__file__),
        "library": os.path.dirname(os.__file__),
    }


@each(ATTEMPTS)
def test_it_comes_to_this(scenario, level, run, more):
    assert run(scenario, level, **more) <= set(scenario.ends)


@working(ATTEMPTS)
def test_it_gets_through_without_a_sandbox(scenario, run, more, uncaged):
    assert run(scenario, "weak", **more) == {GOT_IT}


# --- what is counted over many calls


@pytest.fixture
def special(house):
    """`special(level, limit=...)`: a server with limits of its own."""
    started = []

    def start(level, base, **limits):
        started.append(ForkServer(level, dataclasses.replace(base, **limits)))
        return started[-1]

    yield start
    for server in started:
        server.close()


def asking(server, source, count, kinds=None):
    with session_of(Submission("m", {"m": source}), server.limits, server) as session:
        return session.ask("m", "f", [EncodedCall.of({})] * count, kinds)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["weak"])  # rlimits are what this level has
def test_the_kernel_stops_who_ignores_it(level, special, servers):
    """75: SIGXCPU ignored; SIGKILL comes some seconds of CPU later."""
    source = (
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\ndef f():\n"
        "    while True: pass"
    )
    server = special(level, servers[level].limits, worker_seconds=1, call_seconds=60)
    (answer,) = asking(server, source, 1)
    assert (answer.status, answer.message) == (
        "timeout",
        "stopped by the system after 1 CPU seconds, the limit for one process",
    )


@pytest.mark.parametrize("level", LEVELS)
def test_a_thousand_crashes_cost_a_few_workers(level, servers, monkeypatch):
    """92: after a few ends the other calls are not made."""
    started = []
    real = parent.Worker

    class Counted(real):
        def __init__(self, *args):
            started.append(self)
            super().__init__(*args)

    monkeypatch.setattr(parent, "Worker", Counted)
    kinds = [str(i) for i in range(1000)]
    answers = asking(servers[level], "import os\ndef f(): os._exit(1)", 1000, kinds)
    assert {answer.status for answer in answers} == {"crash"}
    assert len(started) <= 1 + servers[level].limits.fatal_per_exercise


@pytest.mark.parametrize("level", LEVELS)
def test_who_is_slow_in_every_call_is_stopped_in_the_end(level, special, servers):
    """77, 93: each call within its limit, and a class would wait for days."""
    server = special(level, servers[level].limits, submission_wall_seconds=0.5)
    started = time.monotonic()
    answers = asking(server, "import time\ndef f():\n    time.sleep(0.05)\n    return 1", 300)
    assert time.monotonic() - started < 5
    assert answers[-1].status == "timeout"
    assert answers[-1].message == "the submission has used up its 0.5 seconds of waiting"
    assert answers[0].status == "value"


@pytest.mark.parametrize("level", LEVELS)
def test_who_needs_nearly_all_in_every_call_is_stopped_in_the_end(level, special, servers):
    """73, 93: the same by work instead of sleep, also with a new worker after every crash."""
    server = special(level, servers[level].limits, submission_seconds=0.5)
    work = (
        "def f():\n    end = time.process_time() + 0.05\n    while time.process_time() < end: pass"
    )
    for last in ("    return 1", "    if time.process_time() > 0.3: os._exit(1)\n    return 1"):
        answers = asking(server, f"import os, time\n{work}\n{last}", 300)
        assert answers[-1].status == "timeout"
        assert answers[-1].message == "the submission has used up its 0.5 CPU seconds"


@pytest.mark.parametrize("level", LEVELS)
def test_large_answers_to_every_call_do_not_fill_the_grader(level, servers):
    """78: the grader holds all answers of an exercise at once."""
    limits = servers[level].limits
    me = psutil.Process()
    before = me.memory_info().rss
    answers = asking(servers[level], "import numpy as np\ndef f(): return np.ones(2**20)", 400)
    assert me.memory_info().rss - before < 2 * limits.answers_bytes
    assert sum(len(answer.body) for answer in answers) <= limits.answers_bytes
    assert answers[-1].status == "memory"


@pytest.mark.parametrize("level", LEVELS)
def test_limits_are_in_force(level, servers):
    """90, 94: hard limits equal soft ones, and no core is dumped."""
    source = """
import resource
def f(names):
    return {name: list(resource.getrlimit(getattr(resource, name))) for name in names}
"""
    names = [
        "RLIMIT_AS",
        "RLIMIT_FSIZE",
        "RLIMIT_NOFILE",
        "RLIMIT_STACK",
        "RLIMIT_CORE",
        "RLIMIT_NPROC",
        "RLIMIT_MEMLOCK",
        "RLIMIT_MSGQUEUE",
        "RLIMIT_CPU",
    ]
    with session_of(
        Submission("m", {"m": source}), servers[level].limits, servers[level]
    ) as session:
        (answer,) = session.ask("m", "f", [EncodedCall.of({"names": names})])
    found = answer.value
    limits = servers[level].limits
    assert found.pop("RLIMIT_CPU") == [limits.worker_seconds, limits.worker_seconds + 5]
    assert all(soft == hard for soft, hard in found.values())
    assert found["RLIMIT_AS"][0] == limits.memory_bytes
    assert found["RLIMIT_NOFILE"][0] == limits.open_files
    for name in ("FSIZE", "CORE", "NPROC", "MEMLOCK", "MSGQUEUE"):
        assert found[f"RLIMIT_{name}"] == [0, 0]


@pytest.mark.parametrize("level", LEVELS)
def test_printed_text_is_cut(level, servers):
    """85: what is kept of it is little, whatever the code does to the stream that counts it."""
    source = (
        "import sys\ndef f():\n    sys.stdout.limit = 10**9\n    print('x' * 40_000)\n    return 1"
    )
    (answer,) = asking(servers[level], source, 1)
    assert len(answer.printed) <= 2000


@pytest.mark.parametrize("level", LEVELS)
def test_a_bomb_takes_no_memory_of_the_grader(level, servers):
    me = psutil.Process()
    before = me.memory_info().rss
    asking(servers[level], "def f(): raise ValueError('x' * 10**8)", 3)
    asking(servers[level], "def f(): return ['x' * 10**7] * 9", 3)
    assert me.memory_info().rss - before < 64 * MIB
