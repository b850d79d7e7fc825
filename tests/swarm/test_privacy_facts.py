"""Facts for a leak proof, compared with swarms that differ in each of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share, at, completed
from tests.waiting import wait_until
from tuishare.errors import NotFound
from tuishare.swarm import TorrentSpec
from tuishare.swarm.libtorrent_loader import lt
from tuishare.torrents import bencode


async def test_a_tls_share_leaks_nowhere(start_engine: StartEngine, share: Share, tmp_path: Path) -> None:
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    await completed(bob, share.downloading(tmp_path / "bob", at(alice)))
    await wait_until(lambda: alice.progress(share.info_hash).peers == 1)
    found = await alice.privacy_facts(share.info_hash)
    assert (found.transport, found.private) == ("tls", True)
    open_doors = (
        found.torrent_dht,
        found.torrent_pex,
        found.torrent_lsd,
        found.session_dht,
        found.session_lsd,
    )
    assert open_doors == (False,) * 5
    assert found.connections == {"tls": 1}
    assert found.listening == alice.listening
    assert (found.trackers, found.web_seeds) == (0, 0)


async def test_the_dates_are_those_of_the_certificates(start_engine: StartEngine, share: Share) -> None:
    alice = await start_engine()
    spec = share.seeding()
    await alice.add(spec)
    found = await alice.privacy_facts(share.info_hash)
    assert found.authority is not None
    assert found.certificate is not None
    assert spec.credentials is not None
    leaf = x509.load_der_x509_certificate(spec.credentials.leaf_certificate)
    assert found.certificate.not_after == leaf.not_valid_after_utc <= found.authority.not_after
    assert (
        found.certificate.not_before
        < datetime.now(UTC)
        < datetime.now(UTC) + timedelta(days=365)
        < (found.authority.not_after)
    )


async def test_a_torrent_that_may_go_public_shows(start_engine: StartEngine, plain_share: Share) -> None:
    fields = bencode.decode(plain_share.torrent)
    assert isinstance(fields, dict)
    info = fields[b"info"]
    assert isinstance(info, dict)
    del info[b"private"]
    alice = await start_engine()
    assert alice._session is not None
    info_hash = await alice.add(
        TorrentSpec(bencode.encode(fields), plain_share.folder, "plain", None, complete=True)
    )
    alice._table.handle(info_hash).unset_flags(lt.torrent_flags.disable_dht | lt.torrent_flags.disable_pex)
    alice._session.native.apply_settings({"enable_lsd": True})
    found = await alice.privacy_facts(info_hash)
    assert (found.transport, found.private, found.authority) == ("plain", False, None)
    assert (found.torrent_dht, found.torrent_pex, found.torrent_lsd) == (True, True, False)
    assert (found.session_dht, found.session_lsd) == (False, True)


async def test_connections_without_tls_show(
    start_engine: StartEngine, plain_share: Share, tmp_path: Path
) -> None:
    alice, bob = await start_engine(), await start_engine()
    await alice.add(plain_share.seeding())
    await completed(bob, plain_share.downloading(tmp_path / "bob", at(alice, "plain")))
    await wait_until(lambda: alice.progress(plain_share.info_hash).peers == 1)
    assert (await alice.privacy_facts(plain_share.info_hash)).connections == {"none": 1}


async def test_a_torrent_that_is_gone_is_not_found(start_engine: StartEngine, share: Share) -> None:
    with pytest.raises(NotFound):
        await (await start_engine()).privacy_facts(share.info_hash)
