"""The bounds inside which a torrent may live, ours or a stranger's.

One set of numbers for both directions: what we would not accept we do not make either.
"""

from __future__ import annotations

import msgspec

MIN_PIECE_LENGTH = 16 * 1024
"""Bytes; one block of BEP 52, the least a v2 torrent may use."""

MAX_PIECE_LENGTH = 64 * 1024 * 1024
"""Bytes; libtorrent loads up to 256 MiB, but every piece is held in memory until its hash is known."""

SALT_BYTES = 16
"""Of the field ``salt`` that our torrents carry in their info dictionary; other clients pay no heed to it."""


class TorrentLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds checked before anything is done with a torrent.

    Attributes:
        max_torrent_bytes: length of the bencoded torrent.
        max_values: bencoded values in it, dictionary keys aside. A v2 file has four, a folder one; so 600,000 are left
            for folders. Each takes some 100 bytes once it is read.
        max_files: number of files.
        max_folders: number of folders, the torrent's own included; each takes an inode and a block of the disk.
        max_total_size: bytes of payload.
        max_component_bytes: UTF-8 bytes of one file or folder name. A Linux name may have 255, but libtorrent cuts
            names above 240 and would then write another file than the one that was announced.
        max_path_bytes: UTF-8 bytes of a path inside the torrent, its name included; leaves 512 of Linux's 4,096 to
            the folder that downloads go to.
        max_depth: components of a path, the torrent's name included.
    """

    max_torrent_bytes: int = 32 * 1024 * 1024
    max_values: int = 1_000_000
    max_files: int = 100_000
    max_folders: int = 100_000
    max_total_size: int = 16 * 1024**4
    max_component_bytes: int = 240
    max_path_bytes: int = 3_584
    max_depth: int = 64


DEFAULT_LIMITS = TorrentLimits()

UNVERIFIED_LIMITS = TorrentLimits(max_torrent_bytes=4 * 1024 * 1024, max_values=100_000, max_files=10_000)
"""For a torrent whose signer nobody has verified: some 0.2 s of work; more of it is read once they are verified."""
