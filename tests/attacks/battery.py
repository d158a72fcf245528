"""What an attack is: text of a student's module, and what may come of it.

An attempt tries to do something and tells by its return value how far it got. A game is a wrong
solution of a real exercise that tries to be taken for a right one.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest

# All of them, unless test_ordinary_user.py knows of one that this kernel keeps from its user.
LEVELS_VARIABLE = "AUTOGRADER_ATTACKED_LEVELS"
LEVELS = tuple(os.environ.get(LEVELS_VARIABLE, "weak medium strong").split())
CONFINED = LEVELS[1:]
ROOT = sys.platform == "linux" and os.geteuid() == 0

GOT_IT = "got it"
# What a sandbox says of a file that is out of reach, of a place that is not to be written to, and
# of a system call that is not allowed.
HIDDEN = frozenset({"ENOENT", "EACCES"})
LOCKED = frozenset({"ENOENT", "EACCES", "EROFS", "EPERM"})
REFUSED = frozenset({"EPERM"})

# What every attempt may use.
TOOLS = '''
import errno, os, sys

def tried(action, *args):
    """What came of it: the name of the error, or that it worked."""
    try:
        action(*args)
    except OSError as error:
        return errno.errorcode.get(error.errno, "OSError")
    except BaseException as error:
        return type(error).__name__
    return "got it"

def called(number, *args):
    """What came of a system call."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    values = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    if libc.syscall(ctypes.c_long(number), *values) >= 0:
        return "got it"
    return errno.errorcode.get(ctypes.get_errno(), "OSError")
'''

# The worker's own channel, found as a student would find it: by its descriptor, and by the frames
# that called the student's function.
CHANNEL = """
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


@dataclass(frozen=True)
class Attempt:
    """An attack by code that defines `f(at)`, called once with what the attacker may know.

    numbers   of the attack list
    name      what is tried
    source    `tried` and `called` of TOOLS are there
    ends      what it may come to: errors that it returns, or the status of an answer without value
    works     whether it gets through where there is no sandbox; that proves that it could
    levels    where it must be denied
    """

    numbers: tuple[int, ...]
    name: str
    source: str
    ends: Iterable[str]
    works: bool = True
    levels: Sequence[str] = CONFINED
    slow: bool = False

    @property
    def text(self) -> str:
        return TOOLS + textwrap.dedent(self.source)


@dataclass(frozen=True)
class Game:
    """A wrong solution, and the statuses that the laws about its values may get.

    gains    whether it may get more points than a wrong solution that is played fair
    """

    numbers: tuple[int, ...]
    name: str
    source: str
    ends: Iterable[str]
    exercise: str = "relu"
    levels: Sequence[str] = LEVELS
    slow: bool = False

    @property
    def text(self) -> str:
        return textwrap.dedent(self.source)


def each(scenarios: Sequence[Attempt | Game]):
    """Parameters of a test: every scenario at each of its levels."""
    names = [scenario.name for scenario in scenarios]
    assert len(names) == len(set(names)), "two scenarios of one name"
    return pytest.mark.parametrize(
        ("scenario", "level"),
        [
            pytest.param(
                scenario,
                level,
                id=f"{scenario.name}-{level}",
                marks=[pytest.mark.slow] if scenario.slow else [],
            )
            for scenario in scenarios
            for level in scenario.levels
            if level in LEVELS
        ],
    )


def working(attempts: Sequence[Attempt]):
    """Parameters of a test: the attempts that get through where nothing stops them."""
    return pytest.mark.parametrize(
        "scenario", [pytest.param(a, id=a.name) for a in attempts if a.works]
    )
