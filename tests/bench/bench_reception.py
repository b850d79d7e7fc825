"""Cost of judging an envelope of a stranger, of an unverified user and of a verified sender.

Each is judged in a process of its own, as the inbox does; ``unseal`` is reading, decrypting and verifying the
signature. ``python -m tests.bench.bench_reception [--files 600000]``
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from tests.agent.homes import Home, fill, make_home, seal_manifest, share_of
from tuishare.agent.downloads.envelope_reader import bounds_of
from tuishare.core.opened_envelope import open_received
from tuishare.core.records import ShareRecord
from tuishare.envelope import MAX_SIZE, CardKey, unseal
from tuishare.errors import TuishareError
from tuishare.fs.atomic import read_limited
from tuishare.people import User, UserBook
from tuishare.torrents import bencode


def crowded(files: int) -> bytes:
    """A torrent of empty files, and one that is not empty."""
    tree: dict[bytes, bencode.Value] = {
        b"%07d" % number: {b"": {b"length": 0}} for number in range(files - 1)
    }
    tree[b"x"] = {b"": {b"length": 1, b"pieces root": bytes(32)}}
    info: dict[bytes, bencode.Value] = {
        b"file tree": tree, b"meta version": 2, b"name": b"crowd", b"piece length": 1 << 18, b"private": 1,
    }  # fmt: skip
    return bencode.encode({b"info": info, b"piece layers": {}})


def measure(work: Callable[[], object]) -> tuple[float, int, str]:
    """CPU seconds, peak of memory in bytes over what there was before, and how it ended."""
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    child = multiprocessing.get_context("fork").Process(target=_work, args=(work, theirs))
    child.start()
    found: tuple[float, int, str] = ours.recv()
    child.join()
    return found


def _work(work: Callable[[], object], told: Connection) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak begins at what is used now
    before, began = _memory("VmRSS"), time.process_time()
    try:
        work()
        end = "taken"
    except TuishareError as error:
        end = f"{type(error).__name__}: {error.detail}"
    told.send((time.process_time() - began, _memory("VmHWM") - before, end))


def _memory(which: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{which}:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def judge(path: Path, bob: Home, book: UserBook) -> None:
    data = read_limited(path, MAX_SIZE)
    open_received(data, bob.identity, book, now=datetime.now(UTC), bounds=bounds_of)


def bare(path: Path, bob: Home) -> None:
    unseal(read_limited(path, MAX_SIZE), [CardKey(bob.identity.private_key)])


def main() -> None:
    """Print a line for each kind of sender and each number of files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[600_000, 100_000, 10_000])
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        root = Path(folder)
        alice, bob = make_home(root, "alice"), make_home(root, "bob")
        share: ShareRecord = share_of(fill(root / "x"))
        books: dict[str, tuple[User, ...]] = {
            "stranger": (), "unverified": (alice.user(verified=False),), "verified": (alice.user(),),
        }  # fmt: skip
        for files in parser.parse_args().files:
            path = root / "envelope"
            path.write_bytes(seal_manifest(alice, share, bob.user(), torrent=crowded(files)))
            print(f"{files:,} files, {path.stat().st_size / 2**20:.1f} MiB")
            _print("unseal", *measure(lambda: bare(path, bob)))  # noqa: B023
            for name, users in books.items():
                _print(name, *measure(lambda: judge(path, bob, UserBook(users))))  # noqa: B023


def _print(name: str, seconds: float, peak: int, end: str) -> None:
    print(f"  {name:<11} {seconds:6.3f} s CPU {peak / 2**20:7.1f} MiB  {end}", flush=True)


if __name__ == "__main__":
    main()
