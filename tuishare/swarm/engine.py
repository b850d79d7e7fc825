"""The BitTorrent engine as the rest of the program sees it.

Owns the torrents of one session: adding, stopping and asking. Runs on one event loop and makes
only libtorrent's non-blocking calls there. Must not know shares, users or files beyond the torrents it was given, and
never deletes payload.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from tuishare.errors import SystemFailed, TuishareError
from tuishare.net.descriptors import descriptor_limit, plan_descriptors
from tuishare.net.endpoints import Endpoint, is_on_loopback
from tuishare.net.local_machine import mark_port
from tuishare.swarm import alerts
from tuishare.swarm.connections import list_peers
from tuishare.swarm.connector import PeerConnector
from tuishare.swarm.event_bus import Subscribers, Subscription
from tuishare.swarm.event_publisher import EventPublisher
from tuishare.swarm.events import Peer, Progress
from tuishare.swarm.file_priorities import measure_files
from tuishare.swarm.handshakes import Crowd, Handshakes, Usage
from tuishare.swarm.idle_connections import end_idle
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.lifecycle import TorrentLifecycle
from tuishare.swarm.pending_requests import PendingRequests
from tuishare.swarm.piece_priorities import create_peer_id, distribute_pieces
from tuishare.swarm.port_mapping import MappedPort, PortMapping, RouterMappings
from tuishare.swarm.ports import Ports
from tuishare.swarm.privacy_facts import PrivacyFacts, collect
from tuishare.swarm.selftest import check_no_resumption
from tuishare.swarm.session import Session, open_session
from tuishare.swarm.settings import (
    FINGERPRINT,
    EngineSettings,
    bounds_for,
    listen_hosts,
    rates_for,
    settings_for,
)
from tuishare.swarm.storage import Storage
from tuishare.swarm.torrent_params import tracker_entries
from tuishare.swarm.torrent_spec import TorrentSpec, Transport
from tuishare.swarm.torrent_table import TorrentEntry, TorrentTable, clear_executable_bits
from tuishare.torrents import InfoHash

if TYPE_CHECKING:
    from libtorrent import settings_pack

FLUSH_PATIENCE = 300.0
"""Seconds for what was received to be written; a slow disk may have 100 MB to go."""
CLOSE_PATIENCE = 10.0
"""Seconds for each step of saving resume data, all torrents at once."""
CLOSE_GRACE = 0.1
"""Seconds for TLS connections to say goodbye: libtorrent's destructor holds the interpreter while it waits for that."""


