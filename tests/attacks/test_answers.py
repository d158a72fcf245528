"""A. Reading answers: the reference, the expected values, the cases, the work of others."""

from __future__ import annotations

import numpy as np
import pytest
from battery import CONFINED, GOT_IT, HIDDEN, LEVELS, REFUSED, ROOT, TOOLS, Attempt, each, working

from autograder import catalog, engine
from autograder.bank import Banks, Seed
from autograder.engine import Engine, session_of
from autograder.isolation.calls import EncodedCall
from autograder.submissions import Submission

WAYS = """
    import linecache, mmap, sqlite3
    import numpy as np

    def by_sqlite(path):
        sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("select 1 from sqlite_master")

    def ways(path):
        return [
            tried(lambda: open(path).close()),
            tried(lambda: os.close(os.open(path, os.O_RDONLY))),
            tried(lambda: np.fromfile(path, np.uint8)[0]),
            tried(lambda: np.memmap(path, np.uint8, "r")[0]),
            tried(lambda: open(os.path.relpath(path)).close()),
            tried(lambda: open("/usr/lib/../.." + path).close()),
            tried(lambda: open("/dev/../" + path).close()),
        ]
"""

ATTEMPTS = [
    Attempt(
        (1,),
        "importing the reference from the grader's own path",
        """
        import importlib
        def f(at):
            sys.path[:0] = [at["checkout"], at["packages"]]
            importlib.invalidate_caches()
            names = ("reference.ops", "reference.pure.padding", "autograder.specs.padding", "scipy")
            return [tried(importlib.import_module, name) for name in names]
        """,
        {"ForbiddenImport"},
    ),
    Attempt(
        (1, 2),
        "loading the answer key as a module by its path",
        """
        import importlib.machinery, importlib.util, runpy, types
        def load(path):
            loader = importlib.machinery.SourceFileLoader("key", path)
            loader.exec_module(types.ModuleType("key"))
        def f(at):
            return [
                tried(load, at["key"]),
                tried(runpy.run_path, at["key"]),
                tried(lambda: exec(open(at["key"]).read(), {})),
            ]
        """,
        HIDDEN,
    ),
    Attempt(
        (1,),
        "loading the compiled core as a library",
        """
        import ctypes, glob, importlib.machinery, importlib.util
        def f(at):
            library = at["core"]
            loader = importlib.machinery.ExtensionFileLoader("padding", library)
            spec = importlib.util.spec_from_file_location("padding", library, loader=loader)
            return [
                tried(lambda: importlib.util.module_from_spec(spec)),
                tried(lambda: ctypes.CDLL(library)),
            ]
        """,
        {"ImportError", "OSError"},
    ),
    *(
        Attempt(
            numbers, f"reading {what}", WAYS + f"\n    def f(at): return ways(at['{what}'])", HIDDEN
        )
        for numbers, what in [
            ((2,), "canary"),
            ((1, 2), "key"),
            ((2, 19), "bank"),
            ((14,), "other"),
            ((15,), "history"),
        ]
    ),
    Attempt(
        (2, 13),
        "opening files by ways that only name them",
        """
        O_PATH = 0o10000000
        def by_name(path):
            descriptor = os.open(path, O_PATH)
            os.close(os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY))
        def by_folder(folder):
            descriptor = os.open(folder, O_PATH | os.O_DIRECTORY)
            os.close(os.open("canary", os.O_RDONLY, dir_fd=descriptor))
        def f(at):
            return [tried(by_name, at["canary"]), tried(by_folder, at["folder"])]
        """,
        HIDDEN,
    ),
    Attempt(
        (2,),
        "opening a database",
        """
        import sqlite3
        def f(at):
            def connect():
                connection = sqlite3.connect(f"file:{at['canary']}?mode=ro", uri=True)
                try:
                    connection.execute("select * from sqlite_master")
                except sqlite3.DatabaseError as error:
                    if "not a database" not in str(error):  # that is: it was read
                        raise
            return tried(connect)
        """,
        {"OperationalError"},
    ),
    Attempt(
        (3, 14, 15),
        "listing folders",
        """
        def f(at):
            names = ("checkout", "specs", "isolation", "folder", "home", "tmp", "packages")
            places = [*(at[name] for name in names), "/", "/tmp", "/home", "/etc", "/proc", "/dev"]
            return [tried(os.listdir, place) for place in places]
        """,
        HIDDEN,
    ),
    Attempt(
        (3,),
        "walking through everything there is",
        """
        import glob
        def f(at):
            found = []
            for place in ("/", at["checkout"], at["folder"]):
                for folder, folders, files in os.walk(place):
                    found += files
                    if len(found) > 1000:
                        break
                found += glob.glob(place + "/*")
            return "got it" if found else "nothing"
        """,
        {"nothing"},
    ),
    Attempt(
        (3,),
        "reading the grader's code",
        """
        def f(at):
            code = tried(lambda: open(at["grader_code"]).close())
            return [code, tried(os.listdir, at["isolation"])]
        """,
        HIDDEN,
    ),
    Attempt(
        (7,),
        "looking into the grader through proc",
        """
        def f(at):
            found = []
            for pid in (at["grader"], os.getppid(), "self", 1):
                for name in ("environ", "cmdline", "maps", "mem", "status", "stat", "auxv"):
                    found.append(tried(lambda: open(f"/proc/{pid}/{name}", "rb").read(1)))
                for name in ("fd", "task", "map_files", "ns", "cwd/", "root/"):
                    found.append(tried(os.listdir, f"/proc/{pid}/{name}"))
            return found
        """,
        HIDDEN,
        works=False,
    ),
    Attempt(
        (7, 11),
        "reading the grader's environment through proc",
        "def f(at): return tried(lambda: open(f\"/proc/{at['grader']}/environ\").close())",
        HIDDEN,
        works=ROOT,
    ),
    Attempt(
        (7,),
        "following the grader's links in proc",
        """
        def f(at):
            place = f"/proc/{at['grader']}"
            return [tried(os.readlink, f"{place}/{name}") for name in ("exe", "cwd", "root")]
        """,
        HIDDEN | {"EPERM"},
        works=ROOT,
    ),
    Attempt(
        (8,),
        "tracing",
        """
        TRACEME, SEIZE = 0, 0x4206
        def f(at):
            if at.get("uncaged"):
                return called(at["ptrace"], TRACEME, 0, 0, 0)
            pids = (at["grader"], os.getppid(), 1)
            seized = [called(at["ptrace"], SEIZE, pid, 0, 0) for pid in pids]
            return [called(at["ptrace"], TRACEME, 0, 0, 0), *seized]
        """,
        REFUSED,
    ),
    Attempt(
        (9,),
        "reading and writing another process's memory",
        """
        def f(at):
            return [called(at[name], at["grader"], 0, 0, 0, 0, 0)
                    for name in ("process_vm_readv", "process_vm_writev")]
        """,
        REFUSED,
    ),
    Attempt(
        (10,),
        "taking the grader's descriptors",
        """
        def f(at):
            return [called(at["pidfd_open"], at["grader"], 0), called(at["pidfd_getfd"], 0, 0, 0)]
        """,
        REFUSED,
        works=False,
    ),
    Attempt(
        (10,),
        "opening a handle of the grader",
        'def f(at): return called(at["pidfd_open"], at["grader"], 0)',
        REFUSED,
    ),
    Attempt(
        (13,),
        "reading keys and passwords",
        """
        def f(at):
            names = (".ssh/id_ed25519", ".netrc", ".git-credentials", ".cache/pip/page")
            paths = [f"{at['home']}/{name}" for name in names]
            return [tried(lambda: open(path).close()) for path in [*paths, "/etc/passwd"]]
        """,
        HIDDEN,
    ),
    Attempt(
        (13,),
        "reading the shadow file",
        'def f(at): return tried(lambda: open("/etc/shadow").close())',
        HIDDEN,
        works=ROOT,
    ),
    Attempt(
        (13,),
        "reading the kernel's files and devices",
        """
        def f(at):
            places = ("/proc/kallsyms", "/proc/kcore", "/sys/kernel/notes", "/dev/kmsg", "/dev/mem",
                      "/dev/tty", "/dev/ptmx", "/dev/fuse", "/dev/kvm", "/dev/shm", "/dev/zero")
            return [tried(lambda: os.close(os.open(p, os.O_RDONLY))) for p in places]
        """,
        HIDDEN,
        works=False,
    ),
    Attempt(
        (20,),
        "asking which files there are",
        """
        def f(at):
            places = [at[name] for name in ("canary", "key", "bank", "other", "history", "specs")]
            return [tried(os.stat, place) for place in [*places, "/etc/passwd", "/proc/1"]]
        """,
        {"ENOENT"},
        levels=["strong"],
    ),
]


