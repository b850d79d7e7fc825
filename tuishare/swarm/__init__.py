"""The BitTorrent engine: swarms that only ticket holders can join.

Owns libtorrent (its only importer): the session, the translation of alerts into events, the certificate authority of
each share, and the guard against resumed TLS sessions. Must not know shares, users, envelopes or where files belong:
callers pass a torrent, a folder and credentials.
"""

from tuishare.config.model import Transport
from tuishare.net.endpoints import Endpoint, parse_endpoint
from tuishare.swarm.certificates import (
    LEAF_LIFETIME,
    Credentials,
    LeafCertificate,
    ShareAuthority,
    TicketExpired,
    TicketNotYetValid,
    check_credentials,
    create_authority,
    validity_end,
)
from tuishare.swarm.dns import resolve_received
from tuishare.swarm.engine import Engine
from tuishare.swarm.event_bus import Subscription
from tuishare.swarm.events import (
    Completed,
    ContactRefused,
    EngineEvent,
    Failed,
    FalseData,
    Peer,
    PeerRefused,
    Progress,
    Progressed,
    State,
    TrackerFailed,
)
from tuishare.swarm.handshakes import Crowd, Usage
from tuishare.swarm.name_choice import choose_names
from tuishare.swarm.port_mapping import MappedPort, PortMapping
from tuishare.swarm.privacy_facts import CertificateDates, PrivacyFacts
from tuishare.swarm.selftest import check_no_resumption
from tuishare.swarm.settings import EngineSettings
from tuishare.swarm.torrent_params import check_spec
from tuishare.swarm.torrent_spec import TorrentSpec

__all__ = [
    "LEAF_LIFETIME",
    "CertificateDates",
    "Completed",
    "ContactRefused",
    "Credentials",
    "Crowd",
    "Endpoint",
    "Engine",
    "EngineEvent",
    "EngineSettings",
    "Failed",
    "FalseData",
    "LeafCertificate",
    "MappedPort",
    "Peer",
    "PeerRefused",
    "PortMapping",
    "PrivacyFacts",
    "Progress",
    "Progressed",
    "ShareAuthority",
    "State",
    "Subscription",
    "TicketExpired",
    "TicketNotYetValid",
    "TorrentSpec",
    "TrackerFailed",
    "Transport",
    "Usage",
    "check_credentials",
    "check_no_resumption",
    "check_spec",
    "choose_names",
    "create_authority",
    "parse_endpoint",
    "resolve_received",
    "validity_end",
]
