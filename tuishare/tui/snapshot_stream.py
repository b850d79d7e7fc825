"""Follows the agent and posts messages to the app.

Owns reconnecting: back-off, retry on request, and that no failure ends it. Must not touch a widget.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol

from textual.message import Message

from tuishare.api.error_body import ProtocolMismatch
from tuishare.api.messages import Changes, Snapshot
from tuishare.api.snapshot_diff import apply
from tuishare.errors import AgentUnreachable, TuishareError, VerificationFailed
from tuishare.tui.view import Lost

_log = logging.getLogger(__name__)


class Reader(Protocol):
    """The source of snapshots; `tuishare.api.client.AgentClient` is one."""

    def events(self) -> AsyncGenerator[Snapshot | Changes, None]:
        """Connect again and yield a snapshot, then changes; raise `TuishareError` when the agent is lost."""


class SnapshotArrived(Message):
    """A snapshot of the agent; a newer one replaces it in the queue."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Return True for another snapshot: only the newest matters."""
        return isinstance(message, SnapshotArrived)


class AgentLost(Message):
    """The agent does not answer, or no longer answers."""

    def __init__(self, lost: Lost) -> None:
        super().__init__()
        self.lost = lost


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts: doubled from ``first`` to ``longest``, seconds."""

    first: float = 0.5
    longest: float = 10.0

    def pause(self, failures: int) -> float:
        """Return the pause after that many failures in a row, one or more; seconds."""
        return min(self.longest, self.first * 2.0 ** min(failures - 1, 30))


class SnapshotStream:
    """Follows one agent until it is cancelled.

    Args:
        reader: where snapshots come from.
        post: receives each message.
        clock: Unix seconds.
        backoff: between attempts.
    """

    def __init__(
        self,
        reader: Reader,
        post: Callable[[Message], object],
        clock: Callable[[], float],
        backoff: Backoff | None = None,
    ) -> None:
        self._reader = reader
        self._post = post
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._wake = asyncio.Event()
        self._failures = 0

    def wake(self) -> None:
        """Retry now instead of after the pause."""
        self._failures = 0
        self._wake.set()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            error = await self._follow_once()
            self._failures += 1
            pause = self._backoff.pause(self._failures)
            self._post(AgentLost(self._describe(error, pause)))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            self._wake.clear()

    async def _follow_once(self) -> TuishareError:
        try:
            await self._read()
        except TuishareError as error:
            return error
        except Exception:  # noqa: BLE001 (a dead worker would show old data as current)
            _log.exception("Following the agent failed")
            return AgentUnreachable("The dashboard could not follow the agent", hint="Press s to try again.")
        return AgentUnreachable("The agent ended the connection")

    async def _read(self) -> None:
        snapshot: Snapshot | None = None
        # Closed explicitly: otherwise the connection stays open until the generator is collected.
        async with contextlib.aclosing(self._reader.events()) as events:
            async for event in events:
                if isinstance(event, Snapshot):
                    snapshot = event
                elif snapshot is None:
                    raise VerificationFailed("The agent sent changes before a snapshot")
                else:
                    snapshot = apply(snapshot, event)
                self._failures = 0
                self._post(SnapshotArrived(snapshot))

    def _describe(self, error: TuishareError, pause: float) -> Lost:
        now = self._clock()
        return Lost(
            since=now,
            detail=error.detail,
            hint=error.hint,
            retry_at=now + pause,
            startable=isinstance(error, AgentUnreachable) and not isinstance(error, ProtocolMismatch),
        )
