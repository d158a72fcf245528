"""A `config.json` as a graph of allowed layers: read as data, and bounded before anything is made.

Nothing that the file names is imported or called. A model inside a model is laid flat.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.capstone import layers
from autograder.capstone.layers import Layer, Shape
from autograder.capstone.settings import LARGEST, Refused

# MobileNetV2 has 154 layers, LeNet 12. An image of 28 x 28 is 784 activations.
MAX_LAYERS = 400
MAX_DEPTH = 8
MAX_PARAMETERS = 500_000
MAX_ACTIVATIONS = 1_500_000
# All layers together, and the work for one image: a core does some 30 billion a second.
MAX_ALL_ACTIVATIONS = 12_000_000
MAX_MULTIPLY_ADDS = 50_000_000

INPUT = (28, 28, 1)
OUTPUT = (10,)

_MODELS = ("Functional", "Sequential", "Model")
_MODEL_MODULES = (
    "keras",
    "keras.models",
    "keras.src.models.functional",
    "keras.src.models.sequential",
    "keras.src.models.model",
)
_LAYER_MODULES = ("keras.layers",)
# What a file may name besides layers and models: none of it is made here. Elsewhere Keras makes it,
# and each of these is Keras' own.
_OTHER_MODULES = (
    "keras.initializers",
    "keras.regularizers",
    "keras.constraints",
    "keras.optimizers",
    "keras.optimizers.schedules",
    "keras.losses",
    "keras.metrics",
)
_DANGEROUS = {
    "Lambda": "it holds Python code",
    "TFSMLayer": "it loads another file",
    "TorchModuleWrapper": "it holds pickled Python objects",
    "FlaxLayer": "it holds Python code",
    "JaxLayer": "it holds Python code",
    "StringLookup": "it reads files",
    "IntegerLookup": "it reads files",
    "TextVectorization": "it reads files",
}
_NUMBER_OPERATIONS = {
    "Add": "Add",
    "Subtract": "Subtract",
    "Multiply": "Multiply",
    "TrueDivide": "Divide",
    "Divide": "Divide",
}


@dataclass(frozen=True)
class Node:
    """One use of a layer.

    name     where it is, such as `backbone/conv2d`
    layer    None for the input
    inputs   the nodes whose outputs it takes, by their place in the graph
    weights  where the weights lie in the weights file, in order
    """

    name: str
    layer: Layer | None
    inputs: tuple[int, ...]
    weights: tuple[str, ...]
    shape: Shape


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which they can be computed; the first is the input."""

    nodes: tuple[Node, ...]
    output: int

    def expected(self) -> dict[str, Shape]:
        """Every array that is needed, and its shape."""
        found: dict[str, Shape] = {}
        for node in self.nodes:
            if node.layer is None:
                continue
            for path, shape in zip(node.weights, node.layer.weights, strict=True):
                if found.setdefault(path, shape) != shape:
                    raise Refused(f"the layer {node.name} is used with inputs of two shapes")
        return found

    @property
    def parameters(self) -> int:
        return sum(math.prod(shape) for shape in self.expected().values())

    @property
    def multiply_adds(self) -> int:
        return sum(node.layer.multiply_adds for node in self.nodes if node.layer is not None)


def read(config: Any, output: Shape | None = OUTPUT) -> Graph:
    """The graph of a `config.json`; Refused, with the sentence, if it is not allowed.

    The answers must have the shape `output`, where one is asked for.
    """
    _allowed(config)
    reader = _Reader()
    model = _object(config)
    end = reader.model(model, None, "", "", 0)
    graph = _reachable(Graph(tuple(reader.nodes), end))
    if graph.nodes[0].shape != INPUT and graph.nodes[0].shape != INPUT[:2]:
        raise Refused(
            f"the model takes inputs of shape {_spelled(graph.nodes[0].shape)}; it must take raw "
            f"digits, {_spelled(INPUT)}"
        )
    if output is not None and graph.nodes[graph.output].shape != output:
        shape = _spelled(graph.nodes[graph.output].shape)
        raise Refused(f"the model answers with {shape}; it must answer with 10 numbers a digit")
    if graph.parameters > MAX_PARAMETERS:
        raise Refused(f"the model has {graph.parameters:,} parameters; at most {MAX_PARAMETERS:,}")
    return graph


