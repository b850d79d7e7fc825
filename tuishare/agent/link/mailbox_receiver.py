"""Our own mailbox: its parcels are taken whenever we are connected to the hub.

Owns the connection to the hub, and the opening of parcels. What they hold goes the same way as what a link brings, and
gets no more trust (threat T21). Must not put parcels.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from typing import Final

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.contact_peer import ContactPeer, LinkParts
from tuishare.agent.link.hub_membership import HubMembership
from tuishare.agent.link.hub_reach import HubReach
from tuishare.agent.live import Live
from tuishare.core.clock import Clock
from tuishare.core.problems import Problem
from tuishare.envelope import Damaged, NotForUs
from tuishare.envelope.parcel import open_parcel
from tuishare.errors import SystemFailed, VerificationFailed
from tuishare.link.address_record import read_record
from tuishare.link.mailbox.letter import OpenedLetter, read_letter
from tuishare.link.messages import Have, Later, Want
from tuishare.link.peer import LinkFailed
from tuishare.link.receipt import verify_receipt
from tuishare.link.redial import Pauses
from tuishare.people import Identity

_RETRY_SECONDS: Final = 60.0
"""After so many seconds what the disk refused is asked for again."""
_log = logging.getLogger(__name__)


class MailboxReceiver:
    """Takes what is in the mailbox of one agent.

    Attributes:
        problem: to show while the hub cannot be reached.
    """

    def __init__(
        self,
        hub: HubReach,
        membership: HubMembership,
        parts: LinkParts,
        peer: Callable[[bytes], ContactPeer],
        *,
        identity: Live[Identity],
        wake: Callable[[bytes], None],
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        """`peer` returns what the agent does about a contact; `wake` is called when something is owed to one."""
        self._hub = hub
        self._membership = membership
        self._parts = parts
        self._peer = peer
        self._identity = identity
        self._wake = wake
        self._changed = changed
        self._clock = clock
        self.problem: Problem | None = None

    async def run(self) -> None:
        """Be connected to our hub until cancelled."""
        pauses = Pauses()
        while True:
            revision = self._membership.changed.revision
            collecting = asyncio.create_task(self._collect(pauses))
            changing = asyncio.create_task(self._membership.changed.wait_for_change(revision))
            try:
                await asyncio.wait({collecting, changing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                collecting.cancel()
                await asyncio.gather(collecting, return_exceptions=True)
            if not changing.done():
                await asyncio.wait({changing}, timeout=pauses.next())
            changing.cancel()

    async def _collect(self, pauses: Pauses) -> None:
        place, hub = self._membership.place, self._membership.hub_address
        if place is None or hub is None:
            await asyncio.Event().wait()
            return
        was_open = False

        def note_open() -> None:
            nonlocal was_open
            was_open = True
            pauses.reset()
            self._show("")

        with isolate_errors("take what is in the mailbox"):
            try:
                async with asyncio.timeout(None) as limit:
                    await self._hub.collect(
                        *(place, hub.write_key),
                        lambda parcel: self._receive(parcel, limit),
                        note_open,
                    )
            except TimeoutError:
                pass  # what was left is asked for again
            except LinkFailed as error:
                _log.info("No connection to the hub: %s", error.detail)
                if not was_open:
                    self._show(error.detail)

    def _show(self, detail: str) -> None:
        """Show why the hub cannot be reached, or nothing any longer."""
        if (self.problem.detail if self.problem is not None else "") == detail:
            return
        self.problem = (
            Problem(
                id="hub",
                title="The hub is not reached",
                detail=detail,
                hint="It is called again by itself. Ask its operator, or join another one: tuishare hub join STRING.",
                since=self._clock.now(),
            )
            if detail
            else None
        )
        self._changed.notify()

    async def _receive(self, parcel: bytes, limit: asyncio.Timeout) -> bool:
        try:
            seconds = await self._take(self._open(parcel))
        except (NotForUs, Damaged, VerificationFailed) as error:
            _log.warning("A parcel was not taken: %s", error.detail)
            return True
        except SystemFailed as error:
            _log.warning("%s; the parcel stays in the mailbox", error.detail)
            seconds = _RETRY_SECONDS
        if seconds:
            # Not sooner: everything that is left comes again then, and a contact who fills the mailbox chose how much.
            again, due = asyncio.get_running_loop().time() + seconds, limit.when()
            limit.reschedule(again if due is None else min(due, again))
        return not seconds

    def _open(self, parcel: bytes) -> OpenedLetter:
        identity = self._identity.current
        for key in (identity.private_key, *identity.retired):
            try:
                return read_letter(open_parcel(key, parcel))
            except NotForUs:
                continue
        raise NotForUs

    async def _take(self, opened: OpenedLetter) -> float:
        """Take what a letter brings; return 0, or after how many seconds it is to be tried again."""
        letter = opened.letter
        if letter.recipient not in self._identity.current.signers or not self._parts.contacts.get(
            letter.signer
        ):
            _log.info("A parcel that is not from a contact, or not for us, was not taken")
            return 0
        peer = self._peer(letter.signer)
        record = read_record(letter.record)
        if record.signer != letter.signer:
            raise VerificationFailed("The letter holds an address record of another identity")
        await peer.keep_record(record, letter.record)
        for signed in letter.receipts:
            receipt = verify_receipt(signed)
            if receipt.signer == letter.signer:
                await peer.keep_receipt(receipt, signed)
        return await self._take_envelope(peer, opened) if letter.offer is not None else 0

    async def _take_envelope(self, peer: ContactPeer, opened: OpenedLetter) -> float:
        offer = opened.letter.offer
        assert offer is not None
        if hashlib.sha256(opened.envelope).digest() != offer.digest:
            raise VerificationFailed("The letter holds another envelope than it offers")
        answer = await peer.judge(offer)
        if isinstance(answer, Want):
            taken = await peer.take(offer, opened.envelope)
            if isinstance(taken, Later):
                return taken.seconds
        elif isinstance(answer, Later):
            return answer.seconds
        elif not isinstance(answer, Have):
            return 0
        await self._parts.arrivals.owe(peer.signer, offer)
        self._wake(peer.signer)
        return 0
