"""B. Tampering with the verdict: a wrong solution that tries to be taken for a right one.

Each plays on a real exercise, at every level: the process boundary alone must hold here.
"""

from __future__ import annotations

import textwrap

import psutil
import pytest
from battery import CHANNEL, CONFINED, LEVELS, REFUSED, Attempt, Game, each

from autograder.engine import session_of
from autograder.isolation.calls import EncodedCall
from autograder.submissions import Submission

NUMPY = "import numpy as np\n"
WRONG = NUMPY + "def relu(x): return np.abs(x) * 1.0\n"
# What a right solution of the exercise does, for games about something else.
RIGHT = "    y = np.asarray(x) * 1.0 if x.dtype.kind != 'f' else x.copy()\n    y[y < 0] = 0\n"


def tampering(numbers, name, source, ends=("fail",), **others):
    """A wrong solution with some tampering before it."""
    return Game(numbers, name, textwrap.dedent(source) + WRONG, ends, **others)


def returning(numbers, name, value, ends=("fail",), **others):
    """A solution that returns this expression of x."""
    return Game(numbers, name, NUMPY + f"def relu(x): return {value}\n", ends, **others)


def speaking(numbers, name, words, ends=("forbidden",), **others):
    """A solution that says something on the channel itself, and then answers."""
    body = f"s, nonce = session()\n{textwrap.dedent(words).strip()}\nreturn np.abs(x)\n"
    source = CHANNEL + NUMPY + "def relu(x):\n" + textwrap.indent(body, "    ")
    return Game(numbers, name, source, ends, **others)


def pulling(numbers, name, body, ends, **others):
    """A solution with this body."""
    source = "import os, sys\n" + NUMPY + "def relu(x):\n"
    return Game(
        numbers, name, source + textwrap.indent(textwrap.dedent(body), "    "), ends, **others
    )


