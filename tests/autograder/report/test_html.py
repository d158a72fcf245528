"""The pages of a class and of a student: harmless, complete, the verdicts' numbers, a sane size."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import numpy as np
import pytest

from autograder import __version__
from autograder.report import html
from autograder.report.html import class_page
from autograder.report.student import MAX_FINDINGS, MAX_WARNINGS, student_page
from autograder.report.summary import summary
from autograder.verdict import Counterexample, ExerciseResult, LawResult, Status, Verdict
from autograder.working import Step

VOID = {"meta", "input", "wbr"}
SELF_CLOSED = {"rect", "path"}
HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> \x1b[31mred\x1b[0m \u202eevil\u2066"
)


# --- verdicts by hand


def example(**changes: Any) -> Counterexample:
    fields: dict[str, Any] = {
        "arguments": {"x": np.array([[1.0, 0.0]]), "stride": (1, 2)},
        "yours": np.array([[0.0]]),
        "expected": np.array([[1.0]]),
        "snippet": "from convolution import conv2d\nprint(conv2d(x, (1, 2)))",
        "where": "y[0,0]",
        "index": (0, 0),
        "working": "1*1 + 0*0",
    }
    return Counterexample(**{**fields, **changes})


def law(name: str, status: Status = "pass", max_score: float = 1, **changes: Any) -> LawResult:
    return LawResult(name, f"what {name} says", status, max_score, **changes)


def flipped(name: str = "agrees", **changes: Any) -> LawResult:
    fields: dict[str, Any] = {
        "message": "y[0,0] is 0; it should be 1",
        "misconception": "flipped_kernel",
        "advice": "This is what you get when the kernel is flipped before it slides.\nDo not flip.",
        "counterexample": example(),
    }
    return law(name, "fail", **{**fields, **changes})


def exercise(name: str, *laws: LawResult, topic: str = "convolution") -> ExerciseResult:
    return ExerciseResult(name, topic, laws)


def verdict(name: str, *exercises: ExerciseResult, **changes: Any) -> Verdict:
    isolation = {"level": "strong", "mechanisms": ["bwrap"]}
    fields: dict[str, Any] = {"seed": "public", "isolation": isolation, "exercises": exercises}
    return Verdict(name, **{**fields, **changes})


@pytest.fixture
def classroom() -> list[Verdict]:
    """Four submissions: all right, one mistake, another with warnings, and nothing at all."""
    untried = exercise("zero_pad2d", law("shape", "not_attempted"), topic="padding")
    padded = exercise("zero_pad2d", law("shape"), topic="padding")
    broken = law("agrees", "error", 2.5, message="NameError: no np\npadding.py, line 3\n    np.pad")
    return [
        verdict("alice", padded, exercise("conv2d", law("shape", max_score=0.5), law("agrees"))),
        verdict("bob", untried, exercise("conv2d", law("shape", max_score=0.5), flipped())),
        verdict(
            "carol",
            padded,
            exercise("conv2d", law("shape", max_score=0.5), broken, law("fresh", "not_run")),
            warnings=("two modules are called convolution", "a notebook has no cells"),
        ),
        verdict("dave", untried, exercise("conv2d", law("agrees", "not_attempted", 1.5))),
    ]


def page_of(verdicts: Sequence[Verdict]) -> str:
    return class_page(map(summary, verdicts))


# --- reading the page


class Page(HTMLParser):
    """The page as a browser reads it: tags that must match, attributes, and text by element."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SELF_CLOSED
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data

    def all(self, name: str) -> Iterator[dict[str, str | None]]:
        return (attributes for tag, attributes in self.tags if tag == name)


def rows(page: str, section: str) -> list[list[str]]:
    """The cells of a section's table, as text."""
    body = page.split(f'<section id="{section}">')[1].split("</section>")[0]
    lines = re.findall(r"<tr[ >].*?</tr>", body)
    cells = [re.findall(r"<td.*?</td>", line) for line in lines]
    return [[re.sub(r"<.*?>", "", cell).strip() for cell in line] for line in cells if line]


# --- harmless


