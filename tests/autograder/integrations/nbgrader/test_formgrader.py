"""Formgrader in a real browser: instructors read, correct and repeat what the engine gave."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from courses import PADDING, Course, grade_cells, solved
from nbgrader.api import Gradebook
from playwright.sync_api import expect, sync_playwright

pytestmark = pytest.mark.slow

TOKEN = "token-of-the-tests"
SEED = "damson-51c9-vermicelli"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WRONG = "wrong-same-padding-extra-cell-before"
COMMENT = "The order is right, *almost*. <script>commented</script>"
# Formgrader's page of a submission waits for MathJax, which it loads from the network.
MATHJAX = "window.MathJax = {Hub: {Config() {}, Queue() {}, Startup: {signal: {Interest() {}}}}}"
PATIENCE = 120  # seconds in which the server is up, or a submission is graded


class Server:
    """A Jupyter server with the formgrader, in a course's folder."""

    def __init__(self, course, folder):
        self.course = course
        homes = {
            name: folder / name.lower()
            for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
        }
        for home in homes.values():
            home.mkdir()
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                    *("--ip=127.0.0.1", f"--ServerApp.root_dir={course.folder}"),
                    f"--IdentityProvider.token={TOKEN}",
                ],
                cwd=course.folder,
                env={
                    **os.environ,
                    **{name: str(home) for name, home in homes.items()},
                    "PATH": path,
                },
                stdout=log,
                stderr=log,
            )
        try:
            self.address = self.started(homes["JUPYTER_RUNTIME_DIR"])
        except BaseException:
            self.stop()
            raise

    def started(self, runtime):
        """The server takes a free port, and writes down which."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            for file in runtime.glob("jpserver-*.json"):
                try:
                    address = json.loads(file.read_text("utf-8"))["url"].rstrip("/")
                    urllib.request.urlopen(f"{address}/api", timeout=PATIENCE).close()
                except (OSError, ValueError):
                    continue
                return address
            time.sleep(0.1)
        raise AssertionError(self.log.read_text("utf-8"))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def course(pristine, tmp_path_factory):
    """A class is graded: one student is right, one is wrong, one wrote nothing."""
    folder = tmp_path_factory.mktemp("formgrader") / "course"
    made = Course(Path(shutil.copytree(pristine, folder)))
    config = folder / "nbgrader_config.py"
    config.write_text(config.read_text("utf-8") + f"\nc.Judge.seed = {SEED!r}\n", "utf-8")
    made.hand_in("right", solved(made.released()))
    made.hand_in("wrong", solved(made.released(), WRONG))
    made.hand_in("empty", made.released())
    made.nbgrader("autograde", PADDING)
    return made


@pytest.fixture(scope="module")
def server(course):
    running = Server(course, course.folder.parent)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "the tests of formgrader need Chromium; on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        # Its profile is a new and empty one each time.
        launched = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser, server):
    """A page that is logged in; whatever its console complains of fails the test."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    complaints, abroad = [], []

    def outside(route):
        abroad.append(route.request.url)
        route.fulfill(content_type="text/javascript", body=MATHJAX)

    context.route(lambda u: u.startswith("http") and not u.startswith(server.address), outside)
    opened = context.new_page()
    opened.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    first = opened.goto(f"{server.address}/formgrader/gradebook?token={TOKEN}")
    assert first.ok, server.log.read_text("utf-8")
    yield opened
    context.close()
    assert not complaints
    # What the finding or the kit put into the page loads nothing.
    assert all("mathjax" in url for url in abroad), abroad


def submissions(page):
    """The list of an assignment's submissions in the gradebook, by the names of the students."""
    base = page.url.partition("/formgrader")[0]
    page.goto(f"{base}/formgrader/gradebook/{PADDING}/{PADDING}")
    rows = page.locator("#main-table tr", has=page.locator("a.name-shown"))
    expect(rows).to_have_count(3)
    return {row.locator("a.name-shown").text_content(): row for row in rows.all()}


def score(row):
    earned, most = row.locator(".score").text_content().split(" / ")
    assert float(most) == 10
    return float(earned)


