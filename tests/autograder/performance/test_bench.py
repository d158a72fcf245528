"""The commands `bench core` and `bench lenet`: pages, sentences, exit codes."""

from __future__ import annotations

import importlib.util
import json
import xml.etree.ElementTree as ElementTree

import pytest
from threadpoolctl import threadpool_info

from autograder import cli
from autograder.performance import bench
from autograder.performance.ways import (
    ARRANGED,
    COLUMNS,
    CORE,
    CORE_ONE,
    PURE,
    TENSORFLOW,
    TORCH,
    WINDOWS,
    arranged,
)
from autograder.report import performance as report
from autograder.shell import FAULT, INTERRUPTED, USAGE


def row(network, layer, kind="conv", dtype="float64", which="forward", threads=1, core=0.01):
    seconds = {CORE: [core, core * 1.5, core * 0.5], TORCH: [0.02] * 3, TENSORFLOW: [0.04] * 3}
    seconds |= {arranged(TORCH): [0.03] * 3, arranged(TENSORFLOW): [0.008, 0.009, 0.007]}
    seconds |= {WINDOWS: [0.06], COLUMNS: [0.05]}
    if network == "property tests":
        seconds[PURE] = [0.08]
    if threads > 1:
        seconds[CORE_ONE] = [core * 1.8] * 3
    return {
        "network": network,
        "layer": layer,
        "kind": kind,
        "size": "2x3x8x8, 3x3 to 4",
        "dtype": dtype,
        "pass": which,
        "threads": threads,
        "flops": 1_000_000_000 if kind == "conv" else 0,
        "forms": {TORCH: "channels first", arranged(TENSORFLOW): "eager"},
        "seconds": seconds,
        "busy": {name: [0.9] * 3 for name in seconds},
        "gemm": 1e11 if dtype == "float32" else 1e12,
    }


@pytest.fixture
def measured():
    rows = [
        row(network, layer, kind, dtype, which, threads)
        for network, layer, kind in (
            ("property tests", "conv2d", "conv"),
            ("AlexNet", "conv3", "conv"),
            ("AlexNet", "pool1", "max_pool"),
        )
        for dtype in ("float64", "float32")
        for which in ("forward", "both")
        for threads in (1, 2)
    ]
    rows.append(row("GoogLeNet", "3a <1x1>", core=0.05))
    lenet = [
        {
            "way": way,
            "seed": 0,
            "epoch": 1,
            "seconds": seconds,
            "loss": 0.5,
            "accuracy": 0.9,
            "digits": 6000,
            "test": 1000,
        }
        for way, seconds in ((CORE, 2.0), (TORCH, 3.0), ("Keras", 4.0))
    ]
    memory = {"way": CORE, "batch": 64, "grown": 5_000_000, "input": 2_000_000}
    return {
        **bench._surroundings(),
        "runs": 3,
        "quick": False,
        "threads": [1, 2],
        "rows": rows,
        "memory": [{**memory, "output": 3_000_000}],
        "lenet": lenet,
    }


def run(capsys, *arguments):
    """The exit code, and what was printed."""
    with pytest.raises(SystemExit) as ended:
        cli.app(["bench", *arguments])
    return ended.value.code, capsys.readouterr()


@pytest.fixture
def measuring(monkeypatch, measured):
    """The measurement takes no time; the libraries need not be there."""
    monkeypatch.setattr(bench, "core", lambda *_, **__: iter([measured]))
    monkeypatch.setattr(bench, "lenet", lambda *_, **__: iter([measured]))


def test_the_page_says_who_is_ahead_and_who_is_not(measured):
    page = report.page(measured)
    assert (
        "| AlexNet conv3 | 2x3x8x8, 3x3 to 4 | 10.000 (5.000-15.000) | 10% | 2.00 (1.33-4.00) "
        "| 4.00 (2.67-8.00) | 0.80 (0.60-1.40) TensorFlow, eager | 12% | 6.00 | 5.00 |"
    ) in page
    assert "median of 3 runs" in page.replace("\n", " ")
    behind = page.split("## Where the core is behind")[1].split("##")[0]
    same, before = behind.split("Behind with arrays arranged beforehand: in 25 of 25 rows.")
    assert "Behind on the same arrays: in 1 of 25 rows." in same
    assert "- GoogLeNet 3a <1x1> (float64 forward, 1 thread: 0.40)" in same
    assert "AlexNet" not in same
    assert "- GoogLeNet 3a <1x1> (float64 forward, 1 thread: 0.16)" in before
    assert "AlexNet" in before
    assert "| 1 | core | 0.50000 | 90.00% | 2.00 | 0.450 |" in page
    assert "| core | 5.0 | 2.0 | 1.00 |" in page
    assert measured["date"] in page
    assert page.count("<details>") == 8  # threads, types and passes


