"""Intake: every form of a submission is read, and nothing in it is followed or believed."""

from __future__ import annotations

import json
import os
import stat
import zipfile

import pytest

from autograder.isolation.limits import Limits
from autograder.submissions import BadSubmission, Submission, read

TOPICS = frozenset({"padding", "convolution", "pooling"})
SOURCE = "def relu(x):\n    return x\n"


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for stem, text in files.items():
        (folder / f"{stem}.py").write_text(text)
    return folder


def pack(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def notebook(path, *cells):
    content = [
        {"cell_type": "code", "source": cell.splitlines(keepends=True), "outputs": [{"text": "1"}]}
        for cell in cells
    ]
    content.append({"cell_type": "markdown", "source": ["def not_code(): pass"]})
    path.write_text(json.dumps({"cells": content, "nbformat": 4, "metadata": {}}))
    return path


def run(submission):
    """What a submission's one module defines."""
    namespace: dict = {}
    exec(submission.sources[submission.single], namespace)
    return namespace


# --- folders


@pytest.mark.parametrize("place", [".", "exercises", "hw3"])
def test_modules_lie_at_the_top_in_exercises_or_one_folder_down(tmp_path, place):
    write(tmp_path / "alice" / place, padding=SOURCE, helper="x = 1")
    found = read(tmp_path / "alice", TOPICS)
    assert found.name == "alice"
    assert found.sources == {"padding": SOURCE, "helper": "x = 1"}
    assert found.warnings == ()
    assert found.module("padding") == "padding"


def test_exercises_comes_before_other_places(tmp_path):
    write(tmp_path, padding="top = 1")
    write(tmp_path / "exercises", padding="right = 1")
    write(tmp_path / "old", padding="old = 1", pooling="old = 1")
    found = read(tmp_path, TOPICS)
    assert found.sources == {"padding": "right = 1"}
    assert found.warnings == (
        "the top folder holds modules too; those in exercises count",
        "old holds modules too; those in exercises count",
    )


def test_the_top_comes_before_its_folders_whatever_they_are_called(tmp_path):
    write(tmp_path, padding="top = 1")
    write(tmp_path / "(old)", padding="old = 1")
    assert read(tmp_path, TOPICS).sources == {"padding": "top = 1"}


def test_other_files_are_not_read(tmp_path):
    write(tmp_path, padding=SOURCE)
    (tmp_path / "notes.txt").write_text("secret")
    (tmp_path / "padding.pyc").write_bytes(b"\0")
    (tmp_path / "not-a-module.py").write_text("x = 1")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "padding.cpython-311.pyc").write_bytes(b"\0")
    assert set(read(tmp_path, TOPICS).sources) == {"padding"}


def test_texts_may_have_a_byte_order_mark_and_any_line_ends(tmp_path):
    write(tmp_path)
    (tmp_path / "padding.py").write_bytes(b"\xef\xbb\xbfx = 1\r\ny = 2\r\n")
    source = read(tmp_path, TOPICS).sources["padding"]
    assert source.splitlines() == ["x = 1", "y = 2"]


def test_what_is_no_text_is_unreadable_alone(tmp_path):
    write(tmp_path, pooling=SOURCE)
    (tmp_path / "padding.py").write_bytes("a = 1\n# größer".encode("latin-1"))
    (tmp_path / "convolution.py").write_bytes(b"#" * 300_000)
    found = read(tmp_path, TOPICS)
    assert set(found.sources) == {"pooling"}
    assert found.unreadable == {
        "padding": "padding.py is not UTF-8 text: byte 0xf6 in line 2; save it as UTF-8",
        "convolution": "convolution.py is larger than 256 KiB",
    }


def test_links_and_devices_are_not_followed(tmp_path):
    write(tmp_path / "answers", padding="the_answer = 42", pooling="the_answer = 42")
    alice = write(tmp_path / "alice", convolution=SOURCE)
    (alice / "padding.py").symlink_to(tmp_path / "answers" / "padding.py")
    os.mkfifo(alice / "pooling.py")
    found = read(alice, TOPICS)
    assert set(found.sources) == {"convolution"}
    assert found.unreadable["padding"] == ("padding.py is a symbolic link; hand in the file itself")
    assert "pooling" not in found.sources


