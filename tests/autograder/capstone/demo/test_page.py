"""The page in a real browser: digits are drawn on it stroke by stroke, and the answer is read."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from autograder.capstone.demo import head, server
from autograder.capstone.demo.own import Own

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE = 60_000  # milliseconds
CSS = Path(server.__file__).with_name("page") / "demo.css"


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_and_bars_have_the_contrast_of_wcag_aa(scheme):
    blocks = re.findall(r":root \{(.*?)\}", CSS.read_text("utf-8"), re.S)
    assert len(blocks) == 2
    colours = {
        name: "#" + "".join(2 * c for c in value[1:]) if len(value) == 4 else value
        for name, value in re.findall(r"--(\w+): (#\w+);", blocks[scheme])
    }
    for text in ("text", "quiet", "good", "bad"):
        for behind in ("page", "raised"):
            assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    assert contrast(colours["text"], colours["notice"]) >= 4.5
    assert contrast(colours["ink"], colours["paper"]) >= 4.5
    for part in ("fill", "other"):
        assert contrast(colours[part], colours["page"]) >= 3
    for mark in ("link", "bad"):
        assert contrast(colours[mark], colours["paper"]) >= 3


@pytest.fixture(scope="module")
def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "the tests of the page need Chromium; on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser):
    """`opened(address, width, ...)`: a page, of which no complaint and no request abroad is let
    pass."""
    complaints, contexts = [], []

    def begun(address, width=1200, **settings):
        context = browser.new_context(viewport={"width": width, "height": 844}, **settings)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((address, "data:")) or complaints.append(request.url)
            ),
        )
        page.goto(address)
        settled(page)
        return page

    yield begun
    for context in contexts:
        context.close()
    assert not complaints


def settled(page, kind="reference"):
    """Until the answer to what is drawn now is on the page."""
    page.locator("#pad[data-drawn]").wait_for()
    drawn = page.locator("#pad").get_attribute("data-drawn")
    page.locator(f"#pad[data-{kind}='{drawn}']").wait_for()


def places(page, strokes):
    box = page.locator("#pad").bounding_box()
    return [
        [(box["x"] + x / 1000 * box["width"], box["y"] + y / 1000 * box["height"]) for x, y in s]
        for s in strokes
    ]


def draw(page, strokes):
    for first, *others in places(page, strokes):
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point)
        page.mouse.up()
    settled(page)


@pytest.fixture
def demo(shipped):
    """As a newcomer sees it."""
    learnt, _ = head.head(shipped)
    return server.Demo(head.join(shipped, learnt), "the backbone", "A network.")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_ten_digits_are_read(opened, serve, demo, drawings, scheme):
    page = opened(serve(demo), color_scheme=scheme)
    digit = page.locator("#digit")
    expect(digit).to_have_text("–")
    read = []
    for strokes in drawings.values():
        draw(page, strokes)
        read.append(digit.text_content())
        row = page.locator("#bars tr.most")
        expect(row.locator("th")).to_have_text(read[-1])
        expect(page.locator("#sure")).to_have_text(row.locator("td").nth(1).text_content())
        if len(read) < 10:
            page.get_by_role("button", name="Clear").click()
            settled(page)
            expect(digit).to_have_text("–")
    assert read == list("0123456789")
    expect(page.locator("#time-reference")).to_have_text(re.compile(r"^[\d.]+ ms$"))
    expect(page.locator("#time-page")).to_have_text(re.compile(r"^[\d.]+ ms$"))
    expect(page.locator("#layers canvas")).to_have_count(len(demo.model.graph.nodes))
    expect(page.locator("#spoken")).to_have_text(re.compile("The network reads 9"))


@pytest.mark.slow
def test_the_picture_is_the_one_that_the_network_sees(opened, serve, demo, drawings):
    page = opened(serve(demo))
    draw(page, drawings[4])
    shades = page.locator("#seen").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data)"
    )
    dark = [value < 100 for value in shades[::4]]
    assert 40 < sum(dark) < 120
    assert not any(dark[:56])


@pytest.mark.slow
def test_undo_and_clear(opened, serve, demo, drawings):
    page = opened(serve(demo))
    undo, clear = (page.get_by_role("button", name=name) for name in ("Undo", "Clear"))
    expect(undo).to_be_disabled()
    expect(clear).to_be_disabled()
    draw(page, drawings[1])
    expect(page.locator("#digit")).to_have_text("1")
    draw(page, [[[200, 500], [800, 500]]])
    expect(page.locator("#digit")).not_to_have_text("1")
    undo.click()
    expect(page.locator("#digit")).to_have_text("1")
    undo.click()
    expect(page.locator("#digit")).to_have_text("–")
    expect(undo).to_be_disabled()


@pytest.mark.slow
def test_a_finger_on_a_phone(opened, serve, demo, drawings):
    page = opened(serve(demo), 390, has_touch=True, is_mobile=True, device_scale_factor=2)
    devtools = page.context.new_cdp_session(page)
    for first, *others in places(page, drawings[5]):
        kinds = [("touchStart", first), *(("touchMove", point) for point in others)]
        for kind, (x, y) in kinds:
            touch = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            devtools.send("Input.dispatchTouchEvent", touch)
        devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settled(page)
    expect(page.locator("#digit")).to_have_text("5")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for canvas in page.locator("#layers canvas").all():
        assert canvas.bounding_box()["width"] <= 358
    # A tap enlarges a map; drawing does not scroll, and a tap elsewhere closes it.
    layer = page.locator("#layers canvas").nth(2)
    layer.scroll_into_view_if_needed()
    layer.tap(position={"x": 60, "y": 10})
    expect(page.locator("#lens")).to_be_visible()
    expect(page.locator("#lens-text")).to_contain_text("stage1_1_conv: map 2 of 16, 28 × 28")
    box = page.locator("#lens").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


@pytest.mark.slow
def test_by_keyboard_alone(opened, serve, demo):
    page = opened(serve(demo))
    page.keyboard.press("Tab")
    expect(page.locator("#pad")).to_be_focused()
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    settled(page)
    expect(page.locator("#digit")).to_have_text("1")
    expect(page.locator("#spoken")).to_have_text(re.compile("The network reads 1"))
    # Two arrows at once go aslant: a 7 from the top of the 1.
    page.keyboard.press("c")
    for _ in range(20):
        page.keyboard.press("ArrowUp")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    for _ in range(5):
        page.keyboard.down("ArrowDown")
        page.keyboard.down("ArrowLeft")
        page.keyboard.up("ArrowLeft")
        page.keyboard.up("ArrowDown")
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    settled(page)
    expect(page.locator("#digit")).to_have_text("7")
    page.keyboard.press("u")
    expect(page.locator("#digit")).to_have_text("–")
    # On to the layers, and through the maps of one.
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator("#layers canvas").nth(2)).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator("#lens-text")).to_contain_text("stage1_1_conv: map 2 of 16")
    page.keyboard.press("Escape")
    expect(page.locator("#lens")).to_be_hidden()


@pytest.mark.slow
def test_a_students_functions_beside_the_reference(opened, serve, demo, golden, drawings, tmp_path):
    folder = shutil.copytree(golden / "right-einsum" / "exercises", tmp_path / "exercises")
    demo.own = Own(folder)
    try:
        page = opened(serve(demo))
        draw(page, drawings[3])
        settled(page, "mine")
        expect(page.locator("#used li.right")).to_have_count(6)
        expect(page.locator("#used li")).to_have_count(6)
        both = page.locator("#bars tr.most td")
        assert both.nth(1).text_content() == both.nth(2).text_content()
        rounding = re.compile(r"^(none|\d\.\de-([5-9]|1\d) in )")
        expect(page.locator("#largest")).to_have_text(rounding)
        expect(page.locator("#time-mine")).to_have_text(re.compile("ms$"))
        page.get_by_label("difference").check()
        input_range = page.locator("#layers .range").first
        expect(input_range).to_have_text("no difference")

        flipped = golden / "wrong-conv-flipped-kernel" / "exercises" / "convolution.py"
        shutil.copyfile(flipped, folder / "convolution.py")
        draw(page, [[[500, 850], [510, 850]]])
        settled(page, "mine")
        wrong = page.locator("#used li.wrong")
        expect(wrong).to_have_count(1)
        expect(wrong).to_contain_text("conv2d differs in 6 layers")
        expect(wrong).to_contain_text("autograder check conv2d")
        expect(page.locator("#layers .range").nth(2)).to_contain_text("differs by up to")
        page.get_by_label("yours").check()
        expect(page.locator("#layers .range").nth(2)).to_contain_text(" to ")

        shutil.copyfile(flipped, folder / "activation.py")
        page.get_by_role("button", name="Undo").click()
        settled(page, "mine")
        expect(page.locator("#used li.unwritten")).to_contain_text("relu softmax not written")
    finally:
        demo.own.close()


@pytest.mark.slow
def test_a_server_that_is_gone_is_told(opened, serve, demo, drawings, browser):
    address = serve(demo)
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    settled(page)
    context.set_offline(True)
    page.locator("#pad").click()
    expect(page.locator("#trouble")).to_contain_text("There is no answer")
    context.set_offline(False)
    page.locator("#pad").click()
    settled(page)
    expect(page.locator("#trouble")).to_be_hidden()
    context.close()
