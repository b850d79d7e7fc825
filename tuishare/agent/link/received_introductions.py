"""Received introductions: whom contacts introduce to this agent's user, until the user decides.

Owns which introductions are taken (threat T32), and how the introduced become users: unverified, shown with the name of
their introducer, and only when the user accepts, once or always from one introducer. Must not know links.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from tuishare.agent.cancellation import finish
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.contacts import Contacts
from tuishare.agent.link.given_introductions import MOST_USERS
from tuishare.agent.link.joined_users import EditUsers
from tuishare.agent.link.known_cards import KnownCards
from tuishare.agent.live import UserBookFile
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.store import Store
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.introduction_queries import find_received, settle_introductions
from tuishare.core.introduction_records import ReceivedIntroduction
from tuishare.errors import BadInput, NotFound, Refused, VerificationFailed
from tuishare.link.introduction import Introduction, read_introduction
from tuishare.link.messages import Declined, Have, IntroductionAnswer, Later
from tuishare.net.rate_limit import RateLimit
from tuishare.people import Card, User, UserBook, add_introduced, fold_name, validate_name

MOST_PENDING: Final = 1_000
"""Introductions that wait for the user's decision, of all introducers; of each, `MOST_USERS`."""
_MOST_DECLINED: Final = 1_000
_BURST: Final = 2 * MOST_USERS
_RATE: Final = 1.0
"""Introductions of one contact at once, and a second after that."""
_MOST_CONTACTS: Final = 4096
_SOON, _DAY = 60, 86_400
_HINT: Final = "`tuishare introductions` shows them all."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PendingIntroduction:
    """An introduction that the user may accept.

    Attributes:
        id: 32 hexadecimal digits.
        introducer: name in the user book.
        card: of the introduced.
        group: in which the introducer has both; empty: none.
        at: when it came, Unix seconds.
        declined: whether the user does not want it.
    """

    id: str
    introducer: str
    card: Card
    group: str
    at: int
    declined: bool