class Engine:
    """A running engine; made by `start`, ended by `close`.

    Attributes:
        allotment: how the descriptors of this process are divided.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self.allotment: Final = plan_descriptors(descriptor_limit())
        self._settings = settings
        self._table = TorrentTable()
        self._replies = PendingRequests()
        self._storage = Storage(self._table, self._replies)
        self._gate = TorrentLifecycle(lambda: self._native, self._table, self._replies, self._run)
        self._ports = Ports()
        self._reachability = RouterMappings()
        self._audience = Subscribers()
        self._event_publisher = EventPublisher(self._table, self._audience, self._post_updates)
        self._connector = PeerConnector(
            self._table, self._event_publisher.apply, names=settings.proxy is None
        )
        self._marks: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: Session | None = None
        self._listening: Mapping[Transport, int] = {}
        self._handshakes: Handshakes | None = None

    @classmethod
    async def start(cls, settings: EngineSettings) -> Self:
        """Prove that TLS is safe here, open the ports, and be ready for torrents.

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
                engine._listening = engine._ports.check(*settings.transports)
            except TuishareError:
                await engine.close()
                raise
            engine._mark_ports()
            engine._watch_over()
            if settings.port_mapping:
                engine._reachability.ask(*engine._listening.values())
        engine._run(engine._refresh())
        engine._run(engine._connector.run())
        engine._run(engine._connector.look_here())
        engine._run(distribute_pieces(engine._table, name))
        return engine

    @property
    def listening(self) -> Mapping[Transport, int]:
        """The open port of each transport; behind a proxy there is none."""
        return self._listening

    @property
    def crowd(self) -> Crowd | None:
        """Strangers whose connections to us lead to nothing; None while it is calm."""
        return self._handshakes.crowd if self._handshakes else None

    @property
    def connections(self) -> int:
        """How many peers are connected, over all torrents."""
        return self._table.connections()

    @property
    def usage(self) -> Usage | None:
        """How many descriptors this process has open; None behind a proxy, where nobody can open one for us."""
        return self._handshakes.usage if self._handshakes else None

    @property
    def external_addresses(self) -> tuple[str, ...]:
        """Our addresses as peers, trackers and the router see them, the one told last first; hearsay."""
        return self._reachability.addresses

    @property
    def mapped_ports(self) -> tuple[MappedPort, ...]:
        """The ports that a router forwards to us at present, those of `map_port` included."""
        return self._reachability.mapped(self._listening.values())

    @property
    def mapping_faults(self) -> tuple[str, ...]:
        """Why ports are not forwarded, one sentence each; empty where nothing was asked or all went well."""
        return self._reachability.faults

    async def map_port(self, port: int) -> PortMapping:
        """Ask the router to forward a TCP port of ours under its own number; kept until the engine closes.

        What became of it shows in `mapped_ports` or `mapping_faults` seconds later.
        """
        ask = self._native.add_port_mapping
        numbers = await asyncio.to_thread(ask, lt.portmap_protocol.tcp, port, port)
        known = [int(number) for number in numbers if int(number) >= 0]
        if known:
            self._reachability.expect(port, known)
            self._reachability.ask(port)
        return PortMapping(port, asked=bool(known))

    async def wait_for_port_mapping(self) -> None:
        """Return when the router has answered for all our ports, or after five seconds; at once if none was asked."""
        await self._reachability.hear()

    @property
    def transports(self) -> Collection[Transport]:
        """The kinds of swarms that torrents may be added to."""
        return self._settings.transports

    def apply(self, *, upload_limit: int, download_limit: int) -> None:
        """Let other limits hold from now on; bytes per second over all torrents, 0 is unlimited."""
        self._native.apply_settings(rates_for(upload_limit, download_limit))

    def subscribe(self) -> Subscription:
        """Follow all events from now on: ``async for event in engine.subscribe()``."""
        return self._audience.join()

    async def add(self, assignment: TorrentSpec) -> InfoHash:
        """Take on a torrent. Behind a proxy, only trackers on loopback are asked, and they directly: a relay, surely.

        Raises:
            BadInput: the torrent or the credentials are unusable, or the torrent is already here.
            Refused: our certificate is not valid now.
            SystemFailed: this engine has no port for that transport, or libtorrent did not take it.
        """
        if assignment.transport not in self.transports:
            raise SystemFailed(
                f"No port is open for {assignment.transport} swarms",
                hint="Set network.listen_plain."
                if assignment.transport == "plain"
                else "Set network.listen.",
            )
        info_hash, _ = await self._gate.admit(
            replace(assignment, announce=self._askable(assignment.announce))
        )
        self._post_updates()
        self._run(self._connector.begin(info_hash))
        return info_hash

    async def remove(self, info_hash: InfoHash) -> None:
        """Let go of a torrent: its connections end, its payload stays."""
        await self._gate.release(info_hash)

    async def announce(self, info_hash: InfoHash, tiers: Sequence[Sequence[str]]) -> None:
        """Give a torrent other tracker URLs in tiers (BEP 12), and announce to them at once."""
        async with self._table.get(info_hash).lock:
            handle, member = self._table.handle(info_hash), self._table.get(info_hash)
            askable = self._askable(tiers)
            member.assignment = replace(member.assignment, announce=askable)
            handle.replace_trackers(tracker_entries(askable))
            handle.force_reannounce()

    async def pause(self, info_hash: InfoHash) -> None:
        """Stop a torrent and end its connections."""
        async with self._table.get(info_hash).lock:
            handle, member = self._table.handle(info_hash), self._table.get(info_hash)
            member.assignment = replace(member.assignment, paused=True)
            handle.pause()

    async def resume(self, info_hash: InfoHash) -> None:
        """Go on with a torrent that was paused or has failed."""
        async with self._table.get(info_hash).lock:
            handle, member = self._table.handle(info_hash), self._table.get(info_hash)
            member.assignment = replace(member.assignment, paused=False)
            handle.clear_error()
            if member.failure:
                # libtorrent counts a piece as ours before it is written, so only reading tells what a bad disk kept.
                member.failure = ""
                _read_again(handle, member)
                if not member.assignment.complete:
                    handle.unset_flags(lt.torrent_flags.upload_mode)
            handle.resume()
            self._run(self._connector.connect_peers(info_hash))

    async def connect(self, info_hash: InfoHash, endpoints: Iterable[Endpoint]) -> None:
        """Connect to more peers, wherever they are."""
        self._table.handle(info_hash)
        await self._connector.call(info_hash, tuple(endpoints))

    async def flush(self, info_hash: InfoHash) -> None:
        """Wait until everything received is in its files, none of them executable.

        `Completed` alone does not mean that. Handed to the operating system, that is: surviving a power failure takes
        an fsync by whoever owns the files.

        Raises:
            SystemFailed: something could not be written, or not within five minutes.
        """
        await self._storage.flush(info_hash, FLUSH_PATIENCE)
        await asyncio.to_thread(clear_executable_bits, self._table.get(info_hash))

    async def save_resume(self, info_hash: InfoHash) -> bytes:
        """Return what is needed to go on later without checking the payload again (no keys, no certificates).

        Raises:
            SystemFailed: there is nothing to save yet, or something could not be written.
        """
        return await self._storage.resume_data(info_hash, FLUSH_PATIENCE)

    async def recheck(self, info_hash: InfoHash) -> None:
        """Start reading and verifying the whole payload again; `Progressed` tells how far it is."""
        _read_again(self._table.handle(info_hash), self._table.get(info_hash))

    def has(self, info_hash: InfoHash) -> bool:
        """Whether a torrent is here, or about to be."""
        return self._table.find(info_hash) is not None

    def progress(self, info_hash: InfoHash) -> Progress:
        """Return the numbers of the latest refresh."""
        return self._table.get(info_hash).progress(info_hash)

    def all_progress(self) -> dict[InfoHash, Progress]:
        """Return the numbers of every torrent."""
        return self._table.progress()

    def is_engaged(self, info_hash: InfoHash) -> bool:
        """Whether a torrent takes connections, or has just been added; not one whose peers are all away."""
        member = self._table.find(info_hash)
        return member is not None and member.is_engaged

    async def file_progress(self, info_hash: InfoHash) -> tuple[int, ...]:
        """Return how many bytes of each file are here and verified, in the torrent's order."""
        return await asyncio.to_thread(measure_files, self._table.handle(info_hash))

    async def peers(self, info_hash: InfoHash) -> tuple[Peer, ...]:
        """Return the live connections of one torrent."""
        handle = self._table.handle(info_hash)
        return await asyncio.to_thread(list_peers, handle)

    async def privacy_facts(self, info_hash: InfoHash) -> PrivacyFacts:
        """Return what can be shown about a torrent's privacy at this moment."""
        handle, member = self._table.handle(info_hash), self._table.get(info_hash)
        return await asyncio.to_thread(collect, self._native, handle, member.assignment, self._listening)

    async def ping(self) -> None:
        """Return when libtorrent's own thread has answered a question; while that hangs, this does."""
        await asyncio.to_thread(self._native.is_paused)

    async def close(self) -> dict[InfoHash, bytes]:
        """Stop everything in bounded time.

        Returns:
            Resume data of every torrent that has some.
        """
        if self._session is None:
            return {}
        for task in tuple(self._tasks):
            task.cancel()
        saved = await self._storage.save_all(CLOSE_PATIENCE)
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
        self._replies.abandon()
        self._audience.dismiss()
        return saved

    # Work of its own

    def _receive(self, alert: alerts.Alert) -> None:
        """Take in what libtorrent says."""
        match alert:
            case alerts.Listening() | alerts.ListenFailed():
                self._ports.note(alert)
            case alerts.ExternalAddress() | alerts.PortMapped() | alerts.PortMappingFailed():
                self._reachability.note(alert)
            case alerts.PeerJoined():
                if self._handshakes is not None:
                    self._handshakes.prove((alert.host, alert.port))
            case alerts.TorrentAdded() | alerts.TorrentRemoved() | alerts.Flushed() | alerts.ResumeSaved():
                self._gate.note(alert)
            case _:
                self._event_publisher.apply(alert)

    def _mark_ports(self) -> None:
        """Let others on this machine see that these ports are ours."""
        addresses = {"tls": self._settings.listen_tls, "plain": self._settings.listen_plain}
        for transport, port in self._listening.items():
            for host in listen_hosts(addresses[transport] or ":0"):
                if mark := mark_port(host, port):
                    self._marks.append(mark)

    def _watch_over(self) -> None:
        """Begin to watch over who connects to our ports."""
        watch = self._handshakes = Handshakes(self._listening.values(), self.allotment)
        watch.recover = lambda: self._native.apply_settings(bounds_for(self.allotment))
        self._run(watch.run())
        self._run(end_idle(self._table, watch, self.allotment.connections))

    def _post_updates(self) -> None:
        self._native.post_torrent_updates(_STATUS)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(self._settings.refresh)
            self._post_updates()

    def _askable(self, tiers: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
        """Leave out trackers that would be asked around the proxy."""
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


def _read_again(handle: lt.torrent_handle, member: TorrentEntry) -> None:
    member.checked.clear()
    handle.force_recheck()


_STATUS = int(lt.status_flags_t.query_accurate_download_counters)
