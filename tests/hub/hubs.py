"""A hub with a real port on loopback, and what members and senders do with it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from tuishare.hub.operator import Invite, Invited
from tuishare.hub.process import Hub, open_hub
from tuishare.hub.settings import HubPlaces
from tuishare.link.address_record import HubAddress
from tuishare.link.connection_admission import LinkLimits
from tuishare.link.link_key import LinkKey
from tuishare.link.mailbox.client import collect, enrol, hash_write_key, put_parcel
from tuishare.link.mailbox.enrolment import HubPlace, parse_enrolment
from tuishare.link.mailbox.messages import Full
from tuishare.link.mailbox.reached import ReachedMember
from tuishare.link.peer import LinkFailed
from tuishare.swarm.ports import free_port

FAST = LinkLimits(refusal_seconds=0.3, stranger_seconds=3.0, turn_seconds=0.0, burst=10_000)
KEY, OTHER_KEY = b"w" * 32, b"v" * 32


def parcel(number: int = 1, size: int = 3_000) -> bytes:
    """Content that no two numbers share."""
    return (hashlib.sha512(number.to_bytes(8, "big")).digest() * (size // 64 + 1))[:size]


def make_hub(folder: Path, *lines: str) -> HubPlaces:
    """Write the settings of a hub on a free port."""
    folder.mkdir(mode=0o700, exist_ok=True)
    port = free_port()
    address = f'address = "127.0.0.1:{port}"', f'listen = "127.0.0.1:{port}"'
    reach = () if "[reach]" in lines else ("[reach]",)
    first = free_ports(12)
    lent = f'ports = "{first}-{first + 11}"', 'listen = "127.0.0.1:0"'
    place = lines.index("[reach]") + 1 if "[reach]" in lines else len(lines)
    settings = [*address, *lines[:place], *reach, *lent, *lines[place:]]
    (folder / "hub.toml").write_text("\n".join([*settings, ""]))
    return HubPlaces(folder)


def free_ports(count: int) -> int:
    """Return the first of so many ports in a row that are free now, below those that the system gives out."""
    chance = random.Random()
    while True:
        first = chance.randrange(10_000, 32_000 - count)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first


@dataclass
class Member:
    """One member's agent, which keeps what it collects."""

    number: int
    write_key: bytes = KEY
    mailbox: bytes = b""
    place: HubPlace = field(default_factory=lambda: HubPlace("", b""))
    received: list[bytes] = field(default_factory=list)
    accepts: bool = True
    end: LinkFailed | None = None
    reached: ReachedMember | None = None

    @property
    def key(self) -> LinkKey:
        return LinkKey.from_seed(bytes([self.number]) * 32)

    @property
    def hub_address(self) -> HubAddress:
        """As in the member's address record."""
        return HubAddress(self.place.address, self.place.host_key, self.mailbox, self.write_key)

    async def join(self, string: str) -> None:
        enrolment = parse_enrolment(string)
        self.mailbox = await enrol(self.key, enrolment, hash_write_key(self.write_key))
        self.place = HubPlace(enrolment.address, enrolment.host_key)

    async def put(self, content: bytes, write_key: bytes = b"") -> Full | None:
        """Put a parcel into this member's mailbox, as a contact does."""
        known = self.hub_address
        return await put_parcel(
            HubAddress(known.address, known.host_key, known.mailbox, write_key or known.write_key), content
        )

    async def keep(self, content: bytes) -> bool:
        self.received.append(content)
        return self.accepts

    @contextlib.asynccontextmanager
    async def collecting(self) -> AsyncIterator[None]:
        """Be connected for one block."""
        opened = asyncio.Event()
        running = asyncio.create_task(self._collect(opened))
        waiting = asyncio.create_task(opened.wait())
        try:
            await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()  # any other end than that of the connection is a fault
            yield
        finally:
            running.cancel()
            waiting.cancel()
            await asyncio.gather(running, waiting, return_exceptions=True)

    async def _collect(self, opened: asyncio.Event) -> None:
        try:
            await collect(
                self.key, self.place, hash_write_key(self.write_key), self.keep, opened.set, self.reached
            )
        except LinkFailed as error:
            self.end = error


async def invite(hub: Hub, name: str) -> str:
    answer = await hub.answer(Invite(name, 7))
    assert isinstance(answer, Invited)
    return answer.string


async def new_member(hub: Hub, number: int = 1) -> Member:
    member = Member(number)
    await member.join(await invite(hub, f"member {number}"))
    return member


@contextlib.asynccontextmanager
async def a_hub(folder: Path, *lines: str) -> AsyncIterator[Hub]:
    async with open_hub(make_hub(folder, *lines), FAST) as hub:
        yield hub
