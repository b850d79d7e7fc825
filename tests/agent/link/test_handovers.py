"""What waits to be handed over: the newest envelope for each recipient who lacks it, in the store and on disk."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest

from tests.agent.homes import Home, fill, opened, share_of
from tuishare.agent.events import ActivityRecorded, EnvelopeWithdrawn, ShareSealed
from tuishare.agent.link import handovers as module
from tuishare.agent.link.handovers import Handovers
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.startup import make_share_parts
from tuishare.agent.startup_link import make_handovers
from tuishare.core.records import HandoverRecord, HandoverState, RecipientRecord, ShareRecord
from tuishare.link.messages import ProblemMessage
from tuishare.link.receipt import Receipt, ReceiptState, sign_receipt, verify_receipt
from tuishare.net.rate_limit import RateLimit

pytestmark = pytest.mark.swarm


@asynccontextmanager
async def handing_over(
    alice: Home, share: ShareRecord, *names: str
) -> AsyncIterator[tuple[Handovers, Deliveries]]:
    async with opened(alice) as context:
        deliveries = make_share_parts(context).repository.deliveries
        handovers = make_handovers(context, deliveries)
        await handovers.load()
        rows = [RecipientRecord(share.id, name, name.encode().ljust(32)) for name in names]
        await deliveries.set_recipients(share, rows)
        yield handovers, deliveries


@pytest.fixture
def share(alice: Home) -> ShareRecord:
    return share_of(fill(alice.drop / "x"))


def receipt_of(bob: Home, record: HandoverRecord, state: ReceiptState = "received") -> bytes:
    return sign_receipt(
        bob.identity.signing_key,
        Receipt(
            signer=bob.identity.signer,
            digest=record.digest,
            share=bytes.fromhex(record.share),
            generation=record.generation,
            info_hash=bytes(32) if state == "complete" else None,
            state=state,
            at=1,
        ),
    )


async def keep(handovers: Handovers, signed: bytes) -> None:
    await handovers.keep_receipt(verify_receipt(signed), signed)


async def test_an_envelope_waits_for_all_until_the_last_has_it(
    alice: Home, bob: Home, carol: Home, share: ShareRecord
) -> None:
    async with handing_over(alice, share, "bob", "carol") as (handovers, _):
        recipients = await handovers.on_sealed(ShareSealed(share, b"envelope"))
        assert set(recipients) == {bob.identity.signer, carol.identity.signer}
        (to_bob,), (to_carol,) = (handovers.waiting(home.identity.signer) for home in (bob, carol))
        await handovers.note_handed_over(to_bob)
        assert (handovers.waiting(bob.identity.signer), await handovers.content(to_carol)) == (
            [],
            b"envelope",
        )
    async with handing_over(alice, share, "bob", "carol") as (handovers, _):
        (to_carol,) = handovers.waiting(carol.identity.signer)
        assert await handovers.content(to_carol) == b"envelope"
        await keep(handovers, receipt_of(carol, to_carol))
        assert await handovers.content(to_carol) == b"envelope"  # until its share has another, or ends
        await handovers.on_withdrawn(EnvelopeWithdrawn(share))
        assert os.listdir(alice.places.link_outgoing) == []


async def test_a_newer_version_replaces_the_waiting_one(alice: Home, bob: Home, share: ShareRecord) -> None:
    async with handing_over(alice, share, "bob") as (handovers, _):
        await handovers.on_sealed(ShareSealed(share, b"one"))
        await handovers.on_sealed(ShareSealed(replace(share, generation=2), b"two"))
        (record,) = handovers.waiting(bob.identity.signer)
        assert (record.generation, await handovers.content(record)) == (2, b"two")
        assert len(os.listdir(alice.places.link_outgoing)) == 1


async def test_a_version_that_is_sealed_again_after_a_crash_is_not_handed_over_twice(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    async with handing_over(alice, share, "bob") as (handovers, _):
        await handovers.on_sealed(ShareSealed(share, b"one"))
        (record,) = handovers.waiting(bob.identity.signer)
        await keep(handovers, receipt_of(bob, record))
        await handovers.on_sealed(ShareSealed(share, b"the same, sealed again"))
        assert handovers.waiting(bob.identity.signer) == []
        assert os.listdir(alice.places.link_outgoing) == [record.digest.hex()]


async def test_what_was_withdrawn_is_no_longer_handed_over(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    async with handing_over(alice, share, "bob") as (handovers, _):
        await handovers.on_sealed(ShareSealed(share, b"one"))
        (record,) = handovers.waiting(bob.identity.signer)
        await handovers.on_withdrawn(EnvelopeWithdrawn(share))
        assert not handovers.is_waiting(record)
        assert (handovers.of(share.id), os.listdir(alice.places.link_outgoing)) == ((), [])


async def test_a_user_who_loses_access_gets_nothing_even_before_that_is_recorded(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    async with handing_over(alice, share, "bob") as (handovers, deliveries):
        await handovers.on_sealed(ShareSealed(share, b"one"))
        (record,) = handovers.waiting(bob.identity.signer)
        deliveries.exclude(share.id, "bob")
        assert (handovers.waiting(bob.identity.signer), handovers.is_waiting(record)) == ([], False)


async def test_receipts_lead_forward_only(alice: Home, bob: Home, share: ShareRecord) -> None:
    async with handing_over(alice, share, "bob") as (handovers, _):
        await handovers.on_sealed(ShareSealed(share, b"one"))
        (record,) = handovers.waiting(bob.identity.signer)
        foreign = replace(record, digest=bytes(32))
        await keep(handovers, receipt_of(bob, foreign, "refused"))
        assert [each.state for each in handovers.of(share.id)] == [HandoverState.WAITING]
        steps: tuple[tuple[ReceiptState, HandoverState], ...] = (
            ("received", HandoverState.HANDED_OVER),
            ("complete", HandoverState.COMPLETE),
            ("received", HandoverState.COMPLETE),
        )
        for state, expected in steps:
            await keep(handovers, receipt_of(bob, record, state))
            assert [each.state for each in handovers.of(share.id)] == [expected]


async def test_a_version_is_complete_in_any_of_its_envelopes(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    """One was sealed and handed over before a crash, another one after it."""
    async with handing_over(alice, share, "bob") as (handovers, _):
        await handovers.on_sealed(ShareSealed(share, b"one"))
        (record,) = handovers.waiting(bob.identity.signer)
        await keep(handovers, receipt_of(bob, replace(record, digest=bytes(32), generation=2), "complete"))
        assert [each.state for each in handovers.of(share.id)] == [HandoverState.WAITING]
        await keep(handovers, receipt_of(bob, replace(record, digest=bytes(32)), "complete"))
        assert [each.state for each in handovers.of(share.id)] == [HandoverState.COMPLETE]


async def test_an_envelope_is_offered_later_when_its_recipient_says_so(
    alice: Home, bob: Home, share: ShareRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the time that passes: a wall clock that is put back must not put the offer off."""
    async with handing_over(alice, share, "bob") as (handovers, _):
        await handovers.on_sealed(ShareSealed(share, b"one"))
        (record,) = handovers.waiting(bob.identity.signer)
        await handovers.postpone(record, 60, "no space on the disk")
        (later,) = handovers.waiting(bob.identity.signer)
        assert (handovers.is_postponed(later), later.detail) == (True, "no space on the disk")
        later_clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 61)
        monkeypatch.setattr(module, "time", later_clock)
        assert not handovers.is_postponed(later)
        monkeypatch.undo()
        await handovers.on_sealed(ShareSealed(share, b"newer"))
        (newer,) = handovers.waiting(bob.identity.signer)
        assert not handovers.is_postponed(newer)


