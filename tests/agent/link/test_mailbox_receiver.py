"""What a parcel brings gets no more trust than what a link brings (threat T21)."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.hub.hubs import FAST, KEY, a_hub, invite, new_member
from tests.hub.test_messages import private_key
from tests.link.samples import ALICE, BOB, MALLORY, Person
from tests.waiting import wait_until
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.hub_membership import HubMembership
from tuishare.agent.link.hub_reach import HubReach
from tuishare.agent.link.mailbox_receiver import MailboxReceiver
from tuishare.agent.live import Live
from tuishare.config.model import Config, NetworkSettings
from tuishare.core.clock import Clock
from tuishare.envelope.parcel import seal_parcel
from tuishare.errors import SystemFailed
from tuishare.hub.process import open_hub
from tuishare.hub.settings import HubPlaces
from tuishare.link.link_key import LinkKey
from tuishare.link.mailbox.client import enrol, hash_write_key
from tuishare.link.mailbox.enrolment import parse_enrolment
from tuishare.link.mailbox.letter import Letter, write_letter
from tuishare.link.messages import Declined, Have, Later, Offer, OfferAnswer, Want

ENVELOPE = b"envelope" * 100
BOB_KEY, FORMER_KEY = private_key(BOB.number), private_key(9)
OFFER = Offer(hashlib.sha256(ENVELOPE).digest(), len(ENVELOPE), b"s" * 16, 1)


@dataclass
class Agent:
    """Bob's agent, as the receiver sees it, with Alice as the only contact."""

    answer: OfferAnswer = field(default_factory=lambda: Want(OFFER.digest))
    records: list[object] = field(default_factory=list)
    receipts: list[object] = field(default_factory=list)
    envelopes: list[bytes] = field(default_factory=list)
    owed: list[bytes] = field(default_factory=list)
    woken: list[bytes] = field(default_factory=list)
    refuses: bool = False

    signer = ALICE.signer
    signers = (BOB.signer,)
    private_key = BOB_KEY
    retired = (FORMER_KEY,)

    @property
    def current(self) -> Agent:
        return self

    @property
    def contacts(self) -> dict[bytes, str]:
        return {ALICE.signer: "alice"}

    @property
    def arrivals(self) -> Agent:
        return self

    async def keep_record(self, record: object, signed: bytes) -> None:
        self.records.append(record)

    async def keep_receipt(self, receipt: object, signed: bytes) -> None:
        self.receipts.append(receipt)

    async def judge(self, offer: Offer) -> OfferAnswer:
        if self.refuses:
            raise SystemFailed("The disk is full")
        return self.answer

    async def take(self, offer: Offer, content: bytes) -> bytes:
        self.envelopes.append(content)
        return b"receipt"

    async def owe(self, signer: bytes, offer: Offer) -> None:
        self.owed.append(offer.digest)

    async def receive(self, parcel: bytes) -> tuple[bool, int | None]:
        """Return whether the parcel is done with, and after how many seconds what was left is asked for again."""
        given: Any = self
        receiver = MailboxReceiver(
            *(given, given, given, lambda _: given),
            identity=given,
            wake=self.woken.append,
            changed=ChangeSignal(),
            clock=Clock(),
        )
        async with asyncio.timeout(None) as limit:
            done = await receiver._receive(parcel, limit)
            due = limit.when()
            return done, None if due is None else round(due - asyncio.get_running_loop().time())
        raise AssertionError


def parcel(
    sender: Person = ALICE,
    *,
    recipient: bytes = BOB.signer,
    record: bytes = b"",
    receipts: tuple[bytes, ...] = (),
    offer: Offer | None = OFFER,
    envelope: bytes = ENVELOPE,
    sealed_for: Person = BOB,
) -> bytes:
    letter = Letter(
        signer=sender.signer,
        recipient=recipient,
        record=record or sender.record(),
        receipts=receipts,
        offer=offer,
    )
    content = write_letter(sender.signing_key, letter, envelope if offer else b"")
    return seal_parcel(sealed_for.card.public_key, content)


async def test_a_letter_of_a_contact_is_taken_like_what_a_link_brings() -> None:
    bob = Agent()
    receipts = (ALICE.receipt(), MALLORY.receipt())
    assert await bob.receive(parcel(receipts=receipts)) == (True, None)
    assert (len(bob.records), len(bob.receipts), bob.envelopes) == (1, 1, [ENVELOPE])
    assert (bob.owed, bob.woken) == ([OFFER.digest], [ALICE.signer])
    bob.answer = Have(OFFER.digest)
    assert await bob.receive(parcel()) == (True, None)
    assert len(bob.envelopes) == 1  # its receipt was lost, and is sent again
    assert len(bob.owed) == 2
    assert await bob.receive(parcel(sealed_for=Person("bob", 9))) == (True, None)  # for a former card


NOT_TAKEN = {
    "of a stranger": parcel(MALLORY),
    "for another user": parcel(recipient=MALLORY.signer),
    "sealed for another user": parcel(sealed_for=MALLORY),
    "with the record of another user": parcel(record=MALLORY.record()),
    "with another envelope than it offers": parcel(envelope=b"x" * len(ENVELOPE)),
    "that is none": seal_parcel(BOB.card.public_key, b"hello"),
    "of no parcel": b"hello" * 500,
}


@pytest.mark.parametrize("what", NOT_TAKEN)
async def test_a_letter_is_not_taken(what: str) -> None:
    bob = Agent()
    assert await bob.receive(NOT_TAKEN[what]) == (True, None)
    assert (bob.receipts, bob.envelopes, bob.owed) == ([], [], [])


async def test_what_cannot_be_kept_now_stays_in_the_mailbox() -> None:
    # A contact whose envelopes must wait for an hour has not all of them fetched every minute (threat T23).
    bob = Agent(answer=Later(OFFER.digest, 3600, "too many"))
    assert await bob.receive(parcel()) == (False, 3600)
    bob = Agent(refuses=True)
    assert await bob.receive(parcel()) == (False, 60)
    bob = Agent(answer=Declined(OFFER.digest, "no"))
    assert await bob.receive(parcel()) == (True, None)
    assert bob.owed == []


async def test_a_hub_that_is_not_reached_is_shown_until_it_is(tmp_path: Path) -> None:
    given: Any = Agent()
    key = LinkKey.from_seed(bytes(32))
    membership = HubMembership(tmp_path / "mailbox.json")
    settings = Live(Config(network=NetworkSettings(reach="off")))
    receiver = MailboxReceiver(
        *(HubReach(key, membership, given, settings), membership, given, lambda _: given),
        identity=given,
        wake=given.woken.append,
        changed=ChangeSignal(),
        clock=Clock(),
    )
    running = asyncio.create_task(receiver.run())
    try:
        async with a_hub(tmp_path / "hub") as hub:
            place = (await new_member(hub)).place
        membership.join(place, b"m" * 16, KEY, [])  # it is closed again
        await wait_until(lambda: receiver.problem is not None)
        async with open_hub(HubPlaces(tmp_path / "hub"), FAST) as hub:
            string = parse_enrolment(await invite(hub, "bob"))
            mailbox = await enrol(key, string, hash_write_key(KEY))
            membership.join(string.place, mailbox, KEY, [])
            await wait_until(lambda: receiver.problem is None)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
