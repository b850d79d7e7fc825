"""Envelopes that renew tickets: taken without downloading anything again."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.agent.download_pipelines import Desk, Sender, digest, judge, put, receiving_at, seeding
from tests.agent.homes import Home, fill, seal_for, seal_manifest, share_of
from tests.waiting import wait_until
from tuishare.agent.downloads.files import ACCEPTED
from tuishare.core.clock import wall_clock
from tuishare.core.opened_envelope import open_received
from tuishare.core.records import DownloadStep
from tuishare.core.share_sealing import create_share_authority
from tuishare.errors import Refused
from tuishare.people import UserBook
from tuishare.torrents import InfoHash


def renewed(sender: Sender, generation: int = 2) -> Sender:
    """The same content with new tickets."""
    share = replace(sender.share, generation=generation, kind="renew")
    return replace(sender, share=create_share_authority(share, wall_clock()))


async def received(desk: Desk) -> None:
    await desk.until(DownloadStep.COMPLETE)


async def test_a_delivered_download_takes_the_new_tickets_and_nothing_else(
    alice: Home, bob: Home, tmp_path: Path
) -> None:
    async with seeding(alice, fill(tmp_path / "film")) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob))
        await received(desk)
        former = desk.only
        written = os.stat(former.path)
        newer = renewed(sender)
        await put(desk, alice, bob, newer.seal(bob))
        after = desk.only
        assert (after.step, after.generation, after.path) == (DownloadStep.COMPLETE, 2, former.path)
        assert after.root_certificate == newer.share.root_certificate != former.root_certificate
        assert os.stat(former.path) == written
        assert os.listdir(bob.downloads / "alice") == ["film"]
        assert desk.joined == {after.info_hash}
        assert await desk.stored() == [after]
        assert len(os.listdir(bob.inbox / ACCEPTED)) == 2
        assert not list(bob.inbox.glob("*.encrypted"))


async def test_a_download_under_way_goes_on_with_what_it_has(alice: Home, bob: Home, tmp_path: Path) -> None:
    async with seeding(alice, fill(tmp_path / "film", 3_000_000)) as sender, receiving_at(bob) as desk:
        away = replace(sender, contacts=())
        await put(desk, alice, bob, away.seal(bob))
        staging = desk.only.staging
        newer = renewed(away)
        await put(desk, alice, bob, newer.seal(bob), "y")
        assert (desk.only.step, desk.only.staging) == (DownloadStep.DOWNLOADING, staging)
        assert desk.only.leaf_certificate
        assert os.listdir(bob.inbox / ACCEPTED) == ["x.torrent.encrypted"]
        assert (bob.inbox / "y.torrent.encrypted").exists()
        await put(
            desk,
            alice,
            bob,
            replace(sender, share=replace(sender.share, generation=3, kind="renew")).seal(bob),
        )
        await received(desk)
        assert not list(bob.inbox.glob("*.encrypted"))


async def test_whoever_never_heard_of_it_downloads_it(alice: Home, bob: Home, tmp_path: Path) -> None:
    async with seeding(alice, fill(tmp_path / "film")) as sender, receiving_at(bob) as desk:
        share = replace(sender.share, generation=2, kind="renew")
        await put(desk, alice, bob, replace(sender, share=share).seal(bob))
        await received(desk)
        assert desk.only.generation == 2


async def test_what_was_removed_does_not_come_back(alice: Home, bob: Home, tmp_path: Path) -> None:
    async with seeding(alice, fill(tmp_path / "film")) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob))
        await received(desk)
        await desk.queue._repository.remove(desk.only)
        with pytest.raises(Refused, match="removed"):
            await put(desk, alice, bob, renewed(sender).seal(bob))
        assert not desk.queue.downloads


@pytest.mark.parametrize("generation", [1, 2])
async def test_an_older_renewal_is_a_replay(alice: Home, bob: Home, tmp_path: Path, generation: int) -> None:
    async with seeding(alice, fill(tmp_path / "film")) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob))
        await received(desk)
        await put(desk, alice, bob, renewed(sender).seal(bob))
        good = desk.only
        with pytest.raises(Refused, match="received before"):
            await put(desk, alice, bob, renewed(sender, generation).seal(bob), "z")
        assert desk.only == good


async def test_a_problem_is_tried_again_with_new_tickets(alice: Home, bob: Home, tmp_path: Path) -> None:
    async with seeding(alice, fill(tmp_path / "film")) as sender, receiving_at(bob) as desk:
        lapsed = replace(sender.share, not_after=int(wall_clock().timestamp()) + 1)
        lapsed = create_share_authority(lapsed, wall_clock())
        await put(
            desk, alice, bob, replace(sender, share=replace(lapsed, not_after=0), contacts=()).seal(bob)
        )
        problem = replace(desk.only, step=DownloadStep.PROBLEM, problem="expired")
        await desk.queue._repository.leave_swarm(desk.only)
        await desk.queue._repository.save(problem)
        share = replace(sender.share, generation=2, kind="renew")
        await put(desk, alice, bob, replace(sender, share=share).seal(bob), "y")
        await wait_until(lambda: desk.only.step is DownloadStep.COMPLETE)


async def test_the_envelope_of_a_renewal_is_filed_after_a_crash_too(
    alice: Home, bob: Home, tmp_path: Path
) -> None:
    async with seeding(alice, fill(tmp_path / "film")) as sender:
        async with receiving_at(bob) as desk:
            await put(desk, alice, bob, sender.seal(bob))
            await received(desk)
            envelope = renewed(sender).seal(bob)
            await put(desk, alice, bob, envelope)
        accepted = bob.inbox / ACCEPTED
        (crashed,) = [path for path in accepted.iterdir() if path.read_bytes() == envelope]
        crashed.rename(bob.inbox / "x.torrent.encrypted")  # as it was before it was filed
        async with receiving_at(bob):
            assert not list(bob.inbox.glob("*.encrypted"))
            assert len(os.listdir(accepted)) == 2


async def test_a_renewal_cannot_bring_a_download_into_another_kind_of_swarm(
    alice: Home, bob: Home, tmp_path: Path
) -> None:
    async with seeding(alice, fill(tmp_path / "film", 3_000_000)) as sender, receiving_at(bob) as desk:
        away = replace(sender, contacts=())
        await put(desk, alice, bob, away.seal(bob))
        changes: dict[str, Any] = {"transport": "plain", "root_certificate": None, "kind": "renew"}
        await put(
            desk, alice, bob, seal_manifest(alice, sender.share, bob.user(), generation=2, **changes), "y"
        )
        assert (desk.only.generation, desk.only.transport, desk.only.problem) == (2, "plain", "")


@pytest.mark.parametrize("step", [DownloadStep.QUEUED, DownloadStep.DELIVERING, DownloadStep.DOWNLOADING])
async def test_wherever_a_download_is_it_goes_on_from_there(
    alice: Home, bob: Home, tmp_path: Path, step: DownloadStep
) -> None:
    path = fill(tmp_path / "film")
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, replace(sender, contacts=()).seal(bob))
        repository = desk.queue._repository
        await repository.leave_swarm(desk.only)
        target = bob.downloads / "alice" / "film"
        if step is DownloadStep.DELIVERING:
            shutil.copy(path, Path(desk.only.staging) / "film")
            target.parent.mkdir()
            await repository.save(replace(desk.only, step=step, path=str(target)))
        else:
            await repository.save(replace(desk.only, step=step, paused=step is DownloadStep.DOWNLOADING))
        share = replace(sender.share, generation=2, kind="renew")
        await put(desk, alice, bob, replace(sender, share=share).seal(bob), "y")
        if step is DownloadStep.DOWNLOADING:
            assert (desk.only.paused, desk.only.generation, desk.joined) == (True, 2, set())
            return
        await received(desk)
        assert desk.only.generation == 2
        assert target.read_bytes() == path.read_bytes()
        assert os.listdir(target.parent) == ["film"]


async def test_what_waits_for_approval_waits_on(alice: Home, bob: Home, tmp_path: Path) -> None:
    """New tickets are no approval; and what is older than what waits does not come back in its place."""
    async with seeding(alice, fill(tmp_path / "film")) as sender, receiving_at(bob) as desk:

        async def hold(data: bytes, name: str) -> None:
            await desk.admission.await_approval(judge(alice, bob, data), name, digest(data), "unverified", "")

        former = sender.seal(bob)
        await hold(former, "x.torrent.encrypted")
        await hold(renewed(sender).seal(bob), "y.torrent.encrypted")
        assert (desk.only.step, desk.only.generation) == (DownloadStep.WAITING, 2)
        assert desk.joined == set()
        with pytest.raises(Refused, match="received before"):
            await hold(former, "x.torrent.encrypted")
        with pytest.raises(Refused, match="received before"):
            await put(desk, alice, bob, former)
        assert (desk.only.step, desk.only.generation) == (DownloadStep.WAITING, 2)
        await desk.admission.approve(desk.only)


async def test_nobody_renews_what_another_one_sent(
    alice: Home, bob: Home, mallory: Home, tmp_path: Path
) -> None:
    """A recipient has the torrent and the share's id and may seal and sign them; it is another share all the same."""
    async with seeding(alice, fill(tmp_path / "film")) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob))
        await received(desk)
        before = desk.only
        data = replace(renewed(sender), home=mallory).seal(bob)
        book = UserBook((alice.user(), mallory.user()))
        foreign = open_received(data, bob.identity, book, now=wall_clock())
        await desk.admission.admit(foreign, "z.torrent.encrypted", digest(data))
        assert desk.queue.downloads[before.id] == before
        (other,) = set(desk.queue.downloads) - {before.id}
        assert desk.queue.downloads[other].step is DownloadStep.WAITING
        assert desk.queue._repository.joined_as(InfoHash(before.info_hash)) == [before]


