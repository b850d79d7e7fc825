from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.sanitize import for_display, is_unseen


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
    assert len(shown) == min(len(text), limit)
    assert not any(is_unseen(character) for character in shown)
