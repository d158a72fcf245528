"""From what instructors download to `submitted/STUDENT/ASSIGNMENT`, by nbgrader's own command."""

from __future__ import annotations

import io
import json
import logging
import os
import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from nbgrader.apps import ZipCollectApp
from nbgrader.utils import parse_utc
from traitlets import TraitError
from traitlets.config import Config

from autograder import unpacking
from autograder.integrations.nbgrader import collector
from autograder.integrations.nbgrader.collector import Collector, Extractor
from autograder.isolation.limits import Limits
from autograder.unpacking import Unpacking

SOURCE = "def relu(x):\n    return x\n"
NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
PLACES = {"exercises/padding.py", "exercises/pooling.py", "report_card.ipynb"}


def packed(members, **options):
    """The bytes of a zip file; the members are text, bytes, or members of a zip file in it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for option, value in options.items():
                setattr(info, option, value)
            archive.writestr(info, packed(content) if isinstance(content, dict) else content)
    return stream.getvalue()


def member(name, year=2026, **options):
    info = zipfile.ZipInfo(name, (year, 1, 2, 3, 4, 6))
    for option, value in options.items():
        setattr(info, option, value)
    return info


@pytest.fixture
def archive(tmp_path):
    """A course whose download is empty; the folder of the download."""
    release = tmp_path / "release" / "exercises"
    (release / "exercises").mkdir(parents=True)
    for name in PLACES:
        (release / name).write_text(NOTEBOOK if name.endswith(".ipynb") else SOURCE)
    folder = tmp_path / "downloaded" / "exercises" / "archive"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def collect(archive, tmp_path, monkeypatch, own_jupyter):
    """`collect({"ann.zip": {...}})`: what nbgrader collects of a download, and its warnings."""
    monkeypatch.chdir(tmp_path)

    def run(download=None, *arguments, **settings):
        for name, content in (download or {}).items():
            file = archive / name
            file.parent.mkdir(parents=True, exist_ok=True)
            content = packed(content) if isinstance(content, dict) else content
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        config = Config(ZipCollectApp=dict(collector_plugin=Collector, extractor_plugin=Extractor))
        config.Collector.update(settings)
        app = ZipCollectApp(config=config)
        records = []
        handler = logging.Handler()
        handler.setLevel(logging.WARNING)
        handler.emit = records.append
        app.initialize(["exercises", *arguments])
        app.log.addHandler(handler)
        try:
            app.start()
        finally:
            app.log.removeHandler(handler)
        submitted = tmp_path / "submitted"
        files = {
            path.relative_to(submitted).as_posix().replace("/exercises/", ":", 1): path.read_text(
                errors="replace"
            )
            for path in submitted.rglob("*")
            if path.is_file()
        }
        # nbgrader warns of every folder that it makes, and of every file that it skips.
        ours = [one.getMessage() for one in records if one.pathname == collector.__file__]
        return files, ours

    return run


def hand_in(**texts):
    return {f"exercises/{name}.py": text for name, text in texts.items()} | {
        "report_card.ipynb": NOTEBOOK
    }


ANN = {f"ann:{name}" for name in ("exercises/padding.py", "report_card.ipynb")}
HAND_IN = hand_in(padding=SOURCE)
WRAPPED = {f"hw3-final/{name}": content for name, content in HAND_IN.items()}
METADATA = """
submission_1:
  :submitters:
  - :name: Ann Lee
    :sid: ann
  :created_at: 2026-11-20 10:00:00 Z
