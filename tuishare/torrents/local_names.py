"""The names that a payload has on this disk, where that does not take those of its torrent.

Owns the mapping only: each file of a torrent has exactly one place, so it can be undone. Must not choose names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from tuishare.torrents.content import TorrentFile
from tuishare.torrents.path_rules import Parts
from tuishare.torrents.torrent import Torrent


class LocalNames(msgspec.Struct, frozen=True):
    """Names of one payload.

    Attributes:
        name: of the file or folder itself; empty: that of the torrent.
        files: for a folder, paths below it that are not those of the torrent, by the path in the torrent; components
            are joined by ``/``.
    """

    name: str = ""
    files: Mapping[str, str] = {}

    def path_of(self, parts: Parts) -> Parts:
        """Return the path of a file below the payload."""
        here = self.files.get("/".join(parts))
        return parts if here is None else tuple(here.split("/"))

    def apply(self, files: Iterable[TorrentFile]) -> tuple[TorrentFile, ...]:
        """Return files of a torrent with the paths that they have here."""
        if not self.files:
            return tuple(files)
        return tuple(msgspec.structs.replace(file, parts=self.path_of(file.parts)) for file in files)


AS_IN_TORRENT = LocalNames()


def localize(torrent: Torrent, names: LocalNames) -> Torrent:
    """Return a torrent as its payload is on this disk; its info-hash stays that of the swarm."""
    name = names.name or torrent.name
    files = names.apply(torrent.files)
    if not torrent.is_folder:
        files = tuple(msgspec.structs.replace(file, parts=(name,)) for file in files)
    return msgspec.structs.replace(torrent, name=name, files=files)
