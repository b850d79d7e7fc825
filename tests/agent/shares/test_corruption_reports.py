"""Reports of false data: which count, and how often a payload is read for them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.agent.homes import Home, fill
from tests.agent.share_pipelines import Press, publishing_at
from tests.waiting import wait_until
from tuishare.agent.shares import recheck
from tuishare.agent.shares.recheck import CorruptionReports
from tuishare.api.messages import ActivityKind
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.torrents import Changed, InfoHash, Tree, is_payload_of
from tuishare.tracker import PeerAnnounced

pytestmark = pytest.mark.usefixtures("bob")


@dataclass
class Bench:
    """One share that is served, and who looks after reports about it."""

    press: Press
    path: Path
    reports: CorruptionReports
    read: list[Path]

    @property
    def share(self) -> ShareRecord:
        return self.press.only

    def report(self, corrupt: int, user: str = "bob") -> None:
        share = self.share
        announced = PeerAnnounced(
            *(share.id, user, InfoHash(share.info_hash), b"p" * 20, "192.0.2.1", 6_881),
            left=1,
            uploaded=0,
            downloaded=0,
            event="",
            at=1,
            corrupt=corrupt,
        )
        self.reports.take(announced, share)

    async def compared(self, times: int) -> None:
        """Wait until all that was reported is dealt with; the payload was read that many times so far."""
        await wait_until(lambda: not self.reports._reported and not self.reports._woken.is_set())
        await wait_until(lambda: len(self.read) == times)

    @property
    def details(self) -> list[str]:
        return [problem.detail for problem in self.reports.problems]


@asynccontextmanager
async def _bench(alice: Home, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    read: list[Path] = []

    def compare(data: bytes, tree: Tree, **more: object) -> bool:
        read.append(tree.root)
        return is_payload_of(data, tree, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(recheck, "is_payload_of", compare)
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        await press.until(path, ShareStep.SEEDING)
        work = press.parts.corruption_reports
        task = asyncio.create_task(work.run())
        try:
            yield Bench(press, path, work, read)
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _spoil(path: Path) -> None:
    """Change bytes and put the times back."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"x" * 40)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


async def test_a_payload_that_is_whole_is_read_once_whatever_is_reported(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _bench(alice, monkeypatch) as bench:
        bench.report(0)
        assert not bench.reports._reported
        for corrupt in range(1, 20):
            bench.report(corrupt)
            await bench.compared(1)
        (detail,) = bench.details
        assert detail.startswith("bob received data of “film.mkv”")
        assert detail.endswith("the payload here is whole and still seeded")
        assert bench.press.served == {bench.share.info_hash}
        assert bench.press.again == []


async def test_it_is_read_again_after_a_pause(alice: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recheck, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(recheck, "_SHARE_OF_TIME", 0)
    async with _bench(alice, monkeypatch) as bench:
        bench.report(7)
        await bench.compared(1)
        bench.report(7)  # said once more, and nothing new
        await bench.compared(1)
        bench.report(0)
        bench.report(5)  # a client that has started again
        await bench.compared(2)
        await wait_until(lambda: not bench.reports._woken.is_set())
        activity = bench.press.context.activity
        await activity.write()
        assert [entry.kind for entry in activity.recent].count(ActivityKind.PROBLEM) == 1


async def test_one_that_changes_while_it_is_read_settles_too(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changing(*_: object, **__: object) -> bool:
        raise Changed("x has changed")

    async with _bench(alice, monkeypatch) as bench:
        monkeypatch.setattr(recheck, "is_payload_of", changing)
        bench.report(1)
        await wait_until(lambda: bench.press.again == [bench.path])
        assert (bench.share.step, bench.share.problem) == (ShareStep.SETTLING, "")


async def test_one_that_was_changed_is_served_no_longer_and_looked_at_again(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _bench(alice, monkeypatch) as bench:
        _spoil(bench.path)
        bench.report(1)
        await wait_until(lambda: bench.press.again == [bench.path])
        assert (bench.share.step, bench.press.served) == (ShareStep.SETTLING, set())
        await wait_until(lambda: bool(bench.details))
        assert bench.details[0].endswith("the payload here is no longer what was shared, and is shared again")
        await bench.press.accept(bench.path)
        await bench.press.until(bench.path, ShareStep.SEEDING, generation=2)
        assert bench.details  # until Bob has it


async def test_one_that_cannot_be_read_is_a_problem(alice: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async with _bench(alice, monkeypatch) as bench:
        bench.path.unlink()
        bench.report(1)
        await wait_until(lambda: bench.share.step is ShareStep.PROBLEM)
        assert bench.press.served == set()


async def test_what_is_being_worked_on_already_is_left_to_that(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _bench(alice, monkeypatch) as bench:
        share = bench.share
        _spoil(bench.path)
        work = asyncio.create_task(asyncio.Event().wait())
        bench.press.queue._at_work[share.id] = work
        bench.report(1)
        await bench.compared(0)
        assert bench.share == share
        assert bench.details == []
        work.cancel()
