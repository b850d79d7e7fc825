"""The journeys of who is in a share and who is not: somebody is taken out, tickets and keys are replaced."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.agent.agent_pairs import running
from tests.agent.download_journeys import Receive
from tests.agent.homes import Home, make_home
from tests.agent.journeys import PATIENCE, Journey, SenderJourney, until_seeded
from tests.swarm.outsiders import BLOCK, member_context, take_block
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.client import AgentClient
from tuishare.api.messages import DownloadState, UserNamed
from tuishare.core.clock import wall_clock
from tuishare.core.opened_envelope import Trust, open_received
from tuishare.envelope import CardKey, NotForUs, Opened, open_envelope
from tuishare.people import UserBook, is_rotated, load_book, load_identity
from tuishare.swarm import Credentials

ENVELOPE = "x.torrent.encrypted"


def read(sender: Home, reader: Home) -> Opened:
    """What lies in the outbox, as somebody sees it."""
    return open_envelope((sender.outbox / ENVELOPE).read_bytes(), [CardKey(reader.identity.private_key)])


def ticket(opened: Opened) -> Credentials:
    root, leaf, key = opened.manifest.root_certificate, opened.ticket.leaf_certificate, opened.ticket.leaf_key
    assert root is not None
    assert leaf is not None
    assert key is not None
    return Credentials(root, leaf, key)


class Revoke(SenderJourney):
    """One of two recipients is taken out."""

    generations = frozenset({2, 3})

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        alice, bob = self.pair.alice, self.pair.bob
        self.carol = make_home(alice.places.files.parent, "carol")
        alice.know(bob.user(), self.carol.user())
        alice.configure("bob", "carol")
        async with super().prepared():
            self.former = ticket(read(alice, self.carol))
            yield

    async def order(self, client: AgentClient) -> None:
        for share in await client.shares():
            if share.deliveries:
                await client.revoke_from_share(share.id, UserNamed(name="carol"))

    def is_over(self) -> bool:
        if not super().is_over():
            return False
        try:
            read(self.pair.alice, self.carol)
        except NotForUs:
            return True
        return False

    def check(self, agent: Agent) -> None:
        super().check(agent)
        (share,) = agent._drops.repository.shares.values()
        deliveries = agent._drops.repository.deliveries
        assert set(deliveries.passkeys(share.id).values()) == {"bob"}
        assert deliveries.revoked(share.id) == {"carol"}
        assert not deliveries.needs_reissue(share)
        present = ticket(read(self.pair.alice, self.pair.bob))
        assert [self.taken(agent, share.info_hash, who) for who in (self.former, present)] == [0, BLOCK]

    def taken(self, agent: Agent, info_hash: str, credentials: Credentials) -> int:
        """Bytes that somebody gets with that ticket."""
        context = member_context(credentials, self.pair.alice.places.files.parent)
        return len(take_block(agent._context.engine.listening["tls"], info_hash, context).payload)


class Rotate(SenderJourney):
    """The sender gets new keys; everything is sealed with them."""

    # A crash before there are new keys: what was to be sealed again is, and then with the new ones once more.
    generations = frozenset({2, 3, 4})

    @property
    def _file(self) -> Path:
        return self.pair.alice.places.identity_file

    def _has_rotated(self) -> bool:
        return load_identity(self._file).signer != self.pair.alice.identity.signer

    async def order(self, client: AgentClient) -> None:
        if not self._has_rotated():
            await client.rotate_identity()

    def is_over(self) -> bool:
        return super().is_over() and self._has_rotated() and not is_rotated(self._file)

    def check(self, agent: Agent) -> None:
        super().check(agent)
        alice, bob = self.pair.alice, self.pair.bob
        data = (alice.outbox / ENVELOPE).read_bytes()
        received = open_received(data, bob.identity, UserBook((alice.user(),)), now=wall_clock())
        assert (received.sender, received.trust) == ("alice", Trust.VERIFIED)
        assert received.signer == agent._context.identity.current.signer == load_identity(self._file).signer
        assert received.origin == alice.identity.signer


class TakeTickets(Receive):
    """New tickets for what was delivered: nothing is downloaded again."""

    async def go_on(self, agent: Agent) -> None:
        async with running(self.pair.bob) as pipeline:
            await wait_until(lambda: self.has_enough(pipeline), seconds=PATIENCE)
        self.before = self.inodes()
        (share,) = agent.view.shares()
        await self.replace_tickets(agent, share.id)
        await until_seeded(agent, "x", 2)
        self.send()

    def has_enough(self, pipeline: Agent) -> bool:
        return [download.state for download in pipeline.view.downloads()] == [DownloadState.COMPLETE]

    async def replace_tickets(self, agent: Agent, share: str) -> None:
        await agent._drops.commands.reissue(share)

    def inodes(self) -> dict[str, int]:
        return {path.name: path.stat().st_ino for folder in self.landed() for path in folder.iterdir()}

    def is_over(self) -> bool:
        return super().is_over() and self.accepted() == 2

    def check(self, agent: Agent) -> None:
        super().check(agent)
        (record,) = agent._inbox.repository.downloads.values()
        assert record.generation == 2
        if self.before:
            assert self.inodes() == self.before


class TakeTicketsHalfway(TakeTickets):
    """New tickets for what is being downloaded: it goes on where it is."""

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        self.pair.bob.configure("alice", limits={"download": "80KB"})
        async with super().prepared():
            yield

    def send(self) -> None:
        """Bring the envelope over; one that is there already is not replaced."""
        here = (self.pair.bob.inbox / ENVELOPE).exists()
        name = f"again.{ENVELOPE}" if here else ENVELOPE
        (self.pair.alice.outbox / ENVELOPE).rename(self.pair.bob.inbox / name)

    def has_enough(self, pipeline: Agent) -> bool:
        return any(
            0 < progress.done < progress.total
            for progress in pipeline._context.engine.all_progress().values()
        )

    def check(self, agent: Agent) -> None:
        super().check(agent)
        assert self.before == {}


class TakeSuccession(TakeTickets):
    """The sender has new keys, and his former card's word for them."""

    async def replace_tickets(self, agent: Agent, share: str) -> None:
        await agent.service.rotate_identity()
        self.signer = agent._context.identity.current.signer

    def check(self, agent: Agent) -> None:
        super().check(agent)
        (user,) = load_book(self.pair.bob.places.users_file)
        assert user.card is not None
        assert (user.name, user.card.signer, user.verified) == ("alice", self.signer, True)
        assert [former.signer for former in user.former] == [self.pair.alice.identity.signer]


MEMBERSHIP: tuple[type[Journey], ...] = (Revoke, Rotate, TakeTickets, TakeTicketsHalfway, TakeSuccession)