def test_each_target_is_judged_against_both(measured):
    page = report.page(measured)
    assert "- On the same arrays, 6 of 10 targets are met." in page
    assert "- With arrays arranged beforehand, 0 of 10 targets are met." in page
    worst = "AlexNet conv3, float32, forward"
    assert (
        f"| convolutions, float32, forward; 1 thread | 1 | 1.3, worst 0.9 | 2.00 | 2.00 at {worst} "
        f"| met | 0.80 | 0.80 at {worst} | missed |"
    ) in page


def test_the_page_shows_where_the_arithmetic_ends(measured):
    """With float32 GEMM is made as fast as the core: TensorFlow is faster than that."""
    page = report.page(measured).split("## What the arithmetic allows")[1].split("##")[0]
    assert (
        "| float32, 1 thread | 100 | 100 (100%), AlexNet conv3 | 50 (50%), AlexNet conv3 "
        "| 125 (125%), AlexNet conv3 |"
    ) in page
    assert "- float32, 1 thread: a library runs at GEMM's peak or above it in 2 of 2 rows." in page
    assert "- float64, 1 thread: a library runs at GEMM's peak or above it in 0 of 3 rows." in page
    assert "| 1.3, worst 0.9 | 2.00, worst 2.00 | 0.80, worst 0.80 |" in page
    missed = page.split("Even such a core would miss")[1:]
    (arranged_before,) = (" ".join(text.split()) for text in missed)
    assert arranged_before == (
        "with arrays arranged beforehand: convolutions, float32, forward; 1 thread; "
        "convolutions, forward and backward, both types; 1 thread; "
        "convolutions, float32, forward; 2 threads; "
        "convolutions, forward and backward, both types; 2 threads."
    )


def test_the_page_names_the_kernels_of_blas(measured):
    copy = {"library": "openblas", "version": "0.3.30", "architecture": "SkylakeX"}
    machine = {"blas": [{"of": "SciPy", **copy}], "OPENBLAS_CORETYPE": None}
    measured["machine"] |= machine
    said = "SciPy's BLAS, which the core calls, is openblas 0.3.30 with kernels for SkylakeX."
    assert said in report.page(measured)
    assert said in " ".join(report.lines(measured))
    assert "OPENBLAS_CORETYPE" not in report.page(measured)
    measured["machine"]["OPENBLAS_CORETYPE"] = "Haswell"
    assert "- OPENBLAS_CORETYPE=Haswell was set:" in report.page(measured)
    assert "OPENBLAS_CORETYPE=Haswell was set:" in " ".join(report.lines(measured))


def test_the_surroundings_name_the_kernels(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    machine = bench._surroundings()["machine"]
    assert machine["OPENBLAS_CORETYPE"] == "Haswell"
    assert {copy["of"] for copy in machine["blas"]} <= {"NumPy", "SciPy"}
    if {of["internal_api"] for of in threadpool_info() if of["user_api"] == "blas"} == {"openblas"}:
        assert [copy["of"] for copy in machine["blas"]] == ["NumPy", "SciPy"]
        assert all(copy["architecture"] and copy["version"] for copy in machine["blas"])


def test_the_page_of_a_core_that_is_nowhere_behind(measured):
    measured["rows"].pop()
    assert "Behind on the same arrays: in none of the 24 rows." in report.page(measured)


def test_quick_figures_are_not_to_be_quoted(measured):
    assert "Do not quote" not in report.page(measured)
    assert "Do not quote" in report.page({**measured, "quick": True})


def test_the_plot_has_a_bar_for_every_layer_and_type(measured):
    drawn = report.plot(measured)
    root = ElementTree.fromstring(drawn)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"property tests conv2d", "AlexNet conv3", "AlexNet pool1", "GoogLeNet 3a <1x1>"} < {
        *texts
    }
    assert texts.count("2.00") == 6
    assert texts.count("0.40") == 1


