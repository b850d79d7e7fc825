"""Every card that is, or ever was, in the user book.

Owns who was removed from it, by whatever way: in the agent, by a command without one, or in the file. A removed user
must not come back by an introduction, however late it arrives, so this is kept for ever: it grows only with the users
that this home has had. Only adding the user again, by card or invitation, ends it.
"""

from __future__ import annotations

from dataclasses import replace

from tuishare.agent.state.store import Store
from tuishare.core.clock import Clock
from tuishare.core.introduction_queries import find_known_cards
from tuishare.core.introduction_records import KnownCard
from tuishare.people import UserBook


class KnownCards:
    """The cards that one agent knows, or has known."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._book: UserBook | None = None
        self._records: dict[bytes, KnownCard] | None = None
        self._unsaved: dict[bytes, KnownCard] = {}

    async def load(self) -> None:
        """Read what the last run left, and compare it with the user book."""
        stored = await self._store.run(find_known_cards)
        self._records = {record.signer: record for record in stored}
        self._compare()

    def take_book(self, book: UserBook) -> None:
        """Compare the users of this book with those known before; `save` is to follow."""
        self._book = book
        self._compare()

    def was_removed(self, signer: bytes) -> bool:
        """Return whether the user of a card was removed, and not added again."""
        known = (self._records or {}).get(signer)
        return known is not None and known.removed > 0

    async def save(self) -> set[bytes]:
        """Record the changes of the user book; return the cards whose users were removed."""
        changed, self._unsaved = self._unsaved, {}
        if changed:
            try:
                # Drops all introductions by, of and to those who were removed (`tuishare.core.schema`).
                await self._store.change(lambda database: database.save(*changed.values()))
            except BaseException:
                self._unsaved = {**changed, **self._unsaved}
                raise
        return {record.signer for record in changed.values() if record.removed}

    def _compare(self) -> None:
        if self._records is None or self._book is None:
            return
        present = {
            card.signer: user.name
            for user in self._book
            for card in (user.card, *user.former)
            if card is not None
        }
        for signer, name in present.items():
            self._note(KnownCard(signer, name))
        now = self._clock.now()
        for record in list(self._records.values()):
            if record.signer not in present and not record.removed:
                self._note(replace(record, removed=now))

    def _note(self, record: KnownCard) -> None:
        assert self._records is not None
        if self._records.get(record.signer) != record:
            self._records[record.signer] = self._unsaved[record.signer] = record
