"""The BitTorrent engine: the façade of this room.

Owns the torrents of one session: adding, stopping and querying them. Runs on one event loop, on which it makes only
libtorrent's non-blocking calls. Must not know shares, users or files beyond its torrents, and never deletes payload.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from tuishare.config.model import Transport
from tuishare.errors import SystemFailed, TuishareError
from tuishare.net.descriptors import descriptor_limit, plan_descriptors
from tuishare.net.endpoints import is_on_loopback
from tuishare.net.local_machine import mark_port
from tuishare.swarm import alerts
from tuishare.swarm.connections import end_idle, list_peers
from tuishare.swarm.connector import PeerConnector
from tuishare.swarm.event_bus import Subscribers, Subscription
from tuishare.swarm.event_publisher import EventPublisher
from tuishare.swarm.events import Peer, Progress
from tuishare.swarm.file_priorities import measure_files
from tuishare.swarm.handshakes import Crowd, Handshakes, Usage
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.lifecycle import TorrentLifecycle
from tuishare.swarm.pending_requests import PendingRequests
from tuishare.swarm.piece_priorities import create_peer_id, distribute_pieces
from tuishare.swarm.port_mapping import MappedPort, PortMapping, RouterMappings
from tuishare.swarm.ports import Ports
from tuishare.swarm.privacy_facts import PrivacyFacts, collect
from tuishare.swarm.selftest import check_no_resumption
from tuishare.swarm.session import LibtorrentSession, open_session
from tuishare.swarm.settings import (
    FINGERPRINT,
    EngineSettings,
    bounds_for,
    fixed_ports,
    listen_hosts,
    rates_for,
    settings_for,
)
from tuishare.swarm.storage import Storage
from tuishare.swarm.torrent_spec import TorrentSpec
from tuishare.swarm.torrent_table import TorrentTable, clear_executable_bits
from tuishare.torrents import InfoHash

if TYPE_CHECKING:
    from libtorrent import settings_pack

FLUSH_SECONDS = 300.0
"""Seconds for writing received data; on a slow disk, 100 MB may be pending."""
CLOSE_SECONDS = 10.0
"""Seconds for each step of saving the resume data of all torrents."""
CLOSE_GRACE = 0.1
"""Seconds for TLS shutdown: libtorrent's destructor holds the interpreter lock while it waits for it."""