def test_the_commands_print_and_write(measuring, capsys, tmp_path):
    cli.app(["bench", "core", "--out", str(tmp_path)], standalone_mode=False)
    printed = capsys.readouterr().out
    assert (
        "convolutions, float32, forward; 1 thread\n"
        "    wanted               mean 1.30, worst 0.90\n"
        "    same arrays          mean 2.00, worst 2.00: met\n"
        "    arranged beforehand  mean 0.80, worst 0.80: missed\n"
    ) in printed
    assert "        worst at GoogLeNet 3a <1x1>, float64, forward\n" in printed
    assert "    float32, 2 threads: GEMM 100, core 100, PyTorch 50, TensorFlow 125\n" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert (tmp_path / "performance.md").read_text("utf-8").startswith("# How fast the core is")
    ElementTree.parse(tmp_path / "performance.svg")
    cli.app(["bench", "core", "--json"], standalone_mode=False)
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 25
    cli.app(["bench", "lenet"], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "The faster of both libraries takes 1.50 times the core's CPU seconds." in printed


@pytest.mark.parametrize("threads", ["0", "1,1", "one", "", "1,100000", "-1"])
def test_wrong_threads_are_one_sentence(threads, measuring, capsys):
    code, said = run(capsys, "core", f"--threads={threads}")
    assert code == USAGE
    assert "--threads must be different numbers from 1 to" in said.err
    assert said.err.count("\n") == 1


def test_no_folder_is_one_sentence(measuring, capsys, tmp_path):
    code, said = run(capsys, "core", "--out", str(tmp_path / "none"))
    assert code == USAGE
    assert "there is no folder" in said.err


@pytest.mark.parametrize("command", ["core", "lenet"])
def test_a_missing_library_is_named_with_the_way_to_get_it(command, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )
    code, said = run(capsys, command)
    assert code == USAGE
    assert said.err == (
        "autograder: torch is missing: pip install -c constraints.txt -e "
        "'.[conformance,capstone-cpu]'\n"
    )


def test_an_interrupt_shows_what_there_is(monkeypatch, measured, capsys, tmp_path):
    def interrupted(*_, **__):
        yield measured
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "core", interrupted)
    code, said = run(capsys, "core", "--out", str(tmp_path))
    assert code == INTERRUPTED
    assert "same arrays          mean 2.00" in said.out
    assert "interrupted" in said.err
    assert not list(tmp_path.iterdir())


def test_an_early_interrupt_says_so(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(bench, "core", interrupted)
    code, said = run(capsys, "core")
    assert (code, said.out) == (INTERRUPTED, "")
    assert "interrupted before anything was measured" in said.err


def test_a_part_that_fails_is_told_with_its_last_line(monkeypatch, capsys):
    monkeypatch.setattr(bench, "_libraries", lambda: None)
    broken = "raise SystemExit('no such layer')"
    monkeypatch.setattr(bench, "MODULE", ["-c", broken])
    code, said = run(capsys, "core", "--threads", "1")
    assert code == FAULT
    assert "the measurement failed: no such layer" in said.err


def test_the_process_of_a_part_ends_with_it(monkeypatch, tmp_path):
    """Whoever stops reading leaves nobody computing behind."""
    late = tmp_path / "late"
    script = (
        "import json, pathlib, time\n"
        "print(json.dumps({'rows': 2}), 'first'.join('\"\"'), sep='\\n', flush=True)\n"
        f"time.sleep(5); pathlib.Path({str(late)!r}).touch()"
    )
    monkeypatch.setattr(bench, "MODULE", ["-c", script])
    rows = bench._part("timings", {}, 1, "", lambda *_: None)
    assert next(rows) == "first"
    rows.close()  # waits for the end of the process
    assert not late.exists()


@pytest.mark.peers
def test_all_of_it_quickly(tmp_path):
    """In processes of their own, with the libraries: everybody agrees, or it would fail."""
    *_, measured = bench.core(1, [1], quick=True)
    layers = {(row["network"], row["layer"]) for row in measured["rows"]}
    assert len(measured["rows"]) == 4 * len(layers) == 32
    for each in measured["rows"]:
        assert {CORE, TORCH, TENSORFLOW, *ARRANGED} <= each["seconds"].keys()
    assert [row["way"] for row in measured["memory"]][:3] == [CORE, TORCH, TENSORFLOW]
    assert {row["way"] for row in measured["lenet"]} == {CORE, TORCH, "Keras"}
    losses = [row["loss"] for row in measured["lenet"]]
    assert max(losses) - min(losses) < 1e-3
    assert report.page(measured)
