"""When what a disk refused is tried again."""

from __future__ import annotations

from tuishare.agent.downloads.queue import FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, Retries


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_try_comes_later_than_the_one_before() -> None:
    clock = Clock()
    retries = Retries(clock)
    assert retries.defer("a")
    pauses = [FIRST_RETRY_SECONDS]
    while pauses[-1] < LONGEST_RETRY_SECONDS:
        clock.now += pauses[-1] - 0.5
        assert retries.take_due() == []
        clock.now += 0.5
        assert retries.take_due() == ["a"]
        assert retries.take_due() == []  # once
        assert not retries.defer("a")
        pauses.append(min(2 * pauses[-1], LONGEST_RETRY_SECONDS))
    assert len(pauses) == 7


def test_what_is_dropped_begins_anew() -> None:
    clock = Clock()
    retries = Retries(clock)
    retries.defer("a")
    retries.drop("a")
    retries.drop("b")
    clock.now = 1000.0
    assert retries.take_due() == []
    assert retries.defer("a")
