"""Token buckets in bounded memory."""

from __future__ import annotations

from tests.tracker.announces import Clock
from tuishare.net.rate_limit import RateLimit


def test_a_burst_passes_and_then_nothing() -> None:
    limiter: RateLimit[str] = RateLimit(3, 1.0, 10, Clock())
    assert [limiter.take("a") for _ in range(5)] == [True, True, True, False, False]


def test_it_comes_back_with_time_but_never_beyond_the_burst() -> None:
    clock = Clock()
    limiter: RateLimit[str] = RateLimit(2, 0.5, 10, clock)
    assert [limiter.take("a") for _ in range(3)] == [True, True, False]
    clock.now += 2
    assert [limiter.take("a") for _ in range(2)] == [True, False]
    clock.now += 1_000
    assert [limiter.take("a") for _ in range(3)] == [True, True, False]


def test_asking_while_empty_does_not_keep_it_empty() -> None:
    clock = Clock()
    limiter: RateLimit[str] = RateLimit(1, 1.0, 10, clock)
    limiter.take("a")
    for _ in range(10):
        clock.now += 0.125
        if limiter.take("a"):
            break
    assert clock.now == 1_001.0


def test_keys_do_not_share() -> None:
    limiter: RateLimit[str] = RateLimit(1, 1.0, 10, Clock())
    assert limiter.take("a")
    assert limiter.take("b")


def test_memory_is_bounded_and_the_longest_unseen_goes_first() -> None:
    limiter: RateLimit[int] = RateLimit(1, 0.0, 3, Clock())
    for key in (1, 2, 3, 1, 4):
        limiter.take(key)
    assert len(limiter) == 3
    assert not limiter.take(1)
    assert limiter.take(2)
