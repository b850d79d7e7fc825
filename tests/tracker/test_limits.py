"""Intervals: short while people look for each other, long in a crowd."""

from __future__ import annotations

import pytest

from tuishare.tracker import TrackerLimits


@pytest.mark.parametrize(
    ("peers", "downloading", "interval"),
    [(1, True, 20), (16, True, 20), (31, True, 20), (64, True, 80), (10_000, True, 300), (3, False, 120)],
)
def test_intervals_grow_with_the_swarm(peers: int, downloading: bool, interval: int) -> None:
    assert TrackerLimits().interval_for(peers, downloading=downloading) == interval


@pytest.mark.parametrize("interval", [1, 20, 300])
def test_one_missed_announce_is_forgiven_two_are_not(interval: int) -> None:
    assert 2 * interval < TrackerLimits().expiry_for(interval) < 3 * interval
