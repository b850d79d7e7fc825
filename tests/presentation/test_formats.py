from __future__ import annotations

import pytest

from tests.api.samples import NOW
from tuishare.presentation.formats import (
    format_amount,
    format_count,
    format_exact_size,
    format_moment,
    format_part,
    format_percent,
    format_span,
    format_timestamp,
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


def test_a_size_is_written_rounded_and_exactly() -> None:
    assert format_exact_size(38_200_000_000) == "38.2 GB (38,200,000,000 bytes)"
    assert format_exact_size(999) == "999 B"


def test_amounts_and_parts() -> None:
    assert format_amount(1, 1_200_000) == "1 file · 1.2 MB"
    assert format_amount(1204, 5, ", ") == "1,204 files, 5 B"
    assert format_part(3, 1500) == "3 of 1,500"


def test_timestamps_are_written_in_full() -> None:
    assert format_timestamp(NOW) == "2026-11-23 11:56"
    assert format_timestamp(NOW + 7, seconds=True) == "2026-11-23 11:56:47"
