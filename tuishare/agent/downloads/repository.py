"""The downloads of this agent: in memory, in the database, and in their swarms.

Owns the index and the saving of records, and which downloads are in the engine. Must not decide what becomes of a
download: `tuishare.agent.downloads.transitions` does, and queue, admission and commands ask it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tuishare.agent.events import ApprovalEnded, ChangeSignal, DownloadsChanged, EventBus
from tuishare.agent.live import Live
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.activity import ActivityKind
from tuishare.core.received_addresses import describe_refused, find_refused, read_contacts, rules_for
from tuishare.core.records import DownloadRecord, DownloadStep, TrackerAddress
from tuishare.core.rows import DamagedRow
from tuishare.errors import BadInput, NotFound, Refused, SystemFailed
from tuishare.net.addresses import TrackerRules
from tuishare.sanitize import for_display
from tuishare.swarm import Credentials, Engine, TorrentSpec, check_spec
from tuishare.torrents import InfoHash, LocalNames

_AGAIN: Final = "Ask the sender to share it again."
_log = logging.getLogger(__name__)


class DownloadRepository:
    """Every download.

    Attributes:
        lock: held by any code that changes a download: a new generation must not meet the previous one half delivered.
        damaged: records of the last run that cannot be read.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        tracker: TrackerService,
        *,
        settings: Live[Config],
        events: EventBus,
        activity: ActivityLog,
        changed: ChangeSignal,
        hub_hosts: Live[frozenset[str]],
    ) -> None:
        """`hub_hosts` are those of other users' hubs, which are called only where no direct connection is made."""
        self._hub_hosts = hub_hosts
        self._store = store
        self._engine = engine
        self._tracker = tracker
        self._settings = settings
        self._events = events
        self._activity = activity
        self._changed = changed
        self.lock = asyncio.Lock()
        self._downloads: dict[str, DownloadRecord] = {}
        self._joined: dict[str, InfoHash] = {}
        self._altered: set[str] = set()
        self._doubtful: set[str] = set()
        self.damaged: list[DamagedRow] = []

    @property
    def downloads(self) -> Mapping[str, DownloadRecord]:
        """All downloads by id, oldest first."""
        return self._downloads

    async def load(self) -> list[DownloadRecord]:
        """Read and return the downloads of the last run."""
        records = await self._store.run(lambda database: database.downloads())
        self._downloads = {record.id: record for record in records}
        self.damaged = await self._store.run(lambda database: database.damaged("downloads"))
        return records

    def get(self, download_id: str) -> DownloadRecord:
        """Return the download with an id.

        Raises:
            NotFound: there is none.
        """
        try:
            return self._downloads[download_id]
        except KeyError:
            raise NotFound("There is no such download", hint="`tuishare list` shows them all.") from None

    def is_joined(self, record: DownloadRecord) -> bool:
        """Return whether the agent is in the swarm of a download."""
        return record.id in self._joined

    def is_altered(self, record: DownloadRecord) -> bool:
        """Return whether a payload is no longer what was delivered, and is not seeded for that reason."""
        return record.id in self._altered

    def mark_altered(self, record: DownloadRecord) -> None:
        """Remember that a payload is no longer what was delivered, until it joins a swarm again."""
        self._altered.add(record.id)
        self._doubtful.discard(record.id)
        self._changed.notify()

    def is_doubtful(self, record: DownloadRecord) -> bool:
        """Return whether a payload may have changed, and is not seeded until it is compared with its hashes."""
        return record.id in self._doubtful

    def mark_doubtful(self, record: DownloadRecord) -> None:
        """Have a payload compared with its hashes."""
        self._doubtful.add(record.id)
        self._altered.discard(record.id)
        self._events.publish(DownloadsChanged())
        self._changed.notify()

    def clear_doubtful(self, record: DownloadRecord) -> None:
        """Remember that a payload is what was delivered, or that there is nothing to compare."""
        self._doubtful.discard(record.id)
        self._altered.discard(record.id)
        self._changed.notify()

    def joined_as(self, info_hash: InfoHash) -> list[DownloadRecord]:
        """Return the download that is in the engine under an info-hash, if any."""
        return [record for record in self._downloads.values() if self._joined.get(record.id) == info_hash]

    async def torrent(self, record: DownloadRecord) -> bytes:
        """Return the torrent of a download, from the store: it may have 32 MiB, and is seldom needed."""
        return await self._store.run(lambda database: database.torrent(record.id))

    async def replaced_torrent(self, record: DownloadRecord) -> bytes:
        """Return the torrent of the payload that a download is to replace; empty where that is not known."""
        return await self._store.run(lambda database: database.replaced_torrent(record.id))

    def running(self) -> list[DownloadRecord]:
        """Return the downloads that are in their swarms for data, oldest first."""
        records = self._downloads.values()
        return [one for one in records if one.step is DownloadStep.DOWNLOADING and self.is_joined(one)]

    async def save(self, record: DownloadRecord) -> DownloadRecord:
        """Save the next record of a download; it counts once it is on disk."""
        await self._store.change(lambda database: database.save(record))
        self._index(record)
        return record

    async def admit(self, record: DownloadRecord, torrent: bytes | None = None) -> None:
        """Save a download that begins, and use up its generation; see `tuishare.core.database.Database.admit`.

        Raises:
            Refused: this or a newer generation was admitted before.
        """
        await self._store.change(lambda database: database.admit(record, torrent))
        self._index(record)

    async def hold(self, record: DownloadRecord, torrent: bytes | None = None) -> None:
        """Save a download that is not admitted yet; see `tuishare.core.database.Database.hold`.

        Raises:
            Refused: this or a newer generation was admitted before.
        """
        await self._store.change(lambda database: database.hold(record, torrent))
        self._index(record)

    async def renew(self, record: DownloadRecord) -> None:
        """Save a download with the tickets of a newer generation, and use that up.

        Raises:
            Refused: this or a newer generation was admitted before.
        """
        await self._store.change(lambda database: database.renew(record))
        self._index(record)

    def _index(self, record: DownloadRecord) -> None:
        previous, self._downloads[record.id] = self._downloads.get(record.id), record
        self._announce_room(previous, record)
        self._changed.notify()

    async def remove(self, record: DownloadRecord) -> None:
        """Leave the swarm of a download and delete its record; its generation is not accepted again."""
        await self.leave_swarm(record)
        self._tracker.forget(self._only_of(record))
        await self._store.change(lambda database: database.record_rejection(record))
        self._announce_room(self._downloads.pop(record.id, None), None)
        self._altered.discard(record.id)
        self._doubtful.discard(record.id)
        self._changed.notify()

    def _announce_room(self, previous: DownloadRecord | None, record: DownloadRecord | None) -> None:
        waits = DownloadStep.WAITING
        if previous is not None and previous.step is waits and (record is None or record.step is not waits):
            self._events.publish(ApprovalEnded())

    async def drop_damaged(self, row: DamagedRow) -> None:
        """Delete a record that cannot be read."""
        await self._store.change(lambda database: database.drop_damaged(row))
        self.damaged.remove(row)
        self._changed.notify()

    def _only_of(self, record: DownloadRecord) -> set[TrackerAddress]:
        """Return the trackers that only this download is announced to: those of senders need not have a passkey."""
        shared = {
            tracker
            for other in self._downloads.values()
            if other.id != record.id
            for tracker in other.trackers
        }
        configured = self._settings.current.tracker.others
        return {
            tracker for tracker in record.trackers if tracker not in shared and tracker.url not in configured
        }

    async def join_swarm(
        self,
        record: DownloadRecord,
        folder: Path,
        *,
        name: str = "",
        complete: bool = False,
        resume_data: bytes | None = None,
    ) -> None:
        """Join the swarm of a download whose payload is, or will be, in a folder, with a name if that is another one.

        Raises:
            Refused: it is the torrent of a share of our own.
            TuishareError: the engine does not take it.
        """
        await self._require_foreign(record)
        torrent = await self.torrent(record)
        if refused := self._refused(record):
            _log.info("%r: %s", for_display(record.name), describe_refused(refused))
        announce = await self._tracker.tiers(record.trackers, self._rules(record))
        hubs, contacts = self._hub_hosts.current, read_contacts(record.contacts)
        direct = tuple(contact for contact in contacts if contact.host not in hubs)
        by_hub = tuple(contact for contact in contacts if contact.host in hubs)
        # Recorded before it begins: a small payload may be complete before `add` returns.
        self._joined[record.id] = InfoHash(record.info_hash)
        if complete:
            self._tracker.confirm(record)
        else:
            self._tracker.hold_back(record)
        try:
            added = await self._engine.add(
                replace(
                    _torrent_spec(record, torrent, folder, name),
                    # A complete peer connects to none: it is called by those who lack data.
                    received=() if complete else direct,
                    fallback=() if complete else by_hub,
                    announce=announce,
                    complete=complete,
                    resume_data=resume_data,
                )
            )
            if added != record.info_hash:
                await self._engine.remove(added)
                raise BadInput("Its record names another torrent than it holds", hint=_AGAIN)
        except BaseException:
            self._joined.pop(record.id, None)
            raise
        self._altered.discard(record.id)
        self._events.publish(DownloadsChanged())

    async def own_share(self, record: DownloadRecord) -> str:
        """Return the name of a share of our own with the same torrent, whatever it is doing; empty without one."""
        return await self._store.run(lambda database: database.own_share(record.info_hash))

    async def _require_foreign(self, record: DownloadRecord) -> None:
        """Refuse a torrent that is in the engine already: what the download does would happen to that, too.

        Raises:
            Refused: a share of ours has it.
            BadInput: it is in the engine.
        """
        if name := await self.own_share(record):
            raise Refused(
                f"It is the torrent of your own share “{for_display(name)}”",
                hint="The files are here already.",
            )
        if self._engine.has(InfoHash(record.info_hash)):
            raise BadInput("This torrent is already being shared or downloaded")

    async def leave_swarm(self, record: DownloadRecord, *, keep_progress: bool = False) -> None:
        """Leave the swarm of a download; the swarm of another with the same content stays."""
        if info_hash := self._joined.pop(record.id, None):
            try:
                if keep_progress:
                    await self._keep_progress(info_hash)
                await self._engine.remove(info_hash)
            except NotFound:
                _log.debug("A download was not in the engine when it was to leave it")

    def report_refused(self, record: DownloadRecord) -> None:
        """Record which addresses of an envelope are not used; called once for each envelope."""
        if refused := self._refused(record):
            self._activity.note(ActivityKind.IGNORED, record.name, describe_refused(refused))

    def _refused(self, record: DownloadRecord) -> tuple[str, ...]:
        return find_refused(record.contacts, record.trackers, self._rules(record))

    def _rules(self, record: DownloadRecord) -> TrackerRules:
        return rules_for(self._settings.current, record.transport, record.contacts)

    async def _keep_progress(self, info_hash: InfoHash) -> None:
        try:
            data = {info_hash: await self._engine.save_resume(info_hash)}
        except SystemFailed as error:
            _log.info("What has been downloaded will be checked again: %s", error.detail)
            return
        await self._store.change(lambda database: database.save_resume(data))


def require_usable(record: DownloadRecord, torrent: bytes) -> None:
    """Check a download as the engine will, before anything of it is stored. Blocking.

    Raises:
        BadInput: the engine would not take it.
    """
    if check_spec(_torrent_spec(record, torrent, Path(record.staging), "")) != record.info_hash:
        raise BadInput("Its torrent can be read in two ways", hint=_AGAIN)


def _torrent_spec(record: DownloadRecord, torrent: bytes, folder: Path, name: str) -> TorrentSpec:
    return TorrentSpec(
        torrent=torrent,
        save_path=folder,
        transport=record.transport,
        credentials=_credentials(record),
        received=read_contacts(record.contacts),
        unwanted=frozenset(record.unwanted),
        names=LocalNames(name or record.local_name, record.local_names.files),
    )


def _credentials(record: DownloadRecord) -> Credentials | None:
    if record.transport == "plain":
        return None
    return Credentials(record.root_certificate, record.leaf_certificate, record.leaf_key)
