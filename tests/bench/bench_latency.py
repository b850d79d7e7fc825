"""From dropped to delivered: one file of 1 KiB, and a folder of 1,000 files of 10 KiB.

Run as ``python -m tests.bench.bench_latency --rounds 20 --folders 5``. Two agents with the default waits on loopback;
a carrier moves the envelope as soon as it appears. The clock runs from the rename into the drop folder until the
payload has its final name and size at the other agent. Beside it Syncthing with a watcher delay of 1 s, if installed.
"""

from __future__ import annotations

import argparse
import asyncio
import filecmp
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.agents import carrying, make_friends, runner, seconds_until
from tests.bench.syncthing import is_installed, synchronising

_FILES = 1_000
_WANTED = {"file": 0.6, "folder": 1.2}
Results = dict[str, list[float]]


def make_file(path: Path) -> Path:
    """1 KiB."""
    path.write_bytes(os.urandom(1024))
    return path


def make_folder(path: Path) -> Path:
    """1,000 files of 10 KiB."""
    path.mkdir()
    for number in range(_FILES):
        (path / f"{number:04}").write_bytes(os.urandom(10 * 1024))
    return path


def is_whole(source: Path, target: Path) -> bool:
    """Whether all that there is to receive has its name; cheap, because it is asked a thousand times a second."""
    try:
        if target.is_dir():
            return len(os.listdir(target)) == len(os.listdir(source))
        return target.stat().st_size == source.stat().st_size
    except OSError:
        return False


def drop(payload: Path, into: Path, arrives: Path) -> float:
    """Move a payload into a folder; return the seconds until it has arrived in the other one."""
    time.sleep(0.2)  # let both sides finish the previous one
    source = into / payload.name
    started = time.perf_counter()
    payload.rename(source)
    seconds = seconds_until(lambda: is_whole(source, arrives / source.name), since=started)
    time.sleep(0.5)  # another program may still be writing, so every contestant gets this pause
    if source.is_dir():
        names = os.listdir(source)
        same, _, _ = filecmp.cmpfiles(source, arrives / source.name, names, shallow=False)
        assert len(same) == _FILES
    else:
        assert filecmp.cmp(source, arrives / source.name, shallow=False)
    return seconds


def drop_all(desk: Path, into: Path, arrives: Path, rounds: int, folders: int) -> Results:
    """Drop one after the other, each made beside the folder that it goes into."""
    kinds: dict[str, tuple[int, Callable[[Path], Path]]] = {
        "file": (rounds, make_file),
        "folder": (folders, make_folder),
    }
    return {
        kind: [drop(make(desk / f"{kind}-{number}"), into, arrives) for number in range(count)]
        for kind, (count, make) in kinds.items()
    }


async def measure_tuishare(root: Path, rounds: int, folders: int) -> Results:
    """Measure two agents."""
    alice, bob = make_friends(root)
    async with runner(alice), runner(bob):
        with carrying(alice, bob):
            arrives = bob.downloads / alice.name
            return await asyncio.to_thread(drop_all, root, alice.drop, arrives, rounds, folders)


def measure_syncthing(root: Path, rounds: int, folders: int) -> Results:
    """Measure two instances of Syncthing."""
    with synchronising(root) as (one, other):
        return drop_all(root, one, other, rounds, folders)


def main() -> None:
    """Print medians and worst cases beside what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--folders", type=int, default=5)
    parser.add_argument("--workdir", type=Path, default=None, help="a folder on the disk to measure")
    options = parser.parse_args()
    measured: dict[str, Results] = {}
    with tempfile.TemporaryDirectory(dir=options.workdir) as folder:
        (root := Path(folder) / "tuishare").mkdir()
        measured["tuishare"] = asyncio.run(measure_tuishare(root, options.rounds, options.folders))
    if is_installed():
        with tempfile.TemporaryDirectory(dir=options.workdir) as folder:
            measured["syncthing"] = measure_syncthing(Path(folder), options.rounds, options.folders)
    else:
        print("syncthing is not installed")
    for way, results in measured.items():
        for kind, seconds in results.items():
            median, worst = statistics.median(seconds), max(seconds)
            print(f"{way:10} {kind:7} median {median:6.3f} s   worst {worst:6.3f} s   of {len(seconds)}")
    for kind, wanted in _WANTED.items():
        median = statistics.median(measured["tuishare"][kind])
        print(f"wanted: {kind} < {wanted} s; measured {median:.3f}")


if __name__ == "__main__":
    main()
