"""Desktop notifications, where ``notify-send`` is installed.

Owns the only program that the agent starts, its arguments and its environment. Received names are text only: they never
choose the program, an option or the environment, and they cannot start more than one program at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import logging
import os
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from tuishare.core.activity import ActivityKind
from tuishare.core.records import EventRecord
from tuishare.sanitize import for_display

PROGRAM: Final = "notify-send"
_TITLES: Final = {
    ActivityKind.RECEIVED.value: "Received",
    ActivityKind.APPROVAL.value: "Needs approval",
    ActivityKind.INTRODUCED.value: "Introduced",
    ActivityKind.PROBLEM.value: "Problem",
}
_WAITING: Final = 5
_PAUSE_SECONDS: Final = 3.0
_TIMEOUT_SECONDS: Final = 5.0
_LONGEST: Final = 200
_ENVIRONMENT: Final = (
    "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "HOME", "LANG", "PATH", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR",
)  # fmt: skip
_log = logging.getLogger(__name__)


class DesktopNotifier:
    """Shows entries of the activity log, one after another with a pause; entries in excess are not shown."""

    def __init__(
        self, wanted: Callable[[], bool], received: Collection[Path], pause: float = _PAUSE_SECONDS
    ) -> None:
        """Find the program.

        Args:
            wanted: returns whether notifications are turned on; called each time.
            received: folders of received files, from which no program is started.
            pause: seconds between two notifications.
        """
        self._wanted = wanted
        self._pause = pause
        self._program = find_program(received)
        self._waiting: asyncio.Queue[EventRecord] = asyncio.Queue(maxsize=_WAITING)
        self._has_failed = False

    def notify(self, event: EventRecord) -> None:
        """Show an entry soon, if it is of a kind that is shown."""
        if self._program and event.kind in _TITLES and self._wanted():
            with contextlib.suppress(asyncio.QueueFull):
                self._waiting.put_nowait(event)

    async def run(self) -> None:
        """Show notifications until cancelled."""
        while True:
            event = await self._waiting.get()
            if self._program:
                await self._show(self._program, event)
            await asyncio.sleep(self._pause)

    async def _show(self, program: str, event: EventRecord) -> None:
        # Desktops read the body as markup.
        body = html.escape(
            for_display(f"{event.subject}: {event.detail}" if event.detail else event.subject, _LONGEST)
        )
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        words = ("--app-name=tuishare", "--", _TITLES[event.kind], body)
        try:
            process = await asyncio.create_subprocess_exec(
                program, *words, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=environment
            )
        except OSError as error:
            self._note_failure(error.strerror or type(error).__name__)
            return
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                if code := await process.wait():
                    self._note_failure(f"it ended with {code}")
        except TimeoutError:
            self._note_failure("it did not end in time")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def _note_failure(self, reason: str) -> None:
        """Log the first failure only: without a desktop every notification fails."""
        if not self._has_failed:
            self._has_failed = True
            _log.warning("Cannot show desktop notifications: %s", reason)


def find_program(received: Collection[Path]) -> str | None:
    """Find ``notify-send`` in the absolute folders of ``PATH``, without these folders and everything below them."""
    barred = [folder.resolve() for folder in received]

    def is_ours(entry: str) -> bool:
        place = Path(entry).resolve()
        return os.path.isabs(entry) and not any(place.is_relative_to(folder) for folder in barred)

    folders = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if is_ours(entry)]
    return shutil.which(PROGRAM, path=os.pathsep.join(folders)) if folders else None
