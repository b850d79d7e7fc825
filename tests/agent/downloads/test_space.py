"""Free space is left free: real small disks, whole agents, several downloads at once (T4, T16)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.agent_pairs import running
from tests.agent.disks import small_disk
from tests.agent.download_pipelines import lonely
from tests.agent.homes import Home, fill
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads import queue
from tuishare.api.messages import ActivityKind, DownloadState, ShareState
from tuishare.fs.atomic import ENVELOPE_SUFFIX

MIB = 1 << 20
RESERVE = 4


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "QUEUE_SECONDS", 0.1)


@pytest.fixture
def disk(bob: Home) -> Iterator[Path]:
    bob.configure("alice", downloads={"reserve": RESERVE})
    with small_disk(bob.downloads, "16m") as folder:
        yield folder


def free(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


def states(agent: Agent) -> list[DownloadState]:
    return sorted(download.state for download in agent.view.downloads())


def details(agent: Agent) -> list[str]:
    return [download.detail for download in agent.view.downloads() if download.detail]


async def test_three_at_once_leave_the_reserve_free(alice: Home, bob: Home, disk: Path) -> None:
    for name in "abc":
        fill(alice.drop / name, 5 * MIB)
    async with running(alice) as sender, running(bob) as agent:
        for name in "abc":
            await until(sender, name, ShareState.SEEDING)
            bob.receive(alice.outbox / f"{name}{ENVELOPE_SUFFIX}")
        wanted = [DownloadState.COMPLETE, DownloadState.COMPLETE, DownloadState.QUEUED]
        lowest = free(disk)

        def settled() -> bool:
            nonlocal lowest
            lowest = min(lowest, free(disk))
            return states(agent) == wanted

        await wait_until(settled, seconds=60)
        assert lowest >= RESERVE * MIB
        assert "It waits for space" in details(agent)[0]
        next(path for path in (disk / "alice").iterdir()).unlink()
        await wait_until(lambda: states(agent) == [DownloadState.COMPLETE] * 3, seconds=60)


async def test_what_others_still_need_is_not_free(alice: Home, bob: Home, disk: Path) -> None:
    async with running(bob) as agent:
        for number, name in enumerate("abc", start=1):
            data = lonely(alice, bob, fill(alice.drop / name, 5 * MIB))
            (bob.inbox / f"{name}{ENVELOPE_SUFFIX}").write_bytes(data)
            await wait_until(lambda number=number: len(agent.view.downloads()) == number)  # type: ignore[misc]
        downloading = [DownloadState.DOWNLOADING, DownloadState.DOWNLOADING]
        await wait_until(lambda: states(agent) == [*downloading, DownloadState.QUEUED])
        assert "10.5 MB for other downloads" in details(agent)[0]
        assert free(disk) > 15 * MIB


async def test_a_disk_that_fills_up_meanwhile_stops_them_before_the_reserve_is_eaten(
    alice: Home, bob: Home, disk: Path
) -> None:
    async with running(bob) as agent:
        for name in "ab":
            data = lonely(alice, bob, fill(alice.drop / name, 3 * MIB))
            (bob.inbox / f"{name}{ENVELOPE_SUFFIX}").write_bytes(data)
        await wait_until(lambda: len(agent._inbox.repository.running()) == 2)
        (disk / "elsewhere").write_bytes(bytes(8 * MIB))
        await wait_until(lambda: states(agent) == [DownloadState.DOWNLOADING, DownloadState.QUEUED])
        assert agent.view.downloads()[0].state is DownloadState.DOWNLOADING  # the last begun goes first
        assert "It waits for space" in details(agent)[0]
        (disk / "more").write_bytes(bytes(2 * MIB))
        await wait_until(lambda: states(agent) == [DownloadState.QUEUED] * 2)
        told = [event for event in await agent.service.activity(10) if event.kind is ActivityKind.PROBLEM]
        assert len(told) == 2
        for name in ("elsewhere", "more"):
            (disk / name).unlink()
        await wait_until(lambda: states(agent) == [DownloadState.DOWNLOADING] * 2)


async def test_a_disk_without_inodes_takes_no_more_files(alice: Home, bob: Home) -> None:
    bob.configure("alice", downloads={"reserve": 1})
    (alice.drop / "many").mkdir()
    for number in range(60):
        (alice.drop / "many" / f"{number}").write_bytes(b"x")
    with small_disk(bob.downloads, "16m", inodes=50):
        async with running(bob) as agent:
            data = lonely(alice, bob, alice.drop / "many")
            (bob.inbox / f"many{ENVELOPE_SUFFIX}").write_bytes(data)
            await wait_until(lambda: states(agent) == [DownloadState.QUEUED])
            assert "61 files and folders to make" in details(agent)[0]


async def test_empty_files_in_many_folders_count(alice: Home, bob: Home) -> None:
    """One byte is declared, and two hundred entries take 800 KiB."""
    bob.configure("alice", downloads={"reserve": 0}, inbox={"quota": "700KiB"})
    for number in range(99):
        (alice.drop / "deep" / f"{number}").mkdir(parents=True)
        (alice.drop / "deep" / f"{number}" / "empty").write_bytes(b"")
    (alice.drop / "deep" / "byte").write_bytes(b"x")
    async with running(bob) as agent:
        data = lonely(alice, bob, alice.drop / "deep")
        (bob.inbox / f"deep{ENVELOPE_SUFFIX}").write_bytes(data)
        await wait_until(lambda: states(agent) == [DownloadState.WAITING])
        assert f"{(199 + 1 + 1) * 4096:,} bytes of disk under way" in details(agent)[0]
