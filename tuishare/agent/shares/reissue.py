"""Sealing again what went out with keys that hold no longer, or soon will not.

Those are our own former identity, somebody's former key, and tickets that are about to run out.

Owns what is still to be sealed again. Our own rotation is noted on disk before the new identity exists, so whatever a
crash leaves undone is done after the next start. Must not seal: that is `tuishare.agent.shares.commands`.
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
"""How often it is looked which tickets run out."""
AHEAD: Final = timedelta(days=30)
"""How long before their end tickets are made anew, so that recipients have the time to fetch them."""


class Reissuer:
    """Brings shares in step with the keys of their sender and recipients."""

    def __init__(self, context: Context, repository: ShareRepository, commands: ShareCommands) -> None:
        self._context = context
        self._repository = repository
        self._commands = commands
        self._waiting: set[str] = set()
        self._some = asyncio.Event()
        self._rotated = False

    def request_all(self) -> None:
        """Seal everything again, because our identity was replaced."""
        self._rotated = True
        self.request(self._repository.shares)

    def request(self, shares: Iterable[str]) -> None:
        """Seal these again."""
        self._waiting.update(shares)
        self._some.set()

    async def run(self) -> None:
        """Seal what is to be sealed again until cancelled."""
        identity_file = self._context.places.identity_file
        if await asyncio.to_thread(is_rotated, identity_file):
            self.request_all()
        while True:
            rotated, self._rotated = self._rotated, False
            self._waiting.update(
                share.id for share in self._repository.shares.values() if self._runs_out(share)
            )
            await self._seal_all()
            if rotated and not self._rotated:
                await asyncio.to_thread(finish_rotation, identity_file)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._some.wait()
            self._some.clear()

    async def _seal_all(self) -> None:
        while self._waiting:
            share = self._repository.shares.get(self._waiting.pop())
            if share is not None and not share.step.has_ended:
                with (
                    isolate_errors(f"seal “{for_display(share.name)}” again"),
                    contextlib.suppress(NotFound),
                ):  # forgotten
                    await self._commands.reissue(share.id)

    def _runs_out(self, share: ShareRecord) -> bool:
        """Whether the tickets of a share end soon, and before the share itself does."""
        if not share.leaf_certificate or share.not_after or share.step.has_ended:
            return False
        try:
            return validity_end(share.leaf_certificate) - self._context.clock() < AHEAD
        except BadInput:
            return False  # its problem shows when it is to enter its swarm
