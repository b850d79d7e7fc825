"""Details of one share or download: its files, its connections and its history.

Owns the translation into messages of the API. Must not change anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from tuishare.agent.downloads.inbox import Inbox
from tuishare.agent.live import Live
from tuishare.agent.network.peer_origins import PeerOrigins
from tuishare.agent.network.reachability import is_reachable
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.service.privacy_report import PrivacyCase, assess
from tuishare.agent.service.views import view_activity
from tuishare.agent.shares.sharing import Sharing
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.api.messages import FILES_SHOWN, Details, DownloadId, File, PeerInfo, Proof, ShareId
from tuishare.config.model import Config
from tuishare.core.clock import Clock
from tuishare.core.records import DownloadRecord, ShareRecord, ShareStep
from tuishare.errors import NotFound
from tuishare.swarm import Endpoint, Engine, Peer, PrivacyFacts
from tuishare.torrents import InfoHash, Torrent, parse_torrent


class DetailsService:
    """Implements the part of `tuishare.api.service.AgentService` about single shares and downloads."""

    def __init__(
        self,
        sharing: Sharing,
        inbox: Inbox,
        engine: Engine,
        tracker: TrackerService,
        origins: PeerOrigins,
        *,
        settings: Live[Config],
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._sharing = sharing
        self._inbox = inbox
        self._engine = engine
        self._tracker = tracker
        self._origins = origins
        self._settings = settings
        self._activity = activity
        self._clock = clock

    async def share_details(self, share: ShareId) -> Details:
        record = self._sharing.repository.get(share)

        def name_peer(peer: Peer) -> str:
            return self._sharing.repository.deliveries.user_of(share, peer)

        peers = [
            _peer(peer, name_peer(peer), by_hub=by_hub)
            for peer, by_hub in await self._peers(record.info_hash)
        ]
        here = None if record.step is ShareStep.SEEDING else ()
        return await self._details(record.name, record.torrent, peers, here)

    async def download_details(self, download: DownloadId) -> Details:
        record = self._inbox.queue.downloads.get(download)
        if record is None:
            raise NotFound("There is no such download", hint="`tuishare list` shows all of them.")
        peers = [_peer(peer, "", by_hub=by_hub) for peer, by_hub in await self._peers(record.info_hash)]
        torrent = await self._inbox.repository.torrent(record)
        return await self._details(record.name, torrent, peers, await self._here(record), record.unwanted)

    async def share_proof(self, share: ShareId) -> Proof:
        record = self._sharing.repository.get(share)
        case = PrivacyCase(
            record,
            await self._evidence(record),
            self._sharing.repository.deliveries.of(share),
            self._tracker.port,
            is_reachable(self._settings.current.network, self._engine),
            self._clock(),
            self._engine.mapping_faults,
        )
        return Proof(findings=tuple(assess(case)))

    async def _evidence(self, record: ShareRecord) -> PrivacyFacts | None:
        if not self._sharing.repository.is_seeding(record):
            return None
        try:
            return await self._engine.privacy_facts(InfoHash(record.info_hash))
        except NotFound:  # it left the swarm in this moment
            return None

    async def _details(
        self,
        name: str,
        data: bytes,
        peers: list[PeerInfo],
        here: Sequence[int] | None,
        unwanted: Collection[int] = (),
    ) -> Details:
        files = 0
        shown: tuple[File, ...] = ()
        if data:
            torrent = await asyncio.to_thread(parse_torrent, data)
            files, shown = len(torrent.files), _files(torrent, here, unwanted)
        return Details(
            files=shown,
            more_files=files - len(shown),
            peers=tuple(peers),
            history=tuple(map(view_activity, await self._activity.history(name))),
        )

    async def _peers(self, info_hash: str) -> list[tuple[Peer, bool]]:
        try:
            return await self._origins.tell(await self._engine.peers(InfoHash(info_hash)))
        except NotFound:  # not in its swarm now
            return []

    async def _here(self, record: DownloadRecord) -> Sequence[int] | None:
        if record.step.has_all_data:
            return None
        try:
            return await self._engine.file_progress(InfoHash(record.info_hash))
        except NotFound:  # not in its swarm now
            return ()


def _files(torrent: Torrent, here: Sequence[int] | None, unwanted: Collection[int]) -> tuple[File, ...]:
    """`here`: bytes of each file; None: all wanted files are complete; empty: unknown."""

    def progress(number: int, size: int) -> float:
        if here is None or not size:
            return float(number not in unwanted)
        return here[number] / size if here else 0.0

    return tuple(
        File(
            path="/".join(file.parts) or torrent.name,
            size=file.size,
            progress=progress(number, file.size),
            wanted=number not in unwanted,
        )
        for number, file in enumerate(torrent.files[:FILES_SHOWN])
    )


def _peer(peer: Peer, user: str, *, by_hub: bool) -> PeerInfo:
    return PeerInfo(
        address=str(Endpoint(peer.host, peer.port)),
        user=user,
        client=peer.client,
        progress=min(1.0, peer.fraction),
        rate_up=peer.rate_up,
        rate_down=peer.rate_down,
        uploaded=peer.uploaded,
        downloaded=peer.downloaded,
        encryption=peer.encryption,
        by_hub=by_hub,
    )
