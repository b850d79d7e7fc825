"""The choice of files: which files of a download the user wants.

Owns what may be chosen, and what follows for sizes and files. Must not know the engine or the store: the caller records
the choice first and applies it to the engine then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from tuishare.core.records import DownloadRecord
from tuishare.errors import BadInput, Refused
from tuishare.torrents import cost_of, parse_torrent


def can_choose(record: DownloadRecord) -> bool:
    """Return whether files of a download can still be left out: it has neither all data nor a place."""
    return not record.step.has_all_data and not record.path


def choose(record: DownloadRecord, data: bytes, unwanted: Collection[int]) -> DownloadRecord:
    """Return a download without some of its files. Blocking.

    Args:
        record: of the download.
        data: its torrent.
        unwanted: the numbers of files, from 0 in the torrent's order.

    Raises:
        Refused: it is complete, or its files cannot be fetched one by one.
        BadInput: there is no file with such a number, or nothing would be left.
    """
    if not can_choose(record):
        raise Refused(
            "It is complete, so there is nothing left to choose",
            hint="Ask the sender to share it again if you need what you left out.",
        )
    torrent = parse_torrent(data)
    if len(torrent.files) == 1:
        raise Refused("It is one file, so there is nothing to choose", hint="`tuishare forget` stops it.")
    if torrent.version == 1:
        raise Refused("Its files cannot be fetched one by one: it is a torrent of the old kind, v1")
    numbers = frozenset(unwanted)
    if not numbers <= set(range(len(torrent.files))):
        raise BadInput(f"Its files have the numbers from 0 to {len(torrent.files) - 1}")
    if all(file.size == 0 or number in numbers for number, file in enumerate(torrent.files)):
        raise BadInput("Nothing would be left to download", hint="`tuishare forget` stops it.")
    cost = cost_of(torrent, numbers)
    return replace(record, unwanted=tuple(sorted(numbers)), cost=cost.size, entries=cost.entries)


def drop_unwanted(record: DownloadRecord, data: bytes, payload: Path) -> None:
    """Remove what had arrived of unwanted files, so that only whole ones are delivered. Blocking.

    Doing it again after a crash finishes it.

    Args:
        record: of the download.
        data: its torrent; not read where all files are wanted.
        payload: the folder that it was downloaded to, which is private.
    """
    files = parse_torrent(data).files if record.unwanted else ()
    for number in record.unwanted:
        path = payload.joinpath(*files[number].parts)
        path.unlink(missing_ok=True)
        _remove_empty(path.parent, payload)


def _remove_empty(folder: Path, payload: Path) -> None:
    """Remove a folder that is empty, and those around it that are empty then."""
    with contextlib.suppress(OSError):  # not empty, or not there
        while folder != payload:
            folder.rmdir()
            folder = folder.parent
