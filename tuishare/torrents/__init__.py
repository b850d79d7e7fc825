"""Torrents: the payload on disk, the .torrent made from it, and the policy for received torrents.

Owns walking and hashing files, building and parsing metainfo, and the policy. Must not keep state, write files, use the
network, read a clock or import libtorrent.
"""

from tuishare.config.model import Transport
from tuishare.torrents.content import TorrentFile
from tuishare.torrents.disk_cost import BLOCK, DiskCost, cost_of
from tuishare.torrents.errors import Cancelled, Changed, TooLarge
from tuishare.torrents.foreign import canonical_torrent
from tuishare.torrents.hash_workers import IsCancelled, OnProgress
from tuishare.torrents.local_names import AS_IN_TORRENT, LocalNames, localize
from tuishare.torrents.metainfo import Version, default_piece_length, make_torrent, rename_torrent
from tuishare.torrents.path_rules import Parts
from tuishare.torrents.policy import accept, announce_fault
from tuishare.torrents.torrent import InfoHash, Torrent, parse_torrent
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS, UNVERIFIED_LIMITS, TorrentLimits
from tuishare.torrents.verify import is_payload_of
from tuishare.torrents.walk import FileEntry, Ignore, Skipped, Tree, walk

__all__ = [
    "AS_IN_TORRENT",
    "BLOCK",
    "DEFAULT_LIMITS",
    "UNVERIFIED_LIMITS",
    "Cancelled",
    "Changed",
    "DiskCost",
    "FileEntry",
    "Ignore",
    "InfoHash",
    "IsCancelled",
    "LocalNames",
    "OnProgress",
    "Parts",
    "Skipped",
    "TooLarge",
    "Torrent",
    "TorrentFile",
    "TorrentLimits",
    "Transport",
    "Tree",
    "Version",
    "accept",
    "announce_fault",
    "canonical_torrent",
    "cost_of",
    "default_piece_length",
    "is_payload_of",
    "localize",
    "make_torrent",
    "parse_torrent",
    "rename_torrent",
    "walk",
]
