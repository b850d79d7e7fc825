"""When what a disk refused is tried again."""

from __future__ import annotations

import errno
import os

import pytest

from tuishare.agent.downloads.retries import FIRST_SECONDS, LONGEST_SECONDS, Retries, is_of_disk


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE]
)
def test_the_words_of_the_system_are_known(number: int) -> None:
    assert is_of_disk(os.strerror(number))
    assert is_of_disk(f"The received data could not be written: {os.strerror(number).lower()}")


@pytest.mark.parametrize("reason", ["", "Permission denied", "Refused", "It waits for space: 5 bytes"])
def test_others_are_not_of_the_disk(reason: str) -> None:
    assert not is_of_disk(reason)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_try_comes_later_than_the_one_before() -> None:
    clock = Clock()
    retries = Retries(clock)
    assert retries.defer("a")
    pauses = [FIRST_SECONDS]
    while pauses[-1] < LONGEST_SECONDS:
        clock.now += pauses[-1] - 0.5
        assert retries.take_due() == []
        clock.now += 0.5
        assert retries.take_due() == ["a"]
        assert retries.take_due() == []  # once
        assert not retries.defer("a")
        pauses.append(min(2 * pauses[-1], LONGEST_SECONDS))
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
