"""F. Submission files: hand-ins that are traps for whoever reads them.

Each is made in a folder of its own and read; then all of them are graded as one class, with an
honest submission among them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import catalog, intake, submissions
from autograder.engine import session_of
from autograder.isolation.limits import MIB
from autograder.submissions import BadSubmission, read

TOPICS = frozenset(topic.name for topic in catalog.topics())
HONEST = """
import numpy as np

def relu(x):
    y = np.array(x, dtype=x.dtype if x.dtype.kind == "f" else float)
    y[y < 0] = 0
    return y
"""
# Whoever runs this betrays it in their own environment.
TRAP = "import os\nos.environ['AUTOGRADER_TRAPPED'] = __name__\n"
# The most that the reader may take for itself, whatever is handed in.
ROOM, SECONDS = 80 * MIB, 60


@dataclass(frozen=True)
class HandIn:
    """A hostile hand-in.

    numbers   of the attack list
    make      makes it in an empty folder; the path that is handed in
    ends      a pattern for what reading it comes to: "bad: why", or "module: source" and
              "module: unreadable: why" for the module `activation`, or "module: absent"
    """

    numbers: tuple[int, ...]
    name: str
    make: Callable[[Path], Path]
    ends: str


def zipped(*members, **options):
    """A maker of a zip of (name or ZipInfo, content) pairs."""

    def make(folder: Path) -> Path:
        path = folder / "mallory.zip"
        with zipfile.ZipFile(
            path, "w", **{"compression": zipfile.ZIP_DEFLATED, **options}
        ) as archive:
            for name, content in members:
                archive.writestr(name, content() if callable(content) else content)
        return path

    return make


def entry(name: str, mode: int = 0, compression: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    info.compress_type = compression
    return info


def altered(change, *members, **options):
    """A zip whose bytes are changed afterwards."""

    def make(folder: Path) -> Path:
        path = zipped(*members, **options)(folder)
        path.write_bytes(change(path.read_bytes()))
        return path

    return make


def written(name: str, content: bytes | str):
    """A maker of one file."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def placed(action):
    """A maker of a folder; `action(folder)` fills it."""

    def make(folder: Path) -> Path:
        place = folder / "mallory"
        (place / "exercises").mkdir(parents=True)
        action(place / "exercises")
        return place

    return make


def module(content: bytes | str):
    return placed(lambda home: written("activation.py", content)(home))


def notebook(*cells, **more):
    """A maker of a notebook of code cells."""
    content = {
        "cells": [
            cell if isinstance(cell, dict) else {"cell_type": "code", "source": cell}
            for cell in cells
        ],
        "nbformat": 4,
        **more,
    }
    return written("mallory.ipynb", json.dumps(content))


