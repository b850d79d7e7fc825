"""The conversation of two contacts over one link, the same on both sides.

Owns which message may come when, and the time limits. What is decided about an envelope, and what is kept, is the
agent's part behind `LinkPeer`. Whatever happens to the link, an envelope counts as handed over when its sender has
stored the receipt, and not before.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tuishare.errors import TuishareError, VerificationFailed
from tuishare.link.address_record import AddressRecord, read_record
from tuishare.link.backlog import Backlog
from tuishare.link.content_budget import ContentBudget
from tuishare.link.frames import SILENT, BrokenRule, read_frame
from tuishare.link.incoming import TROUBLE, TROUBLE_SECONDS, Incoming
from tuishare.link.introduction import Introduction, read_introduction
from tuishare.link.message_rates import MessageRates
from tuishare.link.messages import (
    VERSION,
    ContactMessage,
    Declined,
    Have,
    Hello,
    IntroducibleRecord,
    IntroductionAnswer,
    IntroductionMessage,
    Later,
    NewRecord,
    Offer,
    Ping,
    ProblemMessage,
    ReceiptMessage,
    Taken,
    Want,
    decode_message,
    encode_message,
)
from tuishare.link.outgoing import MOST_OFFERS, HandedOver, OfferOutcome, Outgoing, fail
from tuishare.link.peer import LinkFailed, LinkPeer, LinkStream
from tuishare.link.receipt import Receipt, verify_receipt

_MOST_STATEMENTS: Final = 64
"""Receipts and introductions that may wait before nothing more is read; a contact waits for the answer to each."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """Time limits of a link, seconds.

    Attributes:
        hello: until the other side's first message.
        ping: after the last message of ours.
        silence: after the last frame of theirs, until the link counts as lost.
    """

    hello: float = 10.0
    ping: float = 20.0
    silence: float = 50.0


class Session:
    """One open link; `run` returns when it has ended, and from then on every call fails."""

    def __init__(
        self,
        stream: LinkStream,
        peer: LinkPeer,
        link_key: bytes,
        *,
        budget: ContentBudget | None = None,
        rates: MessageRates | None = None,
        times: SessionTimes | None = None,
    ) -> None:
        """Begin with nothing said.

        Args:
            stream: to the contact.
            peer: what the agent does about the contact.
            link_key: that the contact has proved.
            budget: how much content all links may be receiving together.
            rates: how many messages contacts may send, over all links.
            times: the time limits.
        """
        self._stream = stream
        self._peer = peer
        self._link_key = link_key
        self._times = times or SessionTimes()
        self._tasks: asyncio.TaskGroup | None = None
        self._outgoing = Outgoing(self._start, self._send, self._send_bytes)
        self._incoming = Incoming(peer, self._start, self._answer, budget or ContentBudget(), MOST_OFFERS)
        self._rates = rates or MessageRates()
        self._statements = Backlog(self._start, self._keep_statement, _MOST_STATEMENTS)
        self._last_sent = 0.0
        self._pinging: asyncio.TimerHandle | None = None
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._end: LinkFailed | None = None

    async def run(self) -> LinkFailed:
        """Speak until the link ends; cancelling ends it.

        Returns:
            Why it ended, in one sentence.
        """
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._send(Hello((VERSION,), self._peer.own_record()))
                self._send_introducible()
                self._ping()
                await self._read()
        except* TuishareError as failed:
            first = next(_leaves(failed))
            self._finish(
                first if isinstance(first, LinkFailed) else LinkFailed(first.detail, hint=first.hint)
            )
        finally:
            if self._pinging is not None:
                self._pinging.cancel()
            self.close()
        assert self._end is not None
        return self._end

    async def wait_opened(self) -> None:
        """Wait until the contact has said who they are.

        Raises:
            LinkFailed: the link ended before.
        """
        await asyncio.shield(self._opened)

    async def offer(self, offer: Offer, content: bytes) -> OfferOutcome:
        """Offer an envelope, and send it if the contact wants it.

        Args:
            offer: not being offered at the moment.
            content: what it describes.

        Raises:
            LinkFailed: the link ended before the outcome was known; the contact may have the envelope all the same.
        """
        await self.wait_opened()
        return await self._outgoing.offer(offer, content)

    async def deliver_receipt(self, signed: bytes) -> None:
        """Send a receipt of ours, and wait until the contact has stored it.

        Raises:
            LinkFailed: the link ended before that was known; it is to be sent again.
        """
        await self.wait_opened()
        await self._outgoing.deliver_receipt(signed)

    def tell_problem(self, problem: ProblemMessage) -> None:
        """Tell what keeps us from a payload; one that is lost is told again on the next link."""
        if self._end is None:
            self._send(problem)

    async def introduce(self, signed: bytes) -> IntroductionAnswer:
        """Send an introduction of another user, and wait for the answer, which an older agent never gives.

        The same one may be sent again after waiting in vain; an answer that comes late is taken then.

        Raises:
            LinkFailed: the link ended before that was known; it is to be sent again.
        """
        await self.wait_opened()
        return await self._outgoing.introduce(signed)

    def send_record(self, signed: bytes) -> None:
        """Send an address record of ours that is newer than the last; one that is lost comes with the next hello."""
        if self._end is None:
            self._send(NewRecord(signed))
            self._send_introducible()

    def close(self) -> None:
        """End the link at once."""
        self._finish(LinkFailed("The link was ended on this side"))
        self._stream.close()

    async def _read(self) -> None:
        await self._read_hello()
        while True:
            is_content, data = await read_frame(self._stream, self._times.silence)
            if is_content:
                self._incoming.add_content(data)
                continue
            await self._rates.admit(self._peer.signer)
            if (message := _decode(data)) is not None:
                await self._handle(message)

    async def _read_hello(self) -> None:
        is_content, data = await read_frame(self._stream, self._times.hello)
        await self._rates.admit(self._peer.signer)
        message = None if is_content else _decode(data)
        if not isinstance(message, Hello):
            raise BrokenRule("something else than hello came first")
        if VERSION not in message.versions:
            raise LinkFailed("The other side speaks another version of the link", hint="Update tuishare.")
        record = self._read_record(message.record)
        if record.link_key != self._link_key:
            raise BrokenRule("an address record that names another link key")
        await self._peer.keep_record(record, message.record)
        if not self._opened.done():
            self._opened.set_result(None)

    async def _handle(self, message: ContactMessage) -> None:
        match message:
            case Offer():
                self._incoming.add_offer(message)
            case Want(digest=digest):
                self._outgoing.want(digest)
            case Later(digest=digest) | Declined(digest=digest):
                if not self._outgoing.answer_introduction(message):
                    self._outgoing.settle(digest, message)
            case Have(digest=digest, receipt=signed):
                if not (
                    self._outgoing.confirm_receipt(digest) or self._outgoing.answer_introduction(message)
                ):
                    offer = self._outgoing.offer_of(digest, sent=False)
                    await self._settle(offer, self._read_receipt(signed) if signed else None, signed)
            case Taken(receipt=signed):
                receipt = self._read_receipt(signed)
                await self._settle(self._outgoing.offer_of(receipt.digest, sent=True), receipt, signed)
            case ReceiptMessage() | IntroductionMessage():
                await self._statements.add_when_room(message)
            case NewRecord() | IntroducibleRecord():
                await self._keep_record(message)
            case ProblemMessage():
                await self._peer.keep_problem(message)
            case Ping():
                pass
            case Hello():
                raise BrokenRule("a second hello")

    async def _keep_record(self, message: NewRecord | IntroducibleRecord) -> None:
        record = self._read_record(message.record)
        if isinstance(message, NewRecord):
            await self._peer.keep_record(record, message.record)
        else:
            await self._peer.keep_introducible(record, message.record)

    async def _keep_statement(self, statement: ReceiptMessage | IntroductionMessage) -> None:
        """Store what is stated and answer it, beside the reader: it must go on while answers wait."""
        match statement:
            case ReceiptMessage(receipt=signed):
                await self._peer.keep_receipt(self._read_receipt(signed), signed)
                await self._answer(Have(hashlib.sha256(signed).digest()))
            case IntroductionMessage(introduction=signed):
                await self._answer(await self._keep_introduction(signed))

    async def _keep_introduction(self, signed: bytes) -> IntroductionAnswer:
        introduction = self._read_introduction(signed)
        try:
            return await self._peer.keep_introduction(introduction, signed)
        except LinkFailed:
            raise
        except TuishareError as error:
            _log.warning("An introduction could not be kept: %s", error.detail)
            return Later(hashlib.sha256(signed).digest(), TROUBLE_SECONDS, TROUBLE)

    async def _settle(self, offer: Offer, receipt: Receipt | None, signed: bytes | None) -> None:
        """Store the receipt for an envelope of ours, then count it as handed over."""
        if receipt is not None and signed is not None:
            named = (receipt.digest, receipt.share, receipt.generation)
            if named != (offer.digest, offer.share, offer.generation):
                raise BrokenRule("a receipt for another envelope")
            await self._peer.keep_receipt(receipt, signed)
        self._outgoing.settle(offer.digest, HandedOver(receipt))

    def _read_introduction(self, signed: bytes) -> Introduction:
        try:
            introduction = read_introduction(signed)
        except VerificationFailed as error:
            raise BrokenRule("an introduction that is not valid") from error
        if introduction.signer != self._peer.signer:
            raise BrokenRule("an introduction by another identity")
        return introduction

    def _read_record(self, signed: bytes) -> AddressRecord:
        try:
            record = read_record(signed)
        except VerificationFailed as error:
            raise BrokenRule("an address record that is not valid") from error
        if record.signer != self._peer.signer:
            raise BrokenRule("an address record of another identity")
        return record

    def _read_receipt(self, signed: bytes) -> Receipt:
        try:
            receipt = verify_receipt(signed)
        except VerificationFailed as error:
            raise BrokenRule("a receipt that is not valid") from error
        if receipt.signer != self._peer.signer:
            raise BrokenRule("a receipt of another identity")
        return receipt

    def _send_introducible(self) -> None:
        if signed := self._peer.own_introducible():
            self._send(IntroducibleRecord(signed))

    def _send(self, message: ContactMessage) -> None:
        self._write(encode_message(message))

    async def _answer(self, message: ContactMessage) -> None:
        """Send an answer, and wait until little is queued: a contact who reads no answers gets no more of them."""
        self._send(message)
        await self._drain()

    async def _send_bytes(self, data: bytes) -> None:
        self._write(data)
        await self._drain()

    def _write(self, data: bytes) -> None:
        self._last_sent = asyncio.get_running_loop().time()
        self._stream.write(data)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self._times.silence):
                await self._stream.drain()
        except TimeoutError as error:
            raise LinkFailed(SILENT) from error

    def _ping(self) -> None:
        """Send a ping where nothing was sent for a while, now and whenever that may be so again."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._last_sent + self._times.ping:
            self._send(Ping())
        self._pinging = loop.call_at(self._last_sent + self._times.ping, self._ping)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task of the link; what fails in it ends the link."""
        assert self._tasks is not None
        self._tasks.create_task(work)

    def _finish(self, error: LinkFailed) -> None:
        if self._end is None:
            self._end = error
            fail(self._opened, error)
            self._outgoing.close(error)
            self._incoming.close()


def _decode(data: bytes) -> ContactMessage | None:
    try:
        return decode_message(data)
    except ValueError as error:
        raise BrokenRule("an ill-formed message") from error


def _leaves(group: BaseExceptionGroup[TuishareError]) -> Iterator[TuishareError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
