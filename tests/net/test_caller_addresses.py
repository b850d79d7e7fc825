"""Loopback addresses that stand for callers by hub."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from tuishare.net import caller_addresses
from tuishare.net.caller_addresses import MOST_CALLERS, CallerAddresses, itself

ALICE, BOB = ip_address("192.0.2.1"), ip_address("2001:db8::7")


def test_each_connection_has_another_address_which_tells_its_caller() -> None:
    known = CallerAddresses()
    taken = [known.take(ALICE), known.take(ALICE), known.take(BOB)]
    addresses = [address for address in taken if address is not None]
    assert len(set(addresses)) == len(known) == 3
    assert all(address.is_loopback and str(address).startswith("127.77.") for address in addresses)
    assert [known.origin_of(address) for address in addresses] == [ALICE, ALICE, BOB]
    assert [known.is_by_hub(each) for each in (addresses[0], ip_address("127.0.0.1"), ALICE)] == [
        True,
        False,
        False,
    ]
    assert known.origin_of(ip_address("127.0.0.1")) == ip_address("127.0.0.1")
    assert (known.origin_of(BOB), itself(BOB)) == (BOB, BOB)


def test_who_comes_again_has_the_same_address_so_that_a_ban_holds() -> None:
    known = CallerAddresses()
    first = known.take(ALICE)
    assert first is not None
    known.give_back(first)
    assert known.take(BOB) not in {first, None}
    assert known.origin_of(first) == ALICE  # a connection that has ended is still told of
    assert known.take(ALICE) == first


def test_addresses_are_bounded_and_the_oldest_unused_one_goes_first() -> None:
    known = CallerAddresses()
    taken = [known.take(IPv4Address(number)) for number in range(MOST_CALLERS)]
    assert known.take(BOB) is None
    for address in (taken[7], taken[3]):
        assert address is not None
        known.give_back(address)
    assert known.take(BOB) == taken[7]
    assert taken[7] is not None
    assert known.origin_of(taken[7]) == BOB
    assert known.take(IPv4Address(3)) == taken[3]
    assert known.take(ALICE) is None
    assert len(known) == len(known._origins) == caller_addresses.MOST_CALLERS
