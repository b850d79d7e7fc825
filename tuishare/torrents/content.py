"""The files of a torrent, read from a v1 file list (BEP 3) or a v2 file tree with piece layers (BEP 52)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tuishare.torrents.bencode import Value
from tuishare.torrents.dict_reader import DictReader, malformed, text, texts
from tuishare.torrents.errors import TooLarge
from tuishare.torrents.merkle import HASH, root_of_layer
from tuishare.torrents.path_rules import Parts
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS, MIN_PIECE_LENGTH, TorrentLimits

_BITCOMET = "_____padding_file_"
"""Part of a name that BitComet gives to padding: libtorrent looks for it anywhere in a path of a v1 file list."""


class TorrentFile(msgspec.Struct, frozen=True, gc=False):
    """One file of a torrent.

    Attributes:
        parts: path below the torrent's name; for a single-file torrent just that name.
        size: bytes.
        attr: letters of BEP 47: ``x`` executable, ``h`` hidden, ``l`` symbolic link, ``p`` padding,
            zeros that are never written.
        is_link: whether it is a symbolic link by `attr` or by a ``symlink path``.
        root: `pieces root` of a v2 file that is not empty, 32 bytes; otherwise empty.
    """

    parts: Parts
    size: int
    attr: str = ""
    is_link: bool = False
    root: bytes = b""


class Content(msgspec.Struct, frozen=True):
    """The files of one version of a torrent.

    Attributes:
        files: in the order of the torrent.
        is_folder: whether the torrent's name is a folder.
        piece_count: pieces of all files.
    """

    files: tuple[TorrentFile, ...]
    is_folder: bool
    piece_count: int


def content_v1(
    info: DictReader, name: str, piece_length: int, limits: TorrentLimits = DEFAULT_LIMITS
) -> Content:
    """Read `length` or `files`, and check that there is one hash per piece.

    Raises:
        TooLarge: there are too many files.
        BadInput: a field is missing or malformed, or the number of hashes is wrong.
    """
    if info.has("files") == info.has("length"):
        raise malformed("it must have either “files” or “length”")
    is_folder = info.has("files")
    if is_folder:
        files = _bounded(
            (_file_v1(DictReader.of(value, "a file"), name) for value in info.values("files")), limits
        )
    else:
        files = (_marked(_described(info, (name,)), name),)
    count = -(-sum(file.size for file in files) // piece_length)
    if len(info.octets("pieces")) != 20 * count:
        raise malformed("the number of its piece hashes does not match its size")
    return Content(files, is_folder, count)


def _file_v1(about: DictReader, name: str) -> TorrentFile:
    parts = tuple(texts(about.value("path"), "path"))
    if about.has("path.utf-8") and tuple(texts(about.value("path.utf-8"), "path.utf-8")) != parts:
        raise malformed("a file has two different paths")
    return _marked(_described(about, parts), name)


def _marked(file: TorrentFile, name: str) -> TorrentFile:
    """Mark a file as padding if libtorrent takes it for that because of its path."""
    if not has_padding_name(name, file.parts) or "p" in file.attr:
        return file
    return msgspec.structs.replace(file, attr=file.attr + "p")


def has_padding_name(name: str, parts: Parts) -> bool:
    """Return whether programs take a file of a v1 torrent for padding, and never write it."""
    return _BITCOMET in "/".join((name, *parts))


def _described(about: DictReader, parts: Parts) -> TorrentFile:
    attr = about.only_text("attr") if about.has("attr") else ""
    is_link = "l" in attr or about.has("symlink path")
    root = about.octets("pieces root") if about.has("pieces root") else b""
    return TorrentFile(parts, about.natural("length"), attr, is_link, root)


def _bounded(files: Iterable[TorrentFile], limits: TorrentLimits) -> tuple[TorrentFile, ...]:
    """Collect the files; raise `TooLarge` on too many or too deep ones."""
    found: list[TorrentFile] = []
    for file in files:
        if len(found) == limits.max_files:
            raise TooLarge(f"lists more than {limits.max_files:,} files")
        if len(file.parts) >= limits.max_depth:
            raise TooLarge(f"has folders nested deeper than {limits.max_depth}")
        found.append(file)
    return tuple(found)


def content_v2(
    info: DictReader, name: str, piece_length: int, limits: TorrentLimits = DEFAULT_LIMITS
) -> Content:
    """Read `file tree`.

    Raises:
        TooLarge: there are too many files.
        BadInput: a field is missing or malformed, or the piece length is not one of BEP 52.
    """
    if piece_length < MIN_PIECE_LENGTH or piece_length.bit_count() != 1:
        raise malformed("its piece length is not a power of two of at least 16 KiB")
    files = _bounded(_files_v2(info.fields("file tree"), ()), limits)
    for file in files:
        if len(file.root) != (HASH if file.size else 0):
            raise malformed("the root hash of a file is missing or malformed")
    is_folder = [file.parts for file in files] != [(name,)]
    return Content(files, is_folder, sum(-(-file.size // piece_length) for file in files))


def _files_v2(folder: DictReader, above: Parts) -> Iterator[TorrentFile]:
    if not folder.entries:
        raise malformed("its file tree has an empty folder")
    for key, value in folder.entries.items():
        node = DictReader.of(value, "a node of the file tree")
        parts = (*above, text(key))
        if not node.has(""):
            yield from _files_v2(node, parts)
        elif len(node.entries) == 1:
            yield _described(node.fields(""), parts)
        else:
            raise malformed("an entry in its file tree is both a file and a folder")


def verify_layers(top: DictReader, content: Content, piece_length: int) -> None:
    """Check that `piece layers` has exactly the layers of the files.

    Raises:
        BadInput: a layer is missing, superfluous, too short or does not hash to its root.
    """
    layers = dict(top.fields("piece layers").entries) if top.has("piece layers") else {}
    expected: dict[bytes, Value] = {}
    for file in content.files:
        if file.size <= piece_length or file.root in expected:
            continue
        layer = layers.get(file.root)
        if not isinstance(layer, bytes) or len(layer) != -(-file.size // piece_length) * HASH:
            raise malformed("the piece layer of a file is missing or of the wrong length")
        if root_of_layer(layer, piece_length) != file.root:
            raise malformed("a piece layer does not hash to the root of its file")
        expected[file.root] = layer
    if layers.keys() != expected.keys():
        raise malformed("it has a piece layer that belongs to no file")
