"""What becomes of a share by its owner's wish, or when its payload goes: paused, forgotten, deleted, withdrawn.

Owns these changes and nothing of the way into the swarm, which is `tuishare.agent.shares.publishing`. What a
person asks for is recorded before it is done, so that a crash does not undo it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from tuishare.agent.context import Context
from tuishare.agent.folders.payload import delete_payload
from tuishare.agent.shares.publishing import Publisher
from tuishare.agent.shares.shelf import Shelf
from tuishare.agent.state.records import ShareRecord, ShareStep
from tuishare.api.messages import ActivityKind
from tuishare.errors import NotFound, Refused, SystemFailed

_AT_REST: Final = frozenset({ShareStep.WITHDRAWN, ShareStep.FORGOTTEN, ShareStep.DELETING})
_log = logging.getLogger(__name__)


class Keeper:
    """Carries out what is asked of single shares.

    Raises:
        NotFound: from every method that takes an id: there is no such share.
        Refused: likewise, while the share is being hashed or sealed.
    """

    def __init__(self, context: Context, shelf: Shelf, publisher: Publisher) -> None:
        self._context = context
        self._shelf = shelf
        self._publisher = publisher

    async def pause(self, share_id: str) -> None:
        """Serve nobody until it is resumed, also after a restart."""
        async with self._shelf.changing:
            share = await self._shelf.save(replace(self._idle(share_id), paused=True))
            await self._shelf.leave_swarm(share)

    async def resume(self, share_id: str) -> None:
        """Serve it again; a problem is tried once more."""
        async with self._shelf.changing:
            share = replace(self._idle(share_id), paused=False)
            if share.step is ShareStep.PROBLEM:
                share = replace(share, step=ShareStep.HASHING, problem="", hint="")
            self._publisher.take_up(await self._shelf.save(share))

    async def share_again(self, share_id: str) -> None:
        """Make a new generation and a new envelope, also of content that has not changed.

        Raises:
            Refused: its time is over.
        """
        async with self._shelf.changing:
            share = self._idle(share_id)
            if self._is_over(share):
                raise Refused(
                    "The time of this share is over", hint="Share its path again, with another end or none."
                )
            await self._shelf.leave_swarm(share)
            # Without a sealed generation nothing can be the same as before, so it is sealed again.
            again = replace(share, step=ShareStep.HASHING, sealed=0, problem="", hint="", paused=False)
            self._publisher.take_up(await self._shelf.save(again))

    async def revoke(self, share_id: str, user: str) -> None:
        """Take somebody out of a share; everybody else gets a new ticket.

        From here on the tracker tells him nothing, his connections to us end and no new one is possible, also after a
        crash at any point. What he has downloaded stays his, and the others have to get the new envelope from the
        outbox before they can go on with us.

        Raises:
            NotFound: that share is not for him.
        """
        async with self._shelf.changing:
            await self._revoke(self._shelf.get(share_id), user)

    async def revoke_everywhere(self, user: str) -> None:
        """Take somebody out of all shares that are sealed for him.

        Raises:
            NotFound: there is none.
        """
        async with self._shelf.changing:
            shares = self._shelf.deliveries.shares_of(user)
            if not shares:
                raise NotFound(
                    "No share is sealed for that user", hint="`tuishare list` shows what is shared."
                )
            for share_id in shares:
                await self._revoke(self._shelf.get(share_id), user)

    async def renew(self, share_id: str) -> None:
        """Give everybody a new ticket for a share."""
        async with self._shelf.changing:
            await self._publisher.renew(self._idle(share_id))

    async def forget(self, share_id: str) -> None:
        """Stop sharing it and take its envelope back; the payload stays."""
        async with self._shelf.changing:
            share = self._idle(share_id)
            step = ShareStep.FORGOTTEN if share.folder else ShareStep.WITHDRAWN
            share = await self._shelf.save(replace(share, step=step, torrent=b"", problem="", hint=""))
            await self._shelf.leave_swarm(share)
            await self._shelf.take_envelope_back(share)
            # Only a drop folder that still has the entry would share it again.
            if not share.folder or not await asyncio.to_thread(os.path.lexists, share.path):
                await self._shelf.remove(share)

    async def delete(self, share_id: str) -> None:
        """Stop sharing it, take its envelope back, and delete the payload.

        Raises:
            SystemFailed: not all of the payload could be deleted; it is shared no longer all the same.
        """
        async with self._shelf.changing:
            share = replace(self._idle(share_id), step=ShareStep.DELETING, problem="", hint="")
            await self._delete(await self._shelf.save(share))

    async def finish(self) -> None:
        """Finish what a crash has interrupted: deletions, and envelopes that were to be taken back."""
        async with self._shelf.changing:
            for share in list(self._shelf.shares.values()):
                if share.step is ShareStep.DELETING:
                    with contextlib.suppress(SystemFailed):  # shown with the share
                        await self._delete(share)
                elif share.step in _AT_REST:
                    await self._shelf.take_envelope_back(share)
                await self._publisher.shut_out(share)

    async def withdraw_missing(self, folder: Path, present: Collection[str]) -> None:
        """Withdraw the shares of a drop folder whose entries are gone from it."""
        for share in list(self._shelf.shares.values()):
            if share.folder == str(folder) and Path(share.path).name not in present:
                await self.withdraw(Path(share.path))

    async def withdraw(self, path: Path) -> None:
        """Withdraw the share of an entry that is gone; forget it for good if it was to be forgotten."""
        async with self._shelf.changing:
            share = self._shelf.find(path)
            if share is None or self._publisher.put_off(share):
                return
            if share.step in {ShareStep.WITHDRAWN, ShareStep.DELETING}:
                return
            if share.step is ShareStep.FORGOTTEN:
                await self._shelf.remove(share)
                return
            await self._withdraw(share)

    async def withdraw_expired(self) -> None:
        """Withdraw the shares whose time is over."""
        async with self._shelf.changing:
            for share in list(self._shelf.shares.values()):
                over = self._is_over(share) and share.step not in _AT_REST
                if over and not self._publisher.is_busy_with(share):
                    await self._withdraw(share)

    async def _revoke(self, share: ShareRecord, user: str) -> None:
        if await self._shelf.deliveries.revoke(share, user):
            _log.info("Took %s out of %r", user, share.name)
            self._context.journal.note(ActivityKind.REVOKED, share.name, f"{user} was taken out")
        self._context.announcing.revoke(share.id, user)
        await self._publisher.shut_out(share)

    async def end_done(self) -> None:
        """Pause what everybody has got since this was called before, if that is the rule; resuming it is for good."""
        done = self._shelf.deliveries.take_done()
        if self._context.config.sharing.until == "everybody":
            for share_id in done & self._shelf.shares.keys():
                _log.info("Everybody has %r", self._shelf.get(share_id).name)
                with contextlib.suppress(Refused):  # it is being made anew, for everybody to get again
                    await self.pause(share_id)

    async def _withdraw(self, share: ShareRecord) -> None:
        _log.info("Withdrew %r", share.name)
        self._context.journal.note(ActivityKind.WITHDRAWN, share.name)
        await self._shelf.save(replace(share, step=ShareStep.WITHDRAWN, problem="", hint=""))
        await self._shelf.leave_swarm(share)
        await self._shelf.take_envelope_back(share)

    async def _delete(self, share: ShareRecord) -> None:
        await self._shelf.leave_swarm(share)
        await self._shelf.take_envelope_back(share)
        try:
            await asyncio.to_thread(delete_payload, Path(share.path))
        except SystemFailed as error:
            await self._shelf.save(replace(share, problem=error.detail, hint=error.hint))
            raise
        await self._shelf.remove(share)

    def _is_over(self, share: ShareRecord) -> bool:
        return 0 < share.not_after < self._context.now()

    def _idle(self, share_id: str) -> ShareRecord:
        share = self._shelf.get(share_id)
        if self._publisher.is_busy_with(share):
            raise Refused("This share is being hashed or sealed", hint="Try again when it is done.")
        return share