GAMES = [
    # --- the tools of a grader, broken in the worker
    tampering(
        (22,),
        "numpy's comparisons always say yes",
        """
        import numpy as np, numpy.testing
        yes = lambda *args, **kwargs: True
        for module in (np, np.testing):
            for name in ("allclose", "array_equal", "isclose", "assert_allclose",
                         "assert_array_equal", "all", "may_share_memory"):
                if hasattr(module, name):
                    setattr(module, name, yes)
        """,
        ("fail", "crash"),
    ),
    tampering(
        (22,),
        "the built-ins are replaced",
        """
        import builtins
        builtins.abs = lambda x: 0
        builtins.all = builtins.any = lambda items: True
        builtins.isinstance = lambda *args: True
        builtins.sum = lambda *args: 0
        builtins.len = lambda items: 0
        """,
        ("fail", "forbidden", "crash", "timeout"),
    ),
    tampering(
        (23,),
        "json writes another answer",
        """
        import json
        json.dumps = lambda *args, **kwargs: '{"v": null}'
        json.JSONEncoder.encode = lambda self, value: '{"v": null}'
        json.JSONEncoder.iterencode = lambda self, value, **k: ['{"v": null}']
        """,
        ("fail", "forbidden"),
    ),
    tampering(
        (23,),
        "json writes a constant",
        "import json\njson.encoder.c_make_encoder = None\n"
        "json.encoder.encode_basestring_ascii = repr\n",
        ("fail", "forbidden"),
    ),
    tampering(
        (23,),
        "struct packs lies",
        """
        import struct
        struct.pack = struct.pack_into = lambda *args: bytes(36)
        class Struct:
            size = 0
            def __init__(self, *args): pass
            def pack(self, *args): return bytes(36)
            unpack = pack
        struct.Struct = Struct
        """,
        ("fail", "forbidden"),
    ),
    tampering(
        (23,),
        "the wire's own functions are replaced",
        """
        import gc, types
        for module in gc.get_objects():
            if isinstance(module, types.ModuleType) and hasattr(module, "Encoder"):
                if hasattr(module, "MAX_NODES"):
                    module.Encoder.add = lambda self, value, depth=0: 0
                    module.MAX_META = module.MAX_NODES = 10**9
                    module.WireError = BaseException
        """,
        ("fail", "forbidden"),
    ),
    tampering(
        (24,),
        "unittest reports success",
        """
        import unittest
        unittest.TestResult.wasSuccessful = lambda self: True
        unittest.TestCase.assertEqual = lambda *args: None
        unittest.main = lambda *args: None
        """,
    ),
    Game((24,), "pytest is patched", "import pytest\n" + WRONG, {"forbidden"}),
    Game(
        (24,),
        "hooks of pytest",
        "def pytest_runtest_makereport(item, call): return True\n"
        "def pytest_sessionfinish(session): session.exitstatus = 0\n"
        "def pytest_collection_modifyitems(items): items.clear()\n" + WRONG,
        {"fail"},
    ),
    tampering(
        (23,),
        "modules are swapped for fakes",
        """
        import sys, types
        fake = types.ModuleType("fake")
        fake.__getattr__ = lambda name: lambda *args, **kwargs: True
        for name in ("json", "struct", "wire", "worker", "socket", "autograder", "hypothesis"):
            sys.modules[name] = fake
        """,
        ("fail", "forbidden"),
    ),
    tampering(
        (23,),
        "tracing hooks change what the worker holds",
        """
        import sys
        def trace(frame, event, arg):
            if event == "return" and frame.f_code.co_name == "relu":
                frame.f_locals["y"] = 0
            return trace
        sys.settrace(trace); sys.setprofile(trace)
        """,
        ("fail", "timeout", "crash"),
    ),
    # --- values that agree with everything
    Game(
        (29,),
        "an object that equals everything",
        """
        class Yes:
            def __eq__(self, other): return True
            __ne__ = __lt__ = __le__ = __gt__ = lambda self, other: False
            __hash__ = lambda self: 0
            def __getattr__(self, name): return Yes()
            __abs__ = __sub__ = __rsub__ = lambda self, *args: 0.0
            __bool__ = lambda self: True
            __float__ = lambda self: 0.0
            __array_priority__ = 1e9
        def relu(x): return Yes()
        """,
        {"fail"},
    ),
    Game(
        (29,),
        "an array of objects that equal everything",
        NUMPY
        + "class Yes:\n    def __eq__(self, other): return True\n    __float__ = lambda self: 0.0\n"
        "def relu(x):\n    y = np.empty(x.shape, object)\n    y[...] = Yes()\n    return y\n",
        {"fail"},
    ),
    Game(
        (30,),
        "an array that lies about itself",
        NUMPY
        + textwrap.dedent(
            """
            class Liar(np.ndarray):
                def __eq__(self, other): return np.ones(self.shape, bool)
                def __array_ufunc__(self, *args, **kwargs): return np.zeros(self.shape)
                def __array_function__(self, *args, **kwargs): return True
                def __array__(self, *args, **kwargs): return np.maximum(KEPT, 0)
                def astype(self, *args, **kwargs): return np.maximum(KEPT, 0)
                def tobytes(self, *args): return np.maximum(KEPT, 0).tobytes()
                def all(self, *args): return True
            def relu(x):
                global KEPT
                KEPT = x
                return np.abs(x).view(Liar)
            """
        ),
        {"fail"},
    ),
    Game(
        (30,),
        "a list that lies about its contents",
        "class Liar(list):\n    __iter__ = lambda self: iter([])\n    __len__ = lambda self: 0\n"
        "    __eq__ = lambda self, other: True\ndef relu(x): return Liar([1, 2])\n",
        {"fail"},
    ),
    returning(
        (31,),
        "a masked array over wrong values",
        "np.ma.masked_array(np.abs(x), np.ones(x.shape, bool))",
    ),
    returning((31,), "a matrix", "np.matrix(np.zeros((2, 2)))"),
    returning((31,), "lists", "np.abs(x).tolist()"),
    returning((31,), "one number", "0.0"),
    returning((31,), "an array of no axes", "np.array(0.0)"),
    returning((32,), "an array of objects", "np.abs(x).astype(object)"),
    returning((32,), "a structure", "np.zeros(x.shape, [('a', 'f8'), ('b', 'f8')])"),
    returning((32,), "complex numbers", "np.abs(x) + 0j"),
    returning((32,), "longer floats", "np.abs(x).astype(np.longdouble)", ("fail",)),
    returning((32,), "words", "np.abs(x).astype(str)"),
    returning((32,), "dates", "np.zeros(x.shape, 'M8[s]')"),
    Game(
        (33,),
        "a pickle's payload",
        NUMPY + "import os\nclass Payload:\n    def __reduce__(self):\n"
        "        return os.putenv, ('AUTOGRADER_PICKLED', '1')\n"
        "def relu(x):\n    y = np.empty(x.shape, object)\n    y[...] = Payload()\n    return y\n",
        {"fail"},
    ),
    Game(
        (33,),
        "methods that run in whoever looks",
        "import os\nclass Trap:\n"
        + "".join(
            f"    def {name}(self, *args): os.environ['AUTOGRADER_TRAPPED'] = '1'; return {value}\n"
            for name, value in {
                "__repr__": "''",
                "__str__": "''",
                "__array__": "None",
                "__len__": "0",
                "__iter__": "iter(())",
                "__getstate__": "{}",
                "__del__": "None",
                "__index__": "0",
            }.items()
        )
        + "def relu(x): return Trap()\n",
        {"fail"},
    ),
    # --- numbers that swallow a comparison
    returning((34,), "NaN everywhere", "np.full(x.shape, np.nan)"),
    returning((34,), "NaN of every sign", "np.copysign(np.full(x.shape, np.nan), -1.0)"),
    returning(
        (34,),
        "one NaN in the first cell",
        "np.where(np.arange(x.size).reshape(x.shape) == 0, np.nan, np.abs(x))",
    ),
    returning((35,), "infinity everywhere", "np.full(x.shape, np.inf)"),
    returning((35,), "numbers that overflow when they are compared", "np.full(x.shape, 1.7e308)"),
    returning((35,), "the least number there is", "np.full(x.shape, -1.7e308)"),
    returning((36,), "one cell for all", "np.zeros(1)"),
    returning((36,), "an axis more", "np.abs(x)[None]"),
    returning((36,), "no cells", "np.zeros((0,))"),
    returning((36,), "no cells of the right number of axes", "np.zeros((0,) * x.ndim)"),
    returning((36,), "bytes of the right length", "np.abs(x).view(np.uint8) if x.ndim else x"),
    returning((36,), "truth values", "np.ones(x.shape, bool)"),
    returning((37,), "a view of petabytes", "np.broadcast_to(0.0, (2**50,))"),
    returning(
        (37,),
        "a view of as many bytes as a number can hold",
        "np.lib.stride_tricks.as_strided(np.zeros(1), (2**30, 2**29), (0, 0))",
    ),
    returning((46,), "thousands of values", "[0.0] * 9000"),
    returning((46,), "lists within lists", "eval('[' * 60 + ']' * 60)"),
    returning((46,), "a whole number of 5000 digits", "10 ** 5000"),
    returning(
        (46,), "keys that are surrogates", "{'\\ud800' + str(i): float('nan') for i in range(1500)}"
    ),
    returning((46,), "a text of a mebibyte", "'\\x1b[2J' * 2**18"),
    returning((46,), "nothing", "None"),
    # --- ends that look like success
    pulling((38,), "leaving with code 0", "sys.exit(0)", {"crash"}),
    pulling((38,), "raising SystemExit", "raise SystemExit(0)", {"crash"}),
    pulling((38,), "raising KeyboardInterrupt", "raise KeyboardInterrupt", {"error"}),
    pulling((38,), "raising GeneratorExit", "raise GeneratorExit", {"error"}),
    Game((38,), "leaving at import", "import sys\nsys.exit(0)\n" + WRONG, {"crash"}),
    pulling((39,), "ending the process with code 0", "os._exit(0)", {"crash"}),
    Game((39,), "ending the process at import", "import os\nos._exit(0)\n" + WRONG, {"crash"}),
    pulling((39,), "ending the process with code 70", "os._exit(70)", {"crash"}),
    pulling(
        (39, 87),
        "ending by a signal that has no name",
        "os.kill(os.getpid(), 40)\nos._exit(0)",
        {"crash", "error"},
    ),
    tampering(
        (40,),
        "verdicts printed on the way out",
        """
        import atexit, json, os, sys, weakref
        SAID = json.dumps({"status": "pass", "score": 100, "laws": []}) + "\\n"
        def say(*args):
            for descriptor in (1, 2):
                os.write(descriptor, SAID.encode())
            print(SAID); print(SAID, file=sys.stderr)
        class Late:
            __del__ = say
        late, more = Late(), Late()
        atexit.register(say)
        weakref.finalize(more, say)
        say()
        """,
    ),
    # --- words on the channel
    speaking(
        (41,),
        "an answer with a nonce of its own",
        "s.channel.sendall(s.wire.pack(s.wire.ANSWERS, bytes(16), {'v': 1}))",
    ),
    speaking(
        (41,),
        "an answer by the descriptor",
        "os.write(descriptor(), s.wire.pack(s.wire.ANSWERS, os.urandom(16), {'v': 1}))",
    ),
    speaking(
        (41,),
        "the right answer is told twice",
        "for i in range(300):\n    s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, {"
        "'v': 0.0}))\n",
        ("forbidden", "fail"),
    ),
    speaking(
        (41,),
        "every question answered at once",
        "for i in range(3000):\n"
        "    s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, {'v': 0.0}))\n"
        "s.channel.sendall(s.wire.pack(s.wire.DONE, nonce, {}))\nos._exit(0)\n",
        ("forbidden", "fail", "crash"),
    ),
    speaking(
        (41,),
        "done before it is asked",
        "s.channel.sendall(s.wire.pack(s.wire.DONE, nonce, {'s': 0.0}))",
    ),
    speaking(
        (41,),
        "ready once more",
        "s.channel.sendall(s.wire.pack(s.wire.READY, nonce, {'versions': {}}))",
    ),
    speaking(
        (41,),
        "a verdict instead of an answer",
        "s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, {'status': 'pass', 'score': 9}))",
    ),
    speaking(
        (42,),
        "another answer before the own one",
        "s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, {'v': 1}))",
        ("forbidden", "fail"),
    ),
    speaking((44,), "garbage", "s.channel.sendall(b'garbage' * 100)"),
    speaking((44,), "zeros", "s.channel.sendall(bytes(10_000))"),
    speaking(
        (44,),
        "another magic word",
        "s.channel.sendall(b'XNNx' + s.wire.pack(s.wire.ANSWERS, nonce, {'v': 1})[4:])",
    ),
    speaking(
        (44,),
        "a body that is too long",
        "s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, {'v': 1}, bytes(8)))",
    ),
    speaking(
        (44,),
        "a body that is too short",
        "s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, {'v': {'a': ['f8', [9], "
        "'C']}}, bytes(8)))",
    ),
    speaking(
        (44,),
        "half an answer",
        "s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, {'v': 1})[:-1])\nos._exit(0)",
        ("forbidden", "crash"),
    ),
    speaking(
        (45,),
        "an answer of a pebibyte",
        "s.channel.sendall(s.wire.HEADER.pack(s.wire.MAGIC, s.wire.ANSWERS, nonce, 2, 2**50))",
    ),
    speaking(
        (45,),
        "a description of four gibibytes",
        "s.channel.sendall(s.wire.HEADER.pack(s.wire.MAGIC, s.wire.ANSWERS, nonce, 2**32 - 1, 0))",
    ),
    *(
        speaking(
            (46,),
            f"a shape of {name}",
            f"s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, {{'v': {{'a': ['f8', "
            f"{shape}, 'C']}}}}, bytes(8)))",
        )
        for name, shape in {
            "2**31 times 2**33": "[2**31, 2**33]",
            "minus one": "[-1]",
            "true": "[True]",
            "NaN": "[float('nan')]",
            "nine axes": "[1] * 9",
            "2000 axes": "[1] * 2000",
            "4000 digits": "[10**4000]",
            "zero times 10**30": "[0, 10**30]",
            "words": "['1']",
        }.items()
    ),
    *(
        speaking(
            (46,),
            f"a dtype of {name}",
            f"s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, {{'v': {{'a': [{code}, "
            f"[1], 'C']}}}}, bytes(8)))",
        )
        for name, code in {
            "objects": "'O8'",
            "anything": "'V8'",
            "complex numbers": "'c8'",
            "lists": "['f8']",
        }.items()
    ),
    speaking(
        (47,),
        "a bomb of brackets",
        "s.channel.sendall(s.wire.HEADER.pack(s.wire.MAGIC, s.wire.ANSWERS, nonce, 60000, 0))\n"
        "s.channel.sendall(b'[' * 60000)",
    ),
    speaking(
        (47,),
        "a bomb of tags",
        "t = b'{\"t\":[' * 8000\n"
        "s.channel.sendall(s.wire.HEADER.pack(s.wire.MAGIC, s.wire.ANSWERS, nonce, len(t), 0) + t)",
    ),
    speaking(
        (47,),
        "words that are no UTF-8",
        't = b\'{"v":"\\xff\\xfe"}\'\n'
        "s.channel.sendall(s.wire.HEADER.pack(s.wire.MAGIC, s.wire.ANSWERS, nonce, len(t), 0) + t)",
    ),
    speaking(
        (47,),
        "numbers that are none",
        't = b\'{"v":{"f":"0x1p99999"}}\'\n'
        "s.channel.sendall(s.wire.HEADER.pack(s.wire.MAGIC, s.wire.ANSWERS, nonce, len(t), 0) + t)",
    ),
    speaking((51,), "the channel closed", "os.close(descriptor())", ("crash", "forbidden")),
    speaking(
        (51,), "the channel shut down", "s.channel.shutdown(2)", ("crash", "forbidden", "error")
    ),
    speaking(
        (51,),
        "the channel replaced by nothing",
        "os.dup2(os.open('/dev/null', os.O_RDWR), descriptor())",
        ("crash", "forbidden"),
    ),
    speaking(
        (51,),
        "the worker's functions replaced",
        "for name in dir(s):\n    if not name.startswith('_'):\n"
        "        setattr(s, name, lambda *args, **kwargs: None)\n",
        ("crash", "forbidden", "timeout", "fail"),
    ),
    # --- later than the return
    Game(
        (52,),
        "a thread that mends the result later",
        NUMPY + "import threading\ndef relu(x):\n    y = np.abs(x)\n    def mend():\n"
        "        for i in range(100): y[...] = np.maximum(x, 0)\n"
        "    try:\n        threading.Thread(target=mend, daemon=True).start()\n"
        "    except RuntimeError:\n        pass\n    return y\n",
        # Where there may be threads, this is a slow way to be right now and then.
        {"fail"},
        levels=CONFINED,
    ),
    # --- exceptions
    Game(
        (55,),
        "an exception of ten megabytes",
        "def relu(x): raise ValueError('x' * 10**7)\n",
        {"error"},
    ),
    Game(
        (55,),
        "a type's name of a megabyte",
        "E = type('E' * 10**6, (Exception,), {})\ndef relu(x): raise E\n",
        {"error"},
    ),
    Game(
        (55,),
        "an exception that breaks whoever describes it",
        "class M(type):\n    def __getattribute__(cls, name): raise SystemExit\n"
        "class E(Exception, metaclass=M):\n    pass\ndef relu(x): raise E\n",
        {"error", "crash"},
    ),
    Game(
        (55,),
        "a syntax error with parts of the wrong kind",
        "def relu(x):\n    error = SyntaxError('m', ('exercises/activation.py', 1, 1, 'x'))\n"
        "    error.lineno = error.text = error.msg = object()\n    error.filename = 'exercises/x'\n"
        "    raise error\n",
        {"error", "crash"},
    ),
    Game(
        (55,),
        "an exception with a traceback of thousands of frames",
        "import sys\nsys.setrecursionlimit(20000)\ndef relu(x, n=3000):\n"
        "    if n: return relu(x, n - 1)\n    raise ValueError\n",
        {"error", "crash"},
    ),
    pulling((56,), "raising MemoryError", "raise MemoryError", {"memory"}),
    pulling((56,), "raising TimeoutError", "raise TimeoutError", {"error"}),
    pulling((56,), "raising the worker's own exception", "import there_is_none", {"forbidden"}),
    pulling((56,), "raising NotImplementedError", "raise NotImplementedError", {"not_attempted"}),
    pulling(
        (56,),
        "raising NotImplementedError from deep",
        "def g(): raise NotImplementedError\ng()",
        {"error"},
    ),
    Game(
        (56,),
        "exceptions that claim to be the grader's",
        "class GraderFault(RuntimeError):\n    __module__ = 'builtins'\n"
        "class _Died(GraderFault): pass\n"
        "class WireError(ValueError): pass\n"
        "KINDS = [GraderFault, _Died, WireError, AssertionError]\n"
        "def relu(x): raise KINDS[x.size % 4]('internal error')\n",
        {"error"},
    ),
]

