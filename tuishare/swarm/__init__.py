"""How payload moves: BitTorrent swarms that only ticket holders can join.

Owns libtorrent (its only importer): the session, its alerts turned into frozen events, the certificate authority of
each share, and the guard against resumed TLS sessions. Must not know shares, users, envelopes or where files belong;
it is told a torrent, a folder and credentials.
"""

from tuishare.net.endpoints import Endpoint, parse_endpoint
from tuishare.swarm.admission import check_assignment
from tuishare.swarm.assignment import Assignment, Transport
from tuishare.swarm.authority import (
    LEAF_LIFETIME,
    Credentials,
    Leaf,
    ShareAuthority,
    check_credentials,
    create_authority,
    validity_end,
)
from tuishare.swarm.engine import Engine
from tuishare.swarm.events import (
    Completed,
    ContactRefused,
    Event,
    Failed,
    FalseData,
    Peer,
    PeerRefused,
    Progress,
    Progressed,
    State,
    TrackerFailed,
)
from tuishare.swarm.evidence import CertificateDates, Evidence
from tuishare.swarm.handshakes import Crowd, Usage
from tuishare.swarm.reachability import MappedPort, PortMapping
from tuishare.swarm.resolution import resolve_received
from tuishare.swarm.selftest import prove_no_resumption
from tuishare.swarm.settings import EngineSettings
from tuishare.swarm.subscription import Subscription

__all__ = [
    "LEAF_LIFETIME",
    "Assignment",
    "CertificateDates",
    "Completed",
    "ContactRefused",
    "Credentials",
    "Crowd",
    "Endpoint",
    "Engine",
    "EngineSettings",
    "Event",
    "Evidence",
    "Failed",
    "FalseData",
    "Leaf",
    "MappedPort",
    "Peer",
    "PeerRefused",
    "PortMapping",
    "Progress",
    "Progressed",
    "ShareAuthority",
    "State",
    "Subscription",
    "TrackerFailed",
    "Transport",
    "Usage",
    "check_assignment",
    "check_credentials",
    "create_authority",
    "parse_endpoint",
    "prove_no_resumption",
    "resolve_received",
    "validity_end",
]
