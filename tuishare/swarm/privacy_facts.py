"""Facts about one torrent's privacy, each from its authoritative source.

Owns collecting them: from libtorrent about session, torrent and connections, and from the certificates it was given.
Must not change anything, nor judge the facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509

from tuishare.config.model import Transport
from tuishare.errors import NotFound
from tuishare.swarm.certificates import Credentials
from tuishare.swarm.connections import list_peers
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.torrent_spec import TorrentSpec


@dataclass(frozen=True, slots=True)
class CertificateDates:
    """Validity of a certificate, read from the one that libtorrent was given.

    Attributes:
        not_before: first moment, UTC.
        not_after: last moment, UTC.
    """

    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class PrivacyFacts:
    """Facts about one torrent at one moment.

    Attributes:
        transport: of the swarm, as it was added.
        private: the private bit (BEP 27) in the info dict of the torrent that libtorrent runs. It alone turns off
            distributed hash table, peer exchange and local discovery for this torrent.
        torrent_dht: whether the torrent may use the DHT, from libtorrent's flags of the torrent (private or not).
        torrent_pex: likewise peer exchange (BEP 11).
        torrent_lsd: likewise local discovery (BEP 14).
        session_dht: whether the session runs a DHT node, from its state and its settings.
        session_lsd: whether the session uses local discovery, from its settings.
        authority: validity of the share's authority, which must have issued peers' certificates; None in a plain swarm.
        certificate: likewise of our own certificate.
        listening: the open port of each transport, from libtorrent's alerts.
        connections: number of live connections by encryption, from libtorrent's flags of each.
        trackers: number of tracker URLs that libtorrent announces to.
        web_seeds: number of web servers that libtorrent downloads from.
    """

    transport: Transport
    private: bool
    torrent_dht: bool
    torrent_pex: bool
    torrent_lsd: bool
    session_dht: bool
    session_lsd: bool
    authority: CertificateDates | None
    certificate: CertificateDates | None
    listening: Mapping[Transport, int]
    connections: Mapping[Literal["tls", "mse", "none"], int]
    trackers: int
    web_seeds: int


def collect(
    session: lt.session,
    handle: lt.torrent_handle,
    spec: TorrentSpec,
    listening: Mapping[Transport, int],
) -> PrivacyFacts:
    """Collect the facts about a torrent; blocking.

    Raises:
        NotFound: the torrent was removed in the meantime.
    """
    try:
        return _gather(session, handle, spec, listening)
    except RuntimeError:
        raise NotFound("This torrent is no longer being shared or downloaded") from None


def _gather(
    session: lt.session,
    handle: lt.torrent_handle,
    spec: TorrentSpec,
    listening: Mapping[Transport, int],
) -> PrivacyFacts:
    info = handle.torrent_file()
    assert info is not None
    flags, known = handle.flags(), lt.torrent_flags
    settings = session.get_settings()
    authority, certificate = _dates(spec.credentials)
    return PrivacyFacts(
        transport=spec.transport,
        private=info.priv(),
        torrent_dht=not flags & known.disable_dht,
        torrent_pex=not flags & known.disable_pex,
        torrent_lsd=not flags & known.disable_lsd,
        session_dht=session.is_dht_running() or settings["enable_dht"],
        session_lsd=settings["enable_lsd"],
        authority=authority,
        certificate=certificate,
        listening=listening,
        connections=Counter(peer.encryption for peer in list_peers(handle)),
        trackers=len(handle.trackers()),
        web_seeds=len(handle.url_seeds()),
    )


def _dates(credentials: Credentials | None) -> tuple[CertificateDates | None, CertificateDates | None]:
    if credentials is None:
        return None, None
    return _read_dates(credentials.root_certificate), _read_dates(credentials.leaf_certificate)


def _read_dates(der: bytes) -> CertificateDates:
    certificate = x509.load_der_x509_certificate(der)
    return CertificateDates(certificate.not_valid_before_utc, certificate.not_valid_after_utc)
