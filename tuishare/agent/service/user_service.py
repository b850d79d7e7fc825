"""Who is known here: shown to clients, and changed by their orders.

Owns the way from an order to the user book, and that a change counts at once. What a valid book is, and what may be
ordered about it, `tuishare.people` knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec

from tuishare.agent.context import Context
from tuishare.agent.service.command_runner import CommandRunner
from tuishare.agent.shares.sharing import Sharing
from tuishare.api.actions import Accepted
from tuishare.api.messages import People, User, UserKind
from tuishare.api.people import CardInfo, CardText, NewUser, UserAdded, UserChange, UserNamed
from tuishare.core.activity import ActivityKind
from tuishare.core.records import ShareStep
from tuishare.errors import Refused
from tuishare.people import User as Known
from tuishare.people import (
    UserBook,
    UserDraft,
    add_to_book,
    card_of,
    edit_book,
    find_predecessor,
    format_key,
    give_card,
    parse_card,
    parse_key,
    parse_succession,
    replace_key,
    rotate_identity,
    set_groups,
    trust,
)
from tuishare.people.key_rotation import SUCCESSION_PREFIX


class UserService:
    """Implements `tuishare.api.service.PeopleService`."""

    def __init__(
        self,
        context: Context,
        drops: Sharing,
        runner: CommandRunner,
        reload: Callable[[], Awaitable[object]],
    ) -> None:
        """`reload` makes a changed user book count."""
        self._context = context
        self._runner = runner
        self._repository = drops.repository
        self._deliveries = drops.repository.deliveries
        self._commands = drops.commands
        self._reissuer = drops.reissuer
        self._reload = reload
        self._users: tuple[User, ...] = ()
        self._signers: dict[bytes, User] = {}

    def take(self, book: UserBook) -> None:
        """Show the users of this book from now on."""
        self._users = tuple(map(_describe, book))
        self._signers = {
            card.signer: shown
            for user, shown in zip(book, self._users, strict=True)
            for card in (user.card, *user.former)
            if card is not None
        }

    def find_signer(self, signer: bytes) -> User | None:
        """Tell who signs with an Ed25519 public key, or did so with a former card; None: nobody who is known."""
        return self._signers.get(signer)

    def view(self) -> People:
        """Tell who is known and who we are."""
        card = self._context.identity.current.card(self._context.settings.current.name)
        return People(
            card=str(card),
            fingerprint=card.fingerprint.base32,
            words=" ".join(card.fingerprint.words),
            succession=str(self._context.identity.current.succession or ""),
            users=tuple(map(self._count, self._users)),
        )

    async def card_seen(self, text: CardText) -> CardInfo:
        """Tell what stands in a card."""
        book = await asyncio.to_thread(self._context.book)
        if text.card.strip().startswith(SUCCESSION_PREFIX):
            succession = parse_succession(text.card)
            card, known = succession.card, find_predecessor(book, succession)
        else:
            card = parse_card(text.card)
            known = book.signer(card.signer)
        return CardInfo(
            name=card.name,
            fingerprint=card.fingerprint.base32,
            words=" ".join(card.fingerprint.words),
            known_as=known.name if known else "",
        )

    async def add_user(self, new: NewUser) -> UserAdded:
        """Add somebody."""
        user = UserDraft(
            name=new.name,
            card=parse_card(new.card) if new.card else None,
            key=parse_key(new.key) if new.key else None,
            groups=new.groups,
            verified=new.verified,
        ).user()
        own = self._context.identity.current.signer
        await self._edit(lambda book: add_to_book(book, user, own_signer=own))
        made = user.key is not None and not new.key
        return UserAdded(name=user.name, key=format_key(user.key) if made and user.key else "")

    async def change_user(self, change: UserChange) -> Accepted:
        """Change somebody's groups, card or trust."""
        own = self._context.identity.current.signer
        book = await self._edit(lambda book: _change(_exchange(book, change, own), change))
        if change.card is not None:
            self._context.activity.note(ActivityKind.ROTATED, change.name, "has a new card")
            self._reissuer.request(self._deliveries.shares_of(book.find(change.name).name))
        return Accepted(id=book.find(change.name).name)

    async def remove_user(self, user: UserNamed) -> Accepted:
        """Forget somebody."""
        await self._edit(lambda book: book.remove(user.name))
        return Accepted(id=user.name)

    async def new_key(self, user: UserNamed) -> UserAdded:
        """Give somebody with a key another one."""
        book = await self._edit(lambda book: book.replace(replace_key(book.find(user.name))))
        changed = book.find(user.name)
        self._context.activity.note(ActivityKind.ROTATED, changed.name, "has a new key")
        self._reissuer.request(self._deliveries.shares_of(changed.name))
        return UserAdded(name=changed.name, key=format_key(changed.key or b""))

    async def revoke_user(self, user: UserNamed) -> Accepted:
        """Take somebody out of everything that is shared."""
        await self._runner.run(
            self._commands.revoke_everywhere(user.name), first=self._commands.disconnect_everywhere(user.name)
        )
        return Accepted(id=user.name)

    async def rotate_identity(self) -> Accepted:
        """Give ourselves new keys, and seal everything again with them."""
        context = self._context
        context.identity.current = await asyncio.to_thread(
            rotate_identity, context.places.identity_file, context.settings.current.name
        )
        fingerprint = self.view().fingerprint
        context.activity.note(
            ActivityKind.ROTATED, context.settings.current.name, f"has a new card: {fingerprint}"
        )
        self._reissuer.request_all()
        context.changed.notify()
        return Accepted(id=fingerprint)

    async def _edit(self, change: Callable[[UserBook], UserBook]) -> UserBook:
        book = await asyncio.to_thread(edit_book, self._context.places.users_file, change)
        self.take(book)
        self._context.changed.notify()
        await self._reload()
        return book

    def _count(self, user: User) -> User:
        """Say what somebody has of what is shared with him."""
        deliveries = self._deliveries
        rows = [
            deliveries.find(share, user.name)
            for share in deliveries.shares_of(user.name)
            if not self._is_forgotten(share)
        ]
        if not rows:
            return user
        return msgspec.structs.replace(
            user,
            shares=len(rows),
            complete=sum(row.completed > 0 for row in rows),
            seen=max(row.seen for row in rows),
        )

    def _is_forgotten(self, share: str) -> bool:
        """Whether it is known only so that its drop folder does not share it again."""
        record = self._repository.shares.get(share)
        return record is not None and record.step is ShareStep.FORGOTTEN


def _describe(user: Known) -> User:
    card = user.card
    return User(
        name=user.name,
        kind=UserKind.KEY if card is None else UserKind.CARD,
        fingerprint="" if card is None else card.fingerprint.base32,
        words="" if card is None else " ".join(card.fingerprint.words),
        verified=user.verified,
        groups=user.groups,
        accept_raw=user.accept_raw,
        former=tuple(former.fingerprint.base32 for former in user.former),
    )


def _exchange(book: UserBook, change: UserChange, own_signer: bytes) -> UserBook:
    """Put another card in the place of somebody's present one: with its word, or to be verified anew."""
    user = book.find(change.name)
    if change.fingerprint and card_of(user).fingerprint.base32 != change.fingerprint:
        raise Refused(f"The card of {user.name} was replaced meanwhile", hint="Compare the new fingerprint.")
    return book if change.card is None else give_card(book, user, change.card, own_signer=own_signer)


def _change(book: UserBook, change: UserChange) -> UserBook:
    user = book.find(change.name)
    if change.groups is not None:
        user = set_groups(user, change.groups)
    if change.verified is not None:
        user = trust(user, verified=change.verified)
    if change.accept_raw is not None:
        user = replace(user, accept_raw=change.accept_raw)
    return book.replace(user)