# Those that take their time are asked once only.
ENDLESS = [
    Attempt(
        (48,),
        "an answer in drops",
        CHANNEL
        + """
import time
def f(at):
    s, nonce = session()
    s.channel.sendall(s.wire.HEADER.pack(s.wire.MAGIC, s.wire.ANSWERS, nonce, 60000, 0))
    while True:
        s.channel.sendall(b" ")
        time.sleep(0.02)
""",
        {"timeout"},
        levels=LEVELS,
        slow=True,
    ),
    Attempt(
        (55,),
        "an exception that is printed for ever",
        """
        class E(Exception):
            def __str__(self):
                while True: pass
        def f(at): raise E
        """,
        {"timeout"},
        levels=LEVELS,
    ),
    Attempt(
        (55,),
        "a key that is spelled out for ever",
        """
        class Key:
            def __str__(self):
                while True: pass
        def f(at): return {Key(): 1}
        """,
        {"timeout"},
        levels=LEVELS,
    ),
    Attempt(
        (39, 77),
        "stopping the process",
        "def f(at): os.kill(os.getpid(), 19)",
        {"timeout"},
        levels=["weak"],
        slow=True,
    ),
]


@each(ENDLESS)
def test_it_is_stopped(scenario, level, run):
    assert run(scenario, level) <= set(scenario.ends)


