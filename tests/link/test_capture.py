"""What a network observer gets to see of a link."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.link.agents import Agent, envelope, listening
from tests.link.forwarder import forwarding
from tests.link.samples import ALICE, BOB
from tests.waiting import wait_until
from tuishare.link.client import call_contact, redeem_invitation
from tuishare.link.dial import Destination
from tuishare.link.outgoing import HandedOver
from tuishare.link.session import Session


@contextlib.asynccontextmanager
async def running(session: Session) -> AsyncIterator[None]:
    task = asyncio.create_task(session.run())
    try:
        yield
    finally:
        session.close()
        await task


async def test_a_captured_link_shows_no_name_card_or_content() -> None:
    alice, bob = Agent(ALICE), Agent(BOB)
    async with listening(alice, bob), forwarding(alice.endpoint) as observer:
        invitation = ALICE.invitation(observer.endpoint)
        alice.invitations[invitation.id] = invitation
        await redeem_invitation(bob.key, invitation, BOB.party)
        alice.know(bob)
        bob.know(alice)
        destination = Destination(alice.key.public_key, [observer.endpoint])
        records = alice.record(), bob.record()
        stream = await call_contact(bob.key, destination, bob.record())
        session = Session(stream, bob.contacts[ALICE.signer], alice.key.public_key)
        offer, content = envelope(size=200_000)
        async with running(session):
            assert isinstance(await session.offer(offer, content), HandedOver)
            await wait_until(lambda: len(alice.sessions) == 1)
            assert isinstance(await alice.sessions[0].offer(*envelope(2)), HandedOver)
    seen = bytes(observer.there), bytes(observer.back)
    assert len(seen[0]) > len(content)
    secrets = {
        "alice": b"alice",
        "bob": b"bob",
        "identity of alice": ALICE.signer,
        "identity of bob": BOB.signer,
        "card of alice": ALICE.party.card[100:140],
        "card of bob": BOB.party.card[100:140],
        "record of alice": records[0][-64:],
        "record of bob": records[1][-64:],
        "link key of the caller": BOB.link_key.public_key,
        "invitation": invitation.id,
        "token": invitation.token,
        "digest": offer.digest,
        "program": b"tuishare",
        **{f"content at {at}": content[at : at + 16] for at in range(0, len(content), 4000)},
    }
    for what, secret in secrets.items():
        assert secret not in seen[0] + seen[1], what
    # What it does show: the version, and the host key of whoever is called, as SSH shows it to everyone who asks.
    assert seen[1].startswith(b"SSH-2.0-link\r\n")
    assert ALICE.link_key.public_key in seen[1]