def test_hostile_text_stays_text() -> None:
    bad = law(
        "agrees",
        "fail",
        message=f"{HOSTILE}\n{HOSTILE}",
        misconception="odd",
        advice=HOSTILE,
        counterexample=example(
            arguments={HOSTILE: HOSTILE},
            yours=HOSTILE,
            where=f"y[{HOSTILE}]",
            index=None,
            working=HOSTILE,
            steps=(Step("the sum", "", "1"),),
            snippet=f"print({HOSTILE!r})\n# {HOSTILE}",
        ),
    )
    hostile = verdict(
        HOSTILE,
        exercise("conv2d", bad),
        exercise("relu", law("agrees", "grader_fault", message=HOSTILE)),
        warnings=(HOSTILE,),
        isolation={"level": HOSTILE},
    )
    harmless = example(arguments={"x": 1}, yours="0", index=None, steps=(Step("the sum", "", "1"),))
    clean = verdict(
        "alice",
        exercise("conv2d", flipped(counterexample=harmless, message="no\nno")),
        exercise("relu", law("agrees", "grader_fault", message="no")),
        warnings=("no",),
    )
    for make, least in ((student_page, 9), (lambda verdict: page_of([verdict]), 3)):
        source = make(hostile)
        page = Page(source)
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", source
        )
        assert "\\x1b[31mred" in page.text
        assert "\\u202eevil\\u2066" in page.text
        assert page.text.count("<script>alert(1)</script>") >= least
        # Not one element or attribute more than with harmless text.
        shape = [(tag, sorted(attributes)) for tag, attributes in page.tags]
        assert shape == [(tag, sorted(attributes)) for tag, attributes in Page(make(clean)).tags]


def test_names_cannot_leave_their_attribute_or_their_folder() -> None:
    page = Page(page_of([verdict("../a b?\"'#\ud800")]))
    links = [link["href"] for link in page.all("a")]
    assert "..%2Fa%20b%3F%22%27%23%3F/report.html" in links


@pytest.mark.parametrize("page", ["class", "student"])
def test_the_page_needs_no_network(page: str, classroom: list[Verdict]) -> None:
    source = page_of(classroom) if page == "class" else student_page(classroom[2])
    assert "http" not in source.replace("http-equiv", "")
    for word in ("url(", "@import", "src=", "srcset", "<link", "<base", "fetch(", "import("):
        assert word not in source
    for link in Page(source).all("a"):
        there = r"#\w+|\w+/report\.html(#\w+)?|grades\.csv" if page == "class" else r"#\w+"
        assert re.fullmatch(there, link["href"] or "")


