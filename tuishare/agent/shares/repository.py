"""The shares of this agent, as they are now: in memory, on disk, in the outbox and in the swarm.

Owns the records, the names of their envelopes, and which of them are being served. Must not decide what becomes of a
share: `publishing` works on them, `keeping` does what a person asks for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tuishare.agent.cancellation import finish
from tuishare.agent.context import Context
from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.network.address_watch import AddressWatch
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.core.rows import DamagedRow
from tuishare.core.sealing import own_credentials, own_trackers
from tuishare.errors import BadInput, NotFound
from tuishare.fs.atomic import ENVELOPE_SUFFIX, free_name
from tuishare.sanitize import for_display
from tuishare.swarm import TorrentSpec
from tuishare.torrents import InfoHash

_NAME_LIMIT: Final = 255 - len(ENVELOPE_SUFFIX) - len(" (9999)")
_log = logging.getLogger(__name__)


class ShareRepository:
    """Every share but those made by hand.

    Attributes:
        lock: held by whoever reads a record in order to save a newer one.
        deliveries: who has tickets of them.
        address_watch: where they are seeded, as our tracker says.
        damaged: records of the last run that cannot be read any more.
    """

    def __init__(self, context: Context) -> None:
        self.lock = asyncio.Lock()
        self.deliveries = Deliveries(context)
        self.address_watch = AddressWatch(lambda: context.config.network, context.engine, context.now)
        self.damaged: list[DamagedRow] = []
        self._context = context
        self._shares: dict[str, ShareRecord] = {}
        self._at: dict[str, str] = {}
        self._joined: dict[str, InfoHash] = {}

    @property
    def shares(self) -> Mapping[str, ShareRecord]:
        """All shares by id, oldest first."""
        return self._shares

    async def load(self) -> None:
        """Read the shares of the last run."""
        stored = await self._context.store.run(lambda database: database.shares())
        self._shares = {share.id: share for share in stored if share.step is not ShareStep.MANUAL}
        self._at = {share.path: share.id for share in self._shares.values()}
        self.damaged = await self._context.store.run(
            lambda database: database.damaged("shares", "recipients")
        )
        await self.deliveries.load(self._shares)

    def get(self, share_id: str) -> ShareRecord:
        """The share of that id.

        Raises:
            NotFound: there is none.
        """
        try:
            return self._shares[share_id]
        except KeyError:
            raise NotFound("There is no such share", hint="`tuishare list` shows them all.") from None

    def find(self, path: Path) -> ShareRecord | None:
        """The share of an entry, or None."""
        return self._shares.get(self._at.get(str(path), ""))

    def find_damaged(self, path: Path) -> DamagedRow | None:
        """The damaged record of what was shared from there: who was taken out of it cannot be told any more."""
        return next((row for row in self.damaged if row.path == str(path)), None)

    async def drop_damaged(self, row: DamagedRow) -> None:
        """Forget a record that cannot be read; what it was of may then be shared as something new."""
        await self._context.store.change(lambda database: database.drop_damaged(row))
        self.damaged.remove(row)
        self._context.changed.notify()

    def is_seeding(self, share: ShareRecord) -> bool:
        """Whether we are in its swarm."""
        return share.id in self._joined

    def seeding(self) -> list[ShareRecord]:
        """The shares whose swarms we are in."""
        return [self._shares[share] for share in self._joined if share in self._shares]

    async def watch_deliveries(self) -> None:
        """Keep the deliveries of what is served up to date, until cancelled."""
        await self.deliveries.run(self.seeding)

    async def save(self, share: ShareRecord) -> ShareRecord:
        """Record a newer form of a share; it counts once it is on disk."""
        await self._context.store.change(lambda database: database.save(share))
        self._unindex(share.id)
        self._shares[share.id] = share
        self._at[share.path] = share.id
        self._context.changed.notify()
        return share

    async def remove(self, share: ShareRecord) -> None:
        """Leave its swarm and forget it."""
        await self.stop_seeding(share)
        await self._context.store.change(lambda database: database.delete_share(share.id))
        self._unindex(share.id)
        self._shares.pop(share.id, None)
        self.deliveries.forget(share.id)
        self._context.changed.notify()

    def _unindex(self, share_id: str) -> None:
        """Let a share be found at its former path no longer."""
        former = self._shares.get(share_id)
        if former is not None and self._at.get(former.path) == share_id:
            del self._at[former.path]

    def choose_envelope(self, name: str) -> str:
        """Find a file name in the outbox that no other share has or had."""
        taken = {share.envelope for share in self._shares.values()}
        outbox = self._context.config.folders.outbox_path
        stem = name.encode()[:_NAME_LIMIT].decode(errors="ignore")
        number = 1
        while True:
            candidate = f"{stem}{ENVELOPE_SUFFIX}" if number == 1 else f"{stem} ({number}){ENVELOPE_SUFFIX}"
            if candidate not in taken and free_name(outbox, candidate).name == candidate:
                return candidate
            number += 1

    async def remove_envelope(self, share: ShareRecord) -> None:
        """Remove the envelope of a share from the outbox, if nobody has sent it on."""
        if share.envelope:
            envelope = self._context.config.folders.outbox_path / share.envelope
            try:
                await asyncio.to_thread(envelope.unlink, missing_ok=True)
            except OSError as error:
                _log.warning("Cannot remove an envelope from the outbox: %s", error.strerror)

    async def start_seeding(self, share: ShareRecord) -> None:
        """Serve a share whose payload is known to be what was hashed.

        Not while a user who was taken out could join it (threat T10): it is given a new authority first. Nor if
        `leave_swarm` is called before libtorrent has taken it. Goes on to its end when the caller is cancelled.

        Raises:
            TuishareError: the engine does not take it.
        """
        if not self.deliveries.needs_reissue(share):
            self._joined[share.id] = InfoHash(share.info_hash)
            await finish(self._enter_swarm(share))

    async def _enter_swarm(self, share: ShareRecord) -> None:
        context = self._context
        announce = await context.tracker.tiers(own_trackers(share, context.config.tracker.others))
        try:
            added = await context.engine.add(_assignment(share, announce))
            if added != share.info_hash:
                await context.engine.remove(added)
                raise BadInput(
                    "Its record names another torrent than it holds",
                    hint="Share it once more: `tuishare again`.",
                )
        except Exception:
            self._joined.pop(share.id, None)
            context.tracker.withdraw(share.id)  # where its address changed meanwhile
            raise
        if share.id not in self._joined or self.deliveries.needs_reissue(share):
            self._joined.pop(share.id, None)
            await context.engine.remove(InfoHash(share.info_hash))
            return
        self._admit(share)
        context.changed.notify()

    def follow_addresses(self) -> None:
        """Have our tracker name the addresses that we have now: a router answers late, and a line gets new ones."""
        if self.address_watch.look():
            for share in self.seeding():
                with isolate_errors(f"name our new addresses for “{for_display(share.name)}”"):
                    self._admit(share)

    def _admit(self, share: ShareRecord) -> None:
        passkeys = self.deliveries.passkeys(share.id)
        self._context.tracker.admit(share, passkeys, self.address_watch.of(share.transport))

    async def stop_seeding(self, share: ShareRecord) -> None:
        """Leave the swarm that was joined for this share: another one may have the same content, and stays."""
        if info_hash := self._joined.pop(share.id, None):
            self._context.tracker.withdraw(share.id)
            try:
                await self._context.engine.remove(info_hash)
            except NotFound:
                _log.debug("A share was not in the engine when it was to leave it")
            self._context.changed.notify()


def _assignment(share: ShareRecord, announce: tuple[tuple[str, ...], ...]) -> TorrentSpec:
    return TorrentSpec(
        torrent=share.torrent,
        save_path=Path(share.path).parent,
        transport=share.transport,
        credentials=own_credentials(share),
        announce=announce,
        complete=True,
    )
