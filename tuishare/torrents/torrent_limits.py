"""Limits of torrents, our own and received ones.

Owns one set of numbers for both directions: we make no torrent that we would refuse.
"""

from __future__ import annotations

import msgspec

MIN_PIECE_LENGTH = 16 * 1024
"""Bytes; one block of BEP 52, the minimum for v2."""

MAX_PIECE_LENGTH = 64 * 1024 * 1024
"""Bytes; libtorrent accepts up to 256 MiB, but keeps each piece in memory until it is hashed."""

SALT_BYTES = 16
"""Size of the field ``salt`` in the info dictionary of our torrents; other clients ignore it."""


class TorrentLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits checked before a torrent is used.

    Attributes:
        max_torrent_bytes: size of the bencoded torrent.
        max_values: bencoded values without dictionary keys. A v2 file has four, a folder one, which leaves 600,000
            for folders. Each takes about 100 bytes of memory.
        max_files: number of files.
        max_folders: number of folders, the torrent's own included; each takes an inode and a block.
        max_total_size: bytes of payload.
        max_component_bytes: UTF-8 bytes of one file or folder name, as many as Linux allows.
        max_path_bytes: UTF-8 bytes of a path inside the torrent, its name included; leaves 512 of Linux's 4,096 to
            the downloads folder.
        max_depth: components of a path, the torrent's name included.
    """

    max_torrent_bytes: int = 32 * 1024 * 1024
    max_values: int = 1_000_000
    max_files: int = 100_000
    max_folders: int = 100_000
    max_total_size: int = 16 * 1024**4
    max_component_bytes: int = 255
    max_path_bytes: int = 3_584
    max_depth: int = 64


DEFAULT_LIMITS = TorrentLimits()

UNVERIFIED_LIMITS = TorrentLimits(max_torrent_bytes=4 * 1024 * 1024, max_values=100_000, max_files=10_000)
"""For envelopes of unverified signers: about 0.2 s of work. The default applies once the signer is verified."""
