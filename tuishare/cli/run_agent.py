"""``tuishare agent``: the agent in the foreground.

Owns what its process is set up with. Imports nothing that only other commands need: this one stays for weeks.
"""

from __future__ import annotations

import asyncio
import os

from tuishare.agent.daemon import run_agent
from tuishare.agent.process.log_format import open_logbook
from tuishare.agent.process.malloc import limit_arenas
from tuishare.home_paths import find_places
from tuishare.net.descriptors import raise_descriptor_limit


def run_foreground(*, verbose: bool) -> None:
    """Run the agent until it is told to stop.

    Raises:
        TuishareError: as `tuishare.agent.daemon.run_agent`.
    """
    limit_arenas()
    raise_descriptor_limit()
    open_logbook(verbose=verbose)
    os.umask(0o077)
    asyncio.run(run_agent(find_places()))