class Engine:
    """A running engine; created by `start`, ended by `close`.

    Attributes:
        allotment: the division of this process's descriptors.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self.allotment: Final = plan_descriptors(descriptor_limit())
        self._settings = settings
        self._table = TorrentTable()
        self._requests = PendingRequests()
        self._storage = Storage(self._table, self._requests)
        self._lifecycle = TorrentLifecycle(lambda: self._native, self._table, self._requests, self._run)
        self._ports = Ports()
        self._router = RouterMappings()
        self._subscribers = Subscribers()
        self._event_publisher = EventPublisher(self._table, self._subscribers, self._post_updates)
        self._connector = PeerConnector(
            self._table, self._event_publisher.apply, names=settings.proxy is None
        )
        self._marks: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: LibtorrentSession | None = None
        self._listening: dict[Transport, int] = {}
        self._port_fault: TuishareError | None = None
        self._handshakes: Handshakes | None = None

    @classmethod
    async def start(cls, settings: EngineSettings) -> Self:
        """Run the TLS self-test, open the ports and start the session.

        Raises:
            BadInput: a listen address is malformed.
            SystemFailed: a port cannot be opened, or TLS sessions could be resumed in this process.
        """
        name = create_peer_id(FINGERPRINT)
        engine = cls(settings)
        pack: settings_pack = {
            **settings_for(settings),
            **bounds_for(engine.allotment),
            "peer_fingerprint": name,
        }
        if settings.listen_tls is not None:
            await asyncio.to_thread(check_no_resumption)
        engine._session = await open_session(pack, engine._receive)
        if settings.proxy is None:
            try:
                engine._ports.check(*settings.transports)
            except SystemFailed as error:
                if not settings.keep_trying:
                    await engine.close()
                    raise
                engine._port_fault = error
                engine._run(engine._open_missing_ports())
            engine._watch_handshakes()
            engine._take_ports()
        engine._run(engine._refresh())
        engine._run(engine._connector.run())
        engine._run(engine._connector.watch_local_contacts())
        engine._run(distribute_pieces(engine._table, name))
        return engine

    @property
    def listening(self) -> Mapping[Transport, int]:
        """The open port of each transport; empty behind a proxy."""
        return self._listening

    @property
    def ports(self) -> Mapping[Transport, int]:
        """The port of each transport: the open one, or the one that is opened as soon as possible."""
        return fixed_ports(self._settings) | self._listening

    @property
    def port_fault(self) -> TuishareError | None:
        """Why a port is not open; None if all are."""
        return self._port_fault

    @property
    def crowd(self) -> Crowd | None:
        """A flood of connections without handshakes; None if there is none."""
        return self._handshakes.crowd if self._handshakes else None

    @property
    def connections(self) -> int:
        """The number of connected peers of all torrents."""
        return self._table.connections()

    @property
    def usage(self) -> Usage | None:
        """The descriptors in use; None behind a proxy, where there are no incoming connections."""
        return self._handshakes.usage if self._handshakes else None

    @property
    def external_addresses(self) -> tuple[str, ...]:
        """Our addresses as reported by peers, trackers and the router, latest first; not trustworthy."""
        return self._router.addresses

    @property
    def mapped_ports(self) -> tuple[MappedPort, ...]:
        """The ports that a router presently forwards to us, those of `map_port` included."""
        return self._router.mapped(self._listening.values())

    @property
    def mapping_faults(self) -> tuple[str, ...]:
        """Why ports are not forwarded, one sentence each; empty if none was requested or all are."""
        return self._router.faults

    async def map_port(self, port: int) -> PortMapping:
        """Request that the router forward a TCP port of ours under the same number, until the engine closes.

        The result appears in `mapped_ports` or `mapping_faults` seconds later.
        """
        ask = self._native.add_port_mapping
        numbers = await asyncio.to_thread(ask, lt.portmap_protocol.tcp, port, port)
        known = [int(number) for number in numbers if int(number) >= 0]
        if known:
            self._router.expect(port, known)
            self._router.ask(port)
        return PortMapping(port, asked=bool(known))

    async def wait_for_port_mapping(self) -> None:
        """Wait until the router has answered for all our ports, at most five seconds."""
        await self._router.wait()

    @property
    def transports(self) -> Collection[Transport]:
        """The transports for which torrents may be added."""
        return self._settings.transports

    def apply(self, *, upload_limit: int, download_limit: int) -> None:
        """Change the rate limits; bytes per second over all torrents, 0 is unlimited."""
        self._native.apply_settings(rates_for(upload_limit, download_limit))

    def subscribe(self) -> Subscription:
        """Subscribe to all events from now on: ``async for event in engine.subscribe()``."""
        return self._subscribers.subscribe()

    async def add(self, spec: TorrentSpec) -> InfoHash:
        """Add a torrent. Behind a proxy, only trackers on loopback (the relay) are used, directly.

        Raises:
            BadInput: the torrent or the credentials are invalid, or the torrent was added before.
            Refused: our certificate is not valid now.
            SystemFailed: there is no port for that transport, or libtorrent refused the torrent.
        """
        if spec.transport not in self.transports:
            raise SystemFailed(
                f"No port is open for {spec.transport} swarms",
                hint="Set network.listen_plain." if spec.transport == "plain" else "Set network.listen.",
            )
        info_hash, _ = await self._lifecycle.add(replace(spec, announce=self._askable(spec.announce)))
        self._post_updates()
        if spec.contacts or spec.received:
            self._run(self._connector.start(info_hash))
        return info_hash

    async def remove(self, info_hash: InfoHash) -> None:
        """Remove a torrent: its connections end, its payload stays."""
        await self._lifecycle.remove(info_hash)

    async def pause(self, info_hash: InfoHash) -> None:
        """Stop a torrent and end its connections."""
        async with self._table.get(info_hash).lock:
            self._table.handle(info_hash).pause()

    async def flush(self, info_hash: InfoHash) -> None:
        """Wait until all received data is written to the files, and make none of them executable.

        `Completed` alone does not guarantee that. The data is then in the operating system's cache; to survive a power
        failure, the caller must fsync the files.

        Raises:
            SystemFailed: data could not be written, or not within five minutes.
        """
        await self._storage.flush(info_hash, FLUSH_SECONDS)
        await asyncio.to_thread(clear_executable_bits, self._table.get(info_hash))

    async def save_resume(self, info_hash: InfoHash) -> bytes:
        """Return resume data, with which a later start need not check the payload (no keys, no certificates).

        Raises:
            SystemFailed: there is no resume data yet, or data could not be written.
        """
        return await self._storage.resume_data(info_hash, FLUSH_SECONDS)

    def has(self, info_hash: InfoHash) -> bool:
        """Return whether a torrent was added, or is being added."""
        return self._table.find(info_hash) is not None

    def progress(self, info_hash: InfoHash) -> Progress:
        """Return the progress of the latest refresh."""
        return self._table.get(info_hash).progress(info_hash)

    def all_progress(self) -> dict[InfoHash, Progress]:
        """Return the progress of every torrent."""
        return self._table.progress()

    def is_engaged(self, info_hash: InfoHash) -> bool:
        """Return whether a torrent has peers, or was just added or is complete."""
        member = self._table.find(info_hash)
        return member is not None and member.is_engaged

    async def file_progress(self, info_hash: InfoHash) -> tuple[int, ...]:
        """Return the verified bytes of each file, in the torrent's order."""
        return await asyncio.to_thread(measure_files, self._table.handle(info_hash))

    async def peers(self, info_hash: InfoHash) -> tuple[Peer, ...]:
        """Return the live connections of one torrent."""
        handle = self._table.handle(info_hash)
        return await asyncio.to_thread(list_peers, handle)

    async def privacy_facts(self, info_hash: InfoHash) -> PrivacyFacts:
        """Return the facts about a torrent's privacy at this moment."""
        handle, member = self._table.handle(info_hash), self._table.get(info_hash)
        return await asyncio.to_thread(collect, self._native, handle, member.spec, self._listening)

    async def ping(self) -> None:
        """Wait for a reply of libtorrent's thread; hangs while that thread does."""
        await asyncio.to_thread(self._native.is_paused)

    async def close(self) -> dict[InfoHash, bytes]:
        """Stop the engine within a time limit.

        Returns:
            The resume data of every torrent that has some.
        """
        if self._session is None:
            return {}
        for task in tuple(self._tasks):
            task.cancel()
        saved = await self._storage.save_all(CLOSE_SECONDS)
        if self._table.admitted():
            await asyncio.sleep(CLOSE_GRACE)
        if self._handshakes is not None:
            await asyncio.to_thread(self._handshakes.close)
            self._handshakes = None
        session, self._session = self._session, None
        await session.close()
        while self._marks:
            self._marks.pop().close()
        self._table.clear()
        self._requests.fail_all()
        self._subscribers.close()
        return saved

    # Background work

    def _receive(self, alert: alerts.Alert) -> None:
        """Dispatch one alert."""
        match alert:
            case alerts.Listening() | alerts.ListenFailed():
                self._ports.note(alert)
            case alerts.ExternalAddress() | alerts.PortMapped() | alerts.PortMappingFailed():
                self._router.note(alert)
            case alerts.PeerJoined():
                if self._handshakes is not None:
                    self._handshakes.record_handshake((alert.host, alert.port))
            case alerts.TorrentAdded() | alerts.TorrentRemoved() | alerts.Flushed() | alerts.ResumeSaved():
                self._lifecycle.note(alert)
            case _:
                self._event_publisher.apply(alert)

    async def _open_missing_ports(self) -> None:
        """Try again until all ports are open: a program may end, an address of a VPN may come later."""
        pause = _FIRST_PAUSE
        while self._port_fault is not None:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            self._ports.begin()
            if self._session is not None:
                await self._session.open_ports()
            try:
                self._ports.check(*self._settings.transports)
            except SystemFailed as error:
                self._port_fault = error
            else:
                self._port_fault = None
            self._take_ports()

    def _take_ports(self) -> None:
        """Use the ports that were opened since the last call."""
        fresh = {kind: port for kind, port in self._ports.opened.items() if kind not in self._listening}
        self._listening |= fresh
        self._mark_ports(fresh)
        if self._handshakes is not None:
            self._handshakes.watch_ports(self._listening.values())
        if self._settings.port_mapping and fresh:
            self._router.ask(*fresh.values())

    def _mark_ports(self, ports: Mapping[Transport, int]) -> None:
        """Mark ports of ours for other agents on this machine."""
        addresses = {"tls": self._settings.listen_tls, "plain": self._settings.listen_plain}
        for transport, port in ports.items():
            for host in listen_hosts(addresses[transport] or ":0"):
                if mark := mark_port(host, port):
                    self._marks.append(mark)

    def _watch_handshakes(self) -> None:
        """Start watching the connections to our ports."""
        watch = self._handshakes = Handshakes(
            self._listening.values(),
            self.allotment,
            lambda: self._native.apply_settings(bounds_for(self.allotment)),
        )
        self._run(watch.run())
        self._run(end_idle(self._table, watch, self.allotment.connections))

    def _post_updates(self) -> None:
        self._native.post_torrent_updates(_STATUS)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(self._settings.refresh)
            self._post_updates()

    def _askable(self, tiers: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
        """Remove trackers that would be contacted without the proxy."""
        if self._settings.proxy is None:
            return tuple(map(tuple, tiers))
        kept = (tuple(url for url in tier if is_on_loopback(url)) for tier in tiers)
        return tuple(filter(None, kept))

    @property
    def _native(self) -> lt.session:
        if self._session is None:
            raise SystemFailed("The BitTorrent engine is closed")
        return self._session.native

    def _run(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 60.0
"""Seconds between two attempts to open a port; doubled each time."""
_STATUS = int(lt.status_flags_t.query_accurate_download_counters)