@each(GAMES)
def test_it_is_not_taken_for_right(scenario, level, play, statuses, request):
    result = play(scenario.exercise, scenario.text, level)
    told = statuses(scenario.exercise, result)
    assert told, result
    assert told <= set(scenario.ends), [(law.name, law.status, law.message) for law in result.laws]
    assert not result.passed
    # Nor are there points for it: not more than for the same answers without the game. (A fault of
    # the grader's would give them all.)
    assert result.score <= play("relu", WRONG, level).score


@pytest.mark.parametrize("level", LEVELS)
def test_who_is_right_passes(level, play):
    """The games could be won: the same exercise, solved."""
    assert play("relu", NUMPY + "def relu(x):\n" + RIGHT + "    return y\n", level).passed
    assert 0 < play("relu", WRONG, level).score < 1


# --- what is known to be possible: claims about arguments, which alone are worth nothing

CLAIMS = """
def relu(x):
    s, nonce = session()
    s.touched = s.shares = lambda *args: []
    with np.errstate(all="ignore"):
        {change}
"""


@pytest.mark.parametrize("level", LEVELS)
def test_a_claim_that_nothing_was_touched_gains_nothing_for_the_wrong(level, play):
    """43: where the values are wrong, the law about arguments is not even judged."""
    source = (
        CHANNEL
        + NUMPY
        + CLAIMS.format(change="np.abs(x, out=x) if x.flags.writeable else 0; return x")
    )
    result = play("relu", source, level)
    assert result.score <= play("relu", WRONG, level).score
    assert next(law.status for law in result.laws if law.name == "untouched") == "not_run"


