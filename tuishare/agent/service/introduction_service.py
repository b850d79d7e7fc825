"""The operations on introductions.

Owns their conversion into messages. Must not decide whom to introduce or accept: `tuishare.agent.link` does.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tuishare.agent.link.link_service import LinkService
from tuishare.agent.link.received_introductions import PendingIntroduction
from tuishare.api.messages import (
    Accepted,
    GivenIntroduction,
    GivenState,
    Introduction,
    IntroductionAccepted,
    IntroductionNamed,
    Introductions,
    People,
    UsersIntroduced,
    UsersToIntroduce,
)
from tuishare.core.introduction_records import GivenIntroduction as Given
from tuishare.people import fold_name
from tuishare.sanitize import for_display


class IntroductionService:
    """Implements the part of `tuishare.api.service.AgentService` about introductions."""

    def __init__(self, link: LinkService, users: Callable[[], People]) -> None:
        """`users` returns them from memory."""
        self._link = link
        self._users = users

    def added_to(self, people: People) -> People:
        """Return the users with the introductions that wait to be accepted or declined."""
        return with_pending(people, self._link)

    async def introductions(self) -> Introductions:
        names = {
            user.card.signer: user.name
            for user in self._link.contacts.all().values()
            if user.card is not None
        }
        given = [
            _given(record, names[record.recipient], names[record.introduced])
            for record in self._link.introductions.given.all()
            if record.recipient in names and record.introduced in names
        ]
        return Introductions(received=_view(self._link, self._users()), given=tuple(given))

    async def introduce(self, users: UsersToIntroduce) -> UsersIntroduced:
        introduced = await self._link.introduce(users.names)
        return UsersIntroduced(users=introduced.users, left_out=introduced.left_out)

    async def accept_introduction(self, accepted: IntroductionAccepted) -> Accepted:
        name = await self._link.introductions.received.accept(
            accepted.id, name=accepted.name, groups=accepted.groups, admitted=accepted.admitted
        )
        return Accepted(id=name)

    async def decline_introduction(self, introduction: IntroductionNamed) -> Accepted:
        await self._link.introductions.received.decline(introduction.id)
        return Accepted(id=introduction.id)


def with_pending(people: People, link: LinkService) -> People:
    """Return the users with the introductions that wait to be accepted or declined."""
    pending = tuple(each for each in _view(link, people) if not each.declined)
    return msgspec.structs.replace(people, introductions=pending) if pending else people


def _view(link: LinkService, people: People) -> tuple[Introduction, ...]:
    if not (received := link.introductions.received.all()):
        return ()
    taken = {fold_name(user.name) for user in people.users}
    return tuple(_received(each, taken) for each in received)


def _received(pending: PendingIntroduction, taken: set[str]) -> Introduction:
    return Introduction(
        id=pending.id,
        introducer=pending.introducer,
        name=pending.card.name,
        fingerprint=pending.card.fingerprint.base32,
        words=" ".join(pending.card.fingerprint.words),
        group=pending.group,
        at=pending.at,
        declined=pending.declined,
        taken=fold_name(pending.card.name) in taken,
    )


def _given(record: Given, user: str, introduced: str) -> GivenIntroduction:
    return GivenIntroduction(
        user=user,
        introduced=introduced,
        group=record.team,
        state=GivenState(record.state.value),
        at=record.at,
        detail=for_display(record.detail, 200),
    )
