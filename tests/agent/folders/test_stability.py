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
    assert tracker.settle("a", 10.32)
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


def settle(tracker: StabilityTracker, form: str, at: float) -> float:
    """Let an entry be closed in a new form at a time; return how long it has to be quiet."""
    tracker.hint("a", FileEventKind.FINISHED, at)
    tracker.walked("a", form, 5, at, at)
    due = tracker.next_due()
    assert due is not None
    assert tracker.walked("a", form, 5, due, due)
    assert tracker.settle("a", due)
    return due - at


def test_what_changes_again_and_again_waits_longer_each_time(tracker: StabilityTracker) -> None:
    now, waits = 0.0, []
    for form in range(8):
        waits.append(settle(tracker, f"s{form}", now))
        now += waits[-1] + 1
    assert waits == pytest.approx([0.3, 2, 4, 8, 16, 32, 60, 60])
    tracker.hint("a", FileEventKind.FINISHED, now)
    tracker.walked("a", "s9", 5, now, now)
    assert "60 s" in tracker.unsettled()[0].reason
    tracker.drop("a")
    assert settle(tracker, "s10", now + 61) == pytest.approx(0.3)  # it was quiet for a minute
    assert settle(tracker, "s10", now + 62) == pytest.approx(0.3)  # an event that changed nothing


def test_what_never_ends_to_change_is_taken_in_a_quiet_moment_after_ten_minutes(
    tracker: StabilityTracker,
) -> None:
    settle(tracker, "s0", 0.0)
    for second in range(1, 602):
        tracker.hint("a", FileEventKind.FINISHED, float(second))
        assert not tracker.walked("a", f"s{second}", 5, float(second), float(second))
    assert tracker.walked("a", "s601", 5, 601.4, 601.4)


def test_what_is_held_is_looked_at_after_an_event_or_in_a_while(tracker: StabilityTracker) -> None:
    tracker.hint("a", FileEventKind.FINISHED, 0.0)
    tracker.walked("a", "s1", 5, 0.0, 0.0)
    now, pauses = 0.3, []
    for _ in range(6):
        assert tracker.walked("a", "s1", 5, now, now)
        tracker.hold("a", "It is open", now)
        due = tracker.next_due()
        assert due is not None
        pauses.append(due - now)
        now = due
    assert pauses == pytest.approx([2, 4, 8, 16, 30, 30])
    assert tracker.unsettled()[0].reason == "It is open"
    assert not tracker.is_overdue("a", now)
    assert tracker.is_overdue("a", 600.0)
    tracker.hint("a", FileEventKind.FINISHED, now)
    assert tracker.next_due() == pytest.approx(now)
    assert not tracker.settle("a", now)  # the event came before it could be taken