@pytest.mark.parametrize("level", LEVELS)
def test_a_result_that_changes_after_its_return_is_told(level, play):
    """53: bytes are copied at the return; a buffer that is used again shows in the law about it."""
    source = """
import numpy as np

KEPT = {}

def zero_pad2d(x, padding):
    if any(n < 0 for pair in padding for n in pair):
        raise ValueError
    y = np.pad(x, ((0, 0), (0, 0), *padding))
    y = y * 1.0 if y.dtype.kind != "f" else y
    kept = KEPT.setdefault((y.shape, y.dtype), y)
    kept[...] = y
    return kept
"""
    shared = play("zero_pad2d", source, level)
    assert {law.status for law in shared.laws if law.name == "agrees"} == {"pass"}
    assert not shared.passed
    assert play("zero_pad2d", source.replace("return kept", "return y"), level).passed


# --- file descriptors in the mail

MAIL = Attempt(
    (49,),
    "sending descriptors to the grader",
    """
    import array, socket
    def f(at):
        for number in range(3, 64):
            try:
                channel = socket.socket(fileno=os.dup(number))
            except OSError:
                continue
            rights = array.array("i", [0] * 20)
            return [tried(lambda: channel.sendmsg([], [(1, 1, rights)]))]
    """,
    REFUSED | {"AttributeError"},
)


