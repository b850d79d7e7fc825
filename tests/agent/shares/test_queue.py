"""From a settled entry to the swarm, with a real store and a real engine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.agent.homes import Home, fill, is_idle
from tests.agent.share_pipelines import open_from, publishing_at
from tests.waiting import wait_until
from tuishare.agent.events import ChangeSignal
from tuishare.agent.folders.fingerprint import payload_fingerprint, walk_payload
from tuishare.agent.shares import outbox, pipeline
from tuishare.core.records import ShareStep
from tuishare.errors import TooManyOpen
from tuishare.fs.atomic import ENVELOPE_SUFFIX, publish
from tuishare.torrents import InfoHash, Tree, Version, make_torrent


async def test_an_entry_is_hashed_sealed_and_seeded_in_place(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        found = open_from(alice, "film.mkv.torrent.encrypted", bob)
        assert (found.manifest.share_id.hex(), found.manifest.generation) == (share.id, 1)
        assert found.manifest.contacts == (f"127.0.0.1:{press.context.engine.listening['tls']}",)
        assert press.served == {share.info_hash}
        assert (share.size, share.files, share.fingerprint) == (40_000, 1, payload_fingerprint(path))
        stored = await press.context.store.run(lambda database: (database.shares(), database.recipients()))
        assert (stored[0], [recipient.user for recipient in stored[1]]) == ([share], ["bob"])
        assert os.listdir(alice.outbox) == ["film.mkv.torrent.encrypted"]
        await wait_until(lambda: press.context.engine.progress(InfoHash(share.info_hash)).state == "seeding")


async def test_an_entry_that_is_shared_already_is_left_alone(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        await press.accept(path)
        assert (press.only, is_idle(press.queue)) == (share, True)


async def test_a_changed_entry_is_the_next_generation_of_its_share(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        first = await press.until(path, ShareStep.SEEDING)
        await press.accept(fill(path))
        second = await press.until(path, ShareStep.SEEDING, generation=2)
        assert (second.id, second.envelope, second.secret) == (first.id, first.envelope, first.secret)
        assert press.served == {second.info_hash} != {first.info_hash}
        found = open_from(alice, second.envelope, bob)
        assert (found.manifest.share_id.hex(), found.manifest.generation) == (first.id, 2)
        assert found.manifest.root_certificate not in {None, first.root_certificate}


async def test_what_changes_while_it_is_hashed_has_to_settle_again(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(alice.drop / "film.mkv")

    def disturbed(tree: Tree, *, version: Version, **more: Callable[..., object]) -> bytes:
        monkeypatch.undo()
        fill(path)
        return make_torrent(tree, version=version, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "make_torrent", disturbed)
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SETTLING)
        assert press.again == [path]
        assert not press.admission.knows(path, payload_fingerprint(path))
        assert os.listdir(alice.outbox) == []
        await press.accept(path)
        assert (await press.until(path, ShareStep.SEEDING)).id == share.id


async def test_a_new_form_while_the_old_one_is_sealed_waits_for_its_turn(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one at work must neither be overwritten nor overwrite."""
    path = fill(alice.drop / "film.mkv")
    at_work, go_on = threading.Event(), threading.Event()

    def slow(path: Path, data: bytes, **more: Any) -> None:
        at_work.set()
        assert go_on.wait(10)
        monkeypatch.undo()
        publish(path, data, **more)

    monkeypatch.setattr(outbox, "publish", slow)
    async with publishing_at(alice) as press:
        await press.accept(path)
        await wait_until(at_work.is_set)
        await press.accept(fill(path))
        assert (press.only.step, press.only.generation) == (ShareStep.SEALING, 1)
        go_on.set()
        await press.until(path, ShareStep.SETTLING)
        assert press.again == [path]
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING, generation=2)
        assert press.served == {share.info_hash}
        assert (share.fingerprint, open_from(alice, share.envelope, bob).manifest.generation) == (
            payload_fingerprint(path),
            2,
        )


