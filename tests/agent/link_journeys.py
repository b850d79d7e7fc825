"""The journeys of links: who becomes known by an invitation, and what is handed over and confirmed.

Two agents take part in each: one is killed, the other goes on undisturbed. Both homes are put back before the next
point, because what one agent has handed over the other one remembers.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace

from tests.agent.agent_pairs import running
from tests.agent.homes import Home
from tests.agent.journeys import PATIENCE, Journey, contents, seen, until_seeded
from tests.agent.link.linked import link_up, until_linked
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.files import INCOMING
from tuishare.agent.downloads.rejected_files import REJECTED
from tuishare.api.client import AgentClient
from tuishare.api.messages import InvitationText, NewInvitation, UserNamed
from tuishare.core.records import ArrivalRecord, DownloadStep, HandoverRecord, HandoverState, ShareStep
from tuishare.link.receipt import verify_receipt
from tuishare.people import load_book
from tuishare.swarm.ports import free_port


async def make_invitation(client: AgentClient) -> str:
    return (await client.invite(NewInvitation(until=int(time.time()) + 3600))).text


def arrivals(agent: Agent) -> list[ArrivalRecord]:
    """What came by link."""
    return list(agent._parts.link._arrivals._records.values())


def handovers(agent: Agent) -> list[HandoverRecord]:
    """What goes by link."""
    records = agent._parts.link.handovers._records
    return [record for of_share in records.values() for record in of_share.values()]


def knows(home: Home, friend: Home) -> bool:
    """Whether somebody is in the user book, verified, once, and nobody else is."""
    users = [(user.name, user.verified, user.card) for user in load_book(home.places.users_file)]
    return users == [(friend.name, True, friend.identity.card(friend.name))]


class LinkJourney(Journey):
    """Of two agents; `other` is the one that is not killed, while it runs."""

    other: Agent

    @property
    def friend(self) -> Home:
        """Whose agent is not killed."""
        return self.pair.bob if self.sender else self.pair.alice

    @property
    def homes(self) -> tuple[Home, ...]:
        return (self.home, self.friend)

    @contextlib.asynccontextmanager
    async def accompanied(self) -> AsyncIterator[None]:
        async with running(self.friend) as self.other:
            yield

    async def come_to_end(self, agent: Agent) -> None:
        """Wait for a link, whichever side calls."""
        await until_linked(agent, self.friend)


class BecomeKnown(LinkJourney):
    """Two users become known to each other by an invitation."""

    text = ""

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        alice, bob = self.pair.alice, self.pair.bob
        self.pair.payload.rename(alice.places.files / "x")
        link_up((alice, "@crew"))
        bob.configure("@crew", link={"listen": ""})  # nobody can call him
        for home in (alice, bob):
            home.know()
        yield

    async def join(self) -> None:
        """Redeem the invitation at Bob's agent."""
        async with AgentClient(self.pair.bob.places.socket, silence=PATIENCE) as client:
            await client.join(InvitationText(text=self.text))

    def is_over(self) -> bool:
        alice, bob = self.pair.alice, self.pair.bob
        return knows(alice, bob) and knows(bob, alice)

    async def come_to_end(self, agent: Agent) -> None:
        await super().come_to_end(agent)
        inviter = agent if self.sender else self.other
        given = await inviter.service.invitations()
        self.joined = [joiner.user for invitation in given for joiner in invitation.members]

    def check(self, agent: Agent) -> None:
        del agent
        assert self.is_over()
        assert self.joined == ["bob"]


class Invite(BecomeKnown):
    """The inviter is killed."""

    @contextlib.asynccontextmanager
    async def accompanied(self) -> AsyncIterator[None]:
        self.text = ""
        async with super().accompanied():
            yield

    async def order(self, client: AgentClient) -> None:
        # What was answered is kept; an order without an answer is repeated.
        self.text = self.text or await make_invitation(client)
        await self.join()


class Join(BecomeKnown):
    """The joiner is killed."""

    sender = False

    @contextlib.asynccontextmanager
    async def accompanied(self) -> AsyncIterator[None]:
        async with super().accompanied():
            async with AgentClient(self.pair.alice.places.socket) as client:
                self.text = await make_invitation(client)
            yield

    async def order(self, client: AgentClient) -> None:
        del client
        await self.join()


