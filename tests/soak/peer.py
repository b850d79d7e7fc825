"""One of the two users: a home on a small disk, an agent that may die, a clock that may jump."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.agent.disks import full
from tests.agent.homes import Home, make_home
from tests.waiting import wait_until
from tuishare.api.client import AgentClient
from tuishare.errors import TuishareError
from tuishare.home_paths import HOME_VARIABLE
from tuishare.people import User
from tuishare.swarm.ports import free_port

SETTLE = {"after_close": 0.05, "quiet": 0.3, "rescan": 3.0}
"""Seconds; a slow writer must write more often than `quiet`."""
RATE = 3_000_000
"""Bytes per second that each receives at most, so that something is under way when it is revoked."""
_STOP_SECONDS = 60.0
_WAITS = "; waiting for the disk"
_READY = "is running, card"


BYSTANDER = "carol"
"""A user whom both know, each by another key, and who has no agent."""


class Peer:
    """A user with an agent.

    Attributes:
        desk: a folder on the same disk as the drop folder.
        unplanned: the agent's last words, for every time that it ended by itself.
    """

    def __init__(self, root: Path, name: str) -> None:
        """`root`: the folder of all; the disk of this one is mounted already, if it is."""
        self.home: Home = make_home(root, name)
        self.desk = root / name / "desk"
        self.desk.mkdir()
        self.unplanned: list[str] = []
        self._said_before = 0
        self._port = free_port()
        self._clock = root / f"{name}.clock"
        self._log = root / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.set_clock(0)

    @property
    def has_small_disk(self) -> bool:
        """Whether the home is a disk of its own."""
        return self.home.places.files.is_mount()

    def know(self, friend: Home) -> None:
        """Write the user book."""
        self.home.know(friend.user(), User(BYSTANDER, key=os.urandom(32)))

    def configure(self, friend: Home, *, has_links: bool) -> None:
        """Make the drop folder one for the friend; with links, each time at another port."""
        # A port that stays: the envelopes that are under way name it.
        network = {"listen": f"127.0.0.1:{self._port}", "share_addresses": False}
        self.home.configure(
            friend.name,
            settle=SETTLE,
            downloads={"reserve": 1},
            network=network,
            limits={"download": str(RATE)},
            link={"listen": f"127.0.0.1:{free_port()}"} if has_links else {"enabled": False},
        )

    def start(self) -> None:
        """Start the agent; whether it answers is another question."""
        if self._process is not None:
            return
        environment = os.environ | {HOME_VARIABLE: str(self.home.places.files)}
        with self._log.open("ab") as log:
            self._said_before = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.soak.agent", str(self._clock)],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def look_after(self) -> None:
        """Start an agent that has ended by itself again, as systemd would, and remember that it has."""
        if self._process is not None and self._process.poll() is not None:
            self._note_end(self._process.returncode)
            self._process = None
            self.start()

    def _note_end(self, code: int) -> None:
        said = self._log.read_bytes()[self._said_before :].decode(errors="replace").strip()
        if code == -signal.SIGTERM and _READY not in said:
            return  # asked to end before it handled that signal, which is harmless
        self.unplanned.append(f"exit {code}: {' '.join(said.splitlines()[-1:])}")

    def kill(self) -> bool:
        """As ``kill -9``; returns whether there was something to kill."""
        return self._end_now(signal.SIGKILL)

    async def stop(self) -> bool:
        """End the agent in order; returns whether there was one."""
        process = self._process
        if process is None or process.poll() is not None:
            return False
        self._process = None
        process.terminate()
        try:
            await wait_until(lambda: process.poll() is not None, seconds=_STOP_SECONDS)
        except TimeoutError:
            process.kill()
            process.wait()
            self.unplanned.append(f"it did not end within {_STOP_SECONDS:.0f} s")
        else:
            if process.returncode:
                self._note_end(process.returncode)
        return True

    def _end_now(self, number: signal.Signals) -> bool:
        process, self._process = self._process, None
        if process is None:
            return False
        process.send_signal(number)
        process.wait()
        return True

    async def answers(self) -> bool:
        """Whether the agent answers."""
        with contextlib.suppress(TuishareError):
            async with AgentClient(self.home.places.socket) as client:
                await client.status()
                return True
        return False

    async def is_linked(self) -> bool:
        """Whether the agent has a link to each contact, and nothing waits for any of them."""
        with contextlib.suppress(TuishareError):
            async with AgentClient(self.home.places.socket) as client:
                links = await client.links()
                return bool(links) and all(link.since and not link.waiting for link in links)
        return False

    def set_clock(self, seconds: int) -> None:
        """Move the agent's wall clock away from the true time."""
        temporary = self._clock.with_suffix(".new")
        temporary.write_text(str(seconds))
        temporary.replace(self._clock)

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        """Leave no byte free on the disk for as long as the block lasts."""
        with full(self.desk):
            yield

    def count_waits(self) -> int:
        """How often an agent began to wait for its disk."""
        return self._log.read_text(errors="replace").count(_WAITS) if self._log.exists() else 0
