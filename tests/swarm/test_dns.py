"""Names become addresses; unknown names are no error."""

from __future__ import annotations

import asyncio

import pytest

from tuishare.net.addresses import MOST_CONTACTS
from tuishare.net.local_machine import LocalMachine
from tuishare.swarm import Endpoint
from tuishare.swarm.dns import (
    MAX_CONTACTS,
    judge_addresses,
    limit_received,
    resolve,
    resolve_received,
    split_contacts,
)


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


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names stand for; counts nothing, answers at once."""
    known: dict[str, list[str]] = {}

    async def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (address, port)) for address in known.get(host, ())]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", lambda _, *args, **more: look_up(*args, **more))
    return known


async def test_what_a_received_name_stands_for_is_judged(looked_up: dict[str, list[str]]) -> None:
    looked_up["alice.example"] = ["192.0.2.77", "169.254.169.254", "127.0.0.1", "224.0.0.1"]
    looked_up["here.example"] = ["127.0.0.1", "::1"]
    received = [Endpoint(host, 7) for host in ("alice.example", "here.example", "nowhere.example", "fe80::1")]
    judged = await resolve_received(received, LocalMachine())
    assert judged.good == (Endpoint("192.0.2.77", 7),)
    faults = {contact.host: fault.lasting for contact, fault in judged.faults}
    assert faults == {"alice.example": True, "here.example": False, "fe80::1": True}


async def test_what_a_person_named_is_not_judged(looked_up: dict[str, list[str]]) -> None:
    looked_up["desk"] = ["127.0.0.1", "169.254.1.2"]
    assert await resolve([Endpoint("desk", 7), Endpoint("fe80::1", 7)]) == (
        Endpoint("fe80::1", 7), Endpoint("127.0.0.1", 7), Endpoint("169.254.1.2", 7),
    )  # fmt: skip


async def test_one_envelope_has_few_addresses_called(looked_up: dict[str, list[str]]) -> None:
    literal = [Endpoint(f"192.0.2.{number}", 7) for number in range(100, 200)]
    assert len(judge_addresses(literal, LocalMachine()).good) == MOST_CONTACTS
    looked_up.update(
        {f"h{name}.example": [f"10.7.{name}.{number}" for number in range(99)] for name in range(40)}
    )
    named = [Endpoint(host, 7) for host in looked_up]
    assert len((await resolve_received(named, LocalMachine())).good) == MOST_CONTACTS
    assert limit_received(named) == tuple(named[:MOST_CONTACTS])  # no more are looked up


async def test_what_is_beyond_the_limit_is_not_looked_up(looked_up: dict[str, list[str]]) -> None:
    last = Endpoint("last.example", 7)
    looked_up[last.host] = ["192.0.2.77"]
    unknown = [Endpoint(f"h{name}.example", 7) for name in range(MOST_CONTACTS)]
    assert (await resolve_received([*unknown[1:], last], LocalMachine())).good == (Endpoint("192.0.2.77", 7),)
    assert (await resolve_received([*unknown, last], LocalMachine())).good == ()
