"""What users order for shares, and what ends them: pause, share again, revoke, forget, delete, withdraw.

Owns these commands. A command is recorded before it is carried out, so that a crash does not undo it. Must not work on
shares: `tuishare.agent.shares.queue` continues with what a command leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Collection
from pathlib import Path

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.folders.fingerprint import delete_payload, payload_fingerprint
from tuishare.agent.live import Live
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.shares import transitions
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.config.model import Config
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.errors import NotFound, Refused, SystemFailed
from tuishare.sanitize import for_display

_log = logging.getLogger(__name__)


class ShareCommands:
    """Carries out commands for single shares.

    Raises:
        NotFound: from every method that takes an id: there is no such share.
    """

    def __init__(
        self,
        repository: ShareRepository,
        queue: ShareQueue,
        tracker: TrackerService,
        *,
        settings: Live[Config],
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._queue = queue
        self._tracker = tracker
        self._settings = settings
        self._activity = activity
        self._clock = clock

    async def pause(self, share_id: str) -> None:
        """Neither hash nor seed a share until it is resumed, also after a restart."""
        async with self._repository.lock:
            share = await self._repository.save(transitions.pause(await self._queue.halt(share_id)))
            await self._queue.proceed(share)

    async def resume(self, share_id: str) -> None:
        """Seed a share again; a problem is tried again."""
        async with self._repository.lock:
            share = self._repository.get(share_id)
            if self._queue.is_working_on(share) and not share.paused:
                return  # it is being worked on already
            share = transitions.resume(await self._queue.halt(share_id))
            self._queue.enqueue(await self._repository.save(share))

    async def share_again(self, share_id: str) -> None:
        """Make a new generation and a new envelope, even of content that has not changed.

        Raises:
            Refused: it has expired.
        """
        async with self._repository.lock:
            share = self._repository.get(share_id)
            if self._is_over(share):
                raise Refused(
                    "This share has expired", hint="Share its path again, with a later end or none."
                )
            share = transitions.share_again(await self._queue.halt(share_id))
            self._queue.enqueue(await self._repository.save(share))

    async def revoke(self, share_id: str, user: str) -> None:
        """Take a user out of a share, whatever the share is doing; all other recipients get new tickets.

        The user keeps what they have downloaded. The others need the new envelope from the outbox to continue. After a
        crash `finish` does what is left.

        Raises:
            NotFound: that share is not for them.
        """
        await self.disconnect(share_id, user)
        async with self._repository.lock:
            deliveries, share = self._repository.deliveries, self._repository.get(share_id)
            if not deliveries.find(share_id, user).revoked:
                share = await self._queue.halt(share_id)
                await deliveries.revoke(share, user)
                _log.info("Revoked %s from %r", user, share.name)
                self._activity.note(ActivityKind.REVOKED, share.name, f"{user} was revoked")
            # A new authority, whose tickets go to the others only; then the share is sealed and seeded again.
            await self._queue.proceed(share)

    async def disconnect(self, share_id: str, user: str) -> None:
        """Disconnect a user from a share: the part of `revoke` that waits for neither disk nor other commands.

        The tracker no longer answers them, their connections are closed, and the share stays out of its swarm until the
        revocation is recorded and the share has a new authority.

        Raises:
            NotFound: that share is not for them.
        """
        if self._repository.deliveries.exclude(share_id, user):
            self._tracker.revoke(share_id, user)
            self._repository.announce_exclusion(share_id, user)
            await self._queue.halt(share_id)

    async def revoke_everywhere(self, user: str) -> None:
        """Take a user out of all shares that are sealed for them.

        Raises:
            NotFound: there is none.
        """
        shares = self._sealed_for(user)
        await self.disconnect_everywhere(user)
        for share_id in shares:
            with contextlib.suppress(NotFound):  # forgotten meanwhile
                await self.revoke(share_id, user)

    async def disconnect_everywhere(self, user: str) -> None:
        """Disconnect a user from every share; see `disconnect`.

        Raises:
            NotFound: no share is sealed for them.
        """
        for share_id in self._sealed_for(user):
            await self.disconnect(share_id, user)

    async def reissue(self, share_id: str) -> None:
        """Give all recipients of a share new tickets."""
        async with self._repository.lock:
            await self._queue.reissue(await self._queue.halt(share_id))

    async def forget(self, share_id: str) -> None:
        """Stop sharing, and remove the envelope from the outbox; the payload stays."""
        async with self._repository.lock:
            share = await self._queue.halt(share_id)
            # The payload as it is now must not be shared again, hashed or not.
            seen = await asyncio.to_thread(payload_fingerprint, Path(share.path), share.folder)
            share = await self._repository.save(transitions.forget(share, seen))
            await self._repository.remove_envelope(share)
            # Only a drop folder that still has the entry would share it again.
            if not share.folder or not await asyncio.to_thread(os.path.lexists, share.path):
                await self._repository.remove(share)

    async def delete(self, share_id: str) -> None:
        """Stop sharing, remove the envelope from the outbox, and delete the payload.

        Raises:
            SystemFailed: not all of the payload could be deleted; it is no longer shared all the same.
        """
        async with self._repository.lock:
            share = transitions.order_deletion(await self._queue.halt(share_id))
            await self._delete(await self._repository.save(share))

    async def finish(self) -> None:
        """Finish what a crash has interrupted: deletions, envelopes to be removed, and revocations."""
        async with self._repository.lock:
            for share in list(self._repository.shares.values()):
                async with self._queue.isolate(share):
                    if share.step is ShareStep.DELETING:
                        with contextlib.suppress(SystemFailed):  # shown with the share
                            await self._delete(share)
                    elif share.step.has_ended:
                        await self._repository.remove_envelope(share)
                    if self._repository.deliveries.needs_reissue(share):
                        await self._queue.reissue(await self._queue.halt(share.id))

    async def withdraw_missing(self, folder: Path, present: Collection[str]) -> None:
        """Withdraw the shares of a drop folder whose entries are gone from it."""
        names, own = frozenset(present), str(folder)
        for share in list(self._repository.shares.values()):
            if share.folder == own and os.path.basename(share.path) not in names:
                with isolate_errors(f"withdraw “{for_display(share.name)}”"):
                    await self.withdraw(Path(share.path))

    async def withdraw(self, path: Path) -> None:
        """Withdraw the share of an entry that is gone; remove the record of one that the user forgot."""
        async with self._repository.lock:
            share = self._repository.find(path)
            if share is None:
                return
            if share.step is ShareStep.FORGOTTEN:
                await self._repository.remove(share)
            elif not share.step.has_ended:
                await self._withdraw(share)

    async def withdraw_expired(self) -> None:
        """Withdraw the shares that have expired."""
        async with self._repository.lock:
            for share in list(self._repository.shares.values()):
                if self._is_over(share) and not share.step.has_ended:
                    async with self._queue.isolate(share):
                        await self._withdraw(share)

    async def stop_finished(self) -> None:
        """Pause the shares that every recipient has completed since the last call, if the settings say so.

        A share that is resumed afterwards stays so.
        """
        done = self._repository.deliveries.record_completed()
        if self._settings.current.sharing.until == "everybody":
            for share_id in done & self._repository.shares.keys():
                share = self._repository.get(share_id)
                _log.info("Every recipient has %r", share.name)
                if not self._queue.is_working_on(share):  # otherwise there will be a new generation for all
                    with isolate_errors("pause a share that every recipient has"):
                        await self.pause(share_id)

    async def _withdraw(self, share: ShareRecord) -> None:
        _log.info("Withdrew %r", share.name)
        self._activity.note(ActivityKind.WITHDRAWN, share.name)
        share = await self._queue.halt(share.id)
        await self._repository.save(transitions.withdraw(share))
        await self._repository.remove_envelope(share)

    async def _delete(self, share: ShareRecord) -> None:
        await self._repository.remove_envelope(share)
        try:
            await asyncio.to_thread(delete_payload, Path(share.path))
        except SystemFailed as error:
            await self._repository.save(transitions.fail_deletion(share, error.detail, error.hint))
            raise
        await self._repository.remove(share)

    def _sealed_for(self, user: str) -> list[str]:
        if shares := self._repository.deliveries.shares_of(user):
            return shares
        raise NotFound("No share is sealed for that user", hint="`tuishare list` shows what is shared.")

    def _is_over(self, share: ShareRecord) -> bool:
        return 0 < share.not_after < self._clock.now()
