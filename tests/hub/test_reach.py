"""Ports that a hub lends: who reaches a member there, what is counted, and what strangers cannot do."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.hub.hubs import Member, a_hub, free_ports, invite, make_hub, new_member
from tests.waiting import answered, wait_until
from tuishare.hub import reach_limits
from tuishare.hub.operator import GetStatus, HubStatus, ListMembers, MemberInfo, Members, Remove
from tuishare.hub.process import Hub, open_hub
from tuishare.hub.reach_limits import ReachLimits
from tuishare.hub.settings import HubSettings, ReachSettings, TotalSettings
from tuishare.link.mailbox.messages import CallerAnnounced, PortsLent, PortsRefused
from tuishare.net.connection_slots import blocks_of
from tuishare.net.endpoints import Endpoint
from tuishare.net.splice import Splice, splice
from tuishare.net.tcp import connect_tcp

HOST = "127.0.0.1"


@dataclass
class Reached:
    """A member's agent: fetches callers and connects them to an echo."""

    answers: bool = True
    ports: PortsLent | None = None
    refusals: list[PortsRefused] = field(default_factory=list)
    callers: list[CallerAnnounced] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    echo: int = 0

    def on_lent(self, ports: PortsLent) -> None:
        self.ports = ports

    def on_refused(self, refusal: PortsRefused) -> None:
        self.refusals.append(refusal)

    def on_caller(self, caller: CallerAnnounced) -> None:
        self.callers.append(caller)
        if self.answers:
            self.tasks.add(asyncio.create_task(self.fetch(caller)))

    async def fetch(self, caller: CallerAnnounced) -> None:
        own = await connect_tcp(Endpoint(HOST, self.echo))
        remote = await self.connect(caller.session)
        await splice(remote, own, Splice())

    async def connect(self, session: bytes):  # type: ignore[no-untyped-def]
        assert self.ports is not None
        remote = await connect_tcp(Endpoint(HOST, self.ports.accept))
        await asyncio.get_running_loop().sock_sendall(remote, session)
        return remote


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def reachable(member: Member, *, answers: bool = True) -> AsyncIterator[Reached]:
    """Be connected to the hub, with ports lent, for one block."""
    server = await asyncio.start_server(echo, HOST, 0)
    member.reached = reached = Reached(answers, echo=server.sockets[0].getsockname()[1])
    try:
        async with member.collecting():
            await wait_until(lambda: reached.ports is not None or bool(reached.refusals))
            yield reached
    finally:
        for task in reached.tasks:
            task.cancel()
        await asyncio.gather(*reached.tasks, return_exceptions=True)
        server.close()


