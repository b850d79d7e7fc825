"""Deliveries: which recipients have a ticket of which share, and how far they are with it.

Owns the records of the recipients and their live rates: the tracker tells which user a peer is, a connection how fast
it is. Must not decide who is a recipient, nor seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Final

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import ChangeSignal
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.store import Store
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.records import RecipientRecord, ShareRecord
from tuishare.errors import NotFound, SystemFailed
from tuishare.people import User, fold_name
from tuishare.sanitize import for_display
from tuishare.swarm import Engine, Peer
from tuishare.torrents import InfoHash
from tuishare.tracker import PeerAnnounced

SAVE_SECONDS: Final = 5.0
"""Seconds between saves of what recipients announced; what a crash loses is announced again."""
LOOK_SECONDS: Final = 1.0
"""Seconds between looks at the live connections."""
_log = logging.getLogger(__name__)


class Deliveries:
    """The recipients of every share."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        tracker: TrackerService,
        *,
        activity: ActivityLog,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._store = store
        self._engine = engine
        self._tracker = tracker
        self._activity = activity
        self._changed = changed
        self._clock = clock
        self._records: dict[str, dict[str, RecipientRecord]] = {}
        self._rates: dict[str, dict[str, int]] = {}
        self._unsaved: dict[tuple[str, str], RecipientRecord] = {}
        self._done: set[str] = set()
        self._excluded: set[tuple[str, str]] = set()
        """Users who are being revoked from a share: excluded at once, and permanently once `revoke` has recorded it."""
        self._saving = asyncio.Lock()
        """Held while records are written: what was read before must not undo what was recorded meanwhile."""

    async def load(self, shares: Collection[str]) -> None:
        """Read the recipients of these shares; those of other shares are left as they are."""
        for record in await self._store.run(lambda database: database.recipients()):
            if record.share in shares:
                self._index(record)

    def of(self, share: str) -> tuple[RecipientRecord, ...]:
        """Return the recipients of a share, past ones included, in the order of their names."""
        return tuple(self._records.get(share, {}).values())

    def find(self, share: str, user: str) -> RecipientRecord:
        """Return one recipient of a share.

        Raises:
            NotFound: the share was never sealed for that user.
        """
        try:
            return self._records[share][user]
        except KeyError:
            raise NotFound(
                "This share is not for that user", hint="`tuishare show` lists its recipients."
            ) from None

    def shares_of(self, user: str) -> list[str]:
        """Return the shares that a user has a ticket of."""
        return [share for share, rows in self._records.items() if user in rows and not rows[user].revoked]

    def passkeys(self, share: str) -> dict[bytes, str]:
        """Return the users of a share by the hashes of their passkeys, without those who are out."""
        return {
            row.passkey_hash: row.user
            for row in self.of(share)
            if not row.revoked and (share, row.user) not in self._excluded
        }

    def revoked(self, share: str) -> frozenset[str]:
        """Return the users who were revoked from a share."""
        return frozenset(row.user for row in self.of(share) if row.revoked)

    def active_recipients(self, share: ShareRecord) -> tuple[str, ...]:
        """Return the users and ``@group``s of a share as configured, without users who were revoked by name."""
        out = set(map(fold_name, self.revoked(share.id)))
        return tuple(name for name in share.recipients if fold_name(name) not in out)

    def is_revoked(self, share: str, user: User) -> bool:
        """Return whether a user was revoked from a share, whatever their name is now."""
        return any(row.revoked and _is_of(row, user) for row in self.of(share))

    def would_lose_access(self, share: str, users: Collection[User]) -> tuple[str, ...]:
        """Return the users with a valid ticket who are none of these users, whatever their names are now."""
        return tuple(
            row.user
            for row in self.of(share)
            if not row.revoked and not any(_is_of(row, user) for user in users)
        )

    def needs_reissue(self, share: ShareRecord) -> bool:
        """Return whether a user was revoked from a share and could still join it with their present ticket."""
        return any(
            (row.revoked and row.until >= share.generation) or (share.id, row.user) in self._excluded
            for row in self.of(share.id)
        )

    def rate(self, share: str, user: str) -> int:
        """Return the bytes per second that a user gets from us now."""
        return self._rates.get(share, {}).get(user, 0)

    def user_of(self, share: str, peer: Peer) -> str:
        """Return the user of a live connection; empty while it is unknown.

        The peer id tells, because it was announced; if several users announced it, the address decides.
        """
        claims = [seen for seen in self._tracker.swarm_of(share) if seen.peer_id == peer.peer_id]
        users = {seen.user for seen in claims}
        if len(users) > 1:
            users = {seen.user for seen in claims if peer.host in seen.hosts}
        return users.pop() if len(users) == 1 else ""

    async def set_recipients(self, share: ShareRecord, sealed: Iterable[RecipientRecord]) -> None:
        """Record the recipients of a share before its tickets are published; revoked users stay listed.

        A user who was revoked while it was sealed stays out. New tickets for the same content keep the progress of
        their recipients.
        """
        async with self._saving:
            known_records = self._records.get(share.id, {})
            rows = {row.user: row for row in known_records.values() if row.revoked}
            for row in sealed:
                known = known_records.get(row.user)
                if known is not None and share.kind == "renew":
                    row = replace(known, passkey_hash=row.passkey_hash, sealed=row.sealed, holder=row.holder)  # noqa: PLW2901
                rows.setdefault(row.user, row)
            await self._store.change(lambda database: database.set_recipients(share.id, rows.values()))
            self._records[share.id] = rows
            self._drop_unsaved(share.id)
        self._changed.notify()

    def exclude(self, share: str, user: str) -> bool:
        """Exclude a user from a share at once, before that is recorded.

        Returns:
            False when it is recorded already.

        Raises:
            NotFound: the share was never sealed for them.
        """
        if self.find(share, user).revoked:
            return False
        self._excluded.add((share, user))
        return True

    async def revoke(self, share: ShareRecord, user: str) -> bool:
        """Record that a user is revoked from a share.

        Returns:
            False when they were out already.

        Raises:
            NotFound: the share was never sealed for them.
        """
        async with self._saving:
            row = self.find(share.id, user)
            if row.revoked:
                return False
            gone = replace(row, revoked=self._clock.now(), until=share.generation)
            await self._store.change(lambda database: database.save(gone))
            self._unsaved.pop((share.id, user), None)
            self._rates.get(share.id, {}).pop(user, None)
            self._index(gone)
            self._excluded.discard((share.id, user))
            self._note_if_done(share.id)
        return True

    def forget(self, share: str) -> None:
        """Forget the recipients of a share that was removed."""
        self._excluded = {place for place in self._excluded if place[0] != share}
        self._records.pop(share, None)
        self._rates.pop(share, None)
        self._drop_unsaved(share)

    def record_completed(self) -> set[str]:
        """Return the shares that every recipient has completed since the last call."""
        done, self._done = self._done, set()
        return done

    def record_announce(self, announced: PeerAnnounced, share: ShareRecord) -> None:
        """Record what a recipient of a share announced to the tracker."""
        row = self._records.get(share.id, {}).get(announced.user)
        if row is not None and not row.revoked:
            self._advance(row, min(announced.left, share.size), announced.at, share.name)

    async def run(self, seeding: Callable[[], Collection[ShareRecord]]) -> None:
        """Read the live connections of seeded shares and save the progress of recipients, until cancelled."""
        beat = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            live = self._engine.all_progress()
            crowded = {info_hash for info_hash, progress in live.items() if progress.peers}
            # Thousands of shares without a peer are the usual state of an idle agent.
            for share in seeding() if crowded or self._rates else ():
                if share.info_hash in crowded:
                    with isolate_errors(f"look at the peers of “{for_display(share.name)}”"):
                        await self._look_at_peers(share)
                elif self._rates.pop(share.id, None):
                    self._changed.notify()
            beat += 1
            if beat * LOOK_SECONDS >= SAVE_SECONDS:
                beat = 0
                with contextlib.suppress(SystemFailed):  # a full disk; it is retried
                    await self.save()

    async def save(self) -> None:
        """Save what recipients have announced since the last save.

        Raises:
            SystemFailed: the disk refused; it is kept for the next save.
        """
        async with self._saving:
            rows = dict(self._unsaved)
            if rows:
                await self._store.run(lambda database: database.save(*rows.values()))
                for place, row in rows.items():
                    if self._unsaved.get(place) is row:
                        del self._unsaved[place]

    def _drop_unsaved(self, share: str) -> None:
        for place in [place for place in self._unsaved if place[0] == share]:
            del self._unsaved[place]

    async def _look_at_peers(self, share: ShareRecord) -> None:
        try:
            peers = await self._engine.peers(InfoHash(share.info_hash))
        except NotFound:
            return
        rates: dict[str, int] = {}
        for peer in peers:
            if user := self.user_of(share.id, peer):
                rates[user] = rates.get(user, 0) + peer.rate_up
                self._note_peer(share, user, peer)
        if rates != self._rates.get(share.id):
            self._rates[share.id] = rates
            self._changed.notify()

    def _note_peer(self, share: ShareRecord, user: str, peer: Peer) -> None:
        row = self._records.get(share.id, {}).get(user)
        if row is not None and not row.revoked:
            # Only the tracker hears that nothing is missing: a peer has its pieces before they are on its disk.
            left = max(1, round(share.size * (1 - peer.fraction)))
            self._advance(row, left, self._clock.now(), share.name)

    def _advance(self, row: RecipientRecord, left: int, at: int, name: str) -> None:
        """Record progress. A client may restart, so `left` may grow; `completed` is never unset."""
        done = left == 0 and not row.completed
        newer = replace(
            row,
            remaining=0 if row.completed else left,
            opened=row.opened or at,
            completed=at if done else row.completed,
            seen=max(row.seen, at),
        )
        if newer != row:
            self._unsaved[row.share, row.user] = newer
            self._index(newer)
        if done:
            _log.info("%s has all of %r", row.user, name)
            self._activity.note(ActivityKind.DELIVERED, name, f"to {row.user}")
            self._note_if_done(row.share)

    def _note_if_done(self, share: str) -> None:
        members = [row for row in self.of(share) if not row.revoked]
        if members and all(row.completed for row in members):
            self._done.add(share)

    def _index(self, record: RecipientRecord) -> None:
        self._records.setdefault(record.share, {})[record.user] = record
        self._changed.notify()


def _is_of(row: RecipientRecord, user: User) -> bool:
    return fold_name(row.user) == fold_name(user.name) or row.holder in user.key_ids
