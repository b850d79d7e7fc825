"""What others say about our address and ports."""

from __future__ import annotations

import asyncio

import pytest

from tests.swarm.conftest import StartEngine
from tuishare.swarm import MappedPort, port_mapping
from tuishare.swarm.alerts import ExternalAddress, PortMapped, PortMappingFailed
from tuishare.swarm.port_mapping import MAX_ADDRESSES, RouterMappings


def test_the_address_told_last_comes_first() -> None:
    """A line that gets another address every night has it for more nights than are remembered."""
    known = RouterMappings()
    for day in range(2 * MAX_ADDRESSES):
        known.note(ExternalAddress(f"192.0.2.{day}"))
        assert known.addresses[0] == f"192.0.2.{day}"
    known.note(ExternalAddress("192.0.2.12"))
    assert known.addresses[:2] == ("192.0.2.12", "192.0.2.15")


def test_liars_cannot_fill_the_memory() -> None:
    known = RouterMappings()
    known.note(ExternalAddress("192.0.2.7"))
    for number in range(1000):
        known.note(ExternalAddress(f"2001:db8::{number:x}"))
    known.note(ExternalAddress("192.0.2.7"))
    assert len(known.addresses) == MAX_ADDRESSES
    assert known.addresses[0] == "192.0.2.7"


def test_a_mapped_port_is_named_by_what_was_asked_for_it() -> None:
    known = RouterMappings()
    known.expect(8080, [2])
    known.note(PortMapped(0, 50007, "tcp", "UPnP"))
    known.note(PortMapped(1, 40123, "udp", "UPnP"))
    known.note(PortMapped(2, 18080, "tcp", "NAT-PMP"))
    assert known.mapped([50007]) == (
        MappedPort(50007, 50007, "tcp", "UPnP"),
        MappedPort(50007, 40123, "udp", "UPnP"),
        MappedPort(8080, 18080, "tcp", "NAT-PMP"),
    )


def test_the_only_swarm_port_is_known_under_any_number_outside() -> None:
    """As where another machine at home has our number already; of two ports nobody can tell."""
    known = RouterMappings()
    known.expect(50009, [2])
    known.note(PortMapped(0, 43395, "tcp", "UPnP"))
    assert [found.port for found in known.mapped([50007])] == [50007]
    assert [found.port for found in known.mapped([50007, 50008])] == [0]


async def test_a_router_is_heard_when_it_forwards_every_port() -> None:
    known = RouterMappings()
    await known.wait()  # nobody was asked
    known.ask(50007)
    known.note(PortMapped(2, 50009, "tcp", "UPnP"))  # faster than we learn that number 2 is ours
    known.expect(50009, [2])
    known.ask(50009)
    known.note(PortMapped(0, 50007, "udp", "UPnP"))
    hearing = asyncio.create_task(known.wait())
    _, waiting = await asyncio.wait([hearing], timeout=0)
    assert waiting == {hearing}
    known.note(PortMapped(0, 50007, "tcp", "UPnP"))
    await asyncio.wait_for(hearing, 1)
    assert known.faults == ()


async def test_a_router_that_says_nothing_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_mapping, "ROUTER_SECONDS", 0.01)
    known = RouterMappings()
    known.ask(50007)
    assert not known.faults
    await asyncio.wait_for(known.wait(), 5)
    assert known.faults == ("no router has answered UPnP or NAT-PMP",)
    known.note(PortMapped(0, 50007, "tcp", "NAT-PMP"))
    assert not known.faults


def test_two_ports_of_ours_are_not_mixed_up() -> None:
    """As a router answered that spoke NAT-PMP: both listening sockets ask under the same number."""
    known = RouterMappings()
    for port in (50007, 50008):
        known.note(PortMapped(0, port, "tcp", "NAT-PMP"))
    assert [found.port for found in known.mapped([50007, 50008])] == [50007, 50008]


async def test_a_mapping_that_fails_later_is_a_fault_until_it_works_again() -> None:
    known = RouterMappings()
    known.ask(50007)
    known.note(PortMapped(0, 50007, "tcp", "UPnP"))
    known.note(PortMappingFailed(0, "UPnP", "no \x1b[31mrouter"))
    assert known.mapped([50007]) == ()
    (fault,) = known.faults
    assert fault.startswith("UPnP did not map a port: no ")
    assert "\x1b" not in fault
    known.note(PortMapped(0, 50007, "tcp", "UPnP"))
    assert known.faults == ()


@pytest.mark.parametrize("refused_first", [True, False])
async def test_a_refusal_of_one_swarm_is_not_about_the_other(*, refused_first: bool) -> None:
    known = RouterMappings()
    known.ask(50007, 50008)
    refusal = PortMappingFailed(0, "UPnP", "conflict")
    if refused_first:
        known.note(refusal)
    known.note(PortMapped(0, 50007, "tcp", "UPnP"))
    if not refused_first:
        known.note(refusal)
    assert [found.port for found in known.mapped([50007, 50008])] == [50007]
    assert list(known.faults) == ["UPnP did not map a port: conflict"]
    known.note(PortMapped(0, 50008, "tcp", "NAT-PMP"))  # the other way has worked
    assert list(known.faults) == []


async def test_another_port_outside_takes_the_place_of_the_former() -> None:
    known = RouterMappings()
    known.expect(50009, [2])
    known.ask(50007, 50009)
    for number, external in ((0, 60007), (2, 60009), (0, 61007), (2, 61009)):
        known.note(PortMapped(number, external, "tcp", "UPnP"))
    assert [found.external_port for found in known.mapped([50007])] == [61007, 61009]


async def test_without_port_mapping_no_router_is_asked(start_engine: StartEngine) -> None:
    engine = await start_engine()
    mapping = await engine.map_port(18080)
    assert (mapping.port, mapping.asked) == (18080, False)
    assert (engine.mapped_ports, engine.mapping_faults, engine.external_addresses) == ((), (), ())