def sparse(name: str, size: int):
    def make(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
        return path

    return make


def pipe(name: str):
    def make(folder: Path) -> Path:
        os.mkfifo(folder / name)
        return folder / name

    return make


def inner() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(MEMBER, HONEST)
    return buffer.getvalue()


def listener(home: Path) -> None:
    here = os.getcwd()
    os.chdir(home)  # a socket's path may not be long
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("activation.py")
    finally:
        os.chdir(here)


KEY = Path(submissions.__file__).parent.parent / "reference" / "pure"
MEMBER = "exercises/activation.py"

HANDINS = [
    # --- paths that lead elsewhere
    *(
        HandIn(
            (101,), f"a member called {name!r}", zipped((name, TRAP)), "bad: .* holds no module .*"
        )
        for name in [
            "../activation.py",
            "exercises/../../activation.py",
            "/etc/activation.py",
            "a/../activation.py",
            "..\\activation.py",
            "C:\\exercises\\activation.py",
            "C:activation.py",
            "exercises\\activation.py",
            "CON.py",
            "aux.py",
            "//server/share/activation.py"[1:],
            "a/b/c/activation.txt",
        ]
    ),
    HandIn(
        (101,),
        "a member whose name goes on behind a NUL",
        altered(
            lambda data: data.replace(b"activation.py_x", b"activation.py\0x"),
            ("exercises/activation.py_x", HONEST),
        ),
        "module: \nimport numpy.*",
    ),
    HandIn(
        (101,),
        "traps beside an honest module",
        zipped(
            (MEMBER, HONEST),
            ("../padding.py", TRAP),
            ("/padding.py", TRAP),
            ("exercises/../padding.py", TRAP),
        ),
        "module: \nimport numpy.*",
    ),
    # --- members that are no files
    HandIn(
        (102,),
        "a link in a zip",
        zipped((entry(MEMBER, stat.S_IFLNK | 0o777), "/etc/passwd")),
        "module: unreadable: .* symbolic link; .*",
    ),
    *(
        HandIn(
            (102,),
            f"a {name} in a zip",
            zipped((entry(MEMBER, kind | 0o666), HONEST)),
            "module: unreadable: .* no ordinary file",
        )
        for name, kind in {
            "device": stat.S_IFCHR,
            "disk": stat.S_IFBLK,
            "pipe": stat.S_IFIFO,
            "socket": stat.S_IFSOCK,
        }.items()
    ),
    HandIn(
        (102,),
        "a folder named like a module, in a zip",
        zipped((entry(MEMBER + "/", stat.S_IFDIR | 0o755), ""), (MEMBER + "/x", "")),
        "module: unreadable: .* no ordinary file",
    ),
    HandIn(
        (102,),
        "a link to the answer key",
        placed(lambda home: (home / "activation.py").symlink_to(KEY / "activation.py")),
        "module: unreadable: .* symbolic link; .*",
    ),
    HandIn(
        (102,),
        "a link to a password",
        placed(lambda home: (home / "activation.py").symlink_to("/etc/passwd")),
        "module: unreadable: .* symbolic link; .*",
    ),
    HandIn(
        (102,),
        "a link that leads nowhere",
        placed(lambda home: (home / "activation.py").symlink_to("nowhere")),
        "module: unreadable: .* symbolic link; .*",
    ),
    HandIn(
        (102,),
        "a link to itself",
        placed(lambda home: (home / "activation.py").symlink_to("activation.py")),
        "module: unreadable: .* symbolic link; .*",
    ),
    HandIn(
        (102, 14),
        "a folder that is a link to the answer key",
        placed(lambda home: (home.rmdir(), home.symlink_to(KEY))),
        "module: unreadable: exercises is a symbolic link; .*",
    ),
    HandIn(
        (102,),
        "a link to an endless device",
        placed(lambda home: (home / "activation.py").symlink_to("/dev/zero")),
        "module: unreadable: .* symbolic link; .*",
    ),
    HandIn(
        (102,),
        "a zip that is a link",
        lambda folder: linked(folder / "mallory.zip", "/dev/zero"),
        "bad: .* symbolic link; .*",
    ),
    HandIn(
        (102,),
        "a folder named like a module",
        placed(lambda home: (home / "activation.py").mkdir()),
        "bad: .* holds no module .*",
    ),
    # --- bombs
    HandIn(
        (103,),
        "hundreds of megabytes of zeros",
        zipped((MEMBER, lambda: bytes(2**28))),
        "module: unreadable: .* larger than 256 KiB",
    ),
    *(
        HandIn(
            (103,),
            f"a hundred megabytes packed by {name}",
            zipped((entry(MEMBER, 0, method), lambda: bytes(2**27))),
            "module: unreadable: .* unusual way; .*",
        )
        for name, method in {"bzip2": zipfile.ZIP_BZIP2, "LZMA": zipfile.ZIP_LZMA}.items()
    ),
    HandIn(
        (103,),
        "many modules",
        zipped(
            *((f"exercises/m{i}.py", lambda: bytes(250 * 1024)) for i in range(150)),
            (MEMBER, HONEST),
        ),
        "bad: .* more than 32 MiB of source",
    ),
    HandIn(
        (103,),
        "six thousand members",
        zipped(*((f"m{i}", "") for i in range(6000)), (MEMBER, HONEST)),
        "bad: .* holds 6001 files; .*",
    ),
    HandIn(
        (103,),
        "a zip within a zip",
        zipped(
            ("inner.zip", inner),
            ("exercises/inner.zip", inner),
            ("exercises/activation.zip", inner),
        ),
        "bad: .* holds no module .*",
    ),
    HandIn(
        (103,),
        "one name twice",
        lambda folder: twice(folder, MEMBER),
        "module: unreadable: .* twice; .*",
    ),
    HandIn(
        (103,),
        "one name in two spellings",
        lambda folder: twice(folder, "exercises/./activation.py"),
        "module: unreadable: .* twice; .*",
    ),
    HandIn(
        (103,),
        "a length that is a lie",
        altered(
            lambda data: data.replace(struct.pack("<L", len(HONEST)), struct.pack("<L", 7)),
            (MEMBER, HONEST),
            compression=zipfile.ZIP_STORED,
        ),
        "bad: .* no readable zip .*",
    ),
    HandIn(
        (103,),
        "a checksum that is a lie",
        altered(
            lambda data: data.replace(struct.pack("<L", zipfile.crc32(HONEST.encode())), b"lies"),
            (MEMBER, HONEST),
        ),
        "bad: .* no readable zip .*",
    ),
    HandIn(
        (103,),
        "a way of packing that is unknown",
        altered(lambda data: data.replace(b"\x08\0", b"\x63\0"), (MEMBER, HONEST)),
        "module: unreadable: .* unusual way; .*",
    ),
    HandIn(
        (103,),
        "a password",
        altered(lambda data: data.replace(b"\x14\0\0\0", b"\x14\0\1\0"), (MEMBER, HONEST)),
        "bad: .* no readable zip .*",
    ),
    HandIn(
        (103,),
        "half a zip",
        altered(lambda data: data[: len(data) // 2], (MEMBER, HONEST)),
        "bad: .* no readable zip .*",
    ),
    HandIn(
        (103,),
        "a zip without its beginning",
        altered(lambda data: data[40:], (MEMBER, HONEST)),
        "bad: .* no readable zip .*",
    ),
    HandIn(
        (103,),
        "garbage called zip",
        written("mallory.zip", random.Random(0).randbytes(5000)),
        "bad: .* no readable zip .*",
    ),
    HandIn((103,), "an empty zip file", written("mallory.zip", b""), "bad: .* no readable zip .*"),
    HandIn((103,), "a zip of nothing", zipped(), "bad: .* holds no module .*"),
    HandIn(
        (103, 107), "a zip of terabytes", sparse("mallory.zip", 2**41), "bad: .* larger than 64 MiB"
    ),
    # --- text that is none
    HandIn(
        (104,),
        "Latin-1",
        module("def relu(x): return 'é'\n".encode("latin-1")),
        "module: unreadable: .* not UTF-8 .* line 1.*",
    ),
    HandIn(
        (104,), "UTF-16", module(HONEST.encode("utf-16")), "module: unreadable: .* not UTF-8 .*"
    ),
    HandIn(
        (104,), "UTF-32 without a mark", module(HONEST.encode("utf-32-le")), "module: \n\0\0\0i.*"
    ),
    HandIn(
        (104,),
        "a byte order mark",
        module(b"\xef\xbb\xbf" + HONEST.encode()),
        "module: \nimport numpy.*",
    ),
    HandIn(
        (104,),
        "lines of Windows",
        module(HONEST.replace("\n", "\r\n")),
        "module: \r\nimport numpy.*",
    ),
    HandIn(
        (104,),
        "lines of an old Mac",
        module(HONEST.replace("\n", "\r")),
        "module: \rimport numpy.*",
    ),
    HandIn((104,), "a NUL", module(HONEST + "\0"), "module: \nimport.*"),
    HandIn(
        (104,),
        "surrogates in UTF-8",
        module(b"x = '\xed\xa0\x80'\n"),
        "module: unreadable: .* not UTF-8 .*",
    ),
    HandIn(
        (104,), "overlong UTF-8", module(b"x = '\xc0\xaf'\n"), "module: unreadable: .* not UTF-8 .*"
    ),
    HandIn(
        (104,),
        "tabs and blanks",
        module("def relu(x):\n\tif 1:\n        return x\n"),
        "module: def relu.*",
    ),
    HandIn(
        (104, 68),
        "another encoding declared",
        module("# coding: utf-7\n" + HONEST),
        "module: # coding.*",
    ),
    HandIn((104,), "an empty file", module(""), "module: "),
    HandIn((106,), "a syntax error", module("def relu(x:\n"), "module: def .*"),
    HandIn((106,), "another signature", module("def relu(): return 1\n"), "module: def .*"),
    HandIn((106,), "no function", module("x = 1\n"), "module: x .*"),
    # --- names
    HandIn(
        (105,),
        "a file name that is no UTF-8",
        placed(
            lambda home: (
                written("activation.py", HONEST)(home),
                (Path(os.fsdecode(os.fsencode(home) + b"/\xff\xfe.py"))).write_text(TRAP),
            )
        ),
        "module: \nimport.*",
    ),
    HandIn(
        (105,),
        "names that differ in case",
        placed(
            lambda home: (
                written("activation.py", HONEST)(home),
                written("Activation.py", TRAP)(home),
                written("ACTIVATION.PY", TRAP)(home),
            )
        ),
        "module: \nimport.*",
    ),
    HandIn(
        (105,),
        "a member's name of 4 kB",
        zipped((MEMBER, HONEST), ("x" * 4000 + ".py", TRAP), ("y/" * 2000 + "activation.py", TRAP)),
        "module: \nimport.*",
    ),
    HandIn(
        (105, 54),
        "a member's name that commands a terminal",
        zipped((MEMBER, HONEST), ("\x1b[2J\x07\u202e/activation.py", TRAP)),
        "module: \nimport.*",
    ),
    HandIn(
        (105,),
        "letters that look alike",
        module(HONEST.replace("relu", "rеlu")),
        "module: .*def r[^e]lu.*",
    ),
    HandIn(
        (105,),
        "a name of dots",
        lambda folder: renamed(zipped((MEMBER, HONEST))(folder), "...zip"),
        "bad: .* no name .*",
    ),
    # --- sizes
    HandIn(
        (107,),
        "a source of a megabyte",
        module("x = 1\n" * 200_000),
        "module: unreadable: .* larger than 256 KiB",
    ),
    HandIn(
        (107,),
        "a source of terabytes",
        placed(lambda home: sparse("activation.py", 2**41)(home)),
        "module: unreadable: .* larger than 256 KiB",
    ),
    HandIn(
        (107,),
        "a source of terabytes, by itself",
        sparse("activation.py", 2**41),
        "module: unreadable: .* larger than 256 KiB",
    ),
    HandIn(
        (107,),
        "a notebook of terabytes",
        sparse("mallory.ipynb", 2**41),
        "bad: .* larger than 32768 KiB",
    ),
    HandIn(
        (107, 108),
        "a notebook with a megabyte of code",
        notebook(*["x = 1\n" * 1000] * 200),
        "module: unreadable: .* more than 256 KiB of code",
    ),
    # --- notebooks
    HandIn(
        (108,),
        "magics and shell commands",
        notebook(
            "%matplotlib inline\n!touch /tmp/x\n?relu\n" + HONEST,
            "%%bash\nrm -rf /\n",
            "get_ipython().system('true')",
            "%%javascript\nalert(1)",
        ),
        "module: import numpy.*def relu.*",
    ),
    HandIn(
        (108,),
        "cells that do something when run",
        notebook("import os\nos._exit(0)\nprint('pass')\nwhile True: pass", HONEST),
        "module: import os\n\nimport numpy.*",
    ),
    HandIn(
        (108,),
        "forged outputs",
        notebook(
            {
                "cell_type": "code",
                "source": HONEST,
                "outputs": [{"output_type": "stream", "text": "100 of 100 points"}],
                "execution_count": 1,
            }
        ),
        "module: import numpy.*",
    ),
    HandIn(
        (108,), "cells of no form", notebook({"cell_type": "code"}), "bad: .* no readable notebook"
    ),
    HandIn(
        (108,),
        "cells that are no list",
        written("mallory.ipynb", '{"cells": {"a": 1}}'),
        "bad: .* no readable notebook",
    ),
    HandIn(
        (108,),
        "sources that are no text",
        notebook({"cell_type": "code", "source": [1, {}]}),
        "bad: .* no readable notebook",
    ),
    HandIn(
        (108,),
        "a bomb of brackets",
        written("mallory.ipynb", "[" * 100_000),
        "bad: .* no readable notebook",
    ),
    HandIn(
        (108,),
        "a number of a million digits",
        written("mallory.ipynb", '{"cells": ' + "9" * 10**6 + "}"),
        "bad: .* no readable notebook",
    ),
    HandIn(
        (108, 89),
        "code that breaks a parser",
        notebook("(" * 50_000, "-" * 100_000 + "1", "x = " + "+".join("1" * 20_000), HONEST),
        "module: .*import numpy.*",
    ),
    HandIn(
        (108, 89),
        "deep attributes",
        notebook("x = a" + ".a" * 50_000, HONEST),
        "module: .*import numpy.*",
    ),
    HandIn(
        (108,),
        "surrogates",
        written("mallory.ipynb", '{"cells": [{"cell_type": "code", "source": "x = \'\\ud800\'"}]}'),
        "module: ",
    ),
    HandIn(
        (108,),
        "lines that only begin like magics",
        notebook("x = (7\n% 4)\ndef relu(x):\n    return (x\n        % 2)"),
        r"module: .*x = 7 % 4\n.*return .x\n +% 2.",
    ),
    # --- what is no file
    HandIn(
        (109,),
        "a pipe for a module",
        placed(lambda home: pipe("activation.py")(home)),
        "bad: .* holds no module .*",
    ),
    HandIn((109,), "a socket for a module", placed(listener), "bad: .* holds no module .*"),
    HandIn(
        (109,),
        "a pipe called .py",
        pipe("activation.py"),
        "module: unreadable: .* no ordinary file",
    ),
    HandIn((109,), "a pipe called .zip", pipe("mallory.zip"), "bad: .* no ordinary file"),
    HandIn((109,), "a pipe called .ipynb", pipe("mallory.ipynb"), "bad: .* no ordinary file"),
    *(
        HandIn(
            (109,),
            f"{place} itself",
            lambda folder, place=place: Path(place),
            "bad: .* no submission: .*",
        )
        for place in ("/dev/zero", "/dev/stdin", "/dev/null", "/proc/self/mem")
    ),
]


def linked(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


def twice(folder: Path, name: str) -> Path:
    path = folder / "mallory.zip"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(MEMBER, TRAP)
        archive.writestr(name, HONEST)
    return path


def renamed(path: Path, name: str) -> Path:
    path.rename(path.with_name(name))
    return path.with_name(name)


def come_to(path: Path) -> str:
    """What reading comes to, in one line."""
    try:
        read_one = read(path, TOPICS)
    except BadSubmission as error:
        return f"bad: {error}"
    name = read_one.module("activation")
    if name in read_one.unreadable:
        return f"module: unreadable: {read_one.unreadable[name]}"
    return f"module: {read_one.sources[name]}" if name in read_one.sources else "module: absent"


@contextlib.contextmanager
def in_time():
    """An exception after a while: who waits for a pipe waits for ever."""

    def late(*args):
        raise TimeoutError("it takes too long")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("handin", HANDINS, ids=lambda handin: handin.name)
def test_reading_comes_to_this(handin, tmp_path):
    path = handin.make(tmp_path)
    before = sorted(place for place in tmp_path.rglob("*"))
    with in_time():
        tracemalloc.start()
        try:
            told = come_to(path)
            taken = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert re.fullmatch(handin.ends, told, re.DOTALL), told[:300]
    assert taken < ROOM
    # Nothing is unpacked, anywhere near.
    assert sorted(place for place in tmp_path.rglob("*")) == before


def test_names_are_unique():
    assert len({handin.name for handin in HANDINS}) == len(HANDINS)


# --- any bytes at all


def members():
    text = st.sampled_from([HONEST, "", "x" * 3000])
    names = st.sampled_from([MEMBER, "padding.py", "a/b.py", "../x.py", "exercises/"])
    return st.lists(st.tuples(names, text), min_size=1, max_size=4, unique_by=lambda m: m[0])


@settings(max_examples=300)
@given(members(), st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=12))
def test_a_damaged_zip_is_read_or_refused(parts, changes):
    """103: whatever bytes are flipped, the reader ends with a submission or a sentence."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts:
            archive.writestr(name, text)
    data = bytearray(buffer.getvalue())
    for place, value in changes:
        data[place % len(data)] = value
    survives(bytes(data), "damaged.zip")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["cells", "cell_type", "source", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
cells = st.fixed_dictionaries(
    {}, optional={"cell_type": st.just("code") | json_values, "source": st.text() | json_values}
)


@settings(max_examples=200)
@given(json_values | st.fixed_dictionaries({"cells": json_values | st.lists(cells | json_values)}))
def test_any_notebook_is_read_or_refused(content):
    survives(json.dumps(content).encode(), "any.ipynb")


@settings(max_examples=200)
@given(st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_any_module_is_read(data):
    survives(data, "activation.py")


def survives(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        with contextlib.suppress(BadSubmission):
            read(path, TOPICS)
        assert os.listdir(folder) == [name]


# --- read once


def test_a_file_is_read_once(tmp_path, play, servers, engine):
    """110: what was read is what is judged, whatever becomes of the file."""
    path = written("activation.py", HONEST)(tmp_path)
    submission = read(path, TOPICS)
    path.write_text("import os\nos._exit(1)\n")
    (relu,) = catalog.select(["relu"])
    with session_of(submission, engine.limits, servers["medium"]) as session:
        assert engine.judge(relu, session).passed
    assert not play("relu", path.read_text(), "medium").passed


# --- a whole class of them

SHADOWS = {
    (27, 28): {
        **{
            f"exercises/{name}.py": TRAP
            for name in (
                "numpy",
                "json",
                "random",
                "os",
                "sitecustomize",
                "usercustomize",
                "conftest",
                "autograder",
                "reference",
                "exercises",
                "wire",
                "worker",
                "__init__",
                "builtins",
            )
        },
        "numpy/__init__.py": TRAP,
        "exercises/numpy/__init__.py": TRAP,
    },
    (25, 26, 28): {
        "conftest.py": TRAP,
        "sitecustomize.py": TRAP,
        "setup.py": TRAP,
        "exercises/x.pth": "import os; os.environ['AUTOGRADER_TRAPPED'] = 'pth'",
        "exercises/__pycache__/activation.cpython-311.pyc": "forged",
        "exercises/activation.pyc": "forged",
        "exercises/activation.so": "\x7fELF",
        "pytest.ini": "[pytest]\naddopts = -p trap\n",
        "setup.cfg": "[tool:pytest]\naddopts = --version\n",
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--version'\n",
        "tox.ini": "[pytest]\naddopts = --version\n",
        ".git/config": "[core]\nfsmonitor = touch trapped\n",
    },
}


def command(*arguments, cwd, cache):
    """The command line, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "autograder.cli", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "AUTOGRADER_CACHE": str(cache)},
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def statuses(file: Path) -> set[str]:
    results = json.loads(file.read_text())
    return {law["status"] for exercise in results["exercises"] for law in exercise["laws"]}


@pytest.mark.slow
def test_a_class_of_hostile_hand_ins_is_graded(tmp_path, cache):
    """101 to 110: one bad hand-in costs nobody else anything, and nothing is left of it."""
    course = tmp_path / "course"
    course.mkdir()
    for number, handin in enumerate(HANDINS):
        place = tmp_path / f"workshop{number}"
        place.mkdir()
        path = handin.make(place)
        if tmp_path in path.parents and not path.name.startswith("."):
            name = f"student{number:03}" + ("" if path.is_dir() else path.suffix)
            path.rename(course / name)
            shutil.rmtree(place)
    written("honest/exercises/activation.py", HONEST)(course)
    before = sorted(course.rglob("*"))
    out = tmp_path / "out"
    done = command("grade", course, "--out", out, "--only", "relu", cwd=tmp_path, cache=cache)
    assert done.returncode == 0, done.stderr
    assert statuses(out / "honest" / "results.json") == {"pass"}
    graded = {file.parent.name: statuses(file) for file in out.glob("*/results.json")}
    assert len(graded) > 60
    assert not [name for name, found in graded.items() if "grader_fault" in found]
    assert sorted(course.rglob("*")) == before
    assert {path.name for path in out.iterdir()} == {
        *graded,
        ".journal",
        "index.html",
        "grades.csv",
    }
    for text in (
        done.stdout,
        done.stderr,
        *(p.read_text() for p in out.rglob("*.*") if p.is_file()),
    ):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("numbers", SHADOWS, ids=str)
def test_files_beside_the_modules_are_not_run(numbers, tmp_path, cache):
    """25 to 28: from inside the folder, too, where a careless command would import them."""
    place = tmp_path / "mallory"
    written("exercises/activation.py", "import numpy, json, random, os\n" + HONEST)(place)
    for name, content in SHADOWS[numbers].items():
        written(name, content)(place)
    before = sorted(place.rglob("*"))
    for cwd in (place, place / "exercises"):
        done = command("check", "relu", "--path", place, "--json", cwd=cwd, cache=cache)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not done.stderr
    assert sorted(place.rglob("*")) == before


def test_a_name_of_the_kits_own_page_stops_nobody(tmp_path, cache):
    """105: `index.html` is the page of the class, and may be what a student calls a zip."""
    course = tmp_path / "course"
    course.mkdir()
    renamed(zipped((MEMBER, HONEST))(course), "index.html.zip")
    written("honest/exercises/activation.py", HONEST)(course)
    out = tmp_path / "out"
    done = command("grade", course, "--out", out, "--only", "relu", cwd=tmp_path, cache=cache)
    assert done.returncode == 0


def test_a_folder_of_the_class_is_not_read_as_one_submission(tmp_path):
    """14: who hands in files that look like a class does not become one."""
    written("alice/exercises/activation.py", HONEST)(tmp_path)
    written("bob/exercises/activation.py", HONEST)(tmp_path)
    found = intake.collect([tmp_path], TOPICS, tmp_path)
    assert [hand_in.name for hand_in in found.hand_ins] == ["alice", "bob"]
