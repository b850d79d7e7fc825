"""Sealing again what went out with keys that hold no longer: our own former identity, or somebody's former key.

Owns what is still to be sealed again. Our own rotation is noted on disk before the new identity exists, so whatever a
crash leaves undone is done after the next start. Must not seal: that is `tuishare.agent.keeping`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from tuishare.agent.context import Context
from tuishare.agent.keeping import Keeper
from tuishare.agent.records import ShareStep
from tuishare.agent.shelf import Shelf
from tuishare.errors import NotFound, Refused
from tuishare.people import is_rotated, settle_rotation

AGAIN_SECONDS: Final = 0.5
"""How soon a share that was being worked on is tried again."""

_OUT: Final = frozenset({ShareStep.SEALING, ShareStep.SEEDING, ShareStep.PROBLEM})
"""All others are sealed anew before anybody is served again."""
_log = logging.getLogger(__name__)


class Resealing:
    """Brings shares in step with the keys of their sender and recipients."""

    def __init__(self, context: Context, shelf: Shelf, keeper: Keeper) -> None:
        self._context = context
        self._shelf = shelf
        self._keeper = keeper
        self._waiting: set[str] = set()
        self._some = asyncio.Event()

    def take_rotation(self) -> None:
        """Seal everything again if our identity was replaced; the store has been loaded."""
        if is_rotated(self._context.places.identity_file):
            self.order(self._shelf.shares)
            self._some.set()

    def order(self, shares: Iterable[str]) -> None:
        """Seal these again."""
        self._waiting.update(shares)
        self._some.set()

    async def run(self) -> None:
        """Seal what is to be sealed again until cancelled."""
        self.take_rotation()
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                for share in sorted(self._waiting):
                    await self._try(share)
                if self._waiting:
                    await asyncio.sleep(AGAIN_SECONDS)
            await asyncio.to_thread(settle_rotation, self._context.places.identity_file)

    async def _try(self, share_id: str) -> None:
        share = self._shelf.shares.get(share_id)
        if share is not None and share.step in _OUT:
            try:
                await self._keeper.renew(share_id)
            except Refused:
                return  # it is being worked on, perhaps with the former keys
            except NotFound:
                pass  # it was forgotten meanwhile
        self._waiting.discard(share_id)
