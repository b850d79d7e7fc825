"""An agent that is killed like by ``kill -9`` or a power cut, at a point of its work that is named to it.

Run as ``python -m tests.agent.victim MODULE:NAME before|after COUNT``: the process ends without any clean-up when that
function is called, or has returned, for the COUNTth time.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tuishare.agent.daemon import run_agent
from tuishare.paths import find_places


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(function: Callable[..., Any], when: str, count: int) -> Callable[..., Any]:
    """The function, fatal at its `count`th call."""
    calls = 0

    def reached(moment: str) -> None:
        nonlocal calls
        calls += moment == "before"
        if (moment, calls) == (when, count):
            die()

    @functools.wraps(function)
    def call(*args: Any, **more: Any) -> Any:
        reached("before")
        result = function(*args, **more)
        reached("after")
        return result

    @functools.wraps(function)
    async def call_later(*args: Any, **more: Any) -> Any:
        reached("before")
        result = await function(*args, **more)
        reached("after")
        return result

    return call_later if inspect.iscoroutinefunction(function) else call


def arm(point: str, when: str, count: int) -> None:
    module, _, name = point.partition(":")
    owner: Any = importlib.import_module(module)
    *holders, last = name.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    setattr(owner, last, deadly(getattr(owner, last), when, count))


if __name__ == "__main__":
    arm(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    asyncio.run(run_agent(find_places()))
