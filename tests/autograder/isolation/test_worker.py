"""The worker and its parent: whatever student code does ends in an answer with the right status."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import textwrap

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.isolation import ladder, parent
from autograder.isolation.calls import EncodedCall
from autograder.isolation.limits import DEFAULT, Limits
from autograder.isolation.parent import GraderFault, Session, Worker

NOTHING = EncodedCall.of({})
ONE_CALL = ", the limit for one call"

# What student code needs to speak on the channel itself: found as a student would find it.
CHANNEL = textwrap.dedent(
    """
    import gc, json, os, socket, stat, sys

    def descriptor():
        for number in range(3, 256):
            try:
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    return number
            except OSError:
                pass

    def session():
        frame = sys._getframe()
        while frame is not None:
            if "nonce" in frame.f_locals:
                return frame.f_locals["self"], frame.f_locals["nonce"]
            frame = frame.f_back
    """
)


def call(session, function="f", count=1, groups=None, module="m"):
    return session.ask(module, function, [NOTHING] * count, groups)


def statuses(answers):
    return [answer.status for answer in answers]


# --- it answers


def test_values_and_layouts_arrive(ask):
    source = """
        def f(x, k, name):
            assert x.strides[0] < 0 and not x.flags.writeable
            return {"x": x * k, "name": name}
    """
    x = np.arange(6.0).reshape(2, 3)[::-1, ::-1]
    x.flags.writeable = False
    answer = ask(source, {"x": x, "k": 2, "name": "same"})
    assert answer.status == "value", answer.message
    assert answer.value["name"] == "same"
    np.testing.assert_array_equal(answer.value["x"], x * 2)


def test_empty_arrays_hold_nothing_of_use(ask):
    source = """
        import numpy as np
        from numpy import empty_like

        def f():
            assert np.empty(2, object).tolist() == [None, None]
            assert np.empty((0, 3)).shape == (0, 3)
            assert np.isnan(np.empty(2, complex)).all()
            like = empty_like(np.zeros((2, 2), np.float32))
            return np.empty(3), np.empty((2,), int), np.empty(2, bool), like
    """
    floats, integers, flags, like = ask(source).value
    np.testing.assert_array_equal(floats, np.full(3, np.nan))
    np.testing.assert_array_equal(integers, np.full(2, np.iinfo(int).max))
    np.testing.assert_array_equal(flags, np.full(2, True))
    np.testing.assert_array_equal(like, np.full((2, 2), np.nan, np.float32), strict=True)


def test_a_worker_serves_many_calls_and_functions(start):
    session = start(m="n = 0\ndef f(a): global n; n += 1; return n * a\ndef g(): return -n")
    answers = session.ask("m", "f", [EncodedCall.of({"a": i}) for i in (1, 10, 100)])
    assert [answer.value for answer in answers] == [1, 20, 300]
    assert call(session, "g")[0].value == -3
    assert session.cpu_seconds() > 0


def test_nothing_is_asked_of_nobody(start):
    assert start(m="").ask("m", "f", []) == []


def test_the_surroundings_are_bare(ask):
    source = """
        import os, sys
        def f():
            return {"env": sorted(os.environ), "argv": sys.argv[1:], "path": sys.path,
                    "cwd": os.getcwd(), "modules": sorted(sys.modules)}
    """
    found = ask(source).value
    assert found["env"] == found["argv"] == []
    assert found["cwd"] == "/"
    assert not [p for p in found["path"] if "site-packages" in p or "autograder" in p]
    tops = {name.partition(".")[0] for name in found["modules"]}
    assert not tops & {"autograder", "reference", "hypothesis", "scipy", "pytest", "wire"}


def test_only_the_channel_is_inherited(ask):
    source = """
        import os
        def f():
            found = []
            for number in range(256):
                try:
                    os.fstat(number)
                    found.append(number)
                except OSError:
                    pass
            return found
    """
    found = ask(source).value
    assert found[:3] == [0, 1, 2]
    assert len(found) == 4


def test_standard_input_is_empty_and_output_leads_nowhere(ask):
    assert ask("def f(): return input()").message.startswith("EOFError")
    assert ask("import os\ndef f(): return [os.read(0, 9) == b'', os.write(1, b'x')]").value == [
        True,
        1,
    ]


# --- it never ends


def test_an_endless_loop_is_stopped_by_its_cpu_seconds(ask, quick):
    answer = ask("def f():\n    while True: pass")
    assert (answer.status, answer.message) == (
        "timeout",
        "no answer after 0.5 CPU seconds" + ONE_CALL,
    )


def test_a_loop_that_catches_everything_is_stopped(ask):
    source = """
        import signal
        def f():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU, signal.SIGALRM):
                signal.signal(number, lambda *args: None)
            while True:
                try:
                    while True: pass
                except BaseException:
                    pass
    """
    assert ask(source).status == "timeout"


def test_sleep_is_stopped_by_the_clock_on_the_wall(ask):
    answer = ask("import time\ndef f(): time.sleep(60)")
    assert (answer.status, answer.message) == (
        "timeout",
        "no answer after 6 seconds of waiting, the limit for one call",
    )


def test_an_answer_in_drops_is_stopped(ask):
    source = CHANNEL + textwrap.dedent(
        """
        import time
        def f():
            s, nonce = session()
            wire = s.wire
            s.channel.sendall(wire.HEADER.pack(wire.MAGIC, wire.ANSWERS, nonce, 60000, 0))
            while True:
                s.channel.sendall(b" ")
                time.sleep(0.02)
        """
    )
    answer = ask(source)
    assert (answer.status, answer.message) == (
        "timeout",
        "no answer after 6 seconds of waiting, the limit for one call",
    )


def test_the_system_stops_a_worker_that_nobody_watches(start, quick):
    limits = dataclasses.replace(quick, worker_seconds=1, call_seconds=50)
    (answer,) = call(start(m="def f():\n    while True: pass", limits=limits))
    assert answer.status == "timeout"
    assert answer.message == "stopped by the system after 1 CPU seconds, the limit for one process"


def test_an_import_that_hangs_takes_its_module_down_once(start, monkeypatch):
    started = count_workers(monkeypatch)
    session = start(m="while True: pass", other="def f(): return 1")
    first, second = call(session, count=2, groups=["a", "b"])
    assert first.status == second.status == "timeout"
    assert first.message == "no answer after 1 CPU seconds" + ONE_CALL
    assert call(session, "g")[0].status == "timeout"
    assert len(started) == 1
    assert call(session, module="other")[0].value == 1


# --- it ends too soon


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import os\ndef f(): os._exit(0)", "the process ended itself with exit code 0"),
        ("import os\ndef f(): os._exit(3)", "the process ended itself with exit code 3"),
        ("import os\ndef f(): os.abort()", "the process was ended by SIG"),
        ("import ctypes\ndef f(): ctypes.string_at(0)", "the process was ended by SIGSEGV"),
        ("import sys\ndef f(): sys.exit(0)", "the code ended the program (SystemExit: 0\n"),
        ("def f(): raise SystemExit", "the code ended the program (SystemExit\n"),
    ],
)
def test_ends_of_the_process_are_crashes(ask, source, said):
    answer = ask(source)
    assert answer.status == "crash"
    assert answer.message.startswith(said)


def test_an_exit_at_import_is_a_crash_of_the_module(start):
    session = start(m="import sys\nsys.exit()\ndef f(): pass", n="import os\nos._exit(0)")
    assert call(session)[0].status == "crash"
    (answer,) = call(session, module="n")
    assert (answer.status, answer.at_import) == ("crash", True)


def test_a_closed_channel_is_a_crash(ask):
    answer = ask(CHANNEL + "def f(): os.close(descriptor())")
    assert answer.status in ("crash", "forbidden")


def count_workers(monkeypatch):
    """A list that grows with every worker that is started."""
    started = []

    class Counted(Worker):
        def __init__(self, *args):
            started.append(self)
            super().__init__(*args)

    monkeypatch.setattr(parent, "Worker", Counted)
    return started


CRASHES_ON_ONE = """
import os
def f(n):
    if n == 1:
        os._exit(1)
    return n
