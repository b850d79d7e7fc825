"""An agent that is killed like by ``kill -9``, at a point of its work.

Run as ``python -m tests.agent.killed_agent MODULE:NAME before|after COUNT``: the process ends without any clean-up
when that function is called, or has returned, for the COUNTth time. Run as ``python -m tests.agent.killed_agent POINT
LOG``: it ends at the POINTth of all points there are, before and after every call of what is in `POINTS`, and writes
the name of that point into the file LOG first; 0 is never reached.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuishare.agent.daemon import run_agent
from tuishare.config.model import load_config
from tuishare.home_paths import find_places

POINTS = (
    "tuishare.core.database:Database.save",
    "tuishare.core.database:Database.admit",
    "tuishare.core.database:Database.record_rejection",
    "tuishare.core.database:Database.renew",
    "tuishare.core.database:Database.set_recipients",
    "tuishare.core.database:Database.delete_share",
    "tuishare.core.database:Database.queue_handovers",
    "tuishare.core.database:Database.cancel_handovers",
    "tuishare.core.database:Database.save_arrival",
    "tuishare.core.database:Database.save_address_record",
    "tuishare.agent.link.invitations:take_use",
    "tuishare.agent.link.invitations:keep_try",
    "tuishare.agent.link.joins:delete_join",
    "tuishare.agent.link.received_introductions:settle_introductions",
    "tuishare.core.database:Database.forget_resume",
    "tuishare.core.database:Database.save_resume",
    "tuishare.agent.shares.pipeline:make_torrent",
    "tuishare.agent.shares.pipeline:seal_share",
    "tuishare.agent.downloads.reuse:_copy",
    "tuishare.fs.atomic:_write_synced",
    "tuishare.fs.atomic:fsync_folder",
    "tuishare.agent.downloads.files:fsync_tree",
    "tuishare.swarm.engine:Engine.add",
    "tuishare.swarm.engine:Engine.remove",
    "tuishare.swarm.engine:Engine.flush",
    "pathlib:Path.rename",
    "pathlib:Path.replace",
    "pathlib:Path.unlink",
    "pathlib:Path.mkdir",
    "pathlib:Path.touch",
    "shutil:rmtree",
    "os:link",
    "os:unlink",
    "os:rmdir",
)
"""Whatever changes something that outlives the process, and the slow work between."""

LINK_POINTS = ("tuishare.link.connection:ChannelStream.write",)
"""What others learn, for an agent with links: each message of ours."""

_lock = threading.Lock()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def watched(function: Callable[..., Any], reach: Callable[[str], None]) -> Callable[..., Any]:
    """The function; `reach` is told before and after each call."""

    @functools.wraps(function)
    def call(*args: Any, **more: Any) -> Any:
        reach("before")
        result = function(*args, **more)
        reach("after")
        return result

    @functools.wraps(function)
    async def call_later(*args: Any, **more: Any) -> Any:
        reach("before")
        result = await function(*args, **more)
        reach("after")
        return result

    return call_later if inspect.iscoroutinefunction(function) else call


def arm(point: str, reach: Callable[[str], None]) -> None:
    module, _, name = point.partition(":")
    owner: Any = importlib.import_module(module)
    *holders, last = name.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    setattr(owner, last, watched(getattr(owner, last), reach))


def arm_one(point: str, when: str, count: int) -> None:
    """Die at the `count`th call of one function."""
    calls = itertools.count(1)

    def reach(moment: str) -> None:
        if moment == when and next(calls) == count:
            die()

    arm(point, reach)


def arm_all(number: int, log: Path) -> None:
    """Die at the `number`th of all points."""
    reached = itertools.count(1)

    def reach(point: str, moment: str) -> None:
        with _lock:
            if next(reached) == number:
                log.write_text(f"{moment} {point.rpartition(':')[2]}")
                die()

    has_links = load_config(find_places()).link.enabled
    for point in (*POINTS, *(LINK_POINTS if has_links else ())):
        arm(point, functools.partial(reach, point))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        arm_all(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        arm_one(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    asyncio.run(run_agent(find_places()))
