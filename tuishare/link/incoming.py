"""The receiving half of a link: offers judged in their order, contents counted, envelopes given to the agent.

Owns what was offered and wanted. Nothing is wanted before the agent has agreed and memory is reserved for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from tuishare.errors import TuishareError
from tuishare.link.backlog import Backlog, Start, wake
from tuishare.link.content_budget import ContentBudget
from tuishare.link.frames import BrokenRule
from tuishare.link.messages import ContactMessage, Declined, Later, Offer, OfferAnswer, Taken, Want
from tuishare.link.peer import LinkFailed, LinkPeer

_AHEAD: Final = 1024 * 1024
"""Bytes of several envelopes that may be wanted at a time; a larger one comes alone."""
_LEAST_RATE: Final = 8 * 1024
"""Bytes a second that content has to come with, or others wait for the memory that it holds."""
_GRACE_SECONDS: Final = 30.0
TROUBLE_SECONDS: Final = 60
TROUBLE: Final = "their agent cannot take it now"

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Wanted:
    """An envelope that is on its way to us."""

    offer: Offer
    content: bytearray = field(default_factory=bytearray)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    is_complete: asyncio.Event = field(default_factory=asyncio.Event)


class Incoming:
    """What one contact offers and sends."""

    def __init__(
        self,
        peer: LinkPeer,
        start: Start,
        answer: Callable[[ContactMessage], Awaitable[None]],
        budget: ContentBudget,
        most_offers: int,
    ) -> None:
        """Begin with nothing offered.

        Args:
            peer: decides, and keeps.
            start: starts a task of the link.
            answer: sends a message to the contact, and waits while they read nothing.
            budget: of all links.
            most_offers: that may be unanswered.
        """
        self._peer = peer
        self._answer = answer
        self._budget = budget
        self._most_offers = most_offers
        self._offers = Backlog(start, self._judge_offer)
        self._unsettled: set[bytes] = set()
        self._wanted: list[_Wanted] = []
        self._complete = Backlog(start, self._take)
        self._reserved = 0
        self._closed = False
        self._room: asyncio.Future[None] | None = None
        self._expected = Backlog(start, self._watch_progress)

    def add_offer(self, offer: Offer) -> None:
        """Take an offer.

        Raises:
            BrokenRule: there are too many, or it was made already.
        """
        if offer.digest in self._unsettled or len(self._unsettled) >= self._most_offers:
            raise BrokenRule("too many offers at a time, or one twice")
        self._unsettled.add(offer.digest)
        self._offers.add(offer)

    def add_content(self, piece: bytes) -> None:
        """Take a piece of the content that is due.

        Raises:
            BrokenRule: none is due, or it is too long, or not the one that was offered.
        """
        if not self._wanted:
            raise BrokenRule("content that was not wanted")
        wanted = self._wanted[0]
        wanted.content += piece
        wanted.digest.update(piece)
        if len(wanted.content) > wanted.offer.size:
            raise BrokenRule("content longer than offered")
        if len(wanted.content) == wanted.offer.size:
            if wanted.digest.digest() != wanted.offer.digest:
                raise BrokenRule("content that was not offered")
            self._wanted.pop(0)
            wanted.is_complete.set()
            self._complete.add(wanted)

    def close(self) -> None:
        """Give back what is reserved; the link has ended."""
        self._closed = True
        self._budget.release(self._reserved)
        self._reserved = 0

    async def _judge_offer(self, offer: Offer) -> None:
        while self._reserved and self._reserved + offer.size > _AHEAD:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        await self._budget.reserve(offer.size)
        self._reserved += offer.size
        answer = await self._judge(offer)
        if isinstance(answer, Want):
            self._wanted.append(wanted := _Wanted(offer))
            self._expected.add(wanted)
        else:
            self._settle(offer)
        await self._answer(answer)

    async def _judge(self, offer: Offer) -> OfferAnswer:
        try:
            answer = await self._peer.judge(offer)
        except TuishareError as error:
            _log.warning("An offer could not be judged: %s", error.detail)
            return Later(offer.digest, TROUBLE_SECONDS, TROUBLE)
        assert answer.digest == offer.digest
        return answer

    async def _take(self, wanted: _Wanted) -> None:
        try:
            answer = await self._peer.take(wanted.offer, bytes(wanted.content))
        except TuishareError as error:
            _log.warning("An envelope could not be taken: %s", error.detail)
            answer = Later(wanted.offer.digest, TROUBLE_SECONDS, TROUBLE)
        self._settle(wanted.offer)
        await self._answer(answer if isinstance(answer, Later | Declined) else Taken(answer))

    async def _watch_progress(self, wanted: _Wanted) -> None:
        try:
            async with asyncio.timeout(_GRACE_SECONDS + wanted.offer.size / _LEAST_RATE):
                await wanted.is_complete.wait()
        except TimeoutError:
            raise LinkFailed("The other side sent an envelope too slowly") from None

    def _settle(self, offer: Offer) -> None:
        self._unsettled.discard(offer.digest)
        if self._closed:
            return
        self._budget.release(offer.size)
        self._reserved -= offer.size
        wake(self._room)
