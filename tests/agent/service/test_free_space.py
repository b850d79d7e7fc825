"""The free space that is shown is measured beside the event loop."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tuishare.agent.live import Live
from tuishare.agent.service import free_space
from tuishare.agent.service.free_space import FreeSpace
from tuishare.config.model import Config, FolderSettings


def settings(folder: Path) -> Live[Config]:
    return Live(Config(folders=FolderSettings(downloads=str(folder))))


async def test_it_follows_the_folder_and_is_zero_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(free_space, "MEASURE_SECONDS", 0.01)
    live = settings(tmp_path)
    space = FreeSpace(live)
    running = asyncio.create_task(space.run())
    await wait_until(lambda: space.free > 0)
    live.current = settings(tmp_path / "none").current
    await wait_until(lambda: space.free == 0)
    running.cancel()


async def test_a_drive_that_does_not_answer_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, asked_on = threading.Event(), list[threading.Thread]()

    def hang(_: Path) -> None:
        asked_on.append(threading.current_thread())
        answers.wait(30)
        raise OSError

    monkeypatch.setattr(shutil, "disk_usage", hang)
    space = FreeSpace(settings(tmp_path))
    running = asyncio.create_task(space.run())
    try:
        await wait_until(lambda: bool(asked_on))
        assert asked_on != [threading.current_thread()]
        assert space.free == 0
    finally:
        answers.set()
        running.cancel()
