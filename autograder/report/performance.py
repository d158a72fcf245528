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
from autograder.performance.targets import (
    ARRANGED_BEFORE,
    BY_LIBRARY,
    COMPARED,
    SAME,
    Peaks,
    Seen,
    kind,
)
from autograder.performance.ways import COLUMNS, CORE, CORE_ONE, PEERS, PURE, WINDOWS
from autograder.report.overhead import where

Row = dict[str, Any]
GIGA = 1e9
TERMINAL, WIDE = 80, len(ARRANGED_BEFORE)
IN_WORDS = {SAME: f"on the {SAME}", ARRANGED_BEFORE: f"with arrays {ARRANGED_BEFORE}"}
BESIDE = {
    SAME: f"On the {SAME}",
    ARRANGED_BEFORE: f"With arrays {ARRANGED_BEFORE}",
    "": "With more threads and in LeNet-5",
}

PAGE = """# How fast the core is

The compiled core (`reference.ops`) beside PyTorch, TensorFlow and vectorised NumPy, on a CPU: the
layers of known networks, and the sizes that the kit's own property tests draw. All of it was
measured in one run, in turns, by

    autograder bench core --out docs

A ratio is the other's time over the core's: **above 1 the core is faster**. Each figure is the
median of {runs} runs, with the least and the largest. Everybody gives the same numbers, which is
checked before anything is timed.

Both libraries are met twice. On the **same arrays** everybody is given images (N, C, H, W) and
filters (O, C, KH, KW), as a student's NumPy arrays lie, and gives back such arrays: a library that
prefers another order of axes changes it in the call. With arrays **arranged beforehand** it has
them in the order that it likes best, and may leave its results so.

## What to conclude

{conclusions}

{targets}

Means are geometric, of the rows' medians.

![The faster library's time over the core's, a pair of bars a layer](performance.svg)

## What the arithmetic allows

{rates}

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
  count where a call takes less than 0.1 s, and once no thread of the others is busy any more.
- On the same arrays PyTorch is called with channels first, and with copies of channels last that
  are made in the call; TensorFlow transposes in the call, to channels last and back. Arranged
  beforehand are tensors of channels last. TensorFlow is called eagerly and as a `tf.function`. Of
  these forms the fastest counts; with arrays arranged beforehand a library may choose among all.
- "forward and backward" is a forward call and the gradients of x, w and b: autograd, the tape, and
  for the core `conv2d` and `conv2d_backward`, or those of the pool.
- "NumPy windows" is `sliding_window_view` with `einsum` (pools: a reduction over the windows),
  "NumPy im2col" is im2col and `matmul` (pools: a shifted slice for each cell of the window). They
  and the pure twin are timed in the first run alone.
- The pure twin is timed on the sizes of the property tests only: on others it takes seconds to
  minutes.
- "of GEMM" is the share of GEMM's peak, the largest speed that NumPy's product of 1024x1024
  matrices reached in the same process; forward and backward count three times the forward pass's
  operations. They are those of the plain sums: an algorithm with fewer, as Winograd's, is counted
  as if it had them all.

## All figures

{tables}

{where}
{blas}
"""


def page(measured: dict[str, Any]) -> str:
    """All figures with the date, the machine and the versions that they belong to."""
    rows = measured["rows"]
    seen = list(summary(measured))
    return PAGE.format(
        runs=measured["runs"],
        conclusions="\n".join(map(_wrapped, _conclusions(measured, seen))),
        targets="\n\n".join(_target_tables(seen)),
        rates="\n".join(map(_wrapped, _allowed(rows, seen))),
        behind="\n".join(map(_wrapped, _behind(rows))),
        lenet=lenet_table(measured["lenet"]),
        memory=_memory(measured["memory"]),
        busy=_busy(rows),
        tables="\n\n".join(_tables(rows)),
        where=where(measured),
        blas="\n".join(blas(measured["machine"])),
    )


def summary(measured: dict[str, Any]) -> Iterator[Seen]:
    yield from targets.summary(measured["rows"])
    yield from targets.lenet(measured["lenet"])


