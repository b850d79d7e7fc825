"""Verification of a payload against the hashes of any torrent.

Owns which files are compared, and in which order. Never writes; `hash_v1` and `hash_v2` do the hashing.
"""

from __future__ import annotations

import msgspec

from tuishare.torrents import bencode
from tuishare.torrents.content import TorrentFile, content_v2
from tuishare.torrents.dict_reader import DictReader
from tuishare.torrents.hash_v1 import hash_v1
from tuishare.torrents.hash_v2 import hash_v2
from tuishare.torrents.hash_workers import IsCancelled, OnProgress
from tuishare.torrents.local_names import AS_IN_TORRENT, LocalNames
from tuishare.torrents.torrent import Torrent, parse_torrent
from tuishare.torrents.walk import Tree, zeros


def is_payload_of(
    data: bytes,
    tree: Tree,
    *,
    progress: OnProgress | None = None,
    cancelled: IsCancelled | None = None,
    partly: bool = False,
    names: LocalNames = AS_IN_TORRENT,
) -> bool:
    """Return whether a tree contains the whole payload of a torrent; additional files are ignored.

    Args:
        data: the .torrent; of a hybrid, the v2 hashes are compared.
        tree: the payload; its name is ignored.
        progress: see `hash_workers.OnProgress`.
        cancelled: see `hash_workers.IsCancelled`.
        partly: whether files may be missing, which requires v2 hashes.
        names: that its files have here.

    Raises:
        BadInput: `data` is not a torrent.
        Changed: the payload has changed since the walk.
        SystemFailed: a file cannot be read.
        Cancelled: `cancelled` returned True.
    """
    torrent = parse_torrent(data)
    info = DictReader.of(bencode.decode(data), "it").fields("info")
    files = names.apply(_files(torrent, info)) if torrent.is_folder else _files(torrent, info)
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
    """Return the files as listed in the version whose hashes are compared."""
    if torrent.version == 2:
        return content_v2(info, torrent.name, torrent.piece_length).files
    return torrent.files


def _choose(tree: Tree, torrent: Torrent, files: tuple[TorrentFile, ...]) -> Tree | None:
    """Return the tree with only the torrent's files, in its order; None if one is missing or has another size.

    Padding files (BEP 47) are zeros, wherever the tree has a file of their name.
    """
    present = {entry.parts if tree.is_folder else (torrent.name,): entry for entry in tree.files}
    found = [zeros(file.size) if "p" in file.attr else present.get(file.parts) for file in files]
    chosen = [entry for entry, file in zip(found, files, strict=True) if entry and entry.size == file.size]
    if tree.is_folder != torrent.is_folder or len(chosen) != len(files):
        return None
    return msgspec.structs.replace(tree, files=tuple(chosen))
