"""Shares over restarts and after problems."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.agent.homes import Home, fill
from tests.agent.share_pipelines import open_from, publishing_at
from tests.waiting import wait_until
from tuishare.agent.folders.fingerprint import payload_fingerprint
from tuishare.agent.shares import pipeline
from tuishare.core.records import ShareStep
from tuishare.torrents import InfoHash, Tree, Version


@pytest.mark.parametrize("step", [ShareStep.HASHING, ShareStep.SEALING, ShareStep.SEEDING])
async def test_a_restart_resumes_at_every_step(alice: Home, bob: Home, step: ShareStep) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        before = await press.until(path, ShareStep.SEEDING)
        unhashed = (
            {"torrent": b"", "info_hash": "", "fingerprint": "", "envelope": ""}
            if step is ShareStep.HASHING
            else {}
        )
        sealed = before.sealed if step is ShareStep.SEEDING else 0
        await press.context.store.run(
            lambda database: database.save(replace(before, step=step, sealed=sealed, **unhashed))  # type: ignore[arg-type]
        )
    envelope = alice.outbox / before.envelope
    old = open_from(alice, before.envelope, bob)
    data = envelope.read_bytes()
    if step is not ShareStep.SEEDING:
        envelope.unlink()
    async with publishing_at(alice) as press:
        after = await press.until(path, ShareStep.SEEDING)
        assert (after.id, after.generation, after.info_hash) == (before.id, 1, before.info_hash)
        assert press.served == {before.info_hash}
    if step is ShareStep.SEEDING:
        assert (envelope.read_bytes(), after) == (data, before)
    else:
        new = open_from(alice, after.envelope, bob)
        assert (new.ticket.passkey, new.manifest.generation) == (old.ticket.passkey, 1)
    assert len(os.listdir(alice.outbox)) == 1


async def test_what_changed_while_the_agent_was_away_is_not_served(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        await press.until(path, ShareStep.SEEDING)
    fill(path)
    async with publishing_at(alice) as press:
        await press.until(path, ShareStep.SETTLING)
        assert (press.again, press.served) == ([path], set())


async def test_a_payload_that_was_away_is_served_again_when_it_is_back(alice: Home, bob: Home) -> None:
    """A disk that was not mounted: nobody may have to ask for a new envelope."""
    path = fill(alice.drop / "film.mkv")
    away = path.with_name(".away")
    async with publishing_at(alice) as press:
        await press.accept(path)
        before = await press.until(path, ShareStep.SEEDING)
    path.rename(away)
    (alice.outbox / before.envelope).unlink()
    async with publishing_at(alice) as press:
        share = await press.until(path, ShareStep.PROBLEM)
        assert ("does not exist" in share.problem, press.served) == (True, set())
        away.rename(path)
        assert not press.admission.knows(path, payload_fingerprint(path))
        await press.accept(path)
        after = await press.until(path, ShareStep.SEEDING)
        assert (
            replace(after, fingerprint=before.fingerprint) == before
        )  # a rename changes its ctime, so it was read
        assert (press.served, os.listdir(alice.outbox)) == ({before.info_hash}, [])


async def test_an_unknown_recipient_is_a_problem_until_he_is_known(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path, users=("bob", "carol"))
        share = await press.until(path, ShareStep.PROBLEM)
        assert "carol" in share.problem
        assert share.hint
        assert os.listdir(alice.outbox) == []
        assert press.admission.knows(path, payload_fingerprint(path))  # no second try with the same
        alice.know(bob.user(), alice.user(name="carol"))
        assert not press.admission.knows(path, payload_fingerprint(path))
        await press.accept(path)
        after = await press.until(path, ShareStep.SEEDING)
        assert (after.generation, after.problem, after.hint) == (1, "", "")


async def test_a_problem_is_tried_again_once_after_a_restart(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    alice.outbox.rmdir()
    async with publishing_at(alice) as press:
        await press.accept(path)
        await press.until(path, ShareStep.PROBLEM)
        assert press.admission.knows(path, payload_fingerprint(path))
    alice.outbox.mkdir()
    async with publishing_at(alice) as press:
        assert press.only.step is ShareStep.PROBLEM
        assert not press.admission.knows(path, payload_fingerprint(path))
        await press.accept(path)
        await press.until(path, ShareStep.SEEDING)
        assert len(os.listdir(alice.outbox)) == 1


async def test_a_payload_that_cannot_be_a_torrent_is_not_hashed_over_and_over(alice: Home, bob: Home) -> None:
    """A v2 torrent cannot tell this folder from a file."""
    path = alice.drop / "x"
    path.mkdir()
    fill(path / "x")
    async with publishing_at(alice) as press:
        await press.accept(path)
        await press.until(path, ShareStep.PROBLEM)
        assert press.admission.knows(path, payload_fingerprint(path))
        fill(path / "y")
        assert not press.admission.knows(path, payload_fingerprint(path))


async def test_what_the_engine_gives_up_is_a_problem_and_not_served(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        await press.queue.record_problem(InfoHash("00"), "of another torrent")
        assert press.only == share
        await press.queue.record_problem(InfoHash(share.info_hash), "Input/output error")
        assert (press.only.step, press.only.problem, press.served) == (
            ShareStep.PROBLEM,
            "Input/output error",
            set(),
        )


async def test_hashing_ends_with_the_agent(alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(_tree: Tree, *, version: Version, cancelled: Callable[[], bool], **_more: object) -> bytes:
        begun.set()
        for _ in range(500):
            if cancelled():
                ended.set()
                break
            ended.wait(0.01)
        return b""

    monkeypatch.setattr(pipeline, "make_torrent", endless)
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        await wait_until(begun.is_set)
    await wait_until(ended.is_set)
    assert press.only.step is ShareStep.HASHING


async def test_what_was_made_by_hand_is_left_alone(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        await press.context.store.run(lambda database: database.save(replace(share, step=ShareStep.MANUAL)))
    async with publishing_at(alice) as press:
        assert press.shares == []
