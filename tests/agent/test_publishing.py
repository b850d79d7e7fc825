"""From a settled entry to the swarm, with a real store and a real engine."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.agent.homes import Home, fill, opened
from tests.waiting import wait_until
from tuishare.agent import publishing
from tuishare.agent.context import Context
from tuishare.agent.payload import sign_payload, walk_payload
from tuishare.agent.publishing import ENVELOPE_SUFFIX, Publisher
from tuishare.agent.records import ShareRecord, ShareStep
from tuishare.config import DropFolder
from tuishare.envelope import CardKey, Opened, open_envelope
from tuishare.paths import publish
from tuishare.torrents import InfoHash, Tree, Version, make_torrent


@dataclass
class Press:
    """A publisher at work, and which entries it wants to be looked at again."""

    context: Context
    publisher: Publisher
    again: list[Path] = field(default_factory=list)

    @property
    def shares(self) -> list[ShareRecord]:
        return list(self.publisher.shares.values())

    @property
    def only(self) -> ShareRecord:
        (share,) = self.shares
        return share

    async def accept(self, path: Path, *, users: tuple[str, ...] = ("bob",)) -> None:
        folder = DropFolder(path=str(path.parent), users=list(users))
        await self.publisher.accept(walk_payload(path, folder.path), folder)

    def find(self, path: Path) -> ShareRecord:
        share = self.publisher.find(path)
        assert share is not None
        return share

    async def until(self, path: Path, step: ShareStep, generation: int = 1) -> ShareRecord:
        def done() -> bool:
            share = self.find(path)
            idle = self.publisher._queue.empty() and self.publisher._busy == ""
            return idle and (share.step, share.generation) == (step, generation)

        await wait_until(done)
        return self.find(path)

    @property
    def served(self) -> set[str]:
        return set(self.context.engine.all_progress())


@asynccontextmanager
async def publishing_at(home: Home) -> AsyncIterator[Press]:
    async with opened(home) as context:
        again: list[Path] = []
        press = Press(context, Publisher(context, again.append), again)
        await press.publisher.load()
        task = asyncio.create_task(press.publisher.run())
        try:
            yield press
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def open_from(home: Home, name: str, bob: Home) -> Opened:
    return open_envelope((home.outbox / name).read_bytes(), [CardKey(bob.identity.private_key)])


async def test_an_entry_is_hashed_sealed_and_seeded_in_place(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        found = open_from(alice, "film.mkv.torrent.encrypted", bob)
        assert (found.manifest.share_id.hex(), found.manifest.generation) == (share.id, 1)
        assert found.manifest.contacts == (f"127.0.0.1:{press.context.engine.listening['tls']}",)
        assert press.served == {share.info_hash}
        assert (share.size, share.files, share.signature) == (40_000, 1, sign_payload(path))
        stored = await press.context.store.run(
            lambda database: (database.shares(), database.recipients(share.id))
        )
        assert (stored[0], [recipient.user for recipient in stored[1]]) == ([share], ["bob"])
        assert os.listdir(alice.outbox) == ["film.mkv.torrent.encrypted"]
        await wait_until(lambda: press.context.engine.progress(share_hash(share)).state == "seeding")


def share_hash(share: ShareRecord) -> InfoHash:
    return InfoHash(share.info_hash)


async def test_an_entry_that_is_shared_already_is_left_alone(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        await press.accept(path)
        assert (press.only, press.publisher._queue.empty()) == (share, True)


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

    monkeypatch.setattr(publishing, "make_torrent", disturbed)
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SETTLING)
        assert press.again == [path]
        assert not press.publisher.knows(path, sign_payload(path))
        assert os.listdir(alice.outbox) == []
        await press.accept(path)
        assert (await press.until(path, ShareStep.SEEDING)).id == share.id


async def test_a_new_form_while_the_old_one_is_sealed_waits_for_its_turn(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one at work must neither be overwritten nor overwrite."""
    path = fill(alice.drop / "film.mkv")
    at_work, go_on = threading.Event(), threading.Event()

    def slow(path: Path, data: bytes, *, mode: int) -> None:
        at_work.set()
        assert go_on.wait(10)
        monkeypatch.undo()
        publish(path, data, mode=mode)

    monkeypatch.setattr(publishing, "publish", slow)
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
        assert (share.signature, open_from(alice, share.envelope, bob).manifest.generation) == (
            sign_payload(path),
            2,
        )


