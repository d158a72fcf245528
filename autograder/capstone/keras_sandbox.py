"""The trusted side of few labels: a confined worker with Keras runs a student's `train_head`.

Labels that are asked for never go there. One array comes back, or a `Trouble`: what went wrong, in
a sentence. A fault of ours, such as a missing TensorFlow, is a GraderFault and never the student's.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from autograder.capstone import backbone
from autograder.capstone.few_labels import Task, Trouble
from autograder.capstone.training import INSTALL
from autograder.isolation import ladder
from autograder.isolation.calls import Answer, EncodedCall
from autograder.isolation.ladder import ForkServer, GraderFault, NotIsolated
from autograder.isolation.limits import DEFAULT, MIB, Limits
from autograder.isolation.parent import Session
from autograder.isolation.profiles import KERAS
from autograder.verdict import Status

TRAINER = Path(__file__).with_name("head_trainer.py")
MODULE = "capstone.digits"
# A process that ends by a signal may be TensorFlow's doing, once; twice is the hand-in's.
TRIES = 2
# As `parent.py` tells where student code was.
PLACE = re.compile(
    r"\n(exercises/[\w/]+\.py, line \d+)(?:, in [\w<>]+)?(?:\n    ([^\n]*))?(?=\n|$)"
)

LIMITS = dataclasses.replace(
    DEFAULT,
    # TensorFlow is there already; what a module makes at once is small.
    import_seconds=30.0,
    # A linear head takes 5 CPU seconds, without compiled functions 15, with XLA 30.
    call_seconds=120.0,
    # A task has a process of its own, and with it what it may take in all.
    submission_seconds=180.0,
    worker_seconds=180,
    # TensorFlow takes 2.3 GiB of address space, of which it uses 0.7.
    memory_bytes=4096 * MIB,
    # The answers are 42 KB.
    reply_bytes=MIB,
    answers_bytes=MIB,
    open_files=256,
    # Every thread takes as much.
    stack_bytes=8 * MIB,
)


def server(required: str = "weak", limits: Limits = LIMITS) -> ForkServer:
    """A server of workers with Keras, at the best level of isolation there is; 3 CPU seconds."""
    for package in ("tensorflow", "keras"):
        if importlib.util.find_spec(package) is None:
            raise GraderFault(f"{package} is not installed where grading is done: {INSTALL}")
    profile = dataclasses.replace(KERAS, files=(str(backbone.FILE),))
    try:
        return ladder.best(limits, required, profile)
    except NotIsolated as error:
        raise GraderFault(f"student code with Keras cannot be isolated here: {error}") from error


def answers(task: Task, sources: Mapping[str, str], workers: ForkServer) -> np.ndarray | Trouble:
    """What the model answers that the student's `train_head` returns, in a process of its own."""
    call = EncodedCall.of(
        {
            "backbone": str(backbone.FILE),
            "images": task.images,
            "labels": task.labels.astype(np.uint8),
            "asked": task.asked,
        }
    )
    trainer = {TRAINER.stem: TRAINER.read_text(encoding="utf-8")}
    for _ in range(TRIES):
        with Session({**sources, **trainer}, workers.limits, server=workers) as session:
            (answer,) = session.ask(TRAINER.stem, "train_head", [call])
        if answer.status != "crash":
            break
    if answer.status != "value":
        return _trouble(answer)
    value = answer.value
    if isinstance(value, dict):
        return _unfit(value)
    if not isinstance(value, np.ndarray):
        return Trouble("the model that train_head returns gives no answers", "fail")
    return np.asarray(value)


def trial(workers: ForkServer) -> str:
    """What keeps a worker from computing with Keras; empty where it does."""
    source = "import keras\n\ndef f(x):\n    return keras.ops.convert_to_numpy(keras.ops.sum(x))\n"
    with Session({"trial": source}, workers.limits, server=workers) as session:
        (answer,) = session.ask("trial", "f", [EncodedCall.of({"x": np.ones(3, np.float32)})])
    return "" if answer.status == "value" else f"{answer.status}: {one_line(answer.message)}"


def _trouble(answer: Answer) -> Trouble:
    """An answer without a value, as a sentence about `train_head`."""
    if answer.status == "not_attempted":
        return Trouble("train_head is not written yet", "not_attempted")
    what = "digits.py cannot be loaded" if answer.at_import else "train_head gives no model"
    said = one_line(answer.message)
    if answer.status == "forbidden" and "autograder" in said:
        said += "; import it inside train(), which is not called here"
    return Trouble(f"{what}: {said}", cast(Status, answer.status))


def _unfit(value: Mapping[str, Any]) -> Trouble:
    try:
        why, said = value["unfit"]
        said = one_line(str(said))
    except (KeyError, ValueError, TypeError):
        why, said = "", ""
    if why == "missing":
        return Trouble("digits.py defines no train_head", "not_attempted")
    if why == "model":
        return Trouble(f"train_head returns no Keras model but an object of type {said}", "error")
    told = f": {said}" if why == "answers" else ""
    return Trouble(f"the model that train_head returns gives no answers{told}", "error")


def one_line(message: str) -> str:
    """What an exception says, and the student's line; without lines of ours."""
    places = [place for place in PLACE.finditer(message) if f"/{TRAINER.name}," not in place[1]]
    said = " ".join(PLACE.sub("\n", message).split())
    said = said.replace(" the limit is ", "; the limit is ")[:300]
    if not places:
        return said
    file, source = places[-1].groups()
    return f"{said} ({file}{': ' + source if source else ''})"[:600]
