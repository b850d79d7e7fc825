"""What becomes of a share with its entry, at both ends: two whole agents with real folders and a real swarm."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, is_idle
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.shares import pipeline
from tuishare.api.messages import DownloadState, Share, ShareState
from tuishare.core.records import DownloadStep
from tuishare.torrents import InfoHash, Tree, Version


def no_hashing(_tree: Tree, *, version: Version, **_more: Callable[..., object]) -> bytes:
    raise AssertionError("hashed although nothing inside has changed")


async def seeded(agent: Agent, name: str, generation: int) -> Share:
    share = await until(agent, name, ShareState.SEEDING, generation)
    await wait_until(lambda: is_idle(agent._drops.queue))
    return share


async def pass_on(sender: Home, pipeline: Home, agent: Agent, name: str, generation: int) -> None:
    """Bring the envelope over, and wait until its generation is delivered."""
    pipeline.receive(sender.outbox / f"{name}.torrent.encrypted")

    def delivered() -> bool:
        return any(
            (record.name, record.generation, record.step) == (name, generation, DownloadStep.COMPLETE)
            for record in agent._inbox.repository.downloads.values()
        )

    await wait_until(delivered)


def sent(agent: Agent) -> int:
    """Payload bytes that the only share of an agent has sent to others in its present form."""
    (share,) = agent._drops.repository.shares.values()
    handle = agent._context.engine._table.handle(InfoHash(share.info_hash))
    return handle.status().total_payload_upload


def make_folder(path: Path) -> dict[str, bytes]:
    (path / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        fill(path / name, 300_000)
    return contents(path)


def contents(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("kind", ["file", "folder"])
async def test_a_renamed_entry_is_not_hashed_and_not_sent_again(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    old, new = alice.drop / "old", alice.drop / "new"
    fill(old, 400_000) if kind == "file" else make_folder(old)
    async with running(alice) as a, running(bob) as b:
        first = await seeded(a, "old", 1)
        await pass_on(alice, bob, b, "old", 1)
        if kind == "folder":  # renaming a file changes its ctime, as an edit does
            monkeypatch.setattr(pipeline, "make_torrent", no_hashing)
        assert sent(a) >= 400_000
        old.rename(new)
        renamed = await until(a, "new", ShareState.SEEDING)
        assert (renamed.id, len(a.view.shares())) == (first.id, 1)
        assert os.listdir(alice.outbox) == ["new.torrent.encrypted"]
        await pass_on(alice, bob, b, "new", renamed.generation)
        assert sent(a) == 0
    landed = bob.downloads / "alice"
    assert os.listdir(landed) == ["new"]
    if kind == "file":
        assert (landed / "new").read_bytes() == new.read_bytes()
    else:
        assert contents(landed / "new") == contents(new)


async def test_what_was_renamed_while_nobody_watched_is_not_hashed_either(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = alice.drop / "old"
    make_folder(old)
    async with running(alice) as a:
        first = await seeded(a, "old", 1)
    old.rename(alice.drop / "new")
    monkeypatch.setattr(pipeline, "make_torrent", no_hashing)
    async with running(alice) as a:
        renamed = await until(a, "new", ShareState.SEEDING)
        assert (renamed.id, len(a.view.shares())) == (first.id, 1)
        await wait_until(lambda: os.listdir(alice.outbox) == ["new.torrent.encrypted"])


async def test_a_touched_entry_makes_no_new_generation(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x")
    async with running(alice) as a:
        await seeded(a, "x", 1)
        before = (alice.outbox / "x.torrent.encrypted").stat().st_mtime_ns
        fingerprint = next(iter(a._drops.repository.shares.values())).fingerprint
        os.utime(path, (1, 1))
        await wait_until(
            lambda: next(iter(a._drops.repository.shares.values())).fingerprint not in {fingerprint, ""}
        )
        await seeded(a, "x", 1)
        assert (alice.outbox / "x.torrent.encrypted").stat().st_mtime_ns == before
        assert len(a._context.engine.all_progress()) == 1


async def test_of_a_changed_folder_only_what_changed_is_sent(alice: Home, bob: Home) -> None:
    made = make_folder(alice.drop / "x")
    async with running(alice) as a, running(bob) as b:
        await seeded(a, "x", 1)
        await pass_on(alice, bob, b, "x", 1)
        fill(alice.drop / "x" / "b", 150_000)
        fill(alice.drop / "x" / "d", 50_000)
        (alice.drop / "x" / "sub" / "c").unlink()
        await seeded(a, "x", 2)
        await pass_on(alice, bob, b, "x", 2)
        assert 200_000 <= sent(a) < 300_000  # and not 500,000
    assert contents(bob.downloads / "alice" / "x") == contents(alice.drop / "x") != made
    assert os.listdir(bob.downloads / "alice") == ["x"]


async def test_a_copy_that_its_recipient_edited_is_never_touched(alice: Home, bob: Home) -> None:
    fill(alice.drop / "x")
    async with running(alice) as a, running(bob) as b:
        await seeded(a, "x", 1)
        await pass_on(alice, bob, b, "x", 1)
        mine = bob.downloads / "alice" / "x"
        mine.write_bytes(b"my own notes")
        fill(alice.drop / "x")
        await seeded(a, "x", 2)
        await pass_on(alice, bob, b, "x", 2)
        assert mine.read_bytes() == b"my own notes"
        assert (mine.with_name("x (2)")).read_bytes() == (alice.drop / "x").read_bytes()
        assert [download.state for download in b.view.downloads()] == [DownloadState.COMPLETE]


async def test_a_copy_that_was_moved_away_is_not_missed(alice: Home, bob: Home) -> None:
    fill(alice.drop / "x")
    async with running(alice) as a, running(bob) as b:
        await seeded(a, "x", 1)
        await pass_on(alice, bob, b, "x", 1)
        mine = (bob.downloads / "alice" / "x").rename(bob.places.files / "mine")
        kept = mine.read_bytes()
        fill(alice.drop / "x")
        await seeded(a, "x", 2)
        await pass_on(alice, bob, b, "x", 2)
        assert (mine.read_bytes(), os.listdir(bob.downloads / "alice")) == (kept, ["x"])
