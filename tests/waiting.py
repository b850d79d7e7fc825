"""Waiting for a condition with a deadline; the one place where tests let time pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def wait_until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Return as soon as the condition holds; fail with its source line when it never does.

    Raises:
        TimeoutError: it did not hold within that many seconds.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 — files and processes have no asyncio.Event
            await asyncio.sleep(0.005)