def lines(measured: dict[str, Any]) -> Iterator[str]:
    """The summary for a terminal, each target beside what was seen."""
    for seen in summary(measured):
        yield seen.words
        yield f"    {'wanted':<{WIDE}}  mean {_figures(seen.wanted_mean, seen.wanted_worst, '.2f')}"
        if not seen.reached:
            yield "    nothing of that kind was measured"
        for beside, reached in seen.reached.items():
            text = f"mean {_figures(reached.mean, reached.worst, '.2f')}"
            met = "met" if seen.met(beside) else "missed"
            yield f"    {beside or 'reached':<{WIDE}}  {text}: {met}"
            if reached.worst_at and not seen.met(beside):
                yield f"        worst at {reached.worst_at}"
    found = list(targets.rates(measured["rows"]))
    if found:
        yield "largest rates of a convolution in GFLOP/s, beside GEMM's peak"
    for rates in found:
        text = f"    {rates.dtype}, {_threads(rates.threads)}: GEMM {rates.gemm / GIGA:.0f}"
        for name, (share, _) in rates.shares.items():
            text += f", {name} {share * rates.gemm / GIGA:.0f}"
        yield text
    for sentence in (*blas(measured["machine"]), *asked(measured["machine"])):
        yield from textwrap.wrap(sentence, TERMINAL)


def _figures(mean: float, worst: float | None, digits: str) -> str:
    return f"{mean:{digits}}" + ("" if worst is None else f", worst {worst:{digits}}")


def blas(machine: dict[str, Any]) -> Iterator[str]:
    """Which kernels compute the products of matrices, in sentences."""
    for copy in machine["blas"]:
        user = {"NumPy": "NumPy's BLAS", "SciPy": "SciPy's BLAS, which the core calls,"}[copy["of"]]
        kernels = f" with kernels for {copy['architecture']}" if copy["architecture"] else ""
        yield f"{user} is {copy['library']} {copy['version']}{kernels}."


def asked(machine: dict[str, Any]) -> Iterator[str]:
    """What was asked of OpenBLAS, if anything was."""
    if chosen := machine["OPENBLAS_CORETYPE"]:
        yield (
            f"OPENBLAS_CORETYPE={chosen} was set: these kernels were asked for, and those that "
            "OpenBLAS chooses by itself may be twice as fast."
        )


def _wrapped(item: str) -> str:
    if item.startswith("|"):
        return item
    return textwrap.fill(item, 100, subsequent_indent="  " if item.startswith("- ") else "")


def _target_tables(seen: list[Seen]) -> Iterator[str]:
    """The targets beside the libraries, and the others."""
    head = ["beside the faster of PyTorch and TensorFlow", "rows", "wanted"]
    for beside in COMPARED:
        head += [f"{beside}: mean", "worst", ""]
    rows = [
        [*_wanted(of), *(cell for beside in COMPARED for cell in _reached(of, beside))]
        for of in seen
        if "" not in of.reached and of.reached
    ]
    if rows:
        yield _markdown(head, rows)
    rows = [[*_wanted(of), *_reached(of, "")] for of in seen if "" in of.reached]
    if rows:
        yield _markdown(["beside others", "rows", "wanted", "mean", "worst", ""], rows)
    none = [of.words for of in seen if not of.reached]
    if none:
        yield _wrapped(f"Nothing was measured of: {'; '.join(none)}.")


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _wanted(seen: Seen) -> Iterator[str]:
    yield seen.words
    yield str(next(iter(seen.reached.values())).rows)
    yield _figures(seen.wanted_mean, seen.wanted_worst, "g")


def _reached(seen: Seen, beside: str) -> Iterator[str]:
    reached = seen.reached[beside]
    yield f"{reached.mean:.2f}"
    yield f"{reached.worst:.2f}" + (f" at {reached.worst_at}" if reached.worst_at else "")
    yield "met" if seen.met(beside) else "missed"


