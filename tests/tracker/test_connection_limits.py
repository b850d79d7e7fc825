"""Limits per address, and whose address it is."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from tests.tracker.announces import Clock
from tuishare.net.addresses import unmapped
from tuishare.tracker import TrackerLimits
from tuishare.tracker.connection_limits import ConnectionLimits, address_block

LIMITS = TrackerLimits(
    stranger_burst=2, stranger_rate=0.1, connection_burst=3, connection_rate=1.0, addresses=4
)
MALLORY, BOB = ip_address("203.0.113.9"), ip_address("198.51.100.7")
PROXIES = (ip_network("10.0.0.0/24"), ip_network("::1/128"))


def _connection_limits(clock: Clock | None = None) -> ConnectionLimits:
    return ConnectionLimits(LIMITS, PROXIES, clock or Clock())


def test_whoever_knocks_without_end_is_not_let_in() -> None:
    clock = Clock()
    connection_limits = _connection_limits(clock)
    assert [connection_limits.admits(MALLORY) for _ in range(4)] == [True, True, True, False]
    assert connection_limits.admits(BOB)
    clock.now += 1
    assert connection_limits.admits(MALLORY)


def test_members_are_let_in_from_where_they_announced() -> None:
    clock = Clock()
    connection_limits = _connection_limits(clock)
    for _ in range(9):
        connection_limits.admits(BOB)
    assert not connection_limits.admits(BOB)
    connection_limits.note_member(BOB)
    assert all(connection_limits.admits(BOB) for _ in range(9))
    clock.now += 3_601
    assert [connection_limits.admits(BOB) for _ in range(4)][-1] is False


def test_strangers_are_answered_for_a_while() -> None:
    connection_limits = _connection_limits()
    assert [connection_limits.is_stranger_allowed(MALLORY) for _ in range(3)] == [True, True, False]
    assert connection_limits.is_stranger_allowed(BOB)


def test_many_addresses_of_one_household_count_as_one() -> None:
    connection_limits = _connection_limits()
    hosts = [ip_address(f"2001:db8:0:7::{number:x}") for number in range(1, 5)]
    assert [connection_limits.admits(host) for host in hosts] == [True, True, True, False]
    assert connection_limits.admits(ip_address("2001:db8:0:8::1"))
    assert address_block(ip_address("0.0.0.1")) != address_block(ip_address("0:0:0:1::"))


def test_members_remembered_are_bounded() -> None:
    connection_limits = _connection_limits()
    for number in range(100):
        connection_limits.note_member(ip_address(number))
    assert len(connection_limits._members) == LIMITS.addresses


@pytest.mark.parametrize(
    ("host", "forwarded", "sender"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_only_proxies_of_our_own_are_believed(host: str, forwarded: str, sender: str) -> None:
    assert str(_connection_limits().sender(ip_address(host), forwarded)) == sender


def test_proxies_of_our_own_speak_for_many() -> None:
    connection_limits = _connection_limits()
    assert all(connection_limits.admits(ip_address("10.0.0.1")) for _ in range(9))


def test_a_mapped_address_is_an_ipv4_address() -> None:
    assert unmapped(ip_address("::ffff:198.51.100.7")) == BOB
    assert unmapped(ip_address("2001:db8::7")) == ip_address("2001:db8::7")
