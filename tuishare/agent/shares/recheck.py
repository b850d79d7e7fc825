"""Recheck: a payload that was written to although its fingerprint is the same is compared with its hashes.

Owns that comparison. A page of a mapped file may be written long after the file's time was set (mmap(2)), and some file
systems keep no time of the last change. Must not hash: a payload that has changed settles again, and
`tuishare.agent.shares.queue` has it hashed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from tuishare.agent.folders.fingerprint import tree_fingerprint, walk_payload
from tuishare.agent.shares.repository import ShareRepository
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.errors import TuishareError
from tuishare.torrents import Changed, is_payload_of

_SHARE_OF_TIME: Final = 20
"""A share is read again only after this many times the time that reading took, so that it costs 5 % at most."""
_log = logging.getLogger(__name__)


class Rechecker:
    """Compares shares with their hashes, one at a time."""

    def __init__(
        self,
        repository: ShareRepository,
        rescan: Callable[[Path], None],
        settle_again: Callable[[ShareRecord], Awaitable[bool]],
    ) -> None:
        """Prepare.

        Args:
            repository: the shares.
            rescan: called with an entry whose times changed meanwhile.
            settle_again: called with a share whose payload is no longer what was hashed.
        """
        self._repository = repository
        self._rescan = rescan
        self._settle_again = settle_again
        self._due: dict[str, float] = {}
        self._rests: dict[str, float] = {}
        self._woken = asyncio.Event()

    def request(self, path: Path) -> None:
        """Have a seeded share compared soon; one that waits for that already is compared once."""
        share = self._repository.find(path)
        if share is not None and share.step is ShareStep.SEEDING:
            self._due.setdefault(share.id, self._rests.get(share.id, 0.0))
            self._woken.set()

    async def run(self) -> None:
        """Compare what was requested, until cancelled."""
        ended = threading.Event()
        try:
            while True:
                self._woken.clear()
                for share_id in [known for known, due in self._due.items() if due <= time.monotonic()]:
                    del self._due[share_id]
                    if (share := self._repository.shares.get(share_id)) and share.step is ShareStep.SEEDING:
                        await self._check(share, ended)
                await self._sleep()
        finally:
            ended.set()  # an agent that stops must not wait for hours of reading

    async def _sleep(self) -> None:
        pause = min(self._due.values()) - time.monotonic() if self._due else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause if pause is None else max(0.0, pause)):
                await self._woken.wait()

    async def _check(self, share: ShareRecord, ended: threading.Event) -> None:
        started = time.monotonic()
        try:
            same = await asyncio.to_thread(is_whole, share, ended)
        except Changed:
            same = True
            self._rescan(Path(share.path))
        except TuishareError as error:
            same = True  # it cannot be read, which the scan of its folder shows
            _log.info("Cannot read %r again: %s", share.name, error.detail)
        now = time.monotonic()
        self._rests[share.id] = now + _SHARE_OF_TIME * (now - started)
        if not same and await self._settle_again(share):
            _log.info("%r has changed, although its times have not", share.name)


def is_whole(share: ShareRecord, ended: threading.Event) -> bool:
    """Return whether the payload of a share fits its hashes. Blocking, until it is read or `ended` is set.

    Raises:
        Changed: its fingerprint differs, so it has to settle in any case.
        TuishareError: it cannot be read.
    """
    tree = walk_payload(Path(share.path), share.folder)
    if tree_fingerprint(tree) != share.fingerprint:
        raise Changed(f"{share.name} has changed since it was hashed")
    return is_payload_of(share.torrent, tree, cancelled=ended.is_set)
