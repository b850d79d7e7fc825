"""Translation of libtorrent's alerts into frozen values.

Owns reading alerts. An alert is a raw pointer into a buffer that the next `pop_alerts` frees (reading it later crashes
or gives another alert's text), so `translate` copies everything at once, and no alert leaves this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tuishare.config.model import Transport
from tuishare.net.endpoints import Endpoint
from tuishare.net.redaction import redact_text, redact_url
from tuishare.sanitize import for_display
from tuishare.swarm.events import Completed, EngineEvent, Failed, PeerRefused, Progress, State, TrackerFailed
from tuishare.swarm.libtorrent_loader import lt
from tuishare.torrents import InfoHash

_ANNOUNCE_SKIPPED = 180
"""`libtorrent::errors::announce_skipped`, missing in the binding."""

_STREAM_TRUNCATED = 1
"""`asio::ssl::error::stream_truncated`, likewise."""

Router: TypeAlias = Literal["NAT-PMP", "UPnP"]
"""The protocol used with a router; NAT-PMP includes its successor PCP."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A port is open."""

    transport: Transport
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class ListenFailed:
    """A port could not be opened; `code` is an errno."""

    endpoint: Endpoint
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class TorrentAdded:
    """libtorrent added a torrent, or failed with `error`."""

    info_hash: InfoHash
    handle: lt.torrent_handle
    error: str
    errno: int = 0


@dataclass(frozen=True, slots=True)
class TorrentChecked:
    """libtorrent has checked a torrent's files."""

    info_hash: InfoHash


@dataclass(frozen=True, slots=True)
class TorrentRemoved:
    """libtorrent has removed a torrent."""

    info_hash: InfoHash


@dataclass(frozen=True, slots=True)
class Flushed:
    """All data received so far has been written to the files."""

    info_hash: InfoHash


@dataclass(frozen=True, slots=True)
class ResumeSaved:
    """Serialized resume data; None if libtorrent has none."""

    info_hash: InfoHash
    data: bytes | None


@dataclass(frozen=True, slots=True)
class HashFailed:
    """A received piece failed the hash check."""

    info_hash: InfoHash


@dataclass(frozen=True, slots=True)
class Updated:
    """The progress of every torrent that changed since the last update."""

    progress: tuple[Progress, ...]


@dataclass(frozen=True, slots=True)
class ExternalAddress:
    """A peer, tracker or router reported our external address."""

    address: str


@dataclass(frozen=True, slots=True)
class PortMapped:
    """The router forwards a port; `number` is libtorrent's number of the request."""

    number: int
    external_port: int
    protocol: Literal["tcp", "udp"]
    router: Router


@dataclass(frozen=True, slots=True)
class PortMappingFailed:
    """The router did not answer, or refused."""

    number: int
    router: Router
    reason: str


