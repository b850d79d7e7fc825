"""Parcels from senders to members who are never connected at one time, over a real hub."""

from __future__ import annotations

import asyncio
import hashlib
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.hub.hubs import FAST, KEY, OTHER_KEY, Member, a_hub, invite, make_hub, new_member, parcel
from tests.waiting import answered, wait_until
from tuishare.errors import NotFound, Refused, SystemFailed
from tuishare.hub.mailboxes import Keep, Mailboxes
from tuishare.hub.operator import GetStatus, HubStatus, ListMembers, Members, Remove, Removed
from tuishare.hub.process import Hub, open_hub
from tuishare.hub.settings import load_settings
from tuishare.hub.store import HubStore
from tuishare.link.dial import Destination, connect
from tuishare.link.mailbox.client import enrol, hash_write_key, put_parcel
from tuishare.link.mailbox.enrolment import HubPlace, parse_enrolment
from tuishare.link.mailbox.messages import SUBSYSTEM, Collect, Deposit, Enrol, Put, Take, encode_message
from tuishare.link.messages import encode_content_head
from tuishare.link.peer import LinkFailed
from tuishare.net.endpoints import parse_endpoint


async def status(hub: Hub) -> HubStatus:
    answer = await hub.answer(GetStatus())
    assert isinstance(answer, HubStatus)
    return answer


async def test_what_was_put_while_the_member_was_away_is_taken_once_and_what_comes_later_is_pushed(
    tmp_path: Path,
) -> None:
    places = make_hub(tmp_path / "hub")
    async with open_hub(places, FAST) as hub:
        bob = await new_member(hub)
        large = parcel(2, 700_000)
        assert [await bob.put(each) for each in (parcel(1), large, parcel(1))] == [None] * 3
        assert (await status(hub)).parcels == 2
    async with open_hub(places, FAST) as hub:  # everything outlives the process
        assert ((await status(hub)).parcels, (await status(hub)).size) == (2, 703_000)
        async with bob.collecting():
            await wait_until(lambda: bob.received == [parcel(1), large])
            assert await bob.put(parcel(3)) is None
            await wait_until(lambda: bob.received[2:] == [parcel(3)])
            assert await bob.put(parcel(1)) is None  # as by a sender who missed the answer
            (info,) = (await members(hub)).members
            assert (info.name, info.connected) == ("member 1", True)
            await until_empty(hub)
        assert list((tmp_path / "hub" / "parcels" / bob.mailbox.hex()).iterdir()) == []
        assert list((tmp_path / "hub" / "incoming").iterdir()) == []
        async with bob.collecting():
            await bob.put(parcel(4))
            await wait_until(lambda: bob.received[3:] == [parcel(4)])


async def members(hub: Hub) -> Members:
    answer = await hub.answer(ListMembers())
    assert isinstance(answer, Members)
    return answer


async def until_empty(hub: Hub) -> None:
    """Wait until nothing is left; while the member is connected, because the end may cut their last answer off."""
    await answered(lambda: status(hub), lambda found: not found.parcels)


async def test_what_the_member_cannot_keep_stays_until_they_can(tmp_path: Path) -> None:
    async with a_hub(tmp_path / "hub") as hub:
        bob = await new_member(hub)
        await bob.put(parcel(1))
        bob.accepts = False
        async with bob.collecting():
            await wait_until(lambda: len(bob.received) == 1)
            await bob.put(parcel(2))
            await wait_until(lambda: len(bob.received) == 2)
        bob.accepts = True
        async with bob.collecting():
            await wait_until(lambda: bob.received[2:] == [parcel(1), parcel(2)])
            await until_empty(hub)


async def test_a_string_makes_one_member_and_may_be_repeated_by_that_member_alone(tmp_path: Path) -> None:
    async with a_hub(tmp_path / "hub") as hub:
        string = await invite(hub, "bob")
        bob, mallory = Member(1), Member(2)
        await bob.join(string)
        mailbox = bob.mailbox
        await bob.join(string)  # the first answer was lost
        assert bob.mailbox == mailbox
        with pytest.raises(LinkFailed, match="did not take the string"):
            await mallory.join(string)
        with pytest.raises(Refused, match="There is a member bob"):
            await invite(hub, "bob")
        cancelled = await invite(hub, "carol")
        assert await hub.answer(Remove("carol")) == Removed("carol", False)
        with pytest.raises(LinkFailed, match="did not take the string"):
            await mallory.join(cancelled)
        assert [member.name for member in (await members(hub)).members] == ["bob"]


