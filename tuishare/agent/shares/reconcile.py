"""Reconciliation: shares follow changed settings, keys and certificates.

Owns what becomes of shares whose drop folder is gone or is for other users now; and which shares need new tickets,
because the agent or a recipient has new keys or the tickets are about to expire. A rotation of the agent's own key is
recorded on disk before the new identity exists, so work that a crash has interrupted is done after the next start. Must
not watch files nor seal: `tuishare.agent.shares.commands` and `tuishare.agent.shares.queue` do what is ordered here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.live import Live
from tuishare.agent.shares.commands import ShareCommands
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.shares.transitions import ShareTarget, change_recipients
from tuishare.config.model import Config, DropFolder
from tuishare.core.clock import Clock
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.errors import BadInput, NotFound
from tuishare.people import finish_rotation, is_rotated
from tuishare.sanitize import for_display
from tuishare.swarm import validity_end

LOOK_SECONDS: Final = 3600.0
"""Seconds between checks for tickets that expire."""
AHEAD: Final = timedelta(days=30)
"""How long before their end tickets are reissued, so that recipients have time to get them."""


class SettingsReconciler:
    """Makes the shares of drop folders fit the settings."""

    def __init__(
        self,
        repository: ShareRepository,
        queue: ShareQueue,
        commands: ShareCommands,
        *,
        settings: Live[Config],
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._queue = queue
        self._commands = commands
        self._settings = settings
        self._clock = clock

    async def reconcile(self) -> None:
        """Withdraw shares whose drop folder is no longer configured, and change the recipients of the others.

        An edit in a folder that is not followed would go unnoticed, so its shares are not seeded.
        """
        folders = {folder.path: folder for folder in self._settings.current.drop}
        for share in list(self._repository.shares.values()):
            if share.folder and share.step is not ShareStep.DELETING:
                with isolate_errors(f"share “{for_display(share.name)}” with the users of its folder"):
                    await self._reconcile_share(share, folders.get(share.folder))

    async def _reconcile_share(self, share: ShareRecord, folder: DropFolder | None) -> None:
        if folder is not None and not _is_for(share, folder):
            await self._change_recipients(share.id, folder)
        elif folder is None and not share.step.has_ended:
            await self._commands.withdraw(Path(share.path))

    async def _change_recipients(self, share_id: str, folder: DropFolder) -> None:
        """Start a generation for the users of the folder, whose new authority excludes all others."""
        async with self._repository.lock:
            if share_id not in self._repository.shares:
                return
            share = await self._queue.halt(share_id)
            target = ShareTarget(
                tuple(folder.users), folder.transport, folder.path, share.note, share.not_after
            )
            changed = await self._repository.save(change_recipients(share, target, self._clock()))
            if changed.step.is_active:
                self._queue.enqueue(changed)


def _is_for(share: ShareRecord, folder: DropFolder) -> bool:
    return set(share.recipients) == set(folder.users) and share.transport == folder.transport


class Reissuer:
    """Reissues the tickets of shares. Shares that have ended get new tickets when they are shared again."""

    def __init__(
        self, repository: ShareRepository, commands: ShareCommands, identity_file: Path, clock: Clock
    ) -> None:
        self._repository = repository
        self._commands = commands
        self._identity_file = identity_file
        self._clock = clock
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
        if await asyncio.to_thread(is_rotated, self._identity_file):
            self.request_all()
        while True:
            rotated, self._rotated = self._rotated, False
            self._waiting.update(
                share.id for share in self._repository.shares.values() if self._expires_soon(share)
            )
            await self._reissue_all()
            if rotated and not self._rotated:
                await asyncio.to_thread(finish_rotation, self._identity_file)
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
            return validity_end(share.leaf_certificate) - self._clock() < AHEAD
        except BadInput:
            return False  # its problem is shown when it joins its swarm
