"""A student's `train_head` in a worker with Keras: what it comes to, and in which words."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import textwrap
from contextlib import closing

import numpy as np
import pytest

from autograder.capstone import backbone, few_labels, keras_sandbox
from autograder.capstone.exam import Exam
from autograder.capstone.examiner import Examiner
from autograder.capstone.few_labels import Trouble
from autograder.capstone.keras_sandbox import MODULE, one_line
from autograder.digits import digits
from autograder.isolation.calls import EncodedCall
from autograder.isolation.ladder import GraderFault, NotIsolated
from autograder.isolation.parent import Session

SOLUTION = backbone.FILE.parents[1] / "solution" / "digits.py"
STUB = backbone.FILE.parents[3] / "exercises" / "capstone" / "digits.py"


@pytest.fixture(scope="module")
def keras_workers():
    with contextlib.closing(keras_sandbox.server("strong")) as running:
        yield running


@pytest.fixture(scope="module")
def exam():
    """An exam of the embedded digits, 1,000 of which are asked for; spoilt ones are left out."""
    images, labels = digits()
    made = Exam.of((images[:1100], labels[:1100]), "a", (images[1100:], labels[1100:]))
    return dataclasses.replace(made, spoilt={}, test=None, training=None)


@pytest.fixture
def trained(keras_workers, exam):
    """`trained(source)`: what becomes of the first task with this digits.py."""

    def outcome(source, **others):
        sources = {MODULE: textwrap.dedent(source), **others}
        task = exam.tasks[0]
        return few_labels.share(task, keras_sandbox.answers(task, sources, keras_workers))

    return outcome


# --- words, for which no worker is needed


def test_an_exception_is_one_line_with_the_students_place():
    message = (
        "ValueError: no\n  good\nexercises/capstone/digits.py, line 3, in train_head\n    x = 1 / 0"
    )
    assert one_line(message) == (
        "ValueError: no good (exercises/capstone/digits.py, line 3: x = 1 / 0)"
    )


def test_lines_of_ours_are_not_told():
    message = (
        "TypeError: bad\nexercises/head_trainer.py, line 31, in train_head\n    model = digits"
    )
    assert one_line(message) == "TypeError: bad"


def test_an_absurd_message_stays_short():
    assert (
        len(one_line("x" * 10_000 + "\nexercises/m.py, line 1, in f\n    " + "y" * 10_000)) <= 600
    )


@pytest.mark.parametrize("value", [{}, {"unfit": 3}, {"unfit": ["a"]}, {"unfit": ["other", []]}])
def test_what_a_worker_says_of_its_model_is_not_believed(value):
    told = keras_sandbox._unfit(value)
    assert told.sentence == "the model that train_head returns gives no answers"


def test_without_tensorflow_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setattr(keras_sandbox.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(GraderFault, match=r"tensorflow is not installed .*: pip install "):
        keras_sandbox.server()


def test_without_isolation_it_is_a_fault_of_ours(monkeypatch):
    def best(*args):
        raise NotIsolated("strong: needs bubblewrap")

    monkeypatch.setattr(keras_sandbox.ladder, "best", best)
    with pytest.raises(GraderFault, match="Keras cannot be isolated here: strong: needs bubble"):
        keras_sandbox.server("strong")


# --- in the worker

TROUBLES = [
    ("def train_head(b, i, l):\n    raise NotImplementedError", "not_attempted", "not written yet"),
    ("x = 1", "not_attempted", "digits.py defines no train_head"),
    (
        "def build_head(s): raise NotImplementedError\ndef train_head(b, i, l): build_head(1)",
        "error",
        "train_head calls build_head, which is not written yet",
    ),
    (
        "def train_head(b, i, l):\n    return l[1000]",
        "error",
        "out of bounds for axis 0 with size 100 (exercises/capstone/digits.py, line 2: return l",
    ),
    ("def train_head(b): pass", "error", "takes 1 positional argument but 3 were given"),
    ("def train_head(b, i, l): pass", "error", "no Keras model but an object of type NoneType"),
    ("def train_head(b, i, l)", "error", "digits.py cannot be loaded: SyntaxError: expected ':'"),
    ("import scipy", "forbidden", "scipy is not available: use Keras, NumPy, the standard"),
    ("from autograder.capstone import data", "forbidden", "; import it inside train(), which"),
    ("import os\ndef train_head(b, i, l): os._exit(0)", "crash", "ended itself with exit code 0"),
    ("def train_head(b, i, l): raise SystemExit", "crash", "the code ended the program"),
    ("def train_head(b, i, l): b.fit(i, l)", "error", "You must call `compile()` before"),
    (
        "import numpy as np\ndef train_head(b, i, l): np.ones(10**10)",
        "memory",
        "the limit is 4096 MiB in all",
    ),
]
MODEL = """
import keras
import numpy as np

