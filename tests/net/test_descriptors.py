"""How many files may be open, and who gets them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from itertools import pairwise

import pytest

from tuishare.errors import BadInput, DiskRefused, TooManyOpen, from_os_error
from tuishare.net.descriptors import (
    ENOUGH,
    descriptor_limit,
    lowest_free,
    plan_descriptors,
    raise_descriptor_limit,
)

LIMITS = (64, 128, 256, 1024, 4096, 20_000, ENOUGH)


@pytest.mark.parametrize("limit", LIMITS)
def test_the_parts_leave_the_reserve(limit: int) -> None:
    parts = plan_descriptors(limit)
    taken = parts.handshakes + parts.connections + parts.files + 3 * parts.announces + parts.tracker_clients
    assert taken + parts.reserve <= parts.limit == limit
    assert parts.downloads <= parts.connections
    assert 4 <= parts.clients <= parts.reserve // 4
    assert min(parts.handshakes, parts.connections, parts.files, parts.announces, parts.downloads) >= 2


def test_more_is_never_less() -> None:
    rows = [plan_descriptors(limit) for limit in range(64, 8_000, 7)]
    for former, latter in pairwise(rows):
        for part in ("reserve", "handshakes", "files", "announces", "tracker_clients", "clients"):
            assert getattr(former, part) <= getattr(latter, part), (latter.limit, part)
        # What is left over may lose to the rounding of the others.
        assert former.connections <= latter.connections + 4, latter.limit


def test_fewer_than_anything_works_with_are_taken_for_64() -> None:
    assert plan_descriptors(3) == plan_descriptors(64)


def limits_after(soft: int, hard: int, code: str = "") -> list[int]:
    """What another process has after it raised its limit."""
    program = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
        f"from tuishare.net.descriptors import *\n{code}\n"
        "print(raise_descriptor_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return [int(word) for word in said.stdout.split()]


def test_the_soft_limit_becomes_the_hard_one() -> None:
    assert limits_after(256, 1500) == [1500, 1500, 1500]


def test_a_huge_hard_limit_is_not_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1024, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", lambda _what, limits: asked.append(limits))
    raise_descriptor_limit()
    assert asked == [(ENOUGH, resource.RLIM_INFINITY)]


def test_a_limit_that_is_higher_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1 << 20, 1 << 20))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: pytest.fail("set"))
    assert raise_descriptor_limit() == 1 << 20


def test_a_sandbox_may_forbid_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object) -> tuple[int, int]:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(resource, "setrlimit", forbid)
    assert raise_descriptor_limit() == descriptor_limit()
    monkeypatch.setattr(resource, "getrlimit", forbid)
    assert raise_descriptor_limit() == 256


def test_the_lowest_free_number_grows_with_what_is_open() -> None:
    with open(os.devnull) as first:
        before = lowest_free(first.fileno())
        opened = [os.dup(first.fileno()) for _ in range(5)]
        assert lowest_free(first.fileno()) >= before + 5
        for descriptor in opened:
            os.close(descriptor)
        assert lowest_free(first.fileno()) == before


def test_an_error_for_want_of_descriptors_passes_by_itself() -> None:
    for number in (23, 24):
        error = from_os_error(OSError(number, os.strerror(number)), "read x")
        assert isinstance(error, TooManyOpen)
        assert isinstance(error, DiskRefused)
        assert "tries again" in error.hint
    assert not isinstance(
        from_os_error(OSError(28, "No space left on device"), "read x"), TooManyOpen | BadInput
    )
