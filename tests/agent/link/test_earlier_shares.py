"""Shares that were sealed before a link was possible."""

from __future__ import annotations

import asyncio
import contextlib
from collections import UserDict
from collections.abc import Callable, ValuesView
from dataclasses import replace

import pytest

from tests.agent.homes import Home, fill, opened, share_of
from tests.waiting import wait_until
from tuishare.agent.link.earlier_shares import EarlierShares
from tuishare.agent.startup import make_share_parts
from tuishare.agent.startup_link import make_contacts, make_handovers
from tuishare.core.records import RecipientRecord, ShareRecord, ShareStep
from tuishare.core.share_sealing import SealedShare
from tuishare.errors import SystemFailed
from tuishare.link.address_record import read_record, sign_record

pytestmark = pytest.mark.swarm


class Shares(UserDict[str, ShareRecord]):
    """A table of shares that counts how often it was looked through."""

    looks = 0

    def values(self) -> ValuesView[ShareRecord]:
        self.looks += 1
        return super().values()


@pytest.mark.parametrize("what", ["nothing", "revoked", "a newer version", "another passkey", "the disk"])
async def test_what_changes_while_it_is_sealed_keeps_it_back(alice: Home, bob: Home, what: str) -> None:
    """T10: a user who was revoked meanwhile could join with an envelope of the former authority."""
    share = replace(share_of(fill(alice.drop / "x")), step=ShareStep.SEEDING, sealed=1)
    signed = sign_record(
        bob.identity.signing_key, link_key=bob.identity.signer, sequence=1, issued=0, addresses=()
    )
    async with opened(alice) as context:
        deliveries = make_share_parts(context).repository.deliveries
        handovers, contacts = make_handovers(context, deliveries), make_contacts(context)
        await handovers.load()
        contacts.take_book(context.users.read())
        rows = [RecipientRecord(share.id, name, name.encode().ljust(32)) for name in ("bob", "carol")]
        await deliveries.set_recipients(share, rows)
        last = replace(share, id="1" * 32)
        await deliveries.set_recipients(last, [replace(rows[0], share=last.id)])
        shares, woken = Shares({share.id: share, last.id: last}), list[bytes]()

        def revoke() -> None:
            deliveries.exclude(share.id, "carol")

        def renew() -> None:
            shares[share.id] = replace(share, generation=2)

        changes: dict[str, Callable[[], None]] = {"revoked": revoke, "a newer version": renew}
        asked: list[tuple[str, ...]] = []

        async def seal(what_to_seal: ShareRecord) -> SealedShare:
            asked.append(what_to_seal.recipients)
            if what_to_seal.id == last.id:  # all before it is done
                return SealedShare(b"last", ())
            changes.get(what, lambda: None)()
            if what == "the disk":
                raise SystemFailed("it refused")  # which ends no agent
            key = b"other" if what == "another passkey" else b"bob"
            return SealedShare(b"envelope", (replace(rows[0], passkey_hash=key.ljust(32)),))

        earlier = EarlierShares(shares, deliveries, contacts, handovers, seal)
        task = asyncio.create_task(earlier.run(woken.append))
        await wait_until(lambda: shares.looks == 1)
        earlier.request()
        await wait_until(lambda: shares.looks == 2)  # the first look has ended
        assert asked == []  # no link leads to them yet
        await contacts.keep(read_record(signed), signed)
        earlier.request()
        await wait_until(lambda: asked == [("bob",), ("bob",)])
        assert woken == ([bob.identity.signer] if what == "nothing" else [])
        assert len(handovers.of(share.id)) == len(woken)
        for record in handovers.of(share.id):
            assert await handovers.content(record) == b"envelope"
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
