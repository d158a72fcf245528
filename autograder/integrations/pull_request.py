"""What a pull request hands in: the modules in `exercises/` and the capstone, as plain files.

    python -I -m autograder.integrations.pull_request TREE --base COMMIT --to DIR

copies them from the checked-out tree into `DIR/exercises` and prints, as Markdown, which of the
files that were changed since COMMIT do not count. The tree is data: nothing in it is run or
imported, no link is followed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder.report.text import for_log
from autograder.submissions import HOME

COUNTS = re.compile(rf"{HOME}/(?!(?:conftest|sitecustomize|usercustomize)\.py)[A-Za-z_]\w*\.py")
CAPSTONE = f"{HOME}/capstone"
CAPSTONE_COUNTS = re.compile(
    rf"{CAPSTONE}/(?:(?:digits|predict)\.py|digits\.keras|\w[\w.-]*\.ipynb)"
)
MOST_TOLD = 20
LONGEST = 100


def changed(tree: Path, base: str) -> list[str]:
    """The paths that were changed since the tree left its base."""
    done = subprocess.run(
        # Nothing that the tree's own attributes or configuration could ask for is run.
        ["git", "-C", str(tree), "diff", "--no-ext-diff", "--no-textconv", "--no-renames",
         "--name-only", "-z", f"{base}...HEAD", "--"],
        capture_output=True,
        check=True,
    )  # fmt: skip
    return [name for name in os.fsdecode(done.stdout).split("\0") if name]


def take(tree: Path, to: Path) -> list[str]:
    """Copy what counts; returns the paths."""
    home = tree / HOME
    (to / HOME).mkdir(parents=True)
    if home.is_symlink() or not home.is_dir():
        return []
    taken = [
        f"{HOME}/{file.name}"
        for file in sorted(home.iterdir())
        if COUNTS.fullmatch(f"{HOME}/{file.name}") and not file.is_symlink() and file.is_file()
    ]
    for name in taken:
        shutil.copyfile(tree / name, to / name, follow_symlinks=False)
    return [*taken, *_take_capstone(tree, to)]


def _take_capstone(tree: Path, to: Path) -> list[str]:
    """Copy the capstone's files; of each a byte more than may be, so that the grader tells it."""
    from autograder.capstone.files import most_bytes

    home = tree / CAPSTONE
    if home.is_symlink() or not home.is_dir():
        return []
    taken = []
    for file in sorted(home.iterdir()):
        name, most = f"{CAPSTONE}/{file.name}", most_bytes(file.name)
        if not CAPSTONE_COUNTS.fullmatch(name) or most is None:
            continue
        if file.is_symlink() or not file.is_file():
            continue
        (to / CAPSTONE).mkdir(exist_ok=True)
        with file.open("rb") as opened:
            (to / name).write_bytes(opened.read(most + 1))
        taken.append(name)
    return taken


def _counts(name: str) -> bool:
    return bool(COUNTS.fullmatch(name) or CAPSTONE_COUNTS.fullmatch(name))


def told(names: Sequence[str]) -> str:
    """The changes that do not count, as Markdown in which no name is markup, nor a command."""
    if not names:
        return ""
    lines = [for_log(name.replace("\n", "\\n").replace("`", "'")) for name in names[:MOST_TOLD]]
    lines = [line if len(line) <= LONGEST else f"{line[:LONGEST]}..." for line in lines]
    if len(names) > MOST_TOLD:
        lines.append(f"and {len(names) - MOST_TOLD} more")
    head = (
        f"Only the modules in `{HOME}/` count, and the capstone's files in `{CAPSTONE}/`. These "
        "changes were left out:"
    )
    return "\n".join([head, "", "```text", *lines, "```", ""])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="pull_request", description="Take what counts.")
    parser.add_argument("tree", type=Path, help="the pull request, checked out")
    parser.add_argument("--base", required=True, help="the commit that it would change")
    parser.add_argument("--to", type=Path, required=True, help="a new folder")
    given = parser.parse_args(arguments)
    try:
        names = changed(given.tree, given.base)
    except subprocess.CalledProcessError as error:
        print(f"pull_request: git: {error.stderr.decode(errors='replace')}", file=sys.stderr)
        return 2
    taken = set(take(given.tree, given.to))
    # A module that was deleted counts: it is missing now.
    there = [name for name in names if os.path.lexists(given.tree / name)]
    gone = [name for name in names if name not in there and not _counts(name)]
    left_out = sorted([*gone, *(name for name in there if name not in taken)])
    sys.stdout.write(told([name.encode("utf-8", "replace").decode() for name in left_out]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
