"""`autograder capstone demo`: gets the model ready, opens the page, and serves it until Ctrl-C."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import textwrap
import threading
import webbrowser
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from autograder.capstone.data import Tell
from autograder.isolation.limits import DEFAULT, Limits

INSTALL = "pip install -c constraints.txt -e '.[demo]'"
NEEDED = ("starlette", "uvicorn", "h5py")
BACKBONE_AND_HEAD = "backbone and linear head"


class NoDemo(Exception):
    """The page cannot be shown; the text is one sentence that says why, and the way out."""


def check_installed() -> None:
    """NoDemo, where something is missing that only the extra brings."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        told = " and ".join(missing)
        verb = "is" if len(missing) == 1 else "are"
        raise NoDemo(f"this needs {told}, which {verb} not installed: {INSTALL}")


def run(
    file: Path | None,
    mine: Path | None,
    port: int,
    browser: bool,
    bar: AbstractContextManager[Tell],
    limits: Limits = DEFAULT,
) -> None:
    """Everything that may be wrong is said before the page is there."""
    check_installed()
    from autograder.capstone import backbone, model, weights
    from autograder.capstone.demo import head, server
    from autograder.capstone.demo.own import Own
    from autograder.capstone.settings import Refused
    from autograder.isolation.ladder import NotIsolated
    from autograder.submissions import BadSubmission

    with contextlib.ExitStack() as stack:
        try:
            own = (
                None if mine is None else stack.enter_context(contextlib.closing(Own(mine, limits)))
            )
            listener = stack.enter_context(server.listening(port))
            with contextlib.closing(weights.server()) as workers:
                if file is None:
                    network = model.read(backbone.FILE, workers, output=None)
                else:
                    network = model.read(file, workers)
            if own is not None:
                print(f"Isolation of {mine}: {own.level}", flush=True)
        except Refused as refused:
            name = "the shipped backbone" if file is None else str(file)
            raise NoDemo(f"{name} cannot be shown: {refused}") from refused
        except (BadSubmission, NotIsolated, server.NoPort) as error:
            raise NoDemo(str(error)) from error
        if file is None:
            with bar as tell:
                learnt, kept = head.head(network, tell)
            network = head.join(network, learnt)
            when = "" if kept else "just now "
            told = (
                "The shipped backbone, which has learnt letters, and a linear head, trained on "
                f"this machine {when}with 5,000 of the kit's digits; of 1,000 others it reads "
                f"{learnt.accuracy:.1%} rightly."
            )
            title = BACKBONE_AND_HEAD
        else:
            told = f"The model in {file.name}, run by the reference, without Keras."
            title = file.name
        print(textwrap.fill(told, 80), flush=True)
        demo = server.Demo(network, title, told, own)
        demo.reference(np.zeros((28, 28), np.uint8))  # the first time takes longest
        address = server.address(demo, listener)
        print(f"\nDraw at  {address}\nCtrl-C ends it.", flush=True)
        if browser and has_display():
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server.serve(demo, listener)
        print("\nThe page is closed.")


def has_display() -> bool:
    """Whether a browser with windows can be there; one in the terminal could not draw."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
