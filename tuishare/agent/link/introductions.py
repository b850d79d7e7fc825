"""Introductions: in step with the user book and the settings.

Owns the order in which its parts are loaded, and what a change of users or settings means for them. What is given and
what is received is decided in `given_introductions` and `received_introductions`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.given_introductions import GivenIntroductions
from tuishare.agent.link.known_cards import KnownCards
from tuishare.agent.link.received_introductions import ReceivedIntroductions
from tuishare.errors import SystemFailed
from tuishare.people import UserBook


class UserIntroductions:
    """The introductions of one agent, in both directions."""

    def __init__(
        self, known_cards: KnownCards, given: GivenIntroductions, received: ReceivedIntroductions
    ) -> None:
        self._known_cards = known_cards
        self.given = given
        self.received = received
        self._requested = ChangeSignal()

    async def load(self) -> None:
        """Read what the last run left."""
        await self._known_cards.load()
        await self.given.load()
        await self.received.load()

    def take_book(self, book: UserBook) -> None:
        """Know these users from now on: who was removed is not introduced again, from this moment."""
        self._known_cards.take_book(book)
        self.request()

    def request(self) -> None:
        """Look soon: users or settings have changed."""
        self._requested.notify()

    async def run(self, wake: Callable[[bytes], None]) -> None:
        """Keep in step until cancelled; `wake` is called with each contact for whom there is something to do."""
        while True:
            revision = self._requested.revision
            with isolate_errors("follow the users"), contextlib.suppress(SystemFailed):
                removed = await self._known_cards.save()
                self.given.forget(removed)
                self.received.forget(removed)
                await self.received.tidy()
                for signer in await self.given.complete_groups():
                    wake(signer)
            await self._requested.wait_for_change(revision)
