"""A hub that swaps, repeats, invents and withholds; and one whose disk damages a parcel."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.hub.hubs import FAST, Member, a_hub, new_member, parcel
from tests.waiting import wait_until
from tuishare.errors import BadConfiguration, SystemFailed, TuishareError
from tuishare.hub import process
from tuishare.link.caller import Caller
from tuishare.link.mailbox.conversation import Conversation
from tuishare.link.mailbox.enrolment import HubPlace
from tuishare.link.mailbox.messages import (
    FROM_MEMBER,
    FROM_SENDER,
    SUBSYSTEM,
    Delete,
    Full,
    Gone,
    MailboxOpened,
    Notice,
    Put,
    Stored,
    Take,
    WantParcel,
)
from tuishare.link.messages import Ping
from tuishare.link.peer import LinkFailed
from tuishare.link.ssh_port import Reception, SshPort, listen
from tuishare.net.addresses import Address

Behave = Callable[[Conversation], Awaitable[None]]
GOOD = parcel(1)
DIGEST = hashlib.sha256(GOOD).digest()


class HostileHub(Reception[bool]):
    """Lets everyone in, and does what the test says."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave

    async def admit(self, message: bytes, caller: Caller, host: Address) -> bool:
        return True

    async def serve(self, guest: bool, caller: Caller, host: Address) -> None:
        with contextlib.suppress(LinkFailed):
            await self._behave(Conversation(caller.stream))


@asynccontextmanager
async def hostile(behave: Behave) -> AsyncIterator[Member]:
    """Run such a hub for one block, with a member."""
    key = Member(7).key
    port = SshPort(key, HostileHub(behave), SUBSYSTEM, FAST, listen("127.0.0.1", 0, "members"))
    try:
        yield Member(1, mailbox=b"m" * 16, place=HubPlace(f"127.0.0.1:{port.number}", key.public_key))
    finally:
        await port.close()


async def give(talk: Conversation, notice: Notice, content: bytes) -> None:
    await talk.send(notice)
    assert await talk.read(FROM_MEMBER) == Take(notice.digest)
    await talk.send_content(content)


async def test_what_a_hub_swaps_is_not_taken_and_what_it_repeats_is_recognised() -> None:
    deleted: list[object] = []

    async def behave(talk: Conversation) -> None:
        await talk.send(MailboxOpened(b"m" * 16))
        await give(talk, Notice(DIGEST, len(GOOD), 1), parcel(2)[: len(GOOD)])
        deleted.append(await talk.read(FROM_MEMBER))
        for _ in range(2):
            await give(talk, Notice(DIGEST, len(GOOD), 1), GOOD)
            deleted.append(await talk.read(FROM_MEMBER))
        await talk.send(Notice(b"x" * 32, 10, 1))
        deleted.append(await talk.read(FROM_MEMBER))
        await talk.send(Gone(b"x" * 32))

    async with hostile(behave) as bob, bob.collecting():
        await wait_until(lambda: bob.end is not None)
    assert bob.received == [GOOD, GOOD]  # the agent knows the second by what is inside
    assert deleted == [Delete(DIGEST)] * 3 + [Take(b"x" * 32)]


RULES: dict[str, tuple[object, ...]] = {
    "content that was not asked for": (b"hello",),
    "a second opening": (MailboxOpened(b"m" * 16),),
    "an ill-formed message": (WantParcel(DIGEST),),
}


@pytest.mark.parametrize("rule", RULES)
async def test_a_hub_that_breaks_a_rule_loses_the_connection(rule: str) -> None:
    async def behave(talk: Conversation) -> None:
        await talk.send(MailboxOpened(b"m" * 16))
        for each in RULES[rule]:
            await (talk.send_content(each) if isinstance(each, bytes) else talk.send(each))  # type: ignore[arg-type]

    async with hostile(behave) as bob, bob.collecting():
        await wait_until(lambda: bob.end is not None)
    assert bob.end is not None
    assert rule in bob.end.detail
    assert bob.received == []


async def test_content_longer_than_announced_and_notices_without_end_are_not_kept_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tuishare.link.mailbox.client._MOST_NOTICES", 5)

    async def longer(talk: Conversation) -> None:
        await talk.send(MailboxOpened(b"m" * 16))
        await give(talk, Notice(DIGEST, 100, 1), GOOD)

    async def endless(talk: Conversation) -> None:
        await talk.send(MailboxOpened(b"m" * 16))
        for _ in range(7):
            await talk.send(Notice(DIGEST, 100, 1))
        while True:
            await talk.read(FROM_MEMBER)

    for behave, rule in ((longer, "not asked for"), (endless, "too many notices")):
        async with hostile(behave) as bob, bob.collecting():
            await wait_until(lambda one=bob: one.end is not None)  # type: ignore[misc]
        assert bob.end is not None
        assert rule in bob.end.detail


@pytest.mark.parametrize("answer", [Stored(b"x" * 32), Full(b"x" * 32, 1, "?"), WantParcel(b"x" * 32)])
async def test_an_answer_about_another_parcel_confirms_nothing(answer: Stored | Full | WantParcel) -> None:
    async def behave(talk: Conversation) -> None:
        assert isinstance(await talk.read(FROM_SENDER), Put)
        await talk.send(answer)

    async with hostile(behave) as bob:
        with pytest.raises(LinkFailed, match="what was not put"):
            await bob.put(GOOD)


async def test_a_hub_that_only_says_that_it_is_there_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuishare.link.mailbox.client._GRACE_SECONDS", 0.5)

    async def behave(talk: Conversation) -> None:
        while True:
            await talk.send(Ping())
            await asyncio.sleep(0.01)

    async with hostile(behave) as bob:
        with pytest.raises(LinkFailed, match="too long"):
            await bob.put(GOOD)


async def test_a_parcel_that_the_disk_has_damaged_does_not_stop_the_mailbox(tmp_path: Path) -> None:
    async with a_hub(tmp_path / "hub") as hub:
        bob = await new_member(hub)
        await bob.put(GOOD)
        for number in (2, 3, 4):
            await bob.put(parcel(number))
        folder = tmp_path / "hub" / "parcels" / bob.mailbox.hex()
        (folder / DIGEST.hex()).write_bytes(bytes(len(GOOD)))
        (folder / hashlib.sha256(parcel(2)).hexdigest()).write_bytes(parcel(2)[:100])
        (folder / hashlib.sha256(parcel(3)).hexdigest()).unlink()
        async with bob.collecting():
            await wait_until(lambda: bob.received == [parcel(4)])
            for number in (2, 3):  # their senders put them again
                assert await bob.put(parcel(number)) is None
            await wait_until(lambda: bob.received == [parcel(4), parcel(2), parcel(3)])


async def test_upkeep_goes_on_whatever_it_meets(monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[TuishareError] = [SystemFailed("no space"), BadConfiguration("the database is damaged")]

    class Broken:
        async def expire(self) -> None:
            if errors:
                raise errors.pop()
            raise asyncio.CancelledError

    monkeypatch.setattr(process, "_EXPIRE_SECONDS", 0.0)
    with pytest.raises(asyncio.CancelledError):
        await process._expire(Broken())  # type: ignore[arg-type]
    assert errors == []