class Acquainted(LinkJourney):
    """Two who know each other: what Alice drops comes to Bob's downloads, and she holds the receipt."""

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        alice, bob = self.pair.alice, self.pair.bob
        # A port that stays, as agents have: an envelope that went out before a crash names it.
        network = {"listen": f"127.0.0.1:{free_port()}", "share_addresses": False}
        link_up((alice, "bob"), network=network)
        link_up((bob, "alice"))
        payload = self.pair.payload.rename(alice.places.files / "x")
        async with running(alice) as one, running(bob):
            async with AgentClient(alice.places.socket) as client:
                text = await make_invitation(client)
            async with AgentClient(bob.places.socket) as client:
                await client.join(InvitationText(text=text))
            await until_linked(one, bob)
        payload.rename(alice.drop / "x")
        yield

    def is_over(self) -> bool:
        landed = self.pair.bob.downloads / "alice" / "x"
        return contents(landed) == self.pair.forms[-1] if landed.exists() else False

    async def come_to_end(self, agent: Agent) -> None:
        await super().come_to_end(agent)
        await self.until_confirmed(*self.both(agent))

    async def until_confirmed(self, alice: Agent, bob: Agent) -> None:
        await wait_until(lambda: self.states(alice) == [HandoverState.COMPLETE], seconds=PATIENCE)
        await wait_until(lambda: not any(each.owed for each in arrivals(bob)), seconds=PATIENCE)
        await wait_until(lambda: seen(self.pair.bob.inbox) == ["accepted"], seconds=PATIENCE)

    def both(self, agent: Agent) -> tuple[Agent, Agent]:
        return (agent, self.other) if self.sender else (self.other, agent)

    def states(self, alice: Agent) -> list[HandoverState]:
        return [record.state for record in handovers(alice)]

    def check(self, agent: Agent) -> None:
        alice, bob = self.both(agent)
        (share,) = alice._drops.repository.shares.values()
        (handover,), (arrival,) = handovers(alice), arrivals(bob)
        assert (share.step, share.problem, share.generation) == (ShareStep.SEEDING, "", 1)
        assert (handover.share, handover.generation) == (share.id, 1)
        receipt = verify_receipt(handover.receipt)
        assert handover.receipt == arrival.receipt
        assert (receipt.state, receipt.signer) == ("complete", self.pair.bob.identity.signer)
        assert receipt.digest == arrival.digest
        (download,) = bob._inbox.repository.downloads.values()
        assert (download.step, download.problem) == (DownloadStep.COMPLETE, "")
        assert seen(self.pair.bob.downloads / "alice") == ["x"]
        assert len(seen(self.pair.bob.inbox / "accepted")) == 1
        assert not (self.pair.bob.inbox / REJECTED).exists()
        assert os.listdir(self.pair.alice.places.link_outgoing) == [handover.digest.hex()]
        for folder in (self.pair.bob.places.link_incoming, self.pair.bob.downloads / INCOMING):
            assert os.listdir(folder) == []


class HandOver(Acquainted):
    """The sender is killed, from the drop to the receipt."""


class ReceiveByLink(Acquainted):
    """The recipient is killed, from the call to the receipt."""

    sender = False


class TakeReceipt(Acquainted):
    """All is delivered; the sender is killed while the receipt of the recipient comes."""

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        async with super().prepared():
            async with running(self.pair.alice) as alice, running(self.pair.bob) as bob:
                await self.until_confirmed(alice, bob)
                # As if the last receipt had not been sent.
                (handover,), (arrival,) = handovers(alice), arrivals(bob)
                handed_over = replace(handover, state=HandoverState.HANDED_OVER, receipt=b"")
                await alice._context.store.run(lambda database: database.save(handed_over))
                owed = replace(arrival, owed=True)
                await bob._context.store.run(lambda database: database.save(owed))
            yield

    def is_over(self) -> bool:
        return not any(each.owed for each in arrivals(self.other))


class GiveReceipt(TakeReceipt):
    """The same, and the recipient is killed."""

    sender = False

    def is_over(self) -> bool:
        return self.states(self.other) == [HandoverState.COMPLETE]


class RevokeUndelivered(LinkJourney):
    """A user is revoked before their agent was reached: they get nothing, whenever they come."""

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        async with Acquainted(self.pair).prepared(), running(self.pair.alice) as one:
            await wait_until(lambda: bool(handovers(one)), seconds=PATIENCE)
            await until_seeded(one, "x", 1)
        yield

    @contextlib.asynccontextmanager
    async def accompanied(self) -> AsyncIterator[None]:
        self.was_revoked = False
        yield  # he is away

    async def order(self, client: AgentClient) -> None:
        (share,) = await client.shares()
        await client.revoke_from_share(share.id, UserNamed(name="bob"))
        self.was_revoked = True

    def is_over(self) -> bool:
        return self.was_revoked

    async def come_to_end(self, agent: Agent) -> None:
        async with running(self.pair.bob) as other:
            await until_linked(agent, self.pair.bob)
            await wait_until(lambda: other._parts.link.links is not None, seconds=PATIENCE)
            assert not arrivals(other)

    def check(self, agent: Agent) -> None:
        assert agent._parts.link.handovers.waiting(self.pair.bob.identity.signer) == []
        kept = {record.digest.hex() for record in handovers(agent)}
        assert set(os.listdir(self.pair.alice.places.link_outgoing)) == kept
        assert seen(self.pair.bob.inbox) == []


LINKING: tuple[type[Journey], ...] = (
    Invite,
    Join,
    HandOver,
    ReceiveByLink,
    TakeReceipt,
    GiveReceipt,
    RevokeUndelivered,
)
