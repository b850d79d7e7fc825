"""A hub, as agents use it: becoming a member, putting parcels, collecting one's own.

Owns the caller's half of what hub/SPEC.md describes. Must not seal or open a parcel, or choose when to call.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from tuishare.link.address_record import HubAddress
from tuishare.link.dial import Destination, connect
from tuishare.link.frames import BrokenRule
from tuishare.link.link_key import LinkKey
from tuishare.link.mailbox.conversation import Conversation
from tuishare.link.mailbox.enrolment import Enrolment, HubPlace
from tuishare.link.mailbox.messages import (
    SUBSYSTEM,
    TO_MEMBER,
    TO_SENDER,
    CallerAnnounced,
    Collect,
    Delete,
    Deposit,
    Enrol,
    Full,
    Gone,
    LendPorts,
    MailboxOpened,
    Notice,
    Opening,
    PortsLent,
    PortsRefused,
    Put,
    Stored,
    Take,
    WantParcel,
)
from tuishare.link.mailbox.reached import ReachedMember
from tuishare.link.messages import MESSAGE_LIMIT, Ping
from tuishare.link.peer import LinkFailed
from tuishare.net.endpoints import parse_endpoint

_GRACE_SECONDS: Final = 60.0
_LEAST_RATE: Final = 8 * 1024
"""Bytes a second at which a parcel has to be taken; a contact chooses their hub, and it may be hostile."""
_MOST_NOTICES: Final = 100_000
"""Parcels that a hub may announce before they are taken."""
_log = logging.getLogger(__name__)


def hash_write_key(write_key: bytes) -> bytes:
    """Return what a hub knows of the key by which parcels are put into a mailbox, 32 bytes."""
    return hashlib.sha256(write_key).digest()


async def enrol(key: LinkKey, enrolment: Enrolment, write_hash: bytes) -> bytes:
    """Become a member of a hub; may be called again with the same string after a connection that broke.

    Args:
        key: by which the hub recognises us from now on.
        enrolment: of the hub's operator.
        write_hash: see `hash_write_key`.

    Returns:
        The id of our mailbox, 16 bytes.

    Raises:
        LinkFailed: the hub is not reached, or does not take the string; it does not say why.
    """
    async with _speaking(key, enrolment.place, Enrol(enrolment.token, write_hash)) as talk:
        try:
            return (await _read_opened(talk)).mailbox
        except BrokenRule:
            raise
        except LinkFailed as error:
            raise LinkFailed(
                "The hub did not take the string",
                hint="It was used, has ended, or was cancelled: ask the operator of the hub for another one.",
            ) from error


async def put_parcel(hub: HubAddress, parcel: bytes) -> Full | None:
    """Put a parcel into a mailbox, by a throw-away key.

    Returns:
        None when it is durably there, or was before; otherwise why not now.

    Raises:
        LinkFailed: the hub is not reached, or does not take the write key, without saying why; or it takes too long.
    """
    try:
        async with asyncio.timeout(_GRACE_SECONDS + len(parcel) / _LEAST_RATE):
            return await _put(hub, parcel)
    except TimeoutError:
        raise LinkFailed("The hub took too long") from None


async def _put(hub: HubAddress, parcel: bytes) -> Full | None:
    digest = hashlib.sha256(parcel).digest()
    key = LinkKey.from_seed(secrets.token_bytes(32))
    place = HubPlace(hub.address, hub.host_key)
    async with _speaking(key, place, Deposit(hub.mailbox, hub.write_key)) as talk:
        await talk.send(Put(digest, len(parcel)))
        answer = await _read_answer(talk)
        if isinstance(answer, WantParcel) and answer.digest == digest:
            for start in range(0, len(parcel), MESSAGE_LIMIT):
                await talk.send_content(parcel[start : start + MESSAGE_LIMIT])
            answer = await _read_answer(talk)
        if isinstance(answer, WantParcel) or answer.digest != digest:
            raise BrokenRule("an answer to what was not put")
        return answer if isinstance(answer, Full) else None


async def collect(
    key: LinkKey,
    place: HubPlace,
    write_hash: bytes,
    receive: Callable[[bytes], Awaitable[bool]],
    on_open: Callable[[], None],
    reached: ReachedMember | None = None,
) -> None:
    """Take what is in our mailbox, and what comes, and be reachable, until the connection ends.

    Args:
        key: by which the hub knows us.
        place: which hub.
        write_hash: parcels are put by the key with this hash alone from now on.
        receive: keeps a parcel durably; True: it is deleted at the hub; False: it stays there for the next connection.
        on_open: called when the mailbox is open.
        reached: is made reachable at ports of the hub; None: no ports are asked for.

    Raises:
        LinkFailed: why the connection ended.
    """
    async with _speaking(key, place, Collect(write_hash)) as talk:
        await _read_opened(talk)
        on_open()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(talk.ping())
                group.create_task(_Collector(talk, receive, reached).run())
        except* LinkFailed as failed:
            raise _first(failed) from None


class _Collector:
    """Takes one parcel after the other."""

    def __init__(
        self,
        talk: Conversation,
        receive: Callable[[bytes], Awaitable[bool]],
        reached: ReachedMember | None,
    ) -> None:
        self._talk = talk
        self._receive = receive
        self._reached = reached
        self._asks_again: asyncio.Task[None] | None = None
        self._notices: deque[Notice] = deque()
        """The first one was asked for."""
        self._content = bytearray()

    async def run(self) -> None:
        if self._reached is not None:
            await self._talk.send(LendPorts())
        try:
            while True:
                await self._take_message()
        finally:
            if self._asks_again is not None:
                self._asks_again.cancel()

    async def _take_message(self) -> None:
        match await self._talk.read(TO_MEMBER):
            case Notice() as notice:
                self._notices.append(notice)
                if len(self._notices) > _MOST_NOTICES:
                    raise BrokenRule("too many notices")
                if len(self._notices) == 1:
                    await self._talk.send(Take(notice.digest))
            case Gone(digest=digest):
                if self._notices and self._notices[0].digest == digest:
                    await self._go_on()
            case bytes() as piece:
                await self._add(piece)
            case PortsLent() | PortsRefused() | CallerAnnounced() as message:
                self._tell_reached(message)
            case MailboxOpened():
                raise BrokenRule("a second opening")
            case Ping():
                pass

    def _tell_reached(self, message: PortsLent | PortsRefused | CallerAnnounced) -> None:
        if self._reached is None:
            raise BrokenRule("ports that were not asked for")
        match message:
            case PortsLent():
                self._reached.on_lent(message)
            case CallerAnnounced():
                self._reached.on_caller(message)
            case PortsRefused(seconds=seconds):
                self._reached.on_refused(message)
                if self._asks_again is None or self._asks_again.done():
                    self._asks_again = asyncio.create_task(self._ask_again(seconds))

    async def _ask_again(self, seconds: int) -> None:
        await asyncio.sleep(seconds)
        with contextlib.suppress(LinkFailed):  # `run` sees the end of the connection, too
            await self._talk.send(LendPorts())

    async def _add(self, piece: bytes) -> None:
        if not self._notices or len(self._content) + len(piece) > self._notices[0].size:
            raise BrokenRule("content that was not asked for")
        self._content += piece
        notice = self._notices[0]
        if len(self._content) < notice.size:
            return
        parcel = bytes(self._content)
        is_done = True
        if hashlib.sha256(parcel).digest() == notice.digest:
            is_done = await self._receive(parcel)
        else:  # of a failing disk, or a hostile hub: without a receipt its sender puts it again
            _log.warning("The hub gave another parcel than it announced; it was not taken")
        if is_done:
            await self._talk.send(Delete(notice.digest))
        await self._go_on()

    async def _go_on(self) -> None:
        self._notices.popleft()
        self._content.clear()
        if self._notices:
            await self._talk.send(Take(self._notices[0].digest))


@contextlib.asynccontextmanager
async def _speaking(key: LinkKey, place: HubPlace, opening: Opening) -> AsyncIterator[Conversation]:
    destination = Destination(
        place.host_key,
        [parse_endpoint(place.address)],
        SUBSYSTEM,
        expected="host key than this hub",
        kind="hub",
    )
    talk = Conversation(await connect(key, destination))
    try:
        await talk.send(opening)
        yield talk
    finally:
        talk.close()


async def _read_opened(talk: Conversation) -> MailboxOpened:
    opened = await talk.read(TO_MEMBER)
    if not isinstance(opened, MailboxOpened):
        raise BrokenRule("something else than the opening")
    return opened


async def _read_answer(talk: Conversation) -> WantParcel | Stored | Full:
    while True:
        answer = await talk.read(TO_SENDER)
        if isinstance(answer, bytes):
            raise BrokenRule("content for a sender")
        if not isinstance(answer, Ping):
            return answer


def _first(group: BaseExceptionGroup[LinkFailed]) -> LinkFailed:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