def _spelled(shape: Shape) -> str:
    return "(" + ", ".join(["N", *map(str, shape)]) + ")"


# --- what a file may name at all


def _allowed(config: Any) -> None:
    """Refuse every named object that is not on the lists, wherever in the file it stands."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
            if "class_name" in value:
                _allowed_object(value)


def _allowed_object(value: Mapping[str, Any]) -> None:
    kind, module = value["class_name"], value.get("module")
    registered = value.get("registered_name")
    shown = _shown(kind)
    if not isinstance(kind, str) or not isinstance(module, str | None):
        raise Refused("the file's config.json does not describe a Keras model")
    if kind == "__keras_tensor__" and "module" not in value:
        return
    if kind in _DANGEROUS:
        raise Refused(
            f"the model has a layer {shown}, which is not scored since {_DANGEROUS[kind]}; "
            "use Keras' own layers"
        )
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,60}", kind):
        raise Refused(f"the model names an object {shown}, which is none of Keras' own layers")
    if registered not in (None, kind):
        raise Refused(
            f"the model has a custom object, {_shown(registered)}; use Keras' own layers, and "
            "leave custom losses and metrics out"
        )
    if module in _LAYER_MODULES:
        if kind not in layers.ALLOWED and kind != "InputLayer":
            raise Refused(f"the model has a layer {shown}, which is not among those scored")
    elif module in _MODEL_MODULES:
        if kind not in (*_MODELS, "DTypePolicy"):
            raise Refused(f"the model is a {shown}; make it Functional or Sequential")
    elif module == "keras.src.ops.numpy":
        if kind not in _NUMBER_OPERATIONS:
            raise Refused(f"the model has an operation {shown}; use layers instead")
    elif module not in _OTHER_MODULES:
        raise Refused(
            f"the model names {_shown(module)}.{shown}, which is none of Keras' own layers, losses "
            "or metrics"
        )


def _shown(value: Any) -> str:
    """Somebody else's text in a sentence of ours: short, and nothing but plain characters."""
    return re.sub(r"[^A-Za-z0-9_.> -]", "?", str(value)[:60])


# --- the graph


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Refused("the file's config.json does not describe a Keras model")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Refused("the file's config.json does not describe a Keras model")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > 200:
        raise Refused("the file's config.json does not describe a Keras model")
    return value


