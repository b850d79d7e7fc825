"""Whole agents to measure: processes of their own in temporary homes, with a link or a carrier between them."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.agent.homes import Home, introduce, make_home
from tests.waiting import answered
from tuishare.api.client import AgentClient
from tuishare.api.messages import InvitationText, NewInvitation
from tuishare.cli.spawn_agent import BackgroundAgent, spawn_agent
from tuishare.config.model import SettleSettings
from tuishare.fs.atomic import ENVELOPE_SUFFIX

LINK = {"listen": "127.0.0.1:0"}
_PAUSE = 0.001
_STOP_SECONDS = 30


def default_settle() -> dict[str, float]:
    """The default waits; the homes of the tests have shorter ones."""
    return {name: getattr(SettleSettings(), name) for name in SettleSettings.__struct_fields__}


def make_friends(root: Path, **tables: Any) -> tuple[Home, Home]:
    """Create two homes whose drop folders are shared with each other, with the default waits.

    Args:
        root: the folder for both.
        tables: of the settings, for both; `link=LINK` for agents that `connect` is to link.
    """
    alice, bob = make_home(root, "alice"), make_home(root, "bob")
    introduce(alice, bob)
    for home, friend in ((alice, bob), (bob, alice)):
        home.configure(friend.name, settle=default_settle(), **tables)
    return alice, bob


async def connect(inviter: Home, joiner: Home) -> None:
    """Tell two running agents where the other is, by an invitation, and wait until they have a link."""
    async with AgentClient(inviter.places.socket) as one, AgentClient(joiner.places.socket) as other:
        made = await one.invite(NewInvitation(until=int(time.time()) + 3600))
        await other.join(InvitationText(text=made.text))
        await answered(
            one.links, lambda links: any(link.user == joiner.name and link.since for link in links)
        )


@asynccontextmanager
async def runner(home: Home, *, descriptors: int = 0) -> AsyncIterator[BackgroundAgent]:
    """Run the agent of a home for as long as the block lasts; `descriptors`: its hard limit, 0 for ours."""
    agent = spawn_agent(home.places, home.places.files)
    try:
        if descriptors:  # it is still loading, and reads the limit later
            resource.prlimit(agent.process.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
        await agent.until_answering()
        yield agent
    finally:
        end(agent.process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process, and kill it if it does not end."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def carrying(sender: Home, pipeline: Home) -> Iterator[None]:
    """Move every envelope from one outbox to the other's inbox as soon as it appears."""
    ended = threading.Event()

    def carry() -> None:
        while not ended.wait(_PAUSE):
            for name in os.listdir(sender.outbox):
                if name.endswith(ENVELOPE_SUFFIX):
                    with contextlib.suppress(FileNotFoundError):  # withdrawn in this moment
                        pipeline.receive(sender.outbox / name)

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def seconds_until(condition: Callable[[], bool], *, since: float, limit: float = 120.0) -> float:
    """Wait for a condition; return the seconds from a moment of `time.perf_counter` until it was true.

    Raises:
        TimeoutError: it did not, within so many seconds.
    """
    while not condition():
        if time.perf_counter() - since > limit:
            raise TimeoutError(f"nothing after {limit:.0f} s")
        time.sleep(_PAUSE)
    return time.perf_counter() - since