"""


# --- platforms


@pytest.mark.parametrize("content", [HAND_IN, WRAPPED])
@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("ann.zip", ""),
        ("ann_1_assignsubmission_file_/hw3.zip", ""),
        ("ann_1_assignsubmission_file_hw3.zip", ""),
        ("lee_ann_99_hw3-1.zip", ""),
        ("HW 3_ann_attempt_2026-11-20-10-00-00_hw3.zip", "2026-11-20 10:00:00"),
        ("exercises-ann.zip", ""),
    ],
)
def test_every_platforms_zip_is_one_students_hand_in(collect, name, when, content):
    # Of Canvas, students have numbers.
    name = name.replace("lee_ann", "leeann_77")
    files, _ = collect({name: content})
    student = "77" if "_77_" in name else "ann"
    expected = {place.replace("ann:", f"{student}:") for place in ANN}
    times = {place: text for place, text in files.items() if place.endswith("timestamp.txt")}
    assert files.keys() - times.keys() == expected
    assert files[f"{student}:exercises/padding.py"] == SOURCE
    assert [str(parse_utc(text)) for text in times.values()] == [when] * bool(when)


def test_a_zip_of_all_holds_a_zip_for_each(collect):
    files, told = collect({"HW3-1234.zip": {"ann.zip": WRAPPED, "bob.zip": HAND_IN}})
    assert files.keys() == ANN | {place.replace("ann:", "bob:") for place in ANN}
    assert told == []


def test_gradescopes_metadata_names_the_student_and_the_time(collect):
    export = {f"x/submission_1/{name}": content for name, content in HAND_IN.items()}
    export["x/submission_metadata.yml"] = METADATA
    files, told = collect({"export.zip": export})
    assert files.keys() == ANN | {"ann:timestamp.txt"}
    assert str(parse_utc(files["ann:timestamp.txt"])) == "2026-11-20 10:00:00"
    assert told == []


def test_nbgraders_own_folders_keep_their_timestamp(collect):
    files, _ = collect(
        {f"submitted/ann/exercises/{name}": content for name, content in HAND_IN.items()}
        | {"submitted/ann/exercises/timestamp.txt": "2026-11-20 10:00:00 UTC"}
        | {"submitted/bob/other/exercises/padding.py": SOURCE}
    )
    assert files.keys() == ANN | {"ann:timestamp.txt"}
    assert str(parse_utc(files["ann:timestamp.txt"])) == "2026-11-20 10:00:00"


def test_the_time_zone_is_the_institutions(collect):
    name = "HW_ann_attempt_2026-07-20-10-00-00_hw.zip"
    files, _ = collect({name: HAND_IN}, timezone="Europe/Rome")
    assert str(parse_utc(files["ann:timestamp.txt"])) == "2026-07-20 08:00:00"


def test_a_time_zone_that_is_none_is_refused():
    with pytest.raises(TraitError, match="no time zone"):
        Collector(timezone="Rome/Europe")


def test_canvas_tells_that_a_hand_in_is_late_but_not_when(collect):
    files, told = collect({"leeann_LATE_77_99_hw.zip": HAND_IN})
    assert "77:timestamp.txt" not in files
    assert any("not how late" in line and "77" in line for line in told)


def test_a_file_of_a_student_gives_no_time(collect):
    files, _ = collect({"ann.zip": HAND_IN | {"timestamp.txt": "2020-01-01 00:00:00 UTC"}})
    assert files.keys() == ANN


def test_a_groups_work_is_told(collect):
    metadata = METADATA.replace(":sid: ann", ":sid: ann\n  - :sid: bob")
    _, told = collect({"submission_metadata.yml": metadata, "submission_1/padding.py": SOURCE})
    assert any("not for bob" in line for line in told)


# --- places


@pytest.mark.parametrize(
    "members",
    [
        ["exercises/padding.py", "report_card.ipynb"],
        ["a/b/c/exercises/padding.py", "a/b/c/report_card.ipynb"],
        ["a/exercises/padding.py", "a/notebooks/report_card.ipynb"],
        ["padding.py", "report_card.ipynb"],
        ["work/padding.py", "report_card.ipynb"],
        ["exercises/padding.py", "report_card (1).ipynb"],
        ["exercises/padding.py", "x/Copy of report_card-2.ipynb"],
        ["exercises/padding (1).py", "report_card-Copy1.ipynb"],
    ],
)
def test_modules_and_notebooks_come_where_they_are_looked_for(collect, members):
    texts = {name: NOTEBOOK if name.endswith(".ipynb") else SOURCE for name in members}
    files, told = collect({"ann.zip": texts, "bob.zip": HAND_IN})
    assert {place for place in files if place.startswith("ann:")} == ANN
    assert told == []


def test_the_pictures_of_a_lesson_tell_not_where_the_hand_in_begins(collect, tmp_path):
    release = tmp_path / "release" / "exercises"
    (release / "pictures").mkdir()
    (release / "pictures" / "__init__.py").write_text(SOURCE)
    members = {"mine.ipynb": NOTEBOOK, "pictures/__init__.py": SOURCE}
    files, told = collect({"ann.zip": {f"hw/{name}": text for name, text in members.items()}})
    assert set(files) == {f"ann:{name}" for name in members}
    assert told == []


def test_helpers_stay_beside_their_module(collect):
    files, _ = collect({"ann.zip": {f"w/{name}.py": SOURCE for name in ("padding", "helper")}})
    assert set(files) == {"ann:exercises/padding.py", "ann:exercises/helper.py"}


def test_a_decoration_stays_where_the_plain_name_is_taken(collect):
    members = {"report_card.ipynb": NOTEBOOK, "report_card (1).ipynb": "{}", "my-1.ipynb": "{}"}
    files, _ = collect({"ann.zip": members})
    assert set(files) == {f"ann:{name}" for name in members}
    assert files["ann:report_card.ipynb"] == NOTEBOOK


def test_two_folders_with_modules_are_told(collect):
    members = {f"{place}/exercises/padding.py": place for place in "ab"}
    files, told = collect({"ann.zip": members, "bob.zip": HAND_IN})
    assert files["ann:exercises/padding.py"] == "a"
    assert any("a/exercises, which count, and in b/exercises" in line for line in told)


def test_only_modules_and_notebooks_are_taken(collect):
    junk = ("__MACOSX/exercises/._padding.py", ".ipynb_checkpoints/report_card-checkpoint.ipynb",
            "exercises/__pycache__/padding.py", ".hidden.py", "data.csv", "x.pdf")  # fmt: skip
    files, _ = collect({"ann.zip": HAND_IN | dict.fromkeys(junk, "junk")})
    assert files.keys() == ANN


# --- the newest counts


def test_the_platforms_number_decides_first(collect):
    files, told = collect(
        {
            "leeann_77_5_padding.py": "first",
            "leeann_77_9_padding-2.py": "third",
            "leeann_77_7_padding-1.py": "second",
            "leeann_77_8_report_card-1.ipynb": NOTEBOOK,
        }
    )
    assert files == {"77:exercises/padding.py": "third", "77:report_card.ipynb": NOTEBOOK}
    assert [line for line in told if "3 times" in line and "padding-2.py" in line]


def test_the_platforms_time_decides_next(collect):
    days = {"19": "older", "21": "newer", "20": "old"}
    files, told = collect(
        {f"HW_ann_attempt_2026-11-{day}-10-00-00_padding.py": text for day, text in days.items()}
    )
    assert files["ann:exercises/padding.py"] == "newer"
    assert str(parse_utc(files["ann:timestamp.txt"])) == "2026-11-21 10:00:00"
    assert any("3 times" in line for line in told)


@pytest.mark.parametrize("newer", ["a.zip", "b.zip"])
def test_the_files_own_date_decides_last(collect, newer):
    folder = "ann_1_assignsubmission_file_"
    files, told = collect(
        {
            f"{folder}/{name}": packed(
                [(member("exercises/padding.py", 2026 if name == newer else 2025), name)]
            )
            for name in ("a.zip", "b.zip")
        }
    )
    assert files == {"ann:exercises/padding.py": newer}
    assert any("2 times" in line and newer in line for line in told)


def test_a_second_run_gives_the_same(collect):
    download = {"HW_ann_attempt_2026-11-20-10-00-00_hw.zip": WRAPPED, "bob.tar.gz": b"tar"}
    first = collect(download)
    again, told = collect(None, "--force")
    assert again == first[0]
    assert first[1] == [line for line in told if "Clearing" not in line]


# --- hostile archives


def refusals(collect, tmp_path, content):
    """What is told of an archive, beside which an honest one is collected; nothing is outside."""
    files, told = collect({"ann.zip": content, "bob.zip": HAND_IN})
    assert {place for place in files if place.startswith("bob:")} == {
        place.replace("ann:", "bob:") for place in ANN
    }
    outside = {path.name for path in tmp_path.parent.glob("evil*")}
    outside |= {path.name for path in tmp_path.rglob("evil*")}
    assert outside == set()
    return {place for place in files if place.startswith("ann:")}, told


@pytest.mark.parametrize(
    "name",
    ["../evil.py", "exercises/../../../../evil.py", "/tmp/evil.py", "..\\..\\evil.py",
     "C:\\evil.py", "C:evil.py", "a//evil.py", "e\nvil.py", "\x1b[2Jevil.py", "x" * 250 + ".py"],
)  # fmt: skip
def test_members_that_lead_elsewhere_are_left_out(collect, tmp_path, name):
    taken, told = refusals(collect, tmp_path, HAND_IN | {name: SOURCE})
    assert taken == ANN
    assert any("ann.zip holds files that lead out" in line for line in told)
    assert not any("\x1b" in line or "\n" in line for line in told)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO])
def test_links_and_devices_are_left_out(collect, tmp_path, kind):
    evil = member("exercises/evil.py", external_attr=(kind | 0o777) << 16)
    content = packed([*HAND_IN.items(), (evil, "/etc/passwd")])
    taken, told = refusals(collect, tmp_path, content)
    assert taken == ANN
    assert any("are links or no ordinary files" in line for line in told)


def test_a_bomb_is_left_out(collect, tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "HAND_IN_BYTES", 3_000_000)
    bomb = {f"exercises/a{number}.py": bytes(1_000_000) for number in range(4)}
    taken, told = refusals(collect, tmp_path, bomb)
    assert taken == set()
    assert any("ann.zip is left out: it unpacks to more than" in line for line in told)
    assert "ann handed in nothing that can be graded" in told
    assert (tmp_path / "downloaded/exercises/extracted/ann.zip").stat().st_size == 0


def test_a_bomb_in_a_zip_of_all_costs_nobody_else(collect, monkeypatch):
    monkeypatch.setattr(unpacking, "HAND_IN_BYTES", 3_000_000)
    monkeypatch.setattr(unpacking, "CLASS_BYTES", 6_000_000)
    bomb = {f"exercises/a{number}.py": bytes(1_000_000) for number in range(4)}
    bombs = {f"a{number}.zip": bomb for number in range(5)}
    files, told = collect({"all.zip": bombs | {"ann.zip": HAND_IN}})
    assert files.keys() == ANN
    assert sum("unpacks to more than" in line for line in told) == 5


def test_archives_in_an_archive_share_what_one_may_have(collect, tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "HAND_IN_BYTES", 3_000_000)
    inner = {"exercises/a.py": bytes(1_000_000)}
    content = {"b.py": "", **{f"{name}.zip": inner for name in "pqrst"}}
    taken, told = refusals(collect, tmp_path, content)
    assert taken == set()
    assert any("ann.zip is left out: it unpacks to more than" in line for line in told)


def test_a_zip_of_all_has_its_limit_too(collect, monkeypatch):
    monkeypatch.setattr(unpacking, "CLASS_BYTES", 2_000_000)
    content = {f"{name}/exercises/a.py": bytes(1_000_000) for name in ("ann", "bob", "cy")}
    files, told = collect({"all.zip": content})
    assert files == {}
    assert any("all.zip is left out: it unpacks to more than" in line for line in told)


@pytest.mark.parametrize(
    ("limits", "content"),
    [
        (dict(archive_files=3), {f"exercises/a{number}.py": "" for number in range(4)}),
        (dict(archive_bytes=1000), {"exercises/a.py": os.urandom(2000)}),
        (dict(archive_bytes=1000), {"a.py": "", "in.zip": {"b.py": os.urandom(2000)}}),
        (dict(notebook_bytes=1000), {"exercises/a.py": bytes(2000)}),
    ],
)
def test_the_courses_limits_hold(tmp_path, limits, content):
    (tmp_path / "ann.zip").write_bytes(packed(content))
    unpacking = Unpacking(Limits(**limits))
    unpacking.archive(tmp_path / "ann.zip", tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*.py") if path.stat().st_size] == []
    (told,) = unpacking.told
    assert "is left out: it " in told


def test_a_member_that_is_there_twice_is_told(collect, tmp_path):
    names = [(member("exercises/padding.py", year), str(year)) for year in (2024, 2026, 2025)]
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = packed(names)
    files, told = collect({"ann.zip": content})
    assert files == {"ann:exercises/padding.py": "2026"}
    assert any("are there twice" in line for line in told)


def test_a_locked_member_is_told(collect, tmp_path):
    content = bytearray(packed(HAND_IN))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.index(signature) + offset
        flags = struct.unpack_from("<H", content, place)[0]
        struct.pack_into("<H", content, place, flags | 1)
    taken, told = refusals(collect, tmp_path, bytes(content))
    assert taken == {"ann:report_card.ipynb"}
    assert any("are locked with a password" in line for line in told)


@pytest.mark.parametrize("damage", ["end", "start", "middle", "empty", "text"])
def test_a_broken_archive_stops_no_other(collect, tmp_path, damage):
    whole = packed(dict.fromkeys(HAND_IN, os.urandom(3000)))
    content = {
        "end": whole[:-40],
        "start": whole[40:],
        "middle": whole[:100] + bytes(500) + whole[600:],
        "empty": b"",
        "text": b"no zip",
    }[damage]
    _, told = refusals(collect, tmp_path, content)
    assert any(line.startswith("ann.zip") and "is left out: it" in line for line in told)


def test_archives_nested_too_deep_are_told(collect, tmp_path):
    content = HAND_IN | {"one.zip": {"two.zip": {"three.py": SOURCE}, "kept.py": SOURCE}}
    taken, told = refusals(collect, tmp_path, content)
    assert taken == ANN | {"ann:kept.py"}
    assert any("ann.zip/one.zip/two.zip is left out" in line for line in told)


@pytest.mark.parametrize("encoding", ["utf-8", "cp437"])
def test_names_are_read_as_they_were_meant(collect, archive, encoding):
    name = "Zoë Müller_1_assignsubmission_file_/padding.py"
    content = packed({"Zo?" + "x" * (len(name.encode(encoding)) - 3): SOURCE})
    content = content.replace(
        b"Zo?" + b"x" * (len(name.encode(encoding)) - 3), name.encode(encoding)
    )
    files, _ = collect({"all.zip": content})
    assert files == {"Zoë Müller:exercises/padding.py": SOURCE}


def test_a_file_where_a_folder_should_be(collect, tmp_path):
    taken, told = refusals(collect, tmp_path, {"a.py": "1", "a.py/b.py": "2", "a.py/c.py": "3"})
    assert len(taken) == 1
    assert sum("is left out" in line for line in told) == 2


def test_links_in_the_download_are_not_followed(collect, archive, tmp_path):
    secret = tmp_path / "secret.py"
    secret.write_text("secret")
    (archive / "ann").mkdir()
    (archive / "ann" / "padding.py").symlink_to(secret)
    (archive / "bob.zip").symlink_to(secret)
    (archive / "cy").symlink_to(tmp_path)
    os.mkfifo(archive / "dan.py")
    files, told = collect({"eve.zip": HAND_IN})
    assert {place.partition(":")[0] for place in files} == {"eve"}
    assert sum("no ordinary file" in line for line in told) == 4


def test_other_formats_are_copied_and_told(collect, tmp_path):
    files, told = collect({"ann.rar": b"Rar!", "bob.zip": HAND_IN})
    assert {place.partition(":")[0] for place in files} == {"bob"}
    assert (tmp_path / "downloaded/exercises/extracted/ann.rar").read_bytes() == b"Rar!"
    assert any(line.startswith("ann.rar is copied as it is") for line in told)
    assert "ann handed in nothing that can be graded" in told


def test_a_student_with_another_format_in_a_zip_of_all_is_told(collect):
    name = "Bob_4_assignsubmission_file_/hw.RAR"
    _, told = collect({"all.zip": {name: b"Rar!", "Ann_3_assignsubmission_file_/padding.py": ""}})
    assert told == ["Bob handed in nothing that can be graded"]


def test_an_unknown_date_of_a_member_harms_nothing(collect):
    content = packed({"padding.py": SOURCE}, date_time=(1980, 0, 0, 0, 0, 0))
    files, _ = collect({"ann.zip": content})
    assert files == {"ann:exercises/padding.py": SOURCE}


@pytest.mark.slow
def test_by_the_command_line(archive, tmp_path):
    (archive / "ann.zip").write_bytes(packed(WRAPPED))
    (tmp_path / "nbgrader_config.py").write_text(
        "from autograder.integrations.nbgrader.collector import Collector, Extractor\n"
        "c = get_config()\n"
        "c.ZipCollectApp.collector_plugin = Collector\n"
        "c.ZipCollectApp.extractor_plugin = Extractor\n"
        "c.Collector.timezone = 'Europe/Rome'\n"
    )
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "zip_collect", "exercises"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "JUPYTER_CONFIG_DIR": str(tmp_path / "jupyter")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "submitted/ann/exercises/exercises/padding.py").read_text() == SOURCE
    assert "Traceback" not in done.stderr


def test_a_class_of_many(collect):
    members = {
        f"Student {number}_{number}_assignsubmission_file_/hw.zip": HAND_IN for number in range(300)
    }
    files, told = collect({"all.zip": members})
    assert len(files) == 600
    assert told == []
