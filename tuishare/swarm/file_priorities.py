"""Which files of a torrent are fetched, and how much of each is here.

Owns the translation between our numbers, which count the files of the torrent, and libtorrent's, which count its
padding as well. Only v2 torrents can be fetched in part: there each file begins with a piece of its own, so nothing of
an unwanted file is ever asked for, and no part file comes into being that later resume data would miscount.
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
    """What is to be fetched of a torrent.

    Attributes:
        priorities: libtorrent's, one per file with padding; empty where everything is wanted.
        total: bytes that are wanted.
        unwanted_pieces: the numbers of the pieces that hold nothing wanted.
    """

    priorities: tuple[int, ...]
    total: int
    unwanted_pieces: frozenset[int]


def select(info: lt.torrent_info, unwanted: Collection[int]) -> Selection:
    """Work out what is left of a torrent without some of its files, which are numbered in its order.

    Raises:
        BadInput: there is no file of such a number, nothing would be left, or the torrent is a v1 one.
    """
    if not unwanted:
        return Selection((), info.total_size(), frozenset())
    layout, places = info.layout(), _places(info.layout())
    if not info.info_hashes().has_v2():
        raise BadInput("Single files cannot be chosen from a v1 torrent")
    if not set(unwanted) <= set(range(len(places))):
        raise BadInput("The torrent has no file of that number")
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
    """Return the verified bytes of each file that are here, in the torrent's order. Blocking."""
    info = handle.torrent_file()
    if info is None:
        return ()
    done = handle.file_progress(lt.file_progress_flags_t.piece_granularity)
    return tuple(done[place] for place in _places(info.layout()))


def _places(layout: lt.file_storage) -> list[int]:
    """Where libtorrent lists the files that are none of its padding."""
    padding = int(lt.file_flags_t.flag_pad_file)
    return [place for place in range(layout.num_files()) if not layout.file_flags(place) & padding]


def _pieces(layout: lt.file_storage, place: int) -> range:
    first, length = layout.file_offset(place), layout.piece_length()
    return range(first // length, -(-(first + layout.file_size(place)) // length))
