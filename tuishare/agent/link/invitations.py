"""Invitations: one string, for one person, that makes both sides known and verified to each other.

Owns which invitations are open, and the two halves of redeeming one. An invitation is recorded as used, and its user
added, before the joiner is answered, so that it never makes two users (threat T19). Must not speak SSH.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from tuishare.agent.link.contacts import Contacts
from tuishare.agent.link.own_record import OwnRecord
from tuishare.agent.live import Live, UserBookFile
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.clock import Clock
from tuishare.core.records import InvitationRecord
from tuishare.errors import BadInput, NotFound, Refused, VerificationFailed
from tuishare.link.address_record import read_record
from tuishare.link.invitation import Invitation, Party, make_invitation, parse_invitation
from tuishare.link.invitation_exchange import Introduced, check_redeem, make_welcome
from tuishare.link.messages import Redeem, Welcome
from tuishare.people import Identity, User, UserBook
from tuishare.people.cards import Card, encode_card
from tuishare.people.names import fold_name, validate_name

_MOST_OPEN: Final = 1_000
_KEPT_SECONDS: Final = 30 * 86_400
"""How long an invitation is listed after its end."""
_log = logging.getLogger(__name__)
EditUsers = Callable[[Callable[[UserBook], UserBook]], Awaitable[object]]
"""Changes the user book, and puts it in force before it returns."""
Call = Callable[[Invitation, Party], Awaitable[Introduced]]
"""Redeems an invitation of another agent; raises `LinkFailed` or `VerificationFailed`."""


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


class Invitations:
    """The invitations of one agent."""

    def __init__(
        self,
        contacts: Contacts,
        own_record: OwnRecord,
        edit_users: EditUsers,
        store: Store,
        *,
        settings: Live[Config],
        identity: Live[Identity],
        users: UserBookFile,
        clock: Clock,
    ) -> None:
        self._store = store
        self._settings = settings
        self._identity = identity
        self._users = users
        self._clock = clock
        self._contacts = contacts
        self._own_record = own_record
        self._edit_users = edit_users
        self._redeeming = asyncio.Lock()

    async def load(self) -> None:
        """Delete old invitations, and add the user of one that a crash has interrupted."""
        now = self._clock.now()
        for record in await self.all():
            if record.used and not record.added:
                await self._add(record)
            elif record.until + _KEPT_SECONDS < now:
                await self._delete(record.id)

    async def all(self) -> list[InvitationRecord]:
        """Return the invitations, oldest first."""
        return await self._store.run(lambda database: database.invitations())

    async def invite(self, name: str, groups: Iterable[str], until: int) -> InvitationRecord:
        """Make an invitation for one person.

        Raises:
            BadInput: a name is not allowed, or it has ended already.
            Refused: there are too many, or no address of this agent is known.
        """
        now, teams = self._clock.now(), tuple(validate_name(group) for group in groups)
        if until <= now:
            raise BadInput("The invitation would have ended already")
        if name:
            self._require_free(validate_name(name))
        if sum(not record.used and record.until > now for record in await self.all()) >= _MOST_OPEN:
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
            end=until,
        )
        record = InvitationRecord(invitation.id, str(invitation), now, until, name, teams)
        await self._store.change(lambda database: database.save(record))
        return record

    async def cancel(self, invitation: bytes) -> InvitationRecord:
        """Delete an invitation; return it, since its user may have to be removed.

        Raises:
            NotFound: there is none with that id.
        """
        async with self._redeeming:
            record = next((each for each in await self.all() if each.id == invitation), None)
            if record is None:
                raise NotFound("There is no such invitation", hint="`tuishare invite list` shows them all.")
            await self._delete(invitation)
        return record

    async def redeem(self, redeem: Redeem, link_key: bytes, host: str) -> Welcome | None:
        """Redeem one of our invitations for a joiner; None, and nothing is written, if that is refused."""
        async with self._redeeming:
            record = next((each for each in await self.all() if each.id == redeem.id), None)
            if record is None or record.until <= self._clock.now():
                return None
            if record.used and record.card != redeem.card:
                _log.warning("An invitation that was used already was tried again from %s", host)
                return None
            invitation, inviter = parse_invitation(record.text), self._own_party()
            try:
                joiner = check_redeem(invitation, redeem, link_key, inviter)
            except VerificationFailed as error:
                _log.info("%s; the call came from %s", error.detail, host)
                return None
            user = record.user or self._choose_name(record.name or joiner.card.name, joiner.card)
            used = replace(
                record,
                used=record.used or self._clock.now(),
                user=user,
                card=redeem.card,
                words=" ".join(joiner.words),
                host=host,
            )
            if not await self._store.run(lambda database: database.redeem_invitation(used)):
                return None
            await self._contacts.keep(joiner.record, joiner.signed_record, is_joining=True)
            if not used.added:
                await self._add(used, joiner.card)
            return make_welcome(invitation, redeem, inviter)

    async def join(self, text: str, call: Call) -> Joined:
        """Redeem an invitation of another agent, and add its inviter.

        Raises:
            BadInput: the text is no invitation, or one of our own.
            LinkFailed: the inviter is not reached, or does not take the invitation.
            VerificationFailed: the answer is not the inviter's.
        """
        invitation = parse_invitation(text)
        if invitation.signer in self._identity.current.signers:
            raise BadInput("This is an invitation of your own", hint="Give it to the person you invite.")
        inviter = await call(invitation, self._own_party())
        is_verified = invitation.uses == 1
        name = self._choose_name(inviter.card.name, inviter.card)
        await self._contacts.keep(inviter.record, inviter.signed_record, is_joining=True)
        await self._edit_users(lambda book: _add_user(book, name, inviter.card, (), is_verified=is_verified))
        return Joined(name, " ".join(inviter.words), is_verified)

    async def _add(self, record: InvitationRecord, card: Card | None = None) -> None:
        from tuishare.people.cards import split_card

        found = card or split_card(record.card)[0]
        await self._edit_users(
            lambda book: _add_user(book, record.user, found, record.teams, is_verified=True)
        )
        added = replace(record, added=True)
        await self._store.change(lambda database: database.save(added))
        _log.info("An invitation was redeemed by %s", record.user)

    async def _delete(self, invitation: bytes) -> None:
        await self._store.change(lambda database: database.delete_invitation(invitation))

    def _own_party(self) -> Party:
        card = self._identity.current.card(self._settings.current.name)
        return Party(encode_card(card), self._own_record.signed)

    def _require_free(self, name: str) -> None:
        taken = {fold_name(user.name) for user in self._users.read()}
        if fold_name(name) in taken:
            raise BadInput(f"There is already a user {name}", hint="Choose another name.")

    def _choose_name(self, wanted: str, card: Card) -> str:
        """Return the name of the user with a card, or one that is free."""
        book = self._users.read()
        if known := book.signer(card.signer):
            return known.name
        taken = {fold_name(user.name) for user in book}
        name, number = wanted, 1
        while fold_name(name) in taken:
            number += 1
            name = f"{wanted[:56]} {number}"
        return name


def _add_user(
    book: UserBook, name: str, card: Card, groups: tuple[str, ...], *, is_verified: bool
) -> UserBook:
    """Return a book with that user; one who is known by the same card is verified, and joins the groups."""
    if known := book.signer(card.signer):
        folded = set(map(fold_name, known.groups))
        joined = tuple(group for group in groups if fold_name(group) not in folded)
        return book.replace(
            replace(
                known,
                verified=known.verified or is_verified,
                invited=known.invited or not known.verified,
                groups=(*known.groups, *joined),
            )
        )
    return book.add(User(name, card=card, groups=groups, verified=is_verified, invited=True))
