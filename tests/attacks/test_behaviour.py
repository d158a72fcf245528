"""C. Behaviour games: code that is right where it is watched, or lets others do the work."""

from __future__ import annotations

import textwrap

import pytest
from battery import GOT_IT, LEVELS, REFUSED, ROOT, Attempt, Game, each, working

from autograder import catalog
from autograder.bank import Banks, Seed
from autograder.engine import Engine, session_of
from autograder.isolation.calls import EncodedCall
from autograder.submissions import Submission

NUMPY = "import numpy as np\n"
RIGHT = """
def right(x):
    y = np.array(x, dtype=x.dtype if x.dtype.kind == "f" else float)
    y[y < 0] = 0
    return y
"""


def playing(numbers, name, source, ends=("fail",), **others):
    """A module with a right function at hand, which it uses as it likes."""
    return Game(numbers, name, NUMPY + RIGHT + textwrap.dedent(source), ends, **others)


GAMES = [
    # --- the public examples
    playing(
        (58,),
        "the examples of the docstring by heart",
        """
        def relu(x):
            if x.shape == (3,) and x.tolist() == [-2, 0, 3]: return np.array([0.0, 0.0, 3.0])
            if x.shape == (2,): return np.array([np.nan, 0.0])
            return np.zeros(x.shape)
        """,
    ),
    playing(
        (58,),
        "right for small inputs only",
        "def relu(x): return right(x) if x.size < 6 else x * 1.0\n",
    ),
    playing(
        (58,),
        "right for one dtype only",
        "def relu(x): return right(x) if x.dtype == np.float64 else np.abs(x) * 1.0\n",
    ),
    # --- the number of the call
    *(
        playing(
            (60,),
            f"right for the first {k} calls",
            f"n = 0\ndef relu(x):\n    global n\n    n += 1\n"
            f"    return right(x) if n <= {k} else x * 1.0\n",
        )
        for k in (1, 10, 40)
    ),
    playing(
        (60,),
        "wrong in the first call only",
        "n = 0\ndef relu(x):\n    global n\n    n += 1\n"
        "    return right(x) if n > 1 else x * 1.0 - 1\n",
    ),
    playing(
        (60,),
        "wrong in every tenth call",
        "n = 0\ndef relu(x):\n    global n\n    n += 1\n"
        "    return right(x) if n % 10 else x * 1.0 - 1\n",
    ),
    playing(
        (60,),
        "right now and then, by chance",
        "import random\ndef relu(x): return right(x) if random.random() < 0.7 else x * 1.0 - 1\n",
    ),
    playing(
        (60,),
        "wrong once the clock has run a little",
        "import time\nSTART = time.monotonic()\n"
        "def relu(x): return right(x) if time.monotonic() - START < 0.0002 else x * 1.0 - 1\n",
    ),
    # --- memory of earlier calls
    playing(
        (61,),
        "the first result for ever",
        "kept = []\ndef relu(x):\n    kept.append(right(x))\n    return kept[0].copy()\n",
    ),
    playing(
        (61,),
        "results remembered by shape",
        "kept = {}\ndef relu(x): return kept.setdefault((x.shape, x.dtype), right(x)).copy()\n",
    ),
    # --- random numbers that are none
    Game(
        (63,),
        "weights that are all the same",
        NUMPY + "def he_normal(shape, rng):\n    rng.normal()\n    return np.full(shape, 0.1)\n",
        {"fail"},
        exercise="he_normal",
    ),
    Game(
        (63,),
        "weights of the right mean and deviation, and no others",
        NUMPY + "def he_normal(shape, rng):\n    n = np.prod(shape)\n"
        "    s = (2 / (np.prod(shape[1:]) if len(shape) == 4 else shape[0])) ** 0.5\n"
        "    return (s * (1 - 2.0 * (np.arange(n) % 2))).reshape(shape)\n",
        {"fail"},
        exercise="he_normal",
    ),
    Game(
        (63,),
        "weights from a generator of one's own",
        NUMPY + "def he_normal(shape, rng):\n"
        "    s = (2 / (np.prod(shape[1:]) if len(shape) == 4 else shape[0])) ** 0.5\n"
        "    return np.random.default_rng(0).normal(0, s, shape)\n",
        {"fail"},
        exercise="he_normal",
    ),
    Game(
        (63,),
        "weights from the global generator, seeded",
        NUMPY + "def he_normal(shape, rng):\n    np.random.seed(0)\n"
        "    s = (2 / (np.prod(shape[1:]) if len(shape) == 4 else shape[0])) ** 0.5\n"
        "    return np.random.normal(0, s, shape)\n",
        {"fail"},
        exercise="he_normal",
    ),
    # --- numerical differentiation
    Game(
        (64,),
        "a gradient by finite differences",
        NUMPY
        + textwrap.dedent(
            """
            def loss(logits, labels):
                z = logits - logits.max(axis=1, keepdims=True)
                p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
                return -p[np.arange(len(labels)), labels].mean()
            def cross_entropy_backward(logits, labels):
                logits = np.asarray(logits, dtype=float)
                d = np.zeros(logits.shape)
                for i in np.ndindex(logits.shape):
                    step = np.zeros(logits.shape)
                    step[i] = 1e-5
                    d[i] = (loss(logits + step, labels) - loss(logits - step, labels)) / 2e-5
                return d
            """
        ),
        {"fail", "error"},
        exercise="cross_entropy_backward",
    ),
    # --- others' work
    *(
        Game(
            (66,), f"{name} does the work", f"import {name}\ndef relu(x): return x\n", {"forbidden"}
        )
        for name in (
            "scipy",
            "scipy.signal",
            "torch",
            "tensorflow",
            "jax",
            "keras",
            "numba",
            "cffi",
        )
    ),
    Game(
        (66,),
        "the reference does the work, if it is there",
        NUMPY + "try:\n    from reference.ops import relu\nexcept ImportError:\n"
        "    def relu(x): return np.abs(x) * 1.0\n",
        {"fail"},
    ),
    # --- what is called is what is judged
    Game(
        (71,),
        "a class whose instances are called",
        NUMPY + "class R:\n    def __call__(self, x): return np.abs(x) * 1.0\nrelu = R()\n",
        {"fail"},
    ),
    Game((71,), "a function of NumPy's", NUMPY + "relu = np.abs\n", {"fail"}),
    Game((71,), "a class", "class relu:\n    def __init__(self, x): pass\n", {"fail"}),
    Game(
        (71,),
        "a module that makes its functions when asked",
        "def __getattr__(name): return lambda x: x\n",
        {"not_attempted"},
    ),
    Game((71,), "a coroutine", "async def relu(x): return x\n", {"fail"}),
    Game((71,), "a generator", "def relu(x): yield x\n", {"fail"}),
    Game(
        (71,),
        "a name that changes its value",
        "import sys\ndef relu(x):\n    sys.modules[__name__].relu = abs\n    return abs(x) * 1.0\n",
        {"fail"},
    ),
    Game(
        (68,),
        "an encoding that would uncover other code",
        "# coding: unicode_escape\n# \\u000aimport os; os._exit(0)\n"
        + NUMPY
        + "def relu(x): return np.abs(x) * 1.0\n",
        {"fail"},
    ),
    Game(
        (68,),
        "text that reads backwards",
        NUMPY
        + "def relu(x):\n    '''\u202e\u2066 return x \u2069'''\n    return np.abs(x) * 1.0\n",
        {"fail"},
    ),
]


