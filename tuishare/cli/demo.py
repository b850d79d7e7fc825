"""``tuishare demo``: an invitation and a delivery on one machine, between two real agents.

Nothing is moved here: the agents hand everything over by link. Owns two temporary homes and the processes in them; both
are removed at the end, even after an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import filecmp
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from tuishare.api.client import AgentClient
from tuishare.api.messages import (
    Download,
    DownloadState,
    HandoverState,
    InvitationText,
    NewInvitation,
    Share,
    Snapshot,
)
from tuishare.cli.dashboard import require_terminal
from tuishare.cli.engine_runner import run_until_interrupted
from tuishare.cli.spawn_agent import BackgroundAgent, spawn_agent
from tuishare.errors import BadInput, SystemFailed, TuishareError, VerificationFailed, from_os_error
from tuishare.home_paths import HOME_VARIABLE, Places, find_places
from tuishare.presentation.formats import format_percent, format_rate, format_size

_SENDER, _RECIPIENT = "alice", "bob"
_GROUP = "friends"
_INVITATION_SECONDS = 3600
_STOP_SECONDS = 15.0
_LOOK_SECONDS = 2.0
_BLOCK = 1024 * 1024
_SMALL_FILES = {
    "read me.txt": b"Dropped by the demo.\n",
    "grüße/naïve 文.txt": b"Names may be anything that is Unicode.\n",
    "grüße/empty": b"",
}

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoHome:
    """One of the two agents."""

    name: str
    places: Places

    @property
    def drop(self) -> Path:
        """Its only drop folder."""
        return self.places.files / "drop"


def run_demo(size: int, *, tui: bool) -> None:
    """Run the demo and print each step with its time.

    Raises:
        VerificationFailed: the received files differ from those sent.
        TuishareError: a step failed.
        KeyboardInterrupt: Ctrl-C.
    """
    if tui:
        require_terminal()
    if size < 1:
        raise BadInput("The demo needs at least one byte", hint="For example --size 64MiB.")
    with _temporary_folder() as root:
        run_until_interrupted(_demo(root, size, tui=tui))


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="tuishare-demo-"))
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


async def _demo(root: Path, size: int, *, tui: bool) -> None:
    """Make Alice and Bob known to each other, and deliver two payloads from her drop folder."""
    alice, bob = (
        DemoHome(name, find_places({HOME_VARIABLE: str(root / name)})) for name in (_SENDER, _RECIPIENT)
    )
    tell = _narrator()
    for side in (alice, bob):
        _prepare(side)
    tell("Two homes are ready; neither knows a user.")
    async with _running(alice, bob):
        tell("Both agents are running.")
        if tui:
            await _show(alice, bob, size)
        else:
            await _tell_story(alice, bob, size, tell)


def _narrator() -> Tell:
    started = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - started:7.2f} s  {line}", flush=True)

    return tell


async def _tell_story(alice: DemoHome, bob: DemoHome, size: int, tell: Tell) -> None:
    await _make_known(alice, bob, tell)
    payloads = await asyncio.to_thread(_drop, alice, size)
    tell(f"{format_size(size)} and a folder of {len(_SMALL_FILES)} files dropped into {alice.name}'s folder.")
    telling = asyncio.create_task(_tell_handovers(alice, tell))
    try:
        await _until_delivered(bob, len(payloads), tell)
    finally:
        telling.cancel()
    received = bob.places.files / "downloads" / alice.name
    for payload in payloads:
        if not await asyncio.to_thread(_identical, payload, received / payload.name):
            raise VerificationFailed(f"{payload.name} is not identical after delivery")
    tell("All files are identical, byte for byte.")


def _prepare(side: DemoHome) -> None:
    """Give a side settings and a drop folder for a group that has no member yet."""
    side.places.prepare()
    side.drop.mkdir()
    settings = {
        "name": side.name,
        # The demo cannot be reached from other machines.
        "network": {"listen": "127.0.0.1:0", "share_addresses": False},
        "tracker": {"listen": "127.0.0.1:0"},
        "link": {"listen": "127.0.0.1:0"},
        "drop": [{"path": str(side.drop), "users": [f"@{_GROUP}"]}],
        "notifications": {"desktop": False},
    }
    side.places.config_file.write_text(tomli_w.dumps(settings))


async def _make_known(inviter: DemoHome, joiner: DemoHome, tell: Tell) -> None:
    """Do what `tuishare invite --to @friends` and `tuishare join` do."""
    async with AgentClient.of_home(inviter.places) as client:
        until = int(time.time()) + _INVITATION_SECONDS
        invitation = await client.invite(NewInvitation(groups=(_GROUP,), until=until))
    tell(f"{inviter.name} invites: {invitation.text[:40]}…")
    async with AgentClient.of_home(joiner.places) as client:
        joined = await client.join(InvitationText(text=invitation.text))
    tell(f"{joiner.name} joins; each is verified for the other, and both may compare: {joined.words}.")


@contextlib.asynccontextmanager
async def _running(*sides: DemoHome) -> AsyncIterator[None]:
    """Run the agents of both sides during the block; Ctrl-C reaches them only through this process."""
    agents: list[BackgroundAgent] = []
    try:
        # A generator: agents started before one fails are in the list.
        agents.extend(spawn_agent(side.places, side.places.files) for side in sides)
        for agent in agents:
            await agent.until_answering()
        yield
    finally:
        # Blocking on purpose: no process may be left, even if this one is interrupted again.
        for agent in agents:
            agent.process.terminate()
        for agent in agents:
            _await_end(agent.process)


def _await_end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    process.kill()
    process.wait()


def _drop(side: DemoHome, size: int) -> list[Path]:
    big, small = side.drop / "film.mov", side.drop / "small files"
    try:
        with big.open("wb") as file:
            for offset in range(0, size, _BLOCK):
                file.write(os.urandom(min(_BLOCK, size - offset)))
        for name, content in _SMALL_FILES.items():
            (small / name).parent.mkdir(parents=True, exist_ok=True)
            (small / name).write_bytes(content)
    except OSError as error:
        raise from_os_error(error, f"write the demo's files to {side.drop}") from error
    return [big, small]


async def _tell_handovers(side: DemoHome, tell: Tell) -> None:
    """Follow the agent, and tell when it has handed an envelope over."""
    told: set[str] = set()
    async with AgentClient.of_home(side.places) as client:
        async for event in client.events():
            for share in event.shares:
                if share.id not in told and _is_handed_over(share):
                    told.add(share.id)
                    tell(f"{side.name}'s agent has handed the encrypted torrent of {share.name} over.")


def _is_handed_over(share: Share) -> bool:
    return any(each.handover.state is HandoverState.HANDED_OVER for each in share.deliveries)


async def _until_delivered(side: DemoHome, count: int, tell: Tell) -> None:
    """Follow the agent until `count` downloads are complete.

    Raises:
        SystemFailed: one was rejected or has a problem.
    """
    downloads: dict[str, Download] = {}
    complete: set[str] = set()
    async with AgentClient.of_home(side.places) as client:
        async for event in client.events():
            news = event.downloads
            if isinstance(event, Snapshot):
                downloads.clear()
            for download in news:
                downloads[download.id] = download
                _tell_news(download, side, complete, tell)
            if len(complete) == count:
                return


def _tell_news(download: Download, side: DemoHome, complete: set[str], tell: Tell) -> None:
    match download.state:
        case DownloadState.COMPLETE if download.id not in complete:
            complete.add(download.id)
            tell(f"{side.name} has {download.name} ({format_size(download.size)}), verified.")
        case DownloadState.DOWNLOADING if download.rate_down:
            done, rate = format_percent(download.progress), format_rate(download.rate_down)
            tell(f"{side.name} is at {done} of {download.name}, {rate}.")
        case DownloadState.REJECTED | DownloadState.PROBLEM | DownloadState.LOCKED | DownloadState.WAITING:
            raise SystemFailed(f"{side.name} did not accept {download.name}: {download.detail}")
        case _:
            pass


def _identical(sent: Path, received: Path) -> bool:
    """Compare two files, or two folders file by file, reading all of both."""
    if sent.is_file():
        return received.is_file() and filecmp.cmp(sent, received, shallow=False)
    names = {path.relative_to(sent) for path in sent.rglob("*") if path.is_file()}
    found = {path.relative_to(received) for path in received.rglob("*") if path.is_file()}
    return names == found and all(filecmp.cmp(sent / name, received / name, shallow=False) for name in names)


async def _show(alice: DemoHome, bob: DemoHome, size: int) -> None:
    """Show both dashboards until the user quits, with each step below, and print all steps at the end.

    Raises:
        KeyboardInterrupt: the user quit before everything had arrived.
    """
    from tuishare.tui.demo_view import DemoSide, DemoView
    from tuishare.tui.tab_models import DOWNLOADS, SHARES

    lines: list[str] = []
    async with AgentClient.of_home(alice.places) as sender, AgentClient.of_home(bob.places) as recipient:
        view = DemoView(
            DemoSide(
                "Alice shares",
                "Files in her drop folder are sealed for Bob and handed over.",
                sender,
                SHARES,
            ),
            DemoSide("Bob receives", "Bob's agent opens the envelope and downloads.", recipient, DOWNLOADS),
        )

        def tell(line: str) -> None:
            lines.append(line)
            view.tell(line)

        story = asyncio.create_task(_tell_slowly(alice, bob, size, tell))
        try:
            await view.run_async()
            finished = story.done()
        finally:
            story.cancel()
            print("\n".join(lines))
            # Raise its error now that the screen is free.
            with contextlib.suppress(asyncio.CancelledError):
                await story
    if not finished:
        raise KeyboardInterrupt


async def _tell_slowly(alice: DemoHome, bob: DemoHome, size: int, tell: Tell) -> None:
    """Run the demo for a spectator: announce it, pause before it starts, and show the error if it fails."""
    tell("Alice and Bob do not know each other. In a moment she invites Bob and drops a film and a folder.")
    await asyncio.sleep(_LOOK_SECONDS)
    try:
        await _tell_story(alice, bob, size, tell)
    except TuishareError as error:
        tell(f"{error.detail}. Press q to quit.")
        raise
    tell("Everything has arrived, identical byte for byte. Press q to quit.")
