"""The page that a student gets back: everything is on it, nothing is loaded, nothing leaks."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
from courses import PADDING, ROOT, Course, grade_id, solved
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell
from nbgrader.api import Gradebook

from autograder import catalog
from autograder.bank import Banks, Seed
from autograder.integrations.nbgrader.feedback import comment_of, contents, plain_markdown
from autograder.integrations.nbgrader.settings import TEMPLATES

SEED = "damson-51c9-vermicelli"
COMMENT = "Look at the **order** of the pairs again. <script>commented</script>"
SETTINGS = f"""
c.Judge.seed = {SEED!r}
c.AssignLatePenalties.plugin_class = "autograder.integrations.nbgrader.late.LatePerDay"
"""
SWAPPED = """
import numpy as np

def zero_pad2d(x, padding):
    (top, bottom), (left, right) = padding
    if min(top, bottom, left, right) < 0 or np.ndim(x) != 4:
        raise ValueError(padding)
    return np.pad(x, ((0, 0), (0, 0), (left, right), (top, bottom))) * 1.0
"""
# What it is called with, in the ways in which a student's code can tell it.
TELLING = """
import sys
import numpy as np

def zero_pad2d(x, padding):
    print(x.tolist())
    print(repr(x), file=sys.stderr)
    if x.size > 12:
        raise RuntimeError(str(x.tolist()) + __file__)
    return np.pad(x, ((0, 0), (0, 0), *padding)) * 1.0
