"""The work on one share: it is hashed, sealed and seeded. Each step is recorded before its side effect.

Owns how a step is done. Must not decide which share is worked on, nor when: that is `tuishare.agent.shares.queue`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tuishare.agent.error_isolation import explain
from tuishare.agent.events import ChangeSignal, EventBus, ShareSealed
from tuishare.agent.folders.fingerprint import (
    find_left_out,
    payload_fingerprint,
    tree_fingerprint,
    walk_payload,
)
from tuishare.agent.live import Live, UserBookFile
from tuishare.agent.network.reach_client import ReachAddresses
from tuishare.agent.network.reachability import swarm_contacts
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.shares.transitions import after_hashing, after_payload_change, after_sealing, fail
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.config.model import Config
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.left_out import LeftOut, name_left_out
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.core.share_sealing import SealedShare, salt_of, seal_share
from tuishare.errors import TooManyOpen
from tuishare.net.descriptors import EXHAUSTED_SECONDS
from tuishare.people import Identity, User
from tuishare.sanitize import for_display
from tuishare.swarm import Engine
from tuishare.torrents import Changed, Tree, Version, make_torrent

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hashing:
    """How much of one share is hashed, in bytes."""

    done: int
    total: int


class ShareSealer:
    """Seals shares for their recipients, with the addresses and trackers of the moment."""

    def __init__(
        self,
        settings: Live[Config],
        identity: Live[Identity],
        users: UserBookFile,
        engine: Engine,
        tracker: TrackerService,
        clock: Clock,
        *,
        address_record: Live[bytes],
        reach: Live[ReachAddresses],
    ) -> None:
        """Prepare; `address_record` goes into every envelope unless it is empty, `reach` is where a hub forwards."""
        self._address_record = address_record
        self._reach = reach
        self._settings = settings
        self._identity = identity
        self._users = users
        self._engine = engine
        self._tracker = tracker
        self._clock = clock

    async def seal(self, share: ShareRecord, deliveries: Deliveries) -> tuple[SealedShare, tuple[str, ...]]:
        """Return the envelope of a share with its recipients, and the ``host:port`` addresses that it names."""
        # An envelope cannot be corrected: the answer of a router that was just asked has to be in it.
        await self._engine.wait_for_port_mapping()
        users = await asyncio.to_thread(self._recipients, share, deliveries)
        config, transport = self._settings.current, share.transport
        reach = self._reach.current
        contacts = swarm_contacts(config.network, self._engine, transport, reach.swarm)
        sealed = await asyncio.to_thread(
            lambda: seal_share(
                share,
                users,
                self._identity.current,
                contacts=contacts,
                announce=self._tracker.addresses(config, self._engine, transport, reach.tracker),
                record=self._address_record.current,
                now=self._clock(),
            )
        )
        return sealed, contacts

    def _recipients(self, share: ShareRecord, deliveries: Deliveries) -> list[User]:
        """Return the users it is for now; a revoked user need not be in the user book."""
        users = self._users.read().resolve(deliveries.active_recipients(share))
        return [user for user in users if not deliveries.is_revoked(share.id, user)]


class SharePipeline:
    """Does the steps of shares.

    Attributes:
        hashing: by share id, while its payload is read.
    """

    def __init__(
        self,
        repository: ShareRepository,
        sealer: ShareSealer,
        users: UserBookFile,
        *,
        events: EventBus,
        activity: ActivityLog,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._sealer = sealer
        self._users = users
        self._events = events
        self._activity = activity
        self._changed = changed
        self._clock = clock
        self._failures: dict[str, tuple[tuple[int, ...], str]] = {}
        self.hashing: dict[str, Hashing] = {}

    async def advance(self, share: ShareRecord) -> bool:
        """Do all steps that are left for a share; what goes wrong is recorded with it.

        Returns:
            False when its payload has changed, and has to settle first.
        """
        try:
            await self._do_steps(share)
        except Changed:
            share = self._newest(share)
            await self._repository.stop_seeding(share)
            await self._repository.save(after_payload_change(share))
            return False
        except Exception as error:  # noqa: BLE001 — whatever it is, it is a problem of this share alone
            share = self._newest(share)
            problem = explain(error, f"share “{for_display(share.name)}”")
            await self._repository.stop_seeding(share)
            await self.fail(share, problem.detail, problem.hint)
        return True

    async def _do_steps(self, share: ShareRecord) -> None:
        """Do all steps; a step that finds no descriptor free is retried."""
        while True:
            try:
                if share.step is ShareStep.HASHING:
                    share = await self._hash(share)
                if share.step is ShareStep.SEALING:
                    share = await self._seal(share)
                if share.step is ShareStep.SEEDING and not share.paused:
                    await self._seed(share)
            except TooManyOpen as error:
                _log.info("%s; it is retried", error.detail)
                await asyncio.sleep(EXHAUSTED_SECONDS)
                share = self._newest(share)
            else:
                return

    def _newest(self, share: ShareRecord) -> ShareRecord:
        """Return the record as it was saved last."""
        return self._repository.shares.get(share.id, share)

    async def fail(self, share: ShareRecord, problem: str, hint: str) -> None:
        """Record a problem, and what it was tried with: another try with the same would fail, too."""
        _log.warning("Cannot share %r: %s", share.name, problem)
        self._activity.note(ActivityKind.PROBLEM, share.name, problem)
        stamp = self._users.stamp()
        fingerprint = await asyncio.to_thread(payload_fingerprint, Path(share.path), share.folder)
        self._failures[share.id] = (stamp, fingerprint)
        await self._repository.save(fail(share, problem, hint))

    def predict_failure(self, share: ShareRecord, fingerprint: str) -> bool:
        """Return whether a try with this payload and the present user book has failed already."""
        return self._failures.get(share.id) == (self._users.stamp(), fingerprint)

    async def _hash(self, share: ShareRecord) -> ShareRecord:
        version: Version = 2 if share.transport == "tls" else 1
        show = self._progress_of(share.id)
        ended = threading.Event()

        def work() -> tuple[Tree, bytes, tuple[LeftOut, ...]]:
            tree = walk_payload(Path(share.path), share.folder)
            torrent = make_torrent(
                tree, version=version, progress=show, cancelled=ended.is_set, salt=salt_of(share.id)
            )
            return tree, torrent, find_left_out(tree)

        try:
            tree, torrent, left_out = await asyncio.to_thread(work)
        finally:
            ended.set()  # an agent that stops must not wait for hours of hashing
            self.hashing.pop(share.id, None)
        hashed = after_hashing(share, tree, torrent, self._clock(), left_out)
        if left_out and left_out != share.left_out:
            self._activity.note(ActivityKind.IGNORED, share.name, name_left_out(left_out))
        return await self._repository.save(
            replace(hashed, envelope=hashed.envelope or self._repository.choose_envelope(hashed.name))
        )

    def _progress_of(self, share_id: str) -> Callable[[int, int], None]:
        loop = asyncio.get_running_loop()

        def show(done: int, total: int) -> None:
            self.hashing[share_id] = Hashing(done, total)
            self._changed.notify()

        return lambda done, total: _call_if_running(loop, show, done, total)

    async def _seal(self, share: ShareRecord) -> ShareRecord:
        sealed, contacts = await self._sealer.seal(share, self._repository.deliveries)
        await self._repository.deliveries.set_recipients(share, sealed.recipients)
        if not share.paused:
            # Seeded before any recipient can know of it: one who connects too early waits four seconds.
            await self._seed(share)
        if self._repository.deliveries.needs_reissue(share):
            return share  # a user was revoked meanwhile: this envelope must not be published
        await self._events.publish_and_wait(ShareSealed(share, sealed.envelope))
        sealed_share = await self._repository.save(after_sealing(share, contacts))
        kind = ActivityKind.SHARED if share.kind == "share" else ActivityKind.RENEWED
        self._activity.note(
            kind,
            share.name,
            f"for {', '.join(self._repository.deliveries.active_recipients(share)) or 'no recipients'}",
        )
        return sealed_share

    async def _seed(self, share: ShareRecord) -> None:
        """Join the swarm, unless the payload is no longer what was hashed.

        Raises:
            Changed: it has to settle again.
        """
        tree = await asyncio.to_thread(walk_payload, Path(share.path), share.folder)
        if tree_fingerprint(tree) != share.fingerprint:
            raise Changed(f"{share.name} has changed since it was hashed")
        if not self._repository.is_seeding(share):
            await self._repository.start_seeding(share)


def _call_if_running(
    loop: asyncio.AbstractEventLoop, call: Callable[[int, int], None], done: int, total: int
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, done, total)
