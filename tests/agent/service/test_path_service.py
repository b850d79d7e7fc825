"""Paths by question of a client: of the agent's own machine, a few at a time, and never longer than seconds."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home
from tests.waiting import wait_until
from tuishare.agent.service import path_service
from tuishare.agent.service.path_service import THREADS, PathService
from tuishare.api.client import AgentClient
from tuishare.api.error_body import Busy
from tuishare.api.messages import FolderQuery, NewShare, PathNamed, PathSize
from tuishare.errors import BadInput, NotFound, SystemFailed
from tuishare.fs.browse import Deadline, Extent

ANYWHERE = PathNamed(path="/")


class StuckDisk:
    """A disk whose every count hangs: until its deadline, or for good like a lost network drive."""

    def __init__(self, *, for_good: bool = False) -> None:
        self.asked = 0
        self.repaired = threading.Event()
        self._for_good = for_good

    def measure(self, _path: Path, deadline: Deadline) -> Extent:
        self.asked += 1
        while not self.repaired.wait(0.005):
            if deadline.is_over() and not self._for_good:
                return Extent(1, 1, whole=False)
        return Extent(2, 2)


@pytest.fixture(params=[False], ids=["slow"])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StuckDisk]:
    disk = StuckDisk(for_good=request.param)
    monkeypatch.setattr(path_service, "measure", disk.measure)
    monkeypatch.setattr(path_service, "_GRACE", 0.1)
    yield disk
    disk.repaired.set()


for_good = pytest.mark.parametrize("disk", [True], indirect=True, ids=["lost"])


async def test_over_the_socket(
    alice: Home, bob: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.know(bob.user())
    film = tmp_path / "home" / "film"
    film.mkdir(parents=True)
    (film / "a.mov").write_bytes(bytes(1000))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    async with running(alice), AgentClient(alice.places.socket) as client:
        listing = await client.list_folder(FolderQuery(path="~/film/none", nearest=True))
        assert (listing.path, [entry.name for entry in listing.entries]) == (str(film), ["a.mov"])
        assert await client.measure_path(PathNamed(path="~/film")) == PathSize(files=1, size=1000)
        with pytest.raises(NotFound, match="no such file or folder"):
            await client.measure_path(PathNamed(path=str(tmp_path / "none")))
        with pytest.raises(BadInput, match="not absolute"):
            await client.list_folder(FolderQuery(path="film"))
        await client.share(NewShare(path="~/film", recipients=("bob",)))
        assert [share.path for share in await client.shares()] == [str(film)]


async def test_a_count_answers_in_time_with_what_it_has(disk: StuckDisk) -> None:
    assert await PathService(seconds=0.05).measure_path(ANYWHERE) == PathSize(files=1, size=1, whole=False)


async def test_one_more_ends_the_oldest_count(disk: StuckDisk) -> None:
    service = PathService(seconds=60)
    counts = [asyncio.ensure_future(service.measure_path(ANYWHERE)) for _ in range(THREADS)]
    await wait_until(lambda: disk.asked == THREADS)
    listing = await service.list_folder(FolderQuery(path="/"))
    assert listing.path == "/"
    assert [count.done() for count in counts] == [True] + [False] * (THREADS - 1)
    disk.repaired.set()
    assert await asyncio.gather(*counts) == [
        PathSize(files=1, size=1, whole=False),
        *[PathSize(files=2, size=2)] * (THREADS - 1),
    ]


async def test_a_count_that_is_given_up_ends(disk: StuckDisk) -> None:
    service = PathService(seconds=60)
    for _ in range(2 * THREADS):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(service.measure_path(ANYWHERE), 0.01)
    async with asyncio.timeout(5):
        await service.list_folder(FolderQuery(path="/"))


@for_good
async def test_disks_that_are_lost_take_few_threads_and_the_agent_goes_on(disk: StuckDisk) -> None:
    service = PathService(seconds=0.05)
    answers = await asyncio.gather(
        *(service.measure_path(ANYWHERE) for _ in range(3 * THREADS)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {SystemFailed, Busy}
    await wait_until(lambda: disk.asked == THREADS)
    assert await asyncio.to_thread(lambda: True)  # the threads of the agent are others
    with pytest.raises(Busy):
        await service.list_folder(FolderQuery(path="/"))
    disk.repaired.set()
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(Busy, SystemFailed):
                await service.list_folder(FolderQuery(path="/"))
                return
