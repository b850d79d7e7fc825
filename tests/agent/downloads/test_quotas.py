"""What a download waits for because of other ones."""

from __future__ import annotations

import os
from dataclasses import replace

import msgspec
import pytest

from tests.agent.download_pipelines import Desk, lonely, put, receiving_at, seeding
from tests.agent.homes import Home, fill
from tests.waiting import wait_until
from tuishare.agent.downloads.quotas import (
    describe_cost,
    sender_quota_problem,
    slot_problem,
    waiting_room_problem,
)
from tuishare.config.model import InboxSettings
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.swarm import torrent_table
from tuishare.torrents import InfoHash

RECORD = DownloadRecord("new", "x", 1, DownloadStep.DOWNLOADING, sender="alice", cost=60)


def under_way(step: DownloadStep = DownloadStep.DOWNLOADING, **changes: object) -> DownloadRecord:
    return replace(RECORD, id="other", step=step, cost=41, **changes)  # type: ignore[arg-type]


def test_a_quota_counts_what_is_not_finished() -> None:
    for step in DownloadStep:
        excess = sender_quota_problem(RECORD, [under_way(step)], 100)
        assert bool(excess) is (step not in {DownloadStep.COMPLETE, DownloadStep.WAITING}), step
    assert "101 bytes" in sender_quota_problem(RECORD, [under_way()], 100)


def test_a_quota_is_met_exactly_by_one_sender_alone_and_once() -> None:
    assert not sender_quota_problem(RECORD, [under_way()], 101)
    assert not sender_quota_problem(RECORD, [under_way(sender="bob")], 60)
    assert not sender_quota_problem(RECORD, [replace(RECORD, cost=1000)], 60)  # what it takes the place of
    assert sender_quota_problem(RECORD, [], 59)
    assert not sender_quota_problem(RECORD, [under_way()], 0)


def test_turns() -> None:
    assert not slot_problem(1, 2)
    assert "2 of 2 allowed downloads" in slot_problem(2, 2)
    assert not slot_problem(1000, 0)


def waiting(number: int, **changes: object) -> list[DownloadRecord]:
    each = under_way(DownloadStep.WAITING, weight=10, **changes)
    return [replace(each, id=f"w{index}") for index in range(number)]


def test_room_for_what_waits() -> None:
    new = replace(RECORD, step=DownloadStep.WAITING, weight=10)
    each = InboxSettings(waiting_per_sender=2, waiting=3)
    assert not waiting_room_problem(new, waiting(1), each)
    assert "2 encrypted torrents from alice wait" in waiting_room_problem(new, waiting(2), each)
    assert not waiting_room_problem(new, waiting(2, sender="bob"), each)
    assert "3 encrypted torrents wait" in waiting_room_problem(new, waiting(3, sender="bob"), each)
    assert not waiting_room_problem(new, [under_way(), *waiting(1)], each)  # only what waits counts
    assert not waiting_room_problem(replace(new, id="w0"), waiting(2), each)  # what it takes the place of
    none = InboxSettings(waiting_per_sender=0, waiting=0, waiting_size_per_sender="0", waiting_size="0")
    assert not waiting_room_problem(new, waiting(1000), none)


def test_room_in_bytes() -> None:
    new = replace(RECORD, step=DownloadStep.WAITING, weight=10)
    assert not waiting_room_problem(new, waiting(2), InboxSettings(waiting_size_per_sender="30"))
    assert "would take 30 B" in waiting_room_problem(
        new, waiting(2), InboxSettings(waiting_size_per_sender="29")
    )
    assert not waiting_room_problem(
        new, waiting(2, sender="bob"), InboxSettings(waiting_size_per_sender="29")
    )
    assert "would take 30 B" in waiting_room_problem(
        new, waiting(2, sender="bob"), InboxSettings(waiting_size="29")
    )


