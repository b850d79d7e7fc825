"""The operations on invitations.

Owns what follows when one is cancelled, and the conversion into messages. Must not redeem anything:
`tuishare.agent.link.invitations` does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from tuishare.agent.link.invitations import InvitationOrder
from tuishare.agent.link.link_service import LinkService
from tuishare.api.messages import (
    Accepted,
    HubJoined,
    HubString,
    Invitation,
    InvitationNamed,
    InvitationText,
    Joiner,
    JoinerAnswer,
    JoinerState,
    Joining,
    NewInvitation,
    User,
    UserNamed,
)
from tuishare.core.invitation_records import InvitationRecord, JoinerRecord, JoinRecord
from tuishare.errors import NotFound
from tuishare.link.invitation import parse_invitation
from tuishare.people.cards import Card, split_card
from tuishare.sanitize import for_display

FindUser: TypeAlias = Callable[[bytes], User | None]
"""Finds a user by the signer of their card."""
OrderUser: TypeAlias = Callable[[UserNamed], Awaitable[Accepted]]


class InvitationService:
    """Implements the part of `tuishare.api.service.AgentService` about invitations."""

    def __init__(self, link: LinkService, find: FindUser, revoke: OrderUser, remove: OrderUser) -> None:
        """`revoke` takes a user out of everything that is shared, `remove` out of the user book."""
        self._link = link
        self._find = find
        self._revoke = revoke
        self._remove = remove

    async def invitations(self) -> list[Invitation]:
        invitations = self._link.invitations
        listed = await invitations.all()
        outdated = invitations.find_outdated(given.record for given in listed)
        return [
            _view(given.record, given.joiners, is_outdated=given.record.id in outdated) for given in listed
        ]

    async def invite(self, new: NewInvitation) -> Invitation:
        order = InvitationOrder(new.name, new.groups, new.until, new.uses, new.ask)
        record = await self._link.invitations.invite(order)
        return _view(record, text=record.text)

    async def cancel_invitation(self, invitation: InvitationNamed) -> Accepted:
        given = await self._link.invitations.end(_read_id(invitation.id))
        for joiner in given.joiners:
            if joiner.state.is_use and joiner.was_known:
                await self._link.invitations.take_back(joiner)
            # By their card: another user may have the name by now.
            elif joiner.state.is_use and (known := self._find(_card(joiner).signer)):
                user = UserNamed(name=known.name)
                with contextlib.suppress(NotFound):  # nothing is shared with them
                    await self._revoke(user)
                with contextlib.suppress(NotFound):  # removed already
                    await self._remove(user)
        await self._link.invitations.delete(
            given.record.id
        )  # last, so that what has failed can be done again
        return Accepted(id=invitation.id)

    async def answer_joiner(self, answer: JoinerAnswer) -> Accepted:
        invitations = self._link.invitations
        for given in await invitations.all():
            for joiner in given.joiners:
                if given.record.id.hex() == answer.id and _fingerprint(joiner) == answer.fingerprint:
                    await invitations.answer(joiner, approve=answer.approve)
                    return Accepted(id=joiner.called)
        raise NotFound("They do not ask any longer", hint="`tuishare invite list` shows who does.")

    async def join(self, invitation: InvitationText) -> Joining:
        outcome = await self._link.joins.join(invitation.text)
        if isinstance(outcome, JoinRecord):
            return _view_join(outcome)
        return Joining(
            id=parse_invitation(invitation.text).id.hex(),
            user=outcome.user,
            words=outcome.words,
            verified=outcome.is_verified,
        )

    async def joins(self) -> list[Joining]:
        return list(map(_view_join, await self._link.joins.all()))

    async def cancel_join(self, invitation: InvitationNamed) -> Accepted:
        await self._link.joins.cancel(_read_id(invitation.id))
        return Accepted(id=invitation.id)

    async def join_hub(self, string: HubString) -> HubJoined:
        return HubJoined(address=await self._link.join_hub(string.text))


def _read_id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""  # of no invitation


def _view_join(record: JoinRecord) -> Joining:
    return Joining(
        id=record.id.hex(), words=record.words, until=record.until, tried=record.tried, error=record.error
    )


def _view(
    record: InvitationRecord,
    joiners: Iterable[JoinerRecord] = (),
    *,
    text: str = "",
    is_outdated: bool = False,
) -> Invitation:
    return Invitation(
        id=record.id.hex(),
        text=text,
        name=record.name,
        groups=record.teams,
        created=record.created,
        until=record.until,
        uses=record.uses,
        ask=record.ask,
        outdated=is_outdated,
        joiners=tuple(map(_view_joiner, joiners)),
    )


def _view_joiner(joiner: JoinerRecord) -> Joiner:
    return Joiner(
        fingerprint=_fingerprint(joiner),
        called=for_display(joiner.called, 256),
        user=joiner.user,
        state=JoinerState.JOINED if joiner.state.is_use else JoinerState(joiner.state.value),
        at=joiner.at,
        words=joiner.words,
        address=joiner.host,
        was_known=joiner.was_known,
    )


def _fingerprint(joiner: JoinerRecord) -> str:
    return _card(joiner).fingerprint.base32


def _card(joiner: JoinerRecord) -> Card:
    card, _ = split_card(joiner.card)
    return card
