"""Who connects and does not shake hands."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.strangers import client_hello
from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share, at, completed
from tests.waiting import wait_until
from tuishare.net.descriptors import plan_descriptors
from tuishare.swarm import Crowd, Endpoint, Engine, handshakes
from tuishare.swarm.handshakes import HANDSHAKE, SILENCE, Handshakes, Pending, Usage, choose_ends, networks_of

NOW = 1000.0


def pending(number: int, host: str = "192.0.2.7", *, age: float = 1.0, received: int = 0) -> Pending:
    return Pending(number, number, (host, 40_000 + number), received, NOW - age)


def ends(*all_of_them: Pending, room: int = 64) -> set[int]:
    return {each.inode for each in choose_ends(all_of_them, NOW, room)}


def test_the_first_byte_and_the_whole_handshake_have_their_time() -> None:
    assert ends(pending(1, age=SILENCE - 0.1), pending(2, age=SILENCE)) == {2}
    assert ends(pending(1, age=SILENCE, received=1)) == set()
    assert ends(pending(1, age=HANDSHAKE - 0.1, received=1), pending(2, age=HANDSHAKE, received=9000)) == {2}


def test_no_more_than_there_is_room_for() -> None:
    crowd = [pending(number, f"192.{number}.2.7", age=5 - number / 100) for number in range(70)]
    assert ends(*crowd, room=64) == {0, 1, 2, 3, 4, 5}, "who came first goes first"


def test_who_said_something_outlives_the_silent() -> None:
    crowd = [pending(number, f"192.{number}.2.7", age=1) for number in range(64)]
    member = pending(99, "198.51.100.1", age=5, received=1700)
    assert ends(member, *crowd, room=64) & {99} == set()


@pytest.mark.parametrize(
    ("near", "far"),
    [("192.0.2.{}", "192.{}.2.1"), ("2001:db8:1:{}::1", "2001:db8:{}::1")],
)
def test_one_network_does_not_take_all_the_room(near: str, far: str) -> None:
    assert len(ends(*(pending(n, near.format(n)) for n in range(40)), room=64)) == 8
    assert not ends(*(pending(n, far.format(n)) for n in range(40)), room=64)


def test_one_address_takes_a_quarter() -> None:
    assert len(ends(*(pending(number) for number in range(40)), room=64)) == 24
    assert len(ends(*(pending(n, f"2001:db8::{n}") for n in range(1, 41)), room=64)) == 24


def test_networks() -> None:
    assert networks_of("192.0.2.7") == ("192.0.2.7/32", "192.0.2.0/24")
    assert networks_of("2001:db8:1:2::3") == ("2001:db8:1:2::/64", "2001:db8:1::/48")
    assert networks_of("fe80::1%eth0") == ("fe80::/64", "fe80::/48")


def test_what_counts_as_short() -> None:
    assert Usage(97, 128, 64).short
    assert not Usage(96, 128, 64).short


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything have less time."""
    for name, seconds in {
        "SILENCE": 0.2,
        "HANDSHAKE": 0.6,
        "BUSY": 0.05,
        "CALM": 0.05,
        "EPISODE": 2.0,
    }.items():
        monkeypatch.setattr(handshakes, name, seconds)


async def call(where: Endpoint, said: bytes = b"") -> socket.socket:
    caller = socket.socket()
    caller.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(caller, (where.host, where.port))
    await loop.sock_sendall(caller, said)
    return caller


async def hung_up(caller: socket.socket, *, seconds: float = 10.0) -> None:
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(seconds):
            while await asyncio.get_running_loop().sock_recv(caller, 4096):
                pass
    caller.close()


@pytest.mark.parametrize("transport", ["tls", "plain"])
@pytest.mark.usefixtures("hurried")
async def test_who_says_nothing_is_hung_up_on(start_engine: StartEngine, transport: str) -> None:
    engine = await start_engine()
    await hung_up(await call(at(engine, transport)))


@pytest.mark.parametrize("bytes_sent", [1, 300, -1], ids=["one byte", "half a hello", "a hello"])
@pytest.mark.usefixtures("hurried")
async def test_who_does_not_finish_is_hung_up_on(start_engine: StartEngine, bytes_sent: int) -> None:
    engine = await start_engine()
    hello = client_hello()
    await hung_up(await call(at(engine), hello[:bytes_sent] if bytes_sent > 0 else hello))


@pytest.mark.usefixtures("hurried")
async def test_who_trickles_is_hung_up_on(start_engine: StartEngine) -> None:
    engine = await start_engine()
    caller = await call(at(engine))

    async def trickle() -> None:
        for byte in client_hello():
            await asyncio.get_running_loop().sock_sendall(caller, bytes([byte]))
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    await hung_up(caller)
    trickling.cancel()
    await asyncio.gather(trickling, return_exceptions=True)


@pytest.fixture
async def members(start_engine: StartEngine, share: Share, tmp_path: Path) -> tuple[Engine, Engine]:
    """Two who are connected, and have nothing more to say to each other."""
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    await completed(bob, share.downloading(tmp_path / "bob", at(alice)))
    return alice, bob


@pytest.mark.usefixtures("hurried")
async def test_a_member_may_be_silent(members: tuple[Engine, Engine], share: Share) -> None:
    alice, _ = members
    await hung_up(await call(at(alice)))  # all who had their time have been hung up on
    await hung_up(await call(at(alice), b"x"))
    assert len(await alice.peers(share.info_hash)) == 1


@pytest.mark.usefixtures("hurried")
async def test_a_crowd_is_told_of_and_ends(start_engine: StartEngine) -> None:
    engine = await start_engine()
    callers = [await call(at(engine)) for _ in range(handshakes.MANY)]
    await asyncio.gather(*map(hung_up, callers))
    await wait_until(lambda: engine.crowd is not None)
    crowd = engine.crowd
    assert crowd == Crowd(crowd.since if crowd else 0, handshakes.MANY, "127.0.0.0/24")
    await wait_until(lambda: engine.crowd is None)


async def test_with_descriptors_short_the_port_is_deaf_and_hears_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        recovered: list[None] = []
        watch = Handshakes([door.getsockname()[1]], plan_descriptors(4096), lambda: recovered.append(None))
        watching = asyncio.create_task(watch.run())
        await wait_until(lambda: bool(watch._memory.listeners))
        plenty = watch._allotment
        watch._allotment = replace(plenty, limit=watch.usage.used + 1)
        await wait_until(lambda: watch._blocked)
        assert watch.usage.short
        with socket.socket() as caller:
            caller.settimeout(0.2)
            with pytest.raises(TimeoutError):
                await asyncio.to_thread(caller.connect, door.getsockname())
        watch._allotment = plenty
        await wait_until(lambda: not watch._blocked and bool(recovered))
        (await call(Endpoint(*door.getsockname()))).close()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        watch.close()


@pytest.mark.parametrize(("limit", "looks"), [(65_536, range(2, 5)), (1_024, range(6, 30))])
async def test_where_descriptors_abound_it_looks_seldom(
    limit: int, looks: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To wake up twenty times a second is most of what an agent at rest costs."""
    watch = Handshakes([], plan_descriptors(limit), lambda: None)
    looked: list[int] = []
    level = watch._sockets.is_at_least

    def look() -> int:
        looked.append(1)
        return level()

    monkeypatch.setattr(watch._sockets, "is_at_least", look)
    running = asyncio.create_task(watch.run())
    try:
        await wait_until(lambda: watch.usage.used > 0)
        looked.clear()
        await asyncio.sleep(1.3)
    finally:
        running.cancel()
        await asyncio.wait((running,))
        watch.close()
    assert len(looked) in looks
