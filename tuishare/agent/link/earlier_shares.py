"""Earlier shares: those that were sealed while no link could hand them over are handed over once one can.

Owns which envelopes are made for that: a share is sealed again in its present version, with the same passkeys, for
those of its recipients to whom a link is new. One who has that version says so. Must not hand anything over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.link.contacts import Contacts
from tuishare.agent.link.handovers import Handovers
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.core.share_sealing import SealedShare
from tuishare.errors import SystemFailed
from tuishare.sanitize import for_display

Seal = Callable[[ShareRecord], Awaitable[SealedShare]]
"""Seals a share for its recipients."""
_log = logging.getLogger(__name__)


class EarlierShares:
    """The shares of one agent that links have not been told of."""

    def __init__(
        self,
        shares: Mapping[str, ShareRecord],
        deliveries: Deliveries,
        contacts: Contacts,
        handovers: Handovers,
        seal: Seal,
    ) -> None:
        self._shares = shares
        self._deliveries = deliveries
        self._contacts = contacts
        self._handovers = handovers
        self._seal = seal
        self._requested = asyncio.Event()

    def request(self) -> None:
        """Look soon: there are other contacts, or more of them can be reached."""
        self._requested.set()

    async def run(self, wake: Callable[[bytes], None]) -> None:
        """Look at the start and when requested, until cancelled; `wake` is called with each recipient."""
        while True:
            self._requested.clear()
            reachable = {
                user.name: signer
                for signer, user in self._contacts.all().items()
                if self._contacts.record_of(signer) is not None
            }
            for share in list(self._shares.values()):
                if missing := self._missing(share, reachable):
                    with isolate_errors(f"hand “{for_display(share.name)}” over by link"):
                        try:
                            await self._hand_over(share, missing, wake)
                        except (
                            SystemFailed
                        ) as error:  # of one share; the next contact or address is the next try
                            _log.warning("%r is not handed over by link: %s", share.name, error.detail)
            await self._requested.wait()

    def _missing(self, share: ShareRecord, reachable: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the recipients whom a link leads to, and of whose copy of the present version nothing is recorded."""
        if share.step is not ShareStep.SEEDING or share.sealed != share.generation:
            return {}
        known = {
            record.recipient
            for record in self._handovers.of(share.id)
            if record.generation >= share.generation
        }
        return {
            row.user: reachable[row.user]
            for row in self._deliveries.of(share.id)
            if not row.revoked and row.user in reachable and reachable[row.user] not in known
        }

    async def _hand_over(
        self, share: ShareRecord, missing: Mapping[str, bytes], wake: Callable[[bytes], None]
    ) -> None:
        sealed = await self._seal(replace(share, recipients=tuple(missing)))
        known = {row.user: (row.passkey_hash, row.holder) for row in self._deliveries.of(share.id)}
        # One whose key has changed since the share was sealed gets its next version.
        same = {
            row.user: missing[row.user]
            for row in sealed.recipients
            if known.get(row.user) == (row.passkey_hash, row.holder)
        }
        # A user who was revoked meanwhile could join with what was just sealed.
        if self._shares.get(share.id) == share and not self._deliveries.needs_reissue(share) and same:
            await self._handovers.add(share, sealed.envelope, same)
            _log.info("%r is handed over by link now", share.name)
            for signer in same.values():
                wake(signer)
