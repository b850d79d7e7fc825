"""Under another authority: who holds an old ticket is cut off and gets nothing, the others go on where they were."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.swarm.conftest import StartEngine
from tests.swarm.outsiders import BLOCK, member_context, take_block
from tests.swarm.shares import Share, at, completed, make_share
from tests.waiting import wait_until
from tuishare.errors import BadInput, NotFound, Refused, SystemFailed
from tuishare.swarm import Credentials, Engine, create_authority
from tuishare.swarm.storage import Storage
from tuishare.torrents import InfoHash

CUT = 5.0
"""Seconds within which a revoked member's connection must end."""


@dataclass(frozen=True, slots=True)
class Swarm:
    """A share, the same share under a new authority, and its seed."""

    old: Share
    new: Share
    seed: Engine

    async def renew(self, engine: Engine) -> None:
        await engine.renew(self.old.info_hash, _ticket(self.new))


def _ticket(share: Share) -> Credentials:
    credentials = share.member()
    assert credentials is not None
    return credentials


async def _swarm(start_engine: StartEngine, share: Share, **settings: object) -> Swarm:
    seed = await start_engine(**settings)
    await seed.add(share.seeding())
    return Swarm(share, replace(share, authority=create_authority(datetime.now(UTC))), seed)


async def test_an_old_ticket_gets_nothing_after_a_renewal_and_a_new_one_does(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    swarm = await _swarm(start_engine, share)
    context = member_context(share.member(), tmp_path)
    before = await asyncio.to_thread(take_block, at(swarm.seed).port, share.info_hash, context)
    assert len(before.payload) == BLOCK
    await swarm.renew(swarm.seed)
    # With the TLS session of the first connection, which an unguarded server would resume.
    after = await asyncio.to_thread(take_block, at(swarm.seed).port, share.info_hash, context, before.session)
    assert (after.payload, after.greeted, after.resumed) == (b"", False, False)
    invited = member_context(swarm.new.member(), tmp_path)
    loot = await asyncio.to_thread(take_block, at(swarm.seed).port, share.info_hash, invited)
    assert loot.payload == share.data[:BLOCK]


async def test_a_live_connection_is_cut_by_a_renewal(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    """Of a member that sits there and would ask later; it need not do anything to lose its place."""
    swarm = await _swarm(start_engine, share)
    context = member_context(share.member(), tmp_path)
    with await asyncio.to_thread(_sit_down, at(swarm.seed).port, share.info_hash, context) as sitting:
        await wait_until(lambda: swarm.seed.progress(share.info_hash).peers == 1)
        async with asyncio.timeout(CUT):
            await swarm.renew(swarm.seed)
            await asyncio.to_thread(_read_to_the_end, sitting)


async def test_a_slow_disk_gives_a_revoked_member_no_time(
    start_engine: StartEngine, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm = await _swarm(start_engine, share)
    context = member_context(share.member(), tmp_path)
    disk = asyncio.Event()

    async def save_slowly(self: Storage, info_hash: str, patience: float) -> bytes:
        await disk.wait()
        raise SystemFailed("The disk was too slow")

    monkeypatch.setattr(Storage, "resume_data", save_slowly)
    with await asyncio.to_thread(_sit_down, at(swarm.seed).port, share.info_hash, context) as sitting:
        await wait_until(lambda: swarm.seed.progress(share.info_hash).peers == 1)
        renewal = asyncio.create_task(swarm.renew(swarm.seed))
        await asyncio.to_thread(_read_to_the_end, sitting)
    disk.set()
    await renewal
    monkeypatch.undo()
    await wait_until(lambda: swarm.seed.progress(share.info_hash).state == "seeding")


async def counted(engine: Engine, info_hash: InfoHash) -> None:
    """Wait until libtorrent has counted what came in by now: with each count the rate changes, too.

    The first change may be of a count that was on its way already.
    """
    for _ in range(2):
        before = engine.progress(info_hash).rate_down
        await wait_until(lambda: engine.progress(info_hash).rate_down != before)  # noqa: B023


async def test_a_download_is_cut_and_goes_on_under_the_new_authority(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    share = make_share(tmp_path / "alice", size=4 << 20)
    swarm = await _swarm(start_engine, share, upload_limit=1_500_000)
    bob, eve = await start_engine(), await start_engine()
    for engine, name in ((bob, "bob"), (eve, "eve")):
        await engine.add(share.downloading(tmp_path / name, at(swarm.seed)))
    await wait_until(lambda: min(e.progress(share.info_hash).done for e in (bob, eve)) > 200_000)
    async with asyncio.timeout(CUT):
        await swarm.renew(swarm.seed)
        await wait_until(lambda: eve.progress(share.info_hash).peers == 0)
    kept = bob.progress(share.info_hash).done
    await swarm.renew(bob)
    await counted(eve, share.info_hash)
    stolen = eve.progress(share.info_hash).downloaded
    swarm.seed.apply(upload_limit=0, download_limit=0)
    await wait_until(lambda: bob.progress(share.info_hash).done == len(share.data), seconds=20)
    await bob.flush(share.info_hash)
    assert (tmp_path / "bob" / "payload.bin").read_bytes() == share.data
    # Nothing was fetched twice but what had not become whole pieces when the connections ended.
    assert bob.progress(share.info_hash).downloaded < len(share.data) + (1 << 20)
    assert kept > 0
    assert eve.progress(share.info_hash).downloaded == stolen < len(share.data)


async def test_what_was_verified_is_not_read_again(start_engine: StartEngine, share: Share) -> None:
    """The payload file is missing altogether, as in the test of adding it."""
    swarm = await _swarm(start_engine, share)
    (share.folder / "payload.bin").unlink()
    await swarm.renew(swarm.seed)
    await wait_until(lambda: swarm.seed.progress(share.info_hash).state == "seeding")
    assert swarm.seed.progress(share.info_hash).done == len(share.data)


async def test_what_a_check_found_damaged_is_not_sound_again(start_engine: StartEngine, share: Share) -> None:
    swarm = await _swarm(start_engine, share)
    (share.folder / "payload.bin").write_bytes(bytes(len(share.data)))
    await swarm.seed.recheck(share.info_hash)
    await wait_until(lambda: swarm.seed.progress(share.info_hash).state == "downloading")
    await swarm.renew(swarm.seed)
    await wait_until(lambda: swarm.seed.progress(share.info_hash).state == "downloading")
    assert swarm.seed.progress(share.info_hash).done == 0


async def test_a_paused_torrent_stays_paused(start_engine: StartEngine, share: Share) -> None:
    swarm = await _swarm(start_engine, share)
    await swarm.seed.pause(share.info_hash)
    await swarm.renew(swarm.seed)
    await wait_until(lambda: swarm.seed.progress(share.info_hash).state == "paused")
    with pytest.raises(TimeoutError):
        await wait_until(lambda: swarm.seed.progress(share.info_hash).state != "paused", seconds=0.5)
    await swarm.seed.resume(share.info_hash)
    await wait_until(lambda: swarm.seed.progress(share.info_hash).state == "seeding")


async def test_contacts_and_trackers_stay(start_engine: StartEngine, share: Share, tmp_path: Path) -> None:
    swarm = await _swarm(start_engine, share)
    await swarm.seed.announce(share.info_hash, [["http://127.0.0.1:9/announce/secret"]])
    await swarm.renew(swarm.seed)
    trackers = swarm.seed._roster.handle(share.info_hash).trackers()
    assert [tracker["url"] for tracker in trackers] == ["http://127.0.0.1:9/announce/secret"]


async def test_what_was_sent_is_still_counted(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    swarm, bob = await _swarm(start_engine, share), await start_engine()
    await completed(bob, share.downloading(tmp_path / "bob", at(swarm.seed)))
    await wait_until(lambda: swarm.seed.progress(share.info_hash).uploaded >= len(share.data))
    await swarm.renew(swarm.seed)
    await wait_until(lambda: swarm.seed.progress(share.info_hash).peers == 0)
    assert swarm.seed.progress(share.info_hash).uploaded >= len(share.data)


async def test_unusable_credentials_change_nothing(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    swarm, bob = await _swarm(start_engine, share), await start_engine()
    await completed(bob, share.downloading(tmp_path / "bob", at(swarm.seed)))
    then = datetime.now(UTC) - timedelta(days=10)
    expired = create_authority(then)
    good = _ticket(swarm.new)
    for credentials, error in (
        (expired.admit(expired.issue(then, lifetime=timedelta(days=5))), Refused),
        (replace(good, leaf_key=b"damaged"), BadInput),
    ):
        with pytest.raises(error):
            await swarm.seed.renew(share.info_hash, credentials)
    assert len(await swarm.seed.peers(share.info_hash)) == 1


async def test_a_plain_swarm_has_no_credentials(
    start_engine: StartEngine, plain_share: Share, tmp_path: Path
) -> None:
    engine, share = await start_engine(), make_share(tmp_path / "other")
    await engine.add(plain_share.seeding())
    with pytest.raises(BadInput):
        await engine.renew(plain_share.info_hash, _ticket(share))
    with pytest.raises(NotFound):
        await engine.renew(share.info_hash, _ticket(share))


async def test_a_renewal_whose_caller_gives_up_is_finished_nevertheless(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    swarm = await _swarm(start_engine, share)
    renewal = asyncio.create_task(swarm.renew(swarm.seed))
    turn = swarm.seed._roster.get(share.info_hash).turn
    while not turn.locked():  # noqa: ASYNC110 - each turn of the loop counts here, it is over in 4 ms
        await asyncio.sleep(0)
    renewal.cancel()
    await asyncio.wait([renewal])
    assert renewal.cancelled()
    await wait_until(lambda: not turn.locked())
    bob = await start_engine()
    await completed(bob, swarm.new.downloading(tmp_path / "bob", at(swarm.seed)))


async def test_renewals_and_a_removal_at_once_end_in_the_removal(
    start_engine: StartEngine, share: Share
) -> None:
    swarm = await _swarm(start_engine, share)
    renewing = [swarm.renew(swarm.seed) for _ in range(3)]
    await asyncio.gather(*renewing, swarm.seed.remove(share.info_hash), return_exceptions=True)
    assert swarm.seed.all_progress() == {}
    await swarm.seed.add(swarm.new.seeding())


def _sit_down(port: int, info_hash: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    short = bytes.fromhex(info_hash)[:20]
    raw = socket.create_connection(("127.0.0.1", port), CUT)
    stream = context.wrap_socket(raw, server_hostname=short.hex())
    stream.sendall(b"\x13BitTorrent protocol" + bytes(8) + short + b"-XX0000-" + bytes(12))
    return stream


def _read_to_the_end(stream: ssl.SSLSocket) -> None:
    try:
        while stream.recv(4096):
            pass
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