def _allowed(rows: list[Row], seen: list[Seen]) -> Iterator[str]:
    """The speeds reached beside GEMM's, and the ratios of a core as fast as that."""
    found = list(targets.rates(rows))
    if not found:
        yield "No convolution was measured."
        return
    yield (
        "The largest speed that anybody reached in a convolution, in GFLOP/s and as a share of the "
        "peak of GEMM in this BLAS. The products are the same for all: where a library runs at "
        "that peak, no core that computes them with this BLAS can be faster than it."
    )
    yield ""
    names = list(found[0].shares)
    cells = []
    for of in found:
        texts = [
            f"{share * of.gemm / GIGA:.0f} ({share:.0%}), {at}" for share, at in of.shares.values()
        ]
        cells.append([f"{of.dtype}, {_threads(of.threads)}", f"{of.gemm / GIGA:.0f}", *texts])
    yield _markdown(["", "GEMM", *names], cells)
    yield ""
    for of in found:
        yield (
            f"- {of.dtype}, {_threads(of.threads)}: a library runs at GEMM's peak or above it in "
            f"{of.at_peak} of {of.rows} rows."
        )
    yield ""
    yield "The ratios of a core that ran at GEMM's peak in every row, beside those wanted:"
    yield ""
    cells = []
    missed: dict[str, list[str]] = {beside: [] for beside in COMPARED}
    for target in seen:
        peaks = {
            beside: reached.at_peak
            for beside, reached in target.reached.items()
            if reached.at_peak is not None
        }
        if not peaks:
            continue
        texts = [_figures(*at_peak, ".2f") for at_peak in peaks.values()]
        cells.append([target.words, _figures(target.wanted_mean, target.wanted_worst, "g"), *texts])
        for beside, at_peak in peaks.items():
            if not target.is_met_by(*at_peak):
                missed[beside].append(target.words)
    yield _markdown(["", "wanted", *COMPARED], cells)
    for beside, words in missed.items():
        if words:
            yield ""
            yield f"Even such a core would miss {IN_WORDS[beside]}: {'; '.join(words)}."


def _conclusions(measured: dict[str, Any], seen: list[Seen]) -> Iterator[str]:
    if measured["quick"]:
        yield "- Measured with `--quick`: few and small layers, short timings. Do not quote these."
    yield from (f"- {sentence}" for sentence in asked(measured["machine"]))
    for beside, words in BESIDE.items():
        judged = [met for of in seen if (met := of.met(beside)) is not None]
        if judged:
            yield f"- {words}, {sum(judged)} of {len(judged)} targets are met."
    for threads in sorted({row["threads"] for row in measured["rows"]}):
        words = "one thread" if threads == 1 else f"{threads} threads"
        for words_of, chosen in KINDS.items():
            rows = [r for r in measured["rows"] if r["threads"] == threads and chosen(r)]
            if not rows:
                continue
            texts = []
            for beside, others in COMPARED.items():
                found = [median(targets.ratios(row, others)) for row in rows]
                ahead = sum(ratio >= 1 for ratio in found)
                texts.append(
                    f"{_times(targets.geometric(found))} the faster library {IN_WORDS[beside]}, "
                    f"ahead in {ahead} of {len(rows)} rows"
                )
            yield f"- {words_of}, {words}: {'; '.join(texts)}."
    numpy = [
        median(targets.ratios(row, (WINDOWS, COLUMNS)))
        for row in measured["rows"]
        if row["threads"] == 1
    ]
    if numpy:
        mean = targets.geometric(numpy)
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
    yield '"both" is forward and backward.'
    for beside, others in COMPARED.items():
        yield ""
        yield from _lost(rows, IN_WORDS[beside], others)


def _lost(rows: list[Row], beside: str, others: tuple[str, ...]) -> Iterator[str]:
    lost: dict[str, list[str]] = {}
    for row in rows:
        ratio = median(targets.ratios(row, others))
        if ratio < 1:
            which = "forward" if row["pass"] == "forward" else "both"
            text = f"{row['dtype']} {which}, {_threads(row['threads'])}: {ratio:.2f}"
            lost.setdefault(targets.layer(row), []).append(text)
    if not lost:
        yield f"Behind {beside}: in none of the {len(rows)} rows."
        return
    yield f"Behind {beside}: in {sum(map(len, lost.values()))} of {len(rows)} rows."
    yield ""
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
        "The peak of a fresh process grows in the call by the output and by what else is needed,",
        "on the same arrays: TensorFlow's transposed copies are among it.",
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
    peaks = targets.gemm_peaks(rows)
    groups: dict[tuple[int, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["threads"], row["dtype"], row["pass"]), []).append(row)
    for (threads, dtype, which), members in groups.items():
        gemm = peaks[threads, dtype] / GIGA
        words = "forward" if which == "forward" else "forward and backward"
        title = f"{dtype}, {words}, {_threads(threads)}"
        yield (
            f"<details>\n<summary>{title}; GEMM {gemm:.0f} GFLOP/s</summary>\n\n"
            f"{_table(members, peaks, threads)}\n\n</details>"
        )


