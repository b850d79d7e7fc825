"""The rule by which a dropped entry counts as complete."""

from __future__ import annotations

import pytest

from tuishare.agent.folders.stability import FileEventKind, StabilityTracker
from tuishare.config.model import SettleSettings


@pytest.fixture
def tracker() -> StabilityTracker:
    return StabilityTracker(SettleSettings(after_close=0.3, quiet=2.0, rescan=60.0))


def test_a_file_closed_after_writing_settles_after_the_short_time(tracker: StabilityTracker) -> None:
    tracker.hint("a", FileEventKind.FINISHED, 10.0)
    assert tracker.due(10.0) == ["a"]
    assert not tracker.walked("a", "s1", 5, 10.0, 10.0)
    assert tracker.next_due() == pytest.approx(10.3)
    assert tracker.walked("a", "s1", 5, 10.3, 10.31)
    assert tracker.unsettled() == ()


def test_anything_else_waits_for_the_long_time(tracker: StabilityTracker) -> None:
    tracker.notice("a", 10.0)
    assert not tracker.walked("a", "s1", 5, 10.0, 10.0)
    assert tracker.due(11.9) == []
    assert not tracker.walked("a", "s1", 5, 11.0, 11.0)  # a walk that came too early proves nothing
    assert tracker.next_due() == pytest.approx(13.0)
    assert tracker.walked("a", "s1", 5, 13.0, 13.0)


def test_an_event_between_two_equal_walks_starts_anew(tracker: StabilityTracker) -> None:
    tracker.hint("a", FileEventKind.FINISHED, 10.0)
    tracker.walked("a", "s1", 5, 10.0, 10.0)
    tracker.hint("a", FileEventKind.CHANGED, 10.2)
    assert tracker.due(10.2) == []  # not walked once per event
    assert tracker.next_due() == pytest.approx(12.0)
    assert not tracker.walked("a", "s1", 5, 12.0, 12.0)
    assert tracker.walked("a", "s1", 5, 14.0, 14.0)


def test_growth_without_an_event_makes_the_wait_long(tracker: StabilityTracker) -> None:
    tracker.hint("a", FileEventKind.FINISHED, 10.0)
    tracker.walked("a", "s1", 5, 10.0, 10.0)
    assert not tracker.walked("a", "s2", 6, 10.3, 10.3)
    assert tracker.next_due() == pytest.approx(12.3)
    (waiting,) = tracker.unsettled()
    assert (waiting.name, waiting.size, waiting.since) == ("a", 6, 10.0)


def test_a_scan_does_not_disturb_what_is_tracked(tracker: StabilityTracker) -> None:
    tracker.hint("a", FileEventKind.FINISHED, 10.0)
    tracker.walked("a", "s1", 5, 10.0, 10.0)
    tracker.notice("a", 10.2)
    assert tracker.walked("a", "s1", 5, 10.3, 10.3)


def test_what_is_gone_is_not_waited_for(tracker: StabilityTracker) -> None:
    tracker.notice("a", 10.0)
    tracker.drop("a")
    assert tracker.next_due() is None
    assert not tracker.walked("a", "s1", 5, 10.0, 10.0)
