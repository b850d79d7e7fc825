"""Calls: when this agent calls which contact.

Owns one loop for each contact: a call at once when there is something for them, when an address changed or when the
network returned, otherwise after growing pauses. Must not know what is handed over.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.contact_peer import LinkParts
from tuishare.agent.link.open_links import OpenLinks
from tuishare.agent.live import Live
from tuishare.core.clock import Clock
from tuishare.link.address_record import AddressRecord
from tuishare.link.peer import LinkFailed, LinkStream
from tuishare.link.redial import Pauses
from tuishare.people import Identity

_TURN_SECONDS: Final = 300.0
"""Where there are too many links to keep: seconds until a contact is asked again."""
_LEAST_SECONDS: Final = 0.2
"""Between two calls of one contact, whatever happens."""
_log = logging.getLogger(__name__)
Dial = Callable[[AddressRecord], Awaitable[LinkStream]]
"""Calls the addresses of a record; raises `LinkFailed`."""


@dataclass(frozen=True, slots=True)
class LastCall:
    """The last call of a contact that led to no link.

    Attributes:
        at: Unix seconds.
        since: when the first of the calls in a row was made that led to none, Unix seconds.
        addresses: how many were tried.
        error: a sentence.
    """

    at: int
    since: int
    addresses: int
    error: str


class Calls:
    """The calls of one agent.

    Attributes:
        failed: the last call of each contact, if it failed.
    """

    def __init__(
        self,
        parts: LinkParts,
        links: OpenLinks,
        dial: Dial,
        *,
        identity: Live[Identity],
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._changed = changed
        self._clock = clock
        self._parts = parts
        self._links = links
        self._dial = dial
        self._tasks: dict[bytes, asyncio.Task[None]] = {}
        self.failed: dict[bytes, LastCall] = {}

    def adjust(self) -> None:
        """Call exactly the present contacts; the link of a user who is no contact any longer ends at once."""
        contacts = self._parts.contacts.all()
        for signer in [signer for signer in self._tasks if signer not in contacts]:
            self._tasks.pop(signer).cancel()
            self._links.close(signer)
            self.failed.pop(signer, None)
        for signer in contacts:
            if signer not in self._tasks:
                self._tasks[signer] = asyncio.create_task(self._follow(signer))

    def wake_all(self) -> None:
        """Call every contact without a link at once: an address has changed, or the network returned."""
        for signer in self._tasks:
            self._links.wakes[signer].notify()

    async def close(self) -> None:
        """End all calls."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, signer: bytes) -> None:
        signal, pauses = self._links.wakes[signer], Pauses()
        while True:
            revision = signal.revision
            if link := self._links.get(signer):
                await asyncio.shield(link.closed)
                pauses.reset()
            was_open = False
            with isolate_errors("call a contact"):
                was_open = await self._call(signer)
            if was_open:
                pauses.reset()
            in_turn = was_open and self._links.is_crowded
            # Spread by chance, so that not all contacts are asked at one moment.
            pause = _TURN_SECONDS * random.uniform(0.5, 1.0) if in_turn else pauses.next()  # noqa: S311
            await asyncio.sleep(_LEAST_SECONDS)
            try:
                async with asyncio.timeout(pause):
                    await signal.wait_for_change(revision)
            except TimeoutError:
                continue

    async def _call(self, signer: bytes) -> bool:
        """Call a contact whose addresses are known; return whether there was a link."""
        record, own = self._parts.contacts.record_of(signer), self._identity.current.signer
        if record is None or not record.addresses or self._links.get(signer):
            return False
        try:
            stream = await self._dial(record)
        except LinkFailed as error:
            now, before = self._clock.now(), self.failed.get(signer)
            since = before.since if before is not None else now
            self.failed[signer] = LastCall(now, since, len(record.addresses), error.detail)
            self._changed.notify()
            return False
        self.failed.pop(signer, None)
        return await self._links.run(stream, self._links.peer(signer), record.link_key, called_by=own)
