"""Handovers: the newest envelope of each share, for each recipient who has not got it.

Owns the records, and a private copy of each envelope for as long as its share has it: the file in the outbox may be
carried away, and leaves it when every recipient has the envelope. Must not know links.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tuishare.agent.events import (
    ChangeSignal,
    EnvelopeRefused,
    EnvelopeWithdrawn,
    EventBus,
    HandoverRecorded,
    ShareSealed,
)
from tuishare.agent.live import UserBookFile
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.store import Store
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.faults import read_fault
from tuishare.core.records import HandoverRecord, HandoverState, ReceiptRecord, ShareRecord
from tuishare.envelope import MAX_SIZE
from tuishare.errors import NotFound
from tuishare.fs.atomic import make_private, publish, read_limited, sweep
from tuishare.link.messages import ProblemMessage
from tuishare.link.receipt import Receipt, ReceiptState
from tuishare.net.rate_limit import RateLimit

RECEIPTS_KEPT: Final = 2_000
"""Receipts of one recipient that are kept, also after their share is gone: 500 bytes each, three for each envelope."""
_PROBLEMS_KEPT: Final = (256, 0.2)
"""Problems of one recipient that are recorded at once, and a second after that."""
_PROBLEMS_TOLD: Final = (16, 1 / 300)
"""Those of them that stand in the activity log, too."""
_MOST_CONTACTS: Final = 4096
_STATES: Final[dict[ReceiptState, HandoverState]] = {
    "received": HandoverState.HANDED_OVER,
    "refused": HandoverState.REFUSED,
    "complete": HandoverState.COMPLETE,
}
_log = logging.getLogger(__name__)


class Handovers:
    """What one agent hands over by link."""

    def __init__(
        self,
        deliveries: Deliveries,
        store: Store,
        folder: Path,
        *,
        users: UserBookFile,
        activity: ActivityLog,
        events: EventBus,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        """`folder` is private to the handovers."""
        self._deliveries = deliveries
        self._store = store
        self._folder = folder
        self._users = users
        self._activity = activity
        self._events = events
        self._changed = changed
        self._clock = clock
        self._records: defaultdict[str, dict[bytes, HandoverRecord]] = defaultdict(dict)
        """By share, then by recipient."""
        self._alone = asyncio.Lock()
        """Held from reading a record to saving its successor."""
        self._problems = RateLimit[bytes](*_PROBLEMS_KEPT, _MOST_CONTACTS, time.monotonic)
        self._told = RateLimit[bytes](*_PROBLEMS_TOLD, _MOST_CONTACTS, time.monotonic)
        self._postponed: dict[tuple[bytes, str], tuple[bytes, float]] = {}
        """By recipient and share: the digest, and when it may be offered, on the monotonic clock."""

    async def load(self) -> None:
        """Read what the last run left."""
        stored = await self._store.run(lambda database: database.handovers())
        for record in stored:
            self._records[record.share][record.recipient] = record
        await asyncio.to_thread(self._clean, {record.digest.hex() for record in self._all()})

    def of(self, share: str) -> tuple[HandoverRecord, ...]:
        """Return the handovers of a share."""
        return tuple(self._records[share].values()) if share in self._records else ()

    def waiting(self, recipient: bytes) -> list[HandoverRecord]:
        """Return what a recipient has not got, oldest first; without users who lose access to a share."""
        mine = [records[recipient] for records in self._records.values() if recipient in records]
        return [
            record
            for record in mine
            if record.state is HandoverState.WAITING
            and record.user in self._deliveries.passkeys(record.share).values()
        ]

    def count_waiting(self) -> Counter[bytes]:
        """Count what each recipient has not got; without users who lose access to a share."""
        return Counter(
            record.recipient
            for share, records in self._records.items()
            if any(record.state is HandoverState.WAITING for record in records.values())
            for users in [set(self._deliveries.passkeys(share).values())]
            for record in records.values()
            if record.state is HandoverState.WAITING and record.user in users
        )

    def is_waiting(self, record: HandoverRecord) -> bool:
        """Return whether this very envelope may still be handed over."""
        return (
            self._find(record.recipient, record.share) == record
            and record.state is HandoverState.WAITING
            and record.user in self._deliveries.passkeys(record.share).values()
        )

    async def on_sealed(self, event: ShareSealed) -> list[bytes]:
        """Record an envelope for all recipients of its share.

        Returns:
            The recipients.
        """
        share, digest = event.share, hashlib.sha256(event.envelope).digest()
        recipients = await asyncio.to_thread(self._recipients, share.id)
        await self._keep_copy(digest, event.envelope)
        async with self._alone:
            records = [self._successor(event, digest, signer, name) for signer, name in recipients.items()]
            await self._store.change(lambda database: database.queue_handovers(share.id, records))
            former = {record.digest for record in self.of(share.id)}
            self._records[share.id] = {record.recipient: record for record in records}
            await self._discard({digest, *former})
        self._changed.notify()
        return list(recipients)

    async def add(self, share: ShareRecord, envelope: bytes, recipients: Mapping[str, bytes]) -> None:
        """Record an envelope of the present version of a share for more recipients.

        Args:
            share: as it was sealed.
            envelope: all bytes.
            recipients: their signers by their names; one for whom this or a later version is recorded is left out.
        """
        event, digest = ShareSealed(share, envelope), hashlib.sha256(envelope).digest()
        await self._keep_copy(digest, envelope)
        async with self._alone:
            former = {signer: self._find(signer, share.id) for signer in recipients.values()}
            records = [
                self._successor(event, digest, signer, name)
                for name, signer in recipients.items()
                if (known := former[signer]) is None or known.generation < share.generation
            ]
            await self._store.change(lambda database: database.save(*records))
            for record in records:
                self._records[share.id][record.recipient] = record
            await self._discard({digest, *(known.digest for known in former.values() if known)})
        self._changed.notify()

    async def _keep_copy(self, digest: bytes, envelope: bytes) -> None:
        await self._store.disk_retry.retry_until_written(
            lambda: asyncio.to_thread(publish, self._path(digest), envelope)
        )

    def _recipients(self, share: str) -> dict[bytes, str]:
        """Return the recipients with a card: their names by signer."""
        book, found = self._users.current, {}
        for row in self._deliveries.of(share):
            if not row.revoked:
                try:
                    user = book.find(row.user)
                except NotFound:
                    continue
                if user.card is not None:
                    found[user.card.signer] = user.name
        return found

    def _successor(self, event: ShareSealed, digest: bytes, signer: bytes, name: str) -> HandoverRecord:
        known = self._find(signer, event.share.id)
        if (
            known is not None
            and known.generation == event.share.generation
            and known.state is not HandoverState.WAITING
        ):
            return known  # a crash came before the share was recorded as sealed; they have its envelope
        return HandoverRecord(
            signer,
            event.share.id,
            name,
            event.share.generation,
            digest,
            len(event.envelope),
            self._clock.now(),
        )

    async def on_withdrawn(self, event: EnvelopeWithdrawn) -> None:
        """Hand the envelope of a share over to no further recipient."""
        share = event.share.id
        async with self._alone:
            await self._store.change(lambda database: database.cancel_handovers(share))
            former = self._records.pop(share, {})
            self._records[share] = {
                recipient: record
                for recipient, record in former.items()
                if record.state is not HandoverState.WAITING
            }
            await self._remove_copies({record.digest for record in former.values()})
        self._changed.notify()

    async def content(self, record: HandoverRecord) -> bytes | None:
        """Return the envelope of a handover; None if its file is gone or damaged."""
        try:
            data = await asyncio.to_thread(read_limited, self._path(record.digest), MAX_SIZE)
        except NotFound:
            return None
        return data if hashlib.sha256(data).digest() == record.digest else None

    async def has_copies(self, share: str) -> bool:
        """Return whether the newest envelope of a share can be published again without sealing it."""
        places = {self._path(record.digest) for record in self.of(share)}
        return bool(places) and await asyncio.to_thread(lambda: all(place.exists() for place in places))

    async def note_handed_over(self, record: HandoverRecord) -> None:
        """Record that a recipient has an envelope, without a receipt."""
        await self._enter(record, HandoverState.HANDED_OVER)

    async def note_refused(self, record: HandoverRecord, reason: str) -> None:
        """Record that a recipient's agent does not want an envelope."""
        await self._enter(record, HandoverState.REFUSED, detail=reason)

    async def postpone(self, record: HandoverRecord, seconds: int, reason: str) -> None:
        """Record that an envelope is to be offered later: at the next start of this agent at the latest."""
        async with self._alone:
            known = self._find(record.recipient, record.share)
            if known is not None and known.digest == record.digest and known.state is HandoverState.WAITING:
                await self._save(replace(known, detail=reason))
                # Not by the wall clock: one that is put back by a day would put the offer off by a day.
                self._postponed[record.recipient, record.share] = (record.digest, time.monotonic() + seconds)

    def is_postponed(self, record: HandoverRecord) -> bool:
        """Return whether the recipient's agent asked for an offer at a later time, which has not come."""
        digest, until = self._postponed.get((record.recipient, record.share), (b"", 0.0))
        return digest == record.digest and time.monotonic() < until

    async def note_put(self, record: HandoverRecord) -> None:
        """Record that an envelope is in the recipient's mailbox."""
        async with self._alone:
            known = self._find(record.recipient, record.share)
            if known is not None and known.digest == record.digest and known.state is HandoverState.WAITING:
                await self._save(replace(known, hub=self._clock.now()))

    async def keep_receipt(self, receipt: Receipt, signed: bytes) -> None:
        """Keep what a recipient states about an envelope of ours; an earlier state never replaces a later one."""
        async with self._alone:
            await self._keep_receipt(receipt, signed)

    async def _keep_receipt(self, receipt: Receipt, signed: bytes) -> None:
        known = self._find(receipt.signer, receipt.share.hex())
        # A version is sealed twice where a crash came before it was recorded as sealed; either brings the payload.
        of_newest = (
            known is not None
            and known.generation == receipt.generation
            and (known.digest == receipt.digest or receipt.state == "complete")
        )
        newer = _advance(known, receipt, signed, self._clock.now()) if known and of_newest else None
        record = ReceiptRecord(
            recipient=receipt.signer,
            digest=receipt.digest,
            state=receipt.state,
            share=receipt.share.hex(),
            name="",
            user=known.user if known is not None else "",
            generation=receipt.generation,
            at=self._clock.now(),
            signed=signed,
        )
        if newer is not None:
            await self._announce_refusal(newer)
        await self._store.change(lambda database: database.keep_receipt(record, newer, RECEIPTS_KEPT))
        if newer is not None:
            self._put(newer)

    async def keep_problem(self, recipient: bytes, problem: ProblemMessage) -> None:
        """Keep what keeps a recipient from a payload; of too many, and of what they have not got, nothing is kept."""
        async with self._alone:
            known, fault = self._find(recipient, problem.share.hex()), read_fault(problem.code)
            if known is None or known.generation != problem.generation or known.fault == (fault or ""):
                return
            if known.state is HandoverState.COMPLETE or not self._problems.take(recipient):
                return
            await self._save(replace(known, fault=fault or ""))
        if fault is not None and self._told.take(recipient):
            name = await self._store.run(lambda database: database.share_name(known.share))
            self._activity.note(ActivityKind.PROBLEM, name, f"{known.user}: {fault.words}")

    async def receipts(self, share: str) -> list[ReceiptRecord]:
        """Return the kept receipts for a share, named by its id or name, or for all if that is empty."""
        return await self._store.run(lambda database: database.receipts(share))

    async def _enter(self, record: HandoverRecord, state: HandoverState, *, detail: str = "") -> None:
        async with self._alone:
            known = self._find(record.recipient, record.share)
            if known is None or known.digest != record.digest or known.state is HandoverState.COMPLETE:
                return  # replaced meanwhile, or further
            newer = replace(known, state=state, at=self._clock.now(), detail=detail)
            await self._announce_refusal(newer)
            await self._save(newer)

    async def _announce_refusal(self, record: HandoverRecord) -> None:
        """Have it acted upon before it is recorded: after a crash the recipient's agent repeats it."""
        if record.state is HandoverState.REFUSED:
            await self._events.publish_and_wait(EnvelopeRefused(record))

    def _find(self, recipient: bytes, share: str) -> HandoverRecord | None:
        return self._records[share].get(recipient) if share in self._records else None

    async def _save(self, record: HandoverRecord) -> None:
        await self._store.change(lambda database: database.save(record))
        self._put(record)

    def _put(self, record: HandoverRecord) -> None:
        self._records[record.share][record.recipient] = record
        self._events.publish(HandoverRecorded(record.share))
        self._changed.notify()

    def _path(self, digest: bytes) -> Path:
        return self._folder / digest.hex()

    async def _discard(self, digests: set[bytes]) -> None:
        """Remove the copies of these envelopes, unless one is still the newest of its share."""
        await self._remove_copies(digests - {record.digest for record in self._all()})

    async def _remove_copies(self, digests: Iterable[bytes]) -> None:
        for digest in digests:
            try:
                await asyncio.to_thread(self._path(digest).unlink, missing_ok=True)
            except OSError as error:  # the next start removes it
                _log.warning("Cannot remove the copy of an envelope: %s", error.strerror)

    def _clean(self, needed: set[str]) -> None:
        """Make the folder, and remove all that a crash has left in it."""
        make_private(self._folder)
        sweep(self._folder)
        for name in os.listdir(self._folder):
            if name not in needed:
                (self._folder / name).unlink(missing_ok=True)

    def _all(self) -> Iterator[HandoverRecord]:
        return (record for records in self._records.values() for record in records.values())


def _advance(known: HandoverRecord, receipt: Receipt, signed: bytes, now: int) -> HandoverRecord | None:
    """Return a handover after a receipt for its envelope; None when that changes nothing."""
    state = _STATES[receipt.state]
    is_earlier = state is HandoverState.HANDED_OVER and known.state is HandoverState.REFUSED
    if known.receipt == signed or known.state is HandoverState.COMPLETE or is_earlier:
        return None
    fault = "" if state is HandoverState.COMPLETE else known.fault
    return replace(known, state=state, at=now, detail="", receipt=signed, fault=fault)
