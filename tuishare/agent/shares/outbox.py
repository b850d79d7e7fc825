"""The outbox folder: an envelope appears in it when a share is sealed, and is removed when the share ends.

Owns the files in that folder and their names. Subscribes to the events of shares, as any other way to hand envelopes
over would. Must not know how a share is sealed, nor decide when.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection
from pathlib import Path

from tuishare.agent.cancellation import finish
from tuishare.agent.events import EnvelopeWithdrawn, ShareSealed
from tuishare.agent.live import Live
from tuishare.agent.state.disk_retry import DiskRetry
from tuishare.config.model import Config
from tuishare.core.records import ShareRecord
from tuishare.fs.atomic import ENVELOPE_SUFFIX, envelope_name, free_name, publish
from tuishare.fs.portable_names import fold_file_name

_log = logging.getLogger(__name__)


class Outbox:
    """The outbox of one agent; it follows the events of shares."""

    def __init__(self, settings: Live[Config], outbox_retry: DiskRetry) -> None:
        self._settings = settings
        self._outbox_retry = outbox_retry
        self._alone = asyncio.Lock()
        """Held while a file is written or removed: for an earlier version, that of a later one must not be removed."""

    async def on_sealed(self, event: ShareSealed) -> None:
        """Publish an envelope as soon as the disk allows it."""
        # A write that has begun is finished first: it must not replace the envelope of a later generation.
        await self._outbox_retry.retry_until_written(
            lambda: finish(self._publish(event.share, event.envelope))
        )

    async def on_withdrawn(self, event: EnvelopeWithdrawn) -> None:
        """Remove the envelope of a share, if it is still there."""
        if event.share.envelope:
            await self.remove(event.share)

    async def remove(self, share: ShareRecord, *, is_due: Callable[[], bool] = lambda: True) -> bool:
        """Remove the envelope of a share if that is due once nothing else is written; return whether it was there."""
        async with self._alone:
            try:
                if is_due():
                    await asyncio.to_thread((self._folder / share.envelope).unlink)
                    return True
            except FileNotFoundError:
                pass
            except OSError as error:
                _log.warning("Cannot remove an envelope from the outbox: %s", error.strerror)
        return False

    async def put_back(self, share: ShareRecord, envelope: bytes) -> bool:
        """Publish the newest envelope of a share again; return False if it is there.

        Raises:
            SystemFailed: the disk refused.
        """
        try:
            await finish(self._publish(share, envelope, replace=False))
        except FileExistsError:
            return False
        return True

    async def _publish(self, share: ShareRecord, envelope: bytes, *, replace: bool = True) -> None:
        async with self._alone:
            place = self._folder / share.envelope
            await asyncio.to_thread(publish, place, envelope, mode=0o644, replace=replace, secret=False)

    @property
    def _folder(self) -> Path:
        return self._settings.current.folders.outbox_path


def choose_envelope_name(outbox: Path, name: str, taken: Collection[str]) -> str:
    """Return a file name for the envelope of a share that is free in the outbox.

    It is carried on any stick and by mail, so it has only what all of these take; case tells no two names apart.

    Args:
        outbox: the folder.
        name: of the share.
        taken: names that other shares have or had.
    """
    wanted, others = envelope_name(name), {fold_file_name(other) for other in taken}
    for number in itertools.count(1):
        candidate = (
            wanted if number == 1 else f"{wanted.removesuffix(ENVELOPE_SUFFIX)} ({number}){ENVELOPE_SUFFIX}"
        )
        if fold_file_name(candidate) not in others and free_name(outbox, candidate).name == candidate:
            return candidate
    raise AssertionError("there is always a greater number")
