"""Envelopes of strangers, impostors and unverified users, made before an attack starts.

Owns the fault of each of them; `tests.envelope.forge` violates single rules of the format, this makes many and large
envelopes that follow it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.agent.homes import Home, fill, seal_manifest, share_of
from tuishare.core.records import ShareRecord
from tuishare.envelope import KeyRecipient, Manifest, Sender, ShareId, Ticket, seal
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.people import User
from tuishare.torrents import bencode
from tuishare.torrents.bencode import Value

EMPTY_FILES: Final = 600_000
"""Of 0 bytes each, in one torrent of 15 MiB."""
_PIECE: Final = 16 * 1024
_PIECES: Final = 1 << 19
_LOCKED_SLOTS: Final = 255
Writer = Callable[[Path, Home, User, int], None]


def write_many_files(folder: Path, stranger: Home, reader: User, count: int) -> None:
    """Write envelopes of 15 MiB with `EMPTY_FILES` empty files each."""
    torrent = _torrent_of_empty_files()
    for number in range(count):
        _put(folder, f"many-{number}", _seal(stranger, _share(folder), reader, torrent))


def write_small(folder: Path, stranger: Home, reader: User, count: int) -> None:
    """Write envelopes that are valid except for their signer."""
    share = _share(folder)
    for number in range(count):
        _put(folder, f"small-{number}", _seal(stranger, share, reader, share.torrent))


def write_damaged(folder: Path, stranger: Home, reader: User, count: int) -> None:
    """Write envelopes with one wrong byte in their body, and truncated ones."""
    whole = _seal(stranger, share := _share(folder), reader, share.torrent)
    for number in range(count):
        damaged = bytearray(whole)
        damaged[-1 - secrets.randbelow(1_000)] ^= 0xFF
        _put(folder, f"damaged-{number}", bytes(damaged[: -number if number % 2 else None]))


def write_locked(folder: Path, stranger: Home, reader: User, count: int) -> None:
    """Write envelopes for `_LOCKED_SLOTS` other recipients: the reader has to try each slot."""
    share = _share(folder)
    ticket = _ticket(share)
    others = [KeyRecipient(secrets.token_bytes(32), ticket) for _ in range(_LOCKED_SLOTS)]
    whole = seal(
        _manifest(share, share.torrent),
        others,
        Sender(stranger.identity.signing_key, stranger.identity.public_key, ticket),
    )
    for number in range(count):
        # Bytes 6 to 38 are the envelope's id: every one is another envelope, and none can be opened.
        _put(folder, f"locked-{number}", whole[:6] + secrets.token_bytes(32) + whole[38:])


def write_waiting(folder: Path, sender: Home, reader: User, count: int) -> None:
    """Write envelopes of 20 MB by an unverified sender."""
    share = _share(folder)
    layer = secrets.token_bytes(32 * _PIECES)
    for number in range(count):
        torrent = _torrent_of_one_file(f"large-{number}.bin", layer)
        _put(folder, f"waiting-{number}", _seal(sender, share, reader, torrent))


def _share(folder: Path) -> ShareRecord:
    """A share to take tickets and authority from; its own content is 1 KiB."""
    payload = fill(folder.parent / "stranger.bin", 1_024)
    return share_of(payload)


def _seal(sender: Home, share: ShareRecord, reader: User, torrent: bytes) -> bytes:
    return seal_manifest(sender, share, reader, torrent=torrent, share_id=ShareId(os.urandom(16)))


def _ticket(share: ShareRecord) -> Ticket:
    return Ticket(bytes(32), share.leaf_certificate or None, share.leaf_key or None)


def _manifest(share: ShareRecord, torrent: bytes) -> Manifest:
    return Manifest(
        share_id=ShareId(os.urandom(16)),
        generation=1,
        created=1,
        not_after=None,
        kind="share",
        transport="tls",
        torrent=torrent,
        root_certificate=share.root_certificate,
        contacts=(),
        announce=(),
        note="",
    )


def _torrent_of_empty_files() -> bytes:
    names = (f"{number:05x}".encode() for number in range(EMPTY_FILES))
    return _torrent(b"many", {name: {b"": {b"length": 0}} for name in names}, {})


def _torrent_of_one_file(name: str, layer: bytes) -> bytes:
    root = _root(layer)
    entry: Value = {b"": {b"length": _PIECE * _PIECES, b"pieces root": root}}
    return _torrent(name.encode(), {name.encode(): entry}, {root: layer})


def _torrent(name: bytes, tree: dict[bytes, Value], layers: dict[bytes, Value]) -> bytes:
    info: dict[bytes, Value] = {
        b"file tree": tree,
        b"meta version": 2,
        b"name": name,
        b"piece length": _PIECE,
        b"private": 1,
    }
    return bencode.encode({b"info": info, b"piece layers": layers})


def _root(layer: bytes) -> bytes:
    """Hash a whole layer, whose length is a power of two, up to its root (BEP 52)."""
    row = list(_pairs(layer))
    while len(row) > 1:
        row = [hashlib.sha256(one + other).digest() for one, other in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def _pairs(layer: bytes) -> Iterator[bytes]:
    return (hashlib.sha256(layer[place : place + 64]).digest() for place in range(0, len(layer), 64))


def _put(folder: Path, name: str, envelope: bytes) -> None:
    (folder / f"{name}{ENVELOPE_SUFFIX}").write_bytes(envelope)
