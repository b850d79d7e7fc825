"""An agent whose wall clock can be moved while it runs; monotonic clocks stay unchanged, as when a user sets the clock.

Run as ``python -m tests.soak.agent FILE``, which holds the seconds to add. The clock of OpenSSL stays right, so jumps
have to remain within what tickets allow for (`tuishare.swarm.certificates.CLOCK_SKEW`).
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import sys
import time
from pathlib import Path
from typing import Self

from tuishare.agent import context
from tuishare.agent.daemon import run_agent
from tuishare.home_paths import find_places
from tuishare.swarm import engine

_true_time = time.time


class Shifted(datetime.datetime):
    """The clock that our modules read."""

    offset_file = Path()

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Self:
        """As the base, moved."""
        return cls.fromtimestamp(_true_time() + cls.offset(), tz)

    @classmethod
    def offset(cls) -> float:
        """Seconds to add now; 0 while the file is being written."""
        return float(cls.offset_file.read_text() or 0)


def move_clocks() -> None:
    """Replace Python's wall clock."""
    for module in (context, engine):
        module.datetime = Shifted  # type: ignore[attr-defined]
    time.time = lambda: _true_time() + Shifted.offset()


if __name__ == "__main__":
    Shifted.offset_file = Path(sys.argv[1])
    move_clocks()
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)d %(levelname)s %(name)s %(message)s")
    asyncio.run(run_agent(find_places()))
