"""Downloads in memory, on disk and in the swarm."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import pytest

from tests.agent.homes import Home, fill, opened, share_of
from tuishare.agent.context import Context
from tuishare.agent.startup import make_download_parts
from tuishare.core.database import Database
from tuishare.core.records import DownloadRecord, DownloadStep, ShareRecord, TrackerAddress
from tuishare.errors import BadInput, NotFound, Refused, TuishareError
from tuishare.torrents import InfoHash


@pytest.fixture
def share(alice: Home, bob: Home) -> ShareRecord:
    return share_of(fill(alice.drop / "x"))


async def store(context: Context, record: DownloadRecord, share: ShareRecord) -> None:
    """Save a download with its torrent, as it is when it comes."""
    await context.store.run(lambda database: database.hold(record, share.torrent))


@pytest.fixture
def record(bob: Home, share: ShareRecord) -> DownloadRecord:
    return DownloadRecord(
        id="d", envelope="x.torrent.encrypted", added=1, step=DownloadStep.DOWNLOADING, signer=b"s" * 32,
        share=share.id, generation=3, info_hash=share.info_hash,
        root_certificate=share.root_certificate, leaf_certificate=share.leaf_certificate, leaf_key=share.leaf_key,
        staging=str(bob.downloads),
    )  # fmt: skip


async def test_what_was_saved_is_there_after_a_restart(bob: Home, record: DownloadRecord) -> None:
    async with opened(bob) as context:
        await make_download_parts(context).repository.save(record)
    async with opened(bob) as context:
        repository = make_download_parts(context).repository
        assert await repository.load() == [record]
        assert repository.get(record.id) == record


async def test_what_is_removed_is_not_taken_again(
    bob: Home, record: DownloadRecord, share: ShareRecord
) -> None:
    """T5"""
    async with opened(bob) as context:
        repository = make_download_parts(context).repository
        await store(context, record, share)
        await repository.load()
        await repository.join_swarm(record, bob.downloads)
        await repository.remove(record)
        assert (dict(repository.downloads), context.engine.all_progress()) == ({}, {})
        assert await repository.torrent(record) == b""
        with pytest.raises(NotFound):
            repository.get(record.id)
        for generation in (2, 3):
            old = replace(record, generation=generation)
            with pytest.raises(Refused, match="before"):
                await context.store.run(partial(Database.admit, record=old))
        newer = replace(record, generation=4)
        await context.store.run(lambda database: database.admit(newer))
        await repository.remove(record)  # an old one does not make the ledger forget a newer one
        with pytest.raises(Refused, match="before"):
            await context.store.run(lambda database: database.admit(newer))


async def test_a_tracker_of_many_is_asked_on_when_one_of_them_goes(bob: Home, record: DownloadRecord) -> None:
    shared, own = (TrackerAddress(f"https://{name}.example.org/announce", "") for name in ("shared", "own"))
    configured = TrackerAddress("https://configured.example.org/announce", "")
    forgotten: list[TrackerAddress] = []
    async with opened(bob) as context:
        tracker = msgspec.structs.replace(context.settings.current.tracker, others=(configured.url,))
        context.settings.current = msgspec.structs.replace(context.settings.current, tracker=tracker)
        context.tracker.forget = forgotten.extend  # type: ignore[method-assign,assignment]
        repository = make_download_parts(context).repository
        await repository.save(replace(record, trackers=(shared, own, configured)))
        await repository.save(replace(record, id="e", share="ef" * 16, trackers=(shared,)))
        await repository.remove(repository.get("d"))
        assert forgotten == [own]
        await repository.remove(repository.get("e"))
        assert forgotten == [own, shared]


async def test_it_is_known_under_its_info_hash_for_as_long_as_it_is_in_the_swarm(
    bob: Home, record: DownloadRecord, share: ShareRecord
) -> None:
    info_hash = InfoHash(record.info_hash)
    async with opened(bob) as context:
        repository = make_download_parts(context).repository
        await store(context, record, share)
        await repository.load()
        assert repository.joined_as(info_hash) == []
        await repository.join_swarm(record, bob.downloads)
        assert repository.joined_as(info_hash) == [record]
        await repository.leave_swarm(record, keep_progress=True)
        assert repository.joined_as(info_hash) == []
        assert await context.store.run(lambda database: database.resume_data(info_hash))
        with pytest.raises(TuishareError):
            await repository.join_swarm(replace(record, leaf_key=b"damaged"), bob.downloads)
        assert repository.joined_as(info_hash) == []


async def test_it_is_never_taken_for_what_is_in_the_engine_already(
    bob: Home, record: DownloadRecord, share: ShareRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for a moment: what fails then would be taken out of the engine."""
    async with opened(bob) as context:
        await store(context, record, share)
        await make_download_parts(context).repository.join_swarm(record, bob.downloads)
        monkeypatch.setattr(context.engine, "add", None)  # a call fails the test
        with pytest.raises(BadInput, match="already"):
            await make_download_parts(context).repository.join_swarm(record, bob.downloads)


async def test_a_malformed_contact_costs_only_itself(
    bob: Home, record: DownloadRecord, share: ShareRecord, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with opened(bob) as context:
        await store(context, record, share)
        await make_download_parts(context).repository.join_swarm(
            replace(record, contacts=("127.0.0.1:99999", "127.0.0.1:9")), Path(record.staging)
        )
        assert len(context.engine.all_progress()) == 1
    assert "127.0.0.1:99999 is not a host and a port" in caplog.text
