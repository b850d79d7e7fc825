"""From dropped to delivered by link: one file of 1 KiB, and a folder of 1,000 files of 10 KiB.

Run as ``python -m tests.bench.bench_latency --rounds 20 --folders 5``. Two agents with the default waits on loopback,
known to each other by an invitation; nothing is carried. The clock runs from the rename into the drop folder until the
payload has its final name and size at the other agent. Syncthing with a watcher delay of 1 s, if installed, takes turns
with them, so that other load of the machine meets both. Fails if a median is worse than wanted.
"""

from __future__ import annotations

import argparse
import asyncio
import filecmp
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench.agents import LINK, connect, make_friends, runner, seconds_until
from tests.bench.syncthing import is_installed, synchronising

_FILES = 1_000
_WANTED = {"file": (0.55, 0.45), "folder": (1.2, 0.4)}
"""Seconds, and the share of Syncthing's time."""
Results = dict[str, dict[str, list[float]]]
"""Seconds by kind of payload, then by program."""


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


@dataclass(frozen=True, slots=True)
class Way:
    """A program that brings what is put into one folder to another."""

    name: str
    source: Path
    target: Path


def drop_all(desk: Path, ways: list[Way], rounds: int, folders: int) -> Results:
    """Drop one after the other, each program in turn; everything is made beside the folder that it goes into."""
    kinds: dict[str, tuple[int, Callable[[Path], Path]]] = {
        "file": (rounds, make_file),
        "folder": (folders, make_folder),
    }
    results: Results = {kind: {way.name: [] for way in ways} for kind in kinds}
    for kind, (count, make) in kinds.items():
        for number in range(count):
            for way in ways:
                payload = make(desk / f"{kind}-{number}")
                results[kind][way.name].append(drop(payload, way.source, way.target))
    return results


async def measure(root: Path, rounds: int, folders: int) -> Results:
    """Measure two agents, and two instances of Syncthing if it is installed."""
    alice, bob = make_friends(root, link=LINK)
    with ExitStack() as stack:
        ways = [Way("tuishare", alice.drop, bob.downloads / alice.name)]
        if is_installed():
            ways.append(Way("syncthing", *stack.enter_context(synchronising(root / "syncthing"))))
        async with runner(alice), runner(bob):
            await connect(alice, bob)
            return await asyncio.to_thread(drop_all, root, ways, rounds, folders)


def is_good(kind: str, seconds: dict[str, list[float]]) -> bool:
    """Print medians and worst cases of one kind beside what is wanted; return whether that is reached."""
    for way, each in seconds.items():
        print(
            f"{way:10} {kind:7} median {statistics.median(each):6.3f} s   worst {max(each):6.3f} s   of {len(each)}"
        )
    median, (most, most_share) = statistics.median(seconds["tuishare"]), _WANTED[kind]
    if "syncthing" not in seconds:
        print(f"wanted: {kind} < {most} s; measured {median:.3f}")
        return median < most
    share = median / statistics.median(seconds["syncthing"])
    print(f"wanted: {kind} < {most} s and <= {most_share} x; measured {median:.3f} s and {share:.2f} x")
    return median < most and share <= most_share


def main() -> None:
    """Measure, and print the load average of the machine as well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--folders", type=int, default=5)
    parser.add_argument("--workdir", type=Path, default=None, help="a folder on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.workdir) as folder:
        measured = asyncio.run(measure(Path(folder), options.rounds, options.folders))
    if not is_installed():
        print("syncthing is not installed")
    good = [is_good(kind, seconds) for kind, seconds in measured.items()]
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if not all(good):
        sys.exit("a figure is worse than wanted")


if __name__ == "__main__":
    main()
