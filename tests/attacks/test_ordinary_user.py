"""The battery once more, by a user without privileges: CI and many a teacher's server run as root.

The checkout and its Python may lie where only root gets to, such as below root's home. They are
shown to the user at their own paths, read-only, in a mount namespace in which the folders on the
way are open; nothing is copied, and nothing else of those folders is there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from battery import LEVELS, LEVELS_VARIABLE, ROOT

from autograder.bank import CACHE_VARIABLE

# Nobody's number, and not that of the workers: they are another user's when root starts them.
UID = 64002
BECOME = """
import os, sys
os.setgroups([])
os.setresgid({0}, {0}, {0})
os.setresuid({0}, {0}, {0})
os.execv(sys.argv[1], sys.argv[1:])
"""
# What depends on who runs it. Files and reports are the same for all.
TESTS = (
    *(f"tests/attacks/test_{name}.py" for name in ("answers", "verdict", "behaviour")),
    *(f"tests/attacks/test_{name}.py" for name in ("resources", "kernel")),
)
LADDER = "tests/autograder/isolation"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ROOT, reason="an ordinary user runs all of these tests anyway"),
]


def door(places: set[Path]) -> list[str]:
    """The start of a command line (see bwrap(1)) by which anybody gets to these folders."""
    program = shutil.which("bwrap")
    assert program is not None, "needs bubblewrap (apt-get install bubblewrap)"
    command = [program, "--dev-bind", "/", "/"]
    closed = set()
    for place in places:
        # The first closed folder on the way; what is below it cannot be seen from outside.
        barred = [f for f in reversed(place.parents) if not f.stat().st_mode & 0o001]
        if barred:
            closed.add(barred[0])
    for folder in sorted(closed):
        command += ["--perms", "0755", "--tmpfs", str(folder)]
    for place in sorted(places):
        within = [f for f in reversed(place.parents) if closed & set(f.parents)]
        if closed & set(place.parents):
            for folder in within:
                command += ["--perms", "0755", "--dir", str(folder)]
            command += ["--ro-bind", str(place), str(place)]
    return [*command, "--"]


@pytest.fixture
def as_somebody(root):
    """`as_somebody(*command)`: run by a user who has a home of its own and nothing else."""
    folder = Path(tempfile.mkdtemp(prefix="ordinary-"))
    (home := folder / "home").mkdir()
    (temporary := folder / "tmp").mkdir()
    for path in (folder, home, temporary):
        os.chown(path, UID, UID)
    bases = {Path(sys.prefix), Path(sys.base_prefix)}
    way = door({root, *bases, *(base.resolve() for base in bases)})
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("PYTEST_")}
    inherited.pop(CACHE_VARIABLE)

    def run(*command, **environment):
        return subprocess.run(
            [*way, sys.executable, "-c", BECOME.format(UID), *command],
            cwd=root,
            env={
                **inherited,
                "HOME": str(home),
                "TMPDIR": str(temporary),
                "PYTHONDONTWRITEBYTECODE": "1",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    shutil.rmtree(folder)


def test_the_user_is_ordinary(as_somebody, root):
    """It has no privilege, can read the kit and its Python, and can write to its own home alone."""
    source = """
import os, sys, autograder, numpy
status = open("/proc/self/status").read()
assert "CapEff:\\t0000000000000000" in status and "CapPrm:\\t0000000000000000" in status
assert os.getresuid() == os.getresgid() == (os.getuid(),) * 3 and os.getuid() and not os.getgroups()
for folder in sys.argv[1:]:
    assert not os.access(folder, os.W_OK), folder
open(os.path.expanduser("~/file"), "w").close()
"""
    folders = (str(root), sys.prefix, sys.base_prefix, os.path.expanduser("~root"), "/etc")
    done = as_somebody(sys.executable, "-c", source, *folders)
    assert done.returncode == 0, done.stderr


def test_the_battery_holds_for_an_ordinary_user(as_somebody):
    """At every level that this kernel lets such a user have; strong needs user namespaces."""
    tests, levels = [*TESTS, LADDER], LEVELS
    namespaces = as_somebody(
        *(shutil.which("bwrap"), "--unshare-user", "--dev-bind", "/", "/"),
        *(sys.executable, "-c", ""),
    )
    if namespaces.returncode != 0:
        # Then strong must be refused, with that reason; the other levels must hold all the same.
        tests, levels = [*TESTS], LEVELS[:-1]
        source = (
            "from autograder.isolation import ladder, limits\n"
            "try: ladder.proven('strong', limits.DEFAULT)\n"
            "except ladder.NotIsolated as error: print(error)\n"
        )
        refusal = as_somebody(sys.executable, "-c", source)
        assert refusal.stdout.startswith("strong: "), refusal.stderr
        assert "bwrap" in refusal.stdout
    done = as_somebody(
        *(sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "not slow"),
        *("-p", "no:cacheprovider", *tests),
        **{LEVELS_VARIABLE: " ".join(levels)},
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) > 400 * len(levels) / len(LEVELS)
    assert "skipped" not in done.stdout