async def test_a_share_that_is_queued_twice_is_served_once(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = fill(alice.drop / "first"), fill(alice.drop / "second")
    at_work, go_on = threading.Event(), threading.Event()

    def slow(tree: Tree, *, version: Version, salt: bytes, **_more: Callable[..., object]) -> bytes:
        at_work.set()
        assert go_on.wait(10)
        return make_torrent(tree, version=version, salt=salt)

    monkeypatch.setattr(pipeline, "make_torrent", slow)
    async with publishing_at(alice) as press:
        await press.accept(first)
        await wait_until(at_work.is_set)
        await press.accept(second)
        await press.accept(fill(second))
        go_on.set()
        await wait_until(lambda: is_idle(press.queue) and press.find(second).step is ShareStep.SEEDING)
        await press.until(second, ShareStep.SEEDING)
        assert [share.problem for share in press.shares] == ["", ""]
        assert len(press.served) == 2


async def test_equal_content_is_shared_twice_each_in_a_swarm_of_its_own(alice: Home, bob: Home) -> None:
    first = fill(alice.drop / "film.mkv")
    other = alice.places.files / "other"
    other.mkdir()
    second = other / "film.mkv"
    second.write_bytes(first.read_bytes())
    async with publishing_at(alice) as press:
        await press.accept(first)
        share = await press.until(first, ShareStep.SEEDING)
        await press.accept(second)
        twin = await press.until(second, ShareStep.SEEDING)
        assert share.info_hash != twin.info_hash
        assert set(press.served) == {share.info_hash, twin.info_hash}
        assert set(os.listdir(alice.outbox)) == {share.envelope, twin.envelope}


async def test_names_in_the_outbox_never_collide(alice: Home, bob: Home) -> None:
    (alice.outbox / f"film.mkv{ENVELOPE_SUFFIX}").write_text("somebody's")
    other = alice.places.files / "other"
    other.mkdir()
    paths = [fill(alice.drop / "film.mkv"), fill(other / "film.mkv")]
    async with publishing_at(alice) as press:
        for path in paths:
            await press.accept(path)
            share = await press.until(path, ShareStep.SEEDING)
            (alice.outbox / share.envelope).rename(
                bob.inbox / share.envelope
            )  # sent, but the name stays its own
    assert {share.envelope for share in press.shares} == {
        f"film.mkv (2){ENVELOPE_SUFFIX}", f"film.mkv (3){ENVELOPE_SUFFIX}",
    }  # fmt: skip
    assert (alice.outbox / f"film.mkv{ENVELOPE_SUFFIX}").read_text() == "somebody's"


async def test_a_long_name_is_cut_between_characters(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / ("é" * 110))
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
    assert len(share.envelope.encode()) <= 255
    assert share.envelope.strip("é") == ENVELOPE_SUFFIX
    assert (alice.outbox / share.envelope).exists()


async def test_the_progress_of_hashing_is_told_and_then_forgotten(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, pipeline.Hashing]] = []
    path = fill(alice.drop / "film.mkv", 3_000_000)
    async with publishing_at(alice) as press:
        monkeypatch.setattr(ChangeSignal, "notify", lambda _: told.append(dict(press.queue.hashing)))
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        assert press.queue.hashing == {}
    assert pipeline.Hashing(3_000_000, 3_000_000) in [seen.get(share.id) for seen in told]


async def test_what_was_shared_before_need_not_wait_for_what_is_hashed(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [fill(alice.drop / name) for name in "abc"]
    async with publishing_at(alice) as press:
        for path in paths:
            await press.accept(path)
            await press.until(path, ShareStep.SEEDING)
    go_on = threading.Event()

    def slow(tree: Tree, *, version: Version, **_more: Callable[..., object]) -> bytes:
        assert go_on.wait(10)
        return make_torrent(tree, version=version)

    monkeypatch.setattr(pipeline, "make_torrent", slow)
    async with publishing_at(alice) as press:
        new = fill(alice.drop / "new")
        await press.accept(new)
        await wait_until(lambda: len(press.served) == 3)
        assert press.find(new).step is ShareStep.HASHING
        go_on.set()
        await press.until(new, ShareStep.SEEDING)


async def test_never_are_two_shares_hashed_at_the_same_time(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = threading.Lock()

    def guarded(tree: Tree, *, version: Version, **_more: Callable[..., object]) -> bytes:
        assert alone.acquire(blocking=False)
        try:
            threading.Event().wait(0.05)  # long enough for another one to begin
            return make_torrent(tree, version=version)
        finally:
            alone.release()

    monkeypatch.setattr(pipeline, "make_torrent", guarded)
    paths = [fill(alice.drop / name) for name in "abcdef"]
    async with publishing_at(alice) as press:
        for path in paths:
            await press.accept(path)
            await press.until(path, ShareStep.SEEDING)
        async with press.queue._repository.lock:
            for path in paths:
                # In both queues: to be served, and then changed before its turn came.
                press.queue.enqueue(press.find(path))
                await press.queue._repository.stop_seeding(press.find(path))
                press.queue.enqueue(
                    await press.queue._repository.save(
                        replace(press.find(path), step=ShareStep.HASHING, sealed=0)
                    )
                )
        for path in paths:
            await press.until(path, ShareStep.SEEDING, generation=2)


async def test_what_is_being_deleted_is_not_shared_again(alice: Home, bob: Home) -> None:
    """It may have settled before the wish came."""
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        doomed = await press.queue._repository.save(replace(share, step=ShareStep.DELETING))
        await press.accept(fill(path))
        assert (press.only, is_idle(press.queue)) == (doomed, True)


async def test_the_envelope_of_a_former_name_does_not_stay(alice: Home, bob: Home) -> None:
    old, new = fill(alice.drop / "old"), alice.drop / "new"
    async with publishing_at(alice) as press:
        await press.accept(old)
        first = await press.until(old, ShareStep.SEEDING)
        old.rename(new)
        await press.accept(new)  # nobody has noticed yet that the old name is gone
        again = await press.until(new, ShareStep.SEEDING, generation=2)
        assert (again.id, os.listdir(alice.outbox)) == (first.id, [again.envelope])
        assert press.served == {again.info_hash}


async def test_without_descriptors_a_share_waits_and_has_no_problem(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[None] = []

    def exhausted(*arguments: Any, **more: Any) -> Tree:
        tries.append(None)
        if len(tries) < 3:
            raise TooManyOpen("Cannot read it: too many open files")
        return walk_payload(*arguments, **more)

    monkeypatch.setattr(pipeline, "EXHAUSTED_SECONDS", 0.05)
    monkeypatch.setattr(pipeline, "walk_payload", exhausted)
    path = fill(alice.drop / "x")
    async with publishing_at(alice) as press:
        await press.accept(path)
        await wait_until(lambda: press.find(path).step in {ShareStep.SEEDING, ShareStep.PROBLEM})
        assert press.find(path).step is ShareStep.SEEDING
    assert len(tries) > 2