async def test_a_damaged_copy_is_not_sent(alice: Home, bob: Home, share: ShareRecord) -> None:
    async with handing_over(alice, share, "bob") as (handovers, _):
        await handovers.on_sealed(ShareSealed(share, b"one"))
        (record,) = handovers.waiting(bob.identity.signer)
        (alice.places.link_outgoing / record.digest.hex()).write_bytes(b"two")
        assert await handovers.content(record) is None


async def test_what_recipients_tell_is_kept_beside_them_until_it_is_over(
    alice: Home, bob: Home, carol: Home, share: ShareRecord
) -> None:
    bob_signs, carol_signs = bob.identity.signer, carol.identity.signer
    identity = bytes.fromhex(share.id)
    async with handing_over(alice, share, "bob", "carol") as (handovers, _):
        told: list[str] = []
        handovers._events.subscribe(ActivityRecorded, lambda event: told.append(event.entry.detail))
        await handovers.on_sealed(ShareSealed(share, b"one"))

        def faults() -> dict[str, str]:
            return {record.user: record.fault for record in handovers.of(share.id)}

        await handovers.keep_problem(bob_signs, ProblemMessage(identity, 1, "no-space"))
        await handovers.keep_problem(carol_signs, ProblemMessage(identity, 1, "moon-phase"))
        await handovers.keep_problem(carol_signs, ProblemMessage(identity, 2, "quota"))
        await handovers.keep_problem(carol_signs, ProblemMessage(b"x" * 16, 1, "quota"))
        await handovers.keep_problem(b"m" * 32, ProblemMessage(identity, 1, "quota"))
        assert faults() == {"bob": "no-space", "carol": "other"}
        assert told[0] == "bob: has no space for it"
        await keep(handovers, receipt_of(bob, next(r for r in handovers.of(share.id) if r.user == "bob")))
        await handovers.keep_problem(carol_signs, ProblemMessage(identity, 1, ""))
        assert faults() == {"bob": "no-space", "carol": ""}
    async with handing_over(alice, share, "bob", "carol") as (handovers, _):
        to_bob = next(record for record in handovers.of(share.id) if record.user == "bob")
        assert to_bob.fault == "no-space"
        await keep(handovers, receipt_of(bob, to_bob, "complete"))
        await handovers.keep_problem(bob_signs, ProblemMessage(identity, 1, "quota"))
        assert [record.fault for record in handovers.of(share.id)] == ["", ""]


