"""Where a capstone lies in a folder or a zip, and what of it is taken."""

from __future__ import annotations

import os
import zipfile

import pytest

from autograder.capstone import files
from autograder.capstone.model import FILE_BYTES

STUBS = 'def train_head(a, b, c):\n    """Text."""\n    raise NotImplementedError\n'


@pytest.fixture
def packed(tmp_path):
    """`packed({name: bytes})`: a zip of these files."""

    def made(contents, name="ada"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for place, content in contents.items():
                archive.writestr(place, content)
        return tmp_path / f"{name}.zip"

    return made


def unpacked(path):
    with files.folder_of(path) as folder:
        assert folder.name == path.stem
        return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_folder_is_itself(tmp_path):
    with files.folder_of(tmp_path) as folder:
        assert folder == tmp_path
    with files.folder_of(tmp_path / "a.py") as folder:
        assert folder is None


@pytest.mark.parametrize(
    "home", ["", "capstone/", "exercises/capstone/", "me-main/exercises/capstone/"]
)
def test_what_counts_of_a_zip_is_unpacked_from_wherever_it_lies(packed, home):
    own = {"digits.keras": b"model", "digits.py": b"code", "11_capstone.ipynb": b"{}"}
    others = {"notes.txt": b"", "exercises/padding.py": b"", "__MACOSX/digits.keras": b""}
    path = packed({**{home + name: content for name, content in own.items()}, **others})
    assert files.holds_model(path)
    found = unpacked(path)
    assert found == own


def test_the_folder_with_the_model_comes_first(packed):
    path = packed({"capstone/digits.py": b"old", "new/capstone/digits.keras": b"m"})
    assert unpacked(path) == {"digits.keras": b"m"}


def test_links_are_missing_and_large_files_stay_too_large(packed, tmp_path):
    link = zipfile.ZipInfo("capstone/digits.py")
    link.external_attr = 0o120777 << 16
    path = packed({"capstone/digits.keras": bytes(FILE_BYTES + 100), link: "/etc/passwd"})
    found = unpacked(path)
    assert {name: len(content) for name, content in found.items()} == {
        "digits.keras": FILE_BYTES + 1
    }
    (tmp_path / "linked.zip").symlink_to(path)
    with files.folder_of(tmp_path / "linked.zip") as folder:
        assert folder is None


def test_what_is_no_zip_holds_nothing(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 cut off")
    assert not files.holds_model(tmp_path / "a.zip")
    assert unpacked(tmp_path / "a.zip") == {}


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 1 << 36),
        lambda path: path.symlink_to("/dev/zero"),
    ],
    ids=["a pipe", "64 GiB of nothing", "a link to a device"],
)
def test_what_only_looks_like_a_zip_is_not_read(tmp_path, make):
    path = tmp_path / "a.zip"
    make(path)
    assert not files.holds_model(path)
    with files.folder_of(path) as folder:
        assert folder is None or list(folder.iterdir()) == []
    assert files.digest(path)


def test_a_capstone_is_attempted_when_something_is_written_or_trained(tmp_path):
    home = tmp_path / "exercises" / "capstone"
    assert not files.attempted(tmp_path)
    home.mkdir(parents=True)
    (home / "digits.py").write_text(STUBS)
    assert not files.attempted(tmp_path)
    assert files.stubs(home) == ("train_head",)
    (tmp_path / "01_why_cnn.ipynb").write_text("{}")
    assert not files.attempted(tmp_path), "that is another lesson's"
    (home / "digits.py").write_text(STUBS.replace("raise NotImplementedError", "return 1"))
    assert files.attempted(tmp_path)
    assert files.stubs(home) == ()
    (home / "digits.py").write_text("def (")
    assert files.attempted(tmp_path)
    (home / "digits.py").unlink()
    assert not files.attempted(tmp_path)
    os.mkfifo(home / "digits.py")
    assert files.attempted(tmp_path), "told as what it is, and never waited for"
    (home / "digits.py").unlink()
    (home / "digits.keras").symlink_to("nowhere")
    assert files.attempted(tmp_path)
    assert files.holds_model(tmp_path)
