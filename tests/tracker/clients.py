"""A BitTorrent client of others, our tracker and our seed in a network of their own.

Run as ``unshare -rn python -m tests.tracker.clients CLIENT PASSKEY FOLDER``; prints an `Outcome` as JSON. A namespace
is used because Transmission calls nobody on loopback, and so that none of them can reach anything else.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from tests.bench.agents import end
from tests.swarm.shares import Share, at, make_share
from tests.tracker.announces import BOB, member
from tests.waiting import wait_until
from tuishare.swarm import Engine, EngineSettings
from tuishare.torrents import bencode
from tuishare.tracker import PeerAnnounced, SeedAddress, Tracker, TrackerServer, load_certificate

HOST: Final = "192.0.2.1"
_PORT: Final = 51_413
_SECONDS: Final = 40.0
_QBITTORRENT: Final = """[LegalNotice]
Accepted=true

[BitTorrent]
Session\\DefaultSavePath={folder}
Session\\Port={port}
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        whole: whether the client has the same bytes as the seed.
        uploaded: bytes of payload that the seed gave away.
        heard: events that the tracker heard of, with the bytes left.
        refused: whether it refused anything.
    """

    whole: bool
    uploaded: int
    heard: list[tuple[str, int]]
    refused: bool


def transmission(torrent: Path, folder: Path) -> list[str]:
    """transmission-cli."""
    (home := folder.parent / "home").mkdir()
    (home / "settings.json").write_text(json.dumps({"port-forwarding-enabled": False, "utp-enabled": False}))
    return [
        *("transmission-cli", "--config-dir", str(home), "--download-dir", str(folder)),
        *("--port", str(_PORT), "--no-portmap", str(torrent)),
    ]


def aria2(torrent: Path, folder: Path) -> list[str]:
    """aria2c."""
    return ["aria2c", "--no-conf", f"--dir={folder}", f"--listen-port={_PORT}", "--seed-time=9", str(torrent)]


def qbittorrent(torrent: Path, folder: Path) -> list[str]:
    """qbittorrent-nox."""
    profile = folder.parent / "profile"
    (place := profile / "qBittorrent" / "config").mkdir(parents=True)
    (place / "qBittorrent.conf").write_text(_QBITTORRENT.format(folder=folder, port=_PORT))
    return ["qbittorrent-nox", f"--profile={profile}", f"--save-path={folder}", str(torrent)]


CLIENTS: Final[Mapping[str, Callable[[Path, Path], list[str]]]] = {
    "transmission-cli": transmission,
    "aria2c": aria2,
    "qbittorrent-nox": qbittorrent,
}


async def run(client: str, passkey: bytes, root: Path) -> Outcome:
    """Let a client try to download 1 MiB; end when it has it, or was refused."""
    share = make_share(root / "alice", tls=False)
    engine = await Engine.start(EngineSettings(listen_tls=None, listen_plain=f"{HOST}:0"))
    await engine.add(share.seeding())
    heard: list[PeerAnnounced] = []
    tracker = Tracker(heard.append)
    seed = SeedAddress(ip_address(HOST), at(engine, "plain").port)
    tracker.admit("film", {member(BOB): "bob"}, (share.info_hash,), (seed,))
    server = TrackerServer(tracker, load_certificate(root / "tracker.pem"), https=None, http=(HOST, 0))
    await server.start()
    into = root / "into"
    into.mkdir()
    torrent = _write_torrent(share, root / "film.torrent", server.ports["http"], passkey)
    process = await asyncio.to_thread(_start, CLIENTS[client](torrent, into), root / "client.log")
    try:
        with suppress(TimeoutError):
            await wait_until(lambda: _has(into, share) or _refused(server), seconds=_SECONDS)
        await wait_until(lambda: _refused(server) or engine.progress(share.info_hash).uploaded > 0)
        return Outcome(
            whole=_has(into, share),
            uploaded=engine.progress(share.info_hash).uploaded,
            heard=[(said.event, said.left) for said in heard],
            refused=_refused(server),
        )
    finally:
        await asyncio.to_thread(end, process)
        await server.close()
        await engine.close()


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)


def _write_torrent(share: Share, path: Path, port: int, passkey: bytes) -> Path:
    torrent = bencode.decode(share.torrent)
    assert isinstance(torrent, dict)
    torrent[b"announce"] = f"http://{HOST}:{port}/announce/{passkey.hex()}".encode()
    path.write_bytes(bencode.encode(torrent))
    return path


def _has(folder: Path, share: Share) -> bool:
    with suppress(FileNotFoundError):
        return (folder / "payload.bin").read_bytes() == share.data
    return False


def _refused(server: TrackerServer) -> bool:
    return len(server._connection_limits._refusals) > 0


def main() -> None:
    """Bring the network up, run, print."""
    client, passkey, root = sys.argv[1:]
    for command in ("link set lo up", f"address add {HOST}/32 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
    print(json.dumps(asdict(asyncio.run(run(client, bytes.fromhex(passkey), Path(root))))))


if __name__ == "__main__":
    main()
