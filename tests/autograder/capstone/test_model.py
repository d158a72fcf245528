"""A submitted file is hostile: what is accepted, and one sentence for everything else."""

from __future__ import annotations

import contextlib
import os
import pickle
import warnings
import zipfile

import h5py
import numpy as np
import pytest

from autograder.capstone import graph, model, weights
from autograder.capstone.settings import Refused
from autograder.isolation import ladder
from autograder.isolation.ladder import GraderFault
from reference import ops


@pytest.fixture
def refusal(workers):
    """`refusal(data)`: the sentence with which a file is refused."""

    def told(data):
        with pytest.raises(Refused) as refused:
            model.parse(data, workers)
        sentence = str(refused.value)
        assert "\n" not in sentence
        assert sentence.isprintable()
        return sentence

    return told


@pytest.fixture
def of_config(refusal, kit):
    """`of_config(*layers)`: the sentence for a Sequential of these layers, before any weights."""
    return lambda *entries: refusal(kit.keras_file(kit.sequential(*entries)))


def dense(kit, **config):
    return kit.layer("Dense", units=10, **config)


# --- what is accepted


def test_an_accepted_model_answers_as_its_layers_are_defined(workers, kit):
    arrays = kit.small_arrays()
    read = model.parse(kit.keras_file(), workers)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    x = images[:, None].astype(np.float64) / 255
    w = arrays["layers/conv2d/vars/0"].transpose(3, 2, 0, 1).astype(np.float64)
    y = np.maximum(ops.conv2d(x, w, arrays["layers/conv2d/vars/1"]), 0)
    y = ops.max_pool2d(y, (2, 2), (2, 2)).transpose(0, 2, 3, 1).reshape(5, -1)
    logits = y @ arrays["layers/dense/vars/0"] + arrays["layers/dense/vars/1"]
    np.testing.assert_allclose(read.probabilities(images), ops.softmax(logits), atol=1e-5)
    assert read.ends_in_softmax
    assert read.parameters == 3 * 3 * 2 + 2 + 338 * 10 + 10
    assert not any(array.flags.writeable for array in read.arrays.values())


def test_answers_do_not_depend_on_the_batch(workers, kit):
    read = model.parse(kit.keras_file(), workers)
    images = np.random.default_rng(0).integers(0, 256, (600, 28, 28), dtype=np.uint8)
    together = read.answers(images)
    assert together.shape == (600, 10)
    alone = np.concatenate([read.answers(images[i : i + 1]) for i in (0, 249, 250, 599)])
    np.testing.assert_allclose(together[[0, 249, 250, 599]], alone, atol=1e-6)
    assert read.answers(images[:0]).shape == (0, 10)