@dataclass(frozen=True, slots=True)
class PeerJoined:
    """A peer completed its handshake for one of our torrents; `host` and `port` are the remote end."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class AlertsDropped:
    """The queue overflowed and alerts were lost."""


Alert: TypeAlias = (
    Listening
    | ListenFailed
    | ExternalAddress
    | PortMapped
    | PortMappingFailed
    | TorrentAdded
    | TorrentChecked
    | TorrentRemoved
    | Flushed
    | ResumeSaved
    | HashFailed
    | Updated
    | PeerJoined
    | AlertsDropped
    | EngineEvent
)

_TLS_SOCKETS = {int(lt.socket_type_t.tcp_ssl), int(lt.socket_type_t.utp_ssl)}
_CHECKING = {
    int(lt.torrent_status.checking_files),
    int(lt.torrent_status.checking_resume_data),
}
_COMPLETE = {int(lt.torrent_status.finished), int(lt.torrent_status.seeding)}


def translate(alert: lt.alert) -> Alert | None:  # noqa: PLR0911, PLR0912 - one flat table
    """Copy an alert's data; None for alerts that are not used."""
    match alert:
        case lt.state_update_alert():
            return Updated(tuple(_read_status(status) for status in alert.status))
        case lt.add_torrent_alert():
            error = alert.error.message() if alert.error.value() else ""
            return TorrentAdded(hash_of(alert.params.info_hashes), alert.handle, error, _errno(alert.error))
        case lt.torrent_checked_alert():
            return TorrentChecked(_torrent(alert))
        case lt.torrent_removed_alert():
            return TorrentRemoved(hash_of(alert.info_hashes))
        case lt.cache_flushed_alert():
            return Flushed(_torrent(alert))
        case lt.save_resume_data_alert():
            return ResumeSaved(_torrent(alert), lt.write_resume_data_buf(alert.params))
        case lt.save_resume_data_failed_alert():
            return ResumeSaved(_torrent(alert), None)
        case lt.torrent_finished_alert():
            return Completed(_torrent(alert))
        case lt.torrent_error_alert() | lt.file_error_alert():
            return Failed(_torrent(alert), for_display(alert.error.message()), _errno(alert.error))
        case lt.tracker_error_alert() if not _is_out_of_reach(alert.error):
            said = alert.failure_reason() or alert.error.message()
            return TrackerFailed(
                _torrent(alert), redact_url(alert.url), redact_text(said, alert.url), alert.url
            )
        case lt.peer_connect_alert():
            return PeerJoined(*alert.endpoint)
        case lt.hash_failed_alert():
            return HashFailed(_torrent(alert))
        case lt.peer_ban_alert():
            return PeerRefused(_torrent(alert), alert.endpoint[0], "it sent corrupt data", is_banned=True)
        case lt.peer_error_alert() | lt.peer_disconnected_alert() if _is_tls_failure(alert.error):
            return PeerRefused(_torrent(alert), alert.endpoint[0], for_display(alert.error.message()))
        case lt.listen_succeeded_alert():
            return Listening(_transport(alert.socket_type), Endpoint(alert.address, alert.port))
        case lt.listen_failed_alert():
            endpoint = Endpoint(alert.address, alert.port)
            return ListenFailed(endpoint, alert.error.value(), alert.error.message())
        case lt.external_ip_alert():
            return ExternalAddress(alert.external_address)
        case lt.portmap_alert():
            udp = int(alert.map_protocol) == int(lt.portmap_protocol.udp)
            return PortMapped(
                alert.mapping, alert.external_port, "udp" if udp else "tcp", _router(alert.map_transport)
            )
        case lt.portmap_error_alert():
            return PortMappingFailed(alert.mapping, _router(alert.map_transport), alert.error.message())
        case lt.alerts_dropped_alert():
            return AlertsDropped()
    return None


def hash_of(hashes: lt.info_hash_t) -> InfoHash:
    """Return the info-hash used by the other rooms: the v1 hash of a v1 torrent, else the v2 hash."""
    return InfoHash(str(hashes.v2 if hashes.has_v2() else hashes.v1))


def _torrent(alert: lt.torrent_alert) -> InfoHash:
    return hash_of(alert.handle.info_hashes())


def _transport(socket_type: int) -> Transport:
    return "tls" if int(socket_type) in _TLS_SOCKETS else "plain"


def _router(transport: int) -> Router:
    return "UPnP" if int(transport) == int(lt.portmap_transport.upnp) else "NAT-PMP"


def _errno(error: lt.error_code) -> int:
    """Return the number of the system's error, or 0 for one of libtorrent's own."""
    return error.value() if error.category().name() in {"system", "generic"} else 0


def _is_out_of_reach(error: lt.error_code) -> bool:
    """Whether an announce was skipped for one of our addresses, because of another address family or loopback.

    That is not a failure: the announce is sent from another address.
    """
    return (error.category().name(), error.value()) == ("libtorrent", _ANNOUNCE_SKIPPED)


def _is_tls_failure(error: lt.error_code) -> bool:
    name = error.category().name()
    # A connection closed without a TLS close_notify had completed its handshake.
    return "ssl" in name.lower() and (name, error.value()) != ("asio.ssl.stream", _STREAM_TRUNCATED)


def _read_status(status: lt.torrent_status) -> Progress:
    return Progress(
        info_hash=hash_of(status.info_hashes),
        state=_state(status),
        done=status.total_wanted_done,
        total=status.total_wanted,
        fraction=status.progress_ppm / 1_000_000,
        rate_up=status.upload_payload_rate,
        rate_down=status.download_payload_rate,
        uploaded=status.all_time_upload,
        downloaded=status.all_time_download,
        peers=status.num_peers,
        seeds=status.num_seeds,
    )


def _state(status: lt.torrent_status) -> State:
    if status.errc.value():
        return "failed"
    if status.flags & lt.torrent_flags.paused:
        return "paused"
    state = int(status.state)
    if state in _CHECKING:
        return "checking"
    return "seeding" if state in _COMPLETE else "downloading"
