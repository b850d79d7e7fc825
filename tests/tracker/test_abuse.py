"""A hundred thousand guesses: nobody named, nothing left behind (threat T11)."""

from __future__ import annotations

import sys
from ipaddress import ip_address

from tests.tracker.announces import BOB, CAROL, Clock, Desk, named, open_desk, query
from tuishare.tracker import AnnounceRejected, TrackerLimits
from tuishare.tracker.connection_limits import ConnectionLimits

_BLOCKS = 1_000
"""Of memory, of the some 500,000 that the interpreter holds; one a guess would be 100 times as many."""


def _guess(desk: Desk, connection_limits: ConnectionLimits, numbers: range) -> int:
    """Try passkeys, each from another address and so past the limit of any; return how many were let through."""
    welcome, said = 0, query("mallory")
    for number in numbers:
        host = ip_address(2**31 + number)
        connection_limits.admits(host)
        try:
            desk.tracker.answer(number.to_bytes(32), said, host)
            welcome += 1
        except AnnounceRejected:
            connection_limits.is_stranger_allowed(host)
    return welcome


def test_a_hundred_thousand_guesses_from_everywhere_leave_nothing_behind() -> None:
    desk = open_desk()
    connection_limits = ConnectionLimits(TrackerLimits(), (), Clock())
    desk.ask(BOB, query())
    _guess(desk, connection_limits, range(10_000))  # all tables are full now
    before = sys.getallocatedblocks()
    welcome = _guess(desk, connection_limits, range(10_000, 110_000))
    assert sys.getallocatedblocks() - before < _BLOCKS
    assert welcome == 0
    assert (
        len(connection_limits._connections) == len(connection_limits._refusals) == TrackerLimits().addresses
    )
    assert len(desk.heard) == 1
    assert named(desk.ask(CAROL, query("carol"))) == {"192.0.2.1:50007", "198.51.100.7:6881"}
