"""An agent as a separate process.

Owns starting it and waiting until it answers. Must not decide when it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.api.client import AgentClient
from tuishare.errors import AgentUnreachable, SystemFailed
from tuishare.home_paths import HOME_VARIABLE, Places

_START_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 0.03


@dataclass(frozen=True, slots=True)
class BackgroundAgent:
    """An agent that was started; made by `spawn_agent`.

    Attributes:
        process: in a session of its own: Ctrl-C on this terminal does not reach it.
        places: of its home.
        said_before: size of its log at the start, bytes.
    """

    process: subprocess.Popen[bytes]
    places: Places
    said_before: int

    async def until_answering(self) -> None:
        """Wait until it answers on its socket.

        Raises:
            SystemFailed: it ended, with its own error, or does not answer in time.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(AgentUnreachable):
                async with AgentClient.of_home(self.places) as client:
                    await client.status()
                    return
            if self.process.poll() is not None:
                raise SystemFailed(self._last_words(), hint=f"The log is {self.places.log_file}.")
            await asyncio.sleep(_PAUSE_SECONDS)
        raise SystemFailed("The agent does not answer in time", hint=f"The log is {self.places.log_file}.")

    def _last_words(self) -> str:
        """Return the error with which the agent ended, from its log."""
        said = self.places.log_file.read_bytes()[self.said_before :].decode(errors="replace").splitlines()
        sentences = [line.removeprefix("tuishare: ") for line in said if line.startswith("tuishare: ")]
        return sentences[-1] if sentences else "The agent ended as soon as it was started"


def spawn_agent(places: Places, home: Path | None = None) -> BackgroundAgent:
    """Start an agent that continues after this process.

    Takes a few milliseconds, so it may be called on an event loop: a thread would lose the process if the call were
    cancelled. Processes of `asyncio` would be killed with its loop.

    Args:
        places: of the agent's home; its folders exist.
        home: its ``TUISHARE_HOME``; None: that of this process.
    """
    environment = os.environ if home is None else {**os.environ, HOME_VARIABLE: str(home)}
    descriptor = os.open(places.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab") as log:
        said_before = log.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "tuishare", "agent"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return BackgroundAgent(process, places, said_before)
