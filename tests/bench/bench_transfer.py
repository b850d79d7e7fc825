"""One file over TLS between two processes on loopback: our engine, bare libtorrent, raw TLS.

`bare` has libtorrent's defaults, which carry this over uTP; `bare-tcp` differs from it in that alone.

Run as ``python -m tests.bench.bench_transfer --size 1GiB --rounds 3``. Each number is the median of the rounds; the
clock runs in the receiving process, from the first call to the last byte in its file.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

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

WAYS = ("engine", "bare", "bare-tcp", "raw")
_CHUNK = 1 << 20


class Task(msgspec.Struct):
    """The task of a child process."""

    torrent: bytes
    credentials: tuple[bytes, bytes, bytes]
    folder: str
    port: int = 0

    def assignment(self, *, complete: bool) -> TorrentSpec:
        """The assignment of our engine."""
        contacts = (Endpoint("127.0.0.1", self.port),) if self.port else ()
        return TorrentSpec(
            self.torrent,
            Path(self.folder),
            "tls",
            Credentials(*self.credentials),
            contacts=contacts,
            complete=complete,
        )


async def _engine_seed(task: Task) -> None:
    engine = await Engine.start(EngineSettings(listen_tls="127.0.0.1:0"))
    await engine.add(task.assignment(complete=True))
    _say(engine.listening["tls"])
    await asyncio.to_thread(sys.stdin.read)
    await engine.close()


async def _engine_fetch(task: Task) -> None:
    engine = await Engine.start(EngineSettings(listen_tls="127.0.0.1:0"))
    started = time.perf_counter()
    with engine.subscribe() as events:
        info_hash = await engine.add(task.assignment(complete=False))
        async for event in events:
            if isinstance(event, Completed):
                break
    await engine.flush(info_hash)
    _say(time.perf_counter() - started)
    await engine.close()


def _bare(task: Task, *, seed: bool, utp: bool) -> tuple[lt.session, lt.torrent_handle]:
    """libtorrent's defaults without public discovery; its files are checked as usual."""
    quiet = dict.fromkeys(("enable_dht", "enable_lsd", "enable_upnp", "enable_natpmp"), False)
    settings: Any = {"listen_interfaces": "127.0.0.1:0s", **quiet, "alert_mask": lt.alert_category.storage}
    if not utp:
        settings["enable_outgoing_utp"] = settings["enable_incoming_utp"] = False
    session = lt.session(settings)
    admission = prepare(task.assignment(complete=False), datetime.now(UTC))
    handle = session.add_torrent(admission.params)
    assert admission.certificate is not None
    handle.set_ssl_certificate_buffer(*admission.certificate)
    handle.resume()
    while seed and not handle.status().is_seeding:
        time.sleep(0.01)
    return session, handle


def _bare_seed(task: Task, *, utp: bool) -> None:
    session, _ = _bare(task, seed=True, utp=utp)
    _say(session.ssl_listen_port())
    sys.stdin.read()


def _bare_fetch(task: Task, *, utp: bool) -> None:
    started = time.perf_counter()
    session, handle = _bare(task, seed=False, utp=utp)
    while not handle.status().is_seeding:
        time.sleep(0.01)
    handle.flush_cache()
    while not any(alert.what() == "cache_flushed" for alert in session.pop_alerts()):
        time.sleep(0.005)
    _say(time.perf_counter() - started)


