"""Commands against an agent that says what a test wants; the socket and both ends of the API are real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from tests.api.samples import DOWNLOAD, PEOPLE, SHARE, STATUS, ScriptedAgent
from tests.cli.homes import Person, Result
from tuishare.api.messages import Download, DownloadId, Share, ShareId, Snapshot
from tuishare.api.server import ApiServer


@dataclass(frozen=True, slots=True)
class Served:
    """A person whose agent is scripted."""

    person: Person
    agent: ScriptedAgent

    async def call(self, *words: object, stdin: bytes = b"") -> Result:
        """Run a command to its end while the agent answers."""
        return await asyncio.to_thread(self.person.call, *words, stdin=stdin)


@asynccontextmanager
async def served(person: Person, *entries: Share | Download) -> AsyncIterator[Served]:
    """Serve these shares and downloads."""
    snapshot = Snapshot(
        status=STATUS,
        shares=tuple(entry for entry in entries if isinstance(entry, Share)),
        downloads=tuple(entry for entry in entries if isinstance(entry, Download)),
        people=PEOPLE,
    )
    agent = ScriptedAgent(snapshot)
    server = ApiServer(agent, person.places.socket)
    await server.start()
    try:
        yield Served(person, agent)
    finally:
        await server.stop()


def share(id_: str, name: str = "film.mov", **fields: object) -> Share:
    """A share whose id begins like that."""
    return msgspec.structs.replace(SHARE, id=ShareId(id_.ljust(32, "0")), name=name, **fields)


def download(id_: str, name: str = "contract.pdf", **fields: object) -> Download:
    """A download whose id begins like that."""
    return msgspec.structs.replace(DOWNLOAD, id=DownloadId(id_.ljust(32, "0")), name=name, **fields)
