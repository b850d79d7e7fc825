"""Hashing for v2 torrents: a SHA-256 hash tree per file (BEP 52).

Owns the division of the files among threads; each byte is read once. Must not know bencoding.
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
"""Bytes per read (two cores, MB/s: 2,320 with 64 KiB, 2,680 with 256 KiB, 2,200 with 1 MiB)."""

_TASK_BYTES = 8 * 1024 * 1024
"""Bytes per task, or one piece if that is longer: 6 ms of work, so that all threads finish at about the same time."""

_TASK_FILES = 256
"""Maximum number of files per task: opening them takes time too."""


class FileHashes(msgspec.Struct, frozen=True, gc=False):
    """The hashes of one file by BEP 52.

    Attributes:
        root: `pieces root`, 32 bytes; empty for an empty file.
        layer: the piece hashes, joined; empty for a file of at most one piece.
    """

    root: bytes
    layer: bytes


def hash_v2(
    tree: Tree,
    piece_length: int,
    *,
    progress: hash_workers.OnProgress | None = None,
    cancelled: hash_workers.IsCancelled | None = None,
) -> list[FileHashes]:
    """Return the hashes of each file, in the order of the tree.

    Args:
        tree: to hash.
        piece_length: bytes; a power of two of at least 16 KiB.
        progress: see `hash_workers.OnProgress`.
        cancelled: see `hash_workers.IsCancelled`.

    Raises:
        Changed: a file has changed since the walk.
        SystemFailed: a file cannot be read.
        Cancelled: `cancelled` returned True.
    """
    forest = _Forest(tree, piece_length)
    tasks = list(_tasks(tree, max(piece_length, _TASK_BYTES)))
    hash_workers.run(
        tasks, lambda: _LeafHasher(forest), tree.total_size, progress=progress, cancelled=cancelled
    )
    return forest.hashes()


class _Part(NamedTuple):
    """A range of bytes of one file; starts at a piece boundary."""

    file: int
    start: int
    end: int


def _tasks(tree: Tree, most: int) -> Iterator[list[_Part]]:
    """Split long files and batch short ones into tasks of about `most` bytes."""
    batch: list[_Part] = []
    room = most
    for index, entry in enumerate(tree.files):
        if entry.size > most:
            for start in range(0, entry.size, most):
                yield [_Part(index, start, min(start + most, entry.size))]
            continue
        batch.append(_Part(index, 0, entry.size))
        room -= entry.size
        if room <= 0 or len(batch) == _TASK_FILES:
            yield batch
            batch, room = [], most
    if batch:
        yield batch


class _Forest:
    """The hashes of all files computed so far; workers write to disjoint entries."""

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
        """Store the leaves of one part."""
        layer = self.layers.get(part.file)
        if layer is not None:
            first = part.start // self.piece_length * HASH
            hashes = piece_layer(leaves, self.piece_length)
            layer[first : first + len(hashes)] = hashes
        elif leaves:
            self.roots[part.file] = root_of_leaves(leaves)

    def hashes(self) -> list[FileHashes]:
        """Return the hashes of each file, after the last call of `put`."""
        for index, layer in self.layers.items():
            self.roots[index] = root_of_layer(bytes(layer), self.piece_length)
        return [FileHashes(root, bytes(self.layers.get(index, b""))) for index, root in enumerate(self.roots)]


class _LeafHasher:
    """Computes the leaves of one part at a time."""

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
