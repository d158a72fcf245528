"""`autograder capstone demo`: what it prints, and what it says when something is missing."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner

from autograder.capstone.demo import command
from autograder.cli import app
from autograder.shell import USAGE


def demo(*arguments):
    done = CliRunner().invoke(app, ["capstone", "demo", "--no-browser", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def refused(done):
    assert done.exit_code == USAGE
    assert done.stderr.startswith("autograder: ")
    assert done.stderr.count("\n") == 1
    assert not done.stdout
    return done.stderr


@pytest.mark.parametrize("missing", [("uvicorn",), ("starlette", "h5py")])
def test_without_the_extra_the_command_that_installs_it_is_told(monkeypatch, missing):
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    verb = "is" if len(missing) == 1 else "are"
    told = f"this needs {' and '.join(missing)}, which {verb} not installed: {command.INSTALL}"
    assert refused(demo()) == f"autograder: {told}\n"


def test_what_the_extra_brings_is_what_is_asked_for(root):
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extra = project["optional-dependencies"]["demo"]
    assert {needed.partition(">")[0] for needed in extra} == set(command.NEEDED)


def test_a_model_that_is_not_there(tmp_path):
    told = refused(demo("--model", tmp_path / "digits.keras"))
    assert "digits.keras cannot be shown: there is no digits.keras" in told


def test_a_model_that_is_refused(tmp_path, kit):
    config = kit.sequential(kit.layer("Flatten"), kit.layer("Lambda"))
    file = tmp_path / "digits.keras"
    file.write_bytes(kit.keras_file(config))
    assert "Lambda, which is not scored since it holds Python code" in refused(
        demo("--model", file)
    )


def test_a_folder_without_functions(tmp_path):
    assert "there is no" in refused(demo("--mine", "--exercises", tmp_path / "none"))
    assert "holds no module" in refused(demo("--mine", "--exercises", tmp_path))


def test_a_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused(demo("--port", port))
    assert told.startswith(f"autograder: port {port} cannot be had")
    assert "--port" in told.removeprefix("autograder: port")


def test_no_port_at_all():
    done = demo("--port", 70000)
    assert done.exit_code == USAGE
    assert "65535" in done.stderr


def test_without_a_display_no_browser_is_opened(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not command.has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert command.has_display()


@pytest.mark.slow
def test_from_the_start_to_ctrl_c(tmp_path, kit, golden):
    file = tmp_path / "digits.keras"
    file.write_bytes(kit.keras_file())
    mine = golden / "right-einsum"
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", "from autograder.cli import main; main()"),
            *(
                "capstone",
                "demo",
                "--no-browser",
                "--model",
                str(file),
                "--mine",
                "--exercises",
                str(mine),
            ),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    try:
        printed = []
        while not printed or not printed[-1].startswith("Ctrl-C"):
            printed.append(process.stdout.readline())
            assert printed[-1], process.stderr.read()
        text = "".join(printed)
        assert "The model in digits.keras, run by the reference, without Keras." in text
        assert re.search(r"^Isolation of .*right-einsum: (weak|medium|strong)$", text, re.M)
        address = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{22}/", text)[0]
        with urllib.request.urlopen(address, timeout=60) as page:
            assert b"Draw a digit" in page.read()
        post = urllib.request.Request(f"{address}mine", b"[[[500, 100], [500, 900]]]")
        with urllib.request.urlopen(post, timeout=60) as answer:
            assert b'"status": "right"' in answer.read()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert out.strip() == "The page is closed."
    assert not err
