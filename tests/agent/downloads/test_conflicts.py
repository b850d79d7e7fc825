"""Two people send one torrent: neither takes it from the other without a person's word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.agent.download_pipelines import Desk, Sender, digest, receiving_at
from tests.agent.homes import Home, fill, opened, share_of
from tests.waiting import wait_until
from tuishare.agent.downloads.commands import DownloadCommands
from tuishare.core.clock import wall_clock
from tuishare.core.opened_envelope import OpenedEnvelope, open_received
from tuishare.core.records import DownloadRecord, DownloadStep, ShareRecord, ShareStep
from tuishare.core.share_sealing import create_share_authority, new_share_id, own_credentials, salt_of
from tuishare.errors import Refused, SystemFailed
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.people import UserBook
from tuishare.swarm import TorrentSpec
from tuishare.torrents import InfoHash, make_torrent, parse_torrent, walk


@dataclass
class Scene:
    """Alice, who made a share, and Carol, who got it and sealed its torrent as one of hers."""

    bob: Home
    alice: Sender
    carol: Sender

    def judge(self, data: bytes) -> OpenedEnvelope:
        book = UserBook((self.alice.home.user(), self.carol.home.user()))
        return open_received(data, self.bob.identity, book, now=wall_clock())

    async def put(self, desk: Desk, sender: Sender, **changes: object) -> None:
        data, envelope = sender.seal(self.bob, **changes), f"{sender.home.name}{ENVELOPE_SUFFIX}"
        (self.bob.inbox / envelope).write_bytes(data)
        await desk.admission.admit(self.judge(data), envelope, digest(data))

    async def hold(self, desk: Desk, sender: Sender) -> None:
        data = sender.seal(self.bob)
        await desk.admission.await_approval(
            self.judge(data), sender.home.name, digest(data), "not verified", "verify"
        )


def sent_by(desk: Desk, sender: Sender) -> DownloadRecord:
    (found,) = (one for one in desk.queue.downloads.values() if one.sender == sender.home.name)
    return found


def handler(desk: Desk) -> DownloadCommands:
    return desk.parts.commands


async def until(desk: Desk, sender: Sender, step: DownloadStep) -> DownloadRecord:
    locked = desk.queue._repository.lock.locked
    await wait_until(lambda: sent_by(desk, sender).step is step and not locked(), seconds=30)
    return sent_by(desk, sender)


@pytest.fixture
async def scene(alice: Home, bob: Home, carol: Home) -> AsyncIterator[Scene]:
    """Both serve the payload, each to those who have tickets of theirs."""
    path = fill(alice.drop / "film.mkv", 300_000)
    share = share_of(path)
    torrent = make_torrent(walk(path), version=2, salt=salt_of(share.id))
    share = replace(share, torrent=torrent, info_hash=parse_torrent(torrent).info_hash)
    copied = create_share_authority(replace(share, id=new_share_id()), wall_clock())
    async with serving(alice, share) as ours, serving(carol, copied) as theirs:
        yield Scene(bob, ours, theirs)


@asynccontextmanager
async def serving(home: Home, share: ShareRecord) -> AsyncIterator[Sender]:
    async with opened(home) as context:
        folder = share_folder(share)
        await context.engine.add(
            TorrentSpec(share.torrent, folder, "tls", own_credentials(share), complete=True)
        )
        yield Sender(home, share, context.engine, (f"127.0.0.1:{context.engine.listening['tls']}",))


def share_folder(share: ShareRecord) -> Path:
    return Path(share.path).parent


def away(sender: Sender) -> Sender:
    """The same sender, whose envelopes do not say where the share is served."""
    return replace(sender, contacts=())


@pytest.mark.parametrize("restart", [False, True])
async def test_the_second_one_waits_for_a_person_and_takes_the_swarm_when_approved(
    scene: Scene, restart: bool
) -> None:
    async with receiving_at(scene.bob) as desk:
        await scene.put(desk, away(scene.carol))
        await scene.put(desk, scene.alice)
        first, second = sent_by(desk, scene.carol), sent_by(desk, scene.alice)
        assert (first.step, second.step) == (DownloadStep.DOWNLOADING, DownloadStep.WAITING)
        assert "alice sends the torrent that carol sent first" in second.problem
        assert "copied" in second.problem
        assert "carol" in second.hint
        if not restart:
            await handler(desk).approve(second.id)
            await until(desk, scene.alice, DownloadStep.COMPLETE)
    async with receiving_at(scene.bob) as desk:
        if restart:
            assert [sent_by(desk, one) for one in (scene.carol, scene.alice)] == [first, second]
            await handler(desk).approve(second.id)
        done = await until(desk, scene.alice, DownloadStep.COMPLETE)
        rests = sent_by(desk, scene.carol)
        assert (rests.step, rests.conflict) == (DownloadStep.QUEUED, done.id)
        assert "from alice instead of carol" in rests.problem
        assert (scene.bob.downloads / "alice" / "film.mkv").exists()
        assert len(desk.joined) == 1


async def test_rejecting_the_second_one_leaves_all_as_it_is(scene: Scene) -> None:
    async with receiving_at(scene.bob) as desk:
        await scene.put(desk, away(scene.alice))
        first = sent_by(desk, scene.alice)
        await scene.put(desk, scene.carol)
        assert sent_by(desk, scene.carol).step is DownloadStep.WAITING
        await handler(desk).reject(sent_by(desk, scene.carol).id)
        assert list(desk.queue.downloads.values()) == [first]
        assert desk.joined == {first.info_hash}


async def test_what_was_delivered_is_served_no_longer_and_says_so(scene: Scene) -> None:
    async with receiving_at(scene.bob) as desk:
        await scene.put(desk, scene.carol)
        await until(desk, scene.carol, DownloadStep.COMPLETE)
        await scene.put(desk, scene.alice)
        await handler(desk).approve(sent_by(desk, scene.alice).id)
        await until(desk, scene.alice, DownloadStep.COMPLETE)
        rests = sent_by(desk, scene.carol)
        assert (rests.step, "not seeded" in rests.problem) == (DownloadStep.COMPLETE, True)
        assert (scene.bob.downloads / "carol" / "film.mkv").exists()
        await handler(desk).forget(sent_by(desk, scene.alice).id)
        goes_on = sent_by(desk, scene.carol)
        assert (goes_on.problem, goes_on.conflict) == ("", "")
        assert desk.queue._repository.is_joined(goes_on)


@pytest.mark.parametrize("how", ["paused", "queued", "problem"])
async def test_whatever_the_first_one_is_doing(scene: Scene, how: str) -> None:
    async with receiving_at(scene.bob) as desk:
        await scene.put(desk, away(scene.carol))
        first = sent_by(desk, scene.carol)
        if how == "paused":
            await handler(desk).pause(first.id)
        elif how == "problem":
            await desk.queue.record_problem(InfoHash(first.info_hash), SystemFailed("of the engine"))
        else:
            await desk.queue._repository.leave_swarm(first)
            await desk.queue._repository.save(replace(first, step=DownloadStep.QUEUED, paused=True))
        await scene.put(desk, scene.alice)
        await handler(desk).approve(sent_by(desk, scene.alice).id)
        await until(desk, scene.alice, DownloadStep.COMPLETE)
        await handler(desk).resume(first.id)
        assert sent_by(desk, scene.carol).step is DownloadStep.QUEUED


@pytest.mark.parametrize("restart", [False, True])
async def test_when_the_first_one_is_removed_the_second_goes_on_by_itself(
    scene: Scene, restart: bool
) -> None:
    async with receiving_at(scene.bob) as desk:
        await scene.put(desk, away(scene.carol))
        await scene.put(desk, scene.alice)
        first = sent_by(desk, scene.carol)
        if restart:  # a crash came before it went on
            await desk.queue._repository.remove(first)
        else:
            await handler(desk).forget(first.id)
            await until(desk, scene.alice, DownloadStep.COMPLETE)
    async with receiving_at(scene.bob) as desk:
        await until(desk, scene.alice, DownloadStep.COMPLETE)
        assert sent_by(desk, scene.alice).problem == ""


async def test_when_the_one_that_took_it_is_removed_the_first_reads_its_files_and_goes_on(
    scene: Scene,
) -> None:
    async with receiving_at(scene.bob) as desk:
        await scene.put(desk, away(scene.carol))
        await scene.put(desk, away(scene.alice))
        await handler(desk).approve(sent_by(desk, scene.alice).id)
        taken = sent_by(desk, scene.alice)
        # What the engine would say of the other's files.
        complete = await desk.context.engine.save_resume(InfoHash(taken.info_hash))
        await handler(desk).forget(taken.id)
        assert sent_by(desk, scene.carol).step is DownloadStep.DOWNLOADING
        await desk.context.store.run(
            lambda database: database.save_resume({InfoHash(taken.info_hash): complete})
        )
        rests = replace(sent_by(desk, scene.carol), step=DownloadStep.QUEUED, conflict="gone")
        await desk.queue._repository.leave_swarm(rests)
        await desk.queue._repository.save(rests)
        async with desk.queue._repository.lock:
            await desk.queue.resume(rests)
        assert await desk.context.store.run(lambda database: database.resume_data(taken.info_hash)) is None


async def test_a_renewal_is_asked_about_like_any_other_and_takes_nothing_back(scene: Scene) -> None:
    async with receiving_at(scene.bob) as desk:
        await scene.put(desk, away(scene.carol))
        await scene.put(desk, away(scene.alice), generation=2, kind="renew")
        assert sent_by(desk, scene.alice).step is DownloadStep.WAITING
        await handler(desk).approve(sent_by(desk, scene.alice).id)
        await scene.put(desk, scene.carol, generation=2, kind="renew")
        rests = sent_by(desk, scene.carol)
        assert (rests.step, rests.generation) == (DownloadStep.QUEUED, 2)
        assert desk.queue._repository.joined_as(InfoHash(rests.info_hash)) == [sent_by(desk, scene.alice)]


async def test_what_only_waits_keeps_no_other_out(scene: Scene) -> None:
    async with receiving_at(scene.bob) as desk:
        await scene.hold(desk, scene.carol)
        await scene.put(desk, scene.alice)
        await until(desk, scene.alice, DownloadStep.COMPLETE)
        waits = sent_by(desk, scene.carol)
        assert waits.step is DownloadStep.WAITING
        assert (
            waits.problem
            == "not verified; alice has sent the same torrent, which is already being downloaded"
        )


async def test_an_unverified_sender_is_asked_about_with_both_names(scene: Scene) -> None:
    async with receiving_at(scene.bob) as desk:
        await scene.put(desk, away(scene.alice))
        await scene.hold(desk, scene.carol)
        waits = sent_by(desk, scene.carol)
        assert waits.problem.startswith("not verified; carol sends the torrent that alice sent first")
        await handler(desk).forget(sent_by(desk, scene.alice).id)
        assert sent_by(desk, scene.carol).step is DownloadStep.WAITING  # it has another reason to


@pytest.mark.parametrize("step", [ShareStep.SEEDING, ShareStep.WITHDRAWN, ShareStep.FORGOTTEN])
async def test_a_share_of_our_own_is_never_downloaded_nor_stopped(scene: Scene, step: ShareStep) -> None:
    ours = replace(scene.alice.share, step=step)
    async with receiving_at(scene.bob) as desk:
        await desk.context.store.run(lambda database: database.save(ours))
        await desk.context.engine.add(
            TorrentSpec(ours.torrent, share_folder(ours), "tls", own_credentials(ours), complete=True)
        )
        with pytest.raises(Refused, match=r"your own share “film\.mkv”"):
            await scene.put(desk, scene.carol)
        with pytest.raises(Refused, match="your own share"):
            await scene.hold(desk, scene.carol)
        assert desk.queue.downloads == {}
        assert desk.joined == {ours.info_hash}


async def test_a_download_from_before_does_not_meet_a_share_of_our_own(scene: Scene) -> None:
    """What an older version has taken on must not come before our share after a restart."""
    async with receiving_at(scene.bob) as desk:
        await scene.put(desk, away(scene.carol))
        await desk.context.store.run(lambda database: database.save(scene.alice.share))
    async with receiving_at(scene.bob) as desk:
        stopped = sent_by(desk, scene.carol)
        assert (stopped.step, "your own share" in stopped.problem) == (DownloadStep.PROBLEM, True)
        assert desk.joined == set()