class _Reader:
    """Lays models flat, one node for each use of a layer."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.activations = 0
        self.multiply_adds = 0

    def add(self, name: str, layer: Layer, inputs: Sequence[int], weights: Sequence[str]) -> int:
        size = math.prod(layer.shape)
        self.activations += size
        self.multiply_adds += layer.multiply_adds
        if len(self.nodes) > MAX_LAYERS:
            raise Refused(f"the model has more than {MAX_LAYERS} layers")
        if size > MAX_ACTIVATIONS:
            raise Refused(
                f"the layer {_shown(name)} gives {size:,} numbers an image; at most "
                f"{MAX_ACTIVATIONS:,}"
            )
        if self.activations > MAX_ALL_ACTIVATIONS:
            raise Refused(f"its layers give more than {MAX_ALL_ACTIVATIONS:,} numbers an image")
        if self.multiply_adds > MAX_MULTIPLY_ADDS:
            raise Refused(
                f"the model needs more than {MAX_MULTIPLY_ADDS:,} multiplications an image; "
                "make it smaller"
            )
        if sum(math.prod(shape) for shape in layer.weights) > MAX_PARAMETERS:
            raise Refused(
                f"the layer {_shown(name)} alone has more than {MAX_PARAMETERS:,} parameters"
            )
        self.nodes.append(Node(name, layer, tuple(inputs), tuple(weights), layer.shape))
        return len(self.nodes) - 1

    def input(self, config: Mapping[str, Any], name: str) -> int:
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        if (
            not isinstance(shape, list)
            or not 2 <= len(shape) <= 5
            or shape[0] is not None
            or not all(type(n) is int and 0 < n <= LARGEST for n in shape[1:])
        ):
            raise Refused("the model's input must have a fixed shape, such as (None, 28, 28, 1)")
        self.nodes.append(Node(name, None, (), (), tuple(shape[1:])))
        return len(self.nodes) - 1

    def model(
        self, entry: Mapping[str, Any], given: int | None, name: str, path: str, depth: int
    ) -> int:
        """The output of a model for a node as its input; without one, for an input of its own."""
        if depth > MAX_DEPTH:
            raise Refused(f"the model has more than {MAX_DEPTH} models inside one another")
        config = _object(entry.get("config"))
        kind = entry.get("class_name")
        if kind == "Sequential":
            return self.sequential(config, given, name, path, depth)
        if kind in ("Functional", "Model"):
            return self.functional(config, given, name, path, depth)
        raise Refused(f"the model is a {_shown(kind)}; make it Functional or Sequential")

    def sequential(
        self, config: Mapping[str, Any], given: int | None, name: str, path: str, depth: int
    ) -> int:
        entries = [_object(entry) for entry in _list(config.get("layers"))]
        at = given
        # Keras counts the layers of a Sequential without its input.
        paths = _Paths(path)
        for entry in entries:
            inner = _object(entry.get("config"))
            if entry.get("class_name") == "InputLayer":
                if at is None:
                    at = self.input(inner, "input")
                continue
            if at is None:
                raise Refused("the model's first layer must be an Input of shape (28, 28, 1)")
            label = _joined(name, _text(inner.get("name")))
            at = self.use(entry, [at], label, paths.of(entry), depth)
        if at is None:
            raise Refused("the model has no layers")
        return at

    def functional(
        self, config: Mapping[str, Any], given: int | None, name: str, path: str, depth: int
    ) -> int:
        entries = [_object(entry) for entry in _list(config.get("layers"))]
        if len(entries) > MAX_LAYERS:
            raise Refused(f"the model has more than {MAX_LAYERS} layers")
        (begin,) = _ends(config.get("input_layers"), "input")
        (end,) = _ends(config.get("output_layers"), "output")
        paths = _Paths(path)
        calls: dict[tuple[str, int], _Call] = {}
        done: dict[tuple[str, int], int] = {}
        for entry in entries:
            label = _text(entry.get("name", _object(entry.get("config")).get("name")))
            where = paths.of(entry)
            if entry.get("class_name") == "InputLayer":
                if (label, 0) != begin:
                    raise Refused("the model must have one input and one output")
                if given is None:
                    given = self.input(_object(entry.get("config")), "input")
                done[begin] = given
                continue
            for number, node in enumerate(_list(entry.get("inbound_nodes"))):
                if (label, number) in calls:
                    raise Refused(f"two layers of the model are called {_shown(label)}")
                calls[label, number] = _Call(entry, where, _parents(_object(node)))
            if label == end[0] and entry.get("class_name") in ("Functional", "Model"):
                # A Functional model was called once when it was made, and where outputs are named
                # (but nowhere else) Keras counts that call.
                end = label, end[1] - 1
        # Each call when all that it takes is there; calls that are not needed are never made.
        waiting = [end]
        entered: set[tuple[str, int]] = set()
        while waiting:
            key = waiting[-1]
            if key in done:
                waiting.pop()
                continue
            if key not in calls:
                raise Refused(f"a layer takes the output of {_shown(key[0])}, which is not there")
            call = calls[key]
            missing = [p for p in call.tensors() if p not in done]
            if missing:
                if key in entered:
                    raise Refused(f"the layer {_shown(key[0])} needs its own output")
                entered.add(key)
                waiting.extend(missing)
                continue
            parents = [done[p] if isinstance(p, tuple) else p for p in call.parents]
            done[key] = self.call(call, parents, _joined(name, key[0]), depth)
            waiting.pop()
        return done[end]

    def call(self, call: _Call, parents: Sequence[int | float], name: str, depth: int) -> int:
        if call.entry.get("module") != "keras.src.ops.numpy":
            nodes = [p for p in parents if isinstance(p, int)]
            if len(nodes) != len(parents):
                raise Refused(f"the layer {_shown(name)} takes a number as its input")
            return self.use(call.entry, nodes, name, call.path, depth)
        kind = _NUMBER_OPERATIONS[call.entry["class_name"]]
        nodes = [p for p in parents if isinstance(p, int)]
        shapes = [self.nodes[p].shape for p in nodes]
        numbers = [None if isinstance(p, int) else p for p in parents]
        return self.add(name, layers.Arithmetic(kind, numbers, shapes), nodes, ())

    def use(
        self, entry: Mapping[str, Any], inputs: Sequence[int], name: str, path: str, depth: int
    ) -> int:
        kind = entry.get("class_name")
        if not isinstance(kind, str):
            raise Refused("the file's config.json does not describe a Keras model")
        if kind in _MODELS:
            if len(inputs) != 1:
                raise Refused(f"the model {_shown(name)} has {len(inputs)} inputs; it takes one")
            return self.model(entry, inputs[0], name, f"{path}/", depth + 1)
        if kind not in layers.ALLOWED or entry.get("module") not in _LAYER_MODULES:
            raise Refused(f"the model has a layer {_shown(kind)}, which is not among those scored")
        shapes = [self.nodes[i].shape for i in inputs]
        try:
            layer = layers.build(kind, _object(entry.get("config")), shapes)
        except Refused as refusal:
            raise Refused(f"{_shown(name)}: {refusal}") from None
        weights = [f"{path}/{place}" for place in layers.places(layer)]
        return self.add(name, layer, inputs, weights)


@dataclass(frozen=True)
class _Call:
    entry: Mapping[str, Any]
    path: str
    parents: tuple[tuple[str, int] | float, ...]

    def tensors(self) -> Iterator[tuple[str, int]]:
        return (parent for parent in self.parents if isinstance(parent, tuple))


class _Paths:
    """Where Keras puts the layers of one model in the weights file: by class, counted."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.seen: dict[str, int] = {}

    def of(self, entry: Mapping[str, Any]) -> str:
        kind = re.sub(r"\W+", "", _text(entry.get("class_name")))
        kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
        count = self.seen.get(kind, 0)
        self.seen[kind] = count + 1
        return f"{self.path}layers/{kind}{f'_{count}' if count else ''}"