async def test_a_renewal_of_other_content_is_that_content(alice: Home, bob: Home, tmp_path: Path) -> None:
    """Whatever its kind says, it is what its torrent says: a new generation, downloaded as one."""
    async with seeding(alice, fill(tmp_path / "film")) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob))
        await received(desk)
        before = desk.only
        other = share_of(fill(tmp_path / "other"), id=sender.share.id, generation=2, kind="renew")
        await put(desk, alice, bob, seal_for(alice, other, bob.user()), "y")
        assert (desk.only.id, desk.only.info_hash, desk.only.generation) == (before.id, other.info_hash, 2)
        assert (desk.only.step, desk.only.replaces) == (DownloadStep.DOWNLOADING, before.path)
        assert desk.joined == {other.info_hash}


async def test_what_is_shared_again_goes_on_where_it_was(alice: Home, bob: Home, tmp_path: Path) -> None:
    """Its sender has moved, for instance: new tickets, but not by a renewal."""
    path = fill(tmp_path / "film", 300_000)
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        away = replace(sender, contacts=())
        await put(desk, alice, bob, away.seal(bob))
        await desk.queue._repository.leave_swarm(desk.only)
        shutil.copy(path, Path(desk.only.staging) / "film")
        await put(desk, alice, bob, away.seal(bob, generation=2), "y")
        await received(desk)  # from nobody
        assert desk.only.generation == 2
        assert (bob.downloads / "alice" / "film").read_bytes() == path.read_bytes()
