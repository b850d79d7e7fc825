"""Announces: how many a second and how long each takes, beside opentracker; and what 100,000 guesses do.

Run as ``python -m tests.bench.bench_tracker``. Everything is on loopback, each announce in a connection of its own, as
BitTorrent clients do it, from several processes that wait for each answer. Each peer announces several times, so the
swarm is as large as `--peers`. The second part fails if a peer is disclosed, a member refused or memory grows; the
third, in which strangers hold as many connections as they get, if a member is refused or memory grows.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import resource
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from tests.bench.agents import end
from tests.bench.processes import resident_memory
from tests.tracker.announces import FAILED, SHARE, SWARM, WIRE, beginning_of_handshake, member, query
from tests.tracker.opentracker import opentracker
from tuishare.tracker import SeedAddress, Tracker, TrackerServer, load_certificate

_CALLERS: Final = 4
_GUESSERS: Final = 3
_BETWEEN: Final = 0.25
"""Seconds between two announces of members under guesses; their own limit is 2 a second."""
_GROWTH: Final = 8.0
"""MiB by which the tracker may grow under guesses; 100,000 addresses or connections kept would be more."""
_HELD: Final = 50.0
"""Likewise while strangers hold all the connections that they are given."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The client side of one process.

    Attributes:
        port: on loopback.
        secure: over TLS.
        host: the address that it asks from.
    """

    port: int
    secure: bool = False
    host: str = "127.0.0.1"

    def ask(self, path: str) -> bytes:
        """Announce over a new connection; return nothing if there was no response."""
        try:
            with self.connect() as connection:
                connection.sendall(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
                return b"".join(iter(lambda: connection.recv(65_536), b"")).partition(b"\r\n\r\n")[2]
        except OSError:
            return b""

    def connect(self) -> socket.socket:
        """Open a connection, with its handshake if it is one of TLS."""
        connection = socket.create_connection(("127.0.0.1", self.port), source_address=(self.host, 0))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.secure:
            return connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(connection)

    def ask_all(self, paths: list[str]) -> list[float]:
        """Ask one after the other; return the seconds of each, negative where it was refused."""
        taken = []
        for path in paths:
            started = time.perf_counter()
            body = self.ask(path)
            seconds = time.perf_counter() - started
            taken.append(seconds if b"8:interval" in body else -seconds)
        return taken

    def guess(self, numbers: range) -> tuple[int, int]:
        """Try wrong passkeys; return the number of responses, and how many of them were not refusals."""
        bodies = [self.ask(f"/announce/{number:064x}?{query('mallory')}") for number in numbers]
        answers = [body for body in bodies if body]
        return len(answers), sum(body != FAILED for body in answers)


def passkey(number: int) -> bytes:
    """The passkey of a member."""
    return (number + 1).to_bytes(2) * 16


async def serve(folder: Path, peers: int) -> None:
    """Be the tracker, in a process of its own, until ended."""
    tracker = Tracker(lambda _: None)
    members = {member(passkey(number)): f"user{number}" for number in range(peers)}
    tracker.admit(SHARE, members, (SWARM,), (SeedAddress(ip_address("127.0.0.1"), 50_007),))
    places = ("127.0.0.1", 0)
    server = TrackerServer(tracker, load_certificate(folder / "tracker.pem"), https=places, http=places)
    await server.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    print(server.ports["http"], server.ports["https"], flush=True)
    await ended.wait()
    await server.close()


@contextmanager
def our_tracker(folder: Path, peers: int) -> Iterator[tuple[int, int, int]]:
    """Run it; gives its process id and its http and https ports."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.bench_tracker",
        "--serve",
        str(folder),
        "--peers",
        str(peers),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        http, https = map(int, process.stdout.readline().split())
        yield process.pid, http, https
    finally:
        end(process)
        process.stdout.close()


def measure(name: str, caller: Caller, paths: list[str]) -> float:
    """Ask with several processes; print what came of it and return announces a second."""
    shares = [paths[number::_CALLERS] for number in range(_CALLERS)]
    with ProcessPoolExecutor(_CALLERS) as pool:
        list(pool.map(time.sleep, [0.1] * _CALLERS))  # until all processes are there
        started = time.perf_counter()
        taken = list(itertools.chain.from_iterable(pool.map(caller.ask_all, shares)))
        seconds = time.perf_counter() - started
    assert min(taken) > 0, f"{name} refused {sum(one < 0 for one in taken)} announces"
    rate = len(taken) / seconds
    late = statistics.quantiles(taken, n=100)[98]
    print(
        f"{name:<22} {rate:7.0f} announces/s, median {statistics.median(taken) * 1000:.2f} ms, "
        f"99 % within {late * 1000:.2f} ms"
    )
    return rate


