"""The disk space and inodes that a payload needs.

Owns the rule by which quotas, free space and approvals are computed. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from tuishare.torrents.path_rules import Parts
from tuishare.torrents.torrent import Torrent

BLOCK: Final = 4096
"""Block size of ext4, XFS, btrfs and tmpfs in bytes, and about the cost of an inode with its name."""


class DiskCost(NamedTuple):
    """Disk space used or needed.

    Attributes:
        size: bytes of disk space.
        entries: files and folders, each an inode.
    """

    size: int = 0
    entries: int = 0


def cost_of(torrent: Torrent, unwanted: Collection[int] = ()) -> DiskCost:
    """Return the disk cost of a torrent's payload: each file in whole blocks, and a block per file and folder.

    Args:
        torrent: of the payload.
        unwanted: indices of the files that are not downloaded.
    """
    left_out = frozenset(unwanted)
    folders: set[Parts] = {()} if torrent.is_folder else set()
    size = files = 0
    for number, file in enumerate(torrent.files):
        if number in left_out:
            continue
        files += 1
        size += whole_blocks(file.size)
        above = file.parts[:-1]
        while above not in folders and above:
            folders.add(above)
            above = above[:-1]
    entries = files + len(folders)
    return DiskCost(size + entries * BLOCK, entries)


def whole_blocks(size: int) -> int:
    """Round a number of bytes up to whole blocks."""
    return -(-size // BLOCK) * BLOCK
