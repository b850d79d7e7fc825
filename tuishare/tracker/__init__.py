"""The agent's tracker, which answers members only, and the relay for our own announces.

Owns the tracker (passkeys, peers, http and https listeners, its certificate) and the relay through which libtorrent
announces. Must not know shares beyond their ids, envelopes, libtorrent or deliveries.
"""

from tuishare.tracker.certificate import TrackerCertificate, load_certificate
from tuishare.tracker.limits import TrackerLimits
from tuishare.tracker.peers import AnnounceEvent, PeerAnnounced, PeerPresence, SeedAddress
from tuishare.tracker.relay import Relay
from tuishare.tracker.server import TrackerServer
from tuishare.tracker.tracker import AnnounceRejected, Tracker

__all__ = [
    "AnnounceEvent",
    "AnnounceRejected",
    "PeerAnnounced",
    "PeerPresence",
    "Relay",
    "SeedAddress",
    "Tracker",
    "TrackerCertificate",
    "TrackerLimits",
    "TrackerServer",
    "load_certificate",
]
