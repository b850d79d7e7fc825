"""Address records of contacts: the newest is kept, not as many as they send."""

from __future__ import annotations

import pytest

from tests.agent.homes import Home, opened
from tuishare.agent.link import contacts as module
from tuishare.agent.startup_link import make_contacts
from tuishare.link.address_record import read_record, sign_record


async def test_a_contact_who_floods_with_records_causes_few_writes(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T23: each is newer than the last, and would be written to the disk."""
    monkeypatch.setattr(module, "_RATE", 1e-9)

    def signed(sequence: int) -> bytes:
        return sign_record(
            alice.identity.signing_key,
            link_key=alice.identity.signer,
            sequence=sequence,
            issued=0,
            addresses=(),
        )

    async with opened(bob) as context:
        contacts = make_contacts(context)
        contacts.take_book(context.users.read())
        kept = [await contacts.keep(read_record(signed(number)), signed(number)) for number in range(1, 31)]
        assert kept == [True] * 16 + [False] * 14
        known = contacts.record_of(alice.identity.signer)
        assert known is not None
        assert known.sequence == 16