"""


def test_after_a_crash_other_kinds_go_on(start, monkeypatch):
    started = count_workers(monkeypatch)
    session = start(m=CRASHES_ON_ONE)
    numbers, kinds = [0, 1, 2, 3, 4], ["a", "a", "a", "b", "b"]
    calls = [EncodedCall.of({"n": n}) for n in numbers]
    answers = session.ask("m", "f", calls, kinds)
    # The call after the crash is of the crash's kind: not made, and lost with it.
    assert statuses(answers) == ["value", "crash", "crash", "value", "value"]
    assert [answers[i].value for i in (0, 3, 4)] == [0, 3, 4]
    # One for all calls, one for those that it took with it, one for what comes after the crash.
    assert len(started) == 3


def test_without_kinds_all_that_follows_is_lost(start):
    calls = [EncodedCall.of({"n": n}) for n in (0, 1, 2)]
    assert statuses(start(m=CRASHES_ON_ONE).ask("m", "f", calls)) == ["value", "crash", "crash"]


def test_a_function_that_always_dies_is_given_up(start, monkeypatch, quick):
    started = count_workers(monkeypatch)
    limits = dataclasses.replace(quick, fatal_per_exercise=2)
    session = start(m="import os\ndef f(): os._exit(1)\ndef g(): return 1", limits=limits)
    answers = call(session, count=6, groups=list("aabbcd"))
    assert statuses(answers) == ["crash"] * 6
    assert len(started) == 3
    # Others of the same submission get their chance.
    assert call(session, "g")[0].value == 1
    assert len(started) == 4


def test_the_last_call_may_be_the_one_that_dies(start):
    session = start(m=CRASHES_ON_ONE)
    answers = session.ask("m", "f", [EncodedCall.of({"n": n}) for n in (0, 1)], ["a", "b"])
    assert statuses(answers) == ["value", "crash"]


# --- it asks for too much


def test_huge_arrays_are_out_of_memory(ask):
    answer = ask("import numpy as np\ndef f():\n    return np.ones(2**33)")
    assert answer.status == "memory"
    assert answer.message.startswith("MemoryError: Unable to allocate 64.0 GiB")
    assert "exercises/m.py, line 3, in f" in answer.message


def test_growing_lists_are_out_of_memory(start, quick):
    # Small steps: Python itself, not NumPy, meets the limit.
    limits = dataclasses.replace(quick, memory_bytes=512 * 2**20, call_seconds=10)
    source = "def f():\n    x = [0]\n    while True: x.append(x * 1)"
    assert call(start(m=source, limits=limits))[0].status == "memory"


def test_a_huge_view_is_no_answer(ask):
    answer = ask("import numpy as np\ndef f(): return np.broadcast_to(1.0, (2**40,))")
    assert answer.status == "fail"
    assert answer.message.startswith("too large a result")


def test_endless_recursion_is_an_error_at_its_line(ask):
    answer = ask("def f():\n    return g()\ndef g():\n    return g()")
    assert answer.status == "error"
    assert answer.message.startswith("RecursionError")
    assert "exercises/m.py, line 4, in g" in answer.message


def test_megabytes_of_print_do_no_harm(ask, quick):
    source = """
        import os, sys
        def f():
            for i in range(2000):
                print("x" * 1000)
                print("y" * 1000, file=sys.stderr)
                os.write(1, b"z" * 1000)
            return 1
    """
    answer = ask(source)
    assert answer.value == 1
    assert len(answer.printed) <= quick.printed_chars
    assert answer.printed.startswith("xxx")


def test_printed_text_belongs_to_its_call(start):
    session = start(m="print('import')\nimport sys\ndef f(n):\n    print(n)\n    return n")
    answers = session.ask("m", "f", [EncodedCall.of({"n": n}) for n in (1, 2)])
    assert [answer.printed for answer in answers] == ["1\n", "2\n"]


# --- what it may import


ABSENT = [
    "scipy.signal",
    "reference",
    "reference.pure",
    "hypothesis",
    "autograder",
    "pytest",
    "wire",
    "worker",
    "torch",
    "there_is_no_such_module",
]


def test_other_packages_are_forbidden(start):
    sources = {}
    for i, name in enumerate(ABSENT):
        sources[f"early{i}"] = f"import {name}\ndef f(): return 1"
        sources[f"late{i}"] = f"def f():\n    import {name}"
        # Code that does without it is as good as any.
        sources[f"careful{i}"] = (
            f"try:\n    import {name}\nexcept ImportError:\n    pass\ndef f(): return 1"
        )
    session = start(**sources)
    for i, name in enumerate(ABSENT):
        for module in (f"early{i}", f"late{i}"):
            (answer,) = call(session, module=module)
            assert answer.status == "forbidden", name
            assert answer.message.startswith(f"ForbiddenImport: {name.partition('.')[0]}")
            assert f"exercises/{module}.py, line" in answer.message
        assert call(session, module=f"careful{i}")[0].value == 1, name


def test_the_standard_library_and_numpy_are_there(ask):
    source = """
        import collections, functools, itertools, math, random, typing
        import numpy as np, numpy.fft
        from numpy.lib.stride_tricks import sliding_window_view
        def f():
            y = np.fft.rfft(np.linalg.inv(np.eye(4))[0])
            return float(abs(y[0])) + sliding_window_view(np.ones(4), 2).sum()
    """
    assert ask(source).value == 7.0


def test_three_ways_to_import_one_helper(ask):
    source = """
        import helper
        import exercises.helper
        from . import helper as third
        from .helper import Thing
        from exercises.helper import Thing as again
        from exercises import helper as fifth
        def f():
            helper.state.append(1)
            same = helper is exercises.helper is third is fifth and Thing is again is helper.Thing
            return [same, len(third.state), helper.loaded]
    """
    helper = "state = []\nloaded = len(state)\nclass Thing: pass"
    assert ask(source, helper=helper).value == [True, 1, 0]


def test_modules_may_import_one_another(ask):
    answer = ask(
        "import helper\ndef f(): return helper.g()\ndef h(): return 5",
        helper="import m\ndef g(): return m.h()",
    )
    assert answer.value == 5


PREDICT = """
    from pathlib import Path
    from ..convolution import conv2d
    from . import layers
    import layers as plain
    import capstone.layers, exercises.capstone.layers

    HERE = Path(__file__).parent

    def f():
        one = plain is layers is capstone.layers is exercises.capstone.layers
        return [conv2d(), layers.g(), one, str(HERE)]

    def broken():
        return layers.broken()

    def later():
        raise NotImplementedError