def test_what_takes_far_more_than_it_holds_is_said() -> None:
    small = replace(RECORD, size=1, cost=1_548_000_000, entries=378_000)
    assert describe_cost(small) == "its 378,000 files and folders take 1.5 GB of the disk"
    assert describe_cost(replace(small, size=1_000_000_000)) == ""
    assert describe_cost(replace(small, cost=900_000)) == ""


async def arrived(desk: Desk, alice: Home, bob: Home, *names: str) -> list[DownloadRecord]:
    for name in names:
        await put(desk, alice, bob, lonely(alice, bob, fill(alice.drop / name, 40_000)), name)
    return list(desk.queue.downloads.values())


async def test_beyond_the_quota_a_person_is_asked(alice: Home, bob: Home) -> None:
    bob.configure(inbox={"quota": "60000"})
    async with receiving_at(bob) as desk:
        first, second = await arrived(desk, alice, bob, "a", "b")
        assert (first.step, second.step) == (DownloadStep.DOWNLOADING, DownloadStep.WAITING)
        assert (
            "90,112 bytes of disk under way, the quota is 60,000" in second.problem
        )  # 10 blocks and a file, twice
        assert second.hint
        assert desk.joined == {first.info_hash}
        async with desk.queue._repository.lock:
            await desk.admission.approve(second)
        assert desk.joined == {first.info_hash, second.info_hash}


async def test_downloads_go_on_so_many_at_a_time(alice: Home, bob: Home) -> None:
    bob.configure(limits={"active_downloads": 1})
    path = fill(alice.drop / "film.mkv", 300_000)
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        first, second = await arrived(desk, alice, bob, "a", "b")
        assert (first.step, second.step) == (DownloadStep.DOWNLOADING, DownloadStep.QUEUED)
        assert "allowed downloads are active" in second.problem
        await put(desk, alice, bob, sender.seal(bob), "c")
        assert desk.joined == {first.info_hash}
        limits = msgspec.structs.replace(desk.context.settings.current.limits, active_downloads=3)
        desk.context.settings.current = msgspec.structs.replace(desk.context.settings.current, limits=limits)
        await desk.queue._start_queued()
        await wait_until((bob.downloads / "alice" / "film.mkv").exists)


async def test_the_oldest_go_on_first_after_a_restart(alice: Home, bob: Home) -> None:
    async with receiving_at(bob) as desk:
        await arrived(desk, alice, bob, "a", "b", "c")
        assert len(desk.joined) == 3
    bob.configure(limits={"active_downloads": 1})
    async with receiving_at(bob) as desk:
        steps = [record.step for record in desk.queue.downloads.values()]
        assert sorted(steps) == [DownloadStep.DOWNLOADING, DownloadStep.QUEUED, DownloadStep.QUEUED]
        assert len(desk.joined) == 1


async def test_one_ends_and_the_next_begins(alice: Home, bob: Home) -> None:
    bob.configure(limits={"active_downloads": 1})
    path = fill(alice.drop / "film.mkv", 300_000)
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob), "c")
        await arrived(desk, alice, bob, "b")
        await wait_until((bob.downloads / "alice" / "film.mkv").exists)
        await wait_until(lambda: all(not record.problem for record in desk.queue.downloads.values()))
        assert os.listdir(bob.downloads / "alice") == ["film.mkv"]


async def test_no_more_go_on_than_the_machine_allows(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving_at(bob) as desk:
        engine = desk.context.engine
        monkeypatch.setattr(engine, "allotment", replace(engine.allotment, downloads=1))
        first, second = await arrived(desk, alice, bob, "a", "b")
        assert (first.step, second.step) == (DownloadStep.DOWNLOADING, DownloadStep.QUEUED)
        # A sender who is away keeps nobody waiting.
        monkeypatch.setattr(torrent_table, "_YOUTH", 0.0)
        await wait_until(lambda: not engine.is_engaged(InfoHash(first.info_hash)))
        await desk.queue._start_queued()
        assert {record.step for record in desk.queue.downloads.values()} == {DownloadStep.DOWNLOADING}
