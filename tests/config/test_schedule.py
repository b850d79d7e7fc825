"""How fast, and when."""

from __future__ import annotations

from datetime import datetime

import pytest

from tuishare.config.schedule import BandwidthLimits, BandwidthPeriod, BandwidthRates, parse_time
from tuishare.errors import BadInput

WORK = BandwidthPeriod("08:00", "18:00", ["mon", "fri"], "1MiB", "2MiB")
NIGHT = BandwidthPeriod("22:00", "06:00", ["fri"], "3MiB")
LIMITS = BandwidthLimits("5MiB", "0", schedule=[WORK, NIGHT])
MIB = 1 << 20


def local(text: str) -> datetime:
    """A moment of a week whose Monday is the 5th of January 2026."""
    return datetime.strptime(f"2026-01-{text}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 — local time is what is meant


@pytest.mark.parametrize(
    ("moment", "rates"),
    [
        ("05 07:59", BandwidthRates(5 * MIB, 0)),
        ("05 08:00", BandwidthRates(MIB, 2 * MIB)),
        ("05 17:59", BandwidthRates(MIB, 2 * MIB)),
        ("05 18:00", BandwidthRates(5 * MIB, 0)),
        ("06 12:00", BandwidthRates(5 * MIB, 0)),
        ("09 21:59", BandwidthRates(5 * MIB, 0)),
        ("09 22:00", BandwidthRates(3 * MIB, 0)),
        ("10 00:00", BandwidthRates(3 * MIB, 0)),
        ("10 05:59", BandwidthRates(3 * MIB, 0)),
        ("10 06:00", BandwidthRates(5 * MIB, 0)),
        ("10 22:00", BandwidthRates(5 * MIB, 0)),
        ("09 05:59", BandwidthRates(5 * MIB, 0)),
    ],
)
def test_the_rates_of_a_moment(moment: str, rates: BandwidthRates) -> None:
    assert LIMITS.rates(local(moment)) == rates


def test_the_first_period_that_fits_counts() -> None:
    limits = BandwidthLimits(
        schedule=[
            BandwidthPeriod("00:00", "12:00", upload="1"),
            BandwidthPeriod("00:00", "00:00", upload="2"),
        ]
    )
    assert [limits.rates(local(f"07 {hour}:00")).upload for hour in ("11", "12")] == [1, 2]


def test_more_than_the_engine_can_count_is_what_it_can_count() -> None:
    assert BandwidthLimits("9T").rates(local("05 00:00")) == BandwidthRates(2**31 - 1, 0)


@pytest.mark.parametrize("text", ["", "8:00", "08:60", "24:00", "08:00:00", "٠٨:00", "08:00 "])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(BadInput, match="is not a time of day"):
        parse_time(text)
