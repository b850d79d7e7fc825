"""Programs of others: any client works with our tracker, and ours with any tracker."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.swarm.conftest import StartEngine, start_engine  # noqa: F401 (a fixture)
from tests.swarm.shares import Share, completed, make_share
from tests.tracker.announces import BOB, SHARE, SWARM, member, open_desk
from tests.tracker.clients import CLIENTS, Outcome
from tests.tracker.conftest import StartServer
from tests.tracker.opentracker import opentracker
from tuishare.torrents import InfoHash
from tuishare.tracker import Relay, SeedAddress

STRANGER = b"x" * 32
_ANNOUNCE = """
const { default: Client } = await import(process.argv[1]);
const client = new Client({ infoHash: process.argv[2], peerId: Buffer.from('-XX0001-node________'),
                            announce: [process.argv[3]], port: 6881 });
const tell = (said) => { console.log(JSON.stringify(said)); client.destroy(() => process.exit(0)); };
client.on('error', (error) => tell({ error: error.message }));
client.on('warning', (error) => tell({ error: error.message }));
client.on('peer', (peer) => tell({ peer }));
client.start({ left: 1 });
"""


@cache
def _has_namespaces() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True).returncode == 0


@cache
def _npm_package() -> Path | None:
    if shutil.which("npm") is None or shutil.which("node") is None:
        return None
    root = subprocess.run(["npm", "root", "-g"], check=True, capture_output=True, text=True).stdout.strip()
    entry = Path(root) / "bittorrent-tracker" / "index.js"
    return entry if entry.exists() else None


def _download(client: str, passkey: bytes, folder: Path) -> Outcome:
    if shutil.which(client) is None:
        pytest.skip(f"{client} is not installed")
    if not _has_namespaces():
        pytest.skip("no network namespaces here")
    command = [
        "unshare",
        "-rn",
        sys.executable,
        "-m",
        "tests.tracker.clients",
        client,
        passkey.hex(),
        str(folder),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    said = json.loads(done.stdout)
    return Outcome(**{**said, "heard": [tuple(entry) for entry in said["heard"]]})


@pytest.mark.parametrize("client", CLIENTS)
def test_other_clients_download_with_a_passkey(client: str, tmp_path: Path) -> None:
    outcome = _download(client, BOB, tmp_path)
    assert outcome.whole
    assert not outcome.refused
    assert ("started", 1 << 20) in outcome.heard


@pytest.mark.parametrize("client", CLIENTS)
def test_other_clients_get_nothing_without(client: str, tmp_path: Path) -> None:
    assert _download(client, STRANGER, tmp_path) == Outcome(whole=False, uploaded=0, heard=[], refused=True)


async def _announce(passkey: bytes, port: int, info_hash: InfoHash) -> dict[str, str]:
    package = _npm_package()
    if package is None:
        pytest.skip("not installed: npm install -g --ignore-scripts --omit=optional bittorrent-tracker@9")
    process = await asyncio.create_subprocess_exec(
        *("node", "--input-type=module", "-e", _ANNOUNCE, "--", package.as_uri()),
        *(info_hash[:40], f"http://127.0.0.1:{port}/announce/{passkey.hex()}"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    said: dict[str, str] = json.loads(out.splitlines()[0])
    return said


async def test_the_javascript_client_is_told_of_peers_with_a_passkey_only(start_server: StartServer) -> None:
    desk = open_desk()
    desk.tracker.admit(SHARE, {member(BOB): "bob"}, (SWARM,), (SeedAddress(ip_address("127.0.0.1"), 50_007),))
    port = (await start_server(desk.tracker)).ports["http"]
    assert await _announce(BOB, port, SWARM) == {"peer": "127.0.0.1:50007"}
    assert await _announce(STRANGER, port, SWARM) == {"error": "This announce is not accepted here"}


@pytest.fixture
def plain_share(tmp_path: Path) -> Share:
    """One MiB in a plain swarm."""
    return make_share(tmp_path / "alice", tls=False)


@pytest.mark.skipif(shutil.which("opentracker") is None, reason="opentracker is not installed")
async def test_our_clients_find_each_other_through_opentracker(
    start_engine: StartEngine,  # noqa: F811
    plain_share: Share,
    tmp_path: Path,
) -> None:
    """Through the relay, as agents do, and directly, as any client does."""
    alice, bob, carol = [await start_engine() for _ in range(3)]
    (home := tmp_path / "opentracker").mkdir()
    with opentracker(home, plain_share.info_hash) as port:
        direct = f"http://127.0.0.1:{port}/announce"
        async with Relay() as relay:
            tiers = ((relay.local(direct),),)
            await alice.add(replace(plain_share.seeding(), announce=tiers))
            await completed(
                bob, replace(plain_share.downloading(tmp_path / "bob"), announce=tiers), seconds=60
            )
            await completed(
                carol, replace(plain_share.downloading(tmp_path / "carol"), announce=((direct,),)), seconds=60
            )
    for name in ("bob", "carol"):
        assert (tmp_path / name / "payload.bin").read_bytes() == plain_share.data
