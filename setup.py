"""Build of the compiled core: one extension for every ``reference/fast/*.pyx``.

Metadata lives in pyproject.toml; here are only the things that need Python: which sources, which
directives, which flags. ``REFERENCE_DEBUG=1`` builds kernels that check their indices, their
memoryviews and their integer arithmetic; they are slow, and they find mistakes in the kernels.
``REFERENCE_SANITIZE=1`` builds the kernels as they are shipped, for AddressSanitizer and
UndefinedBehaviorSanitizer (gcc and clang).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("REFERENCE_DEBUG", "0") not in ("", "0")
SANITIZE = os.environ.get("REFERENCE_SANITIZE", "0") not in ("", "0")

# The only place where directives are set. Callers (reference/ops.py) have checked every argument.
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "initializedcheck": DEBUG,
    "overflowcheck": DEBUG,
    "wraparound": False,
    "cdivision": True,
    "binding": True,  # functions that inspect.signature can read
    "embedsignature": True,
    "annotation_typing": False,
}

# IEEE arithmetic on every machine: no -ffast-math, no fused multiply-add, no -march=native (a wheel
# built here must run elsewhere). Loops begin with a line of the cache: where they happened to begin
# changed the time of copies by a tenth from one build to the next. Builds that only test compile in
# a third of the time at -O1.
LEVEL = "-O1" if DEBUG or SANITIZE else "-O3"
UNIX = [LEVEL, "-ffp-contract=off", "-falign-loops=64", "-g0"]
FLAGS = ["/O2"] if sys.platform == "win32" else UNIX
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"] * SANITIZE
MACROS = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
if DEBUG or SANITIZE:
    MACROS.append(("REFERENCE_ONE_VERSION", "1"))  # none for newer processors: _versions.pxd

# setuptools wants paths relative to this file.
os.chdir(Path(__file__).resolve().parent)
FAST = Path("reference") / "fast"

extensions = [
    Extension(
        f"reference.fast.{source.stem}",
        [source.as_posix()],
        include_dirs=[np.get_include()],
        define_macros=list(MACROS),
        extra_compile_args=[*FLAGS, *SANITIZERS],
        extra_link_args=SANITIZERS,
        depends=[header.as_posix() for header in sorted(FAST.glob("*.pxd"))],
    )
    for source in sorted(FAST.glob("*.pyx"))
]

setup(
    ext_modules=cythonize(
        extensions,
        # The generated C stays out of the sources; the two kinds of build do not share it.
        build_dir="build/cython-debug" if DEBUG else "build/cython",
        compiler_directives=DIRECTIVES,
        show_all_warnings=False,
    ),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
