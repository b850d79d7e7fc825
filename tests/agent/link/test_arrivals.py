"""What a contact offers: judged before a byte is taken, put into the inbox once, confirmed by a receipt."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.agent.homes import Home, opened
from tuishare.agent.context import Context
from tuishare.agent.downloads.fault_codes import RefusedByUser
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.link import arrivals as module
from tuishare.agent.link.arrivals import Arrivals
from tuishare.agent.startup import make_download_parts
from tuishare.agent.startup_link import make_arrivals
from tuishare.core.faults import Fault
from tuishare.core.opened_envelope import download_id
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.envelope import NotForUs
from tuishare.fs.atomic import publish
from tuishare.link.messages import Have, Later, Offer, Want
from tuishare.link.receipt import verify_receipt

pytestmark = pytest.mark.swarm
SHARE = bytes(range(16))


def envelope(number: int = 1, *, share: bytes = SHARE, generation: int = 1) -> tuple[Offer, bytes]:
    content = number.to_bytes(4, "big") * 1000
    return Offer(hashlib.sha256(content).digest(), len(content), share, generation), content


@asynccontextmanager
async def arriving(bob: Home) -> AsyncIterator[tuple[Arrivals, DownloadRepository, Context]]:
    async with opened(bob) as context:
        downloads = make_download_parts(context).repository
        arrivals = make_arrivals(context, downloads)
        await arrivals.load()
        yield arrivals, downloads, context


def inbox(bob: Home) -> list[bytes]:
    return [path.read_bytes() for path in sorted(bob.inbox.glob("*.encrypted"))]


async def test_an_envelope_is_in_the_inbox_before_its_receipt_is_given(alice: Home, bob: Home) -> None:
    offer, content = envelope()
    async with arriving(bob) as (arrivals, _, _):
        assert await arrivals.judge(alice.user(), offer) == Want(offer.digest)
        signed = await arrivals.take(alice.user(), offer, content)
        assert isinstance(signed, bytes)
        receipt = verify_receipt(signed)
        assert (receipt.signer, receipt.digest, receipt.state) == (
            bob.identity.signer,
            offer.digest,
            "received",
        )
        assert inbox(bob) == [content]
        # Offered again, as after a link that broke: it is here, with the receipt that the sender missed.
        assert await arrivals.judge(alice.user(), offer) == Have(offer.digest, signed)
        assert await arrivals.take(alice.user(), offer, content) == signed
    async with arriving(bob) as (arrivals, _, _):
        assert await arrivals.judge(alice.user(), offer) == Have(offer.digest, signed)
    assert inbox(bob) == [content]


async def test_an_unread_envelope_makes_room_for_that_of_a_newer_version(alice: Home, bob: Home) -> None:
    (first, one), (second, two), (third, three) = (envelope(n, generation=n) for n in (1, 2, 3))
    async with arriving(bob) as (arrivals, downloads, _):
        await arrivals.take(alice.user(), first, one)
        await arrivals.take(alice.user(), second, two)
        assert inbox(bob) == [two]
        begun = DownloadRecord(
            id=download_id(alice.identity.signer, SHARE),
            envelope=next(bob.inbox.glob("*.encrypted")).name,
            envelope_hash=second.digest,
            added=1,
            step=DownloadStep.DOWNLOADING,
            signer=alice.identity.signer,
            share=SHARE.hex(),
            generation=2,
        )
        await downloads.save(begun)
        await arrivals.take(alice.user(), third, three)
        assert inbox(bob) == [two, three]


async def test_the_same_version_in_another_envelope_is_not_wanted(alice: Home, bob: Home) -> None:
    (first, content), (other, _), (newer, _) = envelope(1), envelope(2), envelope(3, generation=2)
    async with arriving(bob) as (arrivals, _, _):
        await arrivals.take(alice.user(), first, content)
        assert await arrivals.judge(alice.user(), other) == Have(other.digest)
        assert await arrivals.judge(alice.user(), newer) == Want(newer.digest)


async def test_what_was_accepted_from_a_stick_is_not_wanted(alice: Home, bob: Home) -> None:
    offer, _ = envelope(generation=3)
    async with arriving(bob) as (arrivals, downloads, _):
        await downloads.admit(
            DownloadRecord(
                id=download_id(alice.identity.signer, SHARE),
                envelope="x",
                added=1,
                step=DownloadStep.DOWNLOADING,
                signer=alice.identity.signer,
                share=SHARE.hex(),
                generation=3,
            )
        )
        assert await arrivals.judge(alice.user(), offer) == Have(offer.digest)
        later, _ = envelope(generation=4)
        assert await arrivals.judge(alice.user(), later) == Want(later.digest)


async def test_a_crash_before_the_record_leaves_nothing(alice: Home, bob: Home) -> None:
    offer, content = envelope()
    async with arriving(bob):
        publish(bob.places.link_incoming / offer.digest.hex(), content)
    async with arriving(bob) as (arrivals, _, _):
        assert os.listdir(bob.places.link_incoming) == []
        assert await arrivals.judge(alice.user(), offer) == Want(offer.digest)
    assert inbox(bob) == []


async def test_a_crash_after_the_record_is_finished_at_the_next_start(alice: Home, bob: Home) -> None:
    offer, content = envelope()
    async with arriving(bob) as (arrivals, _, _):
        await arrivals.take(alice.user(), offer, content)
    for path in bob.inbox.glob("*.encrypted"):
        path.rename(bob.places.link_incoming / offer.digest.hex())
    async with arriving(bob):
        assert inbox(bob) == [content]
        assert os.listdir(bob.places.link_incoming) == []


async def test_a_name_that_is_taken_is_not_overwritten(alice: Home, bob: Home) -> None:
    offer, content = envelope()
    async with arriving(bob) as (arrivals, _, _):
        await arrivals.take(alice.user(), offer, content)
        (taken,) = bob.inbox.glob("*.encrypted")
        taken.rename(bob.places.link_incoming / offer.digest.hex())
        taken.write_bytes(b"of another program")
        assert isinstance(await arrivals.judge(alice.user(), offer), Have)
    assert sorted(inbox(bob)) == sorted([b"of another program", content])


async def test_a_flood_is_put_off_before_a_byte_is_taken(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RATE", 0.0)
    monkeypatch.setattr(module, "_BURST", 3)
    async with arriving(bob) as (arrivals, _, _):
        answers = []
        for number in range(5):
            offer, _ = envelope(number, share=number.to_bytes(16, "big"))
            answers.append(type(await arrivals.judge(alice.user(), offer)))
        assert answers == [Want, Want, Want, Later, Later]


async def test_a_full_disk_puts_off(alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    offer, _ = envelope()
    async with arriving(bob) as (arrivals, _, _):
        monkeypatch.setattr(Arrivals, "_free", lambda _: module._ROOM)
        answer = await arrivals.judge(alice.user(), offer)
    assert isinstance(answer, Later)
    assert "space" in answer.reason


async def test_as_many_wait_for_approval_as_may(alice: Home, bob: Home) -> None:
    bob.configure("alice", inbox={"waiting_per_sender": 1})
    offer, _ = envelope()
    renewal, _ = envelope(2, share=bytes(16), generation=2)
    async with arriving(bob) as (arrivals, downloads, _):
        await downloads.hold(
            DownloadRecord(
                id=download_id(alice.identity.signer, bytes(16)),
                envelope="x",
                added=1,
                step=DownloadStep.WAITING,
                sender="alice",
                signer=alice.identity.signer,
                share=bytes(16).hex(),
                generation=1,
            )
        )
        answer = await arrivals.judge(alice.user(), offer)
        assert isinstance(answer, Later)
        assert "approval" in answer.reason
        assert await arrivals.judge(alice.user(), renewal) == Want(renewal.digest)


async def test_the_sender_is_owed_a_receipt_for_what_was_delivered_or_rejected(
    alice: Home, bob: Home
) -> None:
    (good, content), (bad, other) = envelope(1), envelope(2, share=bytes(16))
    signer = alice.identity.signer
    async with arriving(bob) as (arrivals, downloads, _):
        await arrivals.take(alice.user(), good, content)
        await arrivals.take(alice.user(), bad, other)
        assert (await arrivals.follow(), arrivals.owed(signer)) == (set(), [])
        await downloads.save(
            DownloadRecord(
                id=download_id(signer, SHARE),
                envelope="x",
                envelope_hash=good.digest,
                added=1,
                step=DownloadStep.COMPLETE,
                info_hash="ab" * 32,
                signer=signer,
                share=SHARE.hex(),
                generation=1,
            )
        )
        arrivals.note_rejected(
            f"alice {'0' * 8} version 1.torrent.encrypted", RefusedByUser("You rejected it")
        )
        assert await arrivals.follow() == {signer}
        assert await arrivals.follow() == set()
    async with arriving(bob) as (arrivals, _, _):  # still owed after a restart
        owed = arrivals.owed(signer)
        receipts = {receipt.digest: receipt for receipt in (verify_receipt(each.receipt) for each in owed)}
        complete, refused = receipts[good.digest], receipts[bad.digest]
        assert (complete.state, complete.info_hash) == ("complete", bytes.fromhex("ab" * 32))
        assert (refused.state, refused.info_hash) == ("refused", None)
        for arrival in owed:
            await arrivals.confirm(arrival)
        assert arrivals.owed(signer) == []


async def test_another_envelope_of_the_share_is_no_delivery_of_this_one(alice: Home, bob: Home) -> None:
    offer, content = envelope()
    async with arriving(bob) as (arrivals, downloads, _):
        await arrivals.take(alice.user(), offer, content)
        await downloads.save(
            DownloadRecord(
                id=download_id(alice.identity.signer, SHARE),
                envelope="x",
                envelope_hash=bytes(32),
                added=1,
                step=DownloadStep.COMPLETE,
                info_hash="ab" * 32,
                signer=alice.identity.signer,
                share=SHARE.hex(),
                generation=1,
            )
        )
        assert await arrivals.follow() == set()
        # One that was carried by hand is there; of two copies the inbox rejects one.
        arrivals.note_rejected(
            f"alice {SHARE.hex()[:8]} version 1.torrent.encrypted", RefusedByUser("You rejected it")
        )
        assert await arrivals.follow() == set()


async def test_a_sender_is_told_what_they_caused_or_can_mend_and_when_it_is_over(
    alice: Home, bob: Home
) -> None:
    offer, content = envelope()
    other, other_content = envelope(2, share=bytes(16))
    signer = alice.identity.signer
    waiting = DownloadRecord(
        id=download_id(signer, SHARE),
        envelope="x",
        added=1,
        step=DownloadStep.WAITING,
        sender="alice",
        signer=signer,
        share=SHARE.hex(),
        generation=1,
        problem="/home/bob is no business of theirs",
    )
    async with arriving(bob) as (arrivals, downloads, _):

        def told(*known: str) -> list[tuple[str, Fault | None]]:
            return sorted((record.share, fault) for record, fault in arrivals.problems(signer, known))

        await arrivals.take(alice.user(), offer, content)
        await arrivals.take(alice.user(), other, other_content)
        assert told() == []
        await downloads.save(waiting)
        arrivals.note_locked(f"alice {'0' * 8} version 1.torrent.encrypted", NotForUs())
        assert await arrivals.follow() == {signer}
        assert (
            await arrivals.follow() == set()
        )  # a contact who is away is not called because of it all the time
        assert told() == [(bytes(16).hex(), Fault.UNREADABLE), (SHARE.hex(), Fault.APPROVAL)]
        for record, fault in arrivals.problems(signer, ()):
            await arrivals.note_told(record, fault)
        assert (await arrivals.follow(), told(SHARE.hex(), bytes(16).hex())) == (set(), [])
        assert len(told()) == 2  # again on the next link
        await downloads.save(replace(waiting, step=DownloadStep.QUEUED, fault=Fault.NO_SPACE))
        assert told(SHARE.hex(), bytes(16).hex()) == [(SHARE.hex(), Fault.NO_SPACE)]
        await downloads.save(replace(waiting, step=DownloadStep.DOWNLOADING))
        assert told(SHARE.hex(), bytes(16).hex()) == [(SHARE.hex(), None)]
        arrivals.note_rejected(f"alice {'0' * 8} version 1.torrent.encrypted", RefusedByUser("no"))
        await arrivals.follow()
        (owed,) = arrivals.owed(signer)
        assert (owed.state, owed.fault) == ("refused", Fault.REFUSED)
