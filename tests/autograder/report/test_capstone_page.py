"""The capstone's pages: harmless, self-contained, with the numbers of the results."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from autograder.capstone.figures import Figures
from autograder.capstone.leaderboard import leaderboard
from autograder.capstone.pictures import (
    AROUND,
    CHANGED,
    KEPT,
    Bin,
    Digit,
    FamilyOfDigits,
    Pictures,
)
from autograder.digits import digits
from autograder.report import leaderboard as board
from autograder.report.capstone_page import class_page, page
from autograder.results import results_json
from autograder.verdict import ExerciseResult, LawResult, Verdict

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> \x1b[31mred \u202eevil"
LAWS = (
    LawResult("valid", "the model loads", "pass", 10.0, "it has 5 parameters", earned=10.0),
    LawResult("transfer", "the backbone", "fail", 20.0, "half", advice="freeze", earned=10.0),
    LawResult("accuracy", "digits are read", "fail", 30.0, "97.5 % are right", earned=16.25),
    LawResult("robustness", "spoilt ones too", "fail", 15.0, "80 %", earned=0.0),
    LawResult("calibration", "it is sure", "pass", 5.0, "0.02", earned=5.0),
    LawResult("few labels", "train_head", "not_run", 15.0, "was not run here", earned=0.0),
)


def verdict(name="ada", laws=LAWS, right=9750, seed="secret", **changes):
    void = changes.pop("void", False)
    few = changes.pop("few", None)
    figures = Figures("e", 10_000, right, void, {"blur": 0.8}, 0.1, few, 1234, 56_000)
    fields = {"isolation": {"level": "strong"}, "measured": figures.to_json(), **changes}
    return Verdict(name, seed, exercises=(ExerciseResult("capstone", "capstone", laws),), **fields)


def refused(name="larry", sentence="there is no model"):
    laws = (
        LawResult("valid", "it loads", "fail", 10.0, sentence, earned=0.0),
        LawResult(
            "accuracy", "read", "not_run", 30.0, "needs a model that is accepted", earned=0.0
        ),
    )
    return verdict(name, laws, measured=None)


def drawn(wrong=3, few=(0.9, 0.95), nothing=0):
    images, labels = digits()
    confusion = np.diag([900] * 10 + [0])[:10].astype(np.int64)
    confusion[4, 9], confusion[9, 4] = 37, 1
    confusion[3, 10] = nothing
    example = Digit(images[0], int(labels[0]), 7)
    return Pictures(
        tuple(Digit(images[i], int(labels[i]), 1, 0.9 - i / 100) for i in range(wrong)),
        30,
        2000,
        confusion,
        (FamilyOfDigits("blur", "out of focus", 0.8, example),),
        (Bin(0.55, 40, 100), Bin(0.99, 9000, 9100)),
        (("low", KEPT), ("middle", AROUND), ("high", CHANGED)),
        few,
    )


def documents(*verdicts):
    return [json.loads(results_json(one)) for one in verdicts]


class Reader(HTMLParser):
    """Tags with attributes, and the text outside of scripts."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.text, self.inside = [], "", ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.text += data

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


def every_page(name="ada", message="97.5 % are right"):
    """Each page of the capstone, with a name and a message of a student's."""
    laws = (*LAWS[:2], LawResult("accuracy", "read", "fail", 30.0, message, earned=1.0), *LAWS[3:])
    one = verdict(name, laws, warnings=(message,))
    none = refused(f"{name}2", message)
    faulty = verdict(f"{name}3", (LawResult("valid", "loads", "grader_fault", 10.0, message),))
    found = documents(one, none, faulty)
    return {
        "student": page(one, drawn()),
        "refused": page(none, None),
        "fault": page(faulty, None),
        "class": class_page(found, [0.4, None, 1.0]),
        "board": board.page(leaderboard(found)),
    }


@pytest.mark.parametrize("kind", ["student", "refused", "fault", "class", "board"])
def test_hostile_text_stays_text(kind):
    source = every_page(HOSTILE, HOSTILE)[kind]
    clean = every_page("ada", "no")[kind]
    assert "\x1b" not in source
    assert "\u202e" not in source
    assert "\\u202eevil" in Reader(source).text
    shape = [(tag, sorted(attributes)) for tag, attributes in Reader(source).tags]
    assert shape == [(tag, sorted(attributes)) for tag, attributes in Reader(clean).tags]