def test_a_linked_folder_is_not_followed(tmp_path):
    write(tmp_path / "answers", padding="the_answer = 42")
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / "exercises").symlink_to(tmp_path / "answers")
    try:
        found = read(tmp_path / "alice", TOPICS)
    except BadSubmission:
        return
    assert found.sources == {}
    assert "symbolic link" in found.unreadable["padding"]


def test_a_folder_without_modules_is_none(tmp_path):
    write(tmp_path / "alice", notes="x = 1")
    with pytest.raises(BadSubmission, match=r"alice holds no module such as convolution\.py"):
        read(tmp_path / "alice", TOPICS)
    with pytest.raises(BadSubmission, match="there is no "):
        read(tmp_path / "nobody", TOPICS)
    (tmp_path / "essay.pdf").write_bytes(b"%PDF")
    with pytest.raises(BadSubmission, match=r"essay\.pdf is no submission: a folder, "):
        read(tmp_path / "essay.pdf", TOPICS)


# --- zip files


@pytest.mark.parametrize("place", ["", "exercises/", "alice/exercises/", "alice/"])
def test_a_zip_is_read_like_a_folder(tmp_path, place):
    path = pack(
        tmp_path / "alice.zip",
        {
            f"{place}padding.py": SOURCE,
            f"{place}notes.txt": "x",
            f"__MACOSX/{place}._padding.py": b"\0\1",
            "__MACOSX/padding.py": b"\0\1",
        },
    )
    found = read(path, TOPICS)
    assert (found.name, found.sources) == ("alice", {"padding": SOURCE})
    assert list(tmp_path.iterdir()) == [path], "nothing is unpacked"


@pytest.mark.parametrize("name", ["../padding.py", "/padding.py", "a/../../padding.py"])
def test_members_with_paths_that_lead_away_are_left_out(tmp_path, name):
    path = pack(tmp_path / "a.zip", {name: "evil = 1", "exercises/pooling.py": SOURCE})
    assert read(path, TOPICS).sources == {"pooling": SOURCE}
    with pytest.raises(BadSubmission, match="holds no module"):
        read(pack(tmp_path / "b.zip", {name: "evil = 1"}), TOPICS)


