"""Putting into the mailboxes of many contacts, whose hubs may be anything."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.link.samples import ALICE, BOB, MALLORY
from tests.waiting import wait_until
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link import mailbox_sender
from tuishare.agent.link.mailbox_sender import MailboxSender
from tuishare.core.clock import Clock
from tuishare.link.address_record import HubAddress
from tuishare.people import User

HUBS = {
    person.signer: HubAddress("192.0.2.7:1", b"h" * 32, bytes([person.number]) * 16, bytes(32))
    for person in (MALLORY, ALICE)
}


async def test_the_hub_of_one_contact_that_never_answers_keeps_nothing_from_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Threat T23."""
    put: list[HubAddress] = []

    async def hang_or_take(hub: HubAddress, _: bytes) -> None:
        put.append(hub)
        if hub == HUBS[MALLORY.signer]:
            await asyncio.Event().wait()

    monkeypatch.setattr(mailbox_sender, "put_parcel", hang_or_take)
    monkeypatch.setattr(mailbox_sender, "_LOOK_SECONDS", 0.01)
    users = {person.signer: User(person.name, card=person.card, verified=True) for person in (MALLORY, ALICE)}
    parts: Any = SimpleNamespace(
        contacts=SimpleNamespace(
            all=lambda: users, record_of=lambda signer: SimpleNamespace(hub=HUBS[signer])
        ),
        handovers=SimpleNamespace(waiting=lambda _: []),
        arrivals=SimpleNamespace(owed=lambda _: []),
        own_record=SimpleNamespace(signed_for=lambda _: BOB.record()),
    )
    membership: Any = SimpleNamespace(untold=tuple(users))
    identity: Any = SimpleNamespace(current=SimpleNamespace(signer=BOB.signer, signing_key=BOB.signing_key))
    links: Any = {}
    sender = MailboxSender(
        *(membership, parts, links), identity=identity, changed=ChangeSignal(), clock=Clock()
    )
    running = asyncio.create_task(sender.run())
    try:
        await wait_until(lambda: put.count(HUBS[ALICE.signer]) >= 3)
        assert put.count(HUBS[MALLORY.signer]) == 1
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