def opened(page, student):
    """Open a student's submission, as a click on the name does."""
    page.goto(submissions(page)[student].locator("a.name-shown").evaluate("link => link.href"))
    page.wait_for_function("window.formgrader && formgrader.grades && formgrader.grades.loaded")
    page.wait_for_function("formgrader.comments && formgrader.comments.loaded")
    return page


def saved(page, act, kind):
    with page.expect_response(lambda response: f"/api/{kind}/" in response.url) as answer:
        act()
    assert answer.value.ok


def test_a_score_that_a_grader_changes_stays(page, course):
    before = {student: score(row) for student, row in submissions(page).items()}
    assert before == course.grades()
    assert before["right"] == 10
    assert before["empty"] == 0
    assert 0 < before["wrong"] < 10

    opened(page, "wrong")
    finding = page.locator(".autograder-check", has_text="The smallest input found that shows it")
    expect(finding).to_have_count(1)
    expect(finding.get_by_text("Hint: extra cell before")).to_be_visible()
    points = page.locator("#same_padding")
    automatic = float(points.get_attribute("placeholder"))
    assert points.input_value() == ""
    comment = page.locator("#write_same_padding-comment")
    points.fill("2.25")
    saved(page, lambda: points.press("Tab"), "grade")
    comment.fill(COMMENT)
    saved(page, comment.blur, "comment")

    after = score(submissions(page)["wrong"])
    assert after == pytest.approx(before["wrong"] - automatic + 2.25)
    assert after != before["wrong"]
    assert course.grades() == {**before, "wrong": after}

    course.nbgrader("autograde", PADDING, "--student", "wrong", "--force")
    row = submissions(page)["wrong"]
    assert score(row) == after
    expect(row.locator(".needs-manual-grade .glyphicon-ok")).to_have_count(1)
    opened(page, "wrong")
    expect(points).to_have_value("2.25")
    expect(points).to_have_class(re.compile("needs_manual_grade"))
    expect(page.locator("#output_size")).not_to_have_class(re.compile("needs_manual_grade"))
    expect(comment).to_have_value(COMMENT)
    panel = page.locator(".nbgrader_cell", has=points)
    saved(page, panel.get_by_role("button", name="Resolve").click, "grade")
    expect(submissions(page)["wrong"].locator(".needs-manual-grade .glyphicon-ok")).to_have_count(0)


def test_the_buttons_autograde_and_generate_feedback_are_the_kits(page, course, server):
    course.hand_in("empty", solved(course.released(), WRONG))
    page.goto(f"{server.address}/formgrader/manage_submissions/{PADDING}")
    row = page.locator("#main-table tr", has=page.get_by_text("empty", exact=True))

    def press(button, says):
        row.locator(f".{button} a").click()
        told = page.locator(".modal.in")
        expect(told).to_contain_text(says)
        told.get_by_role("button", name="OK").click()
        expect(told).to_have_count(0)

    press("autograde", "Successfully autograded")
    given = course.grades()["empty"]
    with Gradebook(f"sqlite:///{course.folder}/gradebook.db") as gradebook:
        found = gradebook.find_submission_notebook(PADDING, PADDING, "wrong")
        tested = sum(grade.auto_score for grade in found.grades)
    assert given == tested
    (output,) = grade_cells(course.autograded("empty"))["same_padding"].outputs
    assert "extra cell before" in output.data["text/html"]
    expect(row.locator(".score")).to_have_text(f"{given:g} / 10")

    press("generate-feedback", "Successfully generated feedback")
    feedback = course.folder / "feedback" / "empty" / PADDING / f"{PADDING}.html"
    source = feedback.read_text("utf-8")
    assert "default-src 'none'" in source
    assert "http:" not in source
    assert "https:" not in source
    assert 'id="cell-same_padding"' in source
    for width in (360, 1100):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(feedback.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_role("link", name="same_padding").click()
        expect(page.get_by_role("heading", name="same_padding")).to_be_in_viewport()


def test_the_secret_seed_is_not_among_what_formgrader_shows(page, server):
    """It shows the course's configuration unless it is told not to."""
    page.goto(f"{server.address}/formgrader/manage_assignments")
    expect(page.locator("#main-table")).to_contain_text(PADDING)
    assert SEED not in page.content()