@pytest.mark.parametrize("kind", ["student", "refused", "fault", "class", "board"])
def test_pages_need_no_network_and_run_our_script_alone(kind):
    source = every_page()[kind]
    assert "http" not in source.replace("http-equiv", "")
    for word in ("url(", "@import", "srcset", "<link", "<base", "fetch(", "import("):
        assert word not in source
    read = Reader(source)
    (policy,) = (meta["content"] for meta in read.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert ("img-src data:" in policy) is (kind in ("student", "refused", "fault"))
    for tag in ("script", "style"):
        (inner,) = re.findall(f"<{tag}>(.*?)</{tag}>", source, re.S)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for _, attributes in read.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    assert all(image["src"].startswith("data:image/png;base64,") for image in read.all("img"))
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [link["href"] for link in read.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_a_students_page_has_all_that_was_measured():
    source = page(verdict(), drawn())
    text = Reader(source).text
    for words in (
        *("41.25 of 95", "secret, 10,000 digits", "10 of 20", "Freeze."),
        "Of the 2,000 private digits that pages may show, 30 are read wrongly",
        "these are the 3 of which the model was surest",
        "4 for 9 (37 times), 9 for 4 (once)",
        "out of focus",
        "is taken for 7",
        "90.0 %",
    ):
        assert words in text, words
    assert re.findall(r'<li class="(\w+)">', source) == [KEPT, AROUND, CHANGED]
    assert len(Reader(source).all("img")) == 4
    assert source.count("<circle") == 2
    assert "none" not in re.findall(r"<text[^>]*>(\w+)</text>", source)
    assert "none" in re.findall(r"<text[^>]*>(\w+)</text>", page(verdict(), drawn(nothing=3)))
    assert page(verdict(), drawn()) == source


def test_without_digits_there_is_no_image():
    pictures = drawn(wrong=0)
    without = Pictures(
        (),
        *(pictures.mistakes, pictures.pool, pictures.confusion),
        (FamilyOfDigits("blur", "out of focus", 0.8, None),),
        *(pictures.bins, pictures.layers, pictures.few),
    )
    source = page(verdict(), without)
    assert not Reader(source).all("img")
    assert "Read wrongly" not in source
    assert "out of focus" in source


def test_a_refused_model_has_its_sentence_and_no_empty_parts():
    text = Reader(page(refused(sentence="it is a Lambda"), None)).text
    assert "It is a Lambda." in text
    assert "needs a model" not in text.lower()


def test_practice_weak_isolation_and_faults_are_told():
    weak = {"isolation": {"level": "weak"}}
    fault = (LawResult("valid", "loads", "grader_fault", 10.0, "no worker"),)
    source = page(verdict(laws=fault, seed="practice", measured=None, **weak), None)
    for words in ("count for nothing", "Weak isolation", "The grader itself failed"):
        assert words in source
    found = documents(verdict(laws=fault, seed="practice", measured=None, **weak))
    source = class_page(found, [None])
    for words in ("count for nothing", "Weak isolation", "The grader itself failed"):
        assert words in source
    assert "Loss ratio" not in source


def test_the_class_has_a_row_each_and_the_ratio_is_the_instructors():
    found = documents(verdict("a b/c?"), verdict("bob", few=(0.5, 0.4), void=True), refused())
    source = class_page(found, [0.4, 1.0, None])
    assert 'href="a%20b%2Fc%3F/report.html"' in source
    rows = [
        [re.sub(r"<.*?>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", line)]
        for line in re.findall(r"<tr><td>.*</tr>", source)
    ]
    assert rows[:3] == [
        ["a b/c?", "41.25 of 95", "97.5 %", "80.0 %", "–", "0.40", ""],
        ["bob", "41.25 of 95", "97.5 % void", "80.0 %", "45.0 %", "1.00", ""],
        ["larry", "0 of 40", "–", "–", "–", "", "there is no model"],
    ]
    assert '<strong class="bad">0.40</strong>' in source
    assert '<strong class="bad">1.00</strong>' not in source
    assert "Loss ratio" not in Reader(page(verdict(), drawn())).text


def test_an_empty_class():
    assert "Nothing was graded." in class_page([], [])
    assert "Nobody has a rank." in board.page(leaderboard([]))


# --- the leaderboard's page, table and screen


def ranking():
    return leaderboard(
        documents(
            verdict("ada", right=9900),
            verdict("bob", right=9890, few=(0.9, 0.96)),
            verdict("=cmd", right=9500),
            verdict("cheat", right=9990, void=True, few=(0.1,)),
            refused("larry", "it is a Lambda"),
        )
    )


def test_the_page_ranks_with_ties_and_lists_the_others_apart():
    source = board.page(ranking())
    assert re.findall(r'class="rank" data-value="(\d)">(.*?)<', source) == [
        ("1", "1="), ("1", "1="), ("3", "3"), ("0", "–"),
    ]  # fmt: skip
    text = Reader(source).text
    assert "share the first rank" in text
    assert text.index("Not ranked") < text.index("cheat")
    assert "it is a Lambda" in text
    assert board.page(ranking()) == source


def test_the_table_has_a_row_each():
    lines = board.document(ranking()).splitlines()
    assert lines[0].split(",") == list(board.COLUMNS)
    assert lines[1].startswith("1,1,ada,0.99,0.9878")
    assert lines[2].startswith("1,1,bob,0.989,")
    assert lines[3].startswith("3,0,'=cmd,0.95,")
    assert lines[4].startswith(",,cheat,0.999,")
    assert "does not count" in lines[4]
    assert lines[5] == ",,larry,,,,,,,,,,,secret,it is a Lambda"


def test_the_screen_has_80_columns():
    import io

    from rich.console import Console

    console = Console(file=io.StringIO(), width=80, color_system=None, soft_wrap=True)
    board.show(console, ranking())
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert re.match(r"   1= ada +99\.0 %  98\.8 to 99\.2 +80\.0 % +– +1,234 +56$", lines[1])
    assert "Accuracy does not count" in lines
    assert re.match(r" +larry +it is a Lambda$", lines[lines.index("Nothing was measured") + 1])


# --- in a browser


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "the tests of pages need Chromium; on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=found, headless=True, args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        launched.close()


@pytest.fixture
def show(browser, tmp_path):
    """`show(source, width, scheme)`: the page in a browser, whose complaints fail the test."""
    complaints, contexts = [], []

    def shown(source, width=1200, scheme="light"):
        (tmp_path / "page.html").write_text(source, "utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        opened = context.new_page()
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto((tmp_path / "page.html").as_uri())
        return opened

    yield shown
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [1200, 390])
def test_pages_fit_and_their_pictures_are_there(show, width):
    for source in every_page().values():
        opened = show(source, width)
        wide = opened.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
        sizes = opened.evaluate("[...document.images].map(i => [i.naturalWidth, i.width])")
        assert all(size == [28, 56] for size in sizes)
    opened = show(page(verdict(), drawn(wrong=24, nothing=5)), width)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.evaluate("document.images.length") == 25


@pytest.mark.slow
def test_the_leaderboard_is_sorted_by_keyboard(show):
    opened = show(board.page(ranking()))

    def names():
        return opened.evaluate(
            "[...document.querySelectorAll('table.board')[0].tBodies[0].rows]"
            ".map(row => row.cells[1].textContent)"
        )

    assert names() == ["ada", "bob", "=cmd"]
    opened.keyboard.press("Tab")  # the table itself, so that it can be scrolled
    assert opened.evaluate("document.activeElement.getAttribute('aria-label')") == "Ranks"
    for _ in range(6):
        opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.textContent") == "Few labels"
    opened.keyboard.press("Enter")
    assert names()[0] == "bob"
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Shift+Tab")
    assert opened.evaluate("document.activeElement.textContent") == "Name"
    opened.keyboard.press("Enter")
    assert names() == ["=cmd", "ada", "bob"]


@pytest.mark.slow
def test_light_and_dark_differ_and_digits_stay_on_paper(show):
    source = page(verdict(), drawn())
    colours = []
    for scheme in ("light", "dark"):
        opened = show(source, scheme=scheme)
        body = "getComputedStyle(document.body).backgroundColor"
        paper = "getComputedStyle(document.querySelector('.digit')).backgroundColor"
        colours.append((opened.evaluate(body), opened.evaluate(paper)))
    (light, paper), (dark, same) = colours
    assert light != dark
    assert paper == same == "rgb(255, 255, 255)"
