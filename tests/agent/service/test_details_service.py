"""A closer look: files, peers and history of what is shared and received."""

from __future__ import annotations

import asyncio

import pytest

from tests.agent.agent_pairs import running, shown
from tests.agent.homes import Home, fill
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.service import details_service
from tuishare.api.client import AgentClient
from tuishare.api.messages import ActivityKind, Details, DownloadId, DownloadState, ShareId
from tuishare.errors import NotFound


async def look(agent: Agent) -> Details:
    return await agent.service.share_details(agent.view.shares()[0].id)


def is_served(user: str, details: Details) -> bool:
    """Whether somebody is the only peer, and has told that he has everything."""
    return [(peer.user, peer.progress) for peer in details.peers] == [(user, 1.0)]


async def test_both_sides_tell_what_they_have(alice: Home, bob: Home) -> None:
    folder = alice.drop / "films"
    folder.mkdir()
    fill(folder / "a.mkv", 300_000)
    (folder / "b").mkdir()
    fill(folder / "b" / "c.mkv", 10)
    async with running(alice) as a, running(bob) as b, AgentClient(bob.places.socket) as client:
        envelope = alice.outbox / "films.torrent.encrypted"
        await wait_until(envelope.exists)
        bob.receive(envelope)
        download = await shown(b, DownloadState.COMPLETE)
        theirs = await client.download_details(download.id)
        async with asyncio.timeout(30):
            while not is_served("bob", ours := await look(a)):
                await a.view.changes().wait_for_change(a.view.changes().revision)
    for details in (theirs, ours):
        assert [(file.path, file.size, file.progress) for file in details.files] == [
            ("a.mkv", 300_000, 1.0),
            ("b/c.mkv", 10, 1.0),
        ]
        assert details.more_files == 0
    assert [event.kind for event in theirs.history] == [ActivityKind.RECEIVED]
    assert ActivityKind.SHARED in {event.kind for event in ours.history}
    (peer,) = ours.peers
    assert peer.encryption == "tls"


@pytest.mark.usefixtures("bob")
async def test_of_very_many_files_the_first_are_listed(alice: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(details_service, "FILES_SHOWN", 2)
    folder = alice.drop / "films"
    folder.mkdir()
    for number in range(5):
        fill(folder / str(number), 1)
    async with running(alice) as agent:
        await wait_until((alice.outbox / "films.torrent.encrypted").exists)
        details = await agent.service.share_details(agent.view.shares()[0].id)
        assert ([file.path for file in details.files], details.more_files) == (["0", "1"], 3)


async def test_what_there_is_not_is_not_found(alice: Home) -> None:
    async with running(alice), AgentClient(alice.places.socket) as client:
        share, download = ShareId("0" * 32), DownloadId("0" * 32)
        questions = client.share_details(share), client.download_details(download), client.share_proof(share)
        for question in questions:
            with pytest.raises(NotFound):
                await question
