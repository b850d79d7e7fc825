"""What clients send to the tracker and what it answers, for tests: encoded and decoded without the room's own code."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast
from urllib.parse import quote

import libtorrent as lt

from tuishare.torrents import InfoHash
from tuishare.tracker import PeerAnnounced, SeedAddress, Tracker, TrackerLimits
from tuishare.tracker.announce import FAILURE

SHARE = "film"
SWARM = InfoHash("5a" * 32)
WIRE = b"\x5a" * 20
ALICE = SeedAddress(ip_address("192.0.2.1"), 50_007)
BOB, CAROL, DAVE = b"b" * 32, b"c" * 32, b"d" * 32
FAILED = FAILURE


def member(passkey: bytes) -> bytes:
    """What the tracker is given of a passkey."""
    return hashlib.sha256(passkey).digest()


def query(
    peer: str = "bob", *, info_hash: bytes = WIRE, port: int = 6_881, left: int = 1, **more: object
) -> str:
    """An announce as clients write it; the peer id is made of `peer`."""
    fields = {
        "info_hash": quote(info_hash, safe=""),
        "peer_id": f"-XX0001-{peer:_<12}",
        "port": port,
        "uploaded": 0,
        "downloaded": 0,
        "left": left,
        **more,
    }
    return "&".join(f"{name}={value}" for name, value in fields.items())


def decode(answer: bytes) -> dict[bytes, object]:
    """Read an answer with libtorrent's decoder."""
    return cast(dict[bytes, object], lt.bdecode(answer))


def named(answer: bytes) -> set[str]:
    """The peers of a compact answer, as HOST:PORT."""
    said = decode(answer)
    return {
        f"{ip_address(entry[:-2])}:{int.from_bytes(entry[-2:])}"
        for key, length in ((b"peers", 6), (b"peers6", 18))
        for entry in _split(cast(bytes, said[key]), length)
    }


def _split(packed: bytes, length: int) -> list[bytes]:
    assert len(packed) % length == 0
    return [packed[start : start + length] for start in range(0, len(packed), length)]


@dataclass
class Clock:
    """A clock that goes when it is told to; seconds."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    """A tracker of one share, which Bob and Carol may ask."""

    tracker: Tracker
    clock: Clock
    heard: list[PeerAnnounced]

    def ask(self, passkey: bytes, said: str, host: str = "198.51.100.7") -> bytes:
        return self.tracker.answer(passkey, said, ip_address(host))


def open_desk(limits: TrackerLimits | None = None, seed: tuple[SeedAddress, ...] = (ALICE,)) -> Desk:
    """Admit one share."""
    clock, heard = Clock(), list[PeerAnnounced]()
    tracker = Tracker(heard.append, limits, clock=clock, now=lambda: 1_700_000_000.9)
    tracker.admit(SHARE, {member(BOB): "bob", member(CAROL): "carol"}, (SWARM,), seed)
    return Desk(tracker, clock, heard)


def beginning_of_handshake() -> bytes:
    """What a client of TLS sends first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(
            incoming, outgoing, server_hostname="x"
        ).do_handshake()
    return outgoing.read()
