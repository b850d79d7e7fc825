"""What the desktop is told, by a ``notify-send`` that writes down how it was called."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.agent.agent_pairs import NAME, running
from tests.agent.homes import Home, fill, seal_for, share_of
from tests.waiting import wait_until
from tuishare.agent.desktop_notifications import PROGRAM, DesktopNotifier, find_program
from tuishare.api.messages import ActivityKind
from tuishare.core.records import EventRecord

RECORDER = f"""#!{sys.executable} -I
import json, os, sys
with open({{log!r}}, "a") as log:
    log.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
sys.exit({{code}})
"""


class Desktop:
    """A folder with a program that records."""

    def __init__(self, folder: Path, code: int = 0) -> None:
        folder.mkdir(exist_ok=True)
        self.log = folder / "log"
        self.program = folder / PROGRAM
        self.program.write_text(RECORDER.format(log=str(self.log), code=code))
        self.program.chmod(0o700)

    @property
    def calls(self) -> list[tuple[list[str], dict[str, str]]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [tuple(json.loads(line)) for line in lines]


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    desktop = Desktop(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(desktop.program.parent))
    return desktop


def event(subject: str, detail: str = "", kind: ActivityKind = ActivityKind.RECEIVED) -> EventRecord:
    return EventRecord(1, kind.value, subject, detail)


@asynccontextmanager
async def notifying(*, wanted: bool = True, pause: float = 0.0) -> AsyncIterator[DesktopNotifier]:
    notifier = DesktopNotifier(lambda: wanted, (), pause)
    task = asyncio.create_task(notifier.run())
    yield notifier
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    "name",
    [
        "film.mkv",
        "--help",
        "-i/etc/passwd",
        "$(touch /tmp/owned); `id` | sh",
        "<b>bold</b><a href='http://evil'>x</a> & more",
        "\x1b[2J\u202egnp\n\t\x00",
        "x" * 5000,
    ],
)
async def test_a_name_is_text_and_nothing_else(desktop: Desktop, name: str) -> None:
    async with notifying() as notifier:
        notifier.notify(event(name, "from bob"))
        await wait_until(lambda: len(desktop.calls) == 1)
    ((words, _),) = desktop.calls
    assert words[:3] == ["--app-name=tuishare", "--", "Received"]
    (body,) = words[3:]
    assert not {"<", ">", "\x1b", "\u202e", "\n", "\x00"} & set(body)
    assert len(body) <= 300
    assert body.endswith("from bob")


async def test_it_gets_nothing_of_our_environment_but_what_it_needs(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISHARE_KEY", "ab" * 32)
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("DISPLAY", ":7")
    async with notifying() as notifier:
        notifier.notify(event("x"))
        await wait_until(lambda: len(desktop.calls) == 1)
    ((_, environment),) = desktop.calls
    assert environment["DISPLAY"] == ":7"
    assert not {"TUISHARE_KEY", "LD_PRELOAD", "TUISHARE_HOME"} & environment.keys()


async def test_only_what_its_owner_may_want_to_know_at_once(desktop: Desktop) -> None:
    async with notifying() as notifier:
        for kind in ActivityKind:
            notifier.notify(event(kind.value, kind=kind))
        await wait_until(lambda: len(desktop.calls) == 4)
    assert [words[3] for words, _ in desktop.calls] == ["received", "approval", "introduced", "problem"]


async def test_nobody_who_does_not_want_it_is_told(desktop: Desktop) -> None:
    async with notifying(wanted=False) as notifier:
        notifier.notify(event("x"))
        assert notifier._waiting.empty()


async def test_a_flood_is_not_shown(desktop: Desktop) -> None:
    async with notifying(pause=60) as notifier:
        for number in range(1000):
            notifier.notify(event(str(number)))
        assert notifier._waiting.qsize() == 5
        await wait_until(lambda: len(desktop.calls) == 1)
        assert notifier._waiting.qsize() == 4


def is_running(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_one_program_at_a_time_and_not_for_ever(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tuishare.agent.desktop_notifications._TIMEOUT_SECONDS", 0.3)
    pids = desktop.log.with_name("pids")
    desktop.program.write_text(f"#!/bin/sh\necho $$ >> {pids}\nexec /bin/sleep 100\n")
    async with notifying() as notifier:
        notifier.notify(event("a"))
        notifier.notify(event("b"))
        await wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        first, second = pids.read_text().split()
        assert (is_running(first), is_running(second)) == (False, True)
    await wait_until(lambda: not is_running(second))
    assert "did not end in time" in caplog.text


@pytest.mark.parametrize("trouble", ["code", "gone"])
async def test_failures_are_said_once(
    tmp_path: Path, desktop: Desktop, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    Desktop(tmp_path / "bin", code=1)
    async with notifying() as notifier:
        if trouble == "gone":
            desktop.program.unlink()
        for number in range(3):
            notifier.notify(event(str(number)))
        await wait_until(lambda: notifier._waiting.empty() and notifier._has_failed)
        if trouble == "code":
            await wait_until(lambda: len(desktop.calls) == 3)
    said = [found for found in caplog.records if found.name == "tuishare.agent.desktop_notifications"]
    assert len(said) == 1
    assert "Cannot show desktop notifications" in said[0].getMessage()


def test_no_program_is_found_where_received_files_are(
    tmp_path: Path, desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    planted = Desktop(downloads / "bob")
    link = tmp_path / "link"
    link.symlink_to(planted.program.parent)
    monkeypatch.chdir(planted.program.parent)
    first = os.pathsep.join(map(str, ("", ".", planted.program.parent, link)))
    monkeypatch.setenv("PATH", first)
    assert find_program([downloads]) is None
    monkeypatch.setenv("PATH", first + os.pathsep + str(desktop.program.parent))
    assert find_program([downloads]) == str(desktop.program)
    monkeypatch.delenv("PATH")
    assert find_program([downloads]) is None


def test_a_program_is_found_in_absolute_folders_only(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desktop.program.parent)
    for path in ("", ".", f".{os.pathsep}", "../bin"):
        monkeypatch.setenv("PATH", path)
        assert find_program([]) is None
    monkeypatch.setenv("PATH", f".{os.pathsep}{desktop.program.parent}")
    assert find_program([]) == str(desktop.program)


async def test_without_the_program_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with notifying() as notifier:
        notifier.notify(event("x"))
        assert notifier._waiting.empty()


async def test_an_agent_tells_what_waits_for_approval(alice: Home, bob: Home, desktop: Desktop) -> None:
    bob.know(alice.user(verified=False))
    tables: dict[str, Any] = {"notifications": {"desktop": True}}
    bob.configure(**tables)
    path = fill(alice.drop / "-x")
    (bob.inbox / NAME).write_bytes(seal_for(alice, share_of(path), bob.user()))
    async with running(bob):
        await wait_until(lambda: len(desktop.calls) == 1)
    ((words, _),) = desktop.calls
    assert words[2:] == ["Needs approval", "-x: alice is not verified yet"]