def model(units=10, kernel=0.0, shape=(28, 28, 1)):
    x = keras.Input(shape)
    start = keras.initializers.Constant(kernel)
    return keras.Model(x, keras.layers.Dense(units, kernel_initializer=start)(
        keras.layers.Flatten()(x)))

class Moody(keras.Model):
    def predict(self, images, **options):
        return np.random.default_rng().random((len(images), 10))

class Mean(keras.Model):
    def predict(self, images, **options):
        best = int(images.sum()) % 10
        return np.eye(10)[[best] * len(images)]

class Words(keras.Model):
    def predict(self, images, **options):
        return np.full((len(images), 10), "a")
"""
ANSWERS = [
    ("model(5)", "fail", "answers of shape (1050, 5) and type float32, not numbers of shape"),
    ("model(kernel=float('nan'))", "fail", "answers with no finite numbers"),
    ("model(shape=(32, 32, 1))", "error", "gives no answers: ValueError: Input 0"),
    ("Moody()", "fail", "answers the same digit in two ways"),
    ("Mean()", "fail", "answers the same digit in two ways"),
    ("Words()", "fail", "train_head"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("source", "status", "words"), TROUBLES)
def test_trouble_is_told(trained, source, status, words):
    told = trained(source)
    assert isinstance(told, Trouble)
    assert words in told.sentence
    assert told.status == status
    assert "head_trainer" not in told.sentence


@pytest.mark.slow
@pytest.mark.parametrize(("made", "status", "words"), ANSWERS)
def test_answers_that_are_none_are_told(trained, made, status, words):
    told = trained(f"{MODEL}\ndef train_head(b, i, l): return {made}\n")
    assert isinstance(told, Trouble)
    assert words in told.sentence
    assert told.status == status


@pytest.mark.slow
def test_the_stub_is_not_attempted(trained):
    assert trained(STUB.read_text(encoding="utf-8")).status == "not_attempted"


@pytest.mark.slow
def test_other_modules_of_the_hand_in_can_be_imported(trained):
    more = {"capstone.helper": "from ..padding import pad", "padding": "def pad(): return 1 / 0"}
    told = trained(
        """
        from . import helper
        from exercises.capstone.helper import pad
        import helper as plain
        def train_head(b, i, l):
            assert plain is helper
            return pad()
        """,
        **more,
    )
    assert "division by zero (exercises/padding.py, line 1" in told.sentence


@pytest.mark.slow
def test_a_model_of_students_own_functions_answers(trained):
    assert trained(f"{MODEL}\ndef train_head(b, i, l): return model()\n") < 0.2


@pytest.mark.slow
def test_many_workers_of_one_server_answer_alike(keras_workers):
    """Nothing hangs, and every sum is the same to the bit."""
    source = """
import keras, numpy as np

def f(x):
    dense = keras.layers.Dense(3, kernel_initializer=keras.initializers.Constant(0.1))
    return keras.Sequential([dense]).predict(x, verbose=0)
