"""The free space of the downloads folder, as the status shows it.

Owns when it is measured: on a thread, because a network drive that is away does not answer. Must not decide anything by
it; a download measures the space that it needs itself.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Final

from tuishare.agent.live import Live
from tuishare.config.model import Config

MEASURE_SECONDS: Final = 5.0


class FreeSpace:
    """The free space of one agent's downloads folder.

    Attributes:
        free: bytes, as measured last; 0 if unknown.
    """

    def __init__(self, settings: Live[Config]) -> None:
        self._settings = settings
        self.free = 0

    async def run(self) -> None:
        """Measure every five seconds until cancelled."""
        while True:
            self.free = await asyncio.to_thread(_measure, self._settings.current.folders.downloads_path)
            await asyncio.sleep(MEASURE_SECONDS)


def _measure(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
