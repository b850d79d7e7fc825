"""What becomes of a share by its owner's wish, or when its payload goes: paused, forgotten, deleted, withdrawn.

Owns these changes and nothing of the way into the swarm, which is `tuishare.agent.shares.queue`. What a
person asks for is recorded before it is done, so that a crash does not undo it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Collection
from pathlib import Path

from tuishare.agent.context import Context
from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.folders.fingerprint import delete_payload, payload_fingerprint
from tuishare.agent.shares import transitions
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.repository import ShareRepository
from tuishare.core.activity import ActivityKind
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.errors import NotFound, Refused, SystemFailed
from tuishare.sanitize import for_display

_log = logging.getLogger(__name__)


class ShareCommands:
    """Carries out what is asked of single shares.

    Raises:
        NotFound: from every method that takes an id: there is no such share.
    """

    def __init__(self, context: Context, repository: ShareRepository, queue: ShareQueue) -> None:
        self._context = context
        self._repository = repository
        self._queue = queue

    async def pause(self, share_id: str) -> None:
        """Serve nobody until it is resumed, also after a restart; nor is it hashed until then."""
        async with self._repository.lock:
            share = await self._repository.save(transitions.pause(await self._queue.halt(share_id)))
            await self._queue.proceed(share)

    async def resume(self, share_id: str) -> None:
        """Serve it again; a problem is tried once more."""
        async with self._repository.lock:
            share = self._repository.get(share_id)
            if self._queue.is_working_on(share) and not share.paused:
                return  # it goes on already
            share = transitions.resume(await self._queue.halt(share_id))
            self._queue.enqueue(await self._repository.save(share))

    async def share_again(self, share_id: str) -> None:
        """Make a new generation and a new envelope, also of content that has not changed.

        Raises:
            Refused: its time is over.
        """
        async with self._repository.lock:
            share = self._repository.get(share_id)
            if self._is_over(share):
                raise Refused(
                    "The time of this share is over", hint="Share its path again, with another end or none."
                )
            share = transitions.share_again(await self._queue.halt(share_id))
            self._queue.enqueue(await self._repository.save(share))

    async def revoke(self, share_id: str, user: str) -> None:
        """Take a user out of a share, whatever the share is doing; everybody else gets a new ticket.

        What they have downloaded stays theirs, and the others have to get the new envelope from the outbox before they
        can go on with us. A crash after the record was written changes nothing: `finish` does the rest.

        Raises:
            NotFound: that share is not for them.
        """
        await self.disconnect(share_id, user)
        async with self._repository.lock:
            deliveries, share = self._repository.deliveries, self._repository.get(share_id)
            if not deliveries.find(share_id, user).revoked:
                share = await self._queue.halt(share_id)
                await deliveries.revoke(share, user)
                _log.info("Took %s out of %r", user, share.name)
                self._context.activity.note(ActivityKind.REVOKED, share.name, f"{user} was taken out")
            # A new authority, whose tickets go to the others only; then the share comes back and is sealed again.
            await self._queue.proceed(share)

    async def disconnect(self, share_id: str, user: str) -> None:
        """End what a user gets of a share: the part of `revoke` that must not wait for a disk or for other commands.

        From here on our tracker tells them nothing, their connections are cut, and the share stays out of its swarm
        until they are recorded as taken out and there is a new authority.

        Raises:
            NotFound: that share is not for them.
        """
        if self._repository.deliveries.exclude(share_id, user):
            self._context.tracker.revoke(share_id, user)
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
        """End what a user gets of any share; see `disconnect`.

        Raises:
            NotFound: no share is sealed for them.
        """
        for share_id in self._sealed_for(user):
            await self.disconnect(share_id, user)

    async def reissue(self, share_id: str) -> None:
        """Give everybody a new ticket for a share."""
        async with self._repository.lock:
            await self._queue.reissue(await self._queue.halt(share_id))

    async def forget(self, share_id: str) -> None:
        """Stop sharing it and take its envelope back; the payload stays."""
        async with self._repository.lock:
            share = await self._queue.halt(share_id)
            # The form that stands there now is not shared again, hashed or not.
            seen = await asyncio.to_thread(payload_fingerprint, Path(share.path), share.folder)
            share = await self._repository.save(transitions.forget(share, seen))
            await self._repository.remove_envelope(share)
            # Only a drop folder that still has the entry would share it again.
            if not share.folder or not await asyncio.to_thread(os.path.lexists, share.path):
                await self._repository.remove(share)

    async def delete(self, share_id: str) -> None:
        """Stop sharing it, take its envelope back, and delete the payload.

        Raises:
            SystemFailed: not all of the payload could be deleted; it is shared no longer all the same.
        """
        async with self._repository.lock:
            share = transitions.order_deletion(await self._queue.halt(share_id))
            await self._delete(await self._repository.save(share))

    async def finish(self) -> None:
        """Finish what a crash has interrupted: deletions, and envelopes that were to be taken back."""
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
        for share in list(self._repository.shares.values()):
            if share.folder == str(folder) and Path(share.path).name not in present:
                with isolate_errors(f"withdraw “{for_display(share.name)}”"):
                    await self.withdraw(Path(share.path))

    async def withdraw(self, path: Path) -> None:
        """Withdraw the share of an entry that is gone; forget it for good if it was to be forgotten."""
        async with self._repository.lock:
            share = self._repository.find(path)
            if share is None:
                return
            if share.step is ShareStep.FORGOTTEN:
                await self._repository.remove(share)
            elif not share.step.has_ended:
                await self._withdraw(share)

    async def withdraw_expired(self) -> None:
        """Withdraw the shares whose time is over."""
        async with self._repository.lock:
            for share in list(self._repository.shares.values()):
                if self._is_over(share) and not share.step.has_ended:
                    async with self._queue.isolate(share):
                        await self._withdraw(share)

    async def stop_finished(self) -> None:
        """Pause what everybody has got since this was called before, if that is the rule; resuming it is for good."""
        done = self._repository.deliveries.record_completed()
        if self._context.config.sharing.until == "everybody":
            for share_id in done & self._repository.shares.keys():
                _log.info("Everybody has %r", self._repository.get(share_id).name)
                if not self._queue.is_working_on(
                    self._repository.get(share_id)
                ):  # else it is made anew, for all
                    with isolate_errors("end a share that everybody has"):
                        await self.pause(share_id)

    async def _withdraw(self, share: ShareRecord) -> None:
        _log.info("Withdrew %r", share.name)
        self._context.activity.note(ActivityKind.WITHDRAWN, share.name)
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
        return 0 < share.not_after < self._context.now()