"""
LENGTH = 10
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)><iframe></iframe><style>*{}</style>"
HOSTILE = [
    new_markdown_cell(f"# {MARKUP}"),
    new_markdown_cell("> quoted <svg onload=alert(3)>\n\n</section></main><form action=/>"),
    new_markdown_cell("[one](javascript&colon;alert(4)) [two](javascript\\:alert(5))"),
    new_markdown_cell("[three][t]\n\n[t]: data:,6"),
    new_markdown_cell("![picture](pictures.example/pixel.png)"),
    new_markdown_cell("<https://links.example>"),
    new_markdown_cell(f"```mermaid\n{MARKUP}\n```\n\n```python\n{MARKUP}\n```"),
    new_raw_cell(MARKUP),
    new_code_cell(f"def helper():\n    return '</pre>{MARKUP}'"),
]
RAISING = f"def zero_pad2d(x, padding):\n    raise ValueError({'</pre>' + MARKUP!r})\n"


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, source):
        super().__init__()
        self.elements = []
        self.words = []
        self.feed(source)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def values(self, name):
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def with_functions(notebook, **sources):
    for cell in notebook.cells:
        if (name := grade_id(cell).removeprefix("write_")) in sources:
            cell.source = sources[name] if "write_" in grade_id(cell) else cell.source
    return notebook


@pytest.fixture(scope="module")
def run(pristine, tmp_path_factory):
    """A class is graded, and gets its feedback."""
    course = Course(Path(shutil.copytree(pristine, tmp_path_factory.mktemp("feedback") / "course")))
    config = course.folder / "nbgrader_config.py"
    config.write_text(config.read_text("utf-8") + SETTINGS, "utf-8")
    course.nbgrader("db", "assignment", "add", PADDING, "--duedate", "2026-11-01 12:00:00 UTC")

    course.hand_in("right", solved(course.released()))
    course.hand_in("empty", course.released())
    for student in ("swapped", "late"):
        course.hand_in(student, with_functions(solved(course.released()), zero_pad2d=SWAPPED))
    (course.place("late") / "timestamp.txt").write_text("2026-11-02 18:00:00 UTC")
    course.hand_in("telling", with_functions(solved(course.released()), zero_pad2d=TELLING))
    hostile = with_functions(solved(course.released()), zero_pad2d=RAISING)
    hostile.cells[1:1] = HOSTILE
    course.hand_in("hostile", hostile)
    (course.place("modules") / "padding.py").write_text(SWAPPED)

    course.nbgrader("autograde", PADDING)
    with Gradebook(f"sqlite:///{course.folder}/gradebook.db") as gradebook:
        where = (PADDING, PADDING, "swapped")
        gradebook.find_comment("write_zero_pad2d", *where).manual_comment = COMMENT
        gradebook.find_grade("zero_pad2d", *where).manual_score = 2.25
        gradebook.db.commit()
    course.nbgrader("generate_feedback", PADDING)
    return course


@pytest.fixture(scope="module")
def sources(run):
    files = (run.folder / "feedback").glob(f"*/{PADDING}/{PADDING}.html")
    found = {file.parts[-3]: file.read_text("utf-8") for file in files}
    assert len(found) == 7
    return found


@pytest.fixture(scope="module")
def pages(sources):
    return {student: Page(source) for student, source in sources.items()}


@pytest.mark.slow
def test_the_contents_name_each_function_with_its_points_and_comment(run, sources, pages):
    rows = {
        student: re.findall(r"<tr><td>.*?</tr>", source, re.DOTALL)
        for student, source in sources.items()
    }
    told = {name: [Page(row).text for row in found] for name, found in rows.items()}
    assert [text.split() for text in told["right"]] == [
        ["output_size", "✓", "3", "of", "3", "none"],
        ["same_padding", "✓", "3", "of", "3", "none"],
        ["zero_pad2d", "✓", "4", "of", "4", "none"],
    ]
    assert [text.split()[1:] for text in told["empty"]] == [
        ["✗", "0", "of", points, "none"] for points in "334"
    ]
    assert told["swapped"][2].split() == ["zero_pad2d", "✗", "2.25", "of", "4", "comment"]
    for student, score in run.grades().items():
        assert f"Score {score:g} of 10 points" in pages[student].text


@pytest.mark.slow
def test_every_link_leads_to_one_place_of_the_page(pages):
    for page in pages.values():
        places = page.values("id")
        assert len(set(places)) == len(places)
        targets = page.values("href")
        assert {target[:1] for target in targets} == {"#"}
        assert {target[1:] for target in targets} <= set(places)
        assert {"#cell-output_size", "#cell-zero_pad2d", "#top"} <= set(targets)
    assert "#comment-write_zero_pad2d" in pages["swapped"].values("href")


@pytest.mark.slow
def test_the_finding_is_there_with_its_pictures_and_the_code_it_is_about(sources, pages):
    assert "np.pad(x, ((0, 0), (0, 0), (left, right), (top, bottom)))" in (
        "".join(pages["swapped"].words)
    )
    assert "rows and columns" in pages["swapped"].text or "Hint" in pages["swapped"].text
    assert "The smallest input found that shows it" in pages["swapped"].text
    assert "<svg" in sources["swapped"]
    assert "<svg" not in sources["right"]
    assert "Not attempted" in pages["empty"].text
    # Modules were handed in: no cell was written, and they were judged.
    assert "was not handed in" in pages["modules"].text
    assert pages["modules"].text.count("Nothing was written in this cell.") == 3
    assert "The smallest input found that shows it" in pages["modules"].text


@pytest.mark.slow
def test_what_a_grader_wrote_and_changed_is_there(pages):
    page = pages["swapped"]
    assert "strong" in [tag for tag, _ in page.elements]
    assert "Look at the order of the pairs again. <script>commented</script>" in page.text
    assert re.search(r"A grader set these points; the tests gave [\d.]+ of 4\.", page.text)
    for student in pages.keys() - {"swapped"}:
        assert "A grader set" not in pages[student].text
        assert "No response" not in pages[student].text


@pytest.mark.slow
def test_a_late_penalty_is_told(run, pages):
    score = run.grades()["late"]
    found = re.search(r"Handed in late ([\d.]+) taken off ([\d.]+)", pages["late"].text)
    taken, whole = map(float, found.groups())
    assert taken > 0
    assert whole - taken == pytest.approx(score, abs=0.011)
    assert "Handed in late" not in pages["right"].text


@pytest.mark.slow
def test_pictures_that_were_not_drawn_have_no_cell_and_helpers_do(pages):
    for page in pages.values():
        assert "pictures.places" not in "".join(page.words)
        assert "import check" not in "".join(page.words)
    assert "def helper():" in "".join(pages["hostile"].words)


@pytest.mark.slow
def test_nothing_is_loaded(sources, pages):
    for student, page in pages.items():
        tags = {tag for tag, _ in page.elements}
        assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
        for name in ("src", "srcset", "action", "background", "data", "poster", "xlink:href"):
            assert not page.values(name), name
        (policy,) = page.values("content")[:1]
        assert "default-src 'none'" in policy
        assert "@import" not in sources[student]
        assert "url(" not in sources[student]
        if student != "hostile":
            assert not re.search(r"https?://|//[a-z]+\.", sources[student])


@pytest.mark.slow
def test_markup_of_a_student_is_text(sources, pages):
    page = pages["hostile"]
    # A style for the page and one for each finding.
    assert [tag for tag, _ in page.elements].count("style") == 1 + 3
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
    assert "style" not in {name for _, attributes in page.elements for name in attributes}
    structure = ("main", "header", "body", "html")
    assert [[tag for tag, _ in page.elements].count(name) for name in structure] == [1] * 4
    assert sources["hostile"].count("</main>") == 1
    # It is shown as it was written: in a heading, fences, raw text, code and an exception.
    shown = html.unescape(re.sub(r"<[^>]*>", "", sources["hostile"]))
    assert shown.count(MARKUP) >= 5
    for text in ("one", "two", "three", "picture", "links.example"):
        assert text in page.text


def numbers(text):
    """The numbers of a text in their order, to four digits, however they are set."""
    found = re.findall(r"(?<![\w.])-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?![\w.])", text)
    return [f"{float(number):.4g}" for number in found]


def rows(found):
    """So many numbers that follow each other as no page has by chance."""
    every = zip(*(found[i:] for i in range(LENGTH)), strict=False)
    return {row for row in every if len(set(row)) > LENGTH // 2}


def arrays(banks):
    return [
        array
        for exercise in catalog.select(["padding"])
        for case in banks.of(exercise).cases
        for array in (*case.arguments.values(), case.expected)
        if isinstance(array, np.ndarray) and array.size >= LENGTH
    ]


def rows_of(every):
    return set().union(*(rows([f"{v:.4g}" for v in array.ravel().tolist()]) for array in every))


@pytest.mark.slow
def test_no_page_tells_a_secret(run, sources):
    hidden = arrays(Banks(Seed(SEED)))
    secret = rows_of(hidden) - rows_of(arrays(Banks()))
    assert len(secret) > 300
    places = {run.folder, ROOT, Path(sys.prefix), Path(sys.base_prefix), Path.home()}
    places -= {Path("/usr"), Path("/usr/local"), Path("/")}
    reference, *known = (
        (ROOT / folder / "padding.py").read_text("utf-8")
        for folder in ("reference/pure", "exercises", "tests/submissions/right-loops/exercises")
    )
    lines = {line.strip() for line in reference.splitlines() if len(line.strip()) > 30}
    lines = {line for line in lines if line not in "".join(known)}
    assert len(lines) > 5
    for student, source in sources.items():
        text = html.unescape(re.sub(r"<style.*?</style>|<[^>]*>", "", source, flags=re.DOTALL))
        assert not rows(numbers(text)) & secret, student
        assert not [part for part in (SEED, *SEED.split("-")) if part in text], student
        assert not [place for place in places if str(place) in text], student
        assert "site-packages" not in text
        assert not [line for line in lines if line in text], student
    # Code tells what it was called with, and a secret array in that form would be found.
    assert "RuntimeError: [[[[" in html.unescape(sources["telling"])
    array = next(array for array in hidden if array.ndim == 4 and rows_of([array]) & secret)
    assert rows(numbers(f"RuntimeError: {array.tolist()}")) & secret


@pytest.mark.slow
def test_formgrader_writes_the_same_page(run, sources):
    """Its interface sets nbgrader's template by name, which must not reach this one."""
    file = run.folder / "feedback" / "swapped" / PADDING / f"{PADDING}.html"
    before = file.read_text("utf-8")
    file.unlink()
    code = (
        "from pathlib import Path\n"
        "from autograder.integrations.nbgrader.settings import api\n"
        f"done = api(Path.cwd()).generate_feedback({PADDING!r}, 'swapped')\n"
        "assert done['success'], done\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=run.folder, check=True, capture_output=True)
    assert file.read_text("utf-8") == before == sources["swapped"]


def test_markdown_keeps_its_form_and_loses_what_leads_away():
    shown = plain_markdown(
        "# Title\n\n**bold** `x < 1`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one"
    )
    assert "<h2>Title</h2>" in shown
    assert "<strong>bold</strong> <code>x &lt; 1</code>" in shown
    assert "<table>" in shown
    assert "<li>one</li>" in shown
    assert plain_markdown("[a & b](docs.example?x=1&y=2)").strip() == (
        "<p>a &amp; b (docs.example?x=1&amp;y=2)</p>"
    )
    assert plain_markdown("![drawing](x.png)").strip() == "<p><em>drawing</em></p>"
    assert "<b>" not in plain_markdown("<b>no</b>")


def about(name, comment=None, **fields):
    return dict(nbgrader=dict(grade_id=name, comment=comment, schema_version=3, **fields))


def test_a_comment_belongs_to_the_next_cell_with_points():
    solution = dict(solution=True, grade=False, task=False, locked=False)
    test = dict(solution=False, grade=True, task=False, locked=True)
    notebook = new_notebook(
        cells=[
            new_code_cell("1", metadata=about("write_a", "good", **solution)),
            new_code_cell("2", metadata=about("a", points=2, score=1.0, **test)),
            new_code_cell("3", metadata=about("write_b", "No response.", **solution)),
            new_code_cell("4", metadata=about("b", points=1, score=1.0, **test)),
            new_markdown_cell("5", metadata=about("c", "last", **solution)),
            new_markdown_cell("no words"),
        ]
    )
    nbformat.validate(notebook)
    entries = [(entry.name, entry.most, entry.comments) for entry in contents(notebook.cells)]
    assert entries == [("a", 2, ["write_a"]), ("b", 1, []), ("c", None, ["c"])]
    assert [comment_of(cell) for cell in notebook.cells] == ["good", "", "", "", "last", ""]


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("number", range(3), ids=["light", "dark", "print"])
def test_text_can_be_told_from_what_is_behind_it(number):
    """The contrast that WCAG asks for at level AA, in every pair of colours."""
    css = (TEMPLATES / "autograder_feedback" / "feedback.css").read_text("utf-8")
    palettes = [dict(re.findall(r"--(\w+): (#\w+)", part)) for part in css.split(":root {")[1:]]
    assert len(palettes) == 3
    palette = {name: luminance(colour) for name, colour in palettes[number].items()}
    grounds = {name: palette.pop(name) for name in ("page", "raised", "notice")}
    palette.pop("line")
    for name, text in palette.items():
        for ground, behind in grounds.items():
            bright, dim = max(text, behind), min(text, behind)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, (name, ground)
