"""How fast the core is: a page of the documentation, its plot, and the lines for a terminal."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator
from html import escape
from statistics import median
from typing import Any

from autograder.performance import targets
from autograder.performance.layers import TESTS
from autograder.performance.targets import Seen, kind
from autograder.performance.ways import (
    COLUMNS,
    CORE,
    CORE_ONE,
    PURE,
    TENSORFLOW,
    TORCH,
    WINDOWS,
)
from autograder.report.overhead import where

Row = dict[str, Any]

PAGE = """# How fast the core is

The compiled core (`reference.ops`) beside PyTorch, TensorFlow and vectorised NumPy, on a CPU: the
layers of known networks, and the sizes that the kit's own property tests draw. All of it was
measured in one run, in turns, by

    autograder bench core --out docs

A ratio is the other's time over the core's: **above 1 the core is faster**. Each figure is the
median of {runs} runs, with the least and the largest. Everybody gives the same numbers, which is
checked before anything is timed.

## What to conclude

{conclusions}

| beside the faster of PyTorch and TensorFlow | rows | mean | wanted | worst | wanted | | worst at |
|---|---|---|---|---|---|---|---|
{targets}

Means are geometric, of the rows' medians.

![The faster library's time over the core's, a pair of bars a layer](performance.svg)

## Where the core is behind

{behind}

## LeNet-5 from scratch

{lenet}

## Memory

{memory}

## How it is measured

- A process for each number of threads holds everybody; OpenMP, OpenBLAS, PyTorch and TensorFlow
  are told the number before they start.
{busy}
- With one thread CPU seconds count, which other programs on the machine hardly lengthen; with
  more, seconds on the clock. A timing repeats the call for 20 ms, after one call that does not
  count, and once no thread of the others is busy any more.
- PyTorch is called with channels first and with channels last, TensorFlow (channels last) eagerly
  and as a `tf.function`; the faster form of the two counts. Their arrays are made before.
- "forward and backward" is a forward call and the gradients of x, w and b: autograd, the tape, and
  for the core `conv2d` and `conv2d_backward`, or those of the pool.
- "NumPy windows" is `sliding_window_view` with `einsum` (pools: a reduction over the windows),
  "NumPy im2col" is im2col and `matmul` (pools: a shifted slice for each cell of the window).
- The pure twin is timed on the sizes of the property tests only: on others it takes seconds to
  minutes.
- "of GEMM" is the share of the largest speed that NumPy's product of 1024x1024 matrices reached in
  the same process; forward and backward count three times the forward pass's operations.

## All figures

{tables}