async def test_a_write_key_that_was_replaced_puts_nothing_more(tmp_path: Path) -> None:
    """Threat T22."""
    async with a_hub(tmp_path / "hub") as hub:
        bob = await new_member(hub)
        coming = parcel(3, 100)
        put = Put(hashlib.sha256(coming).digest(), 100)
        stream = await connect(Member(9).key, destination(bob))
        stream.write(encode_message(Deposit(bob.mailbox, KEY)) + encode_message(put))
        await stream.read(4)  # wanted
        bob.write_key = OTHER_KEY
        async with bob.collecting():
            with pytest.raises(LinkFailed, match="ended"):
                await bob.put(parcel(1), KEY)
            assert await bob.put(parcel(2), OTHER_KEY) is None
            await wait_until(lambda: bob.received == [parcel(2)])
            stream.write(encode_content_head(100) + coming)
            with pytest.raises(LinkFailed):
                await asyncio.wait_for(stream.read(1_000), 10)
            await until_empty(hub)
        assert bob.received == [parcel(2)]
        assert list((tmp_path / "hub" / "incoming").iterdir()) == []


def destination(member: Member) -> Destination:
    return Destination(member.place.host_key, [parse_endpoint(member.place.address)], SUBSYSTEM)


async def test_a_member_who_was_removed_is_a_stranger_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_hub(tmp_path / "hub") as hub:
        bob, carol = await new_member(hub, 1), await new_member(hub, 2)
        await invite(hub, "dan")

        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(HubStore, "remove_member", refuse)
            patched.setattr(HubStore, "drop_string", refuse)
            for name in ("member 1", "dan"):
                for _ in range(2):  # who is on the disk is there, and can be removed later
                    with pytest.raises(SystemFailed):
                        await hub.answer(Remove(name))
        assert await hub.answer(Remove("dan")) == Removed("dan", False)
        await bob.put(parcel(1))
        await carol.put(parcel(2))
        bob.accepts = False
        async with bob.collecting():
            await wait_until(lambda: len(bob.received) == 1)
            assert await hub.answer(Remove("member 1")) == Removed("member 1", True)
            await wait_until(lambda: bob.end is not None)
        with pytest.raises(NotFound):
            await hub.answer(Remove("member 1"))
        with pytest.raises(LinkFailed):
            await bob.put(parcel(3))
        assert not (tmp_path / "hub" / "parcels" / bob.mailbox.hex()).exists()
        assert (await status(hub)).parcels == 1
        async with carol.collecting():
            await wait_until(lambda: carol.received == [parcel(2)])


LIMITS = {
    "the mailbox is full": (["[mailbox]", "parcels = 2"], 1_000),
    "the mailbox is full ": (["[mailbox]", 'size = "2500B"'], 1_000),
    "too much has come from this address in a day": (["[sender]", "parcels = 2"], 1_000),
    "too much has come from this address in a day ": (["[sender]", 'size = "2500B"'], 1_000),
    "the hub is full": (["[total]", 'size = "2500B"'], 1_000),
}


@pytest.mark.parametrize("reason", LIMITS)
async def test_full_is_said_and_nothing_is_dropped(tmp_path: Path, reason: str) -> None:
    lines, size = LIMITS[reason]
    async with a_hub(tmp_path / "hub", *lines) as hub:
        bob = await new_member(hub)
        assert [await bob.put(parcel(number, size)) for number in (1, 2)] == [None, None]
        full = await bob.put(parcel(3, size))
        assert full is not None
        assert full.reason == reason.strip()
        assert full.seconds > 0
        async with bob.collecting():
            await wait_until(lambda: bob.received == [parcel(1, size), parcel(2, size)])
            await until_empty(hub)
        if "address" not in reason:
            assert await bob.put(parcel(3, size)) is None


async def test_a_parcel_larger_than_a_mailbox_and_a_full_disk_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_hub(tmp_path / "hub", "[mailbox]", 'size = "2kB"') as hub:
        bob = await new_member(hub)
        full = await bob.put(parcel(1, 3_000))
        assert full is not None
        assert full.reason == "the parcel is larger than a mailbox of this hub"
        monkeypatch.setattr(HubStore, "free_space", lambda _: 1_000)
        full = await bob.put(parcel(1, 1_000))
        assert full is not None
        assert full.reason == "the disk of the hub is full"
        monkeypatch.undo()
        assert await bob.put(parcel(1, 1_000)) is None


