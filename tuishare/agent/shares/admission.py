"""Admission: an entry becomes a new share, or a new generation, a new name or the end of seeding of a known one.

Owns which share an entry is, what is done once it has settled, and the recipients of a share that is shared again by
command. Must not watch folders nor work on shares: settled entries come from the handlers of folders, and
`tuishare.agent.shares.queue` continues with what is accepted.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tuishare.agent.folders.fingerprint import find_skipped, tree_fingerprint
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.shares.transitions import (
    ShareTarget,
    after_entry_change,
    after_settling,
    change_recipients,
    new_share,
    rename,
)
from tuishare.core.clock import Clock
from tuishare.core.left_out import LeftOut, LeftOutReason
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.errors import Refused, TuishareError
from tuishare.people import User, fold_name
from tuishare.sanitize import for_display
from tuishare.torrents import Tree

_log = logging.getLogger(__name__)
_LONGEST: Final = 80


class ShareAdmission:
    """Takes entries, and what is shared by command.

    A share has one writer: the entry of a share that is being worked on is looked at again afterwards.
    """

    def __init__(self, repository: ShareRepository, queue: ShareQueue, clock: Clock) -> None:
        self._repository = repository
        self._queue = queue
        self._clock = clock

    @property
    def shares(self) -> Mapping[str, ShareRecord]:
        """All shares by id, oldest first."""
        return self._repository.shares

    def find(self, path: Path) -> ShareRecord | None:
        """Return the share of an entry, or None."""
        return self._repository.find(path)

    def in_folder(self, folder: Path) -> list[ShareRecord]:
        """Return the shares whose entries are in a folder, oldest first."""
        return self._repository.in_folder(folder)

    def knows(self, path: Path, fingerprint: str) -> bool:
        """Return whether an entry was accepted in exactly this form, and another try would change nothing."""
        if self._repository.find_damaged(path):
            return True
        share = self._repository.find(path)
        if share is None or share.step is ShareStep.WITHDRAWN:
            return False
        if share.step is ShareStep.DELETING:
            return True
        if share.step is ShareStep.PROBLEM:
            return self._queue.pipeline.predict_failure(share, fingerprint)
        return share.fingerprint == fingerprint and share.step is not ShareStep.SETTLING

    async def accept(self, tree: Tree, target: ShareTarget) -> None:
        """Share a settled entry: as a new share, a new generation or name of a known one, or another try.

        An entry that was deleted meanwhile is left alone, and so is one that the user forgot in this form.
        """
        async with self._repository.lock:
            known = self._repository.find(tree.root)
            unwanted = (
                known is not None
                and known.step is ShareStep.FORGOTTEN
                and known.fingerprint == tree_fingerprint(tree)
            )
            if not unwanted and await asyncio.to_thread(os.path.lexists, tree.root):
                await self._accept(tree, target)

    async def share(self, tree: Tree, target: ShareTarget, users: Collection[User]) -> str:
        """Share by command, with more users than before or with the same.

        Args:
            tree: what is shared.
            target: for whom; see `tuishare.agent.shares.admission.add_recipients`.
            users: the users that the target means.

        Returns:
            The id of its share.

        Raises:
            Refused: a user who has a ticket would lose it, or a named user was revoked.
        """
        async with self._repository.lock:
            known = self._repository.find(tree.root)
            if known is not None:
                target = add_recipients(known, target, users, self._repository.deliveries, self._clock.now())
            return await self._accept(tree, target)

    async def stop_if_changed(self, path: Path, fingerprint: str) -> None:
        """Stop seeding an entry that is no longer what was hashed, until it has settled."""
        async with self._repository.lock:
            share = self._repository.find(path)
            if share is None or self._queue.is_working_on(share) or share.fingerprint == fingerprint:
                return
            if share.step is ShareStep.SEEDING:
                await self._repository.stop_seeding(share)
                await self._repository.save(after_entry_change(share))

    async def update_left_out(self, path: Path, fingerprint: str, tree: Tree) -> None:
        """Record what is left out of a share now, where that has changed and nothing else has."""
        left_out = find_skipped(tree)
        share = self._repository.find(path)
        if share is None or [each for each in share.left_out if not _is_program(each)] == list(left_out):
            return
        async with self._repository.lock:
            share = self._repository.find(path)
            if (
                share is not None
                and share.fingerprint == fingerprint
                and not self._queue.is_working_on(share)
            ):
                programs = filter(_is_program, share.left_out)
                await self._repository.save(replace(share, left_out=(*left_out, *programs)))

    async def record_error(self, path: Path, error: TuishareError) -> None:
        """Stop seeding an entry that can no longer be shared, until it can."""
        async with self._repository.lock:
            share = self._repository.find(path)
            if share is None or self._queue.is_working_on(share):
                return
            # Hashing or sealing fails with the same error.
            if share.step in {ShareStep.SEEDING, ShareStep.SETTLING}:
                await self._repository.stop_seeding(share)
                await self._queue.pipeline.fail(share, error.detail, error.hint)

    async def _accept(self, tree: Tree, target: ShareTarget) -> str:
        if self._repository.find_damaged(tree.root):
            raise Refused(
                "The record of a share with this path is damaged, so it is unknown which users were revoked",
                hint="Check its recipients, then remove the damaged record: `tuishare list`, `tuishare forget`.",
            )
        known = self._repository.find(tree.root)
        if known is not None and known.step is ShareStep.FORGOTTEN:
            await self._repository.remove(known)  # it changed since: that is something new
            known = None
        if known is None:
            share = await self._rename(tree, target) or new_share(tree, target, self._clock())
        elif known.step is ShareStep.DELETING:
            return known.id
        elif not target.folder and not target.matches(known):
            share = await self._update(await self._queue.halt(known.id), tree, target)
        elif self._queue.defer(known):
            return known.id
        else:
            share = await self._update(known, tree, target)
        if share is not known:
            share = await self._repository.save(replace(share, size=tree.total_size, files=len(tree.files)))
            self._queue.enqueue(share)
        return share.id

    async def _rename(self, tree: Tree, target: ShareTarget) -> ShareRecord | None:
        """Rename the share that this entry was under another name: same files, same users, the old name is gone."""
        fingerprint = tree_fingerprint(tree)
        for share in self._repository.of_payload(fingerprint):
            if (
                share.torrent
                and not self._queue.is_working_on(share)
                and Path(share.path).parent == tree.root.parent
                and self._is_meant(share, target)
                and not await asyncio.to_thread(os.path.lexists, share.path)
            ):
                envelope = self._repository.choose_envelope(tree.name)
                try:
                    renamed = rename(share, tree, envelope, self._clock())
                except TuishareError as error:
                    _log.info("Cannot share %r under another name: %s", share.name, error.detail)
                    return None
                await self._repository.stop_seeding(share)
                await self._repository.remove_envelope(share)
                return renamed
        return None

    def _is_meant(self, share: ShareRecord, target: ShareTarget) -> bool:
        """Return whether a share is for the users who are meant now, and none of them was revoked from it."""
        if share.folder or target.folder:
            return share.folder == target.folder  # `reconcile` looks after whom a drop folder is for
        return target.matches(share) and not self._repository.deliveries.revoked(share.id)

    async def _update(self, known: ShareRecord, tree: Tree, target: ShareTarget) -> ShareRecord:
        """Return the next record of a share whose entry has settled; the same one when nothing is to be done."""
        share = known
        if target.folder != share.folder or (not target.folder and not target.matches(share)):
            await self._repository.stop_seeding(share)
            share = change_recipients(share, target, self._clock())
        if share.fingerprint != tree_fingerprint(tree):
            await self._repository.stop_seeding(share)
        return after_settling(share, tree)


def _is_program(each: LeftOut) -> bool:
    return each.reason == LeftOutReason.EXECUTABLE


def add_recipients(
    share: ShareRecord, target: ShareTarget, users: Collection[User], deliveries: Deliveries, now: int
) -> ShareTarget:
    """Return the target of a share that is shared again.

    Args:
        share: as it is.
        target: as ordered; an empty note and no end mean those that the share has.
        users: the users that the target means.
        deliveries: the recipients.
        now: Unix seconds.

    Raises:
        Refused: a user who has a ticket would lose it or its swarm, or a named user was revoked.
    """
    if not share.step.is_removed:
        _require_none_out(share, target, users, deliveries)
    if share.step.has_ended or 0 < share.not_after < now:
        return target  # no user has access, so none can lose it
    if target.transport != share.transport:
        raise Refused(
            f"“{for_display(share.name, _LONGEST)}” has a {share.transport} swarm, which its recipients would lose",
            hint=f"Use --transport {share.transport}, or `tuishare forget` it first.",
        )
    kept = replace(target, note=target.note or share.note, not_after=target.not_after or share.not_after)
    losing = () if kept.matches(share) else deliveries.would_lose_access(share.id, users)
    if losing:
        named = ", ".join(losing)
        raise Refused(
            f"“{for_display(share.name, _LONGEST)}” is shared with {named} too, who would lose access",
            hint=f"Name {named} with --to as well, or use `tuishare revoke` first.",
        )
    return kept


def _require_none_out(
    share: ShareRecord, target: ShareTarget, users: Collection[User], deliveries: Deliveries
) -> None:
    """Refuse revoked users who are named themselves; a group is sealed without them."""
    named = set(map(fold_name, target.users))
    out = [
        user.name for user in users if fold_name(user.name) in named and deliveries.is_revoked(share.id, user)
    ]
    if out:
        raise Refused(
            f"{', '.join(out)} {'were' if len(out) > 1 else 'was'} revoked from “{for_display(share.name, _LONGEST)}”",
            hint="Remove the share with `tuishare forget`, then share it again.",
        )