async def say(port: int, content: bytes, *, host: str = HOST) -> bytes:
    """Connect to a port, send, end, and return everything that came back."""
    reader, writer = await asyncio.open_connection(HOST, port, local_addr=(host, 0))
    try:
        sending = asyncio.create_task(_send(writer, content))
        got = b"".join([piece async for piece in _pieces(reader)])
        await asyncio.gather(sending, return_exceptions=True)
        return got
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def _send(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    await writer.drain()
    writer.write_eof()


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await reader.read(1 << 16):
        yield piece


async def until_closed(port: int) -> None:
    async def is_closed() -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:  # it is being closed
            return False
        writer.close()
        return False

    await answered(is_closed, bool)


async def status(hub: Hub) -> HubStatus:
    answer = await hub.answer(GetStatus())
    assert isinstance(answer, HubStatus)
    return answer


async def only_member(hub: Hub) -> MemberInfo:
    answer = await hub.answer(ListMembers())
    assert isinstance(answer, Members)
    return answer.members[0]


async def test_callers_reach_a_member_and_the_operator_sees_it(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    async with a_hub(tmp_path / "hub") as hub:
        member = await new_member(hub)
        async with reachable(member) as reached:
            assert reached.ports is not None
            ports = reached.ports.link, reached.ports.tracker, reached.ports.swarm
            found = await asyncio.gather(*(say(port, content) for port in ports))
            assert [hashlib.sha256(each).digest() for each in found] == 3 * [hashlib.sha256(content).digest()]
            assert sorted(caller.service for caller in reached.callers) == ["link", "swarm", "tracker"]
            assert {caller.host for caller in reached.callers} == {HOST}
            assert len({caller.session for caller in reached.callers}) == 3
            now = await only_member(hub)
            assert now.ports == ports
            assert now.forwarded == 2 * 3 * len(content) == (await status(hub)).forwarded
            await answered(lambda: status(hub), lambda found: found.callers == 0)
        for port in ports:  # the member is away
            await until_closed(port)
        assert (await only_member(hub)).ports == ()


async def test_the_ports_stay_those_of_the_member(tmp_path: Path) -> None:
    places = make_hub(tmp_path / "hub")
    async with open_hub(places) as hub:
        one, two = await new_member(hub, 1), await new_member(hub, 2)
        async with reachable(two) as reached, reachable(one) as other:
            assert reached.ports
            assert other.ports
            before = reached.ports, other.ports
            assert before[0].link != before[1].link
    async with open_hub(places), reachable(one) as other, reachable(two) as reached:
        assert reached.ports
        assert other.ports
        assert [(each.link, each.swarm) for each in (reached.ports, other.ports)] == [
            (each.link, each.swarm) for each in before
        ]


async def test_a_newer_connection_takes_the_ports_over(tmp_path: Path) -> None:
    async with a_hub(tmp_path / "hub") as hub:
        member = await new_member(hub)
        async with reachable(member) as first, reachable(member) as second:
            assert first.ports == second.ports is not None
            assert await say(second.ports.link, b"hello") == b"hello"
            assert (len(first.callers), len(second.callers)) == (0, 1)


async def test_a_session_is_fetched_once_and_only_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuishare.hub.reach.WAIT_SECONDS", 0.5)
    async with a_hub(tmp_path / "hub") as hub:
        member = await new_member(hub)
        async with reachable(member, answers=False) as reached:
            assert reached.ports is not None
            calling = asyncio.create_task(say(reached.ports.swarm, b"hello"))
            await wait_until(lambda: len(reached.callers) == 1)
            session = reached.callers[0].session
            loop = asyncio.get_running_loop()
            guessed = await reached.connect(bytes(16))
            assert await loop.sock_recv(guessed, 1) == b""  # nothing waits under that id
            remote = await reached.connect(session)
            again = await reached.connect(session)
            assert await loop.sock_recv(again, 1) == b""
            assert await loop.sock_recv(remote, 10) == b"hello"
            remote.close()
            assert await calling == b""
            late = asyncio.create_task(say(reached.ports.swarm, b"hello"))
            await wait_until(lambda: len(reached.callers) == 2)
            assert await late == b""  # the hub has ended it
            too_late = await reached.connect(reached.callers[1].session)
            assert await loop.sock_recv(too_late, 1) == b""
            for each in (guessed, again, too_late):
                each.close()
            assert (await status(hub)).refused == 1


async def test_who_sends_no_session_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuishare.hub.reach.WAIT_SECONDS", 0.3)
    async with a_hub(tmp_path / "hub") as hub, reachable(await new_member(hub)) as reached:
        assert reached.ports is not None
        assert await say(reached.ports.accept, b"short") == b""
        reader, writer = await asyncio.open_connection(HOST, reached.ports.accept)
        assert await reader.read() == b""
        writer.close()


async def test_a_removed_member_is_not_reachable_any_longer(tmp_path: Path) -> None:
    async with a_hub(tmp_path / "hub") as hub:
        member = await new_member(hub)
        async with reachable(member) as reached:
            assert reached.ports is not None
            reader, writer = await asyncio.open_connection(HOST, reached.ports.link)
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            await hub.answer(Remove("member 1"))
            assert await reader.read() == b""  # also those who were connected
            writer.close()
            await until_closed(reached.ports.link)
        newer = Member(3)
        await newer.join(await invite(hub, "member 3"))
        async with reachable(newer) as reached_too:
            assert reached_too.ports == reached.ports  # they are free again


async def test_a_day_has_an_end_and_the_member_is_told(tmp_path: Path) -> None:
    async with (
        a_hub(tmp_path / "hub", "[reach]", 'day = "1MiB"') as hub,
        reachable(await new_member(hub)) as reached,
    ):
        assert reached.ports is not None
        assert len(await say(reached.ports.swarm, bytes(2_000_000))) < 1 << 20
        await wait_until(lambda: bool(reached.refusals))
        assert reached.refusals[0].seconds > 80_000
        await until_closed(reached.ports.link)


async def test_a_hub_without_ports_says_so(tmp_path: Path) -> None:
    places = make_hub(tmp_path / "hub")
    text = places.settings_file.read_text()
    first = next(line for line in text.splitlines() if line.startswith("ports"))
    places.settings_file.write_text(text.replace(first, 'ports = ""'))
    async with open_hub(places) as hub, reachable(await new_member(hub)) as reached:
        assert reached.refusals[0].reason == "this hub lends no ports"


async def test_a_port_in_use_is_said_and_the_rest_is_closed(tmp_path: Path) -> None:
    first = free_ports(3)
    places = make_hub(tmp_path / "hub")
    text = places.settings_file.read_text()
    lent = next(line for line in text.splitlines() if line.startswith("ports"))
    places.settings_file.write_text(text.replace(lent, f'ports = "{first}-{first + 2}"'))
    taken = await asyncio.start_server(echo, HOST, first + 1)
    async with taken, open_hub(places) as hub:
        member = await new_member(hub)
        async with reachable(member) as reached:
            assert reached.refusals[0].reason == "a port is in use"
            await until_closed(first)
        other = await new_member(hub, 2)
        async with reachable(other) as reached:
            assert reached.refusals[0].reason == "all ports of this hub are lent"


async def test_the_rate_of_a_member_is_kept(tmp_path: Path) -> None:
    async with (
        a_hub(tmp_path / "hub", "[reach]", 'rate = "2MB"') as hub,
        reachable(await new_member(hub)) as reached,
    ):
        assert reached.ports is not None
        loop = asyncio.get_running_loop()
        since = loop.time()
        assert len(await say(reached.ports.swarm, bytes(1_000_000))) == 1_000_000
        assert 0.5 < loop.time() - since < 10  # two million bytes in all, and the buffers at both ends


async def test_outsiders_who_flood_keep_no_one_out(tmp_path: Path) -> None:
    """Threat T18: those who were served before come first, and what strangers can hold is bounded."""
    async with a_hub(tmp_path / "hub") as hub, reachable(await new_member(hub)) as reached:
        assert reached.ports is not None
        port = reached.ports.swarm
        assert len(await say(port, bytes(100_000), host="127.1.2.3")) == 100_000
        reached.answers = False  # nothing is fetched from now on, so that callers stay in the queue
        held = [
            await asyncio.open_connection(HOST, port, local_addr=(f"127.{number % 7 + 2}.{number}.1", 0))
            for number in range(120)
        ]
        await wait_until(lambda: len(reached.callers) > 30)
        assert len(reached.callers) <= 1 + reach_limits._WAITING_PER_MEMBER
        for _, writer in held:
            writer.close()
        reached.answers = True
        assert await say(port, b"hello", host="127.1.2.3") == b"hello"
        assert (await status(hub)).refused > 0


def limits(clock: Callable[[], float] = lambda: 0.0, **reach: str | int) -> ReachLimits:
    settings = HubSettings("a:1", reach=ReachSettings(**reach), total=TotalSettings(callers=3))  # type: ignore[arg-type]
    return ReachLimits(settings, clock)


def test_callers_are_counted_for_the_member_for_the_address_and_in_all() -> None:
    here, there = ip_address("192.0.2.1"), ip_address("198.51.100.1")
    counts = limits(callers=2, per_address=1)
    assert counts.has_room(b"a", here)
    counts.begin(b"a", here)
    assert not counts.has_room(b"a", here)  # nor with another member
    assert not counts.has_room(b"b", here)
    assert counts.has_room(b"a", there)
    counts.begin(b"a", there)
    assert not counts.has_room(b"a", ip_address("203.0.113.1"))
    counts.begin(b"b", ip_address("203.0.113.1"))
    assert not counts.has_room(b"c", ip_address("203.0.113.9"))  # three in all
    counts.end(b"a", here)
    assert counts.has_room(b"c", here)
    assert blocks_of(here)[0] not in counts._blocks


def test_a_day_begins_again() -> None:
    now = 0.0
    counts = limits(lambda: now, day="100")
    assert counts.count(b"a", 99)
    assert not counts.count(b"a", 1)
    assert counts.seconds_to_wait(b"a") == 86_401
    assert counts.seconds_to_wait(b"b") == 0
    now = 86_400.0
    assert counts.seconds_to_wait(b"a") == 0
    assert counts.has_room(b"a", ip_address("192.0.2.1"))
