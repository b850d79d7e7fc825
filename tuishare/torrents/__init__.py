"""What is shared: the payload on disk, the .torrent made of it, and which torrents of others we accept.

Owns walking and hashing files, building and parsing metainfo, and the policy. Keeps no state, uses no network, reads no
clock and never writes; must not import libtorrent.
"""

from tuishare.torrents.announce import announce_fault
from tuishare.torrents.content import TorrentFile
from tuishare.torrents.cost import BLOCK, Cost, cost_of
from tuishare.torrents.faults import Cancelled, Changed, TooLarge
from tuishare.torrents.limits import DEFAULT_LIMITS, UNVERIFIED_LIMITS, Limits
from tuishare.torrents.metainfo import Version, default_piece_length, make_torrent
from tuishare.torrents.names import Parts
from tuishare.torrents.policy import Transport, accept
from tuishare.torrents.pool import IsCancelled, Progress
from tuishare.torrents.renaming import rename_torrent
from tuishare.torrents.torrent import InfoHash, Torrent, parse_torrent
from tuishare.torrents.verifying import is_payload_of
from tuishare.torrents.walk import FileEntry, Ignore, Skipped, Tree, walk

__all__ = [
    "BLOCK",
    "DEFAULT_LIMITS",
    "UNVERIFIED_LIMITS",
    "Cancelled",
    "Changed",
    "Cost",
    "FileEntry",
    "Ignore",
    "InfoHash",
    "IsCancelled",
    "Limits",
    "Parts",
    "Progress",
    "Skipped",
    "TooLarge",
    "Torrent",
    "TorrentFile",
    "Transport",
    "Tree",
    "Version",
    "accept",
    "announce_fault",
    "cost_of",
    "default_piece_length",
    "is_payload_of",
    "make_torrent",
    "parse_torrent",
    "rename_torrent",
    "walk",
]
