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

.PHONY: setup demo nbgrader-demo capstone-demo lessons test lint test-fast test-slow conformance \
	fuzz sanitize release-check clean

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

.venv/conforming: .venv/tested
	$(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*extras["conformance"], sep="\n")' > .venv/conformance.txt
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) --requirement .venv/conformance.txt
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

test: lint test-fast test-slow conformance

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-fast: .venv/tested
	$(BIN)/pytest -n 2 -m "not slow and not peers"

# The wheel and the debug build, and the checks that take minutes; then the grader is graded.
test-slow: .venv/tested
	$(BIN)/pytest -n 2 -m slow
	$(BIN)/autograder audit --min 1.0

# The compiled core beside ONNX's and Keras' tests, PyTorch, TensorFlow and SciPy: docs/conformance.md.
# And the tests of the benchmark that need PyTorch as well.
conformance: .venv/conforming
	$(BIN)/pytest tests/reference/conformance
	$(BIN)/pytest -m peers tests/autograder/performance

# Random calls of the kernels that check their indices, beside the pure twin, in a copy of the
# checkout.
FUZZ_CASES ?= 1000000
COPIED := git ls-files -z reference tests/reference autograder setup.py pyproject.toml README.md \
	LICENSE | tar -c --null -T - -f - | tar -x -f - -C

fuzz: .venv/tested
	rm -rf build/debug && mkdir -p build/debug && $(COPIED) build/debug
	cd build/debug && REFERENCE_DEBUG=1 ../../$(BIN)/python setup.py --quiet build_ext --inplace
	cd build/debug && PYTHONPATH=. ../../$(BIN)/python tests/reference/fuzz.py --debug \
		--cases $(FUZZ_CASES)

# The same under AddressSanitizer and UndefinedBehaviorSanitizer, which a kernel that is wrong on
# purpose must not survive. Python and NumPy are not built for them: leaks are not looked for.
SANITIZE_CASES ?= 20000
SANITIZED = PYTHONPATH=. PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
	../../$(BIN)/python

sanitize: .venv/tested
	rm -rf build/sanitize && mkdir -p build/sanitize && $(COPIED) build/sanitize
	cd build/sanitize && REFERENCE_SANITIZE=1 ../../$(BIN)/python setup.py --quiet build_ext --inplace
	cd build/sanitize && ! $(SANITIZED) tests/reference/fuzz.py --prove > prove.txt 2>&1
	grep -q "AddressSanitizer: heap-buffer-overflow" build/sanitize/prove.txt
	cd build/sanitize && $(SANITIZED) tests/reference/fuzz.py --memory 0 --cases $(SANITIZE_CASES)

# Before a tag: the version, the workflows, a released repository, pull requests, the wheel.
release-check: lint
	$(BIN)/pytest -n 2 tests/release tests/test_packaging.py tests/test_docs.py

clean:
	rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache *.egg-info reference/fast/*.so
