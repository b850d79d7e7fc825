"""Strict parsing of .torrent files, including fields that the policy refuses.

Owns the format, not the policy: hostile names, links and foreign trackers parse, so that `policy` can name them in its
refusal. Nothing is repaired.
"""

from __future__ import annotations

from hashlib import sha1, sha256
from typing import Literal, NewType

import msgspec

from tuishare.torrents import bencode
from tuishare.torrents.content import Content, TorrentFile, content_v1, content_v2, verify_layers
from tuishare.torrents.dict_reader import DictReader, malformed, text, texts
from tuishare.torrents.errors import TooLarge
from tuishare.torrents.path_rules import Parts
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS, TorrentLimits

InfoHash = NewType("InfoHash", str)
"""Lower-case hexadecimal: 40 digits for v1 (SHA-1), 64 for v2 (SHA-256)."""


class Torrent(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a .torrent.

    Attributes:
        name: of the file or folder.
        version: 1 or 2; a hybrid is 2.
        is_hybrid: whether it describes the same files in both versions.
        info_hash: in the form of `version`.
        info_hash_v1: also for a hybrid; None for pure v2.
        piece_length: bytes.
        piece_count: pieces of all files; in v2 each file starts a new piece.
        files: in the order of the torrent.
        is_folder: whether `name` is a folder. Caution: for a v2 folder with a single file, libtorrent omits the
            folder (`file_path(0)` is just the file) unless `renamed_files` is set.
        private: whether `private` is 1 (BEP 27).
        salt: makes the info-hash of our torrents unguessable; may be empty.
        announce: tiers of tracker URLs (BEP 12).
        web_seeds: URLs of `url-list` (BEP 19) and `httpseeds` (BEP 17).
        nodes: DHT nodes (BEP 5) as ``host:port``.
        fields: all keys at the top.
        info_fields: all keys of the info dictionary.
    """

    name: str
    version: Literal[1, 2]
    is_hybrid: bool
    info_hash: InfoHash
    info_hash_v1: InfoHash | None
    piece_length: int
    piece_count: int
    files: tuple[TorrentFile, ...]
    is_folder: bool
    private: bool
    salt: bytes
    announce: tuple[tuple[str, ...], ...]
    web_seeds: tuple[str, ...]
    nodes: tuple[str, ...]
    fields: frozenset[str]
    info_fields: frozenset[str]

    @property
    def total_size(self) -> int:
        """Bytes of payload."""
        return sum(file.size for file in self.files)


_FILE = b"6:lengthi"
"""Occurs in every file entry of either version: the length, an integer."""


def parse_torrent(data: bytes, limits: TorrentLimits = DEFAULT_LIMITS) -> Torrent:
    """Parse a .torrent.

    Args:
        data: the whole file.
        limits: for bytes, values, files and depth; `policy` checks names.

    Raises:
        TooLarge: it exceeds a limit. Files are counted before decoding, and again while decoding.
        BadInput: it is not a torrent, not canonical, incomplete or contradictory, or its piece layers do not match
            their roots.
    """
    if len(data) > limits.max_torrent_bytes:
        raise TooLarge(f"is larger than {limits.max_torrent_bytes:,} bytes")
    if data.count(_FILE) > limits.max_files:
        raise TooLarge(f"lists more than {limits.max_files:,} files")
    top = DictReader.of(bencode.decode(data, max_values=limits.max_values), "it")
    info = top.fields("info")
    name = info.only_text("name")
    version = _version(info)
    piece_length = info.natural("piece length")
    if piece_length == 0:
        raise malformed("its piece length is 0")
    v1 = content_v1(info, name, piece_length, limits) if version == 1 or info.has("pieces") else None
    v2 = content_v2(info, name, piece_length, limits) if version == 2 else None
    if v2 is not None:
        verify_layers(top, v2, piece_length)
    content = _agreed(v1, v2)
    encoded = bencode.encode(info.entries)
    hash_v1 = InfoHash(sha1(encoded, usedforsecurity=False).hexdigest()) if v1 else None
    return Torrent(
        name=name,
        version=version,
        is_hybrid=v1 is not None and v2 is not None,
        info_hash=hash_v1 if hash_v1 and not v2 else InfoHash(sha256(encoded).hexdigest()),
        info_hash_v1=hash_v1,
        piece_length=piece_length,
        piece_count=content.piece_count,
        files=content.files,
        is_folder=content.is_folder,
        private=info.entries.get(b"private") == 1,
        salt=info.octets("salt") if info.has("salt") else b"",
        announce=_announce(top),
        web_seeds=(*top.text_or_texts("url-list"), *top.text_or_texts("httpseeds")),
        nodes=_nodes(top),
        fields=top.names(),
        info_fields=info.names(),
    )


def _version(info: DictReader) -> Literal[1, 2]:
    if not info.has("meta version"):
        return 1
    if info.natural("meta version") != 2:
        raise malformed("its meta version is unknown")
    return 2


def _agreed(v1: Content | None, v2: Content | None) -> Content:
    """Return the only content, or the v1 content of a hybrid, which includes padding files."""
    if v1 is None or v2 is None:
        content = v1 or v2
        if content is None or not content.files:
            raise malformed("it has no files")
        return content
    if [_described(file) for file in v1.files if "p" not in file.attr] != [
        _described(file) for file in v2.files
    ]:
        raise malformed("its v1 and v2 parts describe different files")
    return v1


def _described(file: TorrentFile) -> tuple[Parts, int, str, bool]:
    """Return the fields of a file that both parts of a hybrid have; our engine uses v2, other clients v1."""
    return file.parts, file.size, file.attr, file.is_link


def _announce(top: DictReader) -> tuple[tuple[str, ...], ...]:
    tiers = [tuple(texts(tier, "announce-list")) for tier in top.values("announce-list")]
    single = top.text_or_texts("announce")
    if single and not any(single[0] in tier for tier in tiers):
        tiers.insert(0, tuple(single))
    return tuple(filter(None, tiers))


def _nodes(top: DictReader) -> tuple[str, ...]:
    nodes: list[str] = []
    for node in top.values("nodes"):
        match node:
            case [bytes(host), int(port)]:
                nodes.append(f"{text(host)}:{port}")
            case _:
                raise malformed("“nodes” is malformed")
    return tuple(nodes)
