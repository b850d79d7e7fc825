"""Waiting for a condition with a deadline; the one place where tests let time pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")


async def wait_until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Return as soon as the condition holds; fail with its source line when it never does.

    Raises:
        TimeoutError: it did not hold within that many seconds.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 — files and processes have no asyncio.Event
            await asyncio.sleep(0.005)


async def answered(
    ask: Callable[[], Awaitable[_T]], wanted: Callable[[_T], bool], *, seconds: float = 20.0
) -> _T:
    """Ask somebody else until the answer is as wanted; return it.

    Raises:
        TimeoutError: it was not within that many seconds.
    """
    async with asyncio.timeout(seconds):
        while not wanted(answer := await ask()):  # noqa: ASYNC110 — nor has another process
            await asyncio.sleep(0.02)
    return answer


def wait_blocking(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Do as `wait_until` where there is no event loop."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)