{where}
"""


def page(measured: dict[str, Any]) -> str:
    """All figures with the date, the machine and the versions that they belong to."""
    rows = measured["rows"]
    seen = list(summary(measured))
    return PAGE.format(
        runs=measured["runs"],
        conclusions="\n".join(map(_wrapped, _conclusions(measured, seen))),
        targets="\n".join(map(_target, seen)),
        behind="\n".join(map(_wrapped, _behind(rows))),
        lenet=lenet_table(measured["lenet"]),
        memory=_memory(measured["memory"]),
        busy=_busy(rows),
        tables="\n\n".join(_tables(rows)),
        where=where(measured),
    )


def summary(measured: dict[str, Any]) -> Iterator[Seen]:
    yield from targets.summary(measured["rows"])
    yield from targets.lenet(measured["lenet"])


def lines(measured: dict[str, Any]) -> Iterator[str]:
    """The summary for a terminal, each target beside what was seen."""
    for seen in summary(measured):
        yield seen.words
        if seen.mean is None or seen.worst is None:
            yield "    nothing of that kind was measured"
            continue
        text = f"    mean {seen.mean:.2f} ({seen.wanted_mean:g} wanted), worst {seen.worst:.2f}"
        if seen.wanted_worst is not None:
            text += f" ({seen.wanted_worst:g} wanted)"
        yield f"{text}: {'met' if seen.met else 'missed'}"
        if seen.worst_at and not seen.met:
            yield f"    worst at {seen.worst_at}"


def _wrapped(item: str) -> str:
    return textwrap.fill(item, 100, subsequent_indent="  ") if item.startswith("- ") else item


def _target(seen: Seen) -> str:
    cells = [seen.words, str(seen.rows), _number(seen.mean), f"{seen.wanted_mean:g}"]
    cells += [_number(seen.worst), "-" if seen.wanted_worst is None else f"{seen.wanted_worst:g}"]
    cells += [{True: "met", False: "missed", None: "-"}[seen.met], seen.worst_at or "-"]
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _conclusions(measured: dict[str, Any], seen: list[Seen]) -> Iterator[str]:
    if measured["quick"]:
        yield "- Measured with `--quick`: few and small layers, short timings. Do not quote these."
    judged = [s for s in seen if s.met is not None]
    met = sum(bool(s.met) for s in judged)
    yield f"- {met} of {len(judged)} targets are met; the table says which."
    for threads in sorted({row["threads"] for row in measured["rows"]}):
        words = "one thread" if threads == 1 else f"{threads} threads"
        for words_of, chosen in KINDS.items():
            found = [
                median(targets.ratios(row))
                for row in measured["rows"]
                if row["threads"] == threads and chosen(row)
            ]
            if found:
                mean = math.exp(sum(map(math.log, found)) / len(found))
                ahead = sum(ratio >= 1 for ratio in found)
                yield (
                    f"- {words_of}, {words}: {_times(mean)} the faster of PyTorch and TensorFlow, "
                    f"ahead in {ahead} of {len(found)} rows."
                )
    numpy = [
        median(targets.ratios(row, (WINDOWS, COLUMNS)))
        for row in measured["rows"]
        if row["threads"] == 1
    ]
    if numpy:
        mean = math.exp(sum(map(math.log, numpy)) / len(numpy))
        yield f"- The faster form in NumPy takes {mean:.1f} times the core's time; one thread."
    yield (
        "- Calls as small as those of a test measure what it costs to call a function, large "
        "layers the product of matrices."
    )


def _times(mean: float) -> str:
    return f"{mean:.1f} times as fast as" if mean >= 1 else f"{mean:.2f} of the speed of"


KINDS: dict[str, Callable[[Row], bool]] = {
    "Convolutions, float64": lambda row: kind(row) == "conv" and row["dtype"] == "float64",
    "Convolutions, float32": lambda row: kind(row) == "conv" and row["dtype"] == "float32",
    "Pools": lambda row: kind(row) == "pool",
    "Sizes of the property tests": lambda row: kind(row) == "tests",
}


def _behind(rows: list[Row]) -> Iterator[str]:
    """Every layer with a median below 1, and where."""
    lost: dict[str, list[str]] = {}
    for row in rows:
        ratio = median(targets.ratios(row))
        if ratio < 1:
            which = "forward" if row["pass"] == "forward" else "both"
            text = f"{row['dtype']} {which}, {_threads(row['threads'])}: {ratio:.2f}"
            lost.setdefault(f"{row['network']} {row['layer']}", []).append(text)
    if not lost:
        yield f"In none of the {len(rows)} rows."
        return
    count = sum(map(len, lost.values()))
    yield f'In {count} of {len(rows)} rows; "both" is forward and backward.\n'
    for name, texts in lost.items():
        yield f"- {name} ({'; '.join(texts)})"


def _threads(number: int) -> str:
    return "1 thread" if number == 1 else f"{number} threads"


def _busy(rows: list[Row]) -> str:
    most = {
        threads: max(
            median(busy)
            for row in rows
            if row["threads"] == threads
            for name, busy in row["busy"].items()
            if name != CORE_ONE
        )
        for threads in sorted({row["threads"] for row in rows})
    }
    parts = [f"{processors:.2f} with {_threads(n)}" for n, processors in most.items()]
    return f"- The way that kept most processors busy kept {', '.join(parts)}."


def lenet_table(rows: list[Row]) -> str:
    """A row for every epoch of everyone, and what it comes to."""
    if not rows:
        return "Not measured."
    several = len({row["seed"] for row in rows}) > 1
    texts = [
        f"LeNet-5 on {rows[0]['digits']:,} of MNIST's digits, tested on {rows[0]['test']:,}: the "
        "core's own functions,",
        "PyTorch's modules and Keras' `fit`, from the same weights, in the same batches of 64,",
        "with momentum; float32, one thread, an epoch each in turn. CPU seconds are of training",
        "alone.",
        "",
        f"| {'seed | ' * several}epoch | by | loss | accuracy | CPU s | accuracy a CPU s |",
        "|" + "---|" * (6 + several),
    ]
    for row in rows:
        seed = f"{row['seed']} | " if several else ""
        texts.append(
            f"| {seed}{row['epoch']} | {row['way']} | {row['loss']:.5f} | {row['accuracy']:.2%} "
            f"| {row['seconds']:.2f} | {row['accuracy'] / row['seconds']:.3f} |"
        )
    first = {(row["seed"], row["way"]): row["loss"] for row in rows if row["epoch"] == 1}
    apart = max(
        (
            abs(loss - first[seed, CORE]) / first[seed, CORE]
            for (seed, _), loss in first.items()
            if (seed, CORE) in first
        ),
        default=0.0,
    )
    texts += ["", f"The losses of the first epoch differ by at most {apart:.1e} of the core's."]
    return "\n".join(texts)


def _memory(rows: list[Row]) -> str:
    if not rows:
        return "Not measured."
    mega = 1e6
    texts = [
        f"AlexNet's conv2, forward, float32, a batch of {rows[0]['batch']}: an input of "
        f"{rows[0]['input'] / mega:.1f} MB, an output of {rows[0]['output'] / mega:.1f} MB.",
        "The peak of a fresh process grows in the call by the output and by what else is needed.",
        "",
        "| way | grown by, MB | beside the output, MB | of input and output |",
        "|---|---|---|---|",
    ]
    for row in rows:
        beside = max(row["grown"] - row["output"], 0) / mega
        share = row["grown"] / (row["input"] + row["output"])
        texts.append(f"| {row['way']} | {row['grown'] / mega:.1f} | {beside:.1f} | {share:.2f} |")
    return "\n".join(texts)


def _tables(rows: list[Row]) -> Iterator[str]:
    """A table for each number of threads, type and pass."""
    peak: dict[tuple[int, str], float] = {}
    for row in rows:
        key = row["threads"], row["dtype"]
        peak[key] = max(peak.get(key, 0.0), row["gemm"])
    groups: dict[tuple[int, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["threads"], row["dtype"], row["pass"]), []).append(row)
    for (threads, dtype, which), members in groups.items():
        gemm = peak[threads, dtype]
        words = "forward" if which == "forward" else "forward and backward"
        title = f"{dtype}, {words}, {_threads(threads)}"
        yield (
            f"<details>\n<summary>{title}; GEMM {gemm / 1e9:.0f} GFLOP/s</summary>\n\n"
            f"{_table(members, gemm, threads)}\n\n</details>"
        )


def _table(rows: list[Row], gemm: float, threads: int) -> str:
    others = [TORCH, TENSORFLOW, WINDOWS, COLUMNS]
    head = ["layer", "size", "core, ms", "of GEMM", *others]
    head += ["1 thread"] if threads > 1 else []
    head += [PURE] if any(PURE in row["seconds"] for row in rows) else []
    texts = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for row in rows:
        own = row["seconds"][CORE]
        share = row["flops"] / median(own) / gemm
        cells = [f"{row['network']} {row['layer']}", row["size"]]
        cells.append(_spread([1e3 * second for second in own], 3))
        cells.append(f"{share:.0%}" if row["network"] != TESTS and row["flops"] else "-")
        names = {"1 thread": CORE_ONE}
        for name in head[4:]:
            way = names.get(name, name)
            known = way in row["seconds"]
            cells.append(_spread(targets.ratios(row, (way,)), 2) if known else "-")
        texts.append(f"| {' | '.join(cells)} |")
    return "\n".join(texts)


def _spread(values: list[float], digits: int) -> str:
    low, high = min(values), max(values)
    return f"{median(values):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


# The plot: written by hand, so that it needs nothing and differs only where figures do.

LEFT, WIDTH, BAR, GAP, TOP = 190, 560, 9, 8, 62
COLOURS = {"float64": "#1f5a99", "float32": "#e08a1e"}


def plot(measured: dict[str, Any]) -> str:
    """Forward with one thread (or the fewest): a bar for each type, on a logarithmic axis."""
    rows = [row for row in measured["rows"] if row["pass"] == "forward"]
    threads = min((row["threads"] for row in rows), default=1)
    bars: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["threads"] == threads:
            name = f"{row['network']} {row['layer']}"
            bars.setdefault(name, {})[row["dtype"]] = median(targets.ratios(row))
    values = [ratio for of in bars.values() for ratio in of.values()] or [1.0]
    low = min(-1, math.floor(math.log2(min(values))))
    high = max(1, math.ceil(math.log2(max(values))))

    def at(ratio: float) -> float:
        return LEFT + WIDTH * (math.log2(ratio) - low) / (high - low)

    step = 2 * BAR + GAP
    bottom = TOP + step * len(bars)
    height, width = bottom + 34, LEFT + WIDTH + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="20" font-size="14">The faster of PyTorch and TensorFlow: its time over '
        f"the core's, forward, {_threads(threads)}</text>",
    ]
    for index, (dtype, colour) in enumerate(COLOURS.items()):
        left = 10 + 90 * index
        parts.append(f'<rect x="{left}" y="30" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{left + 17}" y="40">{dtype}</text>')
    parts.append('<text x="200" y="40">right of 1 the core is faster</text>')
    for power in range(low, high + 1):
        x = at(2.0**power)
        colour, thick = ("#000000", 1.5) if power == 0 else ("#cccccc", 1.0)
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}" '
            f'stroke-width="{thick}"/>'
        )
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{2.0**power:g}</text>'
        )
    for index, (name, of) in enumerate(bars.items()):
        y = TOP + step * index
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + BAR + 4}" text-anchor="end" '
            f'fill="#000000">{escape(name)}</text>'
        )
        for place, (dtype, ratio) in enumerate(of.items()):
            start, end = sorted((at(1), at(ratio)))
            parts.append(
                f'<rect x="{start:.1f}" y="{y + BAR * place}" width="{max(end - start, 1):.1f}" '
                f'height="{BAR - 1}" fill="{COLOURS[dtype]}"/>'
            )
            # Beside the bar on its far side; no bar is as long as the margin is wide.
            x, anchor = (end + 4, "start") if ratio >= 1 else (start - 4, "end")
            parts.append(
                f'<text x="{x:.1f}" y="{y + BAR * place + 8}" font-size="9" '
                f'text-anchor="{anchor}">{ratio:.2f}</text>'
            )
    return "\n".join([*parts, "</svg>", ""])
