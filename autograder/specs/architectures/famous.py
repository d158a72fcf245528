"""Famous networks, as lists of layers: lenet5, alexnet.

Many lists are right; what they mean is judged, not how they are spelled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from autograder.compare import Mismatch, kind_of
from autograder.spec import Arguments, Case, Exercise, Law
from autograder.specs._layers import NONE, ONE
from autograder.specs.architectures._lists import IMAGE_KINDS, Layer, Shape
from autograder.strategies import Draw
from reference import ops

LENET_IMAGE, ALEXNET_IMAGE = (1, 32, 32), (3, 224, 224)
Step = tuple[Any, ...]


class Malformed(Exception):
    """The answer is no list of layers; the message says why."""


def steps(layers: Any, shape: Shape) -> tuple[list[Step], int]:
    """The convolutions, pools and dense layers in one spelling, and the number of parameters.

    Any pool is a pool; ReLU, normalisation, flattening and pools of one pixel are left out; a
    convolution that its input just fits into is a dense layer.
    """
    if not isinstance(layers, list | tuple):
        raise Malformed(f"the result is {kind_of(layers)}; it should be a list of layers")
    try:
        shapes = ops.trace_shapes(list(layers), shape)
        total = ops.count_parameters(list(layers), shape)
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise Malformed(f"{error}"[:400]) from None
    found: list[Step] = []
    for layer, before, new in zip(layers, [shape, *shapes], shapes, strict=False):
        kind = layer["kind"]
        if kind in IMAGE_KINDS:
            kernel, stride, padding = (
                tuple(int(n) for n in layer.get(key, default))
                for key, default in (("kernel", ONE), ("stride", ONE), ("padding", NONE))
            )
            if kind == "conv" and kernel == before[1:] and padding == NONE:
                found.append(("dense", new[0]))
            elif kind == "conv":
                found.append(("conv", new[0], kernel, stride, padding))
            elif (kernel, stride) != (ONE, ONE):
                found.append(("pool", kernel, stride, padding))
        elif kind == "dense":
            found.append(("dense", new[0]))
        elif kind == "global_avg_pool" and before[1:] != (1, 1):
            found.append(("global_avg_pool",))
    return found, total


def brief(number: int) -> str:
    return f"{number:,}" if abs(number) < 10**15 else "a number too large to write"


def said(step: Step) -> str:
    """One of the steps in words."""
    kind, *rest = step
    if kind == "global_avg_pool":
        return "a global average pool"
    if kind == "dense":
        return f"a dense layer of {brief(rest[0])}"
    kernel, stride, padding = (tuple(map(brief, pair)) for pair in rest[-3:])
    what = f"a convolution of {brief(rest[0])} filters" if kind == "conv" else "a pool"
    sides = (
        f" {kernel[0]}x{kernel[1]}, stride ({', '.join(stride)}), padding ({', '.join(padding)})"
    )
    return what + sides


def holds_steps(
    name: str, says: str, points: float, shape: Shape, what: str, kinds: Sequence[str]
) -> Law:
    """The steps of these kinds are the reference's, one after the other."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
        try:
            yours = [s for s in steps(answers[0].value, shape)[0] if s[0] in kinds]
        except Malformed as problem:
            return Mismatch(str(problem))
        right = [s for s in steps(case.expected, shape)[0] if s[0] in kinds]
        for i, (wanted, found) in enumerate(zip_longest(right, yours), start=1):
            if found == wanted:
                continue
            number = f"of the {what}, number {i}"
            if found is None:
                return Mismatch(f"{number} is missing: {said(wanted)}")
            if wanted is None:
                return Mismatch(f"{number}, {said(found)}, is one too many")
            return Mismatch(f"{number} is {said(found)}; it should be {said(wanted)}")
        return None

    return Law(name, says, points, judge)


def holds_parameters(says: str, points: float, shape: Shape) -> Law:
    """The number of parameters is the reference's."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
        try:
            yours = steps(answers[0].value, shape)[1]
        except Malformed as problem:
            return Mismatch(str(problem))
        right = steps(case.expected, shape)[1]
        if yours == right:
            return None
        return Mismatch(f"they have {brief(yours)} parameters; they should have {brief(right)}")

    return Law("parameters", says, points, judge)


def holds_activations(shape: Shape) -> Law:
    """Before the next layer with weights, or the end, every layer with weights but the last has
    one ReLU: right after it, or after the pool that follows."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
        layers = answers[0].value
        try:
            steps(layers, shape)
        except Malformed as problem:
            return Mismatch(str(problem))
        relus = [0]
        for layer in layers:
            if layer["kind"] in ("conv", "dense"):
                relus.append(0)
            elif layer["kind"] == "relu":
                relus[-1] += 1
        if len(relus) == 1:
            return Mismatch("there is no layer with weights")
        before, *between, end = relus
        for i, count in enumerate(between, start=1):
            if count == 0:
                return Mismatch(f"no ReLU follows layer {i} of those with weights")
        if before or end:
            place = "before the first" if before else "after the last"
            return Mismatch(f"a ReLU stands {place} of the layers with weights")
        return None

    says = "a ReLU follows every layer with weights but the last"
    return Law("activations", says, 0.5, judge)


def normal(shape: Shape) -> Callable[[Any], Any]:
    """The spelling in which an answer is compared with a misconception's."""

    def in_one_spelling(layers: Any) -> Any:
        try:
            return steps(layers, shape)[0]
        except Malformed as problem:
            return str(problem)

    return in_one_spelling


