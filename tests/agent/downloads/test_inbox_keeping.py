"""What is kept in the inbox: for a key, for approval, until its download ends."""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.agent.agent_pairs import KEY, NAME, running, shown
from tests.agent.homes import Home, fill, seal_for, share_of
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads import envelope_reader
from tuishare.agent.downloads.admission import DownloadAdmission
from tuishare.agent.folders import folder_monitor
from tuishare.api.messages import DownloadState
from tuishare.core.opened_envelope import OpenedEnvelope
from tuishare.core.records import ShareRecord
from tuishare.errors import Refused, SystemFailed, from_os_error
from tuishare.fs.atomic import read_limited
from tuishare.people import User


@pytest.fixture
def share(alice: Home) -> ShareRecord:
    return share_of(fill(alice.drop / "x"))


@pytest.fixture
def envelope(alice: Home, bob: Home, share: ShareRecord) -> bytes:
    return seal_for(alice, share, bob.user())


async def test_other_files_in_the_inbox_are_nobodys_business(bob: Home, envelope: bytes) -> None:
    for name in ("notes.txt", f".{NAME}", f"{NAME}.part"):
        (bob.inbox / name).write_bytes(b"x")
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(envelope)
        await shown(agent, DownloadState.DOWNLOADING)
    assert sorted(os.listdir(bob.inbox)) == sorted(["notes.txt", f".{NAME}", NAME, f"{NAME}.part"])


