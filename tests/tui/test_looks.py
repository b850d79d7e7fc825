"""Pictures of whole screens. After a wanted change: look at the new ones, then run with --snapshot-update."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.api.samples import DOWNLOAD, NOW, SHARE
from tests.tui.fakes import CALM, GONE, Clock, FakeAgent, dashboard, snapshot, until
from tests.tui.widgets.test_panes import WHOLE
from tuishare.api.messages import (
    Delivery,
    DeliveryState,
    Download,
    DownloadId,
    DownloadState,
    Share,
    ShareId,
    ShareState,
    Snapshot,
)
from tuishare.fs.flag_file import FlagFile
from tuishare.tui.live_app import HomeDashboard
from tuishare.tui.screens.first_run import NameScreen
from tuishare.tui.theme import LIGHT, PLAIN
from tuishare.tui.view import Connected, Lost

Look = Callable[..., bool]
SMALL, LARGE, HUGE = (80, 24), (120, 40), (200, 60)
ALIKE = 5
"""Equal pictures in a row that make a screen a settled one."""


def share(number: int, name: str, state: ShareState = ShareState.SEEDING, **fields: object) -> Share:
    plain = {"id": ShareId(f"s{number}"), "name": name, "state": state, "added": NOW - number * 3600}
    quiet = {"rate_up": 0, "deliveries": ()}
    return msgspec.structs.replace(SHARE, **(plain | quiet | fields))


def delivery(user: str, state: DeliveryState, progress: float) -> Delivery:
    return Delivery(user=user, state=state, progress=progress)


CREW = (
    delivery("bob", DeliveryState.COMPLETE, 1.0),
    delivery("carol", DeliveryState.DOWNLOADING, 0.61),
    delivery("dan", DeliveryState.DOWNLOADING, 0.24),
    delivery("erin", DeliveryState.NOT_OPENED, 0.0),
    delivery("frank", DeliveryState.REVOKED, 0.12),
)

SHARES = (
    share(1, "dailies-11-21", rate_up=11_900_000, deliveries=CREW),
    share(2, "contract-v3.pdf", ShareState.HASHING, progress=0.64, size=1_200_000, recipients=("bob",)),
    share(3, "raw-scan.tif", ShareState.SETTLING, size=4_100_000_000),
    share(4, "archive-2019", ShareState.PAUSED, size=812 * 10**9, deliveries=CREW[:1], recipients=("carol",)),
    share(5, "budget.xlsx", ShareState.PROBLEM, detail="changed on disk", hint="Drop it again"),
    share(6, "\x1b[31mevil[red]\u202egnp.exe " + "very " * 20 + "long.iso"),
    share(7, "写真" * 20 + ".zip", ShareState.WITHDRAWN),
)


def download(number: int, name: str, state: DownloadState, **fields: object) -> Download:
    plain = {"id": DownloadId(f"d{number}"), "name": name, "state": state, "added": NOW - number}
    quiet = {"rate_down": 0, "eta": None}
    return msgspec.structs.replace(DOWNLOAD, **(plain | quiet | fields))


DOWNLOADS = (
    download(1, "contract-v3.pdf", DownloadState.DOWNLOADING, rate_down=800_000, eta=90),
    download(
        2, "holiday", DownloadState.COMPLETE, sender="carol", progress=1.0, files=30, size=2_100_000_000
    ),
    download(3, "plans.torrent.encrypted", DownloadState.WAITING, sender="dave"),
    download(4, "x.torrent.encrypted", DownloadState.LOCKED, sender="", size=0, files=0),
    download(5, "y.torrent.encrypted", DownloadState.REJECTED, sender="mallory", detail="signer unknown"),
)

FULL: Snapshot = snapshot(SHARES, DOWNLOADS)


async def settle(pilot: Pilot[None]) -> None:
    """Wait until the picture stays the same: on a busy machine a pilot's pause ends too early for that."""
    pictures: deque[str] = deque(maxlen=ALIKE)
    async with asyncio.timeout(20):
        while len(pictures) < ALIKE or len(set(pictures)) > 1:
            await pilot.pause(0.05)
            pictures.append(pilot.app.export_screenshot())


def living(keys: str = "") -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run_before(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.view.connection, Connected))  # type: ignore[attr-defined]
        await pilot.press(*keys)
        await settle(pilot)

    return run_before


async def losing(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.view.connection, Lost))  # type: ignore[attr-defined]
    await settle(pilot)


@pytest.mark.parametrize("size", [SMALL, LARGE, HUGE], ids=["small", "large", "huge"])
def test_shares(snap_compare: Look, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(FakeAgent(FULL)), terminal_size=size, run_before=living())


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
def test_downloads(snap_compare: Look, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(FakeAgent(FULL)), terminal_size=size, run_before=living("2"))


def test_hostile_names(snap_compare: Look) -> None:
    assert snap_compare(dashboard(FakeAgent(FULL)), terminal_size=LARGE, run_before=living("jjjjj"))


def test_the_keys(snap_compare: Look) -> None:
    assert snap_compare(dashboard(FakeAgent(FULL)), terminal_size=LARGE, run_before=living("?"))


def test_revoke(snap_compare: Look) -> None:
    assert snap_compare(dashboard(FakeAgent(FULL)), terminal_size=SMALL, run_before=living("r "))


def test_the_first_run(snap_compare: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Set before the field has the focus: afterwards its cursor is already hidden.
    monkeypatch.setattr(Input, "cursor_blink", False)
    agent = FakeAgent(snapshot(status=msgspec.structs.replace(CALM, drop_folders=())))
    app = HomeDashboard(agent, agent, agent.start, FlagFile(tmp_path / "greeted"))
    app.clock = Clock()
    app.animation_level = "none"

    async def run_before(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(app.screen, NameScreen))
        await until(pilot, lambda: isinstance(app.focused, Input) and app.focused.has_focus)
        await settle(pilot)

    assert snap_compare(app, terminal_size=SMALL, run_before=run_before)


def test_shares_in_a_light_theme(snap_compare: Look) -> None:
    app = dashboard(FakeAgent(FULL))
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=LARGE, run_before=living("jjjj"))


def test_a_lost_agent(snap_compare: Look) -> None:
    assert snap_compare(dashboard(FakeAgent(FULL, GONE)), terminal_size=SMALL, run_before=losing)


def test_nothing_yet(snap_compare: Look) -> None:
    assert snap_compare(dashboard(FakeAgent(snapshot())), terminal_size=SMALL, run_before=living())


@pytest.mark.parametrize("tab", "345")
def test_people_folders_and_activity(snap_compare: Look, tab: str) -> None:
    assert snap_compare(dashboard(FakeAgent(WHOLE)), terminal_size=LARGE, run_before=living(tab))


def test_without_colour(snap_compare: Look) -> None:
    app = dashboard(FakeAgent(WHOLE))
    app.theme = PLAIN.name
    assert snap_compare(app, terminal_size=SMALL, run_before=living("m"))


@pytest.mark.parametrize("keys", ["jjjjjD", "2D", "2jjx"], ids=["share", "download", "reject"])
def test_questions(snap_compare: Look, keys: str) -> None:
    assert snap_compare(dashboard(FakeAgent(FULL)), terminal_size=SMALL, run_before=living(keys))
