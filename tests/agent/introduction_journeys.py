"""The journeys of an introduction: Alice introduces Bob and Carol, who know nobody but her, to each other.

Three agents take part; one is killed, the others go on undisturbed. Carol always accepts whom Alice introduces.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, make_home
from tests.agent.journeys import PATIENCE, Journey, Pair
from tests.agent.link.linked import link_up, until_linked
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.client import AgentClient
from tuishare.api.messages import (
    ActivityKind,
    GivenState,
    IntroductionAccepted,
    InvitationText,
    NewInvitation,
    UserChange,
    UsersToIntroduce,
)
from tuishare.core.introduction_records import IntroductionState
from tuishare.people import load_book


def trust(home: Home) -> list[tuple[str, bool, str]]:
    """Everybody in a user book: whether they are verified, and who introduced them."""
    book = load_book(home.places.users_file)
    return sorted((user.name, user.verified, user.introduced_by) for user in book)


def is_delivered(alice: Agent) -> bool:
    """Whether Alice holds the confirmation of each recipient for the other."""
    given = alice._parts.link.introductions.given.all()
    return [record.state for record in given] == [IntroductionState.DELIVERED] * 2


def times_added(agent: Agent) -> int:
    """How often the activity log says that a user came by an introduction."""
    noted = [entry for entry in agent._context.activity.recent if entry.kind is ActivityKind.INTRODUCED]
    return sum("is a user now" in entry.detail for entry in noted)


class IntroductionJourney(Journey):
    """Of three agents; `others` are those that are not killed, by name, while they run."""

    always: tuple[str, ...]
    """Who accept without a question."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(pair)
        self.carol = make_home(pair.alice.places.files.parent, "carol")
        self.others: dict[str, Agent] = {}

    @property
    def homes(self) -> tuple[Home, ...]:
        return (self.pair.alice, self.pair.bob, self.carol)

    @contextlib.asynccontextmanager
    async def _running(self, *homes: Home) -> AsyncIterator[dict[str, Agent]]:
        async with contextlib.AsyncExitStack() as stack:
            yield {home.name: await stack.enter_async_context(running(home)) for home in homes}

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        # Without what the pair shares: nothing is to be delivered here.
        self.pair.payload.rename(self.pair.alice.places.files / "x")
        link_up(*((home, "alice") for home in self.homes[1:]), (self.pair.alice, "@crew"))
        for home in self.homes:
            home.know()
        async with self._running(*self.homes) as agents:
            alice = agents["alice"]
            for guest in self.homes[1:]:
                until = int(time.time()) + 3600
                made = await alice.service.invite(NewInvitation(groups=("crew",), until=until))
                await agents[guest.name].service.join(InvitationText(text=made.text))
                await until_linked(alice, guest)
            for name in self.always:
                await agents[name].service.change_user(UserChange(name="alice", introduces=True))
            # Not a moment before Alice can tell each where the other is.
            contacts = alice._parts.link.contacts
            signers = [guest.identity.signer for guest in self.homes[1:]]
            await wait_until(lambda: all(contacts.record_of(signer) for signer in signers), seconds=PATIENCE)
        yield

    @contextlib.asynccontextmanager
    async def accompanied(self) -> AsyncIterator[None]:
        others = [home for home in self.homes if home is not self.home]
        async with self._running(*others) as self.others:
            yield

    def is_over(self) -> bool:
        bob, carol = trust(self.pair.bob), trust(self.carol)
        alice = ("alice", True, "")
        return bob == [alice, ("carol", False, "alice")] and carol == [alice, ("bob", False, "alice")]

    async def come_to_end(self, agent: Agent) -> None:
        """Wait for the confirmations, and for the link of the two who were introduced."""
        agents = {**self.others, self.home.name: agent}
        await wait_until(lambda: is_delivered(agents["alice"]), seconds=PATIENCE)
        await until_linked(agents["bob"], self.carol)
        for name in ("bob", "carol"):
            received = agents[name]._parts.link.introductions.received
            await wait_until(lambda: received.all() == [], seconds=PATIENCE)  # noqa: B023
        for other in self._undisturbed():  # the activity log is written beside the work
            await wait_until(lambda: times_added(other) > 0, seconds=PATIENCE)  # noqa: B023

    def check(self, agent: Agent) -> None:
        assert self.is_over()
        assert trust(self.pair.alice) == [("bob", True, ""), ("carol", True, "")]
        assert is_delivered({**self.others, self.home.name: agent}["alice"])
        assert [times_added(other) for other in self._undisturbed()] == [1] * len(self._undisturbed())

    def _undisturbed(self) -> list[Agent]:
        """The recipients' agents that are not killed."""
        return [agent for name, agent in self.others.items() if name != "alice"]


class GiveIntroduction(IntroductionJourney):
    """The introducer is killed."""

    always = ("bob", "carol")

    @contextlib.asynccontextmanager
    async def accompanied(self) -> AsyncIterator[None]:
        self.ordered = self.confirmed = False
        async with super().accompanied():
            yield

    async def order(self, client: AgentClient) -> None:
        # What was answered is kept; an order without an answer is repeated.
        if not self.ordered:
            await client.introduce(UsersToIntroduce(names=("@crew",)))
            self.ordered = True
        given = (await client.introductions()).given
        self.confirmed = [each.state for each in given] == [GivenState.DELIVERED] * 2

    def is_over(self) -> bool:
        return self.confirmed and super().is_over()


class TakeIntroduction(IntroductionJourney):
    """One of the recipients is killed, who is asked about each introduction."""

    sender = False
    always = ("carol",)

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        async with super().prepared(), running(self.pair.alice) as alice:
            await alice.service.introduce(UsersToIntroduce(names=("@crew",)))
        yield

    async def order(self, client: AgentClient) -> None:
        for each in (await client.introductions()).received:
            await client.accept_introduction(IntroductionAccepted(id=each.id, groups=("crew",)))

    def is_over(self) -> bool:
        """Once Carol's agent has a link with his, he has said all that he says."""
        if not (super().is_over() and is_delivered(self.others["alice"])):
            return False
        links = self.others["carol"]._parts.link.links
        return links is not None and links.get(self.pair.bob.identity.signer) is not None

    def check(self, agent: Agent) -> None:
        super().check(agent)
        assert load_book(self.pair.bob.places.users_file).find("carol").groups == ("crew",)


INTRODUCING: tuple[type[Journey], ...] = (GiveIntroduction, TakeIntroduction)
