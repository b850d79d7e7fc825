"""Two agents whose link ports are open on loopback, and what they did."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.agent.homes import Home, fill
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.core.records import HandoverRecord, HandoverState
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.swarm.ports import free_port

PATIENCE = 60.0
LINK = {"listen": "127.0.0.1:0"}


def link_up(*pairs: tuple[Home, str], **tables: Any) -> None:
    """Write settings with a link port that stays the same when the agent starts again."""
    for home, friend in pairs:
        home.configure(friend, **{"link": {"listen": f"127.0.0.1:{free_port()}"}, **tables})


def received(bob: Home) -> dict[str, bytes]:
    """All that was delivered, by name."""
    folder = bob.downloads / "alice"
    names = os.listdir(folder) if folder.exists() else []
    return {name: (folder / name).read_bytes() for name in names if not name.startswith(".")}


async def carry(alice: Home, bob: Home, name: str) -> None:
    """Carry an envelope from the outbox to the inbox as soon as it is there."""
    envelope = alice.outbox / f"{name}{ENVELOPE_SUFFIX}"
    await wait_until(envelope.exists, seconds=PATIENCE)
    bob.receive(envelope)


async def until_received(bob: Home, *paths: Path) -> None:
    wanted = {path.name: path.read_bytes() for path in paths}
    await wait_until(lambda: received(bob) == wanted, seconds=PATIENCE)


async def become_known(alice: Home, bob: Home) -> Path:
    """Carry one envelope; return its payload."""
    first = fill(alice.drop / "first")
    await carry(alice, bob, "first")
    await until_received(bob, first)
    return first


def handovers(agent: Agent) -> dict[str, HandoverRecord]:
    """What is handed over, by the name of the share."""
    shares = agent._drops.repository.shares.values()
    return {share.name: record for share in shares for record in agent._parts.link.handovers.of(share.id)}


async def until_handed_over(agent: Agent, name: str, state: HandoverState) -> HandoverRecord:
    def reached() -> bool:
        record = handovers(agent).get(name)
        return record is not None and record.state is state

    await wait_until(reached, seconds=PATIENCE)
    return handovers(agent)[name]


async def until_linked(agent: Agent, friend: Home) -> None:
    def is_linked() -> bool:
        links = agent._parts.link.links
        return links is not None and links.get(friend.identity.signer) is not None

    await wait_until(is_linked, seconds=PATIENCE)
