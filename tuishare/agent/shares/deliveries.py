"""The delivery board: who holds a ticket of which share, and how far he is with it.

Owns the records of the recipients and what is known of them right now: the tracker tells who a peer is, a live
connection how fast he is. Must not decide who is a recipient, nor serve anybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Final

from tuishare.agent.context import Context
from tuishare.agent.error_isolation import isolate_errors
from tuishare.core.activity import ActivityKind
from tuishare.core.records import RecipientRecord, ShareRecord
from tuishare.errors import NotFound, SystemFailed
from tuishare.people import User, fold_name
from tuishare.sanitize import for_display
from tuishare.swarm import Peer
from tuishare.torrents import InfoHash
from tuishare.tracker import PeerAnnounced

SAVE_SECONDS: Final = 5.0
"""How often what recipients told is saved; a crash loses that much, and they tell it again."""
LOOK_SECONDS: Final = 1.0
"""How often live connections are looked at."""
_log = logging.getLogger(__name__)


class Deliveries:
    """The recipients of every share."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._board: dict[str, dict[str, RecipientRecord]] = {}
        self._rates: dict[str, dict[str, int]] = {}
        self._unsaved: dict[tuple[str, str], RecipientRecord] = {}
        self._done: set[str] = set()
        self._excluded: set[tuple[str, str]] = set()
        """Who is being taken out of which share: it counts at once, and for good when `revoke` has recorded it."""
        self._recording = asyncio.Lock()
        """Held while the board is written: what was read before must not undo what was recorded meanwhile."""

    async def load(self, shares: Collection[str]) -> None:
        """Read what the last run knew of these shares; tickets of others are left as they are."""
        for record in await self._context.store.run(lambda database: database.all_recipients()):
            if record.share in shares:
                self._show(record)

    def of(self, share: str) -> tuple[RecipientRecord, ...]:
        """Who holds or held a ticket of a share, in the order of their names."""
        return tuple(self._board.get(share, {}).values())

    def find(self, share: str, user: str) -> RecipientRecord:
        """One person's place on the board.

        Raises:
            NotFound: that share was never sealed for him.
        """
        try:
            return self._board[share][user]
        except KeyError:
            raise NotFound(
                "This share is not for that user", hint="`tuishare show` says who has a ticket."
            ) from None

    def shares_of(self, user: str) -> list[str]:
        """The shares that a user holds a ticket of."""
        return [share for share, rows in self._board.items() if user in rows and not rows[user].revoked]

    def passkeys(self, share: str) -> dict[bytes, str]:
        """The passkey hashes that are good for a share, and whose they are."""
        return {
            row.passkey_hash: row.user
            for row in self.of(share)
            if not row.revoked and (share, row.user) not in self._excluded
        }

    def revoked(self, share: str) -> frozenset[str]:
        """Who was taken out of a share."""
        return frozenset(row.user for row in self.of(share) if row.revoked)

    def active_recipients(self, share: ShareRecord) -> tuple[str, ...]:
        """Whom a share is for, users and ``@group``s as configured, without those who were taken out by name."""
        out = set(map(fold_name, self.revoked(share.id)))
        return tuple(name for name in share.recipients if fold_name(name) not in out)

    def is_revoked(self, share: str, user: User) -> bool:
        """Whether somebody was taken out of a share, whatever he is called now."""
        return any(row.revoked and _is_of(row, user) for row in self.of(share))

    def would_lose_access(self, share: str, users: Collection[User]) -> tuple[str, ...]:
        """Who has a ticket of a share that is good, and is none of these users, whatever they are called now."""
        return tuple(
            row.user
            for row in self.of(share)
            if not row.revoked and not any(_is_of(row, user) for user in users)
        )

    def needs_reissue(self, share: ShareRecord) -> bool:
        """Whether a user was taken out of a share and could still join it with the tickets that are good now."""
        return any(
            (row.revoked and row.until >= share.generation) or (share.id, row.user) in self._excluded
            for row in self.of(share.id)
        )

    def rate(self, share: str, user: str) -> int:
        """Bytes per second that we send somebody now."""
        return self._rates.get(share, {}).get(user, 0)

    def user_of(self, share: str, peer: Peer) -> str:
        """Who a live connection is, or empty while nobody can tell.

        Its peer id was announced by somebody; if by several, who lie, its address decides.
        """
        claims = [seen for seen in self._context.tracker.swarm_of(share) if seen.peer_id == peer.peer_id]
        users = {seen.user for seen in claims}
        if len(users) > 1:
            users = {seen.user for seen in claims if peer.host in seen.hosts}
        return users.pop() if len(users) == 1 else ""

    async def set_recipients(self, share: ShareRecord, sealed: Iterable[RecipientRecord]) -> None:
        """Record who is to hold a ticket of a share, before it is given out; those who were taken out stay listed.

        Whoever was taken out while it was sealed is not let in again. New tickets for the same content leave it as it
        is how far their holders are.
        """
        async with self._recording:
            board = self._board.get(share.id, {})
            rows = {row.user: row for row in board.values() if row.revoked}
            for row in sealed:
                known = board.get(row.user)
                if known is not None and share.kind == "renew":
                    row = replace(known, passkey_hash=row.passkey_hash, sealed=row.sealed, holder=row.holder)  # noqa: PLW2901
                rows.setdefault(row.user, row)
            await self._context.store.change(
                lambda database: database.set_recipients(share.id, rows.values())
            )
            self._board[share.id] = rows
            self._drop_unsaved(share.id)
        self._context.changed.notify()

    def exclude(self, share: str, user: str) -> bool:
        """Let a user be out of a share from now on, although that is not recorded yet.

        Returns:
            False when it is recorded that they are out.

        Raises:
            NotFound: that share was never sealed for them.
        """
        if self.find(share, user).revoked:
            return False
        self._excluded.add((share, user))
        return True

    async def revoke(self, share: ShareRecord, user: str) -> bool:
        """Record that a user is out of a share.

        Returns:
            False when they were out already.

        Raises:
            NotFound: that share was never sealed for them.
        """
        async with self._recording:
            row = self.find(share.id, user)
            if row.revoked:
                return False
            gone = replace(row, revoked=self._context.now(), until=share.generation)
            await self._context.store.change(lambda database: database.save(gone))
            self._unsaved.pop((share.id, user), None)
            self._rates.get(share.id, {}).pop(user, None)
            self._show(gone)
            self._excluded.discard((share.id, user))
            self._look_whether_done(share.id)
        return True

    def forget(self, share: str) -> None:
        """Forget everybody of a share that is no more."""
        self._excluded = {place for place in self._excluded if place[0] != share}
        self._board.pop(share, None)
        self._rates.pop(share, None)
        self._drop_unsaved(share)

    def record_completed(self) -> set[str]:
        """Give, once, the shares that have come to be with everybody since this was asked before."""
        done, self._done = self._done, set()
        return done

    def record_announce(self, announced: PeerAnnounced, share: ShareRecord) -> None:
        """Take note of what a recipient of that share told the tracker."""
        row = self._board.get(share.id, {}).get(announced.user)
        if row is not None and not row.revoked:
            self._advance(row, min(announced.left, share.size), announced.at, share.name)

    async def run(self, served: Callable[[], Collection[ShareRecord]]) -> None:
        """Look at the live connections of what is served, and save what became known, until cancelled."""
        beat = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            live = self._context.engine.all_progress()
            crowded = {info_hash for info_hash, progress in live.items() if progress.peers}
            for share in served():
                if share.info_hash in crowded:
                    with isolate_errors(f"look who is connected for “{for_display(share.name)}”"):
                        await self._look_at(share)
                elif self._rates.pop(share.id, None):
                    self._context.changed.notify()
            beat += 1
            if beat * LOOK_SECONDS >= SAVE_SECONDS:
                beat = 0
                with contextlib.suppress(SystemFailed):  # a full disk; it is tried again
                    await self.save()

    async def save(self) -> None:
        """Save what recipients told since.

        Raises:
            SystemFailed: the disk refused; it is kept for another try.
        """
        async with self._recording:
            rows = dict(self._unsaved)
            if rows:
                await self._context.store.run(lambda database: database.save(*rows.values()))
                for place, row in rows.items():
                    if self._unsaved.get(place) is row:
                        del self._unsaved[place]

    def _drop_unsaved(self, share: str) -> None:
        for place in [place for place in self._unsaved if place[0] == share]:
            del self._unsaved[place]

    async def _look_at(self, share: ShareRecord) -> None:
        try:
            peers = await self._context.engine.peers(InfoHash(share.info_hash))
        except NotFound:
            return
        rates: dict[str, int] = {}
        for peer in peers:
            if user := self.user_of(share.id, peer):
                rates[user] = rates.get(user, 0) + peer.rate_up
                self._take_peer(share, user, peer)
        if rates != self._rates.get(share.id):
            self._rates[share.id] = rates
            self._context.changed.notify()

    def _take_peer(self, share: ShareRecord, user: str, peer: Peer) -> None:
        row = self._board.get(share.id, {}).get(user)
        if row is not None and not row.revoked:
            # That nothing is missing is for the tracker to hear: a peer has its pieces before they are on its disk.
            left = max(1, round(share.size * (1 - peer.fraction)))
            self._advance(row, left, self._context.now(), share.name)

    def _advance(self, row: RecipientRecord, left: int, at: int, name: str) -> None:
        """Somebody may begin anew, so what is left may grow; what was complete once stays so."""
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
            self._show(newer)
        if done:
            _log.info("%s has all of %r", row.user, name)
            self._context.activity.note(ActivityKind.DELIVERED, name, f"to {row.user}")
            self._look_whether_done(row.share)

    def _look_whether_done(self, share: str) -> None:
        members = [row for row in self.of(share) if not row.revoked]
        if members and all(row.completed for row in members):
            self._done.add(share)

    def _show(self, record: RecipientRecord) -> None:
        self._board.setdefault(record.share, {})[record.user] = record
        self._context.changed.notify()


def _is_of(row: RecipientRecord, user: User) -> bool:
    return fold_name(row.user) == fold_name(user.name) or row.holder in user.key_ids
