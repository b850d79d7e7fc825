"""The files that a journey runs through, for the lists in docs/architecture.md.

``python -m tests.journey_files`` goes each journey with a whole agent, records in which modules a function is called
meanwhile, on whatever thread, and writes the lists; a test checks that they name modules that exist. Of `agent` and
`core` every module counts; of each other room its face, whatever is behind it.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.agent.agent_pairs import running
from tests.agent.homes import fill, make_home
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.client import AgentClient
from tuishare.api.messages import ShareId, ShareState, UserNamed
from tuishare.core.records import DownloadRecord, DownloadStep, ShareStep

ROOT: Final = Path(__file__).parent.parent
PLACE: Final = ROOT / "docs" / "architecture.md"
PACKAGE: Final = ROOT / "tuishare"
_BEGIN: Final = "<!-- files of the journeys: python -m tests.journey_files -->"
_END: Final = "<!-- end of files of the journeys -->"
_QUIET: Final = 3.0  # seconds until an agent has nothing left to do


class Recorder:
    """Notes the modules in which functions are called while it is on."""

    def __init__(self) -> None:
        self.on = False
        self._called: set[str] = set()

    def start(self) -> None:
        self._called.clear()
        self.on = True

    def stop(self) -> list[str]:
        self.on = False
        inside = (path for path in map(Path, self._called) if path.is_relative_to(PACKAGE))
        return sorted({str(path.relative_to(PACKAGE)) for path in inside})

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if self.on and event == "call":
            self._called.add(frame.f_code.co_filename)


def count(modules: list[str]) -> tuple[list[str], list[str]]:
    """Split into the modules of `agent` and `core`, and the other rooms."""
    inside = [module for module in modules if module.startswith(("agent/", "core/"))]
    rooms = {Path(module).parts[0].removesuffix(".py") for module in modules if module not in inside}
    return inside, sorted(rooms)


async def go(recorder: Recorder, root: Path) -> list[tuple[str, list[str]]]:
    """Go the journeys; the agent at the other end of a swarm is another process, which is not recorded."""
    alice, bob, carol = (make_home(root, name) for name in ("alice", "bob", "carol"))
    alice.know(bob.user(), carol.user())
    alice.configure("bob", "carol")
    bob.know(alice.user())
    found = []
    async with running(alice) as sender, AgentClient(alice.places.socket) as client:
        await asyncio.sleep(_QUIET)
        shares = sender._parts.sharing.repository
        recorder.start()
        fill(alice.drop / "x")
        await wait_until(lambda: [share.step for share in shares.seeding()] == [ShareStep.SEEDING])
        found.append(("drop → seeded", recorder.stop()))
        await asyncio.sleep(_QUIET)
        revoked = await _revoke(recorder, sender, client)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tuishare", "agent"), env=os.environ | {"TUISHARE_HOME": str(root / "alice")}
    )
    try:
        async with running(bob) as recipient:
            fill(alice.drop / "y")
            await wait_until((alice.outbox / "y.torrent.encrypted").exists, seconds=30)
            await asyncio.sleep(_QUIET)
            downloads = recipient._parts.inbox.repository
            recorder.start()
            bob.receive(alice.outbox / "y.torrent.encrypted")
            await wait_until(lambda: any(map(downloads.is_joined, _complete(downloads.downloads.values()))))
            found.append(("envelope → delivered", recorder.stop()))
    finally:
        process.terminate()
        await process.wait()
    return [*found, ("revoke → cut", revoked)]


def _complete(downloads: Iterable[DownloadRecord]) -> list[DownloadRecord]:
    return [download for download in downloads if download.step is DownloadStep.COMPLETE]


async def _revoke(recorder: Recorder, sender: Agent, client: AgentClient) -> list[str]:
    """Revoke through the API; the journey ends when the user is disconnected."""
    commands = sender._parts.sharing.commands
    disconnect = commands.disconnect
    found: list[str] = []

    async def disconnect_and_stop(share: str, user: str) -> None:
        await disconnect(share, user)
        if recorder.on:
            found.extend(recorder.stop())

    setattr(commands, "disconnect", disconnect_and_stop)  # noqa: B010 — a method is replaced
    (share,) = sender.view.shares()
    recorder.start()
    await client.revoke_from_share(ShareId(share.id), UserNamed(name="carol"))
    await wait_until(
        lambda: (
            sender.view.shares()[0].state is ShareState.SEEDING and not sender._parts.sharing.queue._at_work
        )
    )
    return found


def tabulate(journeys: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    """The lines of the chapter: a table of the numbers, then the lists."""
    lists = []
    yield "| journey | files | of them in `agent` and `core` | other rooms |"
    yield "|---|---|---|---|"
    for name, modules in journeys:
        inside, rooms = count(modules)
        yield f"| {name} | {len(inside) + len(rooms)} | {len(inside)} | {len(rooms)} |"
        lists += ["", f"{name}: {', '.join(f'`{module}`' for module in [*inside, *rooms])}."]
    yield from lists


def render(text: str, journeys: Iterable[tuple[str, list[str]]]) -> str:
    """A document with these lists."""
    chapter = "\n".join([_BEGIN, *tabulate(journeys), _END])
    text, found = re.subn(
        f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", lambda _: chapter, text, flags=re.DOTALL
    )
    assert found == 1, f"{PLACE} has no place for the lists"
    return text


def listed(text: str) -> dict[str, list[str]]:
    """The lists of a document, by journey."""
    (chapter,) = re.findall(f"{re.escape(_BEGIN)}(.*?){re.escape(_END)}", text, re.DOTALL)
    lists = re.findall(r"^(\w+ → \w+): (.*)\.$", chapter, re.MULTILINE)
    return {name: re.findall(r"`([^`]+)`", modules) for name, modules in lists}


if __name__ == "__main__":
    recorder = Recorder()
    threading.setprofile(recorder)
    sys.setprofile(recorder)
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        journeys = asyncio.run(go(recorder, Path(folder)))
    PLACE.write_text(render(PLACE.read_text(), journeys))