def announce_all(folder: Path, peers: int, announces: int) -> None:
    """Compare."""
    numbers = [number % peers for number in range(announces)]
    said = [query(f"{number}", port=1_024 + number) + "&compact=1" for number in range(peers)]
    ours = [f"/announce/{passkey(number).hex()}?{said[number]}" for number in numbers]
    with our_tracker(folder, peers) as (_, http, https):
        rate = measure("tuishare, http", Caller(http), ours)
        measure("tuishare, https", Caller(https, secure=True), ours)
    if shutil.which("opentracker") is None:
        print("opentracker is not installed: nothing to compare with")
        return
    with opentracker(folder, WIRE.hex()) as port:
        theirs = measure(
            "opentracker, http", Caller(port), [f"/announce?{said[number]}" for number in numbers]
        )
    print(f"ratio over http: {rate / theirs:.2f} of opentracker")


def guess_all(folder: Path, guesses: int) -> bool:
    """Guess from one address while members ask from it and from another; return whether all is as wanted."""
    with our_tracker(folder, 2) as (pid, http, _), ProcessPoolExecutor(_GUESSERS) as pool:
        here, there = Caller(http), Caller(http, host="127.0.0.2")
        paths = [f"/announce/{passkey(number).hex()}?{query(str(number))}" for number in range(2)]
        for caller, path in zip((here, there), paths, strict=True):
            assert caller.ask(path), "members announce first"
        here.guess(range(guesses, guesses + 1_000))  # what is kept at all is kept now
        before, started = resident_memory(pid), time.perf_counter()
        parts = [range(start, guesses, _GUESSERS) for start in range(_GUESSERS)]
        guessing = [pool.submit(here.guess, part) for part in parts]
        taken = list[float]()
        while not all(one.done() for one in guessing):
            for caller, path in zip((here, there), paths, strict=True):
                taken += caller.ask_all([path])
                time.sleep(_BETWEEN)
        answered, disclosed = (
            sum(column) for column in zip(*(one.result() for one in guessing), strict=True)
        )
        grown = resident_memory(pid) - before
    refused = sum(seconds < 0 for seconds in taken)
    print(
        f"{guesses:,} guesses in {time.perf_counter() - started:.1f} s, {answered} of them answered: "
        f"{disclosed} peers disclosed (wanted 0), memory +{grown:.1f} MiB (wanted < {_GROWTH:.0f}), "
        f"members refused {refused} of {len(taken)} (wanted 0), median {statistics.median(taken) * 1000:.1f} ms"
    )
    return not disclosed and not refused and grown < _GROWTH


def hold_all(folder: Path, connections: int) -> bool:
    """Let 200 addresses hold connections, silent, in their handshake and after it; return whether all is as wanted."""
    as_wanted, beginning = True, beginning_of_handshake()
    for state in ("silent", "handshake", "idle"):
        with our_tracker(folder, 2) as (pid, _, https):
            member = Caller(https, secure=True)
            path = f"/announce/{passkey(0).hex()}?{query('0')}"
            assert member.ask(path), "members announce first"
            before = resident_memory(pid)
            hosts = [f"127.{1 + number % 200}.0.1" for number in range(connections)]
            held = [
                _hold(
                    Caller(https, secure=state == "idle", host=host),
                    beginning if state == "handshake" else b"",
                )
                for host in hosts
            ]
            taken = member.ask_all([path] * 20)
            grown = resident_memory(pid) - before
            for connection in filter(None, held):
                connection.close()
        refused = sum(seconds < 0 for seconds in taken)
        print(
            f"{connections:,} connections, {state}: memory +{grown:.1f} MiB (wanted < {_HELD:.0f}), "
            f"members refused {refused} of {len(taken)} (wanted 0), median {statistics.median(taken) * 1000:.1f} ms"
        )
        as_wanted = as_wanted and not refused and grown < _HELD
    return as_wanted


def _hold(caller: Caller, beginning: bytes) -> socket.socket | None:
    """Open a connection and send something; None if it was closed."""
    try:
        connection = caller.connect()
        connection.sendall(beginning)
    except OSError:
        return None
    return connection


def main() -> None:
    """Print both; fail if guessing did harm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=int, default=200)
    parser.add_argument("--announces", type=int, default=8_000)
    parser.add_argument("--guesses", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=2_000)
    parser.add_argument("--serve", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve, options.peers))
        return
    with tempfile.TemporaryDirectory() as folder:
        announce_all(Path(folder), options.peers, options.announces)
        if not guess_all(Path(folder), options.guesses):
            sys.exit("guessing did harm")
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        if not hold_all(Path(folder), options.connections):
            sys.exit("holding connections did harm")


if __name__ == "__main__":
    main()
