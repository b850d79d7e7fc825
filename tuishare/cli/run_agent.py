"""``tuishare agent``: the agent in the foreground.

Owns the setup of its process. Imports nothing that only other commands need, because it runs for weeks.
"""

from __future__ import annotations

import asyncio
import os

from tuishare.agent.daemon import run_agent
from tuishare.agent.process.log_format import start_logging
from tuishare.agent.process.malloc import limit_arenas
from tuishare.home_paths import find_places
from tuishare.net.descriptors import raise_descriptor_limit


def run_foreground(*, verbose: bool) -> None:
    """Run the agent until it is stopped.

    Raises:
        TuishareError: as `tuishare.agent.daemon.run_agent`.
    """
    limit_arenas()
    raise_descriptor_limit()
    start_logging(verbose=verbose)
    os.umask(0o077)
    asyncio.run(run_agent(find_places()))