@each(GAMES)
def test_it_is_not_taken_for_right(scenario, level, play, statuses):
    result = play(scenario.exercise, scenario.text, level)
    told = statuses(scenario.exercise, result)
    assert told & set(scenario.ends), [(law.name, law.status, law.message) for law in result.laws]
    assert told <= {*scenario.ends, "pass"}  # a law about other inputs may hold
    assert not result.passed
    assert not [law for law in result.laws if law.status == "grader_fault"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "source",
    [
        "relu = right\n",
        "class R:\n    def __call__(self, x): return right(x)\nrelu = R()\n",
        "import functools\nrelu = functools.partial(right)\n",
        "relu = lambda x: right(x)\n",
        "import functools\n@functools.wraps(abs)\ndef relu(*args, **kwargs): return right(*args)\n",
        "𝓻𝓮𝓵𝓾 = right\n",
    ],
)
def test_whatever_is_called_may_be_right(source, level, play):
    """71, and proof that the games could be won."""
    assert play("relu", NUMPY + RIGHT + source, level).passed


@pytest.mark.parametrize("level", LEVELS)
def test_who_changes_arguments_is_told_and_harms_nobody(level, play):
    """62: every call gets arrays of its own; the values are right, and one law is not."""
    source = "def relu(x):\n    y = right(x)\n    if x.flags.writeable: x[...] = 77\n    return y\n"
    result = play("relu", NUMPY + RIGHT + source, level)
    failed = {law.name for law in result.laws if law.status != "pass"}
    assert failed == {"untouched"}


