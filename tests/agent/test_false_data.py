"""Content that does not fit its hashes: both sides stop, say so once, and go on by themselves when they can."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.agent_pairs import running, shown
from tests.agent.homes import Home, fill
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads import queue as download_queue
from tuishare.agent.shares import pipeline as share_pipeline
from tuishare.agent.shares import repository
from tuishare.api.messages import ActivityKind, Download, DownloadState, Share, ShareState
from tuishare.core.records import ShareRecord
from tuishare.swarm import TorrentSpec
from tuishare.torrents import Tree, Version, make_torrent, walk

SIZE = 300_000
NAME = "film.mkv"
ENVELOPE = f"{NAME}.torrent.encrypted"
PATIENCE = 60.0


def _copy(path: Path, folder: Path, *, damaged: bool) -> Path:
    """Copy a payload under the same name, with other bytes in the middle if wanted."""
    folder.mkdir(exist_ok=True)
    data = bytearray(path.read_bytes())
    if damaged:
        data[SIZE // 2 : SIZE // 2 + 40] = os.urandom(40)
    copy = folder / path.name
    copy.write_bytes(data)
    return copy


def _troubles(agent: Agent) -> list[str]:
    return [entry.detail for entry in agent._context.activity.recent if entry.kind is ActivityKind.PROBLEM]


def _problems(agent: Agent) -> list[str]:
    return [problem.detail for problem in agent.view.status().problems if problem.id == "false-data"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon."""
    monkeypatch.setattr(download_queue, "FIRST_RETRY_SECONDS", 0.5)
    monkeypatch.setattr(download_queue, "QUEUE_SECONDS", 0.2)


@pytest.mark.usefixtures("quick")
async def test_a_payload_that_is_not_what_was_hashed_becomes_a_new_generation(
    alice: Home, bob: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its size and times say: it was hashed with other bytes than are on the disk."""

    def misread(tree: Tree, *, version: Version, **more: Callable[..., object]) -> bytes:
        other = walk(_copy(tree.root, tmp_path / "other", damaged=True))
        return make_torrent(other, version=version, **more)  # type: ignore[arg-type]

    payload = alice.drop / NAME
    async with running(alice) as sender, running(bob) as recipient:
        with monkeypatch.context() as patched:
            patched.setattr(share_pipeline, "make_torrent", misread)
            fill(payload, SIZE)
            first = await until(sender, NAME, ShareState.SEEDING, generation=1)
            await wait_until((alice.outbox / ENVELOPE).exists)
        delivered = payload.read_bytes(), payload.stat()
        bob.receive(alice.outbox / ENVELOPE)
        failed = await _shown(recipient, DownloadState.PROBLEM)
        assert failed.detail == "The received data does not match its hashes"
        assert "alice" in failed.hint
        (record,) = recipient._inbox.repository.downloads.values()
        assert record.fault.startswith("false-data")
        second = await _until_generation(sender, 2)
        assert second.id == first.id
        await wait_until(lambda: bool(_troubles(sender)))
        assert [NAME in said and "no longer what was shared" in said for said in _troubles(sender)] == [True]
        assert _problems(sender) == _troubles(sender)
        await wait_until((alice.outbox / ENVELOPE).exists)
        bob.receive(alice.outbox / ENVELOPE)
        await _shown(recipient, DownloadState.COMPLETE)
        assert (bob.downloads / "alice" / NAME).read_bytes() == delivered[0]
        await wait_until(lambda: _troubles(recipient) == ["The received data does not match its hashes"])
        await wait_until(lambda: not _problems(sender))
        assert (payload.read_bytes(), payload.stat().st_mtime_ns) == (delivered[0], delivered[1].st_mtime_ns)


@pytest.mark.usefixtures("quick")
async def test_a_payload_that_is_whole_is_served_on_and_arrives_when_the_cause_has_gone(
    alice: Home, bob: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = alice.drop / NAME
    usual = repository._torrent_spec

    def serving_damaged(share: ShareRecord, announce: tuple[tuple[str, ...], ...]) -> TorrentSpec:
        copy = _copy(Path(share.path), tmp_path / "copy", damaged=True)
        return replace(usual(share, announce), save_path=copy.parent)

    async with running(alice) as sender, running(bob) as recipient:
        with monkeypatch.context() as patched:
            patched.setattr(repository, "_torrent_spec", serving_damaged)
            fill(payload, SIZE)
            share = await until(sender, NAME, ShareState.SEEDING, generation=1)
            await wait_until((alice.outbox / ENVELOPE).exists)
        bob.receive(alice.outbox / ENVELOPE)
        await _shown(recipient, DownloadState.PROBLEM)
        await wait_until(lambda: bool(_problems(sender) and _troubles(sender)), seconds=PATIENCE)
        assert ["whole and still seeded" in said for said in _troubles(sender)] == [True]
        assert share.id in {one.id for one in sender.view.shares() if one.state is ShareState.SEEDING}
        _copy(payload, tmp_path / "copy", damaged=False)
        await _shown(recipient, DownloadState.COMPLETE)
        assert (bob.downloads / "alice" / NAME).read_bytes() == payload.read_bytes()
        await wait_until(lambda: not _problems(sender))
        assert len(_troubles(sender)) == len(_troubles(recipient)) == 1
        assert (await until(sender, NAME, ShareState.SEEDING)).generation == 1


async def _shown(agent: Agent, state: DownloadState) -> Download:
    await wait_until(lambda: [one.state for one in agent.view.downloads()] == [state], seconds=PATIENCE)
    return await shown(agent, state)


async def _until_generation(agent: Agent, generation: int) -> Share:
    await wait_until(
        lambda: [one.generation for one in agent.view.shares()] == [generation], seconds=PATIENCE
    )
    return await until(agent, NAME, ShareState.SEEDING, generation)
