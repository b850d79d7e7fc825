from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.api.samples import NOW
from tuishare.tui.formats import (
    clip,
    draw_bar,
    fit,
    format_count,
    format_moment,
    format_percent,
    format_span,
)

DAY = 86_400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (3 * DAY, "3 d"),
    ],
)
def test_spans_have_one_unit(seconds: float, text: str) -> None:
    assert format_span(seconds) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [(NOW, "11:56"), (NOW - 21 * DAY, "Nov 02"), (NOW - 400 * DAY, "2025"), (NOW + 400 * DAY, "2027")],
)
def test_moments_fit_six_cells(moment: int, text: str) -> None:
    assert format_moment(moment, NOW) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (1204, "1,204 files")])
def test_counts_know_their_plural(number: int, text: str) -> None:
    assert format_count(number, "file") == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(-1, "0 %"), (0, "0 %"), (0.999, "99 %"), (0.43, "43 %"), (1, "100 %"), (7, "100 %")],
)
def test_a_hundred_percent_is_all_of_it(fraction: float, text: str) -> None:
    assert format_percent(fraction) == text


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