def numbers_of(*names):
    """System calls by their number here."""
    import pyseccomp

    return {name: pyseccomp.resolve_syscall(pyseccomp.system_arch(), name) for name in names}


@pytest.fixture(scope="session")
def more(root):
    (core,) = (root / "reference" / "fast").glob("padding.*.so")
    isolation = root / "autograder" / "isolation"
    calls = ("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd")
    return {
        "core": str(core),
        "isolation": str(isolation),
        "grader_code": str(isolation / "parent.py"),
        **numbers_of(*calls),
    }


@each(ATTEMPTS)
def test_denied(scenario, level, run, more):
    assert run(scenario, level, **more) <= set(scenario.ends)


@working(ATTEMPTS)
def test_it_gets_through_without_a_sandbox(scenario, run, more, uncaged):
    assert run(scenario, "weak", **more, uncaged=True) == {GOT_IT}


# --- what is not in the worker's memory, at any level

SEARCH = """
import gc, os, re, sys
PATTERN = re.compile("can" + "ary-[0-9a-f]{32}")

def strings(limit=400_000):
    seen, waiting = set(), [gc.get_objects()]
    frame = sys._getframe()
    while frame is not None:
        waiting += [frame.f_locals, frame.f_globals, frame.f_builtins]
        frame = frame.f_back
    while waiting and len(seen) < limit:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if type(item) is str:
            yield item
        elif type(item) is bytes:
            yield item.decode("latin-1")
        elif type(item) in (list, tuple, set, frozenset):
            waiting += list(item)
        elif type(item) is dict:
            waiting += [*item, *item.values()]

def environment():
    import ctypes
    found = [*os.environ.values()]
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_char_p
    for name in ("HOME", "PATH", "USER", "PWD", "AUTOGRADER_ATTACKS_CANARY"):
        value = libc.getenv(name.encode())
        found.append(value.decode() if value else "")
    return found

def loaded():
    return [name for name in sys.modules if name.partition(".")[0] in
            ("autograder", "reference", "hypothesis", "pytest", "scipy", "_pytest")]

def subclasses():
    waiting, found = [object], set()
    while waiting:
        for kind in type.__subclasses__(waiting.pop()):
            if kind not in found:
                found.add(kind)
                waiting.append(kind)
    return [str(kind.__module__) for kind in found
            if str(kind.__module__).partition(".")[0] in ("autograder", "reference", "hypothesis")]
"""
SEARCHES = {
    "objects and frames": ((4, 5), "sorted({s for s in strings() if PATTERN.search(s)})[:3]"),
    "the environment": ((11,), "[v for v in environment() if PATTERN.search(v) or '/' in v]"),
    "the modules": ((6,), "loaded()[:3]"),
    "classes": ((5,), "subclasses()[:3]"),
    "the command line": ((11, 59), "[a for a in [*sys.argv, *sys.orig_argv][2:] if '{' in a]"),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", SEARCHES)
def test_memory_holds_nothing_of_the_grader(name, level, servers):
    source = SEARCH + f"\ndef f(): return {SEARCHES[name][1]}"
    with session_of(
        Submission("m", {"m": source}), servers[level].limits, servers[level]
    ) as session:
        (answer,) = session.ask("m", "f", [EncodedCall.of({})])
    assert (answer.status, answer.value) == ("value", [])


@pytest.mark.parametrize("name", [name for name in SEARCHES if name != "the command line"])
def test_the_same_search_finds_it_in_the_grader(name, house):
    kept = [house.secret]
    space: dict = {}
    exec(SEARCH + f"\ndef f(): return {SEARCHES[name][1]}", space)
    assert space["f"]()
    assert kept


INHERITED = """
import os, stat

def f():
    kinds = []
    for number in range(4096):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        kinds.append(stat.filemode(mode)[0])
    return kinds
"""


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_is_inherited_but_the_channel(level, servers, house):
    """12: neither the server's control socket, nor a file or a listener of the grader's."""
    with (
        open(house.canary),
        session_of(
            Submission("m", {"m": INHERITED}), servers[level].limits, servers[level]
        ) as session,
    ):
        (answer,) = session.ask("m", "f", [EncodedCall.of({})])
    assert answer.value == ["c", "c", "c", "s"]


# --- from one worker to the next

KEEP = (
    TOOLS
    + """
import tempfile
NAMES = ("kept", "../kept", "/tmp/kept", "/dev/shm/kept", "/var/tmp/kept", "/run/kept")

def write(name):
    with open(name, "w") as file:
        file.write("kept")

def f(places):
    return [tried(write, name) for name in (*NAMES, *(f"{p}/kept" for p in places))] + [
        tried(os.mkdir, "folder", 0o300), tried(os.mkdir, "d/" * 100), tried(tempfile.mkdtemp),
    ]
"""
)


@pytest.mark.parametrize("level", CONFINED)
def test_a_worker_leaves_nothing_to_the_next(level, servers, at):
    """14, 61: what one was asked, the next one cannot know."""
    submission = Submission("m", {"m": KEEP})
    call = EncodedCall.of({"places": [at["folder"], at["tmp"], at["checkout"]]})
    with session_of(submission, servers[level].limits, servers[level]) as session:
        (answer,) = session.ask("m", "f", [call])
    assert set(answer.value) <= {"ENOENT", "EACCES", "EROFS", "EPERM", "FileNotFoundError"}


@pytest.mark.parametrize("level", LEVELS)
def test_memory_of_one_worker_is_not_in_the_next(level, servers):
    keep = (
        "import json\ndef f(word):\n    known, json.kept = getattr(json, 'kept', ''), word\n"
        "    return known"
    )
    answers = []
    for word in ("first", "second"):
        with session_of(
            Submission("m", {"m": keep}), servers[level].limits, servers[level]
        ) as session:
            answers += session.ask("m", "f", [EncodedCall.of({"word": word})])
    assert [answer.value for answer in answers] == ["", ""]


# --- what can be learned from the questions

WRONG = "import numpy as np\ndef relu(x): return np.abs(x)"
RIGHT = (
    "import numpy as np\ndef relu(x): return np.maximum(x, 0.0).astype(np.result_type(x, "
    "np.float32))"
)


def test_what_is_asked_does_not_tell_what_is_right(play, monkeypatch):
    """18: all is asked before anything is compared, so no timing tells of a comparison."""
    asked = []
    real = engine._ask

    def recorded(exercise, bank, session):
        answers = real(exercise, bank, session)
        asked.append([(call.nodes, call.body) for call in bank.calls])
        return answers

    monkeypatch.setattr(engine, "_ask", recorded)
    compared = []
    judge_law = engine.judge_law
    monkeypatch.setattr(
        engine, "judge_law", lambda *args: compared.append(len(asked)) or judge_law(*args)
    )
    assert play("relu", WRONG, "medium").score < play("relu", RIGHT, "medium").score
    first, second = asked
    assert first == second
    assert set(compared) == {1, 2}  # nothing was compared while the questions were asked


def table(exercise, bank):
    """A solution that knows the cases of a bank by heart."""
    known = {}
    for case in bank.cases:
        x = case.arguments["x"]
        if isinstance(case.expected, np.ndarray):
            y = case.expected
            known[(x.shape, x.dtype.str, x.tobytes())] = (y.shape, y.dtype.str, y.tobytes())
    return (
        f"import numpy as np\nKNOWN = {known!r}\n"
        f"def {exercise.name}(x):\n"
        "    found = KNOWN.get((x.shape, x.dtype.str, x.tobytes()))\n"
        "    if found is None: return x * 0.0\n"
        "    shape, dtype, data = found\n"
        "    return np.frombuffer(data, dtype).reshape(shape).copy()\n"
    )


def test_cases_known_by_heart_are_of_no_use_on_a_secret_seed(play, servers):
    """19, 58: the public cases can be learned; those of a secret seed cannot be foreseen."""
    (relu,) = catalog.select(["relu"])
    source = table(relu, Banks().of(relu))
    public, secret = (
        play("relu", source, "medium", Engine.of(seed, explaining=False))
        for seed in (None, Seed("an instructor's own words"))
    )
    assert public.score > secret.score
    assert not secret.passed
    assert {law.status for law in secret.laws if law.name == "agrees"} == {"fail"}


def test_secret_seeds_differ_in_their_cases():
    (relu,) = catalog.select(["relu"])
    banks = [Banks(seed).of(relu) for seed in (Seed(), Seed("a"), Seed("b"))]
    bodies = [{call.body for call in bank.calls if len(call.body) > 64} for bank in banks]
    assert len(bodies[0]) > 3
    assert not bodies[0] & bodies[1]
    assert not bodies[1] & bodies[2]
