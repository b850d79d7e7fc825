"""Shares that no longer fit the settings: their drop folder is gone, or is for other users now.

Owns what becomes of them. Must not watch folders nor read settings files: it is called after every change of them.
"""

from __future__ import annotations

from pathlib import Path

from tuishare.agent.context import Context
from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.shares.commands import ShareCommands
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.shares.transitions import ShareTarget, change_recipients
from tuishare.config.model import DropFolder
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.sanitize import for_display


class SettingsReconciler:
    """Makes the shares of drop folders fit the settings."""

    def __init__(
        self, context: Context, repository: ShareRepository, queue: ShareQueue, commands: ShareCommands
    ) -> None:
        self._context = context
        self._repository = repository
        self._queue = queue
        self._commands = commands

    async def reconcile(self) -> None:
        """Withdraw shares whose drop folder is no longer configured, and change the recipients of the others.

        An edit in a folder that is not followed would go unnoticed, so its shares are not seeded.
        """
        folders = {folder.path: folder for folder in self._context.settings.current.drop}
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
            changed = await self._repository.save(change_recipients(share, target, self._context.clock()))
            if changed.step.is_active:
                self._queue.enqueue(changed)


def _is_for(share: ShareRecord, folder: DropFolder) -> bool:
    return set(share.recipients) == set(folder.users) and share.transport == folder.transport
