"""Creation and renaming of .torrent files: v2 for our own swarms, v1 for any client.

Owns their fields. Reads the payload only through the hashing modules; the caller passes the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, assert_never

from tuishare.errors import BadInput
from tuishare.sanitize import for_display
from tuishare.torrents import bencode
from tuishare.torrents.bencode import Value
from tuishare.torrents.content import has_padding_name
from tuishare.torrents.hash_v1 import hash_v1
from tuishare.torrents.hash_v2 import FileHashes, hash_v2
from tuishare.torrents.hash_workers import IsCancelled, OnProgress
from tuishare.torrents.path_rules import tree_fault
from tuishare.torrents.policy import announce_fault
from tuishare.torrents.torrent import parse_torrent
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS, MAX_PIECE_LENGTH, MIN_PIECE_LENGTH, SALT_BYTES
from tuishare.torrents.walk import FileEntry, Tree

Version = Literal[1, 2]

_MOST_PIECES = 32_768
_LEAST_DEFAULT = 256 * 1024
_MOST_BYTES = 24 * 1024 * 1024
"""Maximum size of a torrent we make: its envelope with 1,024 slots and padding is still below 32 MiB."""

_HASH_BYTES: dict[Version, int] = {1: 20, 2: 32}


def default_piece_length(total: int) -> int:
    """Return the piece length for a payload of `total` bytes.

    256 KiB, doubled while there would be more than 32,768 pieces, but never above `MAX_PIECE_LENGTH`.
    """
    length = _LEAST_DEFAULT
    while -(-total // length) > _MOST_PIECES and length < MAX_PIECE_LENGTH:
        length *= 2
    return length


def make_torrent(
    tree: Tree,
    *,
    version: Version,
    piece_length: int | None = None,
    announce: Sequence[Sequence[str]] = (),
    progress: OnProgress | None = None,
    cancelled: IsCancelled | None = None,
    created: int | None = None,
    salt: bytes = b"",
) -> bytes:
    """Hash a payload and return its complete .torrent, marked private (BEP 27).

    The same tree, version, piece length and salt always give the same info-hash. In both versions, files are in the
    order of a v2 file tree; torf does the same, mktorrent differs only for a folder and a file whose name extends the
    folder's with a character below ``/`` (``a/`` and ``a.txt``).

    Args:
        tree: the payload; its name becomes that of the torrent.
        version: 1 (BEP 3) or 2 (BEP 52).
        piece_length: bytes; `default_piece_length` if None.
        announce: tiers of tracker URLs (BEP 12), taken as given.
        progress: see `hash_workers.OnProgress`.
        cancelled: see `hash_workers.IsCancelled`.
        created: creation date in seconds since the epoch, or None.
        salt: 16 bytes that make the info-hash unguessable even for known content; empty: none.

    Raises:
        BadInput: a piece length or URL is invalid, or the version cannot represent the payload.
        Changed: the payload has changed since the walk.
        SystemFailed: a file cannot be read.
        Cancelled: `cancelled` returned True.
    """
    _check_announce(announce)
    if len(salt) not in {0, SALT_BYTES}:
        raise BadInput(f"The salt of a torrent has {SALT_BYTES} bytes")
    length = default_piece_length(tree.total_size) if piece_length is None else piece_length
    _check_piece_length(length, tree.total_size, version)
    top = _top(announce, created)
    match version:
        case 1:
            _check_padding_names(tree)
            info = _info_v1(tree, length, hash_v1(tree, length, progress=progress, cancelled=cancelled))
        case 2:
            _check_expressible(tree)
            hashes = hash_v2(tree, length, progress=progress, cancelled=cancelled)
            info = _info_v2(tree, length, hashes)
            top[b"piece layers"] = {file.root: file.layer for file in hashes if file.layer}
        case _:
            assert_never(version)
    if salt:
        info[b"salt"] = salt
    top[b"info"] = info
    data = bencode.encode(top)
    if len(data) > _MOST_BYTES:
        raise BadInput(f"The torrent of “{tree.name}” would be too large", hint="Share the folder in parts.")
    return data


def _check_announce(announce: Sequence[Sequence[str]]) -> None:
    for tier in announce:
        for url in tier:
            if fault := announce_fault(url):
                raise BadInput(
                    f"A tracker URL {fault}", hint="For example https://tracker.example.org/announce"
                )


def _check_piece_length(length: int, total: int, version: Version) -> None:
    if length.bit_count() != 1 or not MIN_PIECE_LENGTH <= length <= MAX_PIECE_LENGTH:
        raise BadInput(
            f"A piece length of {length} bytes is not possible",
            hint="Use a power of two from 16 KiB to 64 MiB.",
        )
    if -(-total // length) * _HASH_BYTES[version] > _MOST_BYTES:
        raise BadInput(
            f"A piece length of {length} bytes makes too many pieces",
            hint="Use a larger one, or the default.",
        )


def _check_expressible(tree: Tree) -> None:
    """Refuse a folder whose only entry is a file of the same name: v2 torrents cannot distinguish it from that file."""
    if tree.is_folder and [entry.parts for entry in tree.files] == [(tree.name,)]:
        raise BadInput(
            f"The folder “{tree.name}” has only a file of the same name, which would arrive without its folder",
            hint="Rename one of them, or share the file itself.",
        )


def _check_padding_names(tree: Tree) -> None:
    for entry in tree.files:
        if has_padding_name(tree.name, entry.parts):
            raise BadInput(
                f"Other programs would take “{for_display('/'.join(entry.parts))}” for padding and never write it",
                hint="Rename or remove it.",
            )


def _top(announce: Sequence[Sequence[str]], created: int | None) -> dict[bytes, Value]:
    top: dict[bytes, Value] = {b"created by": b"tuishare"}
    if created is not None:
        top[b"creation date"] = created
    tiers = [[url.encode() for url in tier] for tier in announce if tier]
    if tiers:
        top[b"announce"] = tiers[0][0]
    if sum(map(len, tiers)) > 1:
        top[b"announce-list"] = [[*tier] for tier in tiers]
    return top


def _info_v1(tree: Tree, piece_length: int, pieces: bytes) -> dict[bytes, Value]:
    info: dict[bytes, Value] = {
        b"name": tree.name.encode(),
        b"piece length": piece_length,
        b"pieces": pieces,
        b"private": 1,
    }
    if tree.is_folder:
        info[b"files"] = [_file_v1(entry) for entry in tree.files]
    else:
        info[b"length"] = tree.total_size
    return info


def _file_v1(entry: FileEntry) -> Value:
    path: list[Value] = [part.encode() for part in entry.parts]
    return {b"length": entry.size, b"path": path}


def _info_v2(tree: Tree, piece_length: int, hashes: list[FileHashes]) -> dict[bytes, Value]:
    return {
        b"file tree": _file_tree(tree, hashes),
        b"meta version": 2,
        b"name": tree.name.encode(),
        b"piece length": piece_length,
        b"private": 1,
    }


def _file_tree(tree: Tree, hashes: list[FileHashes]) -> dict[bytes, Value]:
    top: dict[bytes, Value] = {}
    folders: dict[tuple[str, ...], dict[bytes, Value]] = {(): top}
    for entry, file in zip(tree.files, hashes, strict=True):
        about: dict[bytes, Value] = {b"length": entry.size}
        if file.root:
            about[b"pieces root"] = file.root
        _folder(folders, entry.parts[:-1])[entry.parts[-1].encode()] = {b"": about}
    return top


def _folder(folders: dict[tuple[str, ...], dict[bytes, Value]], parts: tuple[str, ...]) -> dict[bytes, Value]:
    """Return the folder at `parts`; create it and its parents if necessary."""
    known = folders.get(parts)
    if known is None:
        known = folders[parts] = {}
        _folder(folders, parts[:-1])[parts[-1].encode()] = known
    return known


def rename_torrent(data: bytes, name: str) -> bytes:
    """Return the torrent of the same payload under another name, without hashing again; its info-hash differs.

    Args:
        data: a .torrent of ours.
        name: the new name of the file or folder.

    Raises:
        BadInput: `data` is not a torrent, or recipients would refuse the name.
    """
    torrent = parse_torrent(data)
    top = bencode.decode(data)
    assert isinstance(top, dict)  # it parsed
    info = top[b"info"]
    assert isinstance(info, dict)
    old, new = torrent.name.encode(), name.encode()
    info[b"name"] = new
    parts = [file.parts for file in torrent.files]
    if not torrent.is_folder:
        parts = [(name,)]
        tree = info.get(b"file tree")
        if isinstance(tree, dict):  # BEP 52: a single file is in the tree under the torrent's name
            tree[new] = tree.pop(old)
    if fault := tree_fault(name, parts, DEFAULT_LIMITS):
        raise BadInput(f"The payload cannot have that name: {fault}", hint="Choose another name.")
    return bencode.encode(top)
