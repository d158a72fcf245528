"""Ways to put code of a student before the parts of the autograder, as text in a test."""

from __future__ import annotations

import contextlib
import textwrap
import time

import pytest

from autograder import catalog
from autograder.audit import stand_in
from autograder.engine import Engine, session_of
from autograder.isolation import ladder
from autograder.isolation.calls import EncodedCall
from autograder.isolation.limits import Limits
from autograder.isolation.parent import Session
from autograder.submissions import Submission, read

# Endless loops end soon, and honest calls on a loaded machine still end in time.
QUICK = Limits(import_seconds=1.0, call_seconds=0.5, wall_factor=12.0, patience=1.0)


def _until(true, seconds=120):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def until():
    """`until(true)`: wait for what must come."""
    return _until


@pytest.fixture
def quick():
    """Limits for code that never ends."""
    return QUICK


@pytest.fixture(scope="session")
def server():
    """One server of workers for all tests that need no limits of their own."""
    with contextlib.closing(ladder.best(QUICK)) as running:
        yield running


@pytest.fixture
def start(server):
    """`start(m=source, helper=source)`: a session for modules given as text."""
    running = []

    def begin(limits=QUICK, **sources):
        texts = {name: textwrap.dedent(text) for name, text in sources.items()}
        session = Session(texts, limits, server=server if limits is QUICK else None)
        running.append(session)
        return session

    yield begin
    for session in running:
        session.close()


@pytest.fixture
def ask(start):
    """`ask(source, {"x": 1})`: the answer to one call of `f` in a module of that text."""

    def question(source, arguments=None, **modules):
        session = start(m=source, **modules)
        (answer,) = session.ask("m", "f", [EncodedCall.of(arguments or {})])
        session.close()
        return answer

    return question


@pytest.fixture(scope="session")
def exercise():
    """`exercise("conv2d")`: one exercise of the catalogue."""
    return lambda name: catalog.select([name])[0]


@pytest.fixture
def submit():
    """`submit(padding=source)`: a submission whose modules are given as text."""

    def made(name="somebody", **sources):
        return Submission(name, {stem: textwrap.dedent(text) for stem, text in sources.items()})

    return made


@pytest.fixture
def engine_of(server):
    """`engine_of(seed)`: an engine whose workers come from the tests' server."""

    def made(seed=None, explaining=True):
        engine = Engine.of(seed, explaining, QUICK)
        vars(engine)["server"] = server
        return engine

    return made


@pytest.fixture
def judge(submit, server, engine_of):
    """`judge(exercise, source)`: the result of a submission with one module."""

    def judged(exercise, source, engine=None, limits=QUICK):
        submission = submit(**{exercise.topic: source})
        with session_of(submission, limits, server if limits is QUICK else None) as session:
            return (engine or engine_of()).judge(exercise, session)

    return judged


@pytest.fixture(scope="session")
def answers_of():
    """`answers_of(bank, function)`: what a worker would answer if that were the student's code."""
    return stand_in.answers_of


@pytest.fixture(scope="session")
def answer_with():
    """`answer_with(value)`: the answer that brings this value, or exception."""
    return stand_in.as_answer


@pytest.fixture(scope="session")
def golden_verdict(golden, server):
    """`golden_verdict(name)`: what a golden submission gets, judged once in a run."""
    known = {}
    topics = frozenset(topic.name for topic in catalog.topics())
    engine = Engine.of(limits=QUICK)
    vars(engine)["server"] = server

    def verdict(name):
        if name not in known:
            submission = read(golden / name, topics)
            chosen = [e for e in catalog.exercises() if e.topic in submission.sources]
            known[name] = engine.verdict(submission, chosen)
        return known[name]

    return verdict
