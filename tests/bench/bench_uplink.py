"""One sender with an uplink of 100 Mbit/s and four recipients: how often does the uplink carry the payload?

Run as root: ``python -m tests.bench.bench_uplink --size 100MiB --rounds 3``. Each machine is a network namespace with a
process of its own; all know each other's address from the start, as a tracker with short intervals would tell them.
The clock runs in each recipient, from the first call to the last byte in its file; `bare` is libtorrent as it comes,
over TLS and TCP (uTP takes longer still).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.bench.bench_transfer import parse_size
from tests.bench.namespaces import address, network, sent_bytes
from tuishare.swarm import (
    Completed,
    Credentials,
    Endpoint,
    Engine,
    EngineSettings,
    TorrentSpec,
    create_authority,
)
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.torrent_params import prepare
from tuishare.torrents import make_torrent, walk

RECIPIENTS = 4
UPLINK = 100
"""Mbit/s."""
WANTED = 1.25
PORT = 50007


class Task(msgspec.Struct):
    """The task of one machine; number 0 is the sender."""

    way: str
    number: int
    torrent: bytes
    credentials: tuple[bytes, bytes, bytes]
    folder: str

    def assignment(self) -> TorrentSpec:
        """The spec for our engine: all machines know each other."""
        others = [n for n in range(RECIPIENTS + 1) if n != self.number] if self.number else []
        return TorrentSpec(
            self.torrent,
            Path(self.folder),
            "tls",
            Credentials(*self.credentials),
            contacts=tuple(Endpoint(address(number), PORT) for number in others),
            complete=not self.number,
        )


class Outcome(NamedTuple):
    """One delivery to all recipients, relative to the best possible use of the uplink."""

    time: float
    sent: float


async def _take_part(task: Task) -> None:
    engine = await Engine.start(EngineSettings(listen_tls=f"{address(task.number)}:{PORT}"))
    if not task.number:
        await engine.add(task.assignment())
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    started = time.perf_counter()
    if task.number:
        with engine.subscribe() as events:
            info_hash = await engine.add(task.assignment())
            async for event in events:
                if isinstance(event, Completed):
                    break
        await engine.flush(info_hash)
        print(time.perf_counter() - started, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await engine.close()


def _take_part_bare(task: Task) -> None:
    """libtorrent's defaults without public discovery and uTP."""
    off = (
        "enable_dht",
        "enable_lsd",
        "enable_upnp",
        "enable_natpmp",
        "enable_outgoing_utp",
        "enable_incoming_utp",
    )
    settings: Any = {"listen_interfaces": f"{address(task.number)}:{PORT}s", **dict.fromkeys(off, False)}
    session = lt.session(settings)
    admission = prepare(task.assignment(), datetime.now(UTC))
    handle = session.add_torrent(admission.params)
    assert admission.certificate is not None
    handle.set_ssl_certificate_buffer(*admission.certificate)
    if not task.number:
        handle.resume()
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    if task.number:
        handle.resume()
        while not handle.status().is_seeding:
            time.sleep(0.01)
        print(time.perf_counter() - started, flush=True)
    sys.stdin.read()


def _spawn(machine: str, task: Task) -> subprocess.Popen[str]:
    command = ["ip", "netns", "exec", machine, sys.executable, "-m", "tests.bench.bench_uplink", "--part"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    _say(child, b64encode(msgspec.json.encode(task)).decode())
    return child


def _say(child: subprocess.Popen[str], line: str) -> None:
    assert child.stdin is not None
    child.stdin.write(line + "\n")
    child.stdin.flush()


def _hear(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        sys.exit("a machine ended early")
    return line


def deliver(way: str, size: int, folder: Path) -> Outcome:
    """Deliver once to all recipients, compare every byte, and leave only the source."""
    now = datetime.now(UTC)
    authority = create_authority(now)
    torrent = make_torrent(walk(folder / "0" / "payload"), version=2)
    children: list[subprocess.Popen[str]] = []
    with network(RECIPIENTS + 1, UPLINK) as machines:
        try:
            for number, machine in enumerate(machines):
                member = authority.admit(authority.issue(now))
                (folder / str(number)).mkdir(exist_ok=True)
                keys = (member.root_certificate, member.leaf_certificate, member.leaf_key)
                children.append(_spawn(machine, Task(way, number, torrent, keys, str(folder / str(number)))))
            for child in children:
                _hear(child)
            before = sent_bytes(machines[0])
            for child in children:
                _say(child, "go")
            seconds = max(float(_hear(child)) for child in children[1:])
            sent = sent_bytes(machines[0]) - before
        finally:
            for child in children:
                child.communicate(timeout=30)
    for number in range(1, RECIPIENTS + 1):
        subprocess.run(["cmp", folder / "0" / "payload", folder / str(number) / "payload"], check=True)
        shutil.rmtree(folder / str(number))
    return Outcome(seconds / (size * 8 / (UPLINK * 1e6)), sent / size)


def run(size: int, rounds: int, folder: Path) -> dict[str, Outcome]:
    """Measure both ways in turn, so that a slow moment of the machine hits both; return medians."""
    (folder / "0").mkdir()
    (folder / "0" / "payload").write_bytes(os.urandom(size))
    found: dict[str, list[Outcome]] = {"engine": [], "bare": []}
    for _ in range(rounds):
        for way, outcomes in found.items():
            outcomes.append(deliver(way, size, folder))
            print(f"  {way:6} {outcomes[-1].time:5.2f} x time  {outcomes[-1].sent:5.2f} x sent", flush=True)
    return {
        way: Outcome(*map(statistics.median, zip(*outcomes, strict=True))) for way, outcomes in found.items()
    }


def main() -> None:
    """Print the medians beside what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=parse_size, default=100 << 20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        task = msgspec.json.decode(b64decode(sys.stdin.readline()), type=Task)
        if task.way == "engine":
            asyncio.run(_take_part(task))
        else:
            _take_part_bare(task)
        return
    if os.geteuid():
        print("needs root for network namespaces: left out")
        return
    with tempfile.TemporaryDirectory() as folder:
        medians = run(options.size, options.rounds, Path(folder))
    for way, outcome in medians.items():
        print(f"{way:6} {outcome.time:5.2f} x size/uplink   sender sent {outcome.sent:5.2f} x size")
    print(f"wanted: engine <= {WANTED} x size/uplink; measured {medians['engine'].time:.2f}")


if __name__ == "__main__":
    main()