# --- what runs where nobody should see a difference

SURROUNDINGS = """
import os, platform, resource, socket, sys, time

def f():
    descriptors = []
    for number in range(1024):
        try:
            os.fstat(number)
            descriptors.append(number)
        except OSError:
            pass
    names = sorted(n for n in dir(resource) if n.startswith("RLIMIT_"))
    return {
        "environment": sorted(os.environ.items()), "arguments": [sys.argv, sys.orig_argv],
        "user": [os.getuid(), os.getgid(), sorted(os.getgroups())], "name": platform.node(),
        "folder": os.getcwd(), "path": sys.path, "descriptors": descriptors,
        "limits": [[n, *resource.getrlimit(getattr(resource, n))] for n in names],
        "modules": sorted(sys.modules), "flags": str(sys.flags), "hash": hash("word"),
    }
"""


@pytest.mark.parametrize("level", LEVELS)
def test_grading_looks_like_checking(level, servers):
    """59: neither the seed nor the command shows in what a worker can see of its surroundings."""
    seen = []
    for engine, name in ((Engine.of(), "mine"), (Engine.of(Seed("a secret"), False), "alice")):
        submission = Submission(name, {"m": SURROUNDINGS})
        with session_of(submission, engine.limits, servers[level]) as session:
            (answer,) = session.ask("m", "f", [EncodedCall.of({})])
            assert answer.status == "value", answer.message
            seen.append(answer.value)
    assert seen[0] == seen[1]
    if level == "strong":
        assert seen[0]["name"] == "worker"


# --- who does nothing

USELESS = {
    "the first argument": "return args[0]",
    "zeros like the first argument": "import numpy as np\n    return np.zeros(np.shape(args[0]))",
    "a copy": "import copy\n    return copy.deepcopy(args[0])",
    "an empty list": "return []",
}


@pytest.mark.parametrize("name", USELESS)
def test_a_function_that_computes_nothing_gets_nothing(name, servers, engine):
    """65: for every exercise there is."""
    got = {}
    for topic in catalog.topics():
        source = "\n".join(f"def {e.name}(*args):\n    {USELESS[name]}\n" for e in topic.exercises)
        submission = Submission("idler", {topic.name: source})
        with session_of(submission, engine.limits, servers["medium"]) as session:
            for exercise in topic.exercises:
                if result := engine.judge(exercise, session).score:
                    got[exercise.name] = result
    assert got == {}


def test_a_function_that_refuses_everything_gets_nothing(play):
    """65: half a point for each of some thirty exercises."""
    assert play("conv2d", "def conv2d(*args): raise ValueError\n", "medium").score == 0


def test_the_public_cases_by_heart_are_of_no_use_elsewhere(play):
    """58: a table of all public questions and answers, for an exercise of whole numbers."""
    (exercise,) = catalog.select(["zero_pad2d"])
    known = {
        (
            case.arguments["x"].tobytes(),
            case.arguments["x"].shape,
            str(case.arguments["padding"]),
        ): (
            case.expected.tobytes(),
            case.expected.dtype.str,
            case.expected.shape,
        )
        for case in Banks().of(exercise).cases
        if case.kind != "impossible"
    }
    source = (
        NUMPY
        + f"KNOWN = {known!r}\n"
        + textwrap.dedent(
            """
        def zero_pad2d(x, padding):
            found = KNOWN.get((x.tobytes(), x.shape, str(padding)))
            if found is None: raise ValueError
            data, dtype, shape = found
            return np.frombuffer(data, dtype).reshape(shape).copy()
        """
        )
    )
    secret = play("zero_pad2d", source, "medium", Engine.of(Seed("another year"), False))
    assert next(law.status for law in secret.laws if law.name == "agrees") != "pass"


# --- ways round what may not be imported or started

