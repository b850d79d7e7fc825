"""What following an entry means for the share that it is."""

from __future__ import annotations

import os

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, is_idle
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.messages import ShareState

pytestmark = pytest.mark.usefixtures("bob")


def served(agent: Agent) -> int:
    return len(agent._context.engine.all_progress())


async def test_a_payload_that_is_being_edited_is_not_served_until_it_has_settled(alice: Home) -> None:
    """Its recipients would ban the only seed after one bad piece."""
    alice.configure("bob", settle={"quiet": 1.0})
    async with running(alice) as agent:
        path = fill(alice.drop / "x")
        first = await until(agent, "x", ShareState.SEEDING)
        await wait_until(lambda: is_idle(agent._drops.queue))
        with path.open("r+b") as file:
            file.write(b"edited")
            file.flush()
            await until(agent, "x", ShareState.SETTLING)
            assert served(agent) == 0
        again = await until(agent, "x", ShareState.SEEDING, generation=2)
        assert again.id == first.id


@pytest.mark.parametrize(
    ("fault", "state"),
    [("link", ShareState.PROBLEM), ("pipe", ShareState.PROBLEM), ("empty", ShareState.SETTLING)],
)
async def test_what_can_no_longer_be_shared_is_served_no_longer_until_it_can(
    alice: Home, fault: str, state: ShareState
) -> None:
    """T15"""
    kept = alice.places.files / "kept"
    async with running(alice) as agent:
        path = fill(alice.drop / "x")
        first = await until(agent, "x", ShareState.SEEDING)
        await wait_until(lambda: is_idle(agent._drops.queue))
        path.rename(kept)
        match fault:
            case "link":
                path.symlink_to(kept)
            case "pipe":
                os.mkfifo(path)
            case _:
                path.touch()
        await wait_until(lambda: served(agent) == 0)
        await wait_until(
            lambda: (
                [(share.id, share.state) for share in agent.view.shares() if share.detail]
                == [(first.id, state)]
            )
        )
        kept.rename(path)
        again = await until(agent, "x", ShareState.SEEDING)
        assert again.id == first.id
        await wait_until(lambda: served(agent) == 1)


async def test_what_is_not_complete_is_shared_when_it_is(alice: Home) -> None:
    """An open file, a download with its control file, a placeholder, and half a file of rsync in a folder."""
    async with running(alice) as agent:

        def waiting() -> dict[str, str]:
            return {
                share.name: share.detail
                for share in agent.view.shares()
                if share.state is ShareState.SETTLING
            }

        (alice.drop / "film.mp4").touch()
        control = fill(alice.drop / "dist.iso.aria2")
        fill(alice.drop / "dist.iso")
        folder = alice.drop / "src"
        folder.mkdir()
        fill(folder / "a.txt")
        with (alice.drop / "take.mkv").open("wb") as take, (folder / ".big.mov.5tHb6R").open("wb") as half:
            take.write(b"first half")
            take.flush()
            half.write(b"half")
            await wait_until(
                lambda: (
                    "empty" in waiting().get("film.mp4", "")
                    and "dist.iso.aria2" in waiting().get("dist.iso", "")
                    and "open for writing" in waiting().get("take.mkv", "")
                    and "open for writing" in waiting().get("src", "")
                )
            )
            assert not any(share.generation for share in agent.view.shares())
            take.write(b"second half")
        control.unlink()
        (folder / ".big.mov.5tHb6R").rename(folder / "big.mov")
        fill(alice.drop / "film.mp4")
        for name in ("film.mp4", "dist.iso", "take.mkv", "src"):
            await until(agent, name, ShareState.SEEDING, generation=1)


async def test_looking_at_a_folder_makes_no_version(alice: Home) -> None:
    async with running(alice) as agent:
        folder = alice.drop / "doc"
        folder.mkdir()
        fill(folder / "letter.odt")
        await until(agent, "doc", ShareState.SEEDING, generation=1)
        left = [
            fill(folder / name, 100)
            for name in (".DS_Store", "._letter.odt", ".~lock.letter.odt#", "Thumbs.db")
        ]
        (folder / "@eaDir").mkdir()
        fill(folder / "@eaDir" / "letter.odt")
        monitor = agent._drops.monitors[alice.drop]
        await wait_until(lambda: monitor.unsettled == ())
        for path in left:
            path.unlink()
        fill(folder / "other.odt")
        share = await until(agent, "doc", ShareState.SEEDING, generation=2)
        assert share.files == 2
