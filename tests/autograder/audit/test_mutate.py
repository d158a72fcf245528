"""Each operator on small sources: what is changed, and what is left alone."""

from __future__ import annotations

import ast
import textwrap

import pytest

from autograder.audit import twin
from autograder.audit.mutate import mutants


def of(source, module="m"):
    text = textwrap.dedent(source)
    known = {n.name: n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)}
    return list(mutants(module, text, known))


def changes(source):
    """The changed lines of a one-line function body, by operator."""
    found = {}
    for mutant in of(source):
        found.setdefault(mutant.operator, []).append(mutant.after)
    return found


def body(line, parameters="a, b, x, y"):
    return f"def f({parameters}):\n    {line}\n"


@pytest.mark.parametrize(
    ("line", "operator", "after"),
    [
        ("return a + 3", "off by one", ["return a + 4", "return a + 2"]),
        ("return a + 0.5", "changed constant", ["return a + 1.0"]),
        ("return a == 'same'", "changed constant", ['return a == "same_"']),
        ("return a + b", "changed sign", ["return a - b"]),
        ("return a * b", "changed sign", ["return a / b"]),
        ("return a // b", "rounded up", ["return -(-a // b)"]),
        ("return a - b", "swapped operands", ["return b - a"]),
        ("return a @ b", "swapped operands", ["return b @ a"]),
        ("return a + b", "dropped operand", ["return a", "return b"]),
        ("return (a + b) * x", "dropped operand", ["return (a + b)", "return x", "return (a) * x",
                                                   "return (b) * x"]),
        ("return -a", "dropped sign", ["return a"]),
        ("return not a", "dropped sign", ["return a"]),
        ("return a < b", "changed comparison", ["return a <= b"]),
        ("return a in b", "changed comparison", ["return a not in b"]),
        ("return a and b", "and for or", ["return a or b"]),
        ("return a or b", "dropped condition", ["return b", "return a"]),
        ("return a if x else b", "dropped condition", ["return a", "return b"]),
        ("return x.sum(axis=1)", "dropped argument", ["return x.sum()"]),
        ("return x.sum(axis=1)", "another function", ["return x.mean(axis=1)"]),
        ("return (a + b).max()", "another function", ["return (a + b).min()"]),
        ("return min(a, b)", "another function", ["return max(a, b)"]),
        ("return min(a, b)", "dropped call", ["return a", "return b"]),
        ("return x.copy()", "dropped call", ["return x"]),
        ("return x.T @ y", "transposed", ["return x @ y"]),
        ("return x[::-1]", "dropped step", ["return x[:]"]),
        ("return x[a:b]", "dropped end", ["return x[a:]"]),
        ("return x[a:b]", "off by one", ["return x[a:b + 1]", "return x[a + 1:b]",
                                         "return x[a:b - 1]", "return x[a - 1:b]"]),
        ("return a, b", "swapped pair", ["return b, a"]),
        ("return g(a, b)", "swapped arguments", ["return g(b, a)"]),
        ("x[a] = b", "+= for =", ["x[a] += b"]),
        ("x[a] += b", "= for +=", ["x[a] = b"]),
        ("x[a] += b", "removed statement", ["pass"]),
        ("a, b = x", "swapped pair", ["b, a = x"]),
        ("return list(range(a))", "off by one", ["return list(range(1, a))",
                                                 "return list(range(a + 1))",
                                                 "return list(range(a - 1))"]),
    ],
)  # fmt: skip
def test_operators(line, operator, after):
    assert changes(body(line))[operator] == after


def test_rows_are_taken_for_columns():
    found = changes("def f(x):\n    kh, kw = x\n    return kh + 2 * kw\n")
    assert found["swapped name"] == ["return kw + 2 * kw", "return kh + 2 * kh"]
    found = changes("def f(x):\n    for i in x:\n        for j in x:\n            print(i)\n")
    assert "print(j)" in found["swapped name"]
    found = changes("def f(x):\n    ho = g(x, 0)\n    wo = g(x, 1)\n    return ho\n")
    assert found["swapped name"] == ["return wo"]


@pytest.mark.parametrize(
    "source",
    [
        'def f(x):\n    """One 1 and two."""\n',
        "def f(x: Sequence[1], y: int) -> Tuple[1, 2]:\n    pass\n",
        'def f(x):\n    raise ValueError(f"at least {x + 1}, not 2")\n',
        "import numpy as np\nfrom . import a\n",
    ],
)
def test_what_is_no_code_is_left_alone(source):
    assert of(source) == []


def test_the_word_for_messages_is_left_alone():
    helper = "def check(name, value, low=0):\n    pass\n\n\n"
    found = changes(helper + 'def f(x):\n    return check("x", x, 2)\n')
    assert found["dropped argument"] == ['return check("x", x)']
    assert found["swapped arguments"] == ['return check("x", 2, x)']
    assert "changed constant" not in found


def test_what_cannot_differ_is_not_made():
    zeros = "def f(x):\n    y = np.zeros(3)\n    y[0] = x\n"
    assert "+= for =" not in changes(zeros)
    assert "swapped pair" not in changes(body("return x.sum(axis=(0, 2))"))
    assert "swapped pair" not in changes(body("return a in (1, 2)"))
    assert "swapped pair" not in changes(body("a, b = 1, 1"))
    assert "swapped arguments" not in changes(body("return min(a, b)"))
    # Without its only assignment, a name does not exist; its removal is no slip of the hand.
    assert "removed statement" not in changes(body("z = a"))
    assert "removed statement" in changes(body("a = x"))


def test_one_change_in_its_place():
    source = "def f(a):\n    # why\n    b = (a  +  1)  # kept\n    return b\n"
    for mutant in of(source):
        changed = zip(source.splitlines(), mutant.source.splitlines(), strict=True)
        assert sum(before != after for before, after in changed) == 1
        assert ast.parse(mutant.source)


def test_the_same_text_is_made_once():
    assert changes(body("return min(a, a)"))["dropped call"] == ["return a"]


def test_mutants_have_names_of_their_own():
    found = of("def f(x):\n    x[0] = 1\n    x[0] = 1\n")
    names = [mutant.identity for mutant in found]
    assert len(set(names)) == len(names)
    assert "f: x[0] = 1 -> x[0] = 2" in names
    assert "f: x[0] = 1 -> x[0] = 2 (2)" in names


def test_names_outlive_edits_elsewhere():
    def names(source):
        return {mutant.identity for mutant in of(source)}

    alone = "def f(x):\n    return x + 1\n"
    assert names("import numpy\n\n\n" + alone + "\n\ndef g(x):\n    return x\n") >= names(alone)


def test_long_lines_are_shown_around_their_change():
    terms = " + ".join(f"number_{i}" for i in range(20))
    mutant = next(m for m in of(body(f"return {terms}")) if "number_9 - number_10" in m.after)
    assert len(mutant.after) < 90
    assert mutant.after.startswith("... ")
    assert mutant.after.endswith(" ...")


def test_all_mutants_of_the_answer_key_can_be_compiled():
    texts = twin.sources()
    known = {name: node for (_, name), node in twin.functions(texts).items()}
    found = [m for module, text in texts.items() for m in mutants(module, text, known)]
    assert len(found) > 3000
    assert len({m.identity for m in found}) == len(found)
    for mutant in found[::10]:
        compile(mutant.source, mutant.module, "exec")