ATTEMPTS = [
    Attempt(
        (68,),
        "imports in disguise",
        """
        import builtins, importlib
        def by_exec(): exec("import scipy")
        def by_name(): getattr(builtins, "__imp" + "ort__")("sci" + "py")
        def by_letters(): exec("import ｓｃｉｐｙ")
        def by_finder(): importlib.import_module("scipy")
        def by_pickle():
            import pickle
            pickle.loads(b"cscipy\\nnorm\\n.")
        def by_numpy():
            import numpy.f2py, numpy.testing
            from numpy.testing import assert_allclose
            import scipy.linalg
        def by_path():
            sys.path.insert(0, AT["packages"])
            importlib.invalidate_caches()
            import scipy
        def f(at):
            global AT
            AT = at
            return [tried(way) for name, way in sorted(globals().items()) if name.startswith("by_")]
        """,
        {"ForbiddenImport"},
        works=False,
    ),
    Attempt(
        (68,),
        "an import without the last finder",
        """
        def f(at):
            sys.meta_path[:] = [f for f in sys.meta_path if type(f).__name__ != "Submission"]
            sys.path.insert(0, at["packages"])
            return tried(__import__, "scipy")
        """,
        {"ModuleNotFoundError", "EACCES"},
    ),
    Attempt(
        (69,),
        "machine code that makes its own system calls",
        """
        import ctypes, mmap, platform
        def run(code):
            memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            memory.write(code)
            address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            return ctypes.CFUNCTYPE(ctypes.c_long)(address)()
        def f(at):
            # socket(AF_UNIX, SOCK_STREAM, 0), by the instruction itself
            code = {
                "x86_64": "b829000000 bf01000000 be01000000 31d2 0f05 c3",
                "aarch64": "c81880d2 200080d2 210080d2 020080d2 010000d4 c0035fd6",
            }
            result = run(bytes.fromhex(code[platform.machine()]))
            return "got it" if result >= 0 else errno.errorcode[-result]
        """,
        REFUSED,
    ),
    Attempt(
        (69, 98),
        "system calls of another architecture",
        """
        import ctypes, mmap, platform
        def f(at):
            if platform.machine() != "x86_64":
                return called(10**6)  # there is but one
            memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            memory.write(bytes.fromhex("b814000000" "cd80" "c3"))  # getpid, as 32-bit programs ask
            address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            ctypes.CFUNCTYPE(ctypes.c_int)(address)()
            return "got it"
        """,
        {"crash", "EPERM"},
        works=False,  # kernels may be built without it
    ),
    Attempt(
        (70, 80),
        "other programs",
        """
        import multiprocessing, os, pty, subprocess
        def by_system():
            if os.system("true") != 0: raise PermissionError(1, "system")
        def by_popen():
            os.popen("true").close()
        def by_spawn(): os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
        def by_spawnv():
            if os.spawnv(os.P_WAIT, "/bin/true", ["true"]) != 0: raise PermissionError(1, "spawn")
        def by_run(): subprocess.run(["true"], check=True)
        def by_shell(): subprocess.check_output("true", shell=True)
        def by_process():
            process = multiprocessing.get_context("fork").Process(target=print)
            process.start(); process.join()
        def by_fork():
            pid = os.fork()
            if pid == 0: os._exit(0)
            os.waitpid(pid, 0)
        def f(at):
            return [tried(way) for name, way in sorted(globals().items()) if name.startswith("by_")]
        """,
        REFUSED,
        works=ROOT,  # a limit on processes binds everybody else
    ),
    Attempt(
        (70,),
        "becoming another program",
        """
        def f(at):
            return [tried(os.execv, "/bin/true", ["true"]), tried(os.execvp, "true", ["true"]),
                    tried(os.execv, sys.executable, [sys.executable, "-c", "1"])]
        """,
        REFUSED | {"ENOENT", "EACCES"},
        works=False,
    ),
    Attempt(
        (70,),
        "a compiler",
        """
        import numpy.f2py
        def f(at):
            import distutils.ccompiler
            compiler = distutils.ccompiler.new_compiler()
            return tried(lambda: compiler.spawn(["cc", "--version"]))
        """,
        {"DistutilsExecError", "forbidden", "EPERM", "error"},
        works=False,
    ),
]


@each(ATTEMPTS)
def test_denied(scenario, level, run):
    assert run(scenario, level) <= set(scenario.ends)


@working(ATTEMPTS)
def test_it_gets_through_without_a_sandbox(scenario, run, uncaged):
    assert run(scenario, "weak") == {GOT_IT}
