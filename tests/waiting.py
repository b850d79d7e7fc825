"""Waiting for a condition with a deadline; the one place where tests let time pass."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")


async def wait_until(condition: Callable[[], bool], *, seconds: float = 20.0, every: float = 0.005) -> None:
    """Return as soon as the condition holds; fail with its source line when it never does.

    Args:
        condition: what is waited for.
        seconds: the deadline.
        every: seconds between two looks.

    Raises:
        TimeoutError: it did not hold within that many seconds.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 — files and processes have no asyncio.Event
            await asyncio.sleep(every)


async def answered(
    ask: Callable[[], Awaitable[_T]],
    wanted: Callable[[_T], bool],
    *,
    seconds: float = 20.0,
    every: float = 0.02,
) -> _T:
    """Ask somebody else until the answer is as wanted; return it.

    Args:
        ask: asks once.
        wanted: whether that was the answer.
        seconds: the deadline.
        every: seconds between an answer and the next question.

    Raises:
        TimeoutError: it was not within that many seconds.
    """
    async with asyncio.timeout(seconds):
        while not wanted(answer := await ask()):  # noqa: ASYNC110 — nor has another process
            await asyncio.sleep(every)
    return answer


def wait_blocking(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Do as `wait_until` where there is no event loop."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)


def is_listening(path: Path) -> bool:
    """Whether a process takes connections on a Unix socket; its file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.fspath(path))
        except OSError:
            return False
        return True
