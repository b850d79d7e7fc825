"""Which files of a download its owner wants.

Owns what may be chosen and what follows for sizes and files. Must not know the engine or the store: whoever calls
records the choice first and has the engine keep to it then.
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
    """Whether files of a download can still be left out: the payload has no place yet."""
    return not record.step.has_all_data and not record.path


def choose(record: DownloadRecord, data: bytes, unwanted: Collection[int]) -> DownloadRecord:
    """The same download without some of its files, which are numbered from 0 in the torrent's order. Blocking.

    Args:
        record: of the download.
        data: its torrent.
        unwanted: the numbers.

    Raises:
        Refused: it is complete, or its files cannot be fetched one by one.
        BadInput: there is no file of such a number, or nothing would be left.
    """
    if not can_choose(record):
        raise Refused(
            "It is complete, so there is nothing to choose any more",
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
    """Remove what had arrived of files before their owner gave them up, so that only whole ones are delivered.

    Also done when a crash has interrupted it. Blocking.

    Args:
        record: of the download.
        data: its torrent; not looked at where everything is wanted.
        payload: the folder that it has grown in; nobody else can put links into it.
    """
    files = parse_torrent(data).files if record.unwanted else ()
    for number in record.unwanted:
        path = payload.joinpath(*files[number].parts)
        path.unlink(missing_ok=True)
        _remove_empty(path.parent, payload)


def _remove_empty(folder: Path, payload: Path) -> None:
    """Remove a folder that holds nothing any more, and those around it likewise."""
    with contextlib.suppress(OSError):  # not empty, or not there
        while folder != payload:
            folder.rmdir()
            folder = folder.parent
