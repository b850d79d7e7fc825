"""Speed of creating torrents, each figure compared with another program in the same run.

Peers for v1: mktorrent -t, torf, and the limit of plain SHA-1 over one file in as many threads as there are cores;
for v2: libtorrent's set_piece_hashes and the same limit for SHA-256. Warm cache; rounds alternate between all
contestants and the median counts, so that other load affects all alike. torf is excluded from the folder of small
files: with 20,000 of them it had not finished after eight minutes.

    python -m tests.bench.bench_hashing --size 512MiB --rounds 3
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import libtorrent as lt

from tuishare.torrents import Version, default_piece_length, make_torrent, walk

_MIB = 1 << 20


class Row(NamedTuple):
    """One contestant: what was done, by whom, the median in MB/s, and our figure divided by theirs (1 for ours)."""

    task: str
    contestant: str
    rate: float
    ours_by_theirs: float


class Contest(NamedTuple):
    """A task, its bytes, and the contestants by name; the first is ours."""

    task: str
    size: int
    contestants: dict[str, Callable[[], None]]


def run(size: int, workdir: Path, *, files: int = 20_000, rounds: int = 3) -> list[Row]:
    """Compare all ways to make a torrent of one file and of a folder of small ones.

    Args:
        size: bytes of the file; should fit into memory twice.
        workdir: holds the payload while the benchmark runs.
        files: number of files of 20 KiB in the folder.
        rounds: how often each contestant runs.
    """
    single = _random_file(workdir / "single.bin", size)
    many = workdir / "many"
    for number in range(files):
        _random_file(many / f"{number % 200:03}" / f"{number:06}", 20 * 1024)
    contests = [
        Contest(
            "v1, one file",
            size,
            _v1(single) | {"torf": lambda: _torf(single), "SHA-1 limit": lambda: _limit(single, _sha1)},
        ),
        Contest(
            "v2, one file", size, _v2(single) | {"SHA-256 limit": lambda: _limit(single, hashlib.sha256)}
        ),
        Contest(f"v1, {files} files of 20 KiB", files * 20 * 1024, _v1(many)),
        Contest(f"v2, {files} files of 20 KiB", files * 20 * 1024, _v2(many)),
    ]
    return [row for contest in contests for row in _rows(contest, rounds)]


def _rows(contest: Contest, rounds: int) -> Iterator[Row]:
    seconds: dict[str, list[float]] = {name: [] for name in contest.contestants}
    for number in range(rounds + 1):
        for name, act in contest.contestants.items():
            begun = time.perf_counter()
            act()
            if number > 0:  # the first round only warms the cache
                seconds[name].append(time.perf_counter() - begun)
    rates = {name: contest.size / 1e6 / statistics.median(each) for name, each in seconds.items()}
    ours = next(iter(rates.values()))
    for name, rate in rates.items():
        yield Row(contest.task, name, rate, ours / rate)


def _v1(path: Path) -> dict[str, Callable[[], None]]:
    contestants: dict[str, Callable[[], None]] = {"tuishare": lambda: _make(path, 1)}
    if shutil.which("mktorrent"):
        contestants["mktorrent"] = lambda: _mktorrent(path)
    return contestants


def _v2(path: Path) -> dict[str, Callable[[], None]]:
    return {"tuishare": lambda: _make(path, 2), "libtorrent": lambda: _libtorrent(path)}


def _make(path: Path, version: Version) -> None:
    make_torrent(walk(path), version=version)


def _piece_length(path: Path) -> int:
    return default_piece_length(walk(path).total_size)


def _mktorrent(path: Path) -> None:
    exponent = _piece_length(path).bit_length() - 1
    with tempfile.TemporaryDirectory() as folder:
        threads = str(len(os.sched_getaffinity(0)))
        command = [
            "mktorrent",
            "-p",
            "-t",
            threads,
            "-l",
            str(exponent),
            "-o",
            f"{folder}/t.torrent",
            str(path),
        ]
        subprocess.run(command, check=True, capture_output=True)


def _torf(path: Path) -> None:
    import torf

    torrent = torf.Torrent(path=str(path), private=True, piece_size=_piece_length(path))
    torrent.generate(threads=len(os.sched_getaffinity(0)))


def _libtorrent(path: Path) -> None:
    made = lt.create_torrent(lt.list_files(str(path)), _piece_length(path), lt.create_torrent.v2_only)
    lt.set_piece_hashes(made, str(path.parent))


def _sha1(view: memoryview) -> object:
    return hashlib.sha1(view, usedforsecurity=False)


def _limit(path: Path, hash_of: Callable[[memoryview], object]) -> None:
    """Read the file and hash it in blocks of 1 MiB, in one thread per core, and do nothing else."""
    offsets = iter(range(0, path.stat().st_size, _MIB))

    def work() -> None:
        buffer = memoryview(bytearray(_MIB))
        descriptor = os.open(path, os.O_RDONLY)
        for offset in offsets:
            hash_of(buffer[: os.preadv(descriptor, [buffer], offset)])
        os.close(descriptor)

    threads = [threading.Thread(target=work) for _ in os.sched_getaffinity(0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _random_file(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        for offset in range(0, size, _MIB):
            stream.write(os.urandom(min(_MIB, size - offset)))
    return path


def table(rows: Sequence[Row]) -> str:
    """Return the rows as aligned text."""
    lines = [f"{'task':28}{'contestant':16}{'MB/s':>8}{'ours / theirs':>16}"]
    lines += [f"{row.task:28}{row.contestant:16}{row.rate:8.0f}{row.ours_by_theirs:16.2f}" for row in rows]
    return "\n".join(lines)


def _parse_size(text: str) -> int:
    for unit, factor in {"GiB": 1 << 30, "MiB": _MIB}.items():
        if text.endswith(unit):
            return int(text.removesuffix(unit)) * factor
    return int(text)


def main() -> None:
    """Parse the arguments, run, print."""
    parser = argparse.ArgumentParser(description="How fast torrents are made, against named peers.")
    parser.add_argument("--size", type=_parse_size, default=4 << 30, help="of the one file (default 4GiB)")
    parser.add_argument(
        "--files", type=int, default=20_000, help="files of 20 KiB in the folder (default 20000)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contestant (default 3)")
    parser.add_argument(
        "--workdir", type=Path, default=None, help="where to put the payload (default: a temporary one)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.workdir) as folder:
        rows = run(arguments.size, Path(folder), files=arguments.files, rounds=arguments.rounds)
    print(table(rows))


if __name__ == "__main__":
    main()
