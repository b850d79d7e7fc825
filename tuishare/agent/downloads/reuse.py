"""Reuse: files that a new generation of a download has in common with the one before.

Owns finding the files that did not change and copying them to where the engine finds and verifies them, so that only
the rest is sent again. Two files are equal if BEP 52 gives them the same root and length; a v1 torrent has no hashes of
single files, so none of them is reused. Blocking: call it on a thread. Must not change the old payload.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tuishare.torrents import Torrent, TorrentFile

_AT_ONCE: Final = 1 << 30


def reuse_unchanged_files(old: Torrent, payload: Path, new: Torrent, staging: Path) -> int:
    """Copy unchanged files of the old payload to the staging folder of the new one.

    They are copied, not linked: the engine may write to what it finds there, and the old payload must stay whole until
    the new one replaces it. On file systems that share blocks between files (btrfs, XFS) a copy costs nothing.

    Args:
        old: the torrent of `payload`.
        payload: the file or folder as it was delivered; what the user has changed fails verification.
        new: the torrent to be downloaded.
        staging: the folder that the engine will write into.

    Returns:
        Bytes that were copied.
    """
    known = {_content(file): file for file in old.files if file.root}
    taken = 0
    for file in new.files:
        same = known.get(_content(file)) if file.root else None
        if same is not None and _copy(_place(old, payload, same), _place(new, staging / new.name, file)):
            taken += file.size
    return taken


def _content(file: TorrentFile) -> tuple[bytes, int]:
    return file.root, file.size


def _place(torrent: Torrent, payload: Path, file: TorrentFile) -> Path:
    return payload.joinpath(*file.parts) if torrent.is_folder else payload


def _copy(source: Path, target: Path) -> bool:
    """Copy one regular file to a free name; a file that cannot be copied is downloaded."""
    if os.path.lexists(target) or source.is_symlink() or not source.is_file():
        return False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as reader, target.open("xb") as writer:
            # The call that lets a file system share blocks; shutil does not use it in Python 3.11.
            while os.copy_file_range(reader.fileno(), writer.fileno(), _AT_ONCE):
                pass
    except OSError:
        target.unlink(missing_ok=True)
        return False
    return True
