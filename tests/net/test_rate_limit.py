"""Token buckets in bounded memory."""

from __future__ import annotations

from tests.tracker.announces import Clock
from tuishare.net.rate_limit import RateLimit


def test_a_burst_passes_and_then_nothing() -> None:
    rate_limit: RateLimit[str] = RateLimit(3, 1.0, 10, Clock())
    assert [rate_limit.take("a") for _ in range(5)] == [True, True, True, False, False]


def test_it_comes_back_with_time_but_never_beyond_the_burst() -> None:
    clock = Clock()
    rate_limit: RateLimit[str] = RateLimit(2, 0.5, 10, clock)
    assert [rate_limit.take("a") for _ in range(3)] == [True, True, False]
    clock.now += 2
    assert [rate_limit.take("a") for _ in range(2)] == [True, False]
    clock.now += 1_000
    assert [rate_limit.take("a") for _ in range(3)] == [True, True, False]


def test_asking_while_empty_does_not_keep_it_empty() -> None:
    clock = Clock()
    rate_limit: RateLimit[str] = RateLimit(1, 1.0, 10, clock)
    rate_limit.take("a")
    for _ in range(10):
        clock.now += 0.125
        if rate_limit.take("a"):
            break
    assert clock.now == 1_001.0


def test_keys_do_not_share() -> None:
    rate_limit: RateLimit[str] = RateLimit(1, 1.0, 10, Clock())
    assert rate_limit.take("a")
    assert rate_limit.take("b")


def test_memory_is_bounded_and_the_longest_unseen_goes_first() -> None:
    rate_limit: RateLimit[int] = RateLimit(1, 0.0, 3, Clock())
    for key in (1, 2, 3, 1, 4):
        rate_limit.take(key)
    assert len(rate_limit) == 3
    assert not rate_limit.take(1)
    assert rate_limit.take(2)