async def test_a_recipient_who_floods_with_problems_causes_few_writes(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    """T23"""
    async with handing_over(alice, share, "bob") as (handovers, _):
        told: list[str] = []
        handovers._events.subscribe(ActivityRecorded, lambda event: told.append(event.entry.detail))
        handovers._problems = RateLimit(40, 1e-9, 9, time.monotonic)
        await handovers.on_sealed(ShareSealed(share, b"one"))
        seen = []
        for number in range(100):
            code = ("no-space", "quota")[number % 2]
            await handovers.keep_problem(
                bob.identity.signer, ProblemMessage(bytes.fromhex(share.id), 1, code)
            )
            seen.append(handovers.of(share.id)[0].fault)
        assert sum(one != other for one, other in pairwise(["", *seen])) == 40
        assert len(told) == 16


async def test_what_comes_at_one_moment_undoes_nothing(alice: Home, bob: Home, share: ShareRecord) -> None:
    async with handing_over(alice, share, "bob") as (handovers, _):
        await handovers.on_sealed(ShareSealed(share, b"one"))
        (record,) = handovers.of(share.id)
        await asyncio.gather(
            keep(handovers, receipt_of(bob, record, "complete")),
            handovers.keep_problem(record.recipient, ProblemMessage(bytes.fromhex(share.id), 1, "quota")),
            handovers.postpone(record, 60, "later"),
            handovers.note_handed_over(record),
        )
    async with handing_over(alice, share, "bob") as (handovers, _):
        (record,) = handovers.of(share.id)
        assert (record.state, record.fault, record.detail) == (HandoverState.COMPLETE, "", "")
        newer = ShareSealed(replace(share, generation=2), b"two")
        await asyncio.gather(
            keep(handovers, receipt_of(bob, replace(record, state=HandoverState.WAITING), "refused")),
            handovers.on_sealed(newer),
        )
    async with handing_over(alice, share, "bob") as (handovers, _):
        (record,) = handovers.of(share.id)
        assert (record.generation, record.state) == (2, HandoverState.WAITING)
