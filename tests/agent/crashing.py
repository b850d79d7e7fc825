"""Kills an agent on its journey, at any point that is wanted, and sees what becomes of it.

The homes are put back to where the journey begins after every crash. Files of payload are put back by their own inode,
because an agent knows its payload by that; everything else is copied.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from tests.agent.agent_pairs import come_to_rest, running
from tests.agent.homes import Home
from tests.agent.journeys import PATIENCE, Journey, ask, make_pair


@contextlib.asynccontextmanager
async def beginning(kind: type[Journey], root: Path) -> AsyncIterator[Stage]:
    """A journey that can be begun as often as is wanted."""
    journey = kind(make_pair(root))
    async with journey.prepared():
        yield Stage(journey, root)


class Stage:
    """Where a journey begins, again and again."""

    def __init__(self, journey: Journey, root: Path) -> None:
        self.journey = journey
        self._home = journey.home.places.files
        self._kept = root / "kept"
        self._log = root / "point"
        for home in journey.homes:
            _copy(home.places.files, self._kept / home.name, home)

    async def kill_at(self, point: int) -> str:
        """Begin the journey, be killed at a point of it, go on without another crash, and check.

        Returns:
            The name of the point; empty when the journey has fewer.

        Raises:
            AssertionError: something was lost, doubled or half done.
            TimeoutError: it did not come to its end.
        """
        for home in self.journey.homes:
            shutil.rmtree(home.places.files)
            _copy(self._kept / home.name, home.places.files, home)
        async with self.journey.accompanied():
            if not (name := await self._run_victim(point)):
                return ""
            self.journey.check_halfway()
            async with running(self.journey.home) as agent, asyncio.timeout(PATIENCE):
                await ask(self.journey)
                await come_to_rest(agent)
                await self.journey.come_to_end(agent)
                self.journey.check(agent)
            return name

    async def _run_victim(self, point: int) -> str:
        self._log.write_text("")
        environment = {**os.environ, "TUISHARE_HOME": str(self._home)}
        arguments = (sys.executable, "-m", "tests.agent.killed_agent", str(point), str(self._log))
        victim = await asyncio.create_subprocess_exec(
            *arguments, env=environment, stderr=asyncio.subprocess.DEVNULL
        )
        asking = asyncio.create_task(ask(self.journey))
        dying = asyncio.create_task(victim.wait())
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.wait({asking, dying}, return_when=asyncio.FIRST_COMPLETED)
                if not dying.done():
                    # At its end: what comes when an agent is told to stop are points, too.
                    with contextlib.suppress(ProcessLookupError):  # it died just now
                        # Not `send_signal`: it takes the exit code of one that just died from whoever waits for it.
                        os.kill(victim.pid, signal.SIGTERM)
                code = await dying
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            if victim.returncode is None:
                victim.kill()
                await victim.wait()
        assert code in {0, -signal.SIGKILL, -signal.SIGTERM}, code
        return self.point

    @property
    def point(self) -> str:
        """The name of the point at which the last victim died; empty when it did not."""
        return self._log.read_text()


def _copy(source: Path, target: Path, home: Home) -> None:
    payload = {home.drop.name, home.downloads.name}

    def link_or_copy(one: str, other: str) -> None:
        if payload.intersection(Path(one).relative_to(source).parts[:1]):
            os.link(one, other, follow_symlinks=False)
        else:
            shutil.copy2(one, other, follow_symlinks=False)

    shutil.copytree(
        source, target, symlinks=True, copy_function=link_or_copy, ignore=shutil.ignore_patterns("*.sock")
    )
