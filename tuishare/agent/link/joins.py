"""Joins: invitations of other agents that this one uses.

Owns that an invitation is recorded before its sender is called, and that they are called again, also after a restart,
until they have answered or it has ended. Must not speak SSH.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.joined_users import JoinedUsers
from tuishare.agent.link.own_record import OwnRecord
from tuishare.agent.live import Live
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.store import Store
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.invitation_queries import delete_join, find_joins
from tuishare.core.invitation_records import JoinRecord
from tuishare.errors import BadInput, NotFound, Refused, SystemFailed, VerificationFailed
from tuishare.link.invitation import (
    Invitation,
    Party,
    join_transcript,
    parse_invitation,
    transcript_words,
)
from tuishare.link.invitation_exchange import Introduced
from tuishare.link.peer import ApprovalPending, InvitationRefused, LinkFailed
from tuishare.link.redial import Pauses
from tuishare.people import Identity

_MOST: Final = 100
_MOST_PAUSE: Final = 60.0
"""Seconds between two calls of an inviter; they cannot call us, so it must not be long."""
_log = logging.getLogger(__name__)
Call = Callable[[Invitation, Party], Awaitable[Introduced]]
"""Redeems an invitation; raises `LinkFailed` or `VerificationFailed`."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The inviter whose invitation was redeemed.

    Attributes:
        user: their name in the user book.
        words: four words that both sides can compare.
        is_verified: whether they count as verified.
    """

    user: str
    words: str
    is_verified: bool


class Joins:
    """What one agent joins."""

    def __init__(
        self,
        own_record: OwnRecord,
        users: JoinedUsers,
        store: Store,
        call: Call,
        *,
        identity: Live[Identity],
        activity: ActivityLog,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._own_record = own_record
        self._users = users
        self._store = store
        self._call = call
        self._identity = identity
        self._activity = activity
        self._changed = changed
        self._clock = clock
        self._calling = asyncio.Lock()
        self._wake = ChangeSignal()

    async def all(self) -> list[JoinRecord]:
        """Return the invitations that are still being used, oldest first."""
        return await self._store.run(find_joins)

    async def join(self, text: str) -> Joined | JoinRecord:
        """Use an invitation; a record is returned if the inviter has to be called again.

        Raises:
            BadInput: the text is no invitation, or one of our own, or the inviter's card has a key of another user.
            Refused: too many are being used, or it has ended.
            InvitationRefused: the inviter does not take it.
            VerificationFailed: the answer is not the inviter's.
        """
        invitation = parse_invitation(text)
        if invitation.signer in self._identity.current.signers:
            raise BadInput("This is an invitation of your own", hint="Give it to the person you invite.")
        known = await self.all()
        if len(known) >= _MOST:
            raise Refused(
                f"{_MOST} invitations are being used already", hint="Cancel some: `tuishare join cancel`."
            )
        record = JoinRecord(invitation.id, str(invitation), self._clock.now(), invitation.end)
        record = next((each for each in known if each.id == record.id), record)
        try:
            async with self._calling:
                await self._store.change(lambda database: database.save(record))
                return await self._try(record, invitation)
        finally:
            self._wake.notify()  # whatever came between, what is recorded is tried again

    async def cancel(self, invitation: bytes) -> None:
        """Use an invitation no longer.

        Raises:
            NotFound: it is not being used.
        """
        async with self._calling:
            if all(each.id != invitation for each in await self.all()):
                raise NotFound(
                    "No such invitation is being used", hint="`tuishare join list` shows them all."
                )
            await self._store.change(lambda database: delete_join(database, invitation))
        self._changed.notify()

    async def run(self) -> None:
        """Call the inviters again, until cancelled."""
        pauses = Pauses()
        while True:
            revision, is_idle = self._wake.revision, False
            with isolate_errors("use invitations"), contextlib.suppress(SystemFailed):
                for record in await self.all():
                    with isolate_errors("use an invitation"):
                        await self._try_again(record)
                is_idle = not await self.all()
            if is_idle:
                await self._wake.wait_for_change(revision)
                pauses.reset()
            await asyncio.sleep(min(_MOST_PAUSE, pauses.next()))

    async def _try_again(self, record: JoinRecord) -> None:
        invitation = parse_invitation(record.text)
        where = f"the invitation of {invitation.addresses[0]}" if invitation.addresses else "an invitation"
        async with self._calling:
            if all(each.id != record.id for each in await self.all()):
                return  # cancelled, or done meanwhile
            if record.until <= self._clock.now():
                await self._forget(record)
                self._activity.note(ActivityKind.PROBLEM, where, f"has ended. {record.error}")
                return
            try:
                outcome = await self._try(record, invitation)
            except (LinkFailed, VerificationFailed, BadInput) as error:
                self._activity.note(ActivityKind.PROBLEM, where, error.detail)
                return
        if isinstance(outcome, Joined):
            words = f"you used their invitation; words: {outcome.words}"
            self._activity.note(ActivityKind.JOINED, outcome.user, words)

    async def _try(self, record: JoinRecord, invitation: Invitation) -> Joined | JoinRecord:
        """Call the inviter once; what is not to be tried again is forgotten. `_calling` is held."""
        own = self._own_record.party()
        try:
            inviter = await self._call(invitation, own)
        except InvitationRefused as error:
            if record.words and not error.is_answered and record.error != error.detail:
                return await self._postpone(
                    record, error.detail
                )  # once: their agent may have stopped just then
            await self._forget(record)
            raise
        except ApprovalPending as error:
            words = " ".join(transcript_words(join_transcript(invitation, own)))
            return await self._postpone(replace(record, words=words), error.detail)
        except LinkFailed as error:
            return await self._postpone(record, error.detail)
        except VerificationFailed:
            await self._forget(record)
            raise
        try:
            joined = await self._add(invitation, inviter)
        except BadInput:
            await self._forget(record)
            raise
        await self._forget(record)
        return joined

    async def _add(self, invitation: Invitation, inviter: Introduced) -> Joined:
        name = self._users.choose_name(inviter.card.name, inviter.card)
        await self._users.keep_record(inviter)
        user = await self._users.add(name, inviter.card, (), is_verified=invitation.uses == 1)
        return Joined(user.name, " ".join(inviter.words), user.verified)

    async def _postpone(self, record: JoinRecord, error: str) -> JoinRecord:
        tried = replace(record, tried=self._clock.now(), error=error)
        await self._store.change(lambda database: database.save(tried))
        self._changed.notify()
        return tried

    async def _forget(self, record: JoinRecord) -> None:
        await self._store.change(lambda database: delete_join(database, record.id))
        self._changed.notify()
