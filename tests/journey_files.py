"""The files that a journey runs through, for the lists in docs/architecture.md.

``python -m tests.journey_files`` goes each journey with whole agents, notes in which modules a function is called
meanwhile, on whatever thread, and writes the lists; a test compares them with what is there. Of `agent` and `core`
every module counts; of each other room its face, whatever is behind it. Left out is what only shows a state that has
changed, because the script looks at it again and again: `agent/service/state_view` and `agent/service/views`.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, make_home
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.client import AgentClient
from tuishare.api.messages import DownloadState, ShareId, ShareState, UserNamed

ROOT: Final = Path(__file__).parent.parent
PLACE: Final = ROOT / "docs" / "architecture.md"
PACKAGE: Final = ROOT / "tuishare"
SHOWING: Final = {"agent/service/state_view.py", "agent/service/views.py"}
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
        return sorted({str(path.relative_to(PACKAGE)) for path in inside} - SHOWING)

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if self.on and event == "call":
            self._called.add(frame.f_code.co_filename)


def count(modules: list[str]) -> tuple[list[str], list[str]]:
    """Split into the modules of `agent` and `core`, and the other rooms."""
    inside = [module for module in modules if module.startswith(("agent/", "core/"))]
    rooms = {Path(module).parts[0].removesuffix(".py") for module in modules if module not in inside}
    return inside, sorted(rooms)


async def go(recorder: Recorder, root: Path) -> Iterator[tuple[str, list[str]]]:
    """Go the journeys."""
    alice, bob, carol = (make_home(root, name) for name in ("alice", "bob", "carol"))
    alice.know(bob.user(), carol.user())
    alice.configure("bob", "carol")
    bob.know(alice.user())
    found: list[tuple[str, list[str]]] = []
    async with running(alice) as sender, AgentClient(alice.places.socket) as client:
        await asyncio.sleep(_QUIET)
        recorder.start()
        fill(alice.drop / "x")
        await wait_until(lambda: [share.state for share in sender.view.shares()] == [ShareState.SEEDING])
        found.append(("drop → seeded", recorder.stop()))
        async with _receiving(bob) as recipient:
            recorder.start()
            bob.receive(alice.outbox / "x.torrent.encrypted")
            await wait_until(
                lambda: [each.state for each in recipient.view.downloads()] == [DownloadState.COMPLETE]
            )
            found.append(("envelope → delivered", recorder.stop()))
            await asyncio.sleep(_QUIET)
            found.append(("revoke → cut", await _revoke(recorder, sender, client)))
    return iter(found)


@asynccontextmanager
async def _receiving(home: Home) -> AsyncIterator[Agent]:
    async with running(home) as agent:
        await asyncio.sleep(_QUIET)
        yield agent


async def _revoke(recorder: Recorder, sender: Agent, client: AgentClient) -> list[str]:
    """Revoke through the API; the journey ends when the user is disconnected."""
    commands, found = sender._parts.sharing.commands, []
    disconnect = commands.disconnect

    async def disconnect_and_stop(share: str, user: str) -> None:
        await disconnect(share, user)
        if recorder.on:
            found.extend(recorder.stop())

    setattr(commands, "disconnect", disconnect_and_stop)  # noqa: B010 — a method is replaced
    (share,) = sender.view.shares()
    recorder.start()
    await client.revoke_from_share(ShareId(share.id), UserNamed(name="bob"))
    return found


def render(text: str, journeys: Iterator[tuple[str, list[str]]]) -> str:
    """A document with the present lists."""
    rows, lists = [], []
    for name, modules in journeys:
        inside, rooms = count(modules)
        rows.append(f"| {name} | {len(inside) + len(rooms)} | {len(inside)} | {len(rooms)} |")
        lists += ["", f"{name}: " + ", ".join(f"`{module}`" for module in [*inside, *rooms])]
    chapter = "\n".join(
        ["| journey | files | of them in `agent` and `core` | rooms |", "|---|---|---|---|", *rows, *lists]
    )
    text, replaced = re.subn(
        f"{re.escape(_BEGIN)}.*?{re.escape(_END)}",
        lambda _: f"{_BEGIN}\n{chapter}\n{_END}",
        text,
        flags=re.DOTALL,
    )
    assert replaced == 1
    return text


if __name__ == "__main__":
    recorder = Recorder()
    threading.setprofile(recorder)
    sys.setprofile(recorder)
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        journeys = asyncio.run(go(recorder, Path(folder)))
    print(render(f"{_BEGIN}{_END}", journeys))
