"""Who is not a member gets nothing, on any port (threats T7 to T10)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.swarm.conftest import StartEngine
from tests.swarm.outsiders import BLOCK, member_context, stock_session, take_block
from tests.swarm.shares import Share, at
from tests.waiting import wait_until
from tuishare.swarm import Credentials, Engine, PeerRefused, create_authority
from tuishare.swarm.libtorrent_loader import lt

NOW = datetime.now(UTC)


async def seed(start_engine: StartEngine, share: Share) -> Engine:
    engine: Engine = await start_engine()
    await engine.add(share.seeding())
    return engine


async def test_a_member_gets_payload_by_the_same_hands(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    """The control: what follows fails for the want of a ticket, not because these hands cannot do it."""
    engine = await seed(start_engine, share)
    context = member_context(share.member(), tmp_path)
    loot = await asyncio.to_thread(take_block, at(engine).port, share.info_hash, context)
    assert loot.payload == share.data[:BLOCK]


def _strangers(share: Share) -> dict[str, Credentials | None]:
    assert share.authority is not None
    foreign = create_authority(NOW)
    day = timedelta(days=1)
    return {
        "no certificate": None,
        "foreign authority": foreign.admit(foreign.issue(NOW)),
        "expired": share.authority.admit(share.authority.issue(NOW - 10 * day, lifetime=9 * day)),
        "not yet valid": share.authority.admit(share.authority.issue(NOW + 3 * day)),
    }


@pytest.mark.parametrize("who", ["no certificate", "foreign authority", "expired", "not yet valid"])
async def test_a_stranger_over_tls_gets_nothing(
    start_engine: StartEngine, share: Share, tmp_path: Path, who: str
) -> None:
    engine = await seed(start_engine, share)
    context = member_context(_strangers(share)[who], tmp_path)
    loot = await asyncio.to_thread(take_block, at(engine).port, share.info_hash, context)
    assert loot.payload == b""
    assert not loot.greeted
    assert engine.progress(share.info_hash).uploaded == 0


@pytest.mark.parametrize("port", ["tls", "plain"])
async def test_plaintext_gets_nothing(start_engine: StartEngine, share: Share, port: str) -> None:
    engine = await seed(start_engine, share)
    loot = await asyncio.to_thread(take_block, at(engine, port).port, share.info_hash)
    assert loot.payload == b""
    assert not loot.greeted


@pytest.mark.parametrize("port", ["tls", "plain"])
async def test_tls_with_a_ticket_works_on_the_tls_port_only(
    start_engine: StartEngine, share: Share, tmp_path: Path, port: str
) -> None:
    engine = await seed(start_engine, share)
    context = member_context(share.member(), tmp_path)
    loot = await asyncio.to_thread(take_block, at(engine, port).port, share.info_hash, context)
    assert bool(loot.payload) == (port == "tls")


@pytest.mark.parametrize("port", ["tls", "plain"])
@pytest.mark.parametrize("policy", [lt.enc_policy.forced, lt.enc_policy.disabled])
async def test_a_stock_client_gets_nothing_with_or_without_message_stream_encryption(
    start_engine: StartEngine, share: Share, tmp_path: Path, port: str, policy: int
) -> None:
    engine = await seed(start_engine, share)
    session = stock_session(policy)
    params = lt.load_torrent_buffer(share.torrent)
    params.save_path = str(tmp_path)
    params.peers = [("127.0.0.1", at(engine, port).port)]
    handle = session.add_torrent(params)
    seen: set[str] = set()

    def hung_up() -> bool:
        seen.update(alert.what() for alert in session.pop_alerts())
        return "peer_disconnected" in seen

    await wait_until(hung_up)
    assert handle.status().total_payload_download == 0


async def test_a_false_seed_delivers_nothing_and_is_reported(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    """The recipient checks whom it talks to, too: a seed of the same torrent under another authority."""
    false = Share(share.folder, share.data, share.torrent, create_authority(NOW))
    seed_engine, victim = await seed(start_engine, false), await start_engine()
    with victim.subscribe() as events:
        await victim.add(share.downloading(tmp_path / "bob", at(seed_engine)))
        async with asyncio.timeout(10):
            async for event in events:
                if isinstance(event, PeerRefused):
                    assert event.host == "127.0.0.1"
                    break
    assert victim.progress(share.info_hash).downloaded == 0


# Not among them: TLS 1.2 at another share. OpenSSL itself resumes a 1.2 session under its own server name only.
@pytest.mark.parametrize(("where", "version"), [("other", "1.3"), ("revoked", "1.3"), ("revoked", "1.2")])
@pytest.mark.parametrize(("guard", "taken"), [("guarded", 0), ("unguarded", BLOCK)])
def test_a_resumed_session_opens_nothing(
    tmp_path: Path, where: str, version: str, guard: str, taken: int
) -> None:
    """And without the guard it does: the unguarded runs show that this test can fail."""
    script = [sys.executable, "-m", "tests.swarm.resumption", guard, where, version, str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [str(BLOCK), str(taken)]
