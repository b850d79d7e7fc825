"""The sending half of a link: what was offered, which contents are due, and which answers are waited for.

Owns the order of contents, and that each answer fits what it answers. Must not store anything.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from tuishare.link.backlog import Backlog, Start
from tuishare.link.frames import BrokenRule
from tuishare.link.messages import (
    MESSAGE_LIMIT,
    ContactMessage,
    Declined,
    IntroductionAnswer,
    IntroductionMessage,
    Later,
    Offer,
    ReceiptMessage,
    encode_content_head,
)
from tuishare.link.peer import LinkFailed
from tuishare.link.receipt import Receipt

MOST_OFFERS: Final = 64
"""Offers that may wait for their answer at a time, in each direction."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The contact has the envelope.

    Attributes:
        receipt: stored already; `None` where the contact had the envelope before and gave none.
    """

    receipt: Receipt | None


OfferOutcome: TypeAlias = HandedOver | Later | Declined
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Offered:
    """An envelope of ours that waits for its answer."""

    offer: Offer
    content: bytes
    outcome: asyncio.Future[OfferOutcome]
    is_wanted: bool = False
    is_sent: bool = False


@dataclass(slots=True, eq=False)
class _Introduced:
    """An introduction of ours that waits for its answer, and for so many of them, since it may be sent again."""

    answer: asyncio.Future[IntroductionAnswer]
    unanswered: int = 0


class Outgoing:
    """What we offer and send to one contact."""

    def __init__(
        self,
        start: Start,
        send: Callable[[ContactMessage], None],
        send_bytes: Callable[[bytes], Awaitable[None]],
    ) -> None:
        """Begin with nothing offered.

        Args:
            start: starts a task of the link.
            send: sends a message.
            send_bytes: sends a piece of content with its frame, and waits while much is queued.
        """
        self._send = send
        self._send_bytes = send_bytes
        self._offers: dict[bytes, _Offered] = {}
        self._receipts: dict[bytes, asyncio.Future[None]] = {}
        self._introductions: dict[bytes, _Introduced] = {}
        self._room = asyncio.Semaphore(MOST_OFFERS)
        self._due = Backlog(start, self._send_content)
        self._end: LinkFailed | None = None

    async def offer(self, offer: Offer, content: bytes) -> OfferOutcome:
        """Offer an envelope and wait for the outcome; see `Session.offer`."""
        if len(content) != offer.size:
            raise ValueError("the offer describes another content")
        await self._room.acquire()
        try:
            self._require_open()
            if offer.digest in self._offers:
                raise ValueError("this envelope is being offered already")
        except BaseException:
            self._room.release()
            raise
        outcome: asyncio.Future[OfferOutcome] = asyncio.get_running_loop().create_future()
        # The waiting caller may give up; the offer, and its place, stand until it is answered.
        outcome.add_done_callback(lambda _: self._room.release())
        self._offers[offer.digest] = _Offered(offer, content, outcome)
        self._send(offer)
        return await asyncio.shield(outcome)

    async def deliver_receipt(self, signed: bytes) -> None:
        """Send a receipt and wait until it is stored; see `Session.deliver_receipt`."""
        self._require_open()
        digest = hashlib.sha256(signed).digest()
        if digest not in self._receipts:
            self._receipts[digest] = asyncio.get_running_loop().create_future()
            self._send(ReceiptMessage(signed))
        await asyncio.shield(self._receipts[digest])

    async def introduce(self, signed: bytes) -> IntroductionAnswer:
        """Send an introduction, also once more, and wait for the answer; see `Session.introduce`."""
        self._require_open()
        digest, loop = hashlib.sha256(signed).digest(), asyncio.get_running_loop()
        introduced = self._introductions.setdefault(digest, _Introduced(loop.create_future()))
        if introduced.answer.done():  # the answer to an earlier one; that to a later one is still to come
            introduced.answer = loop.create_future()
        introduced.unanswered += 1
        self._send(IntroductionMessage(signed))
        return await asyncio.shield(introduced.answer)

    def want(self, digest: bytes) -> None:
        """Take note that the contact wants an envelope.

        Raises:
            BrokenRule: it was not offered, or is wanted already.
        """
        offered = self._find(digest)
        if offered.is_wanted:
            raise BrokenRule("a second want")
        offered.is_wanted = True
        self._due.add(offered)

    def confirm_receipt(self, digest: bytes) -> bool:
        """Take note that a receipt was stored; False when none with that digest was sent."""
        waiting = self._receipts.pop(digest, None)
        if waiting is not None:
            _resolve(waiting, None)
        return waiting is not None

    def answer_introduction(self, answer: IntroductionAnswer) -> bool:
        """Take the answer to an introduction; False when none is due to one with that digest."""
        introduced = self._introductions.get(answer.digest)
        if introduced is None:
            return False
        introduced.unanswered -= 1
        if not introduced.unanswered:
            del self._introductions[answer.digest]
        _resolve(introduced.answer, answer)
        return True

    def offer_of(self, digest: bytes, *, sent: bool) -> Offer:
        """Return the offer that is answered.

        Args:
            digest: of the answer.
            sent: whether the answer comes after the content, or instead of it.

        Raises:
            BrokenRule: it was not offered, or the answer comes at another time.
        """
        offered = self._find(digest)
        if offered.is_sent != sent or offered.is_wanted != sent:
            raise BrokenRule("an answer at the wrong time")
        return offered.offer

    def settle(self, digest: bytes, outcome: OfferOutcome) -> None:
        """End an offer.

        Raises:
            BrokenRule: it was not offered, or its content is still on its way.
        """
        offered = self._find(digest)
        if offered.is_wanted and not offered.is_sent:
            raise BrokenRule("an answer before the content")
        del self._offers[digest]
        _resolve(offered.outcome, outcome)

    def close(self, error: LinkFailed) -> None:
        """Fail everything that waits."""
        self._end = error
        for waiting in self._receipts.values():
            fail(waiting, error)
        for introduced in self._introductions.values():
            fail(introduced.answer, error)
        for offered in self._offers.values():
            fail(offered.outcome, error)
        self._receipts.clear()
        self._introductions.clear()
        self._offers.clear()

    async def _send_content(self, offered: _Offered) -> None:
        size = len(offered.content)
        for start in range(0, size, MESSAGE_LIMIT):
            piece = offered.content[start : start + MESSAGE_LIMIT]
            # Before the last piece goes: its answer may come while the rest of the queue is still being sent.
            offered.is_sent = start + len(piece) == size
            await self._send_bytes(encode_content_head(len(piece)) + piece)

    def _find(self, digest: bytes) -> _Offered:
        try:
            return self._offers[digest]
        except KeyError:
            raise BrokenRule("an answer to what was not offered") from None

    def _require_open(self) -> None:
        if self._end is not None:
            raise LinkFailed(self._end.detail, hint=self._end.hint)


def fail(waiting: asyncio.Future[T], error: LinkFailed) -> None:
    """Fail a future that may have an outcome already, and that nothing may wait for."""
    if not waiting.done():
        waiting.set_exception(LinkFailed(error.detail, hint=error.hint))
        waiting.exception()  # marks it as seen


def _resolve(waiting: asyncio.Future[T], value: T) -> None:
    if not waiting.done():
        waiting.set_result(value)
