"""Invitations: one string that makes both sides known to each other, and verified where it is for one person.

Owns which invitations are open, and what becomes of those who come with one. A use is recorded, and its user added,
before the joiner is answered, so that it never makes two users (threat T19). Must not speak SSH.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.invitation_tries import InvitationTries, make_answer, next_state
from tuishare.agent.link.joined_users import Gift, JoinedUsers
from tuishare.agent.link.own_record import OwnRecord
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.store import Store
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.invitation_queries import (
    answer_joiner,
    delete_invitation,
    find_invitation,
    find_invitations,
    find_joiners,
    find_joiners_with,
    keep_try,
    take_use,
)
from tuishare.core.invitation_records import InvitationRecord, JoinerRecord, JoinerState
from tuishare.errors import BadInput, NotFound, Refused, VerificationFailed
from tuishare.link.address_record import read_record
from tuishare.link.invitation import make_invitation, parse_invitation
from tuishare.link.invitation_exchange import Introduced, check_redeem, make_welcome
from tuishare.link.messages import InvitationAnswer, NotAdmitted, NotAdmittedReason, Redeem
from tuishare.people.cards import Card, split_card
from tuishare.people.names import validate_name

_MOST_OPEN: Final = 1_000
_KEPT_SECONDS: Final = 30 * 86_400
"""How long an invitation is listed after its end."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InvitationOrder:
    """An invitation to make.

    Attributes:
        name: for the user who joins; empty: the name of their card.
        groups: that they join, without ``@``.
        until: not usable from then on, Unix seconds.
        uses: how many users may be added by it; more than one makes unverified users.
        ask: whether each of them needs the user's approval.
    """

    name: str
    groups: Iterable[str]
    until: int
    uses: int = 1
    ask: bool = False


@dataclass(frozen=True, slots=True)
class GivenInvitation:
    """An invitation that was given out, and who came with it, in the order of their last step."""

    record: InvitationRecord
    joiners: Sequence[JoinerRecord]

    @property
    def is_used_up(self) -> bool:
        """Whether all its uses are taken."""
        return sum(joiner.state.is_use for joiner in self.joiners) >= self.record.uses


