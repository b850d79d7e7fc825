"""Upkeep of the outbox: an envelope lies there only as long as a recipient may have to get it by hand.

Owns when a file leaves the outbox, and when it is put back. A file that the user has moved or deleted is theirs: it is
put back only when a recipient refuses the envelope after that. Must not write files: `tuishare.agent.shares.outbox`
does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import EnvelopeRefused, EventBus, HandoverRecorded, SettingsReloaded
from tuishare.agent.link.handovers import Handovers
from tuishare.agent.live import Live
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.shares.outbox import Outbox
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.config.model import Config
from tuishare.core.activity import ActivityKind
from tuishare.core.records import HandoverState, RecipientRecord, ShareRecord, ShareStep
from tuishare.errors import SystemFailed
from tuishare.sanitize import for_display
from tuishare.tracker import PeerAnnounced

_SOON: Final = 0.2
"""Seconds until a share is looked at again that is about to be recorded as sealed."""
_log = logging.getLogger(__name__)


class OutboxUpkeep:
    """Keeps the outbox of one agent small."""

    def __init__(
        self,
        shares: Mapping[str, ShareRecord],
        deliveries: Deliveries,
        handovers: Handovers,
        outbox: Outbox,
        *,
        settings: Live[Config],
        events: EventBus,
        activity: ActivityLog,
    ) -> None:
        self._settings = settings
        self._events = events
        self._activity = activity
        self._shares = shares
        self._deliveries = deliveries
        self._handovers = handovers
        self._outbox = outbox
        self._due: set[str] = set()
        self._requested = asyncio.Event()

    def subscribe(self) -> None:
        """Subscribe to what recipients do."""
        events = self._events
        events.subscribe(HandoverRecorded, lambda event: self._request(event.share))
        events.subscribe(PeerAnnounced, lambda event: self._request(event.share))
        events.subscribe(SettingsReloaded, lambda _: self._request(*self._shares))
        events.subscribe_async(EnvelopeRefused, self._put_back)

    def _request(self, *shares: str) -> None:
        self._due.update(shares)
        self._requested.set()

    async def run(self) -> None:
        """Remove what need not be carried any longer, until cancelled."""
        self._request(*self._shares)
        while True:
            await self._requested.wait()
            self._requested.clear()
            while self._due:
                if share := self._shares.get(self._due.pop()):
                    with isolate_errors(
                        f"remove the envelope of “{for_display(share.name)}” from the outbox"
                    ):
                        await self._look(share)

    async def _look(self, share: ShareRecord) -> None:
        if share.step is ShareStep.SEALING:  # a link was faster than the record
            asyncio.get_running_loop().call_later(_SOON, self._request, share.id)
        if not self._is_needless(share) or not await self._handovers.has_copies(share.id):
            return
        if await self._outbox.remove(share, is_due=lambda: self._is_needless(self._shares.get(share.id))):
            _log.info("Every recipient of %r has its envelope; it has left the outbox", share.name)
            self._activity.note(
                ActivityKind.HANDED_OVER, share.name, "to every recipient; its file has left the outbox"
            )

    def _is_needless(self, share: ShareRecord | None) -> bool:
        """Return whether every recipient has the newest envelope of a share, which is sealed."""
        if self._settings.current.link.keep_outbox or share is None or not share.envelope:
            return False
        if share.step is not ShareStep.SEEDING:
            return False
        rows = [row for row in self._deliveries.of(share.id) if not row.revoked]
        arrived = {
            record.user
            for record in self._handovers.of(share.id)
            if record.generation == share.generation
            and record.state in {HandoverState.HANDED_OVER, HandoverState.COMPLETE}
        }
        return bool(arrived) and all(row.user in arrived or _has_opened(row, share) for row in rows)

    async def _put_back(self, event: EnvelopeRefused) -> None:
        """Publish an envelope again whose recipient does not take it by link."""
        record, share = event.handover, self._shares.get(event.handover.share)
        if (
            share is None
            or not share.envelope
            or share.step.has_ended
            or share.generation != record.generation
        ):
            return
        envelope = await self._handovers.content(record)
        try:
            was_put_back = envelope is not None and await self._outbox.put_back(share, envelope)
        except SystemFailed as error:
            _log.warning("Cannot put an envelope back into the outbox: %s", error.detail)
            self._activity.note(
                ActivityKind.PROBLEM, share.name, f"cannot be put back into the outbox: {error.detail}"
            )
            return
        if was_put_back:
            self._activity.note(
                ActivityKind.PROBLEM, share.name, f"refused by {record.user}; its file is in the outbox again"
            )


def _has_opened(row: RecipientRecord, share: ShareRecord) -> bool:
    """Return whether a recipient has opened the newest envelope, as their announces show; not for new tickets."""
    return share.kind != "renew" and row.opened > 0
