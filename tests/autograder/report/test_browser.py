"""The pages in Chromium: layout on a screen and a phone, filter, sort, copy, keyboard, contrast."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from autograder.report.results import write_class, write_student
from autograder.verdict import Counterexample, ExerciseResult, LawResult, Verdict
from autograder.working import Step

pytestmark = pytest.mark.slow

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WIDTHS = (1200, 390)
SNIPPET = "import numpy as np\nprint(conv2d(x))"
# The contrast of every text with what lies behind it: fills of pictures are translucent.
CONTRAST = """() => {
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, w, i) => {
    const x = c[i] / 255;
    return sum + w * (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      layers.push(rgba(getComputedStyle(e).backgroundColor));
    }
    let colour = [255, 255, 255];
    for (const layer of layers.reverse()) colour = over(layer, colour);
    if (element.closest("svg") && element.tagName === "text") {
      let rect = element.previousElementSibling;
      while (rect && rect.tagName !== "rect") rect = rect.previousElementSibling;
      if (rect && getComputedStyle(rect).fill !== "none" && !element.closest(".histogram")) {
        const fill = rgba(getComputedStyle(rect).fill);
        fill[3] = Number(getComputedStyle(rect).fillOpacity);
        colour = over(fill, colour);
      }
    }
    return colour;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("script, style, title")) continue;
    if (!element.checkVisibility?.()) continue;
    const style = getComputedStyle(element);
    const ink = rgba(element.closest("svg") ? style.fill : style.color);
    const pair = [light(over(ink, behind(element))), light(behind(element))].sort((a, b) => b - a);
    found.push([(pair[0] + 0.05) / (pair[1] + 0.05), walker.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
}"""


def submission(number):
    """Every third is right, every third flips the kernel, every third did not begin."""
    example = Counterexample(
        {
            "x": np.arange(-18.0, 18.0).reshape(2, 2, 3, 3),
            "big": np.ones((1, 14)),
            "stride": (1, 2),
        },
        np.array([[[[0.0, 1234567.0, -3.0, 9.0]]]]),
        np.array([[[[1.0, 1234567.0, -3.0, 8.0]]]]),
        SNIPPET,
        "y[0,0,0,0]",
        (0, 0, 0, 0),
        "1*1 + 0*0",
        (Step("x[0,0,0,0] * w[0]", "1 * 1", "1"), Step("the sum", "", "1")),
    )
    shape = LawResult("shape", "the output is (N, O, HO, WO)", "pass", 0.5)
    wrong = LawResult(
        "agrees",
        "every value equals the definition's",
        "fail",
        2.5,
        "y[0,0,0,0] is 0; it should be 1",
        "flipped_kernel",
        "This is what you get when the kernel is flipped before it slides.\nDo not flip.",
        example,
        ("y[n, o, i, j] = b[o] + sum over c, u, v of x[n, c, i * sh + u, j * sw + v] * w[o, c]",),
    )
    kind = number % 3
    last = (
        LawResult("agrees", wrong.says, "pass", 2.5) if kind == 0 else
        wrong if kind == 1 else LawResult("agrees", wrong.says, "not_attempted", 2.5)
    )  # fmt: skip
    laws = (shape, last) if kind < 2 else (last,)
    relu = LawResult("agrees", "it agrees", "pass" if kind < 2 else "not_attempted", 1.0)
    return Verdict(
        f"student-{number:02}-of-a-longer-name",
        "public",
        {"level": "strong"},
        (ExerciseResult("conv2d", "convolution", laws), ExerciseResult("relu", "act", (relu,))),
        ("two modules are called convolution",) if kind == 2 else (),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("results")
    write_class(made, [write_student(made, submission(number)) for number in range(12)])
    return made


@pytest.fixture(scope="module")
def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "the tests of the pages need Chromium; on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser, folder):
    """Opens a page; whatever its console complains of, or asks of a network, fails the test."""
    complaints, contexts = [], []

    def opened(name, width=1200, scheme="light", script=True):
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda asked: asked.url.startswith("file:") or complaints.append(asked.url)
        )
        page.goto((folder / name).as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


WRONG = "student-01-of-a-longer-name/report.html"
UNFOLD = "document.querySelectorAll('details').forEach((d) => { d.open = true; })"
PAGES = pytest.mark.parametrize("name", ["index.html", WRONG])


@PAGES
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(name, width, visit):
    page = visit(name, width)
    page.evaluate(UNFOLD)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        "[...document.body.querySelectorAll('*')].filter((e) => e.checkVisibility() && "
        "e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert beyond == []


@PAGES
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa(name, scheme, visit):
    page = visit(name, scheme=scheme)
    page.evaluate(UNFOLD)
    found = page.evaluate(CONTRAST)
    assert len(found) > 50
    assert [(ratio, text) for ratio, text in found if ratio < 4.5] == []


def names(page):
    return page.eval_on_selector_all(
        "#submissions tbody tr:not([hidden]) a",
        "links => links.map((a) => a.textContent.slice(8, 10))",
    )


def test_the_table_is_sorted_by_a_click_and_by_a_key(visit):
    page = visit("index.html")
    everybody = [f"{number:02}" for number in range(12)]
    right, wrong, untried = (everybody[kind::3] for kind in range(3))
    assert names(page) == everybody
    score = page.locator("#submissions th").nth(1)
    score.get_by_role("button").click()
    assert names(page) == [*right, *wrong, *untried]
    assert score.get_attribute("aria-sort") == "descending"
    score.get_by_role("button").press("Enter")
    assert names(page)[:4] == untried
    assert score.get_attribute("aria-sort") == "ascending"
    function = page.locator("#functions tbody tr .function").first
    assert function.text_content() == "conv2d"
    page.locator("#functions th").nth(2).get_by_role("button").click()  # who pass, most first
    assert function.text_content() == "relu"


def test_the_table_is_filtered_by_name_and_by_kind(visit):
    page = visit("index.html")
    page.get_by_label("Name", exact=True).fill("-01-")
    assert names(page) == ["01"]
    assert page.locator("#shown").text_content() == "1 of 12"
    page.get_by_label("Name", exact=True).fill("")
    show = page.get_by_label("Show")
    for label, found in (
        ("everything passed", ["00", "03", "06", "09"]),
        ("conv2d fails", ["01", "04", "07", "10"]),
        ("relu not attempted", ["02", "05", "08", "11"]),
        ("nothing attempted", ["02", "05", "08", "11"]),
        ("with warnings", ["02", "05", "08", "11"]),
        ("relu fails", []),
        ("all", [f"{number:02}" for number in range(12)]),
    ):
        show.select_option(label=label)
        assert names(page) == found, label


def test_from_a_mistake_to_the_students_finding(visit):
    page = visit("index.html", 390)
    page.locator("#mistakes summary").first.press("Enter")
    page.locator("#mistakes a").first.click()
    assert page.url.endswith(f"{WRONG}#conv2d")
    assert page.locator("#conv2d").is_visible()
    assert page.locator("#conv2d svg").count() == 4 + 1 + 2  # x by image and channel, big, results
    assert page.get_by_role("img", name="differs at [0,0,0,0], [0,0,0,3]").count() == 2


def test_the_snippet_is_copied(visit):
    page = visit(WRONG)
    page.evaluate(UNFOLD)
    page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', "
        "{value: {writeText: async (text) => { window.copied = text; }}})"
    )
    page.get_by_role("button", name="Copy").press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("window.copied") == SNIPPET


def test_all_is_there_without_script(visit):
    page = visit(WRONG, script=False)
    assert page.locator(".snippet pre").text_content() == SNIPPET
    assert page.get_by_role("button").count() == 0
    page = visit("index.html", script=False)
    assert page.locator("#submissions tbody tr").count() == 12
    assert not page.get_by_label("Show").is_visible()