def test_links_and_devices_in_a_zip_are_not_followed(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for stem, mode in (("padding", stat.S_IFLNK), ("pooling", stat.S_IFIFO)):
            info = zipfile.ZipInfo(f"{stem}.py")
            info.external_attr = (mode | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
        archive.writestr("convolution.py", SOURCE)
    found = read(path, TOPICS)
    assert set(found.sources) == {"convolution"}
    assert "symbolic link" in found.unreadable["padding"]


def test_a_zip_bomb_is_not_inflated(tmp_path):
    path = pack(tmp_path / "bomb.zip", {"padding.py": b" " * (64 * 2**20), "pooling.py": SOURCE})
    found = read(path, TOPICS)
    assert found.unreadable["padding"] == "padding.py is larger than 256 KiB"
    assert set(found.sources) == {"pooling"}


def test_many_members_are_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {f"padding{i}.py": "" for i in range(4)})
    with pytest.raises(BadSubmission, match="holds 4 files; at most 3 may"):
        read(path, TOPICS, Limits(archive_files=3))
    path = pack(tmp_path / "b.zip", {f"padding{i}.py": b"#" * 200_000 for i in range(9)})
    with pytest.raises(BadSubmission, match="MiB of source"):
        read(path, TOPICS, Limits(unpacked_bytes=10**6))
    with pytest.raises(BadSubmission, match="is larger than 0 MiB"):
        read(path, TOPICS, Limits(archive_bytes=10))
    path = pack(tmp_path / "c.zip", {"padding.py": b"#" * 200_000})
    found = read(path, TOPICS, Limits(source_bytes=100_000))
    assert found.unreadable == {"padding": "padding.py is larger than 97 KiB"}


def test_a_member_that_is_there_twice_is_told(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("padding.py", "first = 1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("padding.py", "second = 1")
    found = read(path, TOPICS)
    assert "padding" in found.unreadable
    assert "padding" not in found.sources


def damaged_zips(tmp_path):
    good = pack(tmp_path / "good.zip", {"padding.py": SOURCE * 50}).read_bytes()
    middle = len(good) // 3
    # The flag that asks for a password, in the member's own header and in the list of members.
    entry = good.index(b"PK\1\2") + 8
    locked = good[:6] + b"\1" + good[7:entry] + b"\1" + good[entry + 1 :]
    return {
        "empty": b"",
        "no zip": b"%PDF-1.4 not a zip",
        "cut": good[: len(good) // 2],
        "scratched": good[:middle] + bytes(20) + good[middle + 20 :],
        "a wrong checksum": good.replace(good[14:18], bytes(4)),
        "encrypted": locked,
    }


def test_damaged_zips_are_refused_in_a_sentence(tmp_path):
    for what, content in damaged_zips(tmp_path).items():
        path = tmp_path / "alice.zip"
        path.write_bytes(content)
        with pytest.raises(BadSubmission, match=r"alice\.zip is no readable zip file") as caught:
            read(path, TOPICS)
        assert "\n" not in str(caught.value), what


# --- single files and notebooks


def test_a_file_holds_its_functions_itself(tmp_path):
    (tmp_path / "my solution.py").write_text(SOURCE)
    found = read(tmp_path / "my solution.py", TOPICS)
    assert found == Submission("my solution", {"submission": SOURCE}, {}, "submission")
    assert found.module("padding") == found.module("pooling") == "submission"


def test_a_stub_module_alone_keeps_its_name(tmp_path):
    (tmp_path / "padding.py").write_text(SOURCE)
    found = read(tmp_path / "padding.py", TOPICS)
    assert (found.sources, found.single) == ({"padding": SOURCE}, "")


def test_a_notebook_gives_its_definitions(tmp_path):
    path = notebook(
        tmp_path / "alice.ipynb",
        "%matplotlib inline\nimport numpy as np\nimport matplotlib.pyplot as plt",
        "import math\nEPSILON = 1e-8\nSIZES: tuple = (1, 2)",
        "def relu(x):\n    '''Positive part.'''\n    return np.maximum(x, 0) + 0 * EPSILON",
        "class Layer:\n    def __call__(self, x):\n        return relu(x)",
        "!pip install torch\nplt.plot([1])\nprint('hello')\nrelu(np.ones(3))",
        "for i in range(10**12):\n    pass",
    )
    found = read(path, TOPICS)
    assert (found.name, found.single, found.warnings) == ("alice", "notebook", ())
    names = run(found)
    assert names["relu"](-1.0) == 0
    assert names["Layer"]()(2.0) == 2
    assert names["SIZES"] == (1, 2)
    assert "plt" not in names
    assert "not_code" not in names


def test_experiments_in_a_notebook_do_no_harm(tmp_path):
    path = notebook(
        tmp_path / "alice.ipynb",
        "import numpy as np\ncalled = []\ndef conv2d(x):\n    called.append(x)",
        "y = conv2d(np.ones(3))",
        "(a, b) = conv2d(1), 2",
        "data = np.load('digits.npz')",
        "frame = pd.read_csv('x.csv')",
        "SCALE = 2.0\nlater = lambda x: conv2d(x)",
        "def relu(x):\n    return x * SCALE",
    )
    names = run(read(path, TOPICS))
    assert names["relu"](3) == 6
    assert names["called"] == []
    assert "y" not in names
    assert "a" not in names
    assert callable(names["later"])


def test_the_last_definition_counts(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "def f(): return 1", "def f(): return 2")
    assert run(read(path, TOPICS))["f"]() == 2


def test_a_cell_that_is_no_python_is_left_out_and_told(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "x = 1", "def broken(:\n    pass", "def f(): return 1")
    found = read(path, TOPICS)
    (warning,) = found.warnings
    assert warning == "code cell 2 is left out: line 1 is no Python (invalid syntax)"
    assert run(found)["f"]() == 1


@pytest.mark.parametrize(
    ("cell", "defines"),
    [
        ("%%time\ndef f(): return 1", True),
        ("!ls\n?f\n%timeit 1\ndef f(): return 1", True),
        ("def f():\n    return ('%d'\n            % 5)", True),
        ("def f(): return '\\d'", True),
        ("%%bash\nfor f in *; do ls $f; done", False),
    ],
)
def test_magics_are_left_out(tmp_path, cell, defines):
    found = read(notebook(tmp_path / "a.ipynb", cell), TOPICS)
    assert ("f" in run(found)) is defines
    assert bool(found.warnings) is not defines


def test_source_may_be_one_text(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": "def f(): return 1"}]}))
    assert run(read(path, TOPICS))["f"]() == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"cells": null}',
        '{"cells": [1]}',
        '{"cells": [{"cell_type": "code", "source": [1]}]}',
        '{"cells": [{"cell_type": "code"}]}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path, content):
    path = tmp_path / "a.ipynb"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(BadSubmission, match=r"a\.ipynb is no readable notebook"):
        read(path, TOPICS)


@pytest.mark.parametrize("place", [".", "exercises", "lessons"])
def test_notebooks_of_lessons_stand_for_their_modules(tmp_path, place):
    folder = write(tmp_path / "alice" / place, helpers="x = 1")
    notebook(folder / "02_padding.ipynb", "import pictures\nfrom pooling import f", SOURCE)
    notebook(folder / "pooling.ipynb", "def f(): pass", "1 1")
    notebook(folder / "report_card.ipynb", "def g(): pass")
    (folder / ".ipynb_checkpoints").mkdir()
    notebook(folder / ".ipynb_checkpoints" / "stride-checkpoint.ipynb", "def h(): pass")
    found = read(tmp_path / "alice", TOPICS)
    assert sorted(found.sources) == ["helpers", "padding", "pooling"]
    assert found.sources["padding"].startswith("from pooling import f\n\ndef ")
    assert found.single == ""
    (told,) = found.warnings
    assert told.startswith("pooling.ipynb: code cell 2 is left out: line 1 is no Python")


def test_a_module_comes_before_its_notebook(tmp_path):
    folder = write(tmp_path / "alice", padding=SOURCE)
    notebook(folder / "02_padding.ipynb", "def other(): pass")
    found = read(folder, TOPICS)
    assert found.sources == {"padding": SOURCE}
    assert found.warnings == ("02_padding.ipynb does not count: padding.py is there",)


def test_notebooks_lie_in_zips_too_and_a_broken_one_costs_no_other(tmp_path):
    good = notebook(tmp_path / "good.ipynb", SOURCE).read_bytes()
    members = {"02_padding.ipynb": good, "06_pooling.ipynb": "{"}
    found = read(pack(tmp_path / "alice.zip", members), TOPICS)
    assert list(found.sources) == ["padding"]
    assert found.unreadable == {"pooling": "06_pooling.ipynb is no readable notebook"}


def test_the_only_notebook_of_a_folder_or_zip_holds_every_function(tmp_path):
    (tmp_path / "class" / "alice").mkdir(parents=True)
    file = notebook(tmp_path / "class" / "alice" / "my homework.ipynb", SOURCE)
    packed = pack(tmp_path / "class" / "bob.zip", {"x/my homework.ipynb": file.read_bytes()})
    for path in (file.parent, packed):
        found = read(path, TOPICS)
        assert (found.name, found.single) == (path.stem, "notebook")
        assert "def " in found.sources["notebook"]


# --- names


def test_a_name_is_that_of_the_place_itself(tmp_path, monkeypatch):
    write(tmp_path / "alice" / "exercises", padding=SOURCE)
    monkeypatch.chdir(tmp_path / "alice")
    from pathlib import Path

    assert read(Path(), TOPICS).name == "alice"
    assert read(Path("exercises"), TOPICS).name == "exercises"
    # A link to an upload with a name of its own.
    (tmp_path / "bob").symlink_to(tmp_path / "alice")
    assert read(tmp_path / "bob", TOPICS).name == "bob"
