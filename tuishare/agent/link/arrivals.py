"""Arrivals: envelopes that contacts hand over, and the receipts for them.

Owns what is wanted, judged before a byte of it is taken (threat T23), and its way into the inbox: first into a private
folder, then recorded with its receipt, then moved. Must not open an envelope: the inbox does, whatever way it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from tuishare.agent.cancellation import finish
from tuishare.agent.downloads.fault_codes import fault_of
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.live import Live, UserBookFile
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.clock import Clock
from tuishare.core.faults import Fault, read_fault
from tuishare.core.opened_envelope import download_id
from tuishare.core.records import ArrivalRecord, DownloadRecord, DownloadStep
from tuishare.envelope import MAX_SIZE
from tuishare.errors import NotFound, Refused, SystemFailed, TuishareError, from_os_error
from tuishare.fs.atomic import ENVELOPE_SUFFIX, free_name, make_private, publish, read_limited, sweep
from tuishare.link.messages import Have, Later, Offer, OfferAnswer, Want
from tuishare.link.receipt import Receipt, ReceiptState, sign_receipt
from tuishare.net.rate_limit import RateLimit
from tuishare.people import Identity, User

_BURST: Final = 256
_RATE: Final = 1.0
"""Envelopes of one contact at once, and a second after that."""
_MOST_CONTACTS: Final = 4096
_REMEMBERED: Final = 10_000
"""Arrivals of one contact that are remembered; what is forgotten, the ledger of downloads still knows."""
_ROOM: Final = 16 << 20
"""Bytes that an arriving envelope leaves free."""
_SOON, _MUCH_LATER = 30, 3600
_log = logging.getLogger(__name__)


class Arrivals:
    """What one agent takes by link."""

    def __init__(
        self,
        downloads: DownloadRepository,
        store: Store,
        folder: Path,
        *,
        settings: Live[Config],
        identity: Live[Identity],
        users: UserBookFile,
        clock: Clock,
    ) -> None:
        """`folder` is private to the arrivals."""
        self._downloads = downloads
        self._store = store
        self._folder = folder
        self._settings = settings
        self._identity = identity
        self._users = users
        self._clock = clock
        self._records: dict[tuple[bytes, str], ArrivalRecord] = {}
        self._rates = RateLimit[bytes](_BURST, _RATE, _MOST_CONTACTS, time.monotonic)
        self._rejected: dict[str, Fault | None] = {}
        self._locked: dict[str, Fault | None] = {}
        """By name of the file in the inbox."""
        self._noticed: dict[tuple[bytes, str], Fault | None] = {}
        """Of pending arrivals, at the last call of `follow`."""
        self._pending: set[tuple[bytes, str]] = set()
        """Arrivals whose download is neither complete nor rejected."""

    async def load(self) -> None:
        """Read what the last run left, and finish what it had begun to move."""
        stored = await self._read()
        names = await asyncio.to_thread(self._list)
        for record in stored:
            if record.digest.hex() in names:
                names.discard(record.digest.hex())
                with contextlib.suppress(SystemFailed):  # a full disk; the next offer of it tries again
                    await self._move(record)
        for name in names:  # not recorded, so its sender offers it again
            await asyncio.to_thread((self._folder / name).unlink, missing_ok=True)

    def _list(self) -> set[str]:
        make_private(self._folder)
        sweep(self._folder)
        return set(os.listdir(self._folder))

    async def judge(self, user: User, offer: Offer) -> OfferAnswer:
        """Decide about an offer of a contact.

        Raises:
            SystemFailed: the disk refused.
        """
        signer, share = _signer(user), offer.share.hex()
        known = self._records.get((signer, share))
        if known is not None and known.generation >= offer.generation:
            await self._move(known)  # unless it is in the inbox
            same = (known.digest, known.generation) == (offer.digest, offer.generation)
            return Have(offer.digest, known.receipt if same else None)
        if await self._was_received(signer, share, offer.generation):
            return Have(offer.digest)
        if not self._rates.take(signer):
            return Later(offer.digest, _SOON, "too many envelopes in a short time")
        if reason := self._waiting_room_problem(user, self._download_of(signer, share)):
            return Later(offer.digest, _MUCH_LATER, reason)
        if await asyncio.to_thread(self._free) < offer.size + _ROOM:
            return Later(offer.digest, _SOON, "no space on the disk")
        return Want(offer.digest)

    async def take(self, user: User, offer: Offer, content: bytes) -> bytes | Later:
        """Put an envelope into the inbox, durably; return our signed receipt.

        Raises:
            SystemFailed: the disk refused.
        """
        return await finish(self._take(user, offer, content))  # a link that ends must leave nothing half done

    async def _take(self, user: User, offer: Offer, content: bytes) -> bytes | Later:
        signer, share = _signer(user), offer.share.hex()
        known = self._records.get((signer, share))
        if known is not None and known.generation >= offer.generation:
            await self._move(known)  # over another link meanwhile
            if known.digest == offer.digest:
                return known.receipt
            return Later(offer.digest, 1, "this version has just arrived in another envelope")
        await asyncio.to_thread(publish, self._folder / offer.digest.hex(), content)
        record = ArrivalRecord(
            signer=signer,
            share=share,
            generation=offer.generation,
            digest=offer.digest,
            envelope=await self._choose_name(user, offer),
            at=self._clock.now(),
            receipt=self._sign(offer.digest, offer.share, offer.generation, "received"),
        )
        await self._save(record)
        if known is not None:
            await self._remove_unread(known)
        await self._move(record)
        return record.receipt

    async def _remove_unread(self, former: ArrivalRecord) -> None:
        """Remove a former version's envelope from the inbox, unless a download has begun with it.

        Were it read after the newer one, it would be rejected as a replay.
        """
        download = self._download_of(former.signer, former.share)
        if download is None or download.envelope != former.envelope:
            await asyncio.to_thread(_remove, self._inbox / former.envelope, former.digest)

    def owed(self, signer: bytes) -> list[ArrivalRecord]:
        """Return the arrivals of a contact whose present receipt they have not confirmed."""
        return [record for record in self._records.values() if record.owed and record.signer == signer]

    async def owe(self, signer: bytes, offer: Offer) -> None:
        """Have the receipt for an envelope sent that came by mailbox, where no answer goes back at once."""
        record = self._records.get((signer, offer.share.hex()))
        if record is not None and record.digest == offer.digest:
            await self._save(replace(record, owed=True))

    async def confirm(self, record: ArrivalRecord) -> None:
        """Record that a contact has stored a receipt."""
        if self._records.get((record.signer, record.share)) == record:
            await self._save(replace(record, owed=False))

    def note_rejected(self, name: str, reason: TuishareError) -> None:
        """Note that the inbox has rejected a file; `follow` makes the receipt."""
        self._locked.pop(name, None)
        self._rejected[name] = fault_of(reason)

    def note_locked(self, name: str, reason: TuishareError) -> None:
        """Note that the inbox cannot open a file, or has no room for it."""
        if any(self._records[key].envelope == name for key in self._pending):
            self._locked[name] = fault_of(reason)

    def problems(self, signer: bytes, told: Collection[str]) -> list[tuple[ArrivalRecord, Fault | None]]:
        """Return the arrivals whose sender is to be told what keeps us from the payload, with that.

        Args:
            signer: of the contact.
            told: the shares of which they were told on the present link; others are told again.
        """
        mine = (self._records[key] for key in self._pending if key[0] == signer)
        found = ((record, self._fault(record)) for record in mine)
        return [
            (record, fault)
            for record, fault in found
            if record.fault != (fault or "") or (fault is not None and record.share not in told)
        ]

    async def note_told(self, record: ArrivalRecord, fault: Fault | None) -> None:
        """Record what a contact was told about an arrival."""
        if self._records.get((record.signer, record.share)) == record and record.fault != (fault or ""):
            await self._save(replace(record, fault=fault or ""))

    def _fault(self, record: ArrivalRecord) -> Fault | None:
        download = self._download_of(record.signer, record.share)
        if download is None or download.generation != record.generation:
            return self._locked.get(record.envelope)
        if download.fault:
            return read_fault(download.fault)
        waits = download.step is DownloadStep.WAITING and not download.conflict
        return Fault.APPROVAL if waits else None

    async def follow(self) -> set[bytes]:
        """Make receipts for what was completed or rejected since the last call.

        Returns:
            The contacts to whom they are owed, or who are to be told of a problem since then.
        """
        rejected, self._rejected = self._rejected, {}
        owed: set[bytes] = set()
        for record in [self._records[key] for key in self._pending]:
            download = self._download_of(record.signer, record.share)
            if download is not None and download.generation < record.generation:
                download = None
            # A second copy of it, carried by hand, may have been rejected.
            if download is None and record.envelope in rejected:
                fault = rejected[record.envelope]
                await self._advance(replace(record, fault=fault or ""), "refused", None)
            elif download is not None and _has_delivered(download, record):
                await self._advance(record, "complete", bytes.fromhex(download.info_hash))
            elif not self._has_new_fault(record):
                continue
            owed.add(record.signer)
        return owed

    def _has_new_fault(self, record: ArrivalRecord) -> bool:
        """Return whether the sender is to be told another problem than when this was asked last."""
        key, fault = (record.signer, record.share), self._fault(record)
        known = self._noticed.get(key, read_fault(record.fault))
        self._noticed[key] = fault
        return fault is not known

    async def _advance(self, record: ArrivalRecord, state: ReceiptState, info_hash: bytes | None) -> None:
        share = bytes.fromhex(record.share)
        receipt = self._sign(record.digest, share, record.generation, state, info_hash)
        await self._save(replace(record, state=state, at=self._clock.now(), receipt=receipt, owed=True))

    def _sign(
        self,
        digest: bytes,
        share: bytes,
        generation: int,
        state: ReceiptState,
        info_hash: bytes | None = None,
    ) -> bytes:
        identity = self._identity.current
        return sign_receipt(
            identity.signing_key,
            Receipt(
                signer=identity.signer,
                digest=digest,
                share=share,
                generation=generation,
                info_hash=info_hash,
                state=state,
                at=self._clock.now(),
            ),
        )

    async def _save(self, record: ArrivalRecord) -> None:
        await self._store.run(lambda database: database.save_arrival(record, _REMEMBERED))
        self._records[record.signer, record.share] = record
        self._note_pending(record)
        if len(self._records) > _REMEMBERED:
            await self._read()

    async def _read(self) -> list[ArrivalRecord]:
        stored = await self._store.run(lambda database: database.arrivals())
        self._records = {(record.signer, record.share): record for record in stored}
        self._pending.clear()
        for record in stored:
            self._note_pending(record)
        return stored

    def _note_pending(self, record: ArrivalRecord) -> None:
        key = record.signer, record.share
        if record.state == "received":
            self._pending.add(key)
        else:
            self._pending.discard(key)
            self._noticed.pop(key, None)
            self._locked.pop(record.envelope, None)

    async def _move(self, record: ArrivalRecord) -> None:
        """Move an envelope from the private folder into the inbox; nothing happens when it is not there.

        Raises:
            SystemFailed: the disk refused; it is moved later.
        """
        source = self._folder / record.digest.hex()
        try:
            content = await asyncio.to_thread(read_limited, source, MAX_SIZE)
        except NotFound:
            return
        # After a crash it may be in the inbox already, or further.
        if not await self._was_received(record.signer, record.share, record.generation):
            target = self._inbox / record.envelope
            try:
                await asyncio.to_thread(publish, target, content, replace=False)
            except FileExistsError:
                if not await asyncio.to_thread(_holds, target, content):
                    name = (await asyncio.to_thread(free_name, self._inbox, record.envelope)).name
                    await self._save(renamed := replace(record, envelope=name))
                    await self._move(renamed)
                    return
        await asyncio.to_thread(source.unlink, missing_ok=True)

    async def _choose_name(self, user: User, offer: Offer) -> str:
        name = f"{user.name} {offer.share.hex()[:8]} version {offer.generation}{ENVELOPE_SUFFIX}"
        return (await asyncio.to_thread(free_name, self._inbox, name)).name

    async def _was_received(self, signer: bytes, share: str, generation: int) -> bool:
        """Return whether this or a newer version was accepted before, however it came."""
        known = self._download_of(signer, share)
        if known is not None and known.generation >= generation:
            return True
        origin = self._users.current.first_signer(signer)
        wanted = DownloadRecord(
            "", "", 0, DownloadStep.WAITING, signer=origin, share=share, generation=generation
        )
        try:
            await self._store.run(lambda database: database.require_new(wanted))
        except Refused:
            return True
        return False

    def _download_of(self, signer: bytes, share: str) -> DownloadRecord | None:
        origin = self._users.current.first_signer(signer)
        return self._downloads.downloads.get(download_id(origin, bytes.fromhex(share)))

    def _waiting_room_problem(self, user: User, known: DownloadRecord | None) -> str:
        """Return a clause when as many envelopes of a contact wait for approval as may, or an empty text."""
        limit = self._settings.current.inbox.waiting_per_sender
        waiting = sum(
            record.step is DownloadStep.WAITING and record.sender == user.name
            for record in self._downloads.downloads.values()
        )
        if known is None and limit and waiting >= limit:
            return f"{waiting:,} of your envelopes wait for approval"
        return ""

    def _free(self) -> int:
        try:
            return shutil.disk_usage(self._inbox).free
        except OSError as error:
            raise from_os_error(error, f"read the free space of {self._inbox}") from error

    @property
    def _inbox(self) -> Path:
        return self._settings.current.folders.inbox_path


def _has_delivered(download: DownloadRecord, arrival: ArrivalRecord) -> bool:
    return download.step is DownloadStep.COMPLETE and download.envelope_hash == arrival.digest


def _signer(user: User) -> bytes:
    assert user.card is not None
    return user.card.signer


def _remove(path: Path, digest: bytes) -> None:
    """Remove a file unless it holds something else; one that cannot be read or removed stays."""
    with contextlib.suppress(SystemFailed, NotFound, OSError):
        if hashlib.sha256(read_limited(path, MAX_SIZE)).digest() == digest:
            path.unlink()


def _holds(path: Path, content: bytes) -> bool:
    try:
        return read_limited(path, MAX_SIZE) == content
    except SystemFailed:
        return False
    except NotFound:  # taken by the inbox meanwhile
        return True