def _table(rows: list[Row], peaks: Peaks, threads: int) -> str:
    """Ratios, but for the core's time and what is of GEMM."""
    more = {WINDOWS: WINDOWS, COLUMNS: COLUMNS}
    more |= {"1 thread": CORE_ONE} if threads > 1 else {}
    more |= {PURE: PURE} if any(PURE in row["seconds"] for row in rows) else {}
    head = ["layer", "size", "core, ms", "of GEMM", *PEERS]
    head += [f"fastest {ARRANGED_BEFORE}", "of GEMM", *more]
    cells = []
    for row in rows:
        fastest = COMPARED[ARRANGED_BEFORE]
        counted = row["network"] != TESTS and row["flops"]
        shares = [
            f"{targets.share(row, peaks, *names):.0%}" if counted else "-"
            for names in ((CORE,), fastest)
        ]
        cells.append([
            targets.layer(row),
            row["size"],
            _spread([1e3 * second for second in row["seconds"][CORE]], 3),
            shares[0],
            *(_ratio(row, name) for name in PEERS),
            f"{_ratio(row, *fastest)} {_who(row, fastest)}",
            shares[1],
            *(_ratio(row, name) for name in more.values()),
        ])  # fmt: skip
    return _markdown(head, cells)


def _ratio(row: Row, *names: str) -> str:
    ratios = targets.ratios(row, names) if names[0] in row["seconds"] else []
    return _spread(ratios, 2) if ratios else "-"


def _who(row: Row, names: tuple[str, ...]) -> str:
    """The fastest of these, and its form."""
    name = min(
        (name for name in names if name in row["seconds"]), key=lambda n: median(row["seconds"][n])
    )
    library = next(library for library, of in BY_LIBRARY.items() if name in of)
    return f"{library}, {row['forms'][name]}"


def _spread(values: list[float], digits: int) -> str:
    low, high = min(values), max(values)
    if len(values) == 1:
        return f"{low:.{digits}f}"
    return f"{median(values):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


# The plot: written by hand, so that it needs nothing and differs only where figures do.

LEFT, WIDTH, BAR, GAP, TOP = 190, 560, 9, 8, 62
COLOURS = {"float64": "#1f5a99", "float32": "#e08a1e"}


def plot(measured: dict[str, Any]) -> str:
    """Forward with one thread (or the fewest): a bar for each type, on a logarithmic axis."""
    rows = [row for row in measured["rows"] if row["pass"] == "forward"]
    threads = min((row["threads"] for row in rows), default=1)
    bars: dict[str, dict[str, tuple[float, float]]] = {}
    for row in rows:
        if row["threads"] == threads:
            name = targets.layer(row)
            both = [median(targets.ratios(row, others)) for others in COMPARED.values()]
            bars.setdefault(name, {})[row["dtype"]] = both[0], both[1]
    values = [ratio for of in bars.values() for both in of.values() for ratio in both] or [1.0]
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
    parts.append('<rect x="190" y="30" width="3" height="12" fill="#000000"/>')
    parts.append(
        f'<text x="198" y="40">bars: on the {SAME}; marks: {ARRANGED_BEFORE}; right of 1 the core '
        "is faster</text>"
    )
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
        for place, (dtype, (ratio, beside)) in enumerate(of.items()):
            start, end = sorted((at(1), at(ratio)))
            parts.append(
                f'<rect x="{start:.1f}" y="{y + BAR * place}" width="{max(end - start, 1):.1f}" '
                f'height="{BAR - 1}" fill="{COLOURS[dtype]}"/>'
            )
            parts.append(
                f'<rect x="{at(beside) - 1.5:.1f}" y="{y + BAR * place}" width="3" '
                f'height="{BAR - 1}" fill="#000000"/>'
            )
            # Right of the bar, where no mark can be: with arrays arranged a ratio is no larger.
            parts.append(
                f'<text x="{end + 4:.1f}" y="{y + BAR * place + 8}" font-size="9">'
                f"{ratio:.2f}</text>"
            )
    return "\n".join([*parts, "</svg>", ""])
