# Two commands do everything: `make demo` and `make test`. The README has the pip commands behind them.
PYTHON ?= python3
BIN := .venv/bin
CONSTRAINTS := -c constraints.txt
# pip builds in an environment of its own; the same pins hold there.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

# A small class: right in two styles, wrong in four ways, broken in two, one half finished.
SAMPLE := right-einsum right-classes wrong-conv-flipped-kernel wrong-conv-swapped-strides \
	wrong-maxpool-starts-at-zero wrong-conv-backward-dx-overwritten broken-loops-for-ever \
	broken-syntax-error half-finished

.PHONY: setup demo lessons test lint test-fast test-slow clean

setup: .venv/installed

.venv/installed: pyproject.toml setup.py constraints.txt $(wildcard reference/fast/*.p*)
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) --editable .
	touch $@

# The kit is installed already: only what its extras name comes on top, with no second build.
.venv/tested: .venv/installed
	$(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*extras["test"], *extras["lessons"], *extras["capstone-cpu"], sep="\n")' > .venv/test.txt
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) --requirement .venv/test.txt
	touch $@

demo: setup
	$(BIN)/autograder grade $(addprefix tests/submissions/,$(SAMPLE)) --out build/demo

# The notebooks of the lessons, from their text and the stubs.
lessons: .venv/tested
	$(BIN)/python exercises/lessons/build.py build/lessons

test: lint test-fast test-slow

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-fast: .venv/tested
	$(BIN)/pytest -n 2 -m "not slow"

# The wheel and the debug build, and the checks that take minutes; then the grader is graded.
test-slow: .venv/tested
	$(BIN)/pytest -n 2 -m slow
	$(BIN)/autograder audit --min 1.0

clean:
	rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache *.egg-info reference/fast/*.so
