"""Payloads and torrents for the tests of this room."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuishare.torrents import bencode
from tuishare.torrents.bencode import Value

BLOCK = 16 * 1024


def write(path: Path, size: int, seed: int = 0) -> Path:
    """Write `size` bytes that are the same in every run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(f"{seed} {path.name}").randbytes(size))
    return path


def folder(path: Path) -> Path:
    """Make a folder with every size that matters to a piece length of 16, 32 or 64 KiB."""
    sizes = [
        0,
        1,
        BLOCK - 1,
        BLOCK,
        BLOCK + 1,
        3 * BLOCK,
        4 * BLOCK,
        4 * BLOCK + 1,
        5 * BLOCK,
        9 * BLOCK - 1,
        1 << 20,
        0,
    ]
    for number, size in enumerate(sizes):
        write(path / f"in {number % 3}" / f"é{number}.bin", size)
    write(path / "a" / "file", 70_000)
    write(path / "a.txt", 10)
    return path


def info_v1(**changes: Value) -> dict[bytes, Value]:
    """Return an info dictionary of one file with some keys changed.

    In a name ``_`` stands for a space, ``__`` for a hyphen and ``___`` for a dot.
    """
    info: dict[bytes, Value] = {
        b"length": 5,
        b"name": b"film",
        b"piece length": BLOCK,
        b"pieces": b"p" * 20,
        b"private": 1,
    }
    return _changed(info, changes)


def info_v2(**changes: Value) -> dict[bytes, Value]:
    """Return an info dictionary of one file with some keys changed.

    In a name ``_`` stands for a space, ``__`` for a hyphen and ``___`` for a dot.
    """
    info: dict[bytes, Value] = {
        b"file tree": {b"film": {b"": {b"length": 5, b"pieces root": b"r" * 32}}},
        b"meta version": 2,
        b"name": b"film",
        b"piece length": BLOCK,
        b"private": 1,
    }
    return _changed(info, changes)


def _changed(info: dict[bytes, Value], changes: dict[str, Value]) -> dict[bytes, Value]:
    names = {name: name.replace("___", ".").replace("__", "-").replace("_", " ") for name in changes}
    return info | {names[name].encode(): value for name, value in changes.items()}


def torrent(info: dict[bytes, Value], **top: Value) -> bytes:
    """Return a whole torrent; names of other top-level keys are written as in `info_v1`."""
    return bencode.encode(_changed({b"info": info}, top))


def file_v1(*parts: bytes, **more: Value) -> Value:
    """Return an entry of `files` with one byte."""
    path: list[Value] = list(parts)
    return _changed({b"length": 1, b"path": path}, more)


def file_v2(size: int = 1, /, **more: Value) -> Value:
    """Return a file of a file tree."""
    root: dict[bytes, Value] = {b"pieces root": b"r" * 32} if size else {}
    return {b"": _changed({b"length": size, **root}, more)}


def tree_v2(paths: list[tuple[str, ...]]) -> dict[bytes, Value]:
    """Return a file tree of files with one byte each."""
    top: dict[bytes, Value] = {}
    for parts in paths:
        here = top
        for part in parts[:-1]:
            inner = here.setdefault(part.encode(), {})
            assert isinstance(inner, dict)
            here = inner
        here[parts[-1].encode()] = file_v2()
    return top


@contextmanager
def descriptors_kept() -> Iterator[None]:
    """Make sure that as many descriptors are open afterwards as before."""
    before = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    yield
    after = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    assert len(after) == len(before), (before, after)
