"""Two agents in memory with real link ports on loopback: what `LinkPeer` and `Callers` are in tests."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from tests.link.samples import Person
from tuishare.link.address_record import AddressRecord, read_record
from tuishare.link.client import call_contact
from tuishare.link.dial import Destination
from tuishare.link.introduction import Introduction
from tuishare.link.invitation import Invitation
from tuishare.link.invitation_exchange import Introduced, check_redeem, make_welcome
from tuishare.link.link_key import LinkKey
from tuishare.link.message_rates import MessageRates
from tuishare.link.messages import (
    Declined,
    Have,
    IntroductionAnswer,
    InvitationAnswer,
    Later,
    NotAdmitted,
    Offer,
    OfferAnswer,
    ProblemMessage,
    Redeem,
    Want,
)
from tuishare.link.peer import LinkFailed, LinkPeer, LinkStream
from tuishare.link.receipt import Receipt
from tuishare.link.server import LinkServer
from tuishare.link.session import Session, SessionTimes
from tuishare.net.endpoints import Endpoint


def envelope(number: int = 1, size: int = 16_000) -> tuple[Offer, bytes]:
    content = hashlib.sha512(number.to_bytes(8, "big")).digest() * (size // 64 + 1)
    content = content[:size]
    offer = Offer(hashlib.sha256(content).digest(), size, number.to_bytes(16, "big"), 1)
    return offer, content


@dataclass
class Contact:
    """What one agent does about another user: keeps everything, each envelope once."""

    owner: Agent
    signer: bytes
    record: AddressRecord | None = None
    introducible: bytes = b""
    inbox: dict[bytes, bytes] = field(default_factory=dict)
    given: dict[bytes, bytes] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    problems: list[ProblemMessage] = field(default_factory=list)
    introduced: list[Introduction] = field(default_factory=list)
    taken: int = 0
    verdict: Callable[[Offer], OfferAnswer | None] = lambda _: None
    on_introduction: Callable[[bytes], Later | Declined | None] = lambda _: None
    on_take: Callable[[Offer], Later | Declined | None] = lambda _: None

    def own_record(self) -> bytes:
        return self.owner.record()

    def own_introducible(self) -> bytes:
        return self.owner.introducible

    async def judge(self, offer: Offer) -> OfferAnswer:
        if offer.digest in self.inbox:
            return Have(offer.digest, self.given[offer.digest])
        return self.verdict(offer) or Want(offer.digest)

    async def take(self, offer: Offer, content: bytes) -> bytes | Later | Declined:
        if (answer := self.on_take(offer)) is not None:
            return answer
        await asyncio.sleep(0)
        assert hashlib.sha256(content).digest() == offer.digest
        self.inbox[offer.digest] = content
        self.taken += 1
        self.given[offer.digest] = self.owner.person.receipt(offer.digest, offer.share, offer.generation)
        return self.given[offer.digest]

    async def keep_record(self, record: AddressRecord, signed: bytes) -> None:
        if record.supersedes(self.record):
            self.record = record

    async def keep_introducible(self, record: AddressRecord, signed: bytes) -> None:
        self.introducible = signed

    async def keep_problem(self, problem: ProblemMessage) -> None:
        self.problems.append(problem)

    async def keep_introduction(self, introduction: Introduction, signed: bytes) -> IntroductionAnswer:
        if (answer := self.on_introduction(signed)) is not None:
            return answer
        if introduction not in self.introduced:
            self.introduced.append(introduction)
        return Have(hashlib.sha256(signed).digest())

    async def keep_receipt(self, receipt: Receipt, signed: bytes) -> None:
        if receipt not in self.receipts:
            self.receipts.append(receipt)


@dataclass
class Agent:
    """One user's agent."""

    person: Person
    sequence: int = 1
    key: LinkKey = field(default_factory=lambda: LinkKey.from_seed(bytes(32)))
    contacts: dict[bytes, Contact] = field(default_factory=dict)
    invitations: dict[bytes, Invitation] = field(default_factory=dict)
    denied: NotAdmitted | None = None
    introducible: bytes = b""
    joined: list[Introduced] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    ends: list[LinkFailed] = field(default_factory=list)
    server: LinkServer | None = None
    times: SessionTimes = field(default_factory=SessionTimes)
    rates: MessageRates = field(default_factory=MessageRates)

    def __post_init__(self) -> None:
        self.key = self.person.link_key

    @property
    def endpoint(self) -> Endpoint:
        assert self.server is not None
        return Endpoint("127.0.0.1", self.server.port)

    @property
    def destination(self) -> Destination:
        return Destination(self.key.public_key, [self.endpoint])

    def record(self) -> bytes:
        addresses = (self.endpoint,) if self.server else ()
        return self.person.record(self.sequence, *addresses, link_key=self.key.public_key)

    def know(self, other: Agent) -> Contact:
        self.contacts[other.person.signer] = Contact(self, other.person.signer, read_record(other.record()))
        return self.contacts[other.person.signer]

    def find(self, signer: bytes, link_key: bytes) -> LinkPeer | None:
        contact = self.contacts.get(signer)
        if contact is None or contact.record is None or contact.record.link_key != link_key:
            return None
        return contact

    async def introduce(self, record: AddressRecord, signed: bytes) -> LinkPeer | None:
        contact = self.contacts.get(record.signer)
        if contact is None or not record.supersedes(contact.record):
            return None
        contact.record = record
        return contact

    async def redeem(self, redeem: Redeem, link_key: bytes, host: str) -> InvitationAnswer | None:
        invitation = self.invitations.get(redeem.id)
        if invitation is None:
            return None
        joiner = check_redeem(invitation, redeem, link_key)
        if self.denied is not None:
            return self.denied
        del self.invitations[redeem.id]  # in the agent one transaction with the next line
        self.joined.append(joiner)
        return make_welcome(invitation, redeem, self.person.party)

    async def serve(self, stream: LinkStream, peer: LinkPeer, link_key: bytes, host: str) -> None:
        session = Session(stream, peer, link_key, times=self.times, rates=self.rates)
        self.sessions.append(session)
        self.ends.append(await session.run())

    @contextlib.asynccontextmanager
    async def calling(self, other: Agent) -> AsyncIterator[Session]:
        """Call another agent, and speak with it for one block."""
        stream = await call_contact(self.key, other.destination, self.record())
        session = Session(stream, self.contacts[other.person.signer], other.key.public_key, times=self.times)
        running = asyncio.create_task(session.run())
        try:
            yield session
        finally:
            session.close()
            self.ends.append(await running)


@contextlib.asynccontextmanager
async def listening(*agents: Agent, host: str = "127.0.0.1", **options: object) -> AsyncIterator[None]:
    """Open the link ports of some agents for one block."""
    for agent in agents:
        agent.server = await LinkServer.open(agent.key, agent, agent.serve, host, 0, **options)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for agent in agents:
            assert agent.server is not None
            await agent.server.close()
