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

# Twenty for nbgrader: hostile ones too.
CLASS := $(SAMPLE) right-loops right-im2col wrong-avgpool-counts-padding wrong-softmax-overflows \
	wrong-zero-pad-one-sided broken-always-equal broken-exits-in-the-call broken-imports-reference \
	broken-lying-subclass broken-mutates-arguments broken-prints-to-stderr

.PHONY: setup demo nbgrader-demo capstone-demo lessons test lint test-fast test-slow release-check clean

setup: .venv/installed

.venv/installed: pyproject.toml setup.py constraints.txt $(wildcard reference/fast/*.p*)
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) --editable .
	touch $@

# The kit is installed already: only what its extras name comes on top, with no second build.
.venv/tested: .venv/installed
	$(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*extras["test"], *extras["lessons"], *extras["nbgrader"], *extras["cluster"], *extras["capstone-cpu"], *extras["demo"], sep="\n")' > .venv/test.txt
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) --requirement .venv/test.txt
	touch $@

# TensorFlow without a GPU, and what reads models; of the tests' packages nothing.
.venv/capstone: .venv/installed
	$(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*extras["capstone-cpu"], sep="\n")' > .venv/capstone.txt
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) --requirement .venv/capstone.txt
	touch $@

demo: setup
	$(BIN)/autograder grade $(addprefix tests/submissions/,$(SAMPLE)) --out build/demo

# A course is made and released; twenty downloaded hand-ins are collected, graded and exported.
nbgrader-demo: .venv/tested
	rm -rf build/nbgrader
	$(BIN)/autograder nbgrader init build/nbgrader --hand-in modules
	mkdir -p build/nbgrader/downloaded/exercises/archive
	for name in $(CLASS); do (cd tests/submissions/$$name && \
		$(CURDIR)/$(BIN)/python -m zipfile -c \
		$(CURDIR)/build/nbgrader/downloaded/exercises/archive/$$name.zip exercises); done
	cd build/nbgrader && PATH="$(CURDIR)/$(BIN):$$PATH" && \
		nbgrader zip_collect exercises && nbgrader autograde exercises && \
		nbgrader generate_feedback exercises && nbgrader export
	cat build/nbgrader/grades.csv

# Transfer learning from MNIST to a ranking: a frozen head and a fine-tuned model are trained, run
# beside Keras, and graded with a private exam. Some minutes; the package registry has all of it.
capstone-demo: .venv/capstone
	rm -rf build/capstone
	mkdir -p build/capstone/hand-ins/frozen build/capstone/hand-ins/fine-tuned
	$(BIN)/autograder capstone data
	$(BIN)/autograder capstone train --frozen --out build/capstone/hand-ins/frozen/digits.keras
	$(BIN)/autograder capstone train --out build/capstone/hand-ins/fine-tuned/digits.keras
	for name in frozen fine-tuned; do \
		cp autograder/capstone/solution/digits.py build/capstone/hand-ins/$$name; done
	$(BIN)/autograder capstone predict --keras --model build/capstone/hand-ins/fine-tuned/digits.keras
	$(BIN)/autograder capstone secret build/capstone/class.exam
	$(BIN)/autograder capstone grade build/capstone/hand-ins \
		--secret build/capstone/class.exam --out build/capstone/results
	$(BIN)/autograder capstone leaderboard build/capstone/results

# The notebooks of the lessons, from their text and the stubs.
lessons: .venv/tested
	$(BIN)/autograder lessons build/lessons

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

# Before a tag: the version, the workflows, a released repository, pull requests, the wheel.
release-check: lint
	$(BIN)/pytest -n 2 tests/release tests/test_packaging.py tests/test_docs.py

clean:
	rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache *.egg-info reference/fast/*.so
