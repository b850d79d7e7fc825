"""The operations on invitations.

Owns what follows when one is cancelled, and the conversion into messages. Must not redeem anything:
`tuishare.agent.link.invitations` does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tuishare.agent.link.link_service import LinkService
from tuishare.api.messages import (
    Accepted,
    Invitation,
    InvitationNamed,
    InvitationText,
    InviterAdded,
    NewInvitation,
    UserNamed,
)
from tuishare.core.records import InvitationRecord
from tuishare.errors import NotFound

OrderUser: TypeAlias = Callable[[UserNamed], Awaitable[Accepted]]


class InvitationService:
    """Implements the part of `tuishare.api.service.AgentService` about invitations."""

    def __init__(self, link: LinkService, revoke: OrderUser, remove: OrderUser) -> None:
        """`revoke` takes a user out of everything that is shared, `remove` out of the user book."""
        self._link = link
        self._revoke = revoke
        self._remove = remove

    async def invitations(self) -> list[Invitation]:
        return [_view(record) for record in await self._link.invitations.all()]

    async def invite(self, new: NewInvitation) -> Invitation:
        record = await self._link.invitations.invite(new.name, new.groups, new.until)
        return _view(record, text=record.text)

    async def cancel_invitation(self, invitation: InvitationNamed) -> Accepted:
        invitations = self._link.invitations
        found = next((each for each in await invitations.all() if each.id.hex() == invitation.id), None)
        record = await invitations.cancel(found.id if found is not None else b"")
        if record.used:
            user = UserNamed(name=record.user)
            with contextlib.suppress(NotFound):  # nothing is shared with them
                await self._revoke(user)
            with contextlib.suppress(NotFound):  # removed already
                await self._remove(user)
        return Accepted(id=invitation.id)

    async def join(self, invitation: InvitationText) -> InviterAdded:
        joined = await self._link.join(invitation.text)
        return InviterAdded(user=joined.user, words=joined.words, verified=joined.is_verified)


def _view(record: InvitationRecord, *, text: str = "") -> Invitation:
    return Invitation(
        id=record.id.hex(),
        text=text,
        name=record.name,
        groups=record.teams,
        created=record.created,
        until=record.until,
        used=record.used,
        user=record.user,
        words=record.words,
        address=record.host,
    )
