"""How much content all links of an agent may be receiving at a time.

Owns the count. Requests are served in their order, so a large envelope is not overtaken for ever by small ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from tuishare.link.messages import MOST_CONTENT

_TOTAL: Final = 64 * 1024 * 1024


class ContentBudget:
    """Bytes that may be in memory, reserved before they are wanted."""

    def __init__(self, total: int = _TOTAL) -> None:
        """Begin with nothing reserved.

        Args:
            total: bytes, enough for the largest envelope.
        """
        assert total >= MOST_CONTENT
        self._free = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def free(self) -> int:
        """Bytes that are not reserved."""
        return self._free

    async def reserve(self, size: int) -> None:
        """Wait until that many bytes are free, and reserve them."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(size)
            else:
                self._waiting = deque(each for each in self._waiting if each[1] is not turn)
                self._serve()
            raise

    def release(self, size: int) -> None:
        """Give reserved bytes back."""
        self._free += size
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            size, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._free -= size
                turn.set_result(None)
