"""The sessions of a hub: a member who collects, a sender who puts.

Owns which message may come when. Must not decide what is taken, or keep anything: `Mailboxes` does.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Final

from tuishare.hub.mailboxes import Keep, Mailboxes, ParcelContent
from tuishare.hub.reach import ReachServer, TellMember, ToReached
from tuishare.hub.storage_quotas import Refusal
from tuishare.hub.store import HubMember, Parcel
from tuishare.link.frames import BrokenRule
from tuishare.link.mailbox.conversation import Conversation
from tuishare.link.mailbox.messages import (
    FROM_MEMBER,
    FROM_SENDER,
    Delete,
    Full,
    Gone,
    LendPorts,
    MailboxOpened,
    Notice,
    Put,
    Stored,
    Take,
    WantParcel,
)
from tuishare.link.messages import Ping
from tuishare.link.peer import LinkFailed
from tuishare.net.addresses import Address

_LEAST_RATE: Final = 8 * 1024
"""Bytes a second that content has to come with."""
_GRACE_SECONDS: Final = 30.0


async def serve_member(
    talk: Conversation, mailboxes: Mailboxes, reach: ReachServer, member: HubMember
) -> None:
    """TellMember a member what is in the mailbox and who calls, and do what they ask for, until the connection ends.

    Raises:
        LinkFailed: why it ended.
        SystemFailed: the disk refused.
    """
    notices: asyncio.Queue[Parcel] = asyncio.Queue()  # at most as many as the mailbox has parcels
    callers: asyncio.Queue[ToReached] = asyncio.Queue()  # at most as many as may wait
    announce = callers.put_nowait
    notify = notices.put_nowait
    for parcel in mailboxes.subscribe(member.mailbox, notify):
        notify(parcel)
    try:
        await talk.send(MailboxOpened(member.mailbox))
        async with asyncio.TaskGroup() as group:
            group.create_task(_read_requests(talk, mailboxes, reach, member.mailbox, announce))
            group.create_task(_send_notices(talk, notices))
            group.create_task(_announce_callers(talk, callers))
            group.create_task(talk.ping())
    finally:
        mailboxes.unsubscribe(member.mailbox, notify)
        reach.end(member.mailbox, announce)


async def _announce_callers(talk: Conversation, callers: asyncio.Queue[ToReached]) -> None:
    while True:
        await talk.send(await callers.get())


async def _send_notices(talk: Conversation, notices: asyncio.Queue[Parcel]) -> None:
    while True:
        parcel = await notices.get()
        await talk.send(Notice(parcel.digest, parcel.size, parcel.at))


async def _read_requests(
    talk: Conversation, mailboxes: Mailboxes, reach: ReachServer, mailbox: bytes, announce: TellMember
) -> None:
    while True:
        match await talk.read(FROM_MEMBER):
            case Take(digest=digest):
                if not await mailboxes.take(mailbox, digest, talk.send_content):
                    await talk.send(Gone(digest))
            case Delete(digest=digest):
                await mailboxes.delete(mailbox, digest)
                await talk.send(Gone(digest))
            case LendPorts():
                await talk.send(await reach.lend(mailbox, announce))
            case bytes():
                raise BrokenRule("content from a member")
            case Ping():
                pass


async def serve_sender(
    talk: Conversation, mailboxes: Mailboxes, mailbox: bytes, host: Address, may_put: Callable[[], bool]
) -> None:
    """Take parcels for one mailbox until the connection ends.

    Args:
        talk: to the sender.
        mailboxes: of the hub.
        mailbox: id.
        host: where the sender calls from.
        may_put: whether the sender's write key is still that of the mailbox.

    Raises:
        LinkFailed: why it ended.
        SystemFailed: the disk refused.
    """
    while may_put():
        match await talk.read(FROM_SENDER):
            case Put() as put if may_put():

                async def receive(keep: Keep, put: Put = put) -> None:
                    await _receive(talk, put, keep)
                    if not may_put():
                        raise BrokenRule("a write key that was replaced")

                await talk.send(await _take_parcel(mailboxes, mailbox, host, put, receive))
            case bytes():
                raise BrokenRule("content that was not wanted")


async def _take_parcel(
    mailboxes: Mailboxes, mailbox: bytes, host: Address, put: Put, receive: ParcelContent
) -> Stored | Full:
    answer = await mailboxes.judge(mailbox, host, put.digest, put.size)
    if isinstance(answer, Refusal):
        return Full(put.digest, answer.seconds, answer.reason)
    if answer and (refusal := await mailboxes.put(mailbox, put.digest, put.size, receive)):
        return Full(put.digest, refusal.seconds, refusal.reason)
    return Stored(put.digest)


async def _receive(talk: Conversation, put: Put, keep: Keep) -> None:
    """Ask for the content of a parcel, and keep exactly what was announced."""
    await talk.send(WantParcel(put.digest))
    digest, left = hashlib.sha256(), put.size
    try:
        async with asyncio.timeout(_GRACE_SECONDS + put.size / _LEAST_RATE):
            while left:
                piece = await talk.read(FROM_SENDER)
                if isinstance(piece, Ping):
                    continue
                if not isinstance(piece, bytes) or len(piece) > left:
                    raise BrokenRule("something else than the content")
                digest.update(piece)
                left -= len(piece)
                await keep(piece)
    except TimeoutError:
        raise LinkFailed("The other side sent a parcel too slowly") from None
    if digest.digest() != put.digest:
        raise BrokenRule("content that was not announced")
