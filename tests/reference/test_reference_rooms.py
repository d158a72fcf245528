"""The rooms hold together: every operation is in ops, in both twins and in the exercises."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import os
import subprocess
import sys
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from twins import BACKENDS, CALLS, PLAIN, load_backend, load_ops

import reference
from reference import _backend, ops

ROOT = Path(__file__).resolve().parents[2]
TOPICS = sorted(path.stem for path in (ROOT / "reference" / "pure").glob("[!_]*.py"))


def form(function):
    """Names, kinds and defaults of the parameters; annotations are not compared."""
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default) for p in parameters]


def public(module):
    """The functions that a twin defines."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and inspect.isroutine(value)
        and value.__module__ == module.__name__
    }


def test_the_compiled_backend_is_the_one_in_use():
    assert reference.backend() == "fast"
    for topic in TOPICS:
        module = getattr(_backend, topic)
        assert module.__name__ == f"reference.fast.{topic}"
        assert isinstance(module.__spec__.loader, ExtensionFileLoader)


def test_every_topic_has_both_twins():
    sources = sorted(path.stem for path in (ROOT / "reference" / "fast").glob("[!_]*.pyx"))
    assert sources == TOPICS
    assert sorted(set(_backend.__all__) - {"NAME", "small"}) == TOPICS


@pytest.mark.parametrize("topic", TOPICS)
def test_twins_have_the_same_functions(topic):
    pure = public(importlib.import_module(f"reference.pure.{topic}"))
    fast = public(importlib.import_module(f"reference.fast.{topic}"))
    assert sorted(pure) == sorted(fast)
    for name, function in pure.items():
        assert form(function) == form(fast[name]) == form(getattr(ops, name)), name


def test_ops_has_every_operation_and_no_other():
    twins = [public(importlib.import_module(f"reference.pure.{topic}")) for topic in TOPICS]
    names = sorted(name for functions in twins for name in functions)
    assert names == sorted(ops.__all__) == sorted(public(ops))


def test_annotations_are_those_of_the_answer_key():
    for topic in TOPICS:
        module = importlib.import_module(f"reference.pure.{topic}")
        for name, function in public(module).items():
            pure = inspect.signature(function, eval_str=True)
            assert pure == inspect.signature(getattr(ops, name), eval_str=True), name


@pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic != "general"])
def test_stubs_have_the_signatures_of_the_reference(topic):
    tree = ast.parse((ROOT / "exercises" / f"{topic}.py").read_text(encoding="utf-8"))
    stubs = {
        node.name: node.args
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    pure = importlib.import_module(f"reference.pure.{topic}")
    assert sorted(stubs) == sorted(public(pure))
    for name, arguments in stubs.items():
        parameters = inspect.signature(getattr(ops, name)).parameters.values()
        assert [argument.arg for argument in arguments.args] == [p.name for p in parameters]
        defaults = [p.default for p in parameters if p.default is not p.empty]
        assert [ast.literal_eval(node) for node in arguments.defaults] == defaults


def test_the_tests_call_every_operation():
    assert set(CALLS) | PLAIN == set(ops.__all__)


@pytest.mark.parametrize("name", ops.__all__)
def test_docstrings_say_source_and_example(name):
    text = getattr(ops, name).__doc__
    assert ">>>" in text
    structural = {"trace_shapes", "count_parameters"}
    assert "Source:" in text or name in structural


@pytest.mark.parametrize("backend", BACKENDS)
def test_doctests(backend):
    module = load_ops(backend)
    examples = 0
    for test in doctest.DocTestFinder().find(module, "ops", False, vars(module)):
        result = doctest.DocTestRunner().run(test)
        assert result.failed == 0, test.name
        examples += result.attempted
    assert examples > 50


# The choice of the backend


def test_backends_are_what_was_asked_for():
    for name in BACKENDS:
        backend = load_backend(name)
        assert name == backend.NAME
        assert backend.pooling.__name__ == f"reference.{name}.pooling"


def test_an_unknown_backend_is_refused():
    with pytest.raises(ImportError) as error:
        load_backend("gpu")
    assert str(error.value) == "REFERENCE_BACKEND must be 'fast' or 'pure'; got 'gpu'."


def test_a_missing_core_is_an_error_that_says_how_to_build():
    import reference.fast

    name = "reference.fast.pooling"
    with (
        mock.patch.dict(sys.modules, {name: None}),
        mock.patch.object(reference.fast, "pooling"),
    ):
        del reference.fast.pooling
        with pytest.raises(ImportError) as error:
            load_backend("fast").pooling  # noqa: B018
    message = str(error.value)
    assert message.startswith("The compiled core of `reference` cannot be loaded.")
    assert "`pip install -e .` (or `make setup`)" in message
    assert "REFERENCE_BACKEND=pure" in message
    assert "pooling" in message


@pytest.mark.parametrize(("name", "other"), [("fast", "pure"), ("pure", "fast")])
def test_only_the_backend_asked_for_is_imported(name, other):
    program = (
        "import sys, reference\n"
        "assert not any(m.startswith(('reference.fast', 'reference.pure')) for m in sys.modules)\n"
        "from reference import ops\n"
        "assert not any(m.startswith(('reference.fast', 'scipy')) for m in sys.modules)\n"
        "ops.output_size(3, 2)\n"
        f"assert reference.backend() == {name!r}\n"
        f"assert not any(m.startswith('reference.{other}') for m in sys.modules)\n"
    )
    environment = {**os.environ, "REFERENCE_BACKEND": name}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env=environment)


def test_threads_share_nothing():
    from concurrent.futures import ThreadPoolExecutor

    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 3, 20, 20)), rng.normal(size=(4, 3, 3, 3)), np.zeros(4)
    batches = [x * scale for scale in (1, 2, 4, 8)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda batch: ops.conv2d(batch, w, b), batches))
    for batch, result in zip(batches, results, strict=True):
        np.testing.assert_array_equal(result, ops.conv2d(batch, w, b))
