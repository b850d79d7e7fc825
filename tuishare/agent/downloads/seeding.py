"""Seeding of delivered payloads to the other recipients, as long as the settings demand.

Owns when that begins and ends. Must not decide whether a payload is still what was delivered:
`tuishare.agent.downloads.inventory` and `tuishare.agent.downloads.payload_watch` do.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from tuishare.agent.context import Context
from tuishare.agent.downloads.conflicts import TorrentClaims
from tuishare.agent.downloads.inventory import Condition, inspect
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.error_isolation import isolate_errors
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import TuishareError
from tuishare.sanitize import for_display
from tuishare.torrents import InfoHash

_DAY: Final = 86_400
_log = logging.getLogger(__name__)


class Seeding:
    """Seeds delivered payloads in their places."""

    def __init__(self, context: Context, repository: DownloadRepository, claims: TorrentClaims) -> None:
        self._context = context
        self._repository = repository
        self._claims = claims

    async def begin(self, record: DownloadRecord) -> None:
        """Seed a complete download, if the payload is still what was delivered; the repository's lock is held.

        A payload that the user has moved or edited is theirs: the engine must neither seed nor repair it. If that is
        doubtful, `tuishare.agent.downloads.payload_watch` compares it first. A failure does not undo the delivery.
        """
        if (claimed := await self._claims.claim(record)) is None:
            return
        record = claimed
        if record.unwanted or self._is_over(record):
            return  # in a partial payload, the engine would take the rest to be missing
        target = Path(record.path)
        match await asyncio.to_thread(inspect, target, record.fingerprint):
            case Condition.CHANGED:
                self._repository.mark_altered(record)
                return
            case Condition.DOUBTFUL:
                self._repository.mark_doubtful(record)
                return
            case Condition.INTACT:
                self._repository.clear_doubtful(record)
        if target.name != record.name:
            return  # its own name was taken, and the engine seeds it under no other
        try:
            resume = await self._context.store.run(lambda database: database.resume_data(record.info_hash))
            await self._repository.join_swarm(record, target.parent, complete=True, resume_data=resume)
        except TuishareError as error:
            _log.warning("Cannot seed %r: %s", record.name, error.detail)

    async def end(self) -> None:
        """Leave the swarms of what was seeded for long enough, or often enough."""
        async with self._repository.lock:
            for record in list(self._repository.downloads.values()):
                if record.step is DownloadStep.COMPLETE:
                    with isolate_errors(f"end seeding “{for_display(record.name)}”"):
                        await self._end(record)

    async def _end(self, record: DownloadRecord) -> None:
        if self._is_over(record):
            await self._repository.leave_swarm(record)
        elif self._is_seeded_enough(record):
            # The count continues after a restart: what is seeded enough leaves again at once.
            await self._repository.leave_swarm(record, keep_progress=True)

    def _is_over(self, record: DownloadRecord) -> bool:
        days = self._context.settings.current.downloads.seed_days
        return self._context.now() >= (record.completed or record.added) + days * _DAY

    def _is_seeded_enough(self, record: DownloadRecord) -> bool:
        ratio = self._context.settings.current.downloads.seed_ratio
        if not ratio or not self._repository.is_joined(record):
            return False
        uploaded = self._context.engine.progress(InfoHash(record.info_hash)).uploaded
        return uploaded >= ratio * record.size