class Invitations:
    """The invitations that one agent has given out."""

    def __init__(
        self,
        own_record: OwnRecord,
        users: JoinedUsers,
        store: Store,
        *,
        activity: ActivityLog,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._own_record = own_record
        self._users = users
        self._store = store
        self._activity = activity
        self._changed = changed
        self._clock = clock
        self._redeeming = asyncio.Lock()
        self._tries = InvitationTries(activity)

    async def load(self) -> None:
        """Delete old invitations, and add the users of those that a crash has interrupted."""
        now = self._clock.now()
        async with self._redeeming:  # who cancels one meanwhile finds the user that it has added
            known = await self.all()
            for given in known:
                for joiner in given.joiners:
                    if joiner.state is JoinerState.JOINED:
                        with isolate_errors("add an invited user"):
                            await self._add(given.record, joiner)
        for given in known:
            if given.record.until + _KEPT_SECONDS < now:
                await self.delete(given.record.id)

    async def all(self) -> list[GivenInvitation]:
        """Return the invitations, oldest first."""
        records = await self._store.run(find_invitations)
        joiners = await self._store.run(find_joiners)
        return [
            GivenInvitation(record, [each for each in joiners if each.invitation == record.id])
            for record in records
        ]

    async def invite(self, order: InvitationOrder) -> InvitationRecord:
        """Make an invitation.

        Raises:
            BadInput: a name is not allowed, or it has ended already.
            Refused: there are too many, or no address of this agent is known.
        """
        now, teams = self._clock.now(), tuple(validate_name(group) for group in order.groups)
        if order.until <= now:
            raise BadInput("The invitation would have ended already")
        if order.name and order.uses > 1:
            raise BadInput("An invitation for several people cannot name one of them", hint="Omit the name.")
        if order.name:
            self._users.require_free(validate_name(order.name))
        open_ones = [each for each in await self.all() if not each.is_used_up and each.record.until > now]
        if len(open_ones) >= _MOST_OPEN:
            raise Refused(
                f"{_MOST_OPEN:,} invitations are open already", hint="Cancel some: `tuishare invite cancel`."
            )
        own = read_record(self._own_record.signed)
        if not own.addresses:
            raise Refused(
                "No address of this agent is known", hint="Set link.listen, then restart the agent."
            )
        invitation = make_invitation(
            signer=own.signer,
            link_key=own.link_key,
            addresses=own.endpoints,
            token=secrets.token_bytes(16),
            end=order.until,
            uses=order.uses,
            ask=order.ask,
        )
        record = InvitationRecord(
            invitation.id, str(invitation), now, order.until, order.name, teams, order.uses, order.ask
        )
        await self._store.change(lambda database: database.save(record))
        return record

    async def end(self, invitation: bytes) -> GivenInvitation:
        """Let an invitation be used no more; return it, since its users may have to be removed before `delete`.

        Raises:
            NotFound: there is none with that id.
        """
        async with self._redeeming:
            given = await self._find(invitation)
            if given is None:
                raise NotFound("There is no such invitation", hint="`tuishare invite list` shows them all.")
            ended = replace(given.record, until=min(given.record.until, self._clock.now()))
            await self._store.change(lambda database: database.save(ended))
        return given

    async def delete(self, invitation: bytes) -> None:
        """Delete an invitation, with who came with it."""
        async with self._redeeming:
            await self._store.change(lambda database: delete_invitation(database, invitation))

    async def answer(self, joiner: JoinerRecord, *, approve: bool) -> None:
        """Let in one who asks when they call again, or never.

        Raises:
            NotFound: they do not ask.
        """
        state = JoinerState.APPROVED if approve else JoinerState.DECLINED
        now = self._clock.now()
        async with self._redeeming:
            if not await self._store.change(lambda database: answer_joiner(database, joiner, state, now)):
                raise NotFound("They do not ask any longer", hint="`tuishare invite list` shows who does.")

    async def take_back(self, joiner: JoinerRecord) -> None:
        """Take from a user who was known before what an invitation gave them."""
        card, _ = split_card(joiner.card)
        await self._users.take_back(card, Gift(joiner.was_known, joiner.teams, joiner.verifies))

    def find_outdated(self, records: Iterable[InvitationRecord]) -> set[bytes]:
        """Return the ids of those that are of no use any more: our identity or link key is another one by now."""
        own = self._own_record.party()
        if not own.record:
            return set()
        card, _ = split_card(own.card)
        record = read_record(own.record)
        invitations = map(parse_invitation, (each.text for each in records))
        return {
            each.id
            for each in invitations
            if {card.signer, record.signer} != {each.signer} or record.link_key != each.link_key
        }

    async def redeem(self, redeem: Redeem, link_key: bytes, host: str) -> InvitationAnswer | None:
        """Redeem one of our invitations for a joiner, or tell them why not; None for one who does not hold it.

        Nothing is written for a caller who does not hold it. Of one who does, the try is kept and shown.
        """
        async with self._redeeming:
            given = await self._find(redeem.id)
            if given is None:
                return None
            invitation, inviter = parse_invitation(given.record.text), self._own_record.party()
            try:
                joiner = check_redeem(invitation, redeem, link_key)
            except VerificationFailed as error:
                _log.info("%s; the call came from %s", error.detail, host)
                return None
            known = next((each for each in given.joiners if each.card == redeem.card), None)
            if self._was_removed(known, joiner.card):
                return None  # they learn nothing more (threat T22)
            reason = self._find_reason(given, known, joiner.card)
            state = JoinerState.JOINED if reason is None else next_state(reason)
            if reason is None and known is not None and known.state.is_use:
                state = known.state
            step = JoinerRecord(
                given.record.id,
                redeem.card,
                joiner.card.name,
                known.at if known is not None and known.state is state else self._clock.now(),
                state,
                " ".join(joiner.words),
                host,
                user=known.user if known is not None else "",
            )
            if reason is not None:
                await self._refuse(step, known, reason)
                return make_answer(given.record, given.joiners, known, reason)
            if not await self._let_in(given, self._with_gift(given.record, step, known), joiner):
                return NotAdmitted("used")
            return make_welcome(invitation, redeem, inviter)

    def _with_gift(
        self, record: InvitationRecord, step: JoinerRecord, known: JoinerRecord | None
    ) -> JoinerRecord:
        """Return a step with what the joiner had before; one who comes again may be a user by now."""
        if known is not None and known.state.is_use:
            return replace(step, was_known=known.was_known, teams=known.teams, verifies=known.verifies)
        card, _ = split_card(step.card)
        gift = self._users.find_gift(card, record.teams, is_verified=record.uses == 1)
        return replace(step, was_known=gift.was_known, teams=gift.groups, verifies=gift.verifies)

    def _was_removed(self, known: JoinerRecord | None, card: Card) -> bool:
        return known is not None and known.state is JoinerState.ADDED and not self._users.knows(card)

    def _find_reason(
        self, given: GivenInvitation, known: JoinerRecord | None, card: Card
    ) -> NotAdmittedReason | None:
        """Return why a joiner is not let in; None if they are."""
        if given.record.until <= self._clock.now():
            return "ended"
        if self.find_outdated([given.record]):
            return "replaced"
        if known is not None and known.state.is_use:
            return None  # a connection broke, or a crash came between
        if given.is_used_up:
            return "used"
        if not self._users.can_add(card):
            return "card"
        if not given.record.ask or (known is not None and known.state is JoinerState.APPROVED):
            return None
        return "declined" if known is not None and known.state is JoinerState.DECLINED else "approval"

    async def _let_in(self, given: GivenInvitation, step: JoinerRecord, joiner: Introduced) -> bool:
        """Record a use, then add its user; return False if others have all uses."""
        wanted = given.record.name or joiner.card.name
        use = replace(step, user=step.user or self._users.choose_name(wanted, joiner.card))
        if not await self._store.change(lambda database: take_use(database, use)):
            return False
        await self._users.keep_record(joiner)
        if use.state is JoinerState.JOINED:
            await self._add(given.record, use)
        return True

    async def _refuse(
        self, step: JoinerRecord, known: JoinerRecord | None, reason: NotAdmittedReason
    ) -> None:
        """Keep a try that does not let anyone in, and tell the user of a new one."""
        if known is not None and (known.state.is_use or known.state is JoinerState.APPROVED):
            return  # of a member, after the end or their removal; or the uses ran out
        await self._store.change(lambda database: keep_try(database, step))
        if known is None or known.state is not step.state:
            self._tries.note(step, reason)
        self._changed.notify()

    async def _find(self, invitation: bytes) -> GivenInvitation | None:
        record = await self._store.run(lambda database: find_invitation(database, invitation))
        if record is None:
            return None
        joiners = await self._store.run(lambda database: find_joiners_with(database, invitation))
        return GivenInvitation(record, joiners)

    async def _add(self, record: InvitationRecord, joiner: JoinerRecord) -> None:
        card, _ = split_card(joiner.card)
        user = await self._users.add(joiner.user, card, record.teams, is_verified=record.uses == 1)
        added = replace(joiner, state=JoinerState.ADDED, user=user.name)
        await self._store.change(lambda database: database.save(added))
        self._activity.note(ActivityKind.JOINED, user.name, f"used your invitation; words: {joiner.words}")