def no_arguments(draw: Draw) -> Arguments:
    return {}


def convolution(out: int, side: int, stride: int = 1, padding: int = 0) -> Layer:
    return {
        "kind": "conv", "out": out, "kernel": (side, side), "stride": (stride, stride),
        "padding": (padding, padding),
    }  # fmt: skip


def pool(side: int, stride: int) -> Layer:
    return {"kind": "max_pool", "kernel": (side, side), "stride": (stride, stride)}


def head(*units: int) -> list[Layer]:
    return [{"kind": "flatten"}, *({"kind": "dense", "out": n} for n in units)]


# --- lenet5


def lenet_of(padding: int, second_padding: int, *units: int) -> list[Layer]:
    """LeNet-5 with other paddings and units."""
    first, second = convolution(6, 5, 1, padding), convolution(16, 5, 1, second_padding)
    return [first, pool(2, 2), second, pool(2, 2), *head(*units)]


def lenet_for_28x28():
    """the first convolution is padded by 2, as for MNIST's images of 28x28.
    LeNet-5 takes 32x32 pixels, and none of its layers is padded."""
    return lenet_of(2, 0, 120, 84, 10)


def same_padding_everywhere():
    """both convolutions are padded, so that they keep the size.
    In LeNet-5 a 5x5 convolution makes 28 of 32 and 10 of 14."""
    return lenet_of(2, 2, 120, 84, 10)


def layer_of_84_forgotten():
    """the dense layer of 84 units is left out.
    After the pools come dense layers of 120, 84 and 10."""
    return lenet_of(0, 0, 120, 10)


lenet5 = Exercise(
    ops.lenet5,
    kinds={"list": no_arguments},
    laws=[
        holds_steps("layers",
                    "5x5 convolutions of 6 and 16, each with a 2x2 pool; dense 120, 84, 10", 0.5,
                    LENET_IMAGE,
                    "convolutions, pools and dense layers",
                    ("conv", "pool", "global_avg_pool", "dense")),
        holds_parameters("for images of 1x32x32 they have 61,706 parameters", 0.5, LENET_IMAGE),
        holds_activations(LENET_IMAGE),
    ],
    misconceptions=[lenet_for_28x28, same_padding_everywhere, layer_of_84_forgotten],
    returns=("the list",),
    cases=1,
    normal=normal(LENET_IMAGE),
    formula=(
        "Two rounds of 5x5 convolution (6, then 16 filters) and 2x2 average pooling with "
        "stride 2, then dense layers of 120, 84 and 10. A ReLU follows every layer with "
        "weights but the last.",
    ),
)  # fmt: skip


# --- alexnet


def alexnet_of(
    maps: Sequence[int],
    padding: int = 2,
    window: int = 3,
    units: Sequence[int] = (4096, 4096, 1000),
) -> list[Layer]:
    """AlexNet with other numbers of maps, another first padding, other pools, other units."""
    one, two, three, four, five = maps
    return [
        convolution(one, 11, 4, padding), pool(window, 2),
        convolution(two, 5, 1, 2), pool(window, 2),
        convolution(three, 3, 1, 1), convolution(four, 3, 1, 1), convolution(five, 3, 1, 1),
        pool(window, 2), *head(*units),
    ]  # fmt: skip


MAPS = (64, 192, 384, 256, 256)


def alexnet_of_the_paper():
    """the filters are those of the paper of 2012: 96, 256, 384, 384, 256.
    torchvision builds the later version of one column: 64, 192, 384, 256, 256."""
    return alexnet_of((96, 256, 384, 384, 256))


def pools_without_overlap():
    """the pools are 2x2.
    AlexNet's windows overlap: 3x3 with stride 2."""
    return alexnet_of(MAPS, window=2)


def first_layer_not_padded():
    """the first convolution is not padded.
    With padding 2, 224 pixels become 55."""
    return alexnet_of(MAPS, padding=0)


def one_dense_layer_of_4096():
    """there is only one dense layer of 4096.
    After the last pool come 4096, 4096 and 1000."""
    return alexnet_of(MAPS, units=(4096, 1000))


alexnet = Exercise(
    ops.alexnet,
    kinds={"list": no_arguments},
    laws=[
        holds_steps("convolutions",
                    "five convolutions and three overlapping pools, as torchvision's", 0.5,
                    ALEXNET_IMAGE,
                    "convolutions and pools", ("conv", "pool", "global_avg_pool")),
        holds_steps("dense", "then dense layers of 4096, 4096 and 1000", 0.5, ALEXNET_IMAGE,
                    "dense layers", ("dense",)),
        holds_parameters("for images of 3x224x224 they have 61,100,840 parameters", 0.5,
                         ALEXNET_IMAGE),
        holds_activations(ALEXNET_IMAGE),
    ],
    misconceptions=[
        alexnet_of_the_paper,
        pools_without_overlap,
        first_layer_not_padded,
        one_dense_layer_of_4096,
    ],
    returns=("the list",),
    cases=1,
    normal=normal(ALEXNET_IMAGE),
    formula=(
        "Five convolutions: 64 filters of 11x11 with stride 4 and padding 2; 192 of 5x5 "
        "with padding 2; then 384, 256 and 256 of 3x3 with padding 1.",
        "A 3x3 max pool with stride 2 comes after the first, the second and the last of "
        "them. Then dense layers of 4096, 4096 and 1000. A ReLU follows every layer with "
        "weights but the last.",
    ),
)  # fmt: skip
