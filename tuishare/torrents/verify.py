"""Compares a payload with the hashes of a torrent, whoever made that one.

Owns which files are compared and in which order they are read. Never writes; the hashing itself is that of `layers`
and `pieces`.
"""

from __future__ import annotations

import msgspec

from tuishare.errors import BadInput
from tuishare.torrents import bencode
from tuishare.torrents.content import TorrentFile, content_v2
from tuishare.torrents.dict_reader import DictReader
from tuishare.torrents.hash_v1 import hash_v1
from tuishare.torrents.hash_v2 import hash_v2
from tuishare.torrents.hash_workers import IsCancelled, Progress
from tuishare.torrents.torrent import Torrent, parse_torrent
from tuishare.torrents.walk import Tree


def is_payload_of(
    data: bytes,
    tree: Tree,
    *,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    partly: bool = False,
) -> bool:
    """Say whether a tree holds every byte that a torrent describes; further files do not matter.

    Args:
        data: the .torrent; of a hybrid its v2 half is compared.
        tree: the payload; its own name does not matter.
        progress: see `pool.Progress`.
        cancelled: see `pool.IsCancelled`.
        partly: whether files may be missing; only a torrent with v2 hashes can be compared then, file by file.

    Raises:
        BadInput: it is no torrent, or has padding files (BEP 47) without being a hybrid.
        Changed: the payload is not, or no longer, what the walk saw.
        SystemFailed: a file cannot be read.
        Cancelled: `cancelled` said so.
    """
    torrent = parse_torrent(data)
    info = DictReader.of(bencode.decode(data), "it").fields("info")
    files = _files(torrent, info)
    if partly and torrent.version == 2:
        present = {entry.parts if tree.is_folder else (torrent.name,) for entry in tree.files}
        files = tuple(file for file in files if file.parts in present)
    chosen = _choose(tree, torrent, files)
    if chosen is None:
        return False
    length = torrent.piece_length
    if torrent.version == 1:
        return hash_v1(chosen, length, progress=progress, cancelled=cancelled) == info.octets("pieces")
    hashes = hash_v2(chosen, length, progress=progress, cancelled=cancelled)
    return [file.root for file in hashes] == [file.root for file in files]


def _files(torrent: Torrent, info: DictReader) -> tuple[TorrentFile, ...]:
    """Return the files in the form that has the hashes."""
    if torrent.version == 2:
        return content_v2(info, torrent.name, torrent.piece_length).files
    if any("p" in file.attr for file in torrent.files):
        raise BadInput(
            "The torrent has padding files, which cannot be compared",
            hint="Make it without them, or a v2 one.",
        )
    return torrent.files


def _choose(tree: Tree, torrent: Torrent, files: tuple[TorrentFile, ...]) -> Tree | None:
    """Return the tree with just the files of a torrent in its order; None if one is missing or has another size."""
    present = {entry.parts if tree.is_folder else (torrent.name,): entry for entry in tree.files}
    found = [present.get(file.parts) for file in files]
    chosen = [entry for entry, file in zip(found, files, strict=True) if entry and entry.size == file.size]
    if tree.is_folder != torrent.is_folder or len(chosen) != len(files):
        return None
    return msgspec.structs.replace(tree, files=tuple(chosen))