async def test_a_share_that_is_queued_twice_is_served_once(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = fill(alice.drop / "first"), fill(alice.drop / "second")
    at_work, go_on = threading.Event(), threading.Event()

    def slow(tree: Tree, *, version: Version, **_more: Callable[..., object]) -> bytes:
        at_work.set()
        assert go_on.wait(10)
        return make_torrent(tree, version=version)

    monkeypatch.setattr(publishing, "make_torrent", slow)
    async with publishing_at(alice) as press:
        await press.accept(first)
        await wait_until(at_work.is_set)
        await press.accept(second)
        await press.accept(fill(second))
        go_on.set()
        await wait_until(
            lambda: press.publisher._queue.empty() and press.find(second).step is ShareStep.SEEDING
        )
        await press.until(second, ShareStep.SEEDING)
        assert [share.problem for share in press.shares] == ["", ""]
        assert len(press.served) == 2


@pytest.mark.parametrize("step", [ShareStep.HASHING, ShareStep.SEALING, ShareStep.SEEDING])
async def test_a_restart_resumes_at_every_step(alice: Home, bob: Home, step: ShareStep) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        before = await press.until(path, ShareStep.SEEDING)
        unhashed = (
            {"torrent": b"", "info_hash": "", "signature": "", "envelope": ""}
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
        assert not press.publisher.knows(path, sign_payload(path))
        await press.accept(path)
        assert await press.until(path, ShareStep.SEEDING) == before
        assert (press.served, os.listdir(alice.outbox)) == ({before.info_hash}, [])


async def test_an_unknown_recipient_is_a_problem_until_he_is_known(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path, users=("bob", "carol"))
        share = await press.until(path, ShareStep.PROBLEM)
        assert "carol" in share.problem
        assert share.hint
        assert os.listdir(alice.outbox) == []
        assert press.publisher.knows(path, sign_payload(path))  # no second try with the same
        alice.know(bob.user(), alice.user(name="carol"))
        assert not press.publisher.knows(path, sign_payload(path))
        await press.accept(path)
        after = await press.until(path, ShareStep.SEEDING)
        assert (after.generation, after.problem, after.hint) == (1, "", "")


async def test_a_problem_is_tried_again_once_after_a_restart(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    alice.outbox.rmdir()
    async with publishing_at(alice) as press:
        await press.accept(path)
        await press.until(path, ShareStep.PROBLEM)
        assert press.publisher.knows(path, sign_payload(path))
    alice.outbox.mkdir()
    async with publishing_at(alice) as press:
        assert press.only.step is ShareStep.PROBLEM
        assert not press.publisher.knows(path, sign_payload(path))
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
        assert press.publisher.knows(path, sign_payload(path))
        fill(path / "y")
        assert not press.publisher.knows(path, sign_payload(path))


async def test_equal_content_gets_no_envelope_that_nobody_could_use(alice: Home, bob: Home) -> None:
    first = fill(alice.drop / "film.mkv")
    other = alice.places.files / "other"
    other.mkdir()
    second = other / "film.mkv"
    second.write_bytes(first.read_bytes())
    async with publishing_at(alice) as press:
        await press.accept(first)
        share = await press.until(first, ShareStep.SEEDING)
        await press.accept(second)
        refused = await press.until(second, ShareStep.PROBLEM)
        assert "already shared" in refused.problem
        assert os.listdir(alice.outbox) == [share.envelope]
        await press.accept(fill(second))  # it leaves no swarm that it is not in
        await wait_until(lambda: press.find(second).step is ShareStep.SEEDING)
        assert share.info_hash in press.served


async def test_what_the_engine_gives_up_is_a_problem_and_not_served(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        await press.publisher.note_problem(InfoHash("00"), "of another torrent")
        assert press.only == share
        await press.publisher.note_problem(share_hash(share), "Input/output error")
        assert (press.only.step, press.only.problem, press.served) == (
            ShareStep.PROBLEM,
            "Input/output error",
            set(),
        )


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


async def test_hashing_ends_with_the_agent(alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(_tree: Tree, *, version: Version, cancelled: Callable[[], bool], **_more: object) -> bytes:
        begun.set()
        while not cancelled():
            ended.wait(0.01)
        ended.set()
        return b""

    monkeypatch.setattr(publishing, "make_torrent", endless)
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        await wait_until(begun.is_set)
    await wait_until(ended.is_set)
    assert press.only.step is ShareStep.HASHING


async def test_the_progress_of_hashing_is_told_and_then_forgotten(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, publishing.Hashing]] = []
    path = fill(alice.drop / "film.mkv", 3_000_000)
    async with publishing_at(alice) as press:
        monkeypatch.setattr(
            press.context.changed, "notify", lambda: told.append(dict(press.publisher.hashing))
        )
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        assert press.publisher.hashing == {}
    assert publishing.Hashing(3_000_000, 3_000_000) in [seen.get(share.id) for seen in told]


async def test_what_was_made_by_hand_is_left_alone(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        await press.context.store.run(lambda database: database.save(replace(share, step=ShareStep.MANUAL)))
    async with publishing_at(alice) as press:
        assert press.shares == []
