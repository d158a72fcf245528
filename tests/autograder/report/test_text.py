"""Text: what comes from student code can do nothing, and numbers look as on paper."""

from __future__ import annotations

import json
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.isolation.wire import RandomSource
from autograder.report.text import (
    MAX_NUMBERS,
    cell,
    for_log,
    json_for_log,
    points,
    value,
    visible,
)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain text, 1 < 2 & so on", "plain text, 1 < 2 & so on"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("größer, 大きい, ∑", "größer, 大きい, ∑"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("over\rwritten", "over\\x0dwritten"),
        ("back\b\x7f\x00", "back\\x08\\x7f\\x00"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2066b\u200b\ufeff", "a\\u2066b\\u200b\\ufeff"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\ud800", "\\ud800"),
        ("\ue000", "\\ue000"),
        ("a\ufe0f\u3164\u034f\U000e0100", "a\\ufe0f\\u3164\\u034f\\ue0100"),
        ("", ""),
    ],
)
def test_control_characters_are_spelled_out(text, seen):
    assert visible(text) == seen


@given(st.text())
def test_nothing_that_commands_a_terminal_is_left(text):
    for character in visible(text):
        assert (
            character in "\n\t"
            or unicodedata.category(character)[0] not in "CZ"
            or (character == " " or unicodedata.category(character) == "Zs")
        )


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_stays(text):
    assert visible(text) == text


COMMANDS = [
    ("::error file=a::b", "\\::error file=a::b"),
    (" \t\u3000::stop-commands::x", " \t\u3000\\::stop-commands::x"),
    ("one\n::add-mask::a\n  ::x::", "one\n\\::add-mask::a\n  \\::x::"),
    ("say ##[error]x", "say ##\\[error]x"),
    ("##vso[task.setvariable variable=a]b", "##\\vso[task.setvariable variable=a]b"),
    ("###[x]##teamcity[y]", "###\\[x]##\\teamcity[y]"),
    # A runner compares texts as people do: it does not see these signs either.
    ("\ufe0f::error::x", "\\ufe0f::error::x"),
    ("#\u034f#[error]x", "#\\u034f#[error]x"),
]
ORDINARY = ["x[::2]", "y = x[:, ::-1]  ## [sic]", "a ::b", "C++: std::vector", "#[1]", "## x[1]"]


@pytest.mark.parametrize(("text", "logged"), [*COMMANDS, *((text, text) for text in ORDINARY)])
def test_a_log_holds_no_commands(text, logged):
    assert for_log(text) == logged


@given(st.text(st.sampled_from(":# [v\n\t\u2003\ufe0f\x1b")))
def test_no_line_of_a_log_begins_like_a_command(text):
    logged = for_log(text)
    assert not [line for line in logged.split("\n") if line.lstrip().startswith("::")]
    assert not re.search(r"##\w*\[", logged)
    assert for_log(logged) == logged


@given(st.text(st.sampled_from('#[]v"\\\n é')))
def test_json_in_a_log_means_the_same_and_holds_no_commands(text):
    logged = json_for_log(json.dumps([text]))
    assert json.loads(logged) == [text]
    assert "##" not in logged


def test_points_have_no_needless_digits():
    assert [points(p) for p in (3.0, 0.5, 41.5, 0, 120)] == ["3", "0.5", "41.5", "0", "120"]


@pytest.mark.parametrize(
    ("item", "line"),
    [
        (np.array([[[[1.0, 0.0]]]]), "[[[[1, 0]]]]"),
        (np.array([0.5, -1.25]), "[0.5, -1.25]"),
        (np.array([1.0], np.float32), "[1] (float32)"),
        (np.array([1, 255], np.uint8), "[1, 255] (uint8)"),
        (np.array([True, False]), "[True, False] (bool)"),
        (np.array([np.nan, -np.inf]), "[nan, -inf]"),
        (np.zeros((0, 2)), "empty, shape (0, 2)"),
        (np.arange(MAX_NUMBERS + 1.0), f"an array of shape ({MAX_NUMBERS + 1},)"),
        (np.zeros((MAX_NUMBERS + 1, 1)), f"zeros ({MAX_NUMBERS + 1}, 1)"),
        (np.full((9, 9), 2.5, np.float32), "2.5 all over (9, 9) (float32)"),
        (np.array(3.0), "3"),
        (np.float32(0.5), "0.5"),
        (np.int64(3), "3"),
        (3, "3"),
        (3.0, "3"),
        (1 / 3, "0.333333"),
        (True, "True"),
        (None, "None"),
        ("same", "'same'"),
        ("\x1b[0m", "'\\x1b[0m'"),
        ((1, 2), "(1, 2)"),
        ((1,), "(1,)"),
        ([1, (2.5,)], "[1, (2.5,)]"),
        ({"w": np.array([1.0])}, "{'w': [1]}"),
        ([], "[]"),
        ({}, "{}"),
        (RandomSource(3), "default_rng(3)"),
    ],
)
def test_values_are_one_line(item, line):
    assert value(item) == line


def test_one_cell_of_an_array():
    array = np.array([[1.0, 2.5]])
    assert cell(array, (0, 1)) == "2.5"
    assert cell(array, None) == "[[1, 2.5]]"
    # An index of another array: the answer has another number of axes.
    assert cell(array, (1,)) == "[[1, 2.5]]"
    assert cell(7.0, ()) == "7"
    assert cell(np.array(7.0), ()) == "7"
    assert cell(None, (0, 1)) == "None"
    assert cell([1, 2], (0,)) == "[1, 2]"
