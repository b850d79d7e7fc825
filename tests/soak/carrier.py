"""Carries envelopes from one outbox to the other inbox, in order and without losses, even if the disks are full."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from pathlib import Path

from tests.soak.peer import Peer
from tuishare.fs.atomic import ENVELOPE_SUFFIX

_PAUSE = 0.02


class Carrier:
    """One direction."""

    def __init__(self, sender: Peer, pipeline: Peer) -> None:
        self._outbox, self._inbox = sender.home.outbox, pipeline.home.inbox
        # On the sender's disk: taking an envelope is one rename, so a newer one of that name is never lost.
        self._bag = sender.desk / "bag"
        self._bag.mkdir()
        self._taken = 0

    @property
    def is_idle(self) -> bool:
        """Whether everything that was taken has been handed over, and nothing waits to be taken."""
        return not any(self._bag.iterdir()) and not self._waiting()

    async def run(self) -> None:
        """Carry until cancelled."""
        while True:
            self._take()
            for taken in sorted(self._bag.iterdir()):
                if not self._hand_over(taken):
                    break  # the pipeline's disk is full; what follows has to wait as well
            await asyncio.sleep(_PAUSE)

    def _waiting(self) -> list[Path]:
        return [path for path in self._outbox.iterdir() if path.name.endswith(ENVELOPE_SUFFIX)]

    def _take(self) -> None:
        for envelope in sorted(self._waiting(), key=_age):
            self._taken += 1
            with contextlib.suppress(OSError):  # withdrawn in this moment, or nothing may be changed there
                envelope.rename(self._bag / f"{self._taken:06} {envelope.name}")

    def _hand_over(self, taken: Path) -> bool:
        partial = self._inbox / ".carried"
        try:
            shutil.copyfile(taken, partial)
        except OSError:
            partial.unlink(missing_ok=True)
            return False
        partial.rename(self._inbox / taken.name.partition(" ")[2])
        taken.unlink()
        return True


def _age(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return 0
