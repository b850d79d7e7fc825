from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from tests.torrents.samples import BLOCK, descriptors_kept, folder, write
from tuishare.torrents import hash_v2 as hash_v2_module
from tuishare.torrents import walk
from tuishare.torrents.hash_v2 import FileHashes, hash_v2


def by_the_book(content: bytes, piece_length: int) -> FileHashes:
    """One file as BEP 52 words it, level by level."""
    if not content:
        return FileHashes(b"", b"")
    nodes = [sha256(content[at : at + BLOCK]).digest() for at in range(0, len(content), BLOCK)]
    size = 1
    while size < len(nodes):
        size *= 2
    nodes += [bytes(32)] * (size - len(nodes))
    layer, width = b"", BLOCK
    while len(nodes) > 1:
        if width == piece_length:
            layer = b"".join(nodes[: -(-len(content) // piece_length)])
        nodes = [sha256(left + right).digest() for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
        width *= 2
    return FileHashes(nodes[0], layer)


@pytest.mark.parametrize("piece_length", [BLOCK, 2 * BLOCK, 4 * BLOCK, 1 << 18, 1 << 26])
def test_every_file_has_its_tree(tmp_path: Path, piece_length: int) -> None:
    tree = walk(folder(tmp_path / "t"))
    contents = [tree.root.joinpath(*entry.parts).read_bytes() for entry in tree.files]
    with descriptors_kept():
        assert hash_v2(tree, piece_length) == [by_the_book(content, piece_length) for content in contents]


@pytest.mark.parametrize("piece_length", [1 << 18, 1 << 23, 1 << 24])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_files_of_several_tasks(tmp_path: Path, piece_length: int, more: int) -> None:
    file = write(tmp_path / "film", (16 << 20) + more)
    assert hash_v2(walk(file), piece_length) == [by_the_book(file.read_bytes(), piece_length)]


def test_many_small_files_share_tasks(tmp_path: Path) -> None:
    for number in range(600):
        write(tmp_path / "t" / str(number), number % 3)
    tree = walk(tmp_path / "t")
    assert [len(task) for task in hash_v2_module._tasks(tree, 8 << 20)] == [256, 256, 88]
    assert hash_v2(tree, BLOCK) == [
        by_the_book(tree.root.joinpath(*entry.parts).read_bytes(), BLOCK) for entry in tree.files
    ]
