from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuishare.tui.cell_text import clip, draw_bar, fit


@given(st.floats(-1, 2), st.integers(2, 40))
def test_a_bar_is_full_only_when_done(fraction: float, width: int) -> None:
    bar = draw_bar(fraction, width)
    assert len(bar) == width
    assert ("░" not in bar) == (fraction >= 1)
    assert ("█" not in bar) == (fraction <= 0)


@given(st.text(), st.integers(1, 30))
def test_a_cut_text_fits_and_is_safe(text: str, width: int) -> None:
    for cut in (fit(text, width), clip(text, width)):
        assert cell_len(cut) <= width
        assert "\n" not in cut
        assert "\x1b" not in cut


@pytest.mark.parametrize(
    ("text", "width", "name", "sentence"),
    [
        ("contract.pdf", 12, "contract.pdf", "contract.pdf"),
        ("a-very-long-name.torrent", 11, "a-ver…rrent", "a-very-lon…"),
        ("写真写真写真.zip", 9, "写真….zip", "写真写真…"),
        ("x", 0, "", "…"),
    ],
)
def test_names_lose_their_middle_and_sentences_their_end(
    text: str, width: int, name: str, sentence: str
) -> None:
    assert fit(text, width) == name
    if width:
        assert clip(text, width) == sentence


def test_what_could_trick_a_terminal_is_replaced() -> None:
    assert fit("a\x1b[31m\u202eb\nc\u200b", 80) == "a\ufffd[31m\ufffdb\ufffdc\ufffd"
