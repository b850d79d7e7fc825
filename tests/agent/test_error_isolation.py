"""What nobody foresaw, in the work on one entry: it is a problem of that entry, and the agent goes on."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.agent_pairs import NAME, rejected, running, shown
from tests.agent.homes import Home, fill, seal_for, seal_manifest, share_of
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads import admission, envelope_reader, repository
from tuishare.agent.downloads.envelope_reader import EnvelopeReader
from tuishare.agent.error_isolation import Unexpected, explain, isolate_errors
from tuishare.agent.shares import pipeline as share_pipeline
from tuishare.agent.shares.admission import ShareAdmission
from tuishare.api.messages import DownloadState, ShareState
from tuishare.core.records import DownloadRecord
from tuishare.envelope import Ticket
from tuishare.errors import NotFound, Refused, SystemFailed
from tuishare.torrents import TorrentLimits

SECRET = "hunter2"
P256 = bytes.fromhex("06082a8648ce3d030107")


def broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError(SECRET)


def test_its_type_is_said_and_its_text_only_where_it_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    error = explain(ZeroDivisionError(SECRET), "share “x”")
    assert isinstance(error, Unexpected)
    assert "ZeroDivisionError" in error.detail
    assert SECRET not in error.detail + caplog.text
    with caplog.at_level(logging.DEBUG, "tuishare"):
        explain(ZeroDivisionError(SECRET), "share “x”")
    assert SECRET in caplog.text
    refused = Refused("no")
    assert explain(refused, "x") is refused
    assert isinstance(explain(FileNotFoundError(2, "x"), "x"), NotFound)


def test_what_fails_for_all_passes() -> None:
    with isolate_errors("do one part"):
        broken()
    with pytest.raises(SystemFailed), isolate_errors("do one part"):
        raise SystemFailed("the database")


async def test_a_share(alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(alice.drop / "good")
    async with running(alice) as agent:
        await until(agent, "good", ShareState.SEEDING)
        monkeypatch.setattr(share_pipeline, "make_torrent", broken)
        fill(alice.drop / "bad")
        assert "ZeroDivisionError" in (await until(agent, "bad", ShareState.PROBLEM)).detail
        await until(agent, "good", ShareState.SEEDING)


async def test_an_entry_that_is_taken(alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(alice) as agent:
        with monkeypatch.context() as patch:
            patch.setattr(ShareAdmission, "accept", broken)
            fill(alice.drop / "bad")
            assert "ZeroDivisionError" in (await until(agent, "bad", ShareState.PROBLEM)).detail
        fill(alice.drop / "good")
        await until(agent, "good", ShareState.SEEDING)


async def test_an_envelope_that_is_judged_is_kept(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EnvelopeReader, "open", broken)
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(b"envelope")
        assert "ZeroDivisionError" in (await shown(agent, DownloadState.LOCKED)).detail
    assert (bob.inbox / NAME).read_bytes() == b"envelope"


async def test_a_download(alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "_torrent_spec", broken)
    monkeypatch.setattr(admission, "require_usable", lambda *_: None)
    data = seal_for(alice, share_of(fill(alice.drop / "x")), bob.user())
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(data)
        assert "ZeroDivisionError" in (await shown(agent, DownloadState.PROBLEM)).detail


async def test_what_no_engine_would_take_is_turned_away_before_it_is_stored(alice: Home, bob: Home) -> None:
    """A curve that nobody knows: it was stored once, and no start succeeded after that."""
    share = share_of(fill(alice.drop / "x"))
    root = share.root_certificate.replace(P256, bytes.fromhex("06082a8648ce3d03017f"))
    ticket = Ticket(bytes(32), share.leaf_certificate, share.leaf_key)
    data = seal_manifest(alice, replace(share, root_certificate=root), bob.user(), ticket=ticket)
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(data)
        assert "of an unsupported kind" in await rejected(bob)
        assert await agent._context.store.run(lambda database: database.downloads()) == []
        assert not await agent._context.store.run(lambda database: database.resume_data("x"))


async def test_what_waits_for_its_sender_to_be_verified_goes_on_by_itself(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelope_reader, "UNVERIFIED_LIMITS", TorrentLimits(max_torrent_bytes=10))
    bob.know(alice.user(verified=False))
    data = seal_for(alice, share_of(fill(alice.drop / "x")), bob.user())
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(data)
        locked = await shown(agent, DownloadState.LOCKED)
        assert ("not verified" in locked.detail, "user verify" in locked.hint) == (True, True)
        bob.know(alice.user())
        await shown(agent, DownloadState.DOWNLOADING)


async def test_a_download_that_was_stored_with_what_nobody_can_read(alice: Home, bob: Home) -> None:
    """From before it was judged: a problem of its own, and the others go on."""
    (bob.inbox / NAME).write_bytes(seal_for(alice, share_of(fill(alice.drop / "x")), bob.user()))
    async with running(bob) as agent:
        record = next(iter((await _downloading(agent)).values()))
    junk = replace(record, root_certificate=record.root_certificate.replace(P256, bytes(10)))
    await _rewrite(bob, junk)
    async with running(bob) as agent:
        assert "certificate" in (await shown(agent, DownloadState.PROBLEM)).detail


async def _downloading(agent: Agent) -> dict[str, DownloadRecord]:
    await wait_until(lambda: len(agent._inbox.repository.downloads) == 1)
    await shown(agent, DownloadState.DOWNLOADING)
    return dict(agent._inbox.repository.downloads)


async def _rewrite(home: Home, record: DownloadRecord) -> None:
    from tuishare.core.database import Database

    database = Database(Path(home.places.store_file))
    database.save(record)
    database.close()
