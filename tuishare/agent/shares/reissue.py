"""Reissue: new tickets for shares whose keys no longer hold, or soon will not.

Those are a previous identity of the agent, a previous key of a recipient, and tickets that are about to expire.

Owns what is still to be reissued. A rotation of the agent's own key is noted on disk before the new identity exists, so
what a crash leaves is done after the next start. Must not seal: `tuishare.agent.shares.commands` orders that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from tuishare.agent.context import Context
from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.shares.commands import ShareCommands
from tuishare.agent.shares.repository import ShareRepository
from tuishare.core.records import ShareRecord
from tuishare.errors import BadInput, NotFound
from tuishare.people import finish_rotation, is_rotated
from tuishare.sanitize import for_display
from tuishare.swarm import validity_end

LOOK_SECONDS: Final = 3600.0
"""Seconds between checks for tickets that expire."""
AHEAD: Final = timedelta(days=30)
"""How long before their end tickets are reissued, so that recipients have time to get them."""


class Reissuer:
    """Reissues the tickets of shares. Shares that have ended get new tickets when they are shared again."""

    def __init__(self, context: Context, repository: ShareRepository, commands: ShareCommands) -> None:
        self._context = context
        self._repository = repository
        self._commands = commands
        self._waiting: set[str] = set()
        self._requested = asyncio.Event()
        self._rotated = False

    def request_all(self) -> None:
        """Reissue the tickets of all shares, because the agent has a new identity."""
        self._rotated = True
        self.request(self._repository.shares)

    def request(self, shares: Iterable[str]) -> None:
        """Reissue the tickets of these shares soon."""
        self._waiting.update(shares)
        self._requested.set()

    async def run(self) -> None:
        """Reissue what was requested and what expires, until cancelled."""
        identity_file = self._context.places.identity_file
        if await asyncio.to_thread(is_rotated, identity_file):
            self.request_all()
        while True:
            rotated, self._rotated = self._rotated, False
            self._waiting.update(
                share.id for share in self._repository.shares.values() if self._expires_soon(share)
            )
            await self._reissue_all()
            if rotated and not self._rotated:
                await asyncio.to_thread(finish_rotation, identity_file)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._requested.wait()
            self._requested.clear()

    async def _reissue_all(self) -> None:
        while self._waiting:
            share = self._repository.shares.get(self._waiting.pop())
            if share is not None and not share.step.has_ended:
                with (
                    isolate_errors(f"reissue “{for_display(share.name)}”"),
                    contextlib.suppress(NotFound),
                ):  # removed meanwhile
                    await self._commands.reissue(share.id)

    def _expires_soon(self, share: ShareRecord) -> bool:
        """Return whether the tickets of a share end soon, and before the share does."""
        if not share.leaf_certificate or share.not_after or share.step.has_ended:
            return False
        try:
            return validity_end(share.leaf_certificate) - self._context.clock() < AHEAD
        except BadInput:
            return False  # its problem is shown when it joins its swarm
