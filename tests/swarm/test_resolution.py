"""Names become addresses; unknown names are no error."""

from __future__ import annotations

from tuishare.swarm import Endpoint
from tuishare.swarm.resolution import MAX_CONTACTS, resolve, split_contacts


def test_addresses_are_told_from_names() -> None:
    contacts = [
        Endpoint("192.0.2.7", 1),
        Endpoint("alice.example", 2),
        Endpoint("::1", 3),
        Endpoint("192.0.2.7", 1),
    ]
    addresses, names = split_contacts(contacts)
    assert addresses == (Endpoint("192.0.2.7", 1), Endpoint("::1", 3))
    assert names == (Endpoint("alice.example", 2),)


def test_a_long_list_from_somebody_else_is_cut() -> None:
    addresses, names = split_contacts(Endpoint(f"host{number}.example", 1) for number in range(500))
    assert len(addresses) + len(names) == MAX_CONTACTS


async def test_localhost_is_known_and_nonsense_is_not() -> None:
    found = await resolve([Endpoint("localhost", 7), Endpoint("nowhere.invalid", 8)])
    assert Endpoint("127.0.0.1", 7) in found
    assert all(endpoint.port == 7 for endpoint in found)
