"""A wheel of the kit without the answer key, made from a full one.

    left out                        why
    reference/pure                  the answer key itself
    reference/fast/*.pyx, *.pxd     the same functions in Cython; the compiled modules stay
    autograder/audit                wrong solutions, each one line away from the answer key
    autograder/capstone/solution    the answer key of the capstone

The specs stay, since they judge on the student's own machine: their misconceptions are wrong
functions, most of them one call of the compiled reference. The version gets a local part,
`0.1.0+students`. No public index takes such a version, so none can put its own package in between.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ANSWERS = re.compile(
    r"reference/pure/|reference/fast/[^/]+\.(pyx|pxd|c)$|autograder/audit/|"
    r"autograder/capstone/solution/"
)
SOURCES = ("autograder", "reference", "pyproject.toml", "setup.py", "README.md", "LICENSE")
BUILT = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd", "*.c")
LOCAL = "+students"
DISTRIBUTION = "cnn_exercise_kit"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same wheel gives the same bytes


class BadWheel(ValueError):
    """A file that is no full wheel of this kit; the message says why."""


def build(checkout: Path, folder: Path) -> Path:
    """Build the full wheel for this machine; CalledProcessError where that fails."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    with tempfile.TemporaryDirectory() as temporary:
        # A copy: what earlier builds left in the checkout would get into the wheel.
        copy = Path(temporary)
        for name in SOURCES:
            if (checkout / name).is_dir():
                shutil.copytree(checkout / name, copy / name, ignore=BUILT)
            else:
                shutil.copyfile(checkout / name, copy / name)
        subprocess.run([*pip, str(folder), str(copy)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def without_answers(wheel: Path, folder: Path) -> Path:
    """Write the students' wheel into a folder."""
    name, *rest = wheel.name.split("-")
    if name != DISTRIBUTION or len(rest) < 4 or wheel.suffix != ".whl":
        raise BadWheel(f"{wheel} is no wheel of this kit: its name begins with {DISTRIBUTION}-")
    version, *tags = rest
    new = version if version.endswith(LOCAL) else version + LOCAL
    result = folder / "-".join([name, new, *tags])
    old_info, info = f"{name}-{version}.dist-info/", f"{name}-{new}.dist-info/"
    try:
        with zipfile.ZipFile(wheel) as full, zipfile.ZipFile(result, "w") as ours:
            record = []
            for member in sorted(full.namelist()):
                if ANSWERS.search(member) or member.endswith("/") or member == f"{old_info}RECORD":
                    continue
                content = full.read(member)
                if member == f"{old_info}METADATA":
                    old, line = f"Version: {version}\n".encode(), f"Version: {new}\n".encode()
                    content = content.replace(old, line, 1)
                place = member.replace(old_info, info, 1)
                _add(ours, place, content)
                digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
                record.append(f"{place},sha256={digest.decode()},{len(content)}")
            record.append(f"{info}RECORD,,")
            _add(ours, f"{info}RECORD", ("\n".join(record) + "\n").encode())
    except zipfile.BadZipFile as error:
        raise BadWheel(f"{wheel} is no wheel: {error}") from error
    return result


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, EPOCH)
    member.external_attr = 0o644 << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, content)