@pytest.mark.parametrize("level", CONFINED)
def test_descriptors_cannot_be_sent(level, run):
    # A socket object cannot be made of the descriptor either, as its kind may not be asked for.
    assert run(MAIL, level) <= {"EPERM", "None"}


@pytest.mark.parametrize("level", LEVELS)
def test_descriptors_in_an_answer_do_not_arrive(level, servers):
    """49: the grader takes bytes, and the kernel closes what came along."""
    source = CHANNEL + textwrap.dedent(
        """
        import array
        def f():
            s, nonce = session()
            rights = array.array("i", [0] * 100)
            try:
                text = s.wire.pack(s.wire.ANSWERS, nonce, {"v": 5})
                s.channel.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            except OSError:
                return 1
            os._exit(0)
        """
    )
    before = psutil.Process().num_fds()
    with session_of(
        Submission("m", {"m": source}), servers[level].limits, servers[level]
    ) as session:
        (answer,) = session.ask("m", "f", [EncodedCall.of({})])
        # Besides the channel itself, which is one.
        assert psutil.Process().num_fds() <= before + 1
    if level == "weak":
        assert answer.status == "crash"  # they were sent
    else:
        assert answer.value == 1


@pytest.mark.parametrize("level", LEVELS)
def test_a_worker_taken_over_at_import_has_only_answers(level, play, statuses):
    """41, 42: the code that serves the calls is the attacker's own; so are the values."""
    source = CHANNEL + textwrap.dedent(
        """
        s, nonce = session()
        wire = s.wire
        frame = sys._getframe()
        while "batch" not in frame.f_locals.get("meta", ()):
            frame = frame.f_back
        calls = s.batches[frame.f_locals["meta"]["batch"]]
        s.channel.sendall(wire.pack(wire.LOADED, nonce, {}))
        for i in range(len(calls)):
            s.channel.sendall(wire.pack(wire.ANSWERS, nonce, {"v": {"f": "0x0p+0"}}))
        s.channel.sendall(wire.pack(wire.DONE, nonce, {"s": 0.0}))
        while True:
            header = s.exactly(wire.HEADER.size)
        """
    )
    result = play("relu", source, level)
    assert statuses("relu", result) <= {"fail", "forbidden"}
    assert result.score <= play("relu", WRONG, level).score