def test_the_batch_is_small_where_much_is_there_at_once(workers, kit):
    """Thirty outputs that all wait for the last layer, each as large as the first."""
    layers_ = [(kit.layer("UpSampling2D", "u0", size=10), ["input"])]
    layers_ += [(kit.layer("ReLU", f"u{i}"), [f"u{i - 1}"]) for i in range(1, 30)]
    layers_ += [(kit.layer("Maximum", "m"), [f"u{i}" for i in range(30)])]
    layers_ += [(kit.layer("GlobalMaxPooling2D", "g"), ["m"])]
    layers_ += [(kit.layer("Dense", "out", units=10), ["g"])]
    arrays = {
        "layers/dense/vars/0": np.ones((1, 10), np.float32),
        "layers/dense/vars/1": np.zeros(10, np.float32),
    }
    config = kit.functional(*layers_, output="out")
    read = model.parse(kit.keras_file(config, arrays), workers)
    assert 30 * 78400 < read.peak < 33 * 78400
    images = np.arange(20, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    assert (read.answers(images)[:, 0] == np.arange(20)).all()


def test_logits_are_put_through_a_softmax(workers, kit):
    config = kit.small()
    config["config"]["layers"][-1]["config"]["activation"] = "linear"
    read = model.parse(kit.keras_file(config), workers)
    images = np.zeros((2, 28, 28), np.uint8)
    assert not read.ends_in_softmax
    np.testing.assert_allclose(
        read.probabilities(images), model.parse(kit.keras_file(), workers).answers(images), 1e-5
    )


def test_a_functional_model_with_two_ways_is_read(workers, kit):
    config = kit.functional(
        (kit.layer("Conv2D", "left", filters=3, kernel_size=3), ["input"]),
        (kit.layer("Conv2D", "right", filters=3, kernel_size=3), ["input"]),
        (kit.layer("Add"), ["left", "right"]),
        (kit.layer("GlobalAveragePooling2D", "mean"), ["add"]),
        (kit.layer("Dense", "out", units=10), ["mean"]),
        (kit.layer("Dense", "unused", units=999), ["mean"]),
        output="out",
    )
    arrays = {
        "layers/conv2d/vars/0": np.full((3, 3, 1, 3), 1.0, np.float32),
        "layers/conv2d/vars/1": np.zeros(3, np.float32),
        "layers/conv2d_1/vars/0": np.full((3, 3, 1, 3), 2.0, np.float32),
        "layers/conv2d_1/vars/1": np.ones(3, np.float32),
        "layers/dense/vars/0": np.ones((3, 10), np.float32),
        "layers/dense/vars/1": np.zeros(10, np.float32),
    }
    read = model.parse(kit.keras_file(config, arrays), workers)
    assert read.answers(np.full((1, 28, 28), 2, np.uint8)).tolist() == [[165.0] * 10]
    assert "unused" not in [node.name for node in read.graph.nodes]


def test_a_functional_model_inside_another_is_read(workers, kit):
    inner = kit.functional((kit.layer("Flatten"), ["input"]), output="flatten")
    inner["config"]["name"] = "inner"
    config = kit.functional(
        (inner, ["input"]), (kit.layer("Dense", "out", units=10), ["inner"]), output="out"
    )
    arrays = {
        "layers/dense/vars/0": np.ones((784, 10), np.float32),
        "layers/dense/vars/1": np.zeros(10, np.float32),
    }
    read = model.parse(kit.keras_file(config, arrays), workers)
    assert read.answers(np.ones((1, 28, 28), np.uint8)).tolist() == [[784.0] * 10]


def test_an_output_of_a_functional_model_is_counted_from_one(workers, kit):
    """As Keras saves it: the model's own making was its first call, for outputs alone."""
    inner = kit.functional(
        (kit.layer("Flatten"), ["input"]), (kit.layer("Dense", units=10), ["flatten"]),
        output="dense",
    )  # fmt: skip
    inner["config"]["name"] = "inner"
    config = kit.functional((inner, ["input"]), output="inner")
    config["config"]["output_layers"] = [["inner", 1, 0]]
    arrays = {
        "layers/functional/layers/dense/vars/0": np.ones((784, 10), np.float32),
        "layers/functional/layers/dense/vars/1": np.zeros(10, np.float32),
    }
    read = model.parse(kit.keras_file(config, arrays), workers)
    assert read.answers(np.ones((1, 28, 28), np.uint8)).tolist() == [[784.0] * 10]


def test_the_optimiser_s_arrays_are_left_alone(workers, kit):
    arrays = {**kit.small_arrays(), "optimizer/vars/0": np.array(7)}
    assert len(model.parse(kit.keras_file(arrays=arrays), workers).arrays) == 4


def test_weights_that_are_not_numbers_give_answers_that_are_not(workers, kit):
    arrays = kit.small_arrays()
    arrays["layers/dense/vars/1"][3] = np.nan
    answers = model.parse(kit.keras_file(arrays=arrays), workers).probabilities(
        np.zeros((1, 28, 28), np.uint8)
    )
    assert np.isnan(answers).any()


# --- the file


def test_other_formats_are_named(refusal, kit):
    assert "HDF5 and not .keras" in refusal(kit.weights_file({}))
    assert "pickle" in refusal(pickle.dumps({"weights": [1, 2]}))
    assert "not in Keras' format" in refusal(b"\x08\x05\x12\x03")
    assert "not in Keras' format" in refusal(b"")
    for data in (b"", pickle.dumps(1)):
        assert "model.save('digits.keras')" in refusal(data)


def test_what_is_no_ordinary_file_is_not_opened(tmp_path, workers, kit):
    real = tmp_path / "real.keras"
    real.write_bytes(kit.keras_file())
    (tmp_path / "link.keras").symlink_to(real)
    (tmp_path / "saved_model").mkdir()
    os.mkfifo(tmp_path / "pipe.keras")
    expected = {
        "link.keras": "link.keras is a symbolic link; hand in the file itself",
        "saved_model": "saved_model is a folder, such as a SavedModel",
        "pipe.keras": "pipe.keras is no ordinary file",
        "nothing.keras": "there is no nothing.keras",
    }
    for name, sentence in expected.items():
        with pytest.raises(Refused, match=sentence):
            model.read(tmp_path / name, workers)
    assert model.read(real, workers).size == real.stat().st_size


def test_a_large_file_is_not_read(tmp_path, workers):
    (tmp_path / "large.keras").write_bytes(bytes(model.FILE_BYTES + 1))
    with pytest.raises(Refused, match=r"larger than 5 MiB.*has no optimiser"):
        model.read(tmp_path / "large.keras", workers)


def test_members_are_those_three(refusal, kit):
    plain = [("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", b"")]
    assert "no model.weights.h5" in refusal(kit.packed(plain[:2]))
    assert "holds assets/vocabulary.txt" in refusal(
        kit.packed([*plain, ("assets/vocabulary.txt", b"")])
    )
    for name in ("../../evil.py", "/etc/passwd", "C:\\evil", "a/../config.json"):
        assert "which Keras does not put there" in refusal(kit.packed([*plain, (name, b"x")]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twice = kit.packed([*plain, ("config.json", b"{}")])
    assert "more than one config.json" in refusal(twice)


def test_a_member_that_is_a_link_is_refused(refusal, kit):
    data = kit.packed(
        [("metadata.json", b"{}"), ("config.json", b"/etc/passwd"), ("model.weights.h5", b"")],
        external_attr=0o120777 << 16,
    )
    assert "link" in refusal(data)


def test_a_zip_bomb_is_not_unpacked(refusal, kit):
    zeros = bytes(60 * 1024 * 1024)
    bomb = kit.packed(
        [("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", zeros)],
        compress_type=zipfile.ZIP_DEFLATED,
    )
    assert len(bomb) < 100_000
    assert "model.weights.h5 in the file is larger than 5120 KiB" in refusal(bomb)


def test_a_member_that_lies_of_its_size_is_refused(refusal, kit):
    zeros = bytes(60 * 1024 * 1024)
    bomb = kit.packed(
        [("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", zeros)],
        compress_type=zipfile.ZIP_DEFLATED,
    )
    # The size in the directory and in the member's own header.
    lying = bomb.replace(len(zeros).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lying != bomb
    assert "cannot be unpacked" in refusal(lying)


def test_a_member_that_is_less_than_it_says_is_refused(refusal, kit):
    plain = kit.packed(
        [("metadata.json", b" " * 777), ("config.json", b"{}"), ("model.weights.h5", b"")],
        compress_type=zipfile.ZIP_DEFLATED,
    )
    lying = plain.replace((777).to_bytes(4, "little"), (778).to_bytes(4, "little"))
    assert "metadata.json in the file is not as large as it says" in refusal(lying)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_refused(refusal, kit, method):
    members = [("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", b"")]
    assert "packed in an unusual way" in refusal(kit.packed(members, compress_type=method))


def test_spoilt_zips_are_refused(refusal, kit):
    data = kit.keras_file()
    assert "no readable .keras file" in refusal(data[: len(data) // 2])
    assert "no readable .keras file" in refusal(data[:4] + bytes(100))


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"nan"],
)
def test_json_that_is_none_is_refused(refusal, kit, content):
    assert "config.json in the file is not JSON" in refusal(kit.keras_file(content))


@pytest.mark.parametrize("config", [[], 3, "model", None, {}, {"class_name": 3}, {"config": []}])
def test_json_of_something_else_is_refused(refusal, kit, config):
    refusal(kit.keras_file(config if config is not None else b"null"))


# --- config.json


def test_layers_that_are_not_on_the_list_are_refused(of_config, kit):
    assert "a layer LSTM, which is not among those scored" in of_config(kit.layer("LSTM", units=3))
    assert "holds Python code" in of_config(kit.layer("Lambda"))
    assert "loads another file" in of_config(kit.layer("TFSMLayer", filepath="evil"))
    assert "holds pickled" in of_config(kit.layer("TorchModuleWrapper", module="gAS"))


def test_custom_objects_are_refused(of_config, kit):
    mine = {**dense(kit), "registered_name": "mine>Dense"}
    assert "custom object, mine>Dense" in of_config(mine)
    mine = {**dense(kit), "module": "my_module"}
    assert "my_module.Dense, which is none of Keras' own" in of_config(mine)
    told = of_config({**dense(kit), "module": "a\nb\x1b[2J<script>"})
    assert "<" not in told


def test_a_custom_loss_is_refused_with_what_to_do(refusal, kit):
    loss = {
        "module": "builtins",
        "class_name": "function",
        "config": "mine",
        "registered_name": None,
    }
    config = {**kit.small(), "compile_config": {"loss": loss}}
    assert "none of Keras' own layers, losses or metrics" in refusal(kit.keras_file(config))


def test_settings_that_are_not_known_are_refused(of_config, kit):
    assert "a setting that is not known: hook" in of_config(dense(kit, hook="os.system"))
    assert "groups of a layer Conv2D" in of_config(
        kit.layer("Conv2D", filters=4, kernel_size=3, groups=3)
    )
    assert "data_format" in of_config(
        kit.layer("Conv2D", filters=4, kernel_size=3, data_format="channels_first")
    )
    assert "must be -1" in of_config(kit.layer("BatchNormalization", axis=1))
    assert "mixed precision" in of_config(kit.layer("Flatten", dtype="mixed_float16"))
    assert "activation" in of_config(
        dense(kit, activation={"class_name": "Dense", "module": "keras.layers"})
    )
    for size in (-1, 0, 2.5, True, "3", None, 10**7, [3], [3, "3"], {"a": 1}):
        refused = of_config(kit.layer("Conv2D", filters=4, kernel_size=size))
        assert "kernel_size of a layer Conv2D must be two whole numbers" in refused
    assert len(of_config(dense(kit, activation="x" * 100_000))) < 500


def test_a_bomb_of_parameters_is_refused(of_config, kit):
    assert "more than 500,000 parameters" in of_config(
        kit.layer("Flatten"), kit.layer("Dense", units=1000)
    )
    # No layer alone.
    layers = [kit.layer("Flatten"), *(kit.layer("Dense", f"d{i}", units=400) for i in range(3))]
    assert "parameters; at most 500,000" in of_config(*layers, dense(kit))


@pytest.mark.parametrize("size", [[40, 400], [1, 10**6], [10**6, 10**6], [10**9, 1]])
def test_an_upsampling_bomb_is_refused(of_config, kit, size):
    told = of_config(kit.layer("UpSampling2D", size=size))
    assert "1,500,000" in told or "too large" in told or "size of a layer" in told


def test_bombs_of_other_kinds_are_refused(of_config, kit):
    assert "at most 1,500,000" in of_config(kit.layer("ZeroPadding2D", padding=1000))
    assert "more than 400 layers" in of_config(*(kit.layer("ReLU", f"r{i}") for i in range(401)))
    many = [
        kit.layer("Conv2D", f"c{i}", filters=60, kernel_size=3, padding="same") for i in range(4)
    ]
    assert "multiplications an image" in of_config(*many)
    wide = [kit.layer("UpSampling2D", size=30), *(kit.layer("ReLU", f"r{i}") for i in range(30))]
    assert "its layers give more than 12,000,000 numbers" in of_config(*wide)
    nested = kit.layer("ReLU")
    for _ in range(20):
        nested = {**kit.sequential(nested), "registered_name": None}
        nested["config"]["name"] = "inner"
    assert "8 models inside one another" in of_config(nested)


def test_input_and_output_are_those_of_digits(of_config, refusal, kit):
    flat = kit.sequential(dense(kit), shape=(784,))
    assert "inputs of shape (N, 784); it must take raw digits, (N, 28, 28, 1)" in refusal(
        kit.keras_file(flat)
    )
    assert "answers with (N, 9); it must answer with 10" in of_config(
        kit.layer("Flatten"), kit.layer("Dense", units=9)
    )
    open_ended = kit.sequential(dense(kit), shape=(None, None, 1))
    assert "fixed shape" in refusal(kit.keras_file(open_ended))


def test_windows_must_fit(of_config, kit):
    assert "larger than its input" in of_config(kit.layer("Conv2D", filters=1, kernel_size=29))
    assert "target_shape" in of_config(kit.layer("Reshape", target_shape=[5, 5]))
    assert "cropping" in of_config(kit.layer("Cropping2D", cropping=14))


def test_graphs_that_are_none_are_refused(refusal, kit):
    loop = kit.functional(
        (kit.layer("ReLU", "a"), ["b"]), (kit.layer("ReLU", "b"), ["a"]), output="b"
    )
    assert "needs its own output" in refusal(kit.keras_file(loop))
    missing = kit.functional((kit.layer("ReLU", "a"), ["ghost"]), output="a")
    assert "ghost, which is not there" in refusal(kit.keras_file(missing))
    twice = kit.functional(
        (kit.layer("ReLU", "a"), ["input"]), (kit.layer("ReLU", "a"), ["input"]), output="a"
    )
    assert "two layers of the model are called a" in refusal(kit.keras_file(twice))
    two = kit.functional((kit.layer("ReLU", "a"), ["input"]), output="a")
    two["config"]["output_layers"].append(["input", 0, 0])
    assert "2 outputs; it must have one" in refusal(kit.keras_file(two))
    called = kit.functional((kit.layer("ReLU", "a"), ["input"]), output="a")
    called["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = {"inputs": "/etc/passwd"}
    assert "called with inputs" in refusal(kit.keras_file(called))


def test_every_sentence_of_a_fuzzed_config_is_a_refusal(kit):
    """Values of all kinds in every place: refused or read, and never an exception of Python's."""
    odd = [
        None,
        -1,
        0,
        1e300,
        "x",
        [],
        {},
        [[]],
        True,
        10**12,
        {"class_name": "Dense"},
        ["a", 0, 0],
    ]
    config = kit.functional(
        (kit.layer("Conv2D", "left", filters=3, kernel_size=3), ["input"]),
        (kit.layer("Concatenate", axis=-1), ["left", "left"]),
        (kit.layer("Flatten"), ["concatenate"]),
        (kit.layer("Dense", "out", units=10), ["flatten"]),
        output="out",
    )

    def places(value):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(items):
            yield value, key
            if isinstance(inner, dict | list):
                yield from places(inner)

    tried = 0
    for container, key in places(config):
        kept = container[key]
        for value in odd:
            container[key] = value
            tried += 1
            with contextlib.suppress(Refused):
                graph.read(config)
        container[key] = kept
    assert tried > 1000
    graph.read(config)


# --- the weights


def test_weights_are_those_that_the_config_asks_for(refusal, kit):
    arrays = kit.small_arrays()
    del arrays["layers/dense/vars/1"]
    assert "no array layers/dense/vars/1" in refusal(kit.keras_file(arrays=arrays))
    arrays = {**kit.small_arrays(), "layers/dense/vars/1": np.zeros(11, np.float32)}
    assert "another shape" in refusal(kit.keras_file(arrays=arrays))
    for dtype in ("f8", "f2", "i4", "S4"):
        arrays = {**kit.small_arrays(), "layers/dense/vars/1": np.zeros(10, dtype)}
        assert "float32" in refusal(kit.keras_file(arrays=arrays))


def replaced(file, **how):
    del file["layers/dense/vars/1"]
    return file.create_dataset("layers/dense/vars/1", **how)


def test_packed_weights_are_refused(refusal, kit):
    def gzip(file):
        replaced(file, shape=(10,), dtype="f4", data=np.zeros(10), compression="gzip")

    assert "layers/dense/vars/1 of the weights file is compressed" in refusal(
        kit.keras_file(change=gzip)
    )


def test_a_bomb_packed_in_the_weights_is_not_unpacked(refusal, kit):
    def bomb(file):
        file.create_dataset("layers/bomb", shape=(20_000_000,), dtype="f4", chunks=(20_000_000,),
                            data=np.zeros(20_000_000), compression="gzip")  # fmt: skip

    data = kit.keras_file(change=bomb)
    assert len(data) < 200_000
    assert "layers/bomb of the weights file is compressed" in refusal(data)


def test_links_are_refused(refusal, kit):
    def soft(file):
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = h5py.SoftLink("/layers/conv2d/vars/1")

    def twice(file):
        file["layers/again"] = file["layers"]

    for change in (soft, twice):
        assert "every array must lie in the file itself" in refusal(kit.keras_file(change=change))


def test_virtual_arrays_are_refused(refusal, kit):
    def virtual(file):
        del file["layers/dense/vars/1"]
        layout = h5py.VirtualLayout(shape=(10,), dtype="f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(10,))
        file.create_virtual_dataset("layers/dense/vars/1", layout)

    assert "lies in another file" in refusal(kit.keras_file(change=virtual))


def test_arrays_that_were_never_written_are_refused(refusal, kit):
    def unwritten(file):
        replaced(file, shape=(10,), dtype="f4")

    assert "not as large as it says" in refusal(kit.keras_file(change=unwritten))


def test_too_many_objects_are_refused(refusal, kit):
    def many(file):
        for number in range(5100):
            file.create_group(f"g{number}", track_order=False)

    assert "too many objects" in refusal(kit.keras_file(change=many))


def test_spoilt_weights_are_refused(refusal, kit):
    data = kit.weights_file(kit.small_arrays())
    rng = np.random.default_rng(0)
    assert "cannot be read" in refusal(kit.keras_file(weights=b""))
    assert "cannot be read" in refusal(kit.keras_file(weights=data[:3000]))
    spoilt = np.frombuffer(data, np.uint8).copy()
    spoilt[rng.integers(0, 4000, 400)] = rng.integers(0, 256, 400)
    assert "the weights file" in refusal(kit.keras_file(weights=spoilt.tobytes()))


@pytest.mark.slow
def test_bytes_flipped_anywhere_in_the_weights_are_a_refusal_or_other_numbers(workers, kit):
    """HDF5's parser may crash: then it is the worker that is gone."""
    data = np.frombuffer(kit.weights_file(kit.small_arrays()), np.uint8)
    rng = np.random.default_rng(3)
    for _ in range(300):
        spoilt = data.copy()
        spoilt[rng.integers(0, 8000, 3)] ^= rng.integers(1, 256, 3).astype(np.uint8)
        with contextlib.suppress(Refused):
            model.parse(kit.keras_file(weights=spoilt.tobytes()), workers)


# --- crafted files, one for each weakness that was found in Keras


def test_cve_2024_3660_code_in_a_lambda(of_config, kit):
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAA", "defaults": None}}
    told = of_config(kit.layer("Lambda", function=code, arguments={}))
    assert "a layer Lambda" in told or "__lambda__" in told


def test_cve_2025_1550_any_function_of_any_module(of_config, kit):
    told = of_config({**kit.layer("Dense"), "module": "os", "class_name": "system"})
    assert "os.system, which is none of Keras' own" in told
    call = {"module": "os", "class_name": "function", "config": "system"}
    told = of_config(dense(kit, kernel_initializer=call))
    assert "os.function, which is none of Keras' own" in told


def test_cve_2025_8747_a_gadget_of_keras_itself(of_config, kit):
    gadget = {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://x"}}
    assert "keras.utils.get_file, which is none of" in of_config({**dense(kit), **gadget})


def test_cve_2025_9905_hdf5_models_have_no_safe_mode(refusal, kit):
    def model_config(file):
        file.attrs["model_config"] = '{"class_name": "Lambda"}'

    assert "HDF5 and not .keras" in refusal(kit.weights_file({}, model_config))


def test_cve_2025_9906_unsafe_mode_switched_on(of_config, kit):
    switch = {"module": "keras.config", "class_name": "enable_unsafe_deserialization"}
    assert "none of Keras' own" in of_config({**dense(kit), **switch})
    assert "none of Keras' own" in of_config(dense(kit, bias_initializer=switch))


def test_cve_2025_12058_a_vocabulary_read_from_a_path(of_config, kit):
    told = of_config(kit.layer("StringLookup", vocabulary="/etc/passwd"))
    assert "it reads files" in told


def test_cve_2026_0897_a_shape_that_fills_the_memory(of_config, refusal, kit):
    assert "units of a layer Dense" in of_config(kit.layer("Dense", units=2_000_000_000))

    def bomb(file):
        replaced(file, shape=(2**40,), dtype="f4")

    told = refusal(kit.keras_file(change=bomb))
    assert "layers/dense/vars/1 of the weights file is not as large as it says" in told


def test_cve_2026_1462_a_saved_model_as_a_layer(of_config, kit):
    told = of_config(kit.layer("TFSMLayer", filepath="saved_model", call_endpoint="serve"))
    assert "loads another file" in told


def test_cve_2026_1669_weights_in_another_file(refusal, kit, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"s" * 40)

    def external(file):
        replaced(file, shape=(10,), dtype="f4", external=[(str(secret), 0, 40)])

    def linked(file):
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = h5py.ExternalLink(str(secret), "/x")

    assert "lies in another file" in refusal(kit.keras_file(change=external))
    assert "every array must lie in the file itself" in refusal(kit.keras_file(change=linked))


def test_cve_2026_12481_a_lambda_inside_of_another_object(of_config, kit):
    hidden = kit.layer("Lambda", function="x")
    inner = {**kit.sequential(hidden), "registered_name": None}
    assert "holds Python code" in of_config(inner)
    assert "holds Python code" in of_config(dense(kit, kernel_constraint=hidden))


# --- levels of isolation, and whose fault


@pytest.mark.parametrize("level", ladder.LEVELS)
def test_weights_are_read_at_every_level(kit, level):
    if (missing := ladder.unavailable(level)) is not None:
        pytest.skip(missing)
    with contextlib.closing(ladder.proven(level, weights.LIMITS, weights.H5PY)) as server:
        assert model.parse(kit.keras_file(), server).parameters == 3410
        with pytest.raises(Refused, match="cannot be read"):
            model.parse(kit.keras_file(weights=b"no HDF5"), server)


def test_a_reader_that_does_not_start_is_the_grader_s_fault(kit, monkeypatch, workers, tmp_path):
    broken = tmp_path / "h5reader.py"
    broken.write_text("import no_such_module")
    monkeypatch.setattr(weights, "READER", broken)
    with pytest.raises(GraderFault):
        model.parse(kit.keras_file(), workers)
