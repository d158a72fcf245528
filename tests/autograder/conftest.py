"""Ways to put code of a student before the parts of the autograder, as text in a test."""

from __future__ import annotations

import contextlib
import json
import textwrap

import pytest

from autograder import catalog
from autograder.diagnose import predict
from autograder.engine import Engine, session_of
from autograder.isolation import ladder, wire
from autograder.isolation.calls import Answer, EncodedCall
from autograder.isolation.limits import Limits
from autograder.isolation.parent import Session
from autograder.submissions import Submission, read

# Endless loops end soon, and honest calls on a loaded machine still end in time.
QUICK = Limits(import_seconds=1.0, call_seconds=0.5, wall_factor=12.0, patience=1.0)


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

    def arguments(call):
        decoder = wire.Decoder(call.body, layouts=True)
        return {name: decoder.read(node) for name, node in json.loads(call.nodes)}

    def answers(bank, function):
        found = []
        kept = None
        for call in bank.calls:
            if call.nodes is None:
                found.append(kept)
                continue
            found.append(as_answer(predict(function, arguments(call))))
            if call.keep:
                kept = found[-1]
        return found

    return answers


@pytest.fixture(scope="session")
def answer_with():
    """`answer_with(value)`: the answer that brings this value, or exception."""
    return as_answer


def as_answer(value):
    if isinstance(value, Exception):
        bases = [base.__name__ for base in type(value).__mro__ if base.__module__ == "builtins"]
        return Answer("error", f"{type(value).__name__}: {value}", raised=tuple(bases))
    encoder = wire.Encoder(2**26)
    try:
        node = encoder.add(value)
    except wire.WireError as error:
        return Answer("fail", str(error))
    return Answer("value", node=node, body=encoder.body)


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
