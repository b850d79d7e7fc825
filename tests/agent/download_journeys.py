"""The journeys of a download: what the recipient's agent may be doing when it is killed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from tests.agent.agent_pairs import running
from tests.agent.homes import edit_unseen
from tests.agent.journeys import PATIENCE, Journey, contents, rewrite, seen, until_seeded
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.files import INCOMING
from tuishare.api.client import AgentClient
from tuishare.api.messages import DownloadAction, DownloadState
from tuishare.core.records import DownloadStep


class ReceiverJourney(Journey):
    """Of a download, while the sender's agent works on undisturbed."""

    sender = False
    name = "x"

    def send(self) -> None:
        """Bring the envelope over."""
        (envelope,) = self.pair.alice.outbox.iterdir()
        self.pair.bob.receive(envelope)

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        async with running(self.pair.alice) as agent:
            await until_seeded(agent, "x", 1)
            self.send()
            await self.go_on(agent)
            yield

    async def go_on(self, agent: Agent) -> None:
        """Do the rest that comes before it."""

    def is_over(self) -> bool:
        landed = self.pair.bob.downloads / "alice" / self.name
        try:
            return contents(landed) == self.pair.forms[-1] and self.accepted() > 0
        except FileNotFoundError:
            return False  # the former generation makes room just now

    def accepted(self) -> int:
        return (
            len(seen(self.pair.bob.inbox / "accepted")) if (self.pair.bob.inbox / "accepted").exists() else 0
        )

    def check(self, agent: Agent) -> None:
        (record,) = agent._inbox.repository.downloads.values()
        assert (record.name, record.step, record.problem) == (self.name, DownloadStep.COMPLETE, "")
        assert contents(Path(record.path)) == self.pair.forms[-1]
        assert seen(self.pair.bob.downloads / "alice") == [self.name]
        assert os.listdir(self.pair.bob.downloads / INCOMING) == []
        assert seen(self.pair.bob.inbox) == ["accepted"]
        assert set(agent._context.engine.all_progress()) == {record.info_hash}


class Receive(ReceiverJourney):
    """An envelope in the inbox becomes a payload."""


class Approve(ReceiverJourney):
    """Its sender is not verified; a person approves it."""

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        self.pair.bob.know(self.pair.alice.user(verified=False))
        async with super().prepared():
            yield

    async def order(self, client: AgentClient) -> None:
        for download in await client.downloads():
            if download.state is DownloadState.WAITING:
                await client.order_download(download.id, DownloadAction.APPROVE)


class Reject(Approve):
    """A person rejects it."""

    async def order(self, client: AgentClient) -> None:
        for download in await client.downloads():
            if download.state is DownloadState.WAITING:
                await client.order_download(download.id, DownloadAction.REJECT)

    def is_over(self) -> bool:
        return seen(self.pair.bob.inbox) == ["rejected"]

    def check(self, agent: Agent) -> None:
        assert agent._inbox.repository.downloads == {}
        assert agent._context.engine.all_progress() == {}
        rejected = sorted(seen(self.pair.bob.inbox / "rejected"))
        assert rejected == ["x.torrent.encrypted", "x.torrent.encrypted.reason.txt"]
        assert seen(self.pair.bob.downloads) == []


class Follow(ReceiverJourney):
    """A new generation replaces what was delivered."""

    async def go_on(self, agent: Agent) -> None:
        async with running(self.pair.bob) as pipeline:
            await wait_until(
                lambda: [d.state for d in pipeline.view.downloads()] == [DownloadState.COMPLETE],
                seconds=PATIENCE,
            )
        self.change()
        await until_seeded(agent, self.name, 2)
        self.send()

    def change(self) -> None:
        rewrite(self.pair.payload / "a")
        self.pair.note_form()

    def is_over(self) -> bool:
        return super().is_over() and self.accepted() == 2


class FollowName(Follow):
    """It gets another name."""

    name = "y"

    def change(self) -> None:
        self.pair.payload.rename(self.pair.alice.drop / "y")


class FollowEdited(Follow):
    """What was delivered has been edited, with its mtime put back: it stays, and the new generation lands beside it."""

    name = "x (2)"

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        self.name = "x"
        async with super().prepared():
            self.name = "x (2)"
            self.mine = edit_unseen(self.pair.bob.downloads / "alice" / "x" / "b")
            yield

    def landed(self) -> list[Path]:
        return [path for path in super().landed() if path.name != "x"]

    def check_halfway(self) -> None:
        super().check_halfway()
        assert (self.pair.bob.downloads / "alice" / "x" / "b").read_bytes() == self.mine

    def check(self, agent: Agent) -> None:
        (record,) = agent._inbox.repository.downloads.values()
        assert (record.name, record.step, record.problem) == ("x", DownloadStep.COMPLETE, "")
        assert contents(Path(record.path)) == self.pair.forms[-1]
        assert seen(self.pair.bob.downloads / "alice") == ["x", "x (2)"]
        assert (self.pair.bob.downloads / "alice" / "x" / "b").read_bytes() == self.mine
        assert os.listdir(self.pair.bob.downloads / INCOMING) == []


RECEIVING: tuple[type[Journey], ...] = (Receive, Approve, Reject, Follow, FollowName, FollowEdited)