async def test_parcels_that_are_not_taken_expire(tmp_path: Path) -> None:
    times = [1_000_000]
    store = HubStore(tmp_path)
    places = make_hub(tmp_path)
    mailboxes = Mailboxes(store, load_settings(places), now=lambda: times[0])
    token, until = await mailboxes.invite("bob", 7)
    assert until == times[0] + 7 * 86_400
    late, _ = await mailboxes.invite("carol", 1)
    bob = await mailboxes.enrol(token, b"k" * 32, hash_write_key(KEY))
    assert bob is not None
    times[0] += 2 * 86_400
    assert await mailboxes.enrol(late, b"l" * 32, hash_write_key(KEY)) is None
    await put_directly(mailboxes, bob.mailbox, parcel(1))
    times[0] += 29 * 86_400
    await put_directly(mailboxes, bob.mailbox, parcel(2))
    await mailboxes.expire()
    assert mailboxes.expired == 0
    times[0] += 2 * 86_400
    await mailboxes.expire()
    assert (mailboxes.expired, mailboxes.quotas.total.parcels) == (1, 1)
    await mailboxes.close()


async def put_directly(mailboxes: Mailboxes, mailbox: bytes, content: bytes) -> None:
    digest = hashlib.sha256(content).digest()
    assert await mailboxes.judge(mailbox, ip_address("192.0.2.7"), digest, len(content)) is True

    async def give(keep: Keep) -> None:
        await keep(content)

    assert await mailboxes.put(mailbox, digest, len(content), give) is None


STRANGERS = {
    "a member's message": encode_message(Take(b"d" * 32)),
    "a mailbox that is none": encode_message(Deposit(b"m" * 16, KEY)),
    "a key that is no member's": encode_message(Collect(hash_write_key(KEY))),
    "an unknown string": encode_message(Enrol(b"t" * 16, hash_write_key(KEY))),
    "no message": b"\0\0\0\x05hello",
    "a frame too long": (4097).to_bytes(4, "big"),
}


@pytest.mark.parametrize("what", [*STRANGERS, "a wrong write key"])
async def test_every_stranger_is_refused_alike(tmp_path: Path, what: str) -> None:
    """Threat T18."""
    async with a_hub(tmp_path / "hub") as hub:
        bob = await new_member(hub)
        data = STRANGERS.get(what) or encode_message(Deposit(bob.mailbox, OTHER_KEY))
        stream = await connect(Member(9).key, destination(bob))
        since = time.monotonic()
        stream.write(data)
        with pytest.raises(LinkFailed, match="ended the link"):
            await asyncio.wait_for(stream.read(1), 10)
        assert 0.25 < time.monotonic() - since < 2.0
        assert (await status(hub)).members == 1


async def test_another_host_key_ends_the_call_before_the_write_key_is_shown(tmp_path: Path) -> None:
    """Threat T24."""
    async with a_hub(tmp_path / "hub") as hub:
        bob = await new_member(hub)
        bob.place = HubPlace(bob.place.address, Member(9).key.public_key)
        with pytest.raises(LinkFailed, match="another host key than this hub"):
            await put_parcel(bob.hub_address, parcel())
        assert (await status(hub)).parcels == 0


async def test_content_that_was_not_announced_is_not_kept(tmp_path: Path) -> None:
    async with a_hub(tmp_path / "hub") as hub:
        bob = await new_member(hub)
        for content in (b"x" * 10, b"x" * 11):
            stream = await connect(Member(9).key, destination(bob))
            stream.write(encode_message(Deposit(bob.mailbox, KEY)) + encode_message(Put(b"d" * 32, 10)))
            await stream.read(4)
            stream.write(encode_content_head(len(content)) + content)
            with pytest.raises(LinkFailed):
                await asyncio.wait_for(stream.read(1_000_000), 10)
        assert ((await status(hub)).parcels, list((tmp_path / "hub" / "incoming").iterdir())) == (0, [])


async def test_one_hub_for_each_folder_and_a_newer_connection_replaces_the_older(tmp_path: Path) -> None:
    places = make_hub(tmp_path / "hub")
    async with open_hub(places, FAST) as hub:
        with pytest.raises(SystemFailed, match="Another hub"):
            async with open_hub(places, FAST):
                pass
        bob = await new_member(hub)
        async with bob.collecting():
            again = Member(1, mailbox=bob.mailbox, place=bob.place)
            async with again.collecting():
                await wait_until(lambda: bob.end is not None)
                await bob.put(parcel(1))
                await wait_until(lambda: again.received == [parcel(1)])
        string = parse_enrolment(await invite(hub, "bob"))
        assert await enrol(bob.key, string, hash_write_key(KEY)) == bob.mailbox
