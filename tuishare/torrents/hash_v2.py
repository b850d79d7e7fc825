"""Hashes a tree for a v2 torrent: a SHA-256 hash tree per file (BEP 52).

Owns how the files are divided among the threads, each byte read once. Knows nothing of bencoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

import msgspec

from tuishare.torrents import hash_workers
from tuishare.torrents.merkle import BLOCK, HASH, piece_layer, root_of_layer, root_of_leaves
from tuishare.torrents.reading import Source, close, read_into
from tuishare.torrents.walk import Tree

_WINDOW = 256 * 1024
"""Bytes read at a time (two cores, MB/s: 2,320 with 64 KiB, 2,680 with 256 KiB, 2,200 with 1 MiB)."""

_SHARE = 8 * 1024 * 1024
"""Bytes of one task, or one piece if that is longer: 6 ms of work, so that all threads end at about the same time."""

_MOST_FILES = 256
"""Files of one task: opening them is work, too."""


class FileHashes(msgspec.Struct, frozen=True, gc=False):
    """What BEP 52 says of the content of one file.

    Attributes:
        root: `pieces root`, 32 bytes; no bytes for an empty file, which has none.
        layer: the hashes of its pieces, joined; no bytes for a file no longer than one piece.
    """

    root: bytes
    layer: bytes


def hash_v2(
    tree: Tree,
    piece_length: int,
    *,
    progress: hash_workers.Progress | None = None,
    cancelled: hash_workers.IsCancelled | None = None,
) -> list[FileHashes]:
    """Return the hashes of each file, in the order of the tree.

    Args:
        tree: what to hash.
        piece_length: bytes; a power of two of at least 16 KiB.
        progress: see `pool.Progress`.
        cancelled: see `pool.IsCancelled`.

    Raises:
        Changed: a file is not, or no longer, what the walk saw.
        SystemFailed: a file cannot be read.
        Cancelled: `cancelled` said so.
    """
    forest = _Forest(tree, piece_length)
    tasks = list(_tasks(tree, max(piece_length, _SHARE)))
    hash_workers.run(tasks, lambda: _Worker(forest), tree.total_size, progress=progress, cancelled=cancelled)
    return forest.hashes()


class _Part(NamedTuple):
    """A range of one file, in bytes; begins at the beginning of a piece."""

    file: int
    start: int
    end: int


def _tasks(tree: Tree, most: int) -> Iterator[list[_Part]]:
    """Cut long files up and put short ones together, so that each task is about `most` bytes."""
    batch: list[_Part] = []
    room = most
    for index, entry in enumerate(tree.files):
        if entry.size > most:
            for start in range(0, entry.size, most):
                yield [_Part(index, start, min(start + most, entry.size))]
            continue
        batch.append(_Part(index, 0, entry.size))
        room -= entry.size
        if room <= 0 or len(batch) == _MOST_FILES:
            yield batch
            batch, room = [], most
    if batch:
        yield batch


class _Forest:
    """The hashes of all files as they become known; each worker writes to places of its own."""

    def __init__(self, tree: Tree, piece_length: int) -> None:
        self.tree = tree
        self.piece_length = piece_length
        self.roots = [b""] * len(tree.files)
        self.layers = {
            index: bytearray(-(-entry.size // piece_length) * HASH)
            for index, entry in enumerate(tree.files)
            if entry.size > piece_length
        }

    def put(self, part: _Part, leaves: list[bytes]) -> None:
        """Note the leaves of one part."""
        layer = self.layers.get(part.file)
        if layer is not None:
            first = part.start // self.piece_length * HASH
            hashes = piece_layer(leaves, self.piece_length)
            layer[first : first + len(hashes)] = hashes
        elif leaves:
            self.roots[part.file] = root_of_leaves(leaves)

    def hashes(self) -> list[FileHashes]:
        """Return what is known of each file, after the last part was put."""
        for index, layer in self.layers.items():
            self.roots[index] = root_of_layer(bytes(layer), self.piece_length)
        return [FileHashes(root, bytes(self.layers.get(index, b""))) for index, root in enumerate(self.roots)]


class _Worker:
    """Computes the leaves of one part after the other."""

    def __init__(self, forest: _Forest) -> None:
        self.done = 0
        self._forest = forest
        self._source = Source(forest.tree)
        self._buffer = memoryview(bytearray(_WINDOW))
        self._blocks = [self._buffer[at : at + BLOCK] for at in range(0, _WINDOW, BLOCK)]

    def close(self) -> None:
        self._source.close()

    def do(self, task: list[_Part]) -> None:
        for part in task:
            self._forest.put(part, self._leaves(part))

    def _leaves(self, part: _Part) -> list[bytes]:
        entry = self._forest.tree.files[part.file]
        leaves: list[bytes] = []
        descriptor = self._source.open(entry)
        try:
            for at in range(part.start, part.end, _WINDOW):
                length = min(_WINDOW, part.end - at)
                read_into(descriptor, entry, self._buffer[:length], at)
                whole, rest = divmod(length, BLOCK)
                leaves += [sha256(block).digest() for block in self._blocks[:whole]]
                if rest:
                    leaves.append(sha256(self._blocks[whole][:rest]).digest())
                self.done += length
        finally:
            close(descriptor, entry)
        return leaves
