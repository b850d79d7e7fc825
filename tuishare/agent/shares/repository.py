"""The shares of this agent: in memory, in the database, in the outbox and in their swarms.

Owns the saving of records, the names of envelopes, and which shares are seeded. Must not decide what
becomes of a share: `tuishare.agent.shares.transitions` does, and queue, admission and commands ask it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from tuishare.agent.cancellation import finish
from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import ChangeSignal, EnvelopeWithdrawn, EventBus, RecipientExcluded
from tuishare.agent.live import Live
from tuishare.agent.network.reachability import AddressWatch
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.shares.outbox import choose_envelope_name
from tuishare.agent.shares.share_index import ShareIndex
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.core.rows import DamagedRow
from tuishare.core.share_sealing import own_credentials, own_trackers
from tuishare.errors import BadInput, NotFound
from tuishare.sanitize import for_display
from tuishare.swarm import Engine, TorrentSpec
from tuishare.torrents import InfoHash

_log = logging.getLogger(__name__)


class ShareRepository:
    """All shares except those of `tuishare create`.

    Attributes:
        lock: held by any code that reads a record in order to save its successor.
        deliveries: the recipients of the shares.
        address_watch: the addresses at which they are seeded.
        damaged: records of the last run that cannot be read.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        address_watch: AddressWatch,
        store: Store,
        engine: Engine,
        tracker: TrackerService,
        *,
        settings: Live[Config],
        events: EventBus,
        changed: ChangeSignal,
    ) -> None:
        self.deliveries = deliveries
        self.address_watch = address_watch
        self._store = store
        self._engine = engine
        self._tracker = tracker
        self._settings = settings
        self._events = events
        self._changed = changed
        self.lock = asyncio.Lock()
        self.damaged: list[DamagedRow] = []
        self._index = ShareIndex()
        self._joined: dict[str, InfoHash] = {}

    @property
    def shares(self) -> Mapping[str, ShareRecord]:
        """All shares by id, oldest first; a view that stays the same object."""
        return self._index.shares

    async def load(self) -> None:
        """Read the shares of the last run."""
        stored = await self._store.run(lambda database: database.shares())
        self._index.fill(share for share in stored if share.step is not ShareStep.MANUAL)
        self.damaged = await self._store.run(lambda database: database.damaged("shares", "recipients"))
        await self.deliveries.load(self.shares)

    def get(self, share_id: str) -> ShareRecord:
        """Return the share with an id.

        Raises:
            NotFound: there is none.
        """
        try:
            return self.shares[share_id]
        except KeyError:
            raise NotFound("There is no such share", hint="`tuishare list` shows them all.") from None

    def find(self, path: Path) -> ShareRecord | None:
        """Return the share of an entry, or None."""
        return self._index.at(str(path))

    def in_folder(self, folder: Path) -> list[ShareRecord]:
        """Return the shares whose entries are in a folder, oldest first."""
        return self._index.in_folder(str(folder))

    def of_payload(self, fingerprint: str) -> list[ShareRecord]:
        """Return the shares of a payload, renamed or not, oldest first."""
        return self._index.of_payload(fingerprint)

    def find_damaged(self, path: Path) -> DamagedRow | None:
        """Return the damaged record of a share with a path, or None; the users revoked from it are unknown."""
        return next((row for row in self.damaged if row.path == str(path)), None)

    async def drop_damaged(self, row: DamagedRow) -> None:
        """Delete a record that cannot be read; its path may then be shared as a new share."""
        await self._store.change(lambda database: database.drop_damaged(row))
        self.damaged.remove(row)
        self._changed.notify()

    def is_seeding(self, share: ShareRecord) -> bool:
        """Return whether the agent is in the swarm of a share."""
        return share.id in self._joined

    def seeding(self) -> list[ShareRecord]:
        """Return the shares whose swarms the agent is in."""
        shares = self.shares
        return [shares[share] for share in self._joined if share in shares]

    async def watch_deliveries(self) -> None:
        """Keep the deliveries of seeded shares up to date, until cancelled."""
        await self.deliveries.run(self.seeding)

    async def save(self, share: ShareRecord) -> ShareRecord:
        """Save the next record of a share; it counts once it is on disk."""
        await self._store.change(lambda database: database.save(share))
        self._index.put(share)
        self._changed.notify()
        return share

    async def remove(self, share: ShareRecord) -> None:
        """Leave the swarm of a share, and delete its record and tickets."""
        await self.stop_seeding(share)
        await self._store.change(lambda database: database.delete_share(share.id))
        self._index.discard(share.id)
        self.deliveries.forget(share.id)
        self._changed.notify()

    def choose_envelope(self, name: str) -> str:
        """Return a file name for the outbox that no other share has or had."""
        outbox = self._settings.current.folders.outbox_path
        return choose_envelope_name(outbox, name, self._index.envelopes)

    async def remove_envelope(self, share: ShareRecord) -> None:
        """Have the envelope of a share withdrawn wherever it can still be."""
        await self._events.publish_and_wait(EnvelopeWithdrawn(share))

    def announce_exclusion(self, share_id: str, user: str) -> None:
        """Have nothing more of a share handed over to a user who loses access to it."""
        self._events.publish(RecipientExcluded(share_id, user))

    async def start_seeding(self, share: ShareRecord) -> None:
        """Seed a share whose payload is known to be what was hashed; when cancelled, it ends first.

        A share stays out of its swarm while a revoked user could join that (threat T10): it needs a new
        authority first. The same holds if `stop_seeding` is called before libtorrent has added it.

        Raises:
            TuishareError: the engine does not take it.
        """
        if not self.deliveries.needs_reissue(share):
            self._joined[share.id] = InfoHash(share.info_hash)
            await finish(self._join_swarm(share))

    async def _join_swarm(self, share: ShareRecord) -> None:
        others = self._settings.current.tracker.others
        announce = await self._tracker.tiers(own_trackers(share, others))
        try:
            added = await self._engine.add(_torrent_spec(share, announce))
            if added != share.info_hash:
                await self._engine.remove(added)
                raise BadInput(
                    "Its record names another torrent than it holds",
                    hint="Share it again: `tuishare again`.",
                )
        except Exception:
            self._joined.pop(share.id, None)
            self._tracker.withdraw(share.id)  # it was admitted meanwhile if an address changed
            raise
        if share.id not in self._joined or self.deliveries.needs_reissue(share):
            self._joined.pop(share.id, None)
            await self._engine.remove(InfoHash(share.info_hash))
            return
        self._admit(share)
        self._changed.notify()

    def update_addresses(self) -> None:
        """Update the addresses in our tracker: a router answers late, and a provider assigns new ones."""
        if self.address_watch.look():
            for share in self.seeding():
                with isolate_errors(f"update the addresses of “{for_display(share.name)}”"):
                    self._admit(share)

    def _admit(self, share: ShareRecord) -> None:
        passkeys = self.deliveries.passkeys(share.id)
        self._tracker.admit(share, passkeys, self.address_watch.direct_of(share.transport))

    async def stop_seeding(self, share: ShareRecord) -> None:
        """Leave the swarm of a share; the swarm of another share with the same content stays."""
        if info_hash := self._joined.pop(share.id, None):
            self._tracker.withdraw(share.id)
            try:
                await self._engine.remove(info_hash)
            except NotFound:
                _log.debug("A share was not in the engine when it was to leave it")
            self._changed.notify()


def _torrent_spec(share: ShareRecord, announce: tuple[tuple[str, ...], ...]) -> TorrentSpec:
    return TorrentSpec(
        torrent=share.torrent,
        save_path=Path(share.path).parent,
        transport=share.transport,
        credentials=own_credentials(share),
        announce=announce,
        complete=True,
    )
