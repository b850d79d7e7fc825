from __future__ import annotations

import os
from hashlib import sha1
from pathlib import Path

import pytest

from tests.torrents.samples import BLOCK, descriptors_kept, folder, write
from tuishare.torrents import walk
from tuishare.torrents.hash_v1 import hash_v1


def by_the_book(stream: bytes, piece_length: int) -> bytes:
    return b"".join(
        sha1(stream[at : at + piece_length]).digest() for at in range(0, len(stream), piece_length)
    )


@pytest.mark.parametrize(
    "piece_length", [5_000, BLOCK, 3 * BLOCK, 4 * BLOCK, 3 << 20, 1 << 18, 1 << 20, 1 << 21, 1 << 26]
)
def test_pieces_run_across_files(tmp_path: Path, piece_length: int) -> None:
    tree = walk(folder(tmp_path / "t"))
    stream = b"".join(tree.root.joinpath(*entry.parts).read_bytes() for entry in tree.files)
    with descriptors_kept():
        assert hash_v1(tree, piece_length) == by_the_book(stream, piece_length)


@pytest.mark.parametrize("piece_length", [1 << 18, 300_001, 1 << 20, 1 << 21, 1 << 24])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_files_of_several_tasks(tmp_path: Path, piece_length: int, more: int) -> None:
    file = write(tmp_path / "film", (16 << 20) + more)
    assert hash_v1(walk(file), piece_length) == by_the_book(file.read_bytes(), piece_length)


def test_every_byte_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "t" / "long", (9 << 20) + 1)
    write(tmp_path / "t" / "short", 1_000)
    tree = walk(tmp_path / "t")
    read: list[tuple[int, int, int]] = []
    real = os.preadv

    def spy(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        count = real(descriptor, buffers, offset)
        read.append((os.fstat(descriptor).st_ino, offset, offset + count))
        return count

    monkeypatch.setattr(os, "preadv", spy)
    hash_v1(tree, 1 << 18)
    for entry in tree.files:
        ranges = sorted(each[1:] for each in read if each[0] == entry.inode)
        assert [start for start, _ in ranges] == [0, *[end for _, end in ranges[:-1]]]
        assert ranges[-1][1] == entry.size
