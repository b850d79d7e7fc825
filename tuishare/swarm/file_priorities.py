"""Selection of a torrent's files to download, and the progress of each file.

Owns the translation between our file indices and libtorrent's, which include padding files. Only v2 torrents can be
downloaded in part: there each file starts a new piece, so nothing of an unwanted file is requested, and no part file is
created, which later resume data would miscount.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tuishare.errors import BadInput
from tuishare.swarm.libtorrent_loader import lt

_SKIP = 0
_DEFAULT = 4


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of a torrent to download.

    Attributes:
        priorities: for libtorrent, one per file, padding files included; empty if all files are wanted.
        total: wanted bytes.
        unwanted_pieces: indices of the pieces without wanted data.
    """

    priorities: tuple[int, ...]
    total: int
    unwanted_pieces: frozenset[int]


def select(info: lt.torrent_info, unwanted: Collection[int]) -> Selection:
    """Return the selection without the files at the given indices.

    Raises:
        BadInput: an index is out of range, no data would be left, or the torrent is v1.
    """
    if not unwanted:
        return Selection((), info.total_size(), frozenset())
    layout, places = info.layout(), list_places(info.layout())
    if not info.info_hashes().has_v2():
        raise BadInput("Single files cannot be chosen from a v1 torrent")
    if not set(unwanted) <= set(range(len(places))):
        raise BadInput("The torrent has no file with that number")
    skipped = {places[number] for number in unwanted}
    total = sum(layout.file_size(place) for place in places if place not in skipped)
    if not total:
        raise BadInput("Without these files, nothing of the torrent is left")
    return Selection(
        priorities=tuple(_SKIP if place in skipped else _DEFAULT for place in range(layout.num_files())),
        total=total,
        unwanted_pieces=frozenset(piece for place in skipped for piece in _pieces(layout, place)),
    )


def measure_files(handle: lt.torrent_handle) -> tuple[int, ...]:
    """Return the verified bytes of each file, in the torrent's order; blocking."""
    info = handle.torrent_file()
    if info is None:
        return ()
    done = handle.file_progress(lt.file_progress_flags_t.piece_granularity)
    return tuple(done[place] for place in list_places(info.layout()))


def list_places(layout: lt.file_storage) -> list[int]:
    """Return libtorrent's indices of the files that are not padding."""
    padding = int(lt.file_flags_t.flag_pad_file)
    return [place for place in range(layout.num_files()) if not layout.file_flags(place) & padding]


def _pieces(layout: lt.file_storage, place: int) -> range:
    first, length = layout.file_offset(place), layout.piece_length()
    return range(first // length, -(-(first + layout.file_size(place)) // length))
