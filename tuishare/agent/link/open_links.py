"""The open links of an agent, one for each contact, and what goes over them.

Owns which link stays when both sides have called, and the order of what is sent on it. Must not call anyone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, assert_never

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.contact_peer import ContactPeer, LinkParts
from tuishare.core.clock import Clock
from tuishare.core.records import ArrivalRecord, HandoverRecord
from tuishare.errors import SystemFailed
from tuishare.link.content_budget import ContentBudget
from tuishare.link.message_rates import MessageRates
from tuishare.link.messages import Declined, Later, Offer, ProblemMessage
from tuishare.link.outgoing import HandedOver
from tuishare.link.peer import LinkFailed, LinkPeer, LinkStream
from tuishare.link.redial import Pauses
from tuishare.link.session import Session
from tuishare.net.rate_limit import RateLimit

_RECHECK: Final = 30.0
"""Seconds after which postponed offers, and a disk that refused, are tried again at the latest."""
_DISK_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 60.0
"""How long the answer to an introduction may take, and after which it is sent again first; an agent that knows none
never answers."""
_AT_ONCE_SECONDS: Final = 5.0
"""Two calls within that time may be of two sides of which neither knew of the other's."""
_IDLE_SECONDS: Final = 5.0
"""How long a link stays after its last use where more contacts wait for one than may have one."""
_PROBLEMS: Final = (128, 0.1)
"""Problems that a contact is told at once, and a second after that; fewer than their agent keeps."""
_MOST_CONTACTS: Final = 4096
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class OpenLink:
    """One link on which both sides have said who they are.

    Attributes:
        signer: of the contact.
        called_by: signer of the side that called.
        since: Unix seconds.
        offering: the share of the envelope that is being handed over; empty: none.
        told: the shares of which the contact was told a problem on this link.
        opened: on the monotonic clock.
        introducing: sends the introductions that wait for the contact; None: none do, or they are sent later.
        not_before: when introductions may be sent, on the monotonic clock.
        pauses: between introductions without an answer.
    """

    session: Session
    signer: bytes
    called_by: bytes
    since: int
    offering: str = ""
    told: set[str] = field(default_factory=set)
    opened: float = field(default_factory=time.monotonic)
    introducing: asyncio.Task[None] | None = None
    not_before: float = 0.0
    pauses: Pauses = field(default_factory=lambda: Pauses(_ANSWER_SECONDS))
    closed: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class OpenLinks:
    """All open links of one agent.

    Attributes:
        wakes: one signal for each contact, sent when there is something to do for them.
        ends: why the last link to a contact ended, a sentence.
        left: when the last link to a contact ended, Unix seconds.
    """

    def __init__(
        self,
        parts: LinkParts,
        most: Callable[[], int],
        *,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        """`most` returns how many idle links may stay."""
        self._changed = changed
        self._clock = clock
        self._parts = parts
        self._most = most
        self._budget = ContentBudget()
        self._rates = MessageRates()
        self._problem_rates = RateLimit[bytes](*_PROBLEMS, _MOST_CONTACTS, time.monotonic)
        self._links: dict[bytes, OpenLink] = {}
        self.wakes: defaultdict[bytes, ChangeSignal] = defaultdict(ChangeSignal)
        self.ends: dict[bytes, str] = {}
        self.left: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._links)

    def get(self, signer: bytes) -> OpenLink | None:
        """Return the link of a contact, or None."""
        return self._links.get(signer)

    @property
    def is_crowded(self) -> bool:
        """Whether there are more links than may stay idle."""
        return len(self._links) > self._most()

    def peer(self, signer: bytes) -> ContactPeer:
        """Return what the agent does about a contact."""
        return ContactPeer(self._parts, signer, lambda found: self.wakes[found].notify())

    def send_record(self) -> None:
        """Send our newest address record over all links."""
        for link in self._links.values():
            link.session.send_record(self._parts.own_record.signed_for(link.signer))

    def close_all(self) -> None:
        """End all links at once; `Calls` makes them again."""
        for link in list(self._links.values()):
            link.session.close()

    def close(self, signer: bytes) -> None:
        """End the link of a contact at once."""
        if link := self._links.get(signer):
            link.session.close()

    async def run(self, stream: LinkStream, peer: LinkPeer, link_key: bytes, called_by: bytes) -> bool:
        """Speak with a contact until the link ends; cancelling ends it.

        Returns:
            Whether it was open.
        """
        session = Session(stream, peer, link_key, budget=self._budget, rates=self._rates)
        said = peer.own_record()  # by the hello that follows, unless it says a newer one
        running = asyncio.create_task(session.run())
        link = OpenLink(session, peer.signer, called_by, self._clock.now())
        try:
            try:
                await session.wait_opened()
            except LinkFailed:
                self._note_end(peer.signer, await running)
                self._parts.own_record.note_refusal(peer.signer)
                return False
            if not self._take(link):
                return True
            if (record := peer.own_record()) != said:
                session.send_record(record)  # it was made while the link was opened
            with isolate_errors("hand over by link"):
                await self._use(link, running)
            return True
        finally:
            session.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self._forget(link)

    def _take(self, link: OpenLink) -> bool:
        """Keep a link unless another to the same contact stays.

        Where both called at nearly the same time, that called by the smaller signer stays. Later on a side calls
        only after it has lost the former one, so the newer one stays.
        """
        if self._parts.contacts.get(link.signer) is None:
            return False
        other = self._links.get(link.signer)
        at_once = other is not None and link.opened - other.opened < _AT_ONCE_SECONDS
        if other is not None and at_once and other.called_by < link.called_by:
            return False
        self._links[link.signer] = link
        if other is not None:
            other.session.close()
        self.ends.pop(link.signer, None)
        self._changed.notify()
        return True

    def _forget(self, link: OpenLink) -> None:
        if not link.closed.done():
            link.closed.set_result(None)
        if self._links.get(link.signer) is link:
            del self._links[link.signer]
            self.left[link.signer] = self._clock.now()
            self._changed.notify()

    def _note_end(self, signer: bytes, end: LinkFailed) -> None:
        self.ends[signer] = end.detail
        _log.info("A link has ended: %s", end.detail)

    async def _use(self, link: OpenLink, running: asyncio.Task[LinkFailed]) -> None:
        """Hand over what waits for the contact, until the link ends."""
        using = asyncio.create_task(self._work(link))
        try:
            await asyncio.wait({running, using}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                self._note_end(link.signer, running.result())
            else:
                using.result()
        finally:
            tasks = [using] if link.introducing is None else [using, link.introducing]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, link: OpenLink) -> None:
        signal = self.wakes[link.signer]
        while True:
            revision, pause = signal.revision, _RECHECK
            if link.introducing is None and link.not_before <= time.monotonic():
                self._start_introducing(link)
            try:
                await self._tell_problems(link)
                await self._deliver_receipts(link)
                await self._hand_over(link)
            except LinkFailed:
                return
            except SystemFailed as error:
                _log.warning("%s; it is tried again", error.detail)
                pause = _DISK_SECONDS
            crowded = self.is_crowded
            try:
                async with asyncio.timeout(_IDLE_SECONDS if crowded else pause * random.uniform(0.8, 1.0)):  # noqa: S311 — spread
                    await signal.wait_for_change(revision)
            except TimeoutError:
                if crowded and self.is_crowded:
                    return  # another contact may have the place; either side calls again in time

    def _start_introducing(self, link: OpenLink) -> None:
        """Send the introductions that wait for the contact beside all else: an older agent never answers them."""
        if not self._parts.given.waiting(link.signer):
            return
        signal = self.wakes[link.signer]
        revision = signal.revision

        def forget(task: asyncio.Task[None]) -> None:
            link.introducing = None
            if not task.cancelled() and signal.revision != revision:
                signal.notify()  # something came meanwhile

        link.introducing = asyncio.create_task(self._introduce(link))
        link.introducing.add_done_callback(forget)

    async def _introduce(self, link: OpenLink) -> None:
        given = self._parts.given
        with isolate_errors("introduce by link"), contextlib.suppress(LinkFailed):
            try:
                for record in given.waiting(link.signer):
                    if (signed := given.sign(record)) is None:
                        continue
                    try:
                        async with asyncio.timeout(_ANSWER_SECONDS):
                            answer = await link.session.introduce(signed)
                    except TimeoutError:
                        link.not_before = time.monotonic() + link.pauses.next()
                        await given.note_unanswered(record)
                        return
                    link.pauses.reset()
                    await given.note(record, answer)
            except SystemFailed as error:
                link.not_before = time.monotonic() + _DISK_SECONDS
                _log.warning("%s; it is tried again", error.detail)

    async def _deliver_receipts(self, link: OpenLink) -> None:
        for arrival in self._parts.arrivals.owed(link.signer):
            if arrival.fault and arrival.state == "refused":
                link.session.tell_problem(_problem(arrival, arrival.fault))
            await link.session.deliver_receipt(arrival.receipt)
            await self._parts.arrivals.confirm(arrival)

    async def _tell_problems(self, link: OpenLink) -> None:
        """Tell what keeps us from payloads, at most so often: the rest is told when this is called again."""
        arrivals = self._parts.arrivals
        for arrival, fault in arrivals.problems(link.signer, link.told):
            if not self._problem_rates.take(link.signer):
                return
            link.session.tell_problem(_problem(arrival, fault or ""))
            link.told.add(arrival.share)
            await arrivals.note_told(arrival, fault)

    async def _hand_over(self, link: OpenLink) -> None:
        handovers = self._parts.handovers
        for record in handovers.waiting(link.signer):
            if handovers.is_postponed(record) or not handovers.is_waiting(record):
                continue
            content = await handovers.content(record)
            if content is None:
                await handovers.note_refused(record, "its copy is gone from the disk; share it again")
                continue
            if handovers.is_waiting(record):  # nothing was revoked while it was read
                await self._offer(link, record, content)

    async def _offer(self, link: OpenLink, record: HandoverRecord, content: bytes) -> None:
        handovers = self._parts.handovers
        offer = Offer(record.digest, record.size, bytes.fromhex(record.share), record.generation)
        link.offering = record.share
        try:
            outcome = await link.session.offer(offer, content)
        finally:
            link.offering = ""
        match outcome:
            case HandedOver(receipt=None):
                await handovers.note_handed_over(record)
            case HandedOver():
                pass  # recorded with the receipt
            case Later(seconds=seconds, reason=reason):
                await handovers.postpone(record, seconds, reason)
            case Declined(reason=reason):
                await handovers.note_refused(record, reason)
            case _ as never:
                assert_never(never)


def _problem(arrival: ArrivalRecord, code: str) -> ProblemMessage:
    return ProblemMessage(bytes.fromhex(arrival.share), arrival.generation, code)