class ReceivedIntroductions:
    """The introductions to one agent that are not accepted."""

    def __init__(
        self,
        contacts: Contacts,
        known_cards: KnownCards,
        edit_users: EditUsers,
        store: Store,
        *,
        users: UserBookFile,
        activity: ActivityLog,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._contacts = contacts
        self._known_cards = known_cards
        self._edit_users = edit_users
        self._store = store
        self._users = users
        self._activity = activity
        self._changed = changed
        self._clock = clock
        self._records: dict[tuple[bytes, bytes], ReceivedIntroduction] = {}
        self._read: dict[tuple[bytes, bytes], tuple[Introduction, Card]] = {}
        self._accepting = asyncio.Lock()
        self._rates = RateLimit[bytes](_BURST, _RATE, _MOST_CONTACTS, time.monotonic)
        self._told: set[tuple[bytes, bytes]] = set()

    async def load(self) -> None:
        """Read what the last run left."""
        for record in await self._store.run(find_received):
            try:
                introduction = read_introduction(record.signed)
                self._remember(record, introduction, introduction.read_card())
            except (VerificationFailed, BadInput):
                _log.warning("A stored introduction is not valid; the next one of its signer replaces it")

    def all(self) -> list[PendingIntroduction]:
        """Return the introductions of verified users, oldest first, declined ones included."""
        found = []
        for key, record in self._records.items():
            introducer = self._contacts.get(record.introducer)
            if introducer is not None and introducer.verified:
                introduction, card = self._read[key]
                found.append(
                    PendingIntroduction(
                        *(_id(key), introducer.name, card, introduction.group, record.at, record.declined)
                    )
                )
        return sorted(found, key=lambda pending: pending.at)

    async def keep(self, introducer: User, introduction: Introduction, signed: bytes) -> IntroductionAnswer:
        """Decide about an introduction by a contact, and keep it until the user does.

        Raises:
            SystemFailed: the disk refused.
        """
        digest = hashlib.sha256(signed).digest()
        if not introducer.verified:  # no chain: who was introduced does not introduce
            return Later(digest, _DAY, "your card was not compared with you here")
        if not self._contacts.is_own(introduction.recipient):
            return Declined(digest, "it is for another identity")
        if not self._rates.take(introduction.signer):
            return Later(digest, _SOON, "too many introductions in a short time")
        try:
            card = introduction.read_card()
            introduction.read_record()
            # Also when the link ends meanwhile: the next one brings what is kept already, and nothing follows from it.
            return await finish(self._keep(introducer, introduction, card, signed))
        except (BadInput, VerificationFailed) as error:
            self._tell_once(introducer, digest, introducer.name, f"introduces a user in vain: {error.detail}")
            return Declined(digest, "the card in it is not usable")

    async def _keep(
        self, introducer: User, introduction: Introduction, card: Card, signed: bytes
    ) -> IntroductionAnswer:
        have, book = Have(hashlib.sha256(signed).digest()), self._users.current
        if self._contacts.is_own(card.signer):
            return have
        if _is_known(book, card):
            await self._keep_address(introduction)
            return have
        if self._known_cards.was_removed(card.signer):
            detail = f"is not added again: you removed them, and {introducer.name} introduces them"
            self._tell_once(introducer, card.signer, card.name, detail)
            return have
        add_introduced(book, User(card.name, card=card))  # refuses a card with a key of another user
        key = introduction.signer, card.signer
        known = self._records.get(key)
        if known is not None and known.sequence >= introduction.sequence:
            await self._follow(key)  # the disk refused when it came first
            return have
        if known is None and (reason := self._too_many(introduction.signer)):
            return Later(have.digest, _DAY, reason)
        now = self._clock.now()
        record = ReceivedIntroduction(
            *key, introduction.sequence, now, signed, bool(known and known.declined)
        )
        await self._save(record, introduction, card)
        if not await self._follow(key) and known is None:
            group = f" (in {introduction.group})" if introduction.group else ""
            self._note(card.name, f"{introducer.name} introduces them{group}: accept or decline")
        return have

    async def accept(
        self, id_: str, *, name: str = "", groups: Iterable[str] = (), admitted: bool = False
    ) -> str:
        """Make the introduced a user, unverified.

        Args:
            id_: of the introduction.
            name: for them; empty: that of their card, or one like it that is free.
            groups: that they join, without ``@``.
            admitted: whether what they send needs no approval.

        Returns:
            Their name in the user book.

        Raises:
            NotFound: there is no such introduction.
            BadInput: a name is not allowed, or taken.
            Refused: the introducer is no longer a verified user.
        """
        async with self._accepting:
            key = self._find(id_)
            introducer = self._contacts.get(key[0])
            if introducer is None or not introducer.verified:
                raise Refused("Their introducer is no longer a verified user", hint=_HINT)
            if name:
                _require_free(self._users.current, name)
            card = self._read[key][1]
            user = User(name or card.name, card=card, groups=tuple(groups), introduced_by=introducer.name)
            return await self._accept(key, replace(user, admitted=admitted))

    async def decline(self, id_: str) -> None:
        """Note that the user does not want an introduction; the same introducer's next one is declined as well.

        Raises:
            NotFound: there is no such introduction.
        """
        key = self._find(id_)
        await self._save(replace(self._records[key], declined=True), *self._read[key])
        declined = [record for record in self._records.values() if record.declined]
        for record in declined[:-_MOST_DECLINED]:
            await self._settle(record.introduced)

    async def tidy(self) -> None:
        """Settle the introductions of those who are known by now, and of introducers who are followed by now.

        The former also after a crash, and after they became known in another way.
        """
        book = self._users.current
        for key in list(self._records):
            if key in self._records and _is_known(book, self._read[key][1]):
                await self._keep_address(self._read[key][0])
                await self._settle(key[1])
        for key in list(self._records):
            await self._follow(key)

    def forget(self, signers: Iterable[bytes]) -> None:
        """Forget what concerned users who were removed; the database has done so already."""
        removed = set(signers)
        for key in [key for key in self._records if not removed.isdisjoint(key)]:
            del self._records[key], self._read[key]

    async def _follow(self, key: tuple[bytes, bytes]) -> bool:
        """Accept an introduction without a question, if the user has chosen that for its introducer."""
        async with self._accepting:
            introducer, record = self._contacts.get(key[0]), self._records.get(key)
            if introducer is None or not (introducer.verified and introducer.introduces):
                return False
            if record is None or record.declined or self._has_no_room(introducer):
                return False
            card = self._read[key][1]
            try:
                await self._accept(key, User(card.name, card=card, introduced_by=introducer.name))
            except (
                BadInput
            ) as error:  # another user has a key of it by now; the others are followed all the same
                self._tell_once(introducer, card.signer, card.name, f"cannot be added: {error.detail}")
                return False
        return True

    async def _accept(self, key: tuple[bytes, bytes], user: User) -> str:
        return await finish(self._add(key, user))

    async def _add(self, key: tuple[bytes, bytes], user: User) -> str:
        introduction, card = self._read[key]
        await self._keep_address(introduction, is_joining=True)
        await self._edit_users(lambda book: add_introduced(book, user))
        known = self._users.current.signer(card.signer)
        name = known.name if known is not None else user.name
        await self._settle(card.signer)
        self._note(name, f"is a user now, introduced by {user.introduced_by}")
        return name

    async def _keep_address(self, introduction: Introduction, *, is_joining: bool = False) -> None:
        """Keep the address record of a user that came in an introduction, under the rules of every record."""
        record = introduction.read_record()
        if record is None:
            return
        known = self._contacts.record_of(record.signer)
        if known is not None and known.hub is not None and record.hub is None:
            return  # it says nothing about the mailbox, which may be the only way to them
        await self._contacts.keep(record, introduction.record, is_joining=is_joining)

    async def _settle(self, introduced: bytes) -> None:
        await self._store.change(lambda database: settle_introductions(database, introduced))
        for key in [key for key in self._records if key[1] == introduced]:
            del self._records[key], self._read[key]
        self._changed.notify()

    async def _save(self, record: ReceivedIntroduction, introduction: Introduction, card: Card) -> None:
        await self._store.run(lambda database: database.save(record))
        self._remember(record, introduction, card)
        self._changed.notify()

    def _remember(self, record: ReceivedIntroduction, introduction: Introduction, card: Card) -> None:
        key = record.introducer, record.introduced
        self._records[key], self._read[key] = record, (introduction, card)

    def _too_many(self, introducer: bytes) -> str:
        """Return a clause when no more introductions may wait, or an empty text."""
        waiting = [record for record in self._records.values() if not record.declined]
        if sum(record.introducer == introducer for record in waiting) >= MOST_USERS:
            return f"{MOST_USERS:,} of your introductions wait for a decision"
        return "too many introductions wait for a decision" if len(waiting) >= MOST_PENDING else ""

    def _has_no_room(self, introducer: User) -> bool:
        """Whether no more users of this introducer are added without a question."""
        book = self._users.current
        return sum(user.introduced_by == introducer.name and not user.verified for user in book) >= MOST_USERS

    def _find(self, id_: str) -> tuple[bytes, bytes]:
        for key in self._records:
            if _id(key) == id_:
                return key
        raise NotFound("There is no such introduction", hint=_HINT)

    def _tell_once(self, introducer: User, what: bytes, subject: str, detail: str) -> None:
        """Note what is left out, once in a run; how often is bounded, as the introducer chooses it."""
        assert introducer.card is not None
        key = introducer.card.signer, what
        if key not in self._told and len(self._told) < MOST_PENDING:
            self._told.add(key)
            self._activity.note(ActivityKind.IGNORED, subject, detail)

    def _note(self, subject: str, detail: str) -> None:
        self._activity.note(ActivityKind.INTRODUCED, subject, detail)


def _id(key: tuple[bytes, bytes]) -> str:
    return hashlib.sha256(b"".join(key)).hexdigest()[:32]


def _is_known(book: UserBook, card: Card) -> bool:
    return book.signer(card.signer) is not None or book.former(card.signer) is not None


def _require_free(book: UserBook, name: str) -> None:
    if fold_name(validate_name(name)) in {fold_name(user.name) for user in book}:
        raise BadInput(f"There is already a user {name}", hint="Choose another name.")