def _context(task: Task, protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    certificate = prepare(task.assignment(complete=True), datetime.now(UTC)).certificate
    assert certificate is not None
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(certificate[0] + certificate[1])
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _raw_seed(task: Task) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        _say(server.getsockname()[1])
        connection, _ = server.accept()
        with (
            _context(task, ssl.PROTOCOL_TLS_SERVER).wrap_socket(connection, server_side=True) as stream,
            (Path(task.folder) / "payload").open("rb") as file,
        ):
            while chunk := file.read(_CHUNK):
                stream.sendall(chunk)


def _raw_fetch(task: Task) -> None:
    started = time.perf_counter()
    context = _context(task, ssl.PROTOCOL_TLS_CLIENT)
    buffer = memoryview(bytearray(_CHUNK))
    with (
        context.wrap_socket(socket.create_connection(("127.0.0.1", task.port))) as stream,
        (Path(task.folder) / "payload").open("wb", buffering=0) as file,
    ):
        while length := stream.recv_into(buffer):
            file.write(buffer[:length])
        _say(time.perf_counter() - started)


def _say(value: object) -> None:
    print(value, flush=True)


def _child(role: str) -> None:
    task = msgspec.json.decode(b64decode(sys.stdin.readline()), type=Task)
    match role:
        case "engine-seed":
            asyncio.run(_engine_seed(task))
        case "engine-fetch":
            asyncio.run(_engine_fetch(task))
        case "bare-seed":
            _bare_seed(task, utp=True)
        case "bare-fetch":
            _bare_fetch(task, utp=True)
        case "bare-tcp-seed":
            _bare_seed(task, utp=False)
        case "bare-tcp-fetch":
            _bare_fetch(task, utp=False)
        case "raw-seed":
            _raw_seed(task)
        case "raw-fetch":
            _raw_fetch(task)


def _spawn(role: str, task: Task) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bench_transfer", "--role", role],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    child.stdin.write(b64encode(msgspec.json.encode(task)).decode() + "\n")
    child.stdin.flush()
    return child


def _hear(child: subprocess.Popen[str]) -> float:
    assert child.stdout is not None
    return float(child.stdout.readline())


def transfer(way: str, size: int, folder: Path) -> float:
    """Move `size` bytes once; return MB/s (10^6) and leave nothing behind."""
    source, target = folder / "source", folder / "target"
    target.mkdir()
    now = datetime.now(UTC)
    authority = create_authority(now)
    members = [authority.admit(authority.issue(now)) for _ in range(2)]
    keys = [(one.root_certificate, one.leaf_certificate, one.leaf_key) for one in members]
    torrent = make_torrent(walk(source / "payload"), version=2)
    seed = _spawn(f"{way}-seed", Task(torrent, keys[0], str(source)))
    try:
        port = int(_hear(seed))
        fetch = _spawn(f"{way}-fetch", Task(torrent, keys[1], str(target), port))
        seconds = _hear(fetch)
        fetch.communicate(timeout=30)
    finally:
        seed.communicate(timeout=30)
    subprocess.run(["cmp", str(source / "payload"), str(target / "payload")], check=True)
    (target / "payload").unlink()
    target.rmdir()
    return size / seconds / 1e6


def run(size: int, rounds: int, workdir: Path) -> dict[str, float]:
    """Measure every way in turn, so that a slow moment of the machine hits all; return medians in MB/s."""
    (workdir / "source").mkdir()
    with (workdir / "source" / "payload").open("wb") as file:
        for _ in range(size // _CHUNK):
            file.write(os.urandom(_CHUNK))
    results: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            results[way].append(transfer(way, size, workdir))
    return {way: statistics.median(speeds) for way, speeds in results.items()}


def parse_size(text: str) -> int:
    """Read a size for a benchmark; bytes."""
    match = re.fullmatch(r"(\d+)(MiB|GiB)", text)
    if match is None:
        raise argparse.ArgumentTypeError("write for example 256MiB or 1GiB")
    return int(match[1]) << (20 if match[2] == "MiB" else 30)


def main() -> None:
    """Print a table of medians and the ratios that are wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=parse_size, default=1 << 30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workdir", type=Path, default=None, help="a folder on the disk to measure")
    parser.add_argument("--role", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        _child(options.role)
        return
    with tempfile.TemporaryDirectory(dir=options.workdir) as folder:
        medians = run(options.size, options.rounds, Path(folder))
    for way, speed in medians.items():
        print(f"{way:8} {speed:8.0f} MB/s   {speed / medians['bare']:5.2f} x bare libtorrent")
    print(f"wanted: engine >= 1.50 x bare; measured {medians['engine'] / medians['bare']:.2f}")


if __name__ == "__main__":
    main()