async def test_without_a_key_it_is_kept_and_tried_again_when_one_comes(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    data = seal_for(alice, share, User("bob", key=KEY))
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(data)
        locked = await shown(agent, DownloadState.LOCKED)
        assert locked.hint
        bob.know(alice.user(), User("a key", key=KEY))
        download = await shown(agent, DownloadState.DOWNLOADING)  # signed by Alice, whose card Bob has
        assert (download.sender, download.name) == ("alice", "x")
    assert os.listdir(bob.inbox) == [NAME]


async def test_what_was_delivered_and_filed_while_it_was_judged_is_no_replay(
    bob: Home, envelope: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash the download may end before the inbox has come to its envelope."""

    async def admit(
        _admission: DownloadAdmission, _received: OpenedEnvelope, name: str, _digest: bytes
    ) -> None:
        (bob.inbox / name).unlink()
        judged.set()
        raise Refused("received before")

    judged = asyncio.Event()
    monkeypatch.setattr(DownloadAdmission, "admit", admit)
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(envelope)
        await judged.wait()
        await wait_until(lambda: NAME not in {entry.name for entry in agent._parts.inbox_monitor.unsettled})
        (bob.inbox / "next").write_bytes(b"")
        agent._parts.inbox_monitor.scan_soon()
        await wait_until(lambda: NAME not in agent._parts.inbox_monitor._present)
        assert (agent.view.downloads(), os.listdir(bob.inbox)) == ([], ["next"])


async def test_a_locked_envelope_that_is_taken_away_is_no_longer_shown(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(seal_for(alice, share))
        await shown(agent, DownloadState.LOCKED)
        (bob.inbox / NAME).unlink()
        await wait_until(lambda: agent.view.downloads() == [])


async def test_an_unverified_sender_waits_until_he_is_verified(
    alice: Home, bob: Home, envelope: bytes
) -> None:
    bob.know(alice.user(verified=False))
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(envelope)
        waiting = await shown(agent, DownloadState.WAITING)
        assert "not verified" in waiting.detail
        assert agent._context.engine.all_progress() == {}
        bob.know(alice.user())
        await shown(agent, DownloadState.DOWNLOADING)


async def test_waiting_outlasts_a_restart(alice: Home, bob: Home, envelope: bytes) -> None:
    bob.know(alice.user(verified=False))
    (bob.inbox / NAME).write_bytes(envelope)
    for _ in range(2):
        async with running(bob) as agent:
            await shown(agent, DownloadState.WAITING)
            await wait_until(lambda agent=agent: NAME in agent._inbox._judged)  # type: ignore[misc]
    assert os.listdir(bob.inbox) == [NAME]
    bob.know(alice.user())
    async with running(bob) as agent:
        await shown(agent, DownloadState.DOWNLOADING)


async def test_a_shared_key_alone_needs_approval(bob: Home, share: ShareRecord, mallory: Home) -> None:
    bob.know(User("old friend", key=KEY))
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(seal_for(mallory, share, User("bob", key=KEY)))
        waiting = await shown(agent, DownloadState.WAITING)
        assert (waiting.sender, "an unknown sender" in waiting.detail) == ("old friend", True)


@pytest.mark.parametrize("restart", [False, True])
async def test_an_envelope_under_way_that_is_only_touched_stays(
    bob: Home, envelope: bytes, restart: bool
) -> None:
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(envelope)
        await shown(agent, DownloadState.DOWNLOADING)
        await wait_until(lambda: NAME in agent._inbox._judged)
        if not restart:
            before = agent._inbox._judged[NAME]
            os.utime(bob.inbox / NAME, (1, 1))
            await wait_until(lambda: agent._inbox._judged[NAME] != before)
    if restart:
        async with running(bob) as agent:
            await wait_until(lambda: NAME in agent._inbox._judged)
            await shown(agent, DownloadState.DOWNLOADING)
    assert os.listdir(bob.inbox) == [NAME]


def is_at(agent: Agent, generation: int) -> bool:
    return [record.generation for record in agent._inbox.queue.downloads.values()] == [generation]


async def test_a_newer_generation_under_the_same_name_is_seen(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    async with running(bob) as agent:
        for generation in (1, 2):
            data = seal_for(alice, replace(share, generation=generation), bob.user())
            (bob.places.files / "new").write_bytes(data)
            (bob.places.files / "new").replace(bob.inbox / NAME)
            await wait_until(partial(is_at, agent, generation))
        await shown(agent, DownloadState.DOWNLOADING)


async def test_a_mistake_in_the_user_book_is_not_held_against_an_envelope(
    alice: Home, bob: Home, envelope: bytes
) -> None:
    good = bob.places.users_file.read_bytes()
    async with running(bob) as agent:
        bob.places.users_file.write_bytes(b"[[user]\n")
        (bob.inbox / NAME).write_bytes(envelope)
        assert "users.toml" in (await shown(agent, DownloadState.LOCKED)).detail
        bob.places.users_file.write_bytes(good)
        await shown(agent, DownloadState.DOWNLOADING)
    assert os.listdir(bob.inbox) == [NAME]


async def test_a_full_disk_is_not_held_against_an_envelope(
    bob: Home, envelope: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise SystemFailed("Cannot use the database: disk is full")

    bob.configure(settle={"rescan": 0.2})
    with monkeypatch.context() as patched:
        patched.setattr(DownloadAdmission, "admit", full)
        async with running(bob) as agent:
            (bob.inbox / NAME).write_bytes(envelope)
            assert "full" in (await shown(agent, DownloadState.LOCKED)).detail
            patched.undo()
            await shown(agent, DownloadState.DOWNLOADING)


async def test_without_descriptors_an_envelope_is_tried_again_and_not_locked(
    bob: Home, envelope: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def read(path: Path, limit: int) -> bytes:
        if path.name == NAME and len(tries) < 3:
            tries.append(path.name)
            raise from_os_error(OSError(errno.EMFILE, os.strerror(errno.EMFILE)), f"read {path}")
        return read_limited(path, limit)

    monkeypatch.setattr(envelope_reader, "read_limited", read)
    monkeypatch.setattr(folder_monitor, "EXHAUSTED_SECONDS", 0.05)
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(envelope)
        await wait_until(lambda: len(tries) > 0)
        seen: set[DownloadState] = set()

        def is_taken() -> bool:
            seen.update(download.state for download in agent.view.downloads())
            return DownloadState.DOWNLOADING in seen

        await wait_until(is_taken)
        assert DownloadState.LOCKED not in seen
    assert len(tries) == 3


async def test_an_envelope_that_vanishes_leaves_no_traces(
    bob: Home, envelope: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []

    def vanish(path: Path, limit: int) -> bytes:
        path.unlink()
        opened.append(path)
        monkeypatch.undo()
        return read_limited(path, limit)

    monkeypatch.setattr(envelope_reader, "read_limited", vanish)
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(envelope)
        await wait_until(lambda: bool(opened) and agent._parts.inbox_monitor.unsettled == ())
        assert agent.view.downloads() == []
    assert os.listdir(bob.inbox) == []
