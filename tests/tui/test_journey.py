"""From two empty homes to a delivered file, by keys alone: two real agents, two dashboards."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import tomli_w
from textual import events
from textual.pilot import Pilot

from tests.tui.fakes import until
from tuishare.api.client import AgentClient
from tuishare.api.messages import DownloadState, Snapshot
from tuishare.cli.spawn_agent import spawn_agent
from tuishare.fs.flag_file import FlagFile
from tuishare.home_paths import HOME_VARIABLE, Places, find_places
from tuishare.tui.live_app import HomeDashboard
from tuishare.tui.screens.add_user import AddUserScreen
from tuishare.tui.screens.first_run import FoldersScreen, NameScreen, SummaryScreen
from tuishare.tui.screens.folder import FolderScreen
from tuishare.tui.screens.main_screen import MainScreen

SETTINGS = {
    "network": {"listen": "127.0.0.1:0", "share_addresses": False},
    "tracker": {"listen": "127.0.0.1:0", "listen_plain": ""},
    "link": {"enabled": False},
    "notifications": {"desktop": False},
}


@asynccontextmanager
async def agent_at(home: Path) -> AsyncIterator[Places]:
    """A new home and its agent; only the ports are set, so that two agents fit on one machine."""
    places = find_places({HOME_VARIABLE: str(home)})
    places.prepare()
    places.config_file.write_text(tomli_w.dumps(SETTINGS))
    agent = spawn_agent(places, places.files)
    try:
        await agent.until_answering()
        yield places
    finally:
        agent.process.terminate()
        agent.process.wait(20)


class Seat:
    """A user at their dashboard."""

    def __init__(self, app: HomeDashboard, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def snapshot(self) -> Snapshot:
        assert self.app.view.snapshot is not None
        return self.app.view.snapshot

    async def until_on(self, screen: type) -> None:
        await until(self.pilot, lambda: type(self.app.screen) is screen, seconds=20)

    async def introduce_himself(self, name: str) -> str:
        """Go through the first run; return the clipboard."""
        await self.until_on(NameScreen)
        await self.pilot.press("home", *["delete"] * 40, *name, "enter")
        await self.until_on(FoldersScreen)
        await self.pilot.press("ctrl+s")
        await self.until_on(SummaryScreen)
        await until(self.pilot, lambda: self.snapshot.status.name == name, seconds=20)
        await self.pilot.press("tab", "tab", "enter", "escape")
        await self.until_on(MainScreen)
        return self.app.clipboard

    async def add(self, pasted: str, name: str) -> None:
        """Paste a card that was sent, compare the words, and add the user as verified."""
        await self.pilot.press("3", "n")
        await self.until_on(AddUserScreen)
        self.app.post_message(events.Paste(pasted))
        await until(self.pilot, lambda: self.app.screen.query_one("#same").display, seconds=20)
        await self.pilot.press("ctrl+y")
        await self.until_on(MainScreen)
        await until(
            self.pilot, lambda: [user.name for user in self.snapshot.people.users] == [name], seconds=20
        )
        assert self.snapshot.people.users[0].verified

    async def add_folder(self, path: Path) -> None:
        await self.pilot.press("4", "n")
        await self.until_on(FolderScreen)
        await self.pilot.press(*str(path), "tab", "space", "ctrl+s")
        await self.until_on(MainScreen)
        await until(self.pilot, lambda: self.snapshot.status.drop_folders, seconds=20)


@asynccontextmanager
async def seated(places: Places) -> AsyncIterator[Seat]:
    async def start() -> None: ...

    async with AgentClient(places.socket) as client:
        app = HomeDashboard(client, client, start, FlagFile(places.first_run_file))
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: app.view.snapshot is not None, seconds=20)
            yield Seat(app, pilot)


def find_envelopes(folder: Path) -> list[Path]:
    return list(folder.glob("*.encrypted"))


async def test_from_nothing_to_delivered() -> None:
    with TemporaryDirectory(prefix="tuishare-") as root:
        async with contextlib.AsyncExitStack() as stack:
            alice = await stack.enter_async_context(agent_at(Path(root) / "a"))
            bob = await stack.enter_async_context(agent_at(Path(root) / "b"))
            async with seated(bob) as seat:
                from_bob = await seat.introduce_himself("bob")
            film = Path(root) / "film"
            async with seated(alice) as seat:
                from_alice = await seat.introduce_himself("alice")
                await seat.add(from_bob, "bob")
                await seat.add_folder(film)
                film.mkdir(exist_ok=True)
                (film / "dailies.mov").write_bytes(bytes(range(256)) * 4000)
                outbox = Path(seat.snapshot.status.outbox)
                await until(seat.pilot, lambda: find_envelopes(outbox), seconds=40)
                [envelope] = find_envelopes(outbox)
            async with seated(bob) as seat:
                await seat.add(from_alice, "alice")
                envelope.rename(Path(seat.snapshot.status.inbox) / envelope.name)
                await until(
                    seat.pilot,
                    lambda: [one.state for one in seat.snapshot.downloads] == [DownloadState.COMPLETE],
                    seconds=40,
                )
                delivered = Path(seat.snapshot.status.downloads) / "alice" / "dailies.mov"
            assert delivered.read_bytes() == (film / "dailies.mov").read_bytes()