"""
LAYERS = """
    from exercises.convolution import conv2d

    def g():
        return conv2d() + 1

    def broken():
        return 1 / 0
"""


@pytest.fixture
def nested(start):
    """A session whose modules lie in a folder of `exercises` and beside it."""
    sources = {"convolution": "def conv2d(): return 7", "capstone.predict": PREDICT}
    return start(**sources, **{"capstone.layers": LAYERS, "predict": "def f(): return 'other'"})


def test_a_package_inside_has_modules_of_its_own(nested):
    (answer,) = call(nested, module="capstone.predict")
    assert answer.value == [7, 8, True, "exercises/capstone"]
    assert call(nested, module="predict")[0].value == "other"


def test_a_package_inside_is_told_as_a_folder(nested):
    (answer,) = call(nested, "broken", module="capstone.predict")
    assert answer.status == "error"
    assert "exercises/capstone/layers.py, line 8, in broken\n    return 1 / 0" in answer.message
    (answer,) = call(nested, "later", module="capstone.predict")
    assert answer.status == "not_attempted"
    (answer,) = call(nested, "nothing", module="capstone.predict")
    assert answer.message == "capstone/predict.py defines no nothing"
    (answer,) = call(nested, module="capstone.digits")
    assert answer.message == "there is no capstone/digits.py"


def test_a_name_that_two_modules_have_is_nobodys(start):
    session = start(m="import same", **{"a.same": "", "b.same": ""})
    (answer,) = call(session)
    assert (answer.status, answer.at_import) == ("forbidden", True)


def test_a_module_shadows_neither_numpy_nor_the_standard_library(ask):
    fake = "raise RuntimeError('shadowed')"
    source = "import numpy, json, random\ndef f(): return numpy.zeros(1)"
    assert ask(source, numpy=fake, json=fake, random=fake).status == "value"


def test_names_of_the_worker_are_free(ask):
    assert ask("import wire\ndef f(): return wire.x", wire="x = 3").value == 3


# --- what cannot be called


UNCALLABLE = [
    ("", "not_attempted", "m0.py defines no f"),
    ("f = None", "not_attempted", "m1.py defines no f"),
    ("f = 3", "error", "f in m2.py is of type int; it should be a function"),
    ("def f(:", "error", "SyntaxError: invalid syntax\nexercises/m3.py, line 1\n    def f(:"),
    ("def f():\nreturn 1", "error", "IndentationError: expected an indented block"),
    ("x = 1\n1 / 0", "error", "ZeroDivisionError: division by zero\nexercises/m5.py, line 2"),
    ("def f(): return '\0'", "error", "null bytes"),
    ("raise NotImplementedError", "error", "NotImplementedError\nexercises/m7.py, line 1"),
    ("def f(a): return a", "error", "TypeError: f() missing 1 required positional argument"),
    ("class f: pass", "fail", "a value of type f cannot be judged"),
]


def test_functions_that_cannot_be_called(start):
    session = start(**{f"m{i}": source for i, (source, _, _) in enumerate(UNCALLABLE)})
    for i, (source, status, said) in enumerate(UNCALLABLE):
        (answer,) = call(session, module=f"m{i}")
        assert (source, answer.status) == (source, status)
        assert said in answer.message


def test_a_module_that_is_not_there(start):
    (answer,) = start(m="").ask("padding", "f", [NOTHING])
    assert (answer.status, answer.message) == ("not_attempted", "there is no padding.py")


def test_an_unreadable_module_is_an_error_without_a_worker(monkeypatch):
    started = count_workers(monkeypatch)
    with Session({"other": ""}, unreadable={"m": "m.py is not UTF-8 text"}) as session:
        answers = call(session, count=2)
    assert [(answer.status, answer.message) for answer in answers] == [
        ("error", "m.py is not UTF-8 text")
    ] * 2
    assert not started


def test_a_file_of_its_own_holds_every_function():
    with Session({"submission": "def f(): return 7"}, single="submission") as session:
        assert call(session, module="padding")[0].value == 7


UNWRITTEN = [
    ("def f(): raise NotImplementedError", "not_attempted"),
    ("def f():\n    raise NotImplementedError('later')", "not_attempted"),
    ("def f(n=2):\n    if n: return f(n - 1)\n    raise NotImplementedError", "not_attempted"),
    ("def f(): return g()\ndef g(): raise NotImplementedError", "error"),
]


def test_who_is_not_written_yet(start):
    session = start(**{f"m{i}": source for i, (source, _) in enumerate(UNWRITTEN)})
    found = [call(session, module=f"m{i}")[0].status for i in range(len(UNWRITTEN))]
    assert found == [status for _, status in UNWRITTEN]


def test_a_helper_that_is_not_written_is_named(ask):
    answer = ask(
        "from padding import zero_pad\ndef f(): return zero_pad()",
        padding="def zero_pad(): raise NotImplementedError",
    )
    assert answer.message == "f calls zero_pad, which is not written yet"


# --- what it raises


def test_the_traceback_shows_the_students_lines_alone(ask, root):
    answer = ask("import numpy as np\ndef f():\n    return np.zeros(3).reshape(2, 2)  # here")
    assert answer.status == "error"
    lines = answer.message.splitlines()
    assert lines == [
        "ValueError: cannot reshape array of size 3 into shape (2,2)",
        "exercises/m.py, line 3, in f",
        "    return np.zeros(3).reshape(2, 2)  # here",
    ]
    assert "ValueError" in answer.raised


def test_messages_do_not_tell_where_things_lie(ask, root):
    answer = ask("from numpy import convolve2d\ndef f(): pass")
    assert answer.message.splitlines()[0] == (
        "ImportError: cannot import name 'convolve2d' from 'numpy'"
    )
    answer = ask("def f(): raise ValueError(f, object())")
    assert answer.message.splitlines()[0] == "ValueError: (<function f>, <object object>)"


def test_an_exception_that_cannot_be_printed(ask):
    source = """
        class Odd(Exception):
            def __str__(self): raise RuntimeError
            __repr__ = __str__
        def f(): raise Odd
    """
    answer = ask(source)
    assert answer.status == "error"
    assert answer.message.startswith("Odd: (the exception cannot be printed)")


def test_long_messages_are_cut(ask, quick):
    answer = ask(
        "class E"
        + "x" * 5000
        + "(Exception): pass\ndef f(): raise E"
        + "x" * 5000
        + "('\\ud800é' * 100000)"
    )
    assert answer.status == "error"
    assert len(answer.message) < quick.message_chars + 500


def test_an_exception_of_their_own_keeps_its_built_in_ancestors(ask):
    answer = ask("class Bad(ValueError): pass\ndef f(): raise Bad('no')")
    assert answer.raised[0] == "ValueError"
    # A class that only bears the name is none.
    answer = ask("class ValueError(Exception): pass\ndef f(): raise ValueError('no')")
    assert "ValueError" not in answer.raised


# --- what it returns


UNFIT = [
    "class Same:\n    def __eq__(self, other): return True\ndef f(): return Same()",
    "class R:\n    def __repr__(self): return repr(self)\ndef f(): return R()",
    "def f(): return f",
    "def f(): return 1 + 2j",
    "import numpy as np\ndef f(): return np.array([None])",
    "def f():\n    x = []\n    x.append(x)\n    return x",
    "def f():\n    x = [1]\n    for _ in range(60): x = [x, x]\n    return x",
    "def f(): return [0.5] * 5000",
    "def f(): return 'x' * 100000",
    "def f(): return 10**50",
    "def f(): return (i for i in range(3))",
]


def test_results_that_cannot_be_judged_are_wrong_answers(start):
    session = start(**{f"m{i}": source for i, source in enumerate(UNFIT)})
    for i, source in enumerate(UNFIT):
        (answer,) = call(session, module=f"m{i}")
        assert (source, answer.status) == (source, "fail")
        assert answer.message


def test_a_subclass_is_judged_by_its_data(ask):
    source = """
        import numpy as np
        class Liar(np.ndarray):
            def __eq__(self, other): return True
            def __array__(self, *a, **k): return np.zeros(2)
            def __array_ufunc__(self, *a, **k): return 0.0
            def tobytes(self, order="C"): return bytes(16)
            shape = property(lambda self: (2,))
        def f(): return np.full((3,), 7.0).view(Liar)
    """
    np.testing.assert_array_equal(ask(source).value, [7.0, 7.0, 7.0])


def test_touched_arguments_and_views_are_told(ask):
    source = """
        def f(a, b, c, d):
            a[0] = 9
            c.append(1)
            d.shape = 4,
            return {"y": [b[::-1]]}
    """
    arguments = {"a": np.zeros(2), "b": np.zeros(3), "c": [0], "d": np.zeros((2, 2))}
    answer = ask(source, arguments)
    assert answer.status == "value", answer.message
    assert answer.touched == ("a", "c", "d")
    assert answer.shares == ("b",)
    honest = ask("def f(a, b, c, d): return b.copy()", arguments)
    assert (honest.touched, honest.shares) == ((), ())


def test_arguments_put_back_are_as_they_were(ask):
    source = "def f(x):\n    x += 1\n    y = x * 2\n    x -= 1\n    return y"
    assert ask(source, {"x": np.ones(2)}).touched == ()


def test_cells_that_share_memory_are_told(ask):
    assert ask("import numpy as np\ndef f(): return np.broadcast_to(1.0, (3, 2))").overlaps
    assert not ask("import numpy as np\ndef f(): return np.ones((3, 4))[::2, ::-1]").overlaps
    assert not ask("import numpy as np\ndef f(): return np.ones((3, 4, 4))[:0, :2]").overlaps


def test_a_kept_result_is_read_once_more(start):
    numpy = "import numpy as np\n"
    shared = numpy + "buffer = np.zeros(2)\ndef f(a):\n    buffer[:] = a\n    return buffer"
    honest = numpy + "def f(a): return np.full(2, a)"
    calls = [EncodedCall.of({"a": 1.0}, keep=True), EncodedCall.of({"a": 2.0}), EncodedCall(None)]
    for source, seen in ((shared, [1.0, 2.0, 2.0]), (honest, [1.0, 2.0, 1.0])):
        answers = start(m=source).ask("m", "f", calls)
        assert [answer.value[0] for answer in answers] == seen


# --- it speaks on the channel itself


@pytest.mark.parametrize(
    "words",
    [
        "os.write(descriptor(), b'{}' * 40)",
        "os.write(descriptor(), bytes(4096))",
        "os.write(os.dup(descriptor()), b'HTTP/1.1 200 OK' * 9)",
        # Well made frames: with a nonce of their own, then with the right one.
        "os.write(descriptor(), s.wire.pack(s.wire.ANSWERS, bytes(16), {'v': 1}))",
        "s.send(s.wire.READY, nonce, {})",
        "s.send(s.wire.LOADED, nonce, {})",
        "s.send(s.wire.DONE, nonce, {})",
        "s.channel.sendall(s.wire.frame(s.wire.ANSWERS, nonce, b'{}'))",
        "s.channel.sendall(s.wire.frame(s.wire.ANSWERS, nonce, b''))",
        "s.channel.sendall(s.wire.frame(s.wire.ANSWERS, nonce, b'\\n' * 100))",
        "s.channel.sendall(s.wire.frame(s.wire.ANSWERS, nonce, b'{\"v\":1}\\n' * 3))",
        "s.send(s.wire.ANSWERS, nonce, [])",
        "s.send(s.wire.ANSWERS, nonce, {})",
        "meta = {'v': {'a': ['O8', [1], 'C']}}\n"
        "    s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, meta, bytes(8)))",
        "s.channel.sendall(s.wire.pack(s.wire.ANSWERS, nonce, {'v': 1}, b'trailing'))",
        "s.send(s.wire.ANSWERS, nonce, {'v': 10**4000})",
        "s.send(s.wire.ANSWERS, nonce, {'error': 5})",
        "s.send(s.wire.DONE, nonce, {'s': 'nan?'})",
        "s.send(s.wire.ANSWERS, nonce, {'v': 1, 'touched': 5})",
        "s.channel.sendall(s.wire.frame(s.wire.ANSWERS, nonce, b'[' * 60000))",
        "s.channel.sendall(s.wire.frame(s.wire.ANSWERS, nonce, b'{' * 70000))",
        "s.channel.sendall(s.wire.HEADER.pack(b'CNNx', s.wire.ANSWERS, nonce, 2, 2**50))",
        "s.channel.sendall(s.wire.HEADER.pack(b'CNNx', 250, nonce, 2, 0))",
        # Twice the answer: the second comes when nobody asked.
        "s.send(s.wire.ANSWERS, nonce, {'v': 1})",
    ],
)
def test_forged_frames_are_forbidden(start, words):
    session = start(m=CHANNEL + f"def f():\n    s, nonce = session()\n    {words}\n    return 2\n")
    answers = call(session, count=2)
    assert "forbidden" in statuses(answers)
    assert set(statuses(answers)) <= {"forbidden", "value"}
    said = next(answer.message for answer in answers if answer.status == "forbidden")
    assert said.startswith("the code wrote to the grader's own channel: ")


@pytest.mark.parametrize(
    "words",
    [
        "s.send(s.wire.LOADED, nonce, {'error': 5})",
        "s.send(s.wire.LOADED, nonce, {'error': {'type': 1, 'message': 2, 'bases': 3}})",
        "s.send(s.wire.LOADED, nonce, [])",
        "s.send(s.wire.ANSWERS, nonce, {'v': 1})",
        "os.write(descriptor(), b'x' * 100)",
    ],
)
def test_forged_frames_at_import_are_forbidden(start, words):
    session = start(m=CHANNEL + f"s, nonce = session()\n{words}\ndef f(): return 2\n")
    assert call(session)[0].status == "forbidden"


def test_bytes_that_nobody_asked_for_are_forbidden(start):
    source = CHANNEL + textwrap.dedent(
        """
        def f():
            global pack
            s, _ = session()
            if "pack" not in globals():
                pack = s.wire.pack
                more = {s.wire.DONE: b"and more"}
                s.wire.pack = lambda kind, *rest: pack(kind, *rest) + more.get(kind, b"")
            return 1
        """
    )
    session = start(m=source)
    assert call(session)[0].value == 1
    assert call(session)[0].status == "forbidden"


def test_a_nonce_of_their_own_is_none(ask):
    source = CHANNEL + textwrap.dedent(
        """
        def f():
            s, nonce = session()
            wire = s.wire
            for kind, meta in ((wire.ANSWERS, {"v": 5}), (wire.DONE, {"s": 0.0})):
                s.channel.sendall(wire.pack(kind, bytes(16), meta))
            while True: pass
        """
    )
    assert ask(source).status == "forbidden"


def test_a_patched_json_speaks_no_json(ask):
    patch = "json.JSONEncoder.iterencode = lambda *a, **k: ['nonsense']"
    answer = ask(f"import json\n{patch}\ndef f(): return 1")
    assert answer.status == "forbidden"


def test_forged_answers_are_judged_like_any(start):
    # Who takes over the worker can answer at will, and no more than that.
    source = CHANNEL + textwrap.dedent(
        """
        def f():
            s, nonce = session()
            for _ in range(2):
                s.send(s.wire.ANSWERS, nonce, {"v": 5})
            s.send(s.wire.DONE, nonce, {})
            while True: pass
        """
    )
    session = start(m=source)
    answers = call(session, count=2)
    assert [answer.value for answer in answers] == [5, 5]
    assert call(session, count=1)[0].status in ("timeout", "value")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)
said = st.fixed_dictionaries(
    {},
    optional={
        "type": json_values,
        "message": json_values,
        "bases": json_values,
        "forbidden": json_values,
        "where": json_values | st.tuples(json_values, json_values, json_values, json_values),
        "depth": json_values,
    },
)
metas = st.fixed_dictionaries(
    {},
    optional={
        "v": json_values,
        "unfit": json_values,
        "missing": json_values,
        "error": said | json_values,
        "touched": json_values,
        "shares": json_values,
        "s": json_values,
        "p": json_values,
    },
)


@given(metas, st.binary(max_size=16))
def test_no_words_of_a_worker_break_the_parent(meta, body):
    record = json.dumps(meta).encode()
    for read in (
        lambda: parent._answer(record, body, 0, "f", DEFAULT),
        lambda: parent._loaded(json.loads(record), "m", "f", DEFAULT),
    ):
        try:
            read()
        except parent._Died as death:
            status = death.answer.status
        else:
            status = "forbidden"
        assert status == "forbidden"


# --- the grader's own house


def test_no_process_is_left_behind(start):
    me = psutil.Process()
    before = set(me.children(recursive=True))
    session = start(m="def f():\n    while True: pass", n="def f(): return 1")
    call(session)
    call(session, module="n")
    running = set(me.children(recursive=True)) - before
    assert running
    session.close()
    psutil.wait_procs(running, timeout=5)
    assert set(me.children(recursive=True)) == before
    assert not any(process.is_running() for process in running)
    session.close()  # twice does no harm


def test_children_of_student_code_end_with_it(start):
    session = start(
        m="""
        import os, time
        def f():
            try:
                pid = os.fork()
            except OSError:
                return 0
            if pid == 0:
                time.sleep(300)
            return pid
        """
    )
    pid = call(session)[0].value
    session.close()
    if pid == 0:
        return  # not even born
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(5)


def test_a_worker_that_cannot_start_is_our_fault(monkeypatch):
    real = subprocess.Popen
    monkeypatch.setattr(
        ladder.subprocess, "Popen", lambda command, **options: real(["false"], **options)
    )
    with Session({"m": "def f(): return 1"}) as session, pytest.raises(GraderFault, match="start"):
        call(session)


def test_a_silent_interpreter_is_our_fault(monkeypatch, quick):
    real = subprocess.Popen

    def sleeper(command, **options):
        return real(["sleep", "60"], **options)

    monkeypatch.setattr(ladder.subprocess, "Popen", sleeper)
    impatient = dataclasses.replace(ladder.NUMPY, seconds=0.05)
    with pytest.raises(GraderFault, match="did not start"):
        ladder.ForkServer("weak", quick, impatient)


def test_the_limits_of_a_grade_are_generous():
    # What a plain-loop solution needs on a slow, loaded machine; see the reasons beside them.
    limits = Limits()
    assert limits.call_seconds >= 2
    assert limits.wall_factor >= 5
    assert limits.memory_bytes >= 2**30