def _joined(name: str, label: str) -> str:
    return f"{name}/{label}" if name else label


def _ends(value: Any, what: str) -> list[tuple[str, int]]:
    """[name, node, tensor], or a list of one of those."""
    ends = value if value and isinstance(value, list) and isinstance(value[0], list) else [value]
    if len(ends) != 1:
        raise Refused(f"the model has {len(ends)} {what}s; it must have one")
    return [_tensor(ends[0])]


def _tensor(history: Any) -> tuple[str, int]:
    parts = _list(history)
    if len(parts) != 3 or type(parts[1]) is not int or parts[2] != 0:
        raise Refused("a layer of the model has more than one output")
    return _text(parts[0]), parts[1]


def _parents(node: Mapping[str, Any]) -> tuple[tuple[str, int] | float, ...]:
    """What one call takes: outputs of other calls, and numbers."""
    kwargs = _object(node.get("kwargs", {}))
    for key, value in kwargs.items():
        if key not in ("training", "mask") or not (value is None or isinstance(value, bool)):
            raise Refused(f"a layer of the model is called with {_shown(key)}, which is not known")
    flat: list[Any] = []
    for argument in _list(node.get("args")):
        flat += argument if isinstance(argument, list) else [argument]
    parents: list[tuple[str, int] | float] = []
    for value in flat:
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            parents.append(_tensor(_object(value.get("config")).get("keras_history")))
        elif type(value) in (int, float) and abs(value) < 1e30:
            parents.append(float(value))
        else:
            raise Refused("a layer of the model is called with something other than outputs")
    return tuple(parents)


def _reachable(graph: Graph) -> Graph:
    """Without the nodes that the output does not need; the input comes first."""
    needed = {graph.output}
    for index in range(graph.output, -1, -1):
        if index in needed:
            needed.update(graph.nodes[index].inputs)
    inputs = [i for i, node in enumerate(graph.nodes) if node.layer is None]
    if not needed & set(inputs):
        raise Refused("the model's answer does not depend on its input")
    order = inputs[:1] + [i for i in sorted(needed) if i not in inputs]
    place = {old: new for new, old in enumerate(order)}
    nodes = []
    for old in order:
        node = graph.nodes[old]
        moved = tuple(place[i] for i in node.inputs)
        nodes.append(Node(node.name, node.layer, moved, node.weights, node.shape))
    return Graph(tuple(nodes), place[graph.output])
