"""docs/conformance.md, out of what the cases did."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version

from harness import Survey, ops
from keras_cases import keras_survey
from onnx_cases import onnx_survey
from sources import EXAMPLES, PEERS

INTRODUCTION = """\
# Conformance

The compiled core beside tests and code that other people wrote. `make conformance` runs all of it
(it installs the extra `conformance`: some 850 MB more where the package index has PyTorch for a
CPU, 5 GB where it has the build for CUDA alone); a test holds this page to what ran.

Tolerances: sums of k products may differ by 2 (k + 2) u times the same sum of magnitudes, cell by
cell, u being the unit roundoff of the type (Higham, *Accuracy and Stability of Numerical
Algorithms*, eq. 3.5); what only moves numbers may not differ at all. ONNX's data are in float32 and
may differ by 1e-5 of the largest number, its half precision by 1e-3. Keras' tests bring their own.
"""

SOURCES = {
    "ONNX": "the backend tests that its wheel ships: models, inputs, outputs",
    "Keras": "the tests that its wheel ships, against its oracles in NumPy, on the reference "
    "instead of Keras' layers",
    "PyTorch": "values and autograd, on random geometries",
    "TensorFlow": "values and its tape, on random geometries",
    "SciPy": "`scipy.signal`, on random geometries",
    "Keras' oracles in NumPy": "the same oracles, on random geometries",
    "differences": "gradients by central differences, and by the complex step where the function "
    "is not linear, in float64, on random geometries",
}

PACKAGES = {
    "ONNX": "onnx",
    "Keras": "keras",
    "PyTorch": "torch",
    "TensorFlow": "tensorflow_cpu",
    "SciPy": "scipy",
    "Keras' oracles in NumPy": "keras",
}

# Operations of the reference that none of the sources has.
ALONE = {
    "conv_layer_cost": "counts connections, which no library tells",
    "dense_layer_cost": "counts connections, which no library tells",
    "fit": "draws from a NumPy generator in an order of its own; its steps are compared",
    "he_normal": "draws from a NumPy generator",
    "line_filter": "four kernels of the course",
}

SURVEYS = {"ONNX": onnx_survey, "Keras": keras_survey}


def named(source: str) -> str:
    """The source with its version, without the label of a build."""
    if source not in PACKAGES:
        return source
    return f"{source} {version(PACKAGES[source]).partition('+')[0]}"


def covered() -> dict[str, set[str]]:
    """For every source, the operations of ours that it is compared with."""
    found = {source: set(run().operations) for source, run in SURVEYS.items()}
    for peer, comparisons in PEERS.items():
        found[peer] = {name for names, _, _ in comparisons.values() for name in names}
    return found


def page() -> str:
    surveys: dict[str, Survey] = {source: run() for source, run in SURVEYS.items()}
    counts = {source: len(result.ran) for source, result in surveys.items()}
    counts |= {peer: len(comparisons) * EXAMPLES for peer, comparisons in PEERS.items()}
    out = {s: sum(map(len, surveys[s].left_out.values())) if s in surveys else 0 for s in counts}
    lines = [INTRODUCTION, "## Cases\n"]
    lines += ["| source | what | agree | left out |", "|---|---|---|---|"]
    for source, what in SOURCES.items():
        lines.append(f"| {named(source)} | {what} | {counts[source]:,} | {out[source] or '-'} |")
    total = f"{sum(counts.values()):,}"
    lines.append(f"| all | | {total} | {sum(out.values())} |\n")
    groups = Counter(name.partition("/")[0] for name in surveys["ONNX"].ran)
    told = ", ".join(f"{count} of `{group}`" for group, count in sorted(groups.items()))
    lines.append(
        f"ONNX's are {told}. A random comparison is {EXAMPLES} cases, drawn by Hypothesis; those "
        "of convolutions and pools that have a short way for small calls are made without it too:\n"
    )
    for peer, comparisons in PEERS.items():
        lines.append(f"- {peer}: {'; '.join(comparisons)}")
    lines += ["", "## Left out\n", "| source | why | cases |", "|---|---|---|"]
    for source, result in surveys.items():
        for reason, names in sorted(result.left_out.items()):
            lines.append(f"| {source} | {reason} | {len(names)} |")
    lines += ["", "## Operations\n"]
    where = covered()
    lines += [f"| operation | {' | '.join(where)} |", "|---" * (len(where) + 1) + "|"]
    for name in sorted(set(ops.__all__) - set(ALONE)):
        marks = ["yes" if name in names else "" for names in where.values()]
        lines.append(f"| `{name}` | {' | '.join(marks)} |")
    lines += ["", "Of these no source knows anything; their tests are by hand:\n"]
    lines += [f"- `{name}`: {reason}." for name, reason in ALONE.items()]
    return "\n".join(lines) + "\n"
