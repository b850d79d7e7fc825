"""Given introductions: which users this agent introduces to which others.

Owns the queue, one entry for each recipient and introduced user. An introduction is signed when it is sent, so it never
names a user who was removed, is not verified or has left the group meanwhile, and always their present card. Must not
know links.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.contacts import Contacts
from tuishare.agent.live import Live, UserBookFile
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.clock import Clock
from tuishare.core.introduction_queries import find_given
from tuishare.core.introduction_records import GivenIntroduction, IntroductionState
from tuishare.errors import NotFound, Refused
from tuishare.link.introduction import sign_introduction
from tuishare.link.messages import Declined, Have, IntroductionAnswer, Later
from tuishare.people import Identity, User, fold_name

MOST_USERS: Final = 250
"""Users who may be introduced to each other at once, and whom a recipient takes from one introducer."""
_UNANSWERED: Final = "their agent does not answer; it is sent again"


@dataclass(frozen=True, slots=True)
class IntroductionOrder:
    """What an order to introduce has led to.

    Attributes:
        users: who are introduced to each other.
        left_out: members of the groups whom this agent cannot introduce, because they are not verified.
        recipients: signers for whom there is something new.
    """

    users: tuple[str, ...]
    left_out: tuple[str, ...]
    recipients: frozenset[bytes]


class GivenIntroductions:
    """The introductions that one agent gives."""

    def __init__(
        self,
        contacts: Contacts,
        store: Store,
        *,
        settings: Live[Config],
        identity: Live[Identity],
        users: UserBookFile,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._contacts = contacts
        self._store = store
        self._settings = settings
        self._identity = identity
        self._users = users
        self._changed = changed
        self._clock = clock
        self._records: defaultdict[bytes, dict[bytes, GivenIntroduction]] = defaultdict(dict)
        """By recipient, then by introduced."""
        self._postponed: dict[tuple[bytes, bytes], float] = {}
        """By recipient and introduced: when it may be sent, on the monotonic clock; at the next start at the latest."""

    async def load(self) -> None:
        """Read what the last run left."""
        for record in await self._store.run(find_given):
            self._records[record.recipient][record.introduced] = record

    def all(self) -> list[GivenIntroduction]:
        """Return all that were given, by recipient."""
        return [record for records in self._records.values() for record in records.values()]

    async def introduce(self, names: Sequence[str]) -> IntroductionOrder:
        """Introduce users to each other: each one's card to all others.

        Args:
            names: users and ``@groups``.

        Raises:
            NotFound: there is no such user or group.
            Refused: a named user is not verified, or there are fewer than two, or too many.
        """
        book = self._users.current
        found, groups = book.resolve(names), _groups(names)
        named = {user.name for user in book.resolve(name for name in names if not name.startswith("@"))}
        ready = [user for user in found if _is_known_well(user)]
        left_out = [user.name for user in found if not _is_known_well(user)]
        if unready := [name for name in left_out if name in named]:
            raise Refused(
                f"{unready[0]} is not verified, so you cannot vouch for them",
                hint=f"Compare fingerprints first: `tuishare user verify {unready[0]}`.",
            )
        if not 2 <= len(ready) <= MOST_USERS:
            raise Refused(
                f"{len(ready):,} of these users are verified; from two to {MOST_USERS} can be introduced",
                hint="Name other users or groups.",
            )
        recipients = await self._queue(itertools.permutations(ready, 2), groups, again=True)
        return IntroductionOrder(tuple(user.name for user in ready), tuple(left_out), frozenset(recipients))

    async def complete_groups(self) -> set[bytes]:
        """Introduce members of the groups that are introduced by themselves, who were not introduced before.

        Returns:
            The signers for whom there is something new.
        """
        groups, recipients = tuple(self._settings.current.link.introduce), set[bytes]()
        for group in groups:
            try:
                members = self._users.current.resolve([f"@{group}"])
            except NotFound:
                continue
            ready = [user for user in members if _is_known_well(user)][:MOST_USERS]
            recipients |= await self._queue(itertools.permutations(ready, 2), (group,), again=False)
        return recipients

    def waiting(self, recipient: bytes) -> list[GivenIntroduction]:
        """Return what is to be sent to a contact now."""
        if recipient not in self._records:
            return []
        return [
            record
            for record in self._records[recipient].values()
            if record.state is IntroductionState.WAITING
            and not self._is_postponed(record)
            and self._may_be_sent(record)
        ]

    def sign(self, record: GivenIntroduction) -> bytes | None:
        """Return the signed introduction of a record; None if it is not to be sent any more."""
        introduced = self._contacts.get(record.introduced)
        if introduced is None or introduced.card is None or not self._may_be_sent(record):
            return None
        return sign_introduction(
            self._identity.current.signing_key,
            introduced.card,
            recipient=record.recipient,
            sequence=record.sequence,
            at=record.at,
            group=record.team,
            record=self._contacts.introducible_record_of(record.introduced),
        )

    async def note(self, record: GivenIntroduction, answer: IntroductionAnswer) -> None:
        """Record what the recipient's agent has answered."""
        if self._records[record.recipient].get(record.introduced) == record:  # not ordered again meanwhile
            await self._save([_answered(record, answer, self._clock.now())])
            if isinstance(answer, Later):
                # Not by the wall clock: one that is put back by a day would put it off by a day.
                until = time.monotonic() + answer.seconds
                self._postponed[record.recipient, record.introduced] = until

    async def note_unanswered(self, record: GivenIntroduction) -> None:
        """Record that the recipient's agent has not answered, as one that knows no introductions never does."""
        current = self._records[record.recipient].get(record.introduced)
        if current == record and record.detail != _UNANSWERED:
            await self._save([replace(record, detail=_UNANSWERED)])

    def forget(self, signers: Iterable[bytes]) -> None:
        """Forget what concerned users who were removed; the database has done so already."""
        removed = set(signers)
        for signer in removed:
            self._records.pop(signer, None)
            for records in self._records.values():
                records.pop(signer, None)
        for key in [key for key in self._postponed if not removed.isdisjoint(key)]:
            del self._postponed[key]

    async def _queue(
        self, pairs: Iterable[tuple[User, User]], groups: Sequence[str], *, again: bool
    ) -> set[bytes]:
        """Queue one introduction for each pair of recipient and introduced; return the recipients."""
        now, queued = self._clock.now(), list[GivenIntroduction]()
        for recipient, introduced in pairs:
            assert recipient.card is not None
            assert introduced.card is not None
            known = self._records[recipient.card.signer].get(introduced.card.signer)
            if known is not None and (known.state is IntroductionState.WAITING or not again):
                continue
            if not again and self._was_answered(recipient, introduced):
                continue
            queued.append(
                GivenIntroduction(
                    recipient.card.signer,
                    introduced.card.signer,
                    _common_group(recipient, introduced, groups),
                    # Greater than the last one even where the database was lost, unless the clock went back since.
                    max(known.sequence + 1 if known is not None else 1, now),
                    now,
                )
            )
        if queued:
            await self._save(queued)
        return {record.recipient for record in queued}

    async def _save(self, records: Sequence[GivenIntroduction]) -> None:
        await self._store.change(lambda database: database.save(*records))
        for record in records:
            self._records[record.recipient][record.introduced] = record
        self._changed.notify()

    def _is_postponed(self, record: GivenIntroduction) -> bool:
        """Return whether the recipient's agent asked for it at a later time, which has not come."""
        return time.monotonic() < self._postponed.get((record.recipient, record.introduced), 0.0)

    def _was_answered(self, recipient: User, introduced: User) -> bool:
        """Return whether one was introduced to the other before, under present cards or former ones."""
        pairs = itertools.product(_signers(recipient), _signers(introduced))
        known = (self._records[to].get(of) for to, of in pairs if to in self._records)
        return any(record is not None and record.state is not IntroductionState.WAITING for record in known)

    def _may_be_sent(self, record: GivenIntroduction) -> bool:
        pair = [self._contacts.get(signer) for signer in (record.recipient, record.introduced)]
        return all(
            user is not None and user.verified and (not record.team or _is_in(user, record.team))
            for user in pair
        )


def _answered(record: GivenIntroduction, answer: IntroductionAnswer, now: int) -> GivenIntroduction:
    match answer:
        case Have():
            return replace(record, state=IntroductionState.DELIVERED, at=now, detail="")
        case Later(reason=reason):
            return replace(record, detail=reason)
        case Declined(reason=reason):
            return replace(record, state=IntroductionState.REFUSED, at=now, detail=reason)
        case _ as never:
            assert_never(never)


def _is_known_well(user: User) -> bool:
    return user.card is not None and user.verified


def _groups(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.removeprefix("@") for name in names if name.startswith("@"))


def _common_group(one: User, other: User, groups: Iterable[str]) -> str:
    """Return the first of these groups that has both users, as the first of them spells it; empty: none."""
    for group in groups:
        for spelled in one.groups:
            if fold_name(spelled) == fold_name(group) and _is_in(other, group):
                return spelled
    return ""


def _is_in(user: User, group: str) -> bool:
    return fold_name(group) in map(fold_name, user.groups)


def _signers(user: User) -> list[bytes]:
    return [card.signer for card in (user.card, *user.former) if card is not None]
