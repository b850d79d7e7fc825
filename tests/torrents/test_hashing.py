"""What holds for both ways to hash, `hash_v1` and `hash_v2`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.torrents.samples import BLOCK, descriptors_kept, folder, write
from tuishare.torrents import Cancelled, Changed, walk
from tuishare.torrents.hash_v1 import hash_v1
from tuishare.torrents.hash_v2 import hash_v2

Hashing = Callable[..., object]


@pytest.fixture(params=[hash_v1, hash_v2])
def hash_all(request: pytest.FixtureRequest) -> Hashing:
    """Either of them."""
    found: Hashing = request.param
    return found


@pytest.mark.parametrize("name", ["a/file", "in 0/é0.bin", "in 2/é11.bin"])
def test_changed_file_is_named(tmp_path: Path, hash_all: Hashing, name: str) -> None:
    tree = walk(folder(tmp_path / "t"))
    write(tree.root / name, 123)
    with descriptors_kept(), pytest.raises(Changed, match=f"“{name}” changed"):
        hash_all(tree, BLOCK)


def test_change_while_hashing_is_noticed(
    tmp_path: Path, hash_all: Hashing, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "film", 1 << 20)
    tree = walk(file)
    real = os.preadv

    def write_behind(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        count = real(descriptor, buffers, offset)
        os.utime(file, ns=(1, 1))
        return count

    monkeypatch.setattr(os, "preadv", write_behind)
    with descriptors_kept(), pytest.raises(Changed):
        hash_all(tree, BLOCK)


def test_progress_and_cancellation(tmp_path: Path, hash_all: Hashing) -> None:
    tree = walk(folder(tmp_path / "t"))
    reports: list[tuple[int, int]] = []
    hash_all(tree, BLOCK, progress=lambda done, total: reports.append((done, total)))
    assert reports[-1] == (tree.total_size, tree.total_size)
    with descriptors_kept(), pytest.raises(Cancelled):
        hash_all(tree, BLOCK, cancelled=lambda: True)
