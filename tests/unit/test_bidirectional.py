"""Bidirectional controls: which are removed from texts, and how names are isolated from them."""

import time
from itertools import product

import pytest

from interviews_api.web.bidirectional import (
    isolate,
    isolate_in_html,
    with_balanced_bidi_controls,
    without_bidi_controls,
)
from interviews_api.web.plain_text import in_one_line, replace_controls
from tests.support.typed_texts import BIDI_CONTROLS, TURNED_NAMES, TURNED_PROSE

INITIATORS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u202d": "\u202c", "\u202e": "\u202c",
              "\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}  # fmt: skip
HEBREW = "\u05d3\u05d5\u05d3"


def is_balanced(text: str) -> bool:
    expected: list[str] = []
    for character in text:
        if character in INITIATORS:
            expected.append(INITIATORS[character])
        elif character in BIDI_CONTROLS and (not expected or expected.pop() != character):
            return False
    return not expected


@pytest.mark.parametrize("typed", TURNED_NAMES)
def test_one_line_loses_all_controls(typed: str) -> None:
    assert without_bidi_controls(typed) == in_one_line(typed) == TURNED_NAMES[typed]


@pytest.mark.parametrize("typed", TURNED_PROSE)
def test_prose_keeps_balanced_controls(typed: str) -> None:
    assert with_balanced_bidi_controls(typed) == replace_controls(typed) == TURNED_PROSE[typed]


def test_result_is_balanced_and_a_balanced_text_stays() -> None:
    for letters in product("a\n\u202b\u202e\u202c\u2067\u2069", repeat=5):
        text = "".join(letters)
        kept = with_balanced_bidi_controls(text)
        assert all(map(is_balanced, kept.split("\n"))), ascii(text)
        assert without_bidi_controls(kept) == without_bidi_controls(text)
        if all(map(is_balanced, text.split("\n"))):
            assert kept == text, ascii(text)


@pytest.mark.parametrize("part", ["\u202e", "\u2066", "\u2069", "\u2066\u202e", "\u2066\u202e\u2069", "\u202e\u202c"])
def test_controls_cost_linear_time(part: str) -> None:
    text = part * (64 * 1024 // len(part.encode()))
    began = time.process_time()
    with_balanced_bidi_controls(text)
    assert time.process_time() - began < 1, "quadratic time would be many seconds"
    nested = "\u2066" * 10_000 + "\u202e" * 10_000 + "\u2069" * 10_000
    assert with_balanced_bidi_controls(nested) == "\u2066" * 10_000 + "\u2069" * 10_000


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Ada", "Ada"),
        ("Łukasz \u200eÅ 5", "Łukasz \u200eÅ 5"),
        (HEBREW, f"\u2068{HEBREW}\u2069"),
        (f"{HEBREW} & co", f"\u2068{HEBREW} & co\u2069"),
        (f"Ada {HEBREW}", f"\u2068Ada {HEBREW}\u2069"),
        ("\u0645\u06cc\u200c\u062e", "\u2068\u0645\u06cc\u200c\u062e\u2069"),
        ("\u0661\u0662", "\u2068\u0661\u0662\u2069"),  # Arabic digits
        ("A\u200f", "\u2068A\u200f\u2069"),
        ("\u202eAda", "Ada"),
        (f"\u202e{HEBREW}\u2069", f"\u2068{HEBREW}\u2069"),
        ("", ""),
    ],
)
def test_name_with_right_to_left_letters_is_isolated(name: str, text: str) -> None:
    assert isolate(name) == isolate(isolate(name)) == text


def test_name_is_isolated_and_escaped_in_html() -> None:
    assert isolate_in_html("Ada") == "<bdi>Ada</bdi>"
    assert isolate_in_html('<b>&"\u202e{}') == "<bdi>&lt;b&gt;&amp;&#34;{}</bdi>"
