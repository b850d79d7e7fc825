"""How many messages of a contact an agent handles in a time, over all links that they have made.

Owns the pace: a contact who sends more is read more slowly, and nothing of theirs is lost. Contents do not count,
because only what is wanted is sent.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from tuishare.net.rate_limit import RateLimit

BURST: Final = 1024
"""Messages of one contact at once; 64 envelopes with all their answers take less than 300."""
RATE: Final = 100.0
"""Messages of one contact a second after that, each of which costs up to 0.3 ms of a core."""
_MOST_CONTACTS: Final = 4096


class MessageRates:
    """The pace of every contact."""

    def __init__(self, burst: int = BURST, rate: float = RATE) -> None:
        """Begin with nothing counted.

        Args:
            burst: messages at once.
            rate: messages a second after that.
        """
        self._pause = 1 / rate
        self._limit = RateLimit[bytes](burst, rate, _MOST_CONTACTS, time.monotonic)

    async def admit(self, contact: bytes) -> None:
        """Count a message of a contact, after waiting until one more may be handled."""
        while not self._limit.take(contact):  # noqa: ASYNC110 — a bucket fills by time, not by an event
            await asyncio.sleep(self._pause)
