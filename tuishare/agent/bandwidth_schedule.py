"""The bandwidth schedule: applies the rate limits of the moment to the engine.

Owns when the limits are applied. Must not interpret the schedule: `tuishare.config.schedule` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import datetime
from typing import Final

from tuishare.agent.live import Live
from tuishare.config.model import Config
from tuishare.config.schedule import BandwidthRates
from tuishare.core.clock import Clock
from tuishare.swarm import Engine

_MINUTE: Final = 60.0
_log = logging.getLogger(__name__)


class BandwidthSchedule:
    """Keeps the engine's rate limits in step with settings and time."""

    def __init__(self, settings: Live[Config], engine: Engine, clock: Clock) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._altered = asyncio.Event()
        self._rates = BandwidthRates()

    def take_settings(self) -> None:
        """Apply the limits of changed settings at once."""
        self._apply(self._local_time())
        self._altered.set()

    async def run(self) -> None:
        """Apply the limits at the beginning of each minute, until cancelled.

        The times of a schedule are whole minutes, so none is missed, and a clock that jumps is followed within one.
        """
        while True:
            self._altered.clear()
            now = self._local_time()
            self._apply(now)
            rest = _MINUTE - now.second - now.microsecond / 1e6
            with contextlib.suppress(TimeoutError):
                # Without a schedule, only changed settings change the limits.
                async with asyncio.timeout(rest if self._settings.current.limits.schedule else None):
                    await self._altered.wait()

    def _apply(self, now: datetime) -> None:
        rates = self._settings.current.limits.rates(now)
        if rates != self._rates:
            self._rates = rates
            self._engine.apply(upload_limit=rates.upload, download_limit=rates.download)
            _log.info("Limits are now %s up and %s down", _name(rates.upload), _name(rates.download))

    def _local_time(self) -> datetime:
        return self._clock().astimezone()


def _name(rate: int) -> str:
    return f"{rate:,} bytes/s" if rate else "none"
