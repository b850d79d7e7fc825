"""The outbox folder: an envelope appears in it when a share is sealed, and is removed when the share ends.

Owns the files in that folder and their names. Subscribes to the events of shares, as any other way to hand envelopes
over would. Must not know how a share is sealed, nor decide when.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Final

from tuishare.agent.cancellation import finish
from tuishare.agent.events import EnvelopeWithdrawn, ShareSealed
from tuishare.agent.live import Live
from tuishare.agent.state.disk_retry import DiskRetry
from tuishare.config.model import Config
from tuishare.fs.atomic import ENVELOPE_SUFFIX, free_name, publish

_NAME_LIMIT: Final = 255 - len(ENVELOPE_SUFFIX) - len(" (9999)")  # bytes
_log = logging.getLogger(__name__)


class Outbox:
    """The outbox of one agent; its methods are subscribed to the events of shares."""

    def __init__(self, settings: Live[Config], outbox_retry: DiskRetry) -> None:
        self._settings = settings
        self._outbox_retry = outbox_retry

    async def on_sealed(self, event: ShareSealed) -> None:
        """Publish an envelope as soon as the disk allows it."""
        envelope = self._folder / event.share.envelope
        # A write that has begun is finished first: it must not replace the envelope of a later generation.
        await self._outbox_retry.retry_until_written(
            lambda: finish(asyncio.to_thread(publish, envelope, event.envelope, mode=0o644))
        )

    async def on_withdrawn(self, event: EnvelopeWithdrawn) -> None:
        """Remove the envelope of a share, if it is still there."""
        if event.share.envelope:
            envelope = self._folder / event.share.envelope
            try:
                await asyncio.to_thread(envelope.unlink, missing_ok=True)
            except OSError as error:
                _log.warning("Cannot remove an envelope from the outbox: %s", error.strerror)

    @property
    def _folder(self) -> Path:
        return self._settings.current.folders.outbox_path


def choose_envelope_name(outbox: Path, name: str, taken: Collection[str]) -> str:
    """Return a file name for the envelope of a share that is free in the outbox.

    Args:
        outbox: the folder.
        name: of the share.
        taken: names that other shares have or had.
    """
    stem = name.encode()[:_NAME_LIMIT].decode(errors="ignore")
    number = 1
    while True:
        candidate = f"{stem}{ENVELOPE_SUFFIX}" if number == 1 else f"{stem} ({number}){ENVELOPE_SUFFIX}"
        if candidate not in taken and free_name(outbox, candidate).name == candidate:
            return candidate
        number += 1
