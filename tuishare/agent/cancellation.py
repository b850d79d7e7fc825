"""Work that a cancelled task still finishes, because it must not stay half done.

Owns the waiting only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


async def finish(work: Coroutine[Any, Any, _T]) -> _T:
    """Run `work` to its end, even if the calling task is cancelled meanwhile.

    Raises:
        asyncio.CancelledError: the calling task was cancelled; `work` has ended by then, successfully or not.
        Exception: any exception of `work`.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                continue  # cancelled again
        if not task.cancelled():
            task.exception()  # retrieved, because no task awaits it
        raise
