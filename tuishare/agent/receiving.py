"""The journey of a download: admitted, downloaded, delivered. Each step is recorded before its side effect.

Owns the downloads of this agent. Must not watch folders, judge envelopes or move files: `tuishare.agent.inbox`,
`tuishare.agent.reception` and `tuishare.agent.landing` do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, assert_never

from tuishare.agent.context import Context
from tuishare.agent.landing import Landing
from tuishare.agent.payload import sign_payload
from tuishare.agent.reception import Received, download_id
from tuishare.agent.records import DownloadRecord, DownloadStep
from tuishare.errors import BadInput, NotFound, TuishareError
from tuishare.swarm import Assignment, Credentials, Endpoint, parse_endpoint
from tuishare.torrents import InfoHash

_UNDER_WAY: Final = frozenset({DownloadStep.DOWNLOADING, DownloadStep.DELIVERING, DownloadStep.PROBLEM})
_log = logging.getLogger(__name__)


class Receiver:
    """Every download of this agent.

    One change at a time: a new generation must not meet the former one half delivered.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._landing = Landing(context.config.folders)
        self._downloads: dict[str, DownloadRecord] = {}
        self._completed: asyncio.Queue[InfoHash] = asyncio.Queue()
        self._changing = asyncio.Lock()
        self._joined: dict[str, InfoHash] = {}

    @property
    def downloads(self) -> Mapping[str, DownloadRecord]:
        """All downloads by id, oldest first."""
        return self._downloads

    async def load(self) -> None:
        """Take up every download where the last run left it; what had a problem is tried again."""
        records = await self._context.store.run(lambda database: database.downloads())
        self._downloads = {record.id: record for record in records}
        await asyncio.to_thread(self._landing.sweep, {record.staging for record in records})
        for record in records:
            await self._or_problem(record, self._resume(record))

    async def run(self) -> None:
        """Deliver what is complete, until cancelled."""
        while True:
            info_hash = await self._completed.get()
            async with self._changing:
                for record in self._downloading(info_hash):
                    await self._or_problem(record, self._deliver(record))

    def take_completed(self, info_hash: InfoHash) -> None:
        """Take note that every piece of a torrent has arrived."""
        self._completed.put_nowait(info_hash)

    async def admit(self, received: Received, envelope: str, digest: bytes) -> None:
        """Begin to download what a verified sender sent; the envelope of a download under way changes nothing.

        Args:
            received: what the envelope holds.
            envelope: name of the file in the inbox.
            digest: SHA-256 of the file.

        Raises:
            Refused: a replay, or a ticket that cannot work.
        """
        record = self._record(received, envelope, digest, DownloadStep.DOWNLOADING)
        async with self._changing:
            if self._is_under_way(record):
                return
            await self._context.store.run(lambda database: database.admit(record))
            await self._replace(record)
            await self._or_problem(record, self._join(record))

    async def hold(self, received: Received, envelope: str, digest: bytes, reason: str, hint: str) -> None:
        """Keep an envelope that a person has to approve first.

        Raises:
            Refused: a replay, or a ticket that cannot work.
        """
        record = self._record(received, envelope, digest, DownloadStep.WAITING)
        record = replace(record, problem=reason, hint=hint)
        async with self._changing:
            if self._is_under_way(record):
                return
            await self._context.store.run(lambda database: database.require_new(record))
            await self._replace(record)
            await self._save(record)

    async def note_problem(self, info_hash: InfoHash, reason: str) -> None:
        """Take note that the engine gave a download up."""
        async with self._changing:
            for record in self._downloading(info_hash):
                await self._save(replace(record, step=DownloadStep.PROBLEM, problem=reason))

    def _downloading(self, info_hash: InfoHash) -> list[DownloadRecord]:
        return [
            record
            for record in self._downloads.values()
            if record.step is DownloadStep.DOWNLOADING and self._joined.get(record.id) == info_hash
        ]

    def _is_under_way(self, record: DownloadRecord) -> bool:
        known = self._downloads.get(record.id)
        return (
            known is not None
            and known.step in _UNDER_WAY
            and (known.envelope, known.envelope_hash) == (record.envelope, record.envelope_hash)
        )

    async def _replace(self, record: DownloadRecord) -> None:
        """Let a record take the place of the former generation's, whose swarm and unfinished files go."""
        former = self._downloads.get(record.id)
        self._downloads[record.id] = record
        self._context.changed.notify()
        if former is not None:
            await self._leave_swarm(former)
            await asyncio.to_thread(self._landing.discard, former)

    async def _resume(self, record: DownloadRecord) -> None:
        match record.step:
            case DownloadStep.DOWNLOADING:
                await self._join(record)
            case DownloadStep.DELIVERING:
                await self._land(record)
            case DownloadStep.COMPLETE:
                await self._seed(record)
            case DownloadStep.PROBLEM:
                step = DownloadStep.DELIVERING if record.path else DownloadStep.DOWNLOADING
                await self._resume(await self._save(replace(record, step=step, problem="", hint="")))
            case DownloadStep.WAITING:
                pass
            case _ as never:
                assert_never(never)

    async def _join(self, record: DownloadRecord) -> None:
        staging = await asyncio.to_thread(self._landing.prepare, record)
        resume = await self._context.store.run(lambda database: database.resume_data(record.info_hash))
        await self._enter_swarm(record, _assignment(record, staging, resume_data=resume))

    async def _enter_swarm(self, record: DownloadRecord, assignment: Assignment) -> None:
        # Known before it begins: a small payload may be complete before `add` returns.
        self._joined[record.id] = InfoHash(record.info_hash)
        try:
            await self._context.engine.add(assignment)
        except TuishareError:
            del self._joined[record.id]
            raise

    async def _deliver(self, record: DownloadRecord) -> None:
        """From complete to landed: what is not on disk yet does not count as received."""
        await self._context.engine.flush(InfoHash(record.info_hash))
        await self._leave_swarm(record)
        target = await asyncio.to_thread(self._landing.choose_target, record)
        await self._land(await self._save(replace(record, step=DownloadStep.DELIVERING, path=str(target))))

    async def _land(self, record: DownloadRecord) -> None:
        try:
            await asyncio.to_thread(self._landing.move_payload, record)
        except FileExistsError:
            # The name was free when it was chosen; now somebody has it, and keeps it.
            target = await asyncio.to_thread(self._landing.choose_target, record)
            record = await self._save(replace(record, path=str(target)))
            await asyncio.to_thread(self._landing.move_payload, record)
        await asyncio.to_thread(self._landing.file_envelope, record)
        signature = await asyncio.to_thread(sign_payload, Path(record.path))
        await self._context.store.run(lambda database: database.forget_resume(record.info_hash))
        done = await self._save(replace(record, step=DownloadStep.COMPLETE, staging="", signature=signature))
        _log.info("Received %r from %s", record.name, record.sender)
        await self._seed(done)

    async def _seed(self, record: DownloadRecord) -> None:
        """Go on serving the other recipients, as long as the payload stands where and as it was delivered.

        What its owner has moved or edited since is his: the engine must neither serve nor mend it. It is received
        whatever becomes of this.
        """
        target = Path(record.path)
        signature = await asyncio.to_thread(sign_payload, target)
        if target.name != record.name or not signature or signature != record.signature:
            return
        try:
            await self._enter_swarm(record, _assignment(record, target.parent, complete=True))
        except TuishareError as error:
            _log.warning("Cannot go on serving %r: %s", record.name, error.detail)

    async def _leave_swarm(self, record: DownloadRecord) -> None:
        """Leave the swarm that was joined for this download, and no other of the same content."""
        if info_hash := self._joined.pop(record.id, None):
            try:
                await self._context.engine.remove(info_hash)
            except NotFound:
                _log.debug("A download was not in the engine when it ended")

    def _record(self, received: Received, envelope: str, digest: bytes, step: DownloadStep) -> DownloadRecord:
        manifest, credentials = received.manifest, received.credentials
        identifier = download_id(received.signer, manifest.share_id)
        return DownloadRecord(
            id=identifier,
            envelope=envelope,
            added=self._context.now(),
            step=step,
            sender=received.sender,
            signer=received.signer,
            share=manifest.share_id.hex(),
            generation=manifest.generation,
            name=received.torrent.name,
            size=received.torrent.total_size,
            files=len(received.torrent.files),
            transport=manifest.transport,
            info_hash=received.torrent.info_hash,
            torrent=manifest.torrent,
            contacts=manifest.contacts,
            root_certificate=credentials.root_certificate if credentials else b"",
            leaf_certificate=credentials.leaf_certificate if credentials else b"",
            leaf_key=credentials.leaf_key if credentials else b"",
            staging=str(self._landing.staging(identifier, manifest.generation)),
            envelope_hash=digest,
        )

    async def _or_problem(self, record: DownloadRecord, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except (TuishareError, OSError) as error:
            detail = error.detail if isinstance(error, TuishareError) else str(error)
            hint = error.hint if isinstance(error, TuishareError) else ""
            _log.warning("Cannot receive %r: %s", record.name, detail)
            current = self._downloads[record.id]
            await self._save(replace(current, step=DownloadStep.PROBLEM, problem=detail, hint=hint))

    async def _save(self, record: DownloadRecord) -> DownloadRecord:
        await self._context.store.run(lambda database: database.save(record))
        self._downloads[record.id] = record
        self._context.changed.notify()
        return record


def _assignment(
    record: DownloadRecord, folder: Path, *, complete: bool = False, resume_data: bytes | None = None
) -> Assignment:
    return Assignment(
        torrent=record.torrent,
        save_path=folder,
        transport=record.transport,
        credentials=_credentials(record),
        contacts=_endpoints(record.contacts),
        complete=complete,
        resume_data=resume_data,
    )


def _credentials(record: DownloadRecord) -> Credentials | None:
    if record.transport == "plain":
        return None
    return Credentials(record.root_certificate, record.leaf_certificate, record.leaf_key)


def _endpoints(contacts: Iterable[str]) -> tuple[Endpoint, ...]:
    """Read the sender's contacts; one that is malformed costs only itself."""
    found: list[Endpoint] = []
    for contact in contacts:
        try:
            found.append(parse_endpoint(contact))
        except BadInput as error:
            _log.info("A contact in the envelope is not usable: %s", error.detail)
    return tuple(found)
