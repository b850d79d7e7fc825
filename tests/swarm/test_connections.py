"""Who is connected, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.swarm.conftest import StartEngine
from tests.swarm.outsiders import stock_session
from tests.swarm.shares import Share, at, completed
from tests.waiting import wait_until
from tuishare.swarm.libtorrent_loader import lt


async def test_a_tls_peer_is_told_with_its_id(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    await completed(bob, share.downloading(tmp_path / "bob", at(alice)))
    await wait_until(lambda: alice.progress(share.info_hash).peers == 1)
    (peer,) = await alice.peers(share.info_hash)
    assert peer.encryption == "tls"
    assert peer.incoming
    assert peer.host == "127.0.0.1"
    assert peer.client.startswith("tuishare/")
    assert len(peer.peer_id) == 20
    assert peer.uploaded >= len(share.data)
    (other,) = await bob.peers(share.info_hash)
    assert not other.incoming
    assert other.port == at(alice).port


async def test_forced_obfuscation_is_told(
    start_engine: StartEngine, plain_share: Share, tmp_path: Path
) -> None:
    alice, bob = await start_engine(force_mse=True), await start_engine(force_mse=True)
    await alice.add(plain_share.seeding())
    await completed(bob, plain_share.downloading(tmp_path / "bob", at(alice, "plain")))
    assert {peer.encryption for peer in await bob.peers(plain_share.info_hash)} == {"mse"}


@pytest.mark.parametrize(
    ("forced", "stock", "delivered"),
    [(False, "disabled", True), (True, "forced", True), (True, "disabled", False)],
)
async def test_a_stock_client_joins_a_plain_swarm_unless_it_must_obfuscate_and_cannot(
    start_engine: StartEngine, plain_share: Share, tmp_path: Path, forced: bool, stock: str, delivered: bool
) -> None:
    alice = await start_engine(force_mse=forced)
    await alice.add(plain_share.seeding())
    session = stock_session(int(getattr(lt.enc_policy, stock)))
    params = lt.load_torrent_buffer(plain_share.torrent)
    params.save_path = str(tmp_path)
    params.peers = [("127.0.0.1", at(alice, "plain").port)]
    handle = session.add_torrent(params)
    seen: set[str] = set()

    def settled() -> bool:
        seen.update(alert.what() for alert in session.pop_alerts())
        return ("torrent_finished" if delivered else "peer_disconnected") in seen

    await wait_until(settled)
    assert (handle.status().total_done == len(plain_share.data)) == delivered
