from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.sanitize import find_hidden, for_display


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b",
        "\n",
        "\x00",
        "\x7f",
        "\x9b",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u2028",
        "\ufeff",
        "\U000e0041",
        "\udcff",
    ],
)
def test_hidden_characters_are_shown_as_replacement(hostile: str) -> None:
    assert for_display(f"a{hostile}b") == "a\ufffdb"


@pytest.mark.parametrize("text", ["", "plain.txt", "naïve — 日本語 ✓", "a b"])
def test_ordinary_text_is_kept(text: str) -> None:
    assert for_display(text) == text


def test_long_text_loses_its_middle() -> None:
    assert for_display("abcdefghij", 7) == "abc…hij"
    assert for_display("abcdefghij", 6) == "abc…ij"
    assert for_display("abcdefghij", 3) == "a…j"
    assert for_display("abcdefghij", 10) == "abcdefghij"


@given(st.text(st.characters(codec=None)), st.integers(3, 40))
def test_result_is_short_and_seen(text: str, limit: int) -> None:
    shown = for_display(text, limit)
    assert len(shown) <= min(len(text), limit)
    assert for_display(shown, limit) == shown
    assert not list(find_hidden(shown))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("\U0001f468\u200d\U0001f467", "\U0001f468\U0001f467"),
        ("\u2764\ufe0f\u200d\U0001f525", "\u2764\ufe0f\U0001f525"),
        ("invoice\u200d.exe", "invoice\ufffd.exe"),
        ("\u0645\u200c.exe", "\u0645\ufffd.exe"),
    ],
)
def test_joiners_are_kept_where_they_are_seen(text: str, shown: str) -> None:
    assert for_display(text) == shown


@pytest.mark.parametrize("blank", ["\u3164", "\uffa0", "\u115f", "\u2800", "\u034f"])
def test_letters_without_ink_are_shown_as_replacement(blank: str) -> None:
    assert for_display(f"a{blank}b") == "a\ufffdb"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("invoice.pdf      .exe", "invoice.pdf\u2423\u2423\u2423\u2423\u2423\u2423.exe"),
        ("a\u3000\u3000\u00a0 b", "a\u2423\u2423\u2423\u2423b"),
        ("a   b", "a   b"),
        ("", ""),
    ],
)
def test_blanks_that_hide_something_are_shown(text: str, shown: str) -> None:
    assert for_display(text) == shown


def test_a_flood_of_marks_does_not_cover_other_lines() -> None:
    assert for_display("e" + "\u0301" * 40 + "x") == "e" + "\u0301" * 5 + "\ufffd" * 35 + "x"
    assert for_display("\u05e9\u05c1\u05b8\u05bd") == "\u05e9\u05c1\u05b8\u05bd"
