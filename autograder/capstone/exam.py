"""What every hand-in of a class is asked, in one file that only the instructor has.

The file is made once, of MNIST's digits and a secret seed, and holds all that follows from both: so
grading needs neither MNIST nor the same version of the libraries that drew its random numbers.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from autograder.capstone import data, few_labels
from autograder.capstone.corruptions import FAMILIES, corrupted
from autograder.capstone.few_labels import Task
from autograder.capstone.secret import private_set

# Digits of each corrupted family: a share of 14 times as many is known to a third of a percent.
PER_FAMILY = 500
# Public digits of either kind for the ratio of their losses.
RATIO_OF = 1500
TASK = ("images", "labels", "asked", "expected", "again")
PRACTICE = "practice"
MAKE_ONE = "autograder capstone secret"


class NotAnExam(Exception):
    """The file holds no exam; the text says so, and what makes one."""


Digits = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Exam:
    """What every hand-in is asked, the same for the whole class.

    images, labels  the private test set
    seed            the secret text that all of it follows from
    tasks           of few labels
    spoilt          the first private digits, as each family of corruptions leaves them
    test, training  public digits, images and labels, for the ratio of losses
    """

    images: np.ndarray
    labels: np.ndarray
    seed: str
    tasks: tuple[Task, ...] = ()
    spoilt: Mapping[str, np.ndarray] = field(default_factory=dict)
    test: Digits | None = None
    training: Digits | None = None

    @staticmethod
    def of(test: Digits, seed: str, training: Digits | None = None) -> Exam:
        """Made from given test digits; training digits are for the task of few labels."""
        images, labels = private_set(*test, seed)
        tasks = few_labels.tasks(*training, images, labels, seed) if training else []
        some = images[:PER_FAMILY]
        spoilt = {family.name: corrupted(family, some, seed) for family in FAMILIES}
        return Exam(
            images,
            labels.astype(np.int64),
            seed,
            tuple(tasks),
            spoilt,
            _some(test),
            _some(training) if training else None,
        )

    @property
    def practice(self) -> bool:
        """Made of digits and a seed that everybody has: a score that counts for nothing."""
        return self.seed == PRACTICE

    @cached_property
    def fingerprint(self) -> str:
        """Tells exams apart, and nothing of what is in them."""
        digest = hashlib.sha256(self.seed.encode(errors="surrogatepass"))
        for array in (self.images, self.labels, *self.spoilt.values()):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]

    def save(self, path: Path) -> None:
        """Write the file, readable by its owner alone; an existing one is never overwritten."""
        arrays = {"seed": np.array(self.seed), "images": self.images, "labels": self.labels}
        arrays |= {f"spoilt {name}": images for name, images in self.spoilt.items()}
        for number, task in enumerate(self.tasks):
            arrays |= {f"task {number} {name}": getattr(task, name) for name in TASK}
        for name, pair in (("test", self.test), ("training", self.training)):
            if pair is not None:
                arrays |= {f"{name} images": pair[0], f"{name} labels": pair[1]}
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(stream.getvalue())
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise

    @staticmethod
    def load(path: Path) -> Exam:
        """The exam in a file; NotAnExam where there is none."""
        try:
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                return _from(dict(file))
        except OSError as error:
            reason = error.strerror or "it is not readable"
            raise NotAnExam(f"cannot read {path}: {reason}; make it with {MAKE_ONE}") from error
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise NotAnExam(f"{path} is no exam; make one with {MAKE_ONE}") from error


def practice() -> Exam:
    """An exam of the digits that come with the kit, which its model may have learnt."""
    digits = data.subset()
    test = digits.test_images, digits.test_labels
    return Exam.of(test, PRACTICE, (digits.train_images, digits.train_labels))


def _some(given: Digits) -> Digits:
    return given[0][:RATIO_OF], given[1][:RATIO_OF].astype(np.int64)


def _from(arrays: Mapping[str, np.ndarray]) -> Exam:
    numbers = sorted({int(name.split()[1]) for name in arrays if name.startswith("task ")})

    def pair(name: str) -> Digits | None:
        if f"{name} images" not in arrays:
            return None
        return arrays[f"{name} images"], arrays[f"{name} labels"]

    return Exam(
        arrays["images"],
        arrays["labels"],
        str(arrays["seed"]),
        tuple(Task(*(arrays[f"task {number} {name}"] for name in TASK)) for number in numbers),
        {family.name: arrays[f"spoilt {family.name}"] for family in FAMILIES},
        pair("test"),
        pair("training"),
    )