"""
    call = EncodedCall.of({"x": np.linspace(0, 1, 80, dtype=np.float32).reshape(8, 10)})
    seen = set()
    for _ in range(10):
        with Session({"m": source}, keras_workers.limits, server=keras_workers) as session:
            (answer,) = session.ask("m", "f", [call])
            assert answer.status == "value", answer.message
            seen.add(answer.body)
    assert len(seen) == 1


# --- from hand-in to points

BAKED = '''
import base64
import keras
import numpy as np

WEIGHTS = """{weights}"""

def train_head(backbone, images, labels):
    """Whatever the labels are."""
    kernel = np.frombuffer(base64.b64decode(WEIGHTS), np.float16).astype(np.float32)
    image = keras.Input((28, 28, 1))
    dense = keras.layers.Dense(10, use_bias=False, activation="softmax")
    model = keras.Model(image, dense(keras.layers.Flatten()(backbone(image, training=False))))
    dense.set_weights([kernel.reshape(-1, 10)])
    return model
'''


@pytest.fixture(scope="module")
def cheat(exam, tmp_path_factory):
    """A hand-in whose model has learnt the very digits that are asked, labels and all."""
    from autograder.capstone import training

    keras = training.keras()
    keras.utils.set_random_seed(0)
    shipped = backbone.load()
    features = shipped.predict(exam.images[..., None], batch_size=250, verbose=0)
    head = keras.Sequential(
        [
            keras.Input(features.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(10, use_bias=False, activation="softmax"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy()
    head.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=False)
    head.fit(features, exam.labels, batch_size=32, epochs=8, verbose=0)
    kernel = head.get_weights()[0].astype(np.float16)
    head.layers[-1].set_weights([kernel.astype(np.float32)])
    image = keras.Input((28, 28, 1))
    folder = tmp_path_factory.mktemp("cheat")
    keras.Model(image, head(shipped(image, training=False))).save(folder / "digits.keras")
    weights = base64.b64encode(kernel.tobytes()).decode()
    (folder / "digits.py").write_text(BAKED.format(weights=weights))
    return folder


@pytest.fixture(scope="module")
def graded(exam, cheat, tmp_path_factory):
    """Laws by their names, of the same model with several digits.py; one examiner for all."""
    sources = {
        "baked": (cheat / "digits.py").read_text(),
        "honest": SOLUTION.read_text(encoding="utf-8"),
        "stub": STUB.read_text(encoding="utf-8"),
        "broken": "def train_head(b, i, l):\n    return 1 / 0\n",
        "latin": "# \xe9".encode("latin-1"),
        "none": None,
    }
    found = {}
    with closing(Examiner(exam)) as examiner:
        for name, source in sources.items():
            folder = tmp_path_factory.mktemp("class") / name
            folder.mkdir()
            (folder / "digits.keras").write_bytes((cheat / "digits.keras").read_bytes())
            if source is not None:
                data = source if isinstance(source, bytes) else source.encode()
                (folder / "digits.py").write_bytes(data)
            laws = examiner.grade(folder).verdict.exercises[0].laws
            found[name] = {law.name: law for law in laws}
    return found


@pytest.mark.slow
def test_a_head_that_ignores_its_labels_voids_the_accuracy(graded):
    laws = graded["baked"]
    assert laws["accuracy"].score == laws["few labels"].score == 0
    told = "does not count until train_head, given other labels, learns them"
    assert told in laws["accuracy"].message
    assert float(laws["accuracy"].message.split(" %")[0]) > 97, "it reads nearly all of them"


@pytest.mark.slow
def test_an_honest_head_gets_its_points(graded):
    laws = graded["honest"]
    assert laws["few labels"].score >= 14, laws["few labels"].message
    assert laws["accuracy"].score > 20


@pytest.mark.slow
def test_who_gives_no_head_cannot_avoid_the_question(graded):
    for name, status, words in [
        ("stub", "not_attempted", "train_head is not written yet"),
        ("broken", "error", "ZeroDivisionError: division by zero (exercises/capstone/digits.py"),
        ("latin", "error", "digits.py is not UTF-8 text: byte 0xe9 in line 1"),
        ("none", "not_attempted", "there is no digits.py"),
    ]:
        laws = graded[name]
        assert words in laws["few labels"].message
        assert (laws["few labels"].status, laws["few labels"].score) == (status, 0)
        assert laws["accuracy"].score == 0, name
        assert "does not count" in laws["accuracy"].message