def test_the_browser_may_run_our_script_and_nothing_else(classroom: list[Verdict]) -> None:
    source = page_of(classroom)
    page = Page(source)
    (policy,) = (m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (inner,) = re.findall(f"<{tag}>(.*?)</{tag}>", source, re.S)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for _, attributes in page.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


# --- complete, with the verdicts' numbers


def test_every_submission_is_listed_with_its_numbers(classroom: list[Verdict]) -> None:
    source = page_of(classroom)
    expected = [
        ["alice", "2.5 of 2.5", "2 of 2", "0", "0"],
        ["bob", "0.5 of 2.5", "0 of 2", "1", "0"],
        ["carol", "1.5 of 5", "1 of 2", "0", "2"],
        ["dave", "0 of 2.5", "0 of 2", "2", "0"],
    ]
    assert rows(source, "submissions") == expected
    for row, given in zip(expected, classroom, strict=True):
        assert row[1] == f"{given.score:g} of {given.max_score:g}"
    assert re.findall(r'<rect width="([\d.]+)"', source)[:4] == ["100.0", "20.0", "30.0", "0.0"]


def test_every_link_leads_somewhere(classroom: list[Verdict]) -> None:
    """On the class page, on the students' pages, and from one to the others."""
    students = {v.submission: Page(student_page(v)) for v in classroom}
    page = Page(page_of(classroom))
    ids = {None: ids_of(page), **{name: ids_of(p) for name, p in students.items()}}
    for name, other in students.items():
        assert {str(link["href"])[1:] for link in other.all("a")} <= ids[name]
    links = {str(link["href"]) for link in page.all("a")} - {"grades.csv"}
    assert {link[1:] for link in links if link.startswith("#")} <= ids[None]
    others = [re.fullmatch(r"(\w+)/report\.html(?:#(\w+))?", link) for link in links]
    found = {(match[1], match[2]) for match in others if match}
    assert {(name, None) for name in students} <= found
    assert ("bob", "conv2d") in found  # the mistake, told on the student's page
    for name, anchor in found:
        assert anchor is None or anchor in ids[name], (name, anchor)


def ids_of(page: Page) -> set[str | None]:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    return set(ids)


def test_the_head_tells_how_the_class_was_judged(classroom: list[Verdict]) -> None:
    secret = verdict("erin", seed="secret", isolation={"level": "medium"})
    source = page_of([*classroom, secret])
    facts = re.findall(r"<dt>(\w+)</dt><dd>(.*?)</dd>", source)
    assert facts == [
        ("Submissions", "5"),
        ("Seed", "public, secret"),
        ("Isolation", "medium, strong"),
        ("Kit", __version__),
    ]
    assert 'class="notice">Weak' not in source
    assert 'class="notice">Weak' in page_of([verdict("erin", isolation={"level": "weak"})])


def test_faults_of_the_grader_are_told() -> None:
    faults = [law(name, "grader_fault", message="KeyError: y") for name in ("shape", "agrees")]
    many = [verdict(f"s{i}", exercise("conv2d", *faults)) for i in range(html.MAX_FAULTS + 2)]
    source = page_of(many)
    assert "The grader itself failed" in source
    assert source.count("<li>s0: conv2d: KeyError: y</li>") == 1
    assert "<li>2 more</li>" in source
    assert rows(source, "submissions")[0][1] == "2 of 2"


def test_the_histogram_counts_every_submission() -> None:
    def with_share(points: float) -> Verdict:
        laws = law("a", max_score=points), law("b", "fail", 100 - points)
        return verdict(f"s{points}", exercise("conv2d", *laws))

    shares = [0, 0, 9.5, 10, 55, 89.5, 90, 100, 100]
    source = page_of([with_share(share) for share in shares])
    (title,) = re.findall(r'<title id="histogram-title">(.*?)</title>', source, re.S)
    assert [int(n) for n in re.findall(r": (\d+)", title)] == [3, 1, 0, 0, 0, 1, 0, 0, 1, 3]
    drawn = re.findall(r'height="([\d.]+)"/>\n<text x="[\d.]+" y="[\d.]+">(\d)</text>', source)
    assert [count for _, count in drawn] == ["3", "1", "1", "1", "3"]
    assert drawn[0][0] == drawn[4][0]
    assert "Mean 50.44, median 55 of 100 points." in source
    # A law of no points fails in the last two, which have all points nevertheless.
    assert "0 submissions with every law passed." in source


def test_mistakes_are_counted_once_a_submission_and_sorted() -> None:
    advice = "This is what you get when the bias is forgotten.\nAdd it once."
    bias = flipped("bias", misconception="bias_forgotten", advice=advice)
    people = [
        verdict("alice", exercise("conv2d", bias, flipped("agrees"), flipped("stride"))),
        verdict("bob", exercise("conv2d", flipped("agrees"))),
        verdict("carol", exercise("conv2d", law("agrees"))),
    ]
    source = page_of(people)
    section = source.split('<section id="mistakes">')[1].split("</section>")[0]
    found = re.findall(
        r'"function">(\w+)</span>\n<p>(.*?)</p>\n.*<summary>(.*?)</summary>\n<p>(.*?)</p>', section
    )
    assert [found_one[:3] for found_one in found] == [
        ("conv2d", "The kernel is flipped before it slides.", "2 submissions"),
        ("conv2d", "The bias is forgotten.", "1 submission"),
    ]
    assert re.findall(r">(\w+)</a>", found[0][3]) == ["alice", "bob"]


def test_rare_mistakes_are_folded_away() -> None:
    laws = [flipped(f"law{i}", misconception=f"m{i:02}", advice=f"M{i:02}.") for i in range(20)]
    source = page_of([verdict("alice", exercise("conv2d", *laws))])
    section = source.split('<section id="mistakes">')[1].split("</section>")[0]
    common, rest = section.split('<details class="rest">')
    assert common.count("<li>") == html.MAX_MISTAKES
    assert rest.count("<li>") == 20 - html.MAX_MISTAKES
    assert f"{20 - html.MAX_MISTAKES} more" in rest


def test_means_are_taken_over_the_class(classroom: list[Verdict]) -> None:
    source = page_of(classroom[:3])
    assert rows(source, "functions") == [
        ["zero_pad2d padding", "0.67 of 1", "2", "0", "1"],
        ["conv2d convolution", "0.83 of 4", "1", "2", "0"],
    ]


def test_who_has_not_attempted_what(classroom: list[Verdict]) -> None:
    source = page_of(classroom)
    section = source.split('<section id="untried">')[1].split("</section>")[0]
    names = re.findall(r'"function">(\w+)<|>(\w+)</a>', section)
    assert [one or other for one, other in names] == ["zero_pad2d", "bob", "dave", "conv2d", "dave"]
    assert "nobody attempted it" in page_of(classroom[3:] * 2)
    assert "Everybody attempted everything." in page_of(classroom[:1])


def test_the_order_is_that_of_the_names(classroom: list[Verdict]) -> None:
    assert page_of(classroom[::-1]) == page_of(classroom)


# --- one submission


def test_laws_and_the_finding_of_a_failing_one(classroom: list[Verdict]) -> None:
    bob = student_page(classroom[1])
    laws = re.findall(
        r'<li class="(\w+)">.*aria-label="([\w ]+)">(.)<.*<b>(\w+)</b> <span>(.*?)<', bob
    )
    assert laws == [
        ("good", "pass", "✓", "shape", "what shape says"),
        ("bad", "fail", "✗", "agrees", "what agrees says"),
    ]
    assert "<strong>y[0,0] is 0; it should be 1</strong>" in bob
    assert "<code>stride = (1, 2)</code>" in bob
    assert 'aria-label="x (1, 2): [[1, 0]]"' in bob
    assert 'aria-label="y, yours (1, 1): [[0]]; differs at [0,0]"' in bob
    assert "yours <strong>0</strong> &nbsp; expected <strong>1 = 1*1 + 0*0</strong>" in bob
    assert "<strong>flipped kernel</strong>. This is what you get when the kernel" in bob
    assert "<pre>from convolution import conv2d\nprint(conv2d(x, (1, 2)))</pre>" in bob
    assert "Not attempted: zero_pad2d." in bob


def test_the_formula_the_pattern_and_the_steps_are_told() -> None:
    shown = example(steps=(Step("x[0,1] * w[0]", "0 * 2", "0"), Step("the sum", "", "1")))
    told = flipped(
        misconception="",
        advice="",
        pattern="All are in the last row.",
        formula=("y = x * w", "w may be 2"),
        counterexample=shown,
    )
    source = student_page(verdict("bob", exercise("conv2d", told)))
    assert '<p class="advice">All are in the last row.</p>' in source
    assert "<pre>y = x * w\nw may be 2</pre>" in source
    assert "<span>x[0,1] * w[0]</span><span>= 0 * 2</span>" in source
    assert '<span>yours</span><span></span><span class="value">= 0</span>' in source
    assert "the cells that it reads have a dashed frame" in source


def test_an_exception_is_told_in_words_with_its_lines(classroom: list[Verdict]) -> None:
    carol = student_page(classroom[2])
    assert "<strong>Your code raised an exception: NameError: no np</strong>" in carol
    assert "<pre>padding.py, line 3\n    np.pad</pre>" in carol
    assert "two modules are called convolution" in carol
    assert 'aria-label="not run">–<' in carol


def test_results_that_differ_as_a_whole_are_shown_whole() -> None:
    wrong = flipped(
        message="y has shape (1, 2); it should be (2, 1)",
        counterexample=example(
            yours=np.zeros((1, 2)), expected=np.zeros((2, 1)), where="", index=None
        ),
    )
    source = student_page(verdict("bob", exercise("conv2d", wrong)))
    assert 'aria-label="yours (1, 2): [[0, 0]]"' in source
    assert 'aria-label="expected (2, 1): [[0], [0]]"' in source
    assert "filled corner" not in source
    lists = flipped(counterexample=example(yours=[0, 0], expected=(0,), where="", index=None))
    source = student_page(verdict("bob", exercise("conv2d", lists)))
    assert "<p>yours <code>[0, 0]</code></p>" in source
    assert "<p>expected <code>(0,)</code></p>" in source


def test_laws_that_fail_alike_share_a_finding_and_advice_comes_once() -> None:
    laws = flipped("agrees"), flipped("stride"), flipped("padding", message="y[0,0] is 3")
    source = student_page(verdict("bob", exercise("conv2d", *laws)))
    assert re.findall(r'class="which">(.*?)<', source) == ["agrees, stride", "padding"]
    assert source.count("Do not flip.") == 1
    assert "<strong>flipped kernel</strong>: see above." in source


# --- empty states


def test_an_empty_class() -> None:
    source = page_of([])
    page = Page(source)
    assert "No submission was graded." in page.text
    assert not list(page.all("table"))
    assert not list(page.all("svg"))


def test_empty_states_are_told_in_words() -> None:
    source = page_of([verdict("alice")])
    assert "No misconception was named." in source
    assert "No function was judged." in source
    assert "Nothing was attempted." in student_page(verdict("alice"))
    assert "0 of 0" in rows(source, "submissions")[0]


# --- the same bytes, and not too many of them


def test_the_same_verdicts_give_the_same_bytes(classroom: list[Verdict]) -> None:
    first = page_of(classroom)
    assert first == page_of(classroom)
    html.environment.cache_clear()
    assert first == page_of(list(classroom))


def test_long_text_is_cut() -> None:
    huge = flipped(
        message="m" * 10_000,
        counterexample=example(
            arguments={
                "x": np.arange(5000.0),
                "text": "t" * 10_000,
                **{f"a{i}": i for i in range(50)},
            },
            yours="y" * 10_000,
            index=None,
            snippet="s" * 10_000,
        ),
    )
    warned = verdict("n" * 250, exercise("conv2d", huge), warnings=("w",) * 99)
    source = student_page(warned)
    told = source.split("<main>")[1].split("</main>")[0]
    assert len(told) < 8000
    assert "x = an array of shape (5000,)" in told
    assert f"<li>{99 - MAX_WARNINGS} more</li>" in source
    assert "The input to paste into Python is in results.json." in told
    assert "sss" not in told


def crowd(submissions: int, exercises: int, laws: int) -> Sequence[Verdict]:
    """A class in which nothing is right, and no two findings are alike."""
    number = itertools.count()

    def wrong(i: int) -> LawResult:
        noise = f"{next(number)} " + "x < 3 and " * 120
        shown = example(arguments={"x": noise, "w": noise}, snippet=noise)
        return flipped(f"law{i}", message=noise, counterexample=shown)

    return [
        verdict(
            f"student {i}",
            *(exercise(f"function_{j}", *map(wrong, range(laws))) for j in range(exercises)),
        )
        for i in range(submissions)
    ]


def test_a_large_class_gives_pages_of_a_sane_size() -> None:
    (wrong, *_) = everybody = crowd(30, 45, 6)
    assert len(page_of(everybody)) < 500_000
    source = student_page(wrong)
    assert len(source) < 2_000_000
    assert source.count('<div class="finding">') < MAX_FINDINGS + 6
    # Every law keeps its mark where the finding has no more room.
    assert source.count('aria-label="fail"') == 45 * 6
    assert "Why is in results.json; this page is full." in source


# --- contrast


def schemes() -> list[dict[str, str]]:
    style = (resources.files("autograder.report") / "templates" / "page.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.S)
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block)) for block in blocks]


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", schemes(), ids=["light", "dark"])
def test_contrast_is_wcag_aa(scheme: dict[str, str]) -> None:
    for ink in ("text", "quiet", "link", "good", "bad"):
        assert contrast(scheme[ink], scheme["page"]) >= 4.5, ink
    assert contrast(scheme["text"], scheme["raised"]) >= 4.5
    assert contrast(scheme["text"], scheme["notice"]) >= 4.5
    for behind in ("page", "track"):
        assert contrast(scheme["fill"], scheme[behind]) >= 3, behind
