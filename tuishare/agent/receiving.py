"""The journey of a download: admitted, downloaded, delivered. Each step is recorded before its side effect.

Owns the downloads of this agent and the files that they make. Must not watch folders or judge envelopes:
`tuishare.agent.inbox` and `tuishare.agent.reception` do.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, assert_never

from tuishare.agent.context import Context
from tuishare.agent.payload import sign_payload
from tuishare.agent.reception import Received, download_id
from tuishare.agent.records import DownloadRecord, DownloadStep
from tuishare.errors import BadInput, NotFound, TuishareError
from tuishare.paths import free_name, make_private, move_into_place, sync_tree
from tuishare.swarm import Assignment, Credentials, Endpoint, parse_endpoint
from tuishare.torrents import InfoHash

INCOMING: Final = ".tuishare-incoming"
"""Folder below the downloads in which payloads grow: private, and on the same file system as where they land."""

_log = logging.getLogger(__name__)


class Receiver:
    """Every download of this agent."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._downloads: dict[str, DownloadRecord] = {}
        self._completed: asyncio.Queue[InfoHash] = asyncio.Queue()

    @property
    def downloads(self) -> Mapping[str, DownloadRecord]:
        """All downloads by id, oldest first."""
        return self._downloads

    async def load(self) -> None:
        """Take up every download where the last run left it."""
        for record in await self._context.store.run(lambda database: database.downloads()):
            self._downloads[record.id] = record
        for record in list(self._downloads.values()):
            await self._or_problem(record, self._resume(record))

    async def run(self) -> None:
        """Deliver what is complete, until cancelled."""
        while True:
            info_hash = await self._completed.get()
            for record in list(self._downloads.values()):
                if record.info_hash == info_hash and record.step is DownloadStep.DOWNLOADING:
                    await self._or_problem(record, self._deliver(record))

    def take_completed(self, info_hash: InfoHash) -> None:
        """Take note that every piece of a torrent has arrived."""
        self._completed.put_nowait(info_hash)

    async def admit(self, received: Received, envelope: str) -> None:
        """Begin to download what a verified sender sent.

        Raises:
            Refused: a replay, or a ticket that cannot work.
        """
        record = self._record(received, envelope, DownloadStep.DOWNLOADING)
        await self._context.store.run(lambda database: database.admit(record))
        previous = self._downloads.get(record.id)
        self._downloads[record.id] = record
        self._context.changed.notify()
        if previous is not None:
            await self._leave_swarm(previous)
        await self._or_problem(record, self._join(record))

    async def hold(self, received: Received, envelope: str, reason: str, hint: str) -> None:
        """Keep an envelope that a person has to approve first."""
        record = self._record(received, envelope, DownloadStep.WAITING)
        await self._save(replace(record, problem=reason, hint=hint))

    def find_envelope(self, envelope: str) -> DownloadRecord | None:
        """The unfinished download of an envelope in the inbox, or None."""
        unfinished = (DownloadStep.DOWNLOADING, DownloadStep.DELIVERING, DownloadStep.WAITING)
        return next(
            (r for r in self._downloads.values() if r.envelope == envelope and r.step in unfinished), None
        )

    async def note_problem(self, info_hash: InfoHash, reason: str) -> None:
        """Take note that the engine gave a download up."""
        for record in list(self._downloads.values()):
            if record.info_hash == info_hash and record.step is DownloadStep.DOWNLOADING:
                await self._save(replace(record, step=DownloadStep.PROBLEM, problem=reason))

    async def _resume(self, record: DownloadRecord) -> None:
        match record.step:
            case DownloadStep.DOWNLOADING:
                await self._join(record)
            case DownloadStep.DELIVERING:
                await self._land(record)
            case DownloadStep.COMPLETE:
                await self._seed(record)
            case DownloadStep.WAITING | DownloadStep.PROBLEM:
                pass
            case _ as never:
                assert_never(never)

    async def _join(self, record: DownloadRecord) -> None:
        staging = Path(record.staging)
        make_private(staging.parent)
        make_private(staging)
        resume = await self._context.store.run(lambda database: database.resume_data(record.info_hash))
        await self._context.engine.add(_assignment(record, staging, resume_data=resume))

    async def _deliver(self, record: DownloadRecord) -> None:
        """From complete to landed: what is not on disk yet does not count as received."""
        info_hash = InfoHash(record.info_hash)
        await self._context.engine.flush(info_hash)
        await self._context.engine.remove(info_hash)
        sender = self._context.config.folders.downloads_path / record.sender
        sender.mkdir(parents=True, exist_ok=True)
        target = free_name(sender, record.name)
        await self._land(await self._save(replace(record, step=DownloadStep.DELIVERING, path=str(target))))

    async def _land(self, record: DownloadRecord) -> None:
        await asyncio.to_thread(self._move_payload, record)
        target = Path(record.path)
        signature = await asyncio.to_thread(sign_payload, target)
        await self._context.store.run(lambda database: database.forget_resume(record.info_hash))
        done = await self._save(replace(record, step=DownloadStep.COMPLETE, staging="", signature=signature))
        _log.info("Received %r from %s", record.name, record.sender)
        await self._seed(done)

    def _move_payload(self, record: DownloadRecord) -> None:
        staging, target = Path(record.staging), Path(record.path)
        if os.path.lexists(staging / record.name):
            sync_tree(staging / record.name)
        move_into_place(staging / record.name, target)
        shutil.rmtree(staging, ignore_errors=True)
        self._file_envelope(record)

    def _file_envelope(self, record: DownloadRecord) -> None:
        inbox = self._context.config.folders.inbox_path
        accepted = inbox / "accepted"
        accepted.mkdir(exist_ok=True)
        if (inbox / record.envelope).exists():
            move_into_place(inbox / record.envelope, free_name(accepted, record.envelope))

    async def _seed(self, record: DownloadRecord) -> None:
        """Go on serving the other recipients, as long as the payload stands where and as it was delivered.

        What its owner has moved or edited since is his: the engine must neither serve nor mend it.
        """
        target = Path(record.path)
        signature = await asyncio.to_thread(sign_payload, target)
        if target.name != record.name or not signature or signature != record.signature:
            return
        await self._context.engine.add(_assignment(record, target.parent, complete=True))

    async def _leave_swarm(self, record: DownloadRecord) -> None:
        try:
            await self._context.engine.remove(InfoHash(record.info_hash))
        except NotFound:
            _log.debug("The former generation was not in the engine")

    def _record(self, received: Received, envelope: str, step: DownloadStep) -> DownloadRecord:
        manifest, credentials = received.manifest, received.credentials
        identifier = download_id(received.signer, manifest.share_id)
        incoming = self._context.config.folders.downloads_path / INCOMING
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
            staging=str(incoming / f"{identifier}-{manifest.generation}"),
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
