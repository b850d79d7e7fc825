"""Envelopes that renew tickets: taken without downloading anything again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.desks import Desk, Sender, put, receiving_at, seeding
from tests.agent.homes import Home, fill
from tests.waiting import wait_until
from tuishare.agent.context import wall_clock
from tuishare.agent.landing import ACCEPTED
from tuishare.agent.records import DownloadStep
from tuishare.agent.sealing import give_authority
from tuishare.errors import Refused


def renewed(sender: Sender, generation: int = 2) -> Sender:
    """The same content with new tickets."""
    share = replace(sender.share, generation=generation, kind="renew")
    return replace(sender, share=give_authority(share, wall_clock()))


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
        await desk.receiver._tray.remove(desk.only)
        with pytest.raises(Refused, match="removed"):
            await put(desk, alice, bob, renewed(sender).seal(bob))
        assert not desk.receiver.downloads


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
        lapsed = give_authority(lapsed, wall_clock())
        await put(
            desk, alice, bob, replace(sender, share=replace(lapsed, not_after=0), contacts=()).seal(bob)
        )
        problem = replace(desk.only, step=DownloadStep.PROBLEM, problem="expired")
        await desk.receiver._tray.leave_swarm(desk.only)
        await desk.receiver._tray.save(problem)
        share = replace(sender.share, generation=2, kind="renew")
        await put(desk, alice, bob, replace(sender, share=share).seal(bob), "y")
        await wait_until(lambda: desk.only.step is DownloadStep.COMPLETE)
