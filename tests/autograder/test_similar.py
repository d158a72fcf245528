"""Similar submissions: a renamed copy is found, independent solutions and stubs are not."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from autograder import catalog
from autograder.cli import app
from autograder.report import similar as report
from autograder.similar import K, W, _runs, _winnowed, pairs, stubs_in
from autograder.submissions import Submission, read

TOPICS = frozenset(topic.name for topic in catalog.topics())


@pytest.fixture(scope="module")
def stubs(root):
    return stubs_in(root / "exercises")


@pytest.fixture(scope="module")
def right(golden):
    return [read(path, TOPICS) for path in sorted(golden.glob("right-*"))]


def renamed(submission):
    """A copy in which every name of the student's own is another, and comments too."""
    names = "|".join(("np", "out", "x", "w", "rows", "columns", "kernel", "stride", "padding", "y"))

    def disguised(text):
        text = re.sub(rf"(?<![\w.])({names})\b", r"my_\1", text)
        return "# my own work\n" + re.sub(
            r"(?m)^(    +)(return .*)$", r"\1# done\n\n\1\2  # !", text
        )

    sources = {module: disguised(text) for module, text in submission.sources.items()}
    return Submission("copy", sources)


def test_independent_solutions_are_not_alike(right, stubs):
    assert len(right) > 5
    assert pairs(right, stubs) == []
    assert pairs(right, stubs, 0.15) == []


@pytest.mark.parametrize("which", [0, 2, 5])
def test_a_renamed_copy_is_found(which, right, stubs):
    copy = renamed(right[which])
    assert copy.sources != right[which].sources
    (pair,) = pairs([*right, copy], stubs)
    assert {pair.one, pair.other} == {right[which].name, "copy"}
    assert pair.share > 0.8


def test_stubs_alone_are_nobodys_work(root, stubs):
    given = {text.partition("\n")[0]: text for text in stubs}
    alone = [Submission(name, dict(given)) for name in ("alice", "bob")]
    assert pairs(alone, stubs) == []
    assert pairs(alone, []) != []


def test_what_the_class_shares_does_not_count(right, stubs):
    handout = right[0].sources
    everybody = [Submission(f"s{number}", handout) for number in range(5)]
    assert pairs(everybody, stubs) == []


def test_winnowing_keeps_its_promise():
    """A common run of K + W - 1 tokens is found, wherever it stands."""
    common = "a = b + c * d - e / f @ g % h & i | j ^ k << l >> m ** n // o == p < q > r"
    assert len(common.split()) >= K + W - 1
    found = []
    for before in ("", "z(1)\n" * 3, "if u:\n    pass\n" * 7):
        found.append({print_ for print_, _ in _winnowed(list(_runs(f"{before}{common}\n", "m")))})
    assert found[0] & found[1] & found[2]


@pytest.mark.parametrize("text", ["", "x = (", "\0", "  x\n y\n", "'''", "\x0c" * 9, "(" * 500])
def test_what_is_no_python_stops_nobody(text, right, stubs):
    odd = Submission("odd", {"padding": text})
    assert pairs([odd, right[0]], stubs) == []


def test_the_page_is_harmless_and_marks_what_is_shared(right, stubs):
    copy = Submission("<b>copy</b>\u202e", {**right[0].sources, "odd": "<script>"})
    found = pairs([right[0], copy], stubs)
    source = report.page(found, [right[0], copy])
    assert "<b>" not in source
    assert "&lt;b&gt;copy&lt;/b&gt;\\u202e" in source
    assert source.count("<script>") == 1
    assert source.count("<mark>") > 100
    assert "http" not in source.replace("http-equiv", "")
    assert "No two of 3 submissions are alike." in report.page([], right[:3])


def test_the_command(tmp_path, right, root):
    for submission in (right[0], renamed(right[0]), right[1]):
        (tmp_path / "class" / submission.name).mkdir(parents=True)
        for module, text in submission.sources.items():
            (tmp_path / "class" / submission.name / f"{module}.py").write_text(text)
    page = tmp_path / "similar.html"
    arguments = ["--exercises", str(root / "exercises"), "--page", str(page)]
    done = CliRunner().invoke(app, ["similar", str(tmp_path / "class"), *arguments])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert re.match(rf" +\d+%  copy +{right[0].name} ", lines[1])
    assert lines[2:] == ["", report.HINT]
    assert max(map(len, lines)) <= 80
    assert "pair-1" in page.read_text(encoding="utf-8")
    done = CliRunner().invoke(
        app, ["similar", str(tmp_path / "class"), "--exercises", str(tmp_path)]
    )
    assert done.exit_code == 2
    assert "holds no stubs" in done.output
