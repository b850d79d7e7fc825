"""Splicing: two connections, and the bytes of each go to the other.

Owns flow control, half-closed connections, silence, and the pace. What goes through is encrypted end to end and not
looked at. Must not know who is connected, or open connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import socket
from collections.abc import Callable
from typing import Final, cast

_BUFFER: Final = 256 * 1024
"""Bytes that wait for a slow reader before its sender has to wait; twice that in all for each splice."""
_SILENCE_SECONDS: Final = 300.0
"""BitTorrent says something every two minutes, a link every twenty seconds."""
_UNACKNOWLEDGED_SECONDS: Final = 30
_BURST_SECONDS: Final = 0.1


class Pace:
    """A limit of bytes a second over all splices that share it."""

    def __init__(self, rate: Callable[[], int], clock: Callable[[], float]) -> None:
        """Begin with nothing sent.

        Args:
            rate: returns the limit in force, bytes a second; 0: none.
            clock: seconds, never jumping.
        """
        self._rate = rate
        self._clock = clock
        self._free_at = clock() - _BURST_SECONDS

    def take(self, size: int) -> float:
        """Count bytes that were read; return for how many seconds nothing more is to be read there."""
        rate, now = self._rate(), self._clock()
        if not rate:
            self._free_at = now
            return 0.0
        self._free_at = max(self._free_at, now - _BURST_SECONDS) + size / rate
        return max(0.0, self._free_at - now)


class _Pause(enum.Flag):
    """Why nothing is read at one end."""

    NOTHING = 0
    ALONE = enum.auto()
    FULL = enum.auto()
    PACE = enum.auto()


class SpliceEnd(asyncio.Protocol):
    """One of the two connections; called by asyncio, or by asyncssh for a channel."""

    other: SpliceEnd

    def __init__(self, whole: Splice) -> None:
        self._whole = whole
        self.transport: asyncio.Transport | None = None
        self.is_lost = False
        self.has_ended = False
        self.early = bytearray()
        """What came before the other connection was there: a channel may not obey the pause at once."""
        self._paused = _Pause.NOTHING

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read as soon as the other connection is there, too."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=_BUFFER)
        if self.other.transport is None:
            self.pause(_Pause.ALONE)
            return
        if self.other.early:
            self.transport.write(bytes(self.other.early))
            self.other.early.clear()
        if self.other.has_ended:
            self.transport.write_eof()
        self.other.resume(_Pause.ALONE)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:  # noqa: ARG002 (asyncssh's signature)
        """Pass it on."""
        if self.other.transport is None:
            self.early += data
            self.pause(_Pause.ALONE)
        elif not self.other.transport.is_closing():
            self.other.transport.write(data)
        if seconds := self._whole.count(len(data)):
            self.pause(_Pause.PACE)
            asyncio.get_running_loop().call_later(seconds, self.resume, _Pause.PACE)

    def eof_received(self) -> bool:
        """Pass it on; the other direction stays."""
        self.has_ended = True
        if self.other.transport is not None:
            if self.other.has_ended:
                return False  # both are finished: this one is closed now, and the other by `connection_lost`
            self.other.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        """Close the other one after what waits there is sent."""
        self.is_lost = True
        self.other.finish()
        if self.other.is_lost or self.other.transport is None:
            self._whole.end()

    def finish(self) -> None:
        """Close this one after what waits here is sent."""
        if self.transport is not None:
            self.transport.close()

    def pause_writing(self) -> None:
        """Read nothing more for this connection."""
        self.other.pause(_Pause.FULL)

    def resume_writing(self) -> None:
        """Read for this connection again."""
        self.other.resume(_Pause.FULL)

    def pause(self, why: _Pause) -> None:
        """Read nothing."""
        self._paused |= why
        if self.transport is not None:
            self.transport.pause_reading()

    def resume(self, why: _Pause) -> None:
        """Read again, unless there is another reason not to."""
        self._paused &= ~why
        if not self._paused and self.transport is not None and not self.is_lost:
            self.transport.resume_reading()


class Splice:
    """Two connections, once both are attached.

    Attributes:
        ends: their protocols; an end whose connection is no socket is attached by its maker.
    """

    def __init__(
        self,
        *,
        count: Callable[[int], bool] = lambda _: True,
        pace: Pace | None = None,
        make_end: Callable[[Splice], SpliceEnd] = SpliceEnd,
    ) -> None:
        """Begin without connections.

        Args:
            count: is told of bytes that have come; False: both connections are cut.
            pace: limits them.
            make_end: makes the first end.
        """
        self._loop = asyncio.get_running_loop()
        self._count = count
        self._pace = pace
        self._last = self._loop.time()
        self._ended = self._loop.create_future()
        self.ends = make_end(self), SpliceEnd(self)
        self.ends[0].other, self.ends[1].other = self.ends[1], self.ends[0]

    async def attach(self, connection: socket.socket, end: SpliceEnd) -> None:
        """Attach a connected socket, which belongs to the splice from now on."""
        _prepare(connection)
        try:
            await self._loop.connect_accepted_socket(lambda: end, connection)
        except BaseException:
            connection.close()
            raise

    async def run(self) -> None:
        """Wait until both connections have ended or are silent for long; they are closed then."""
        try:
            while not self._ended.done() and self._loop.time() < self._last + _SILENCE_SECONDS:
                await asyncio.wait({self._ended}, timeout=self._last + _SILENCE_SECONDS - self._loop.time())
        finally:
            self.abort()

    def abort(self) -> None:
        """End both connections at once."""
        for end in self.ends:
            if end.transport is not None:
                end.transport.abort()

    def count(self, size: int) -> float:
        """Count bytes; return for how many seconds nothing more is to be read where they came from."""
        self._last = self._loop.time()
        if not self._count(size):
            self.abort()
        return self._pace.take(size) if self._pace is not None else 0.0

    def end(self) -> None:
        """Let `run` return."""
        if not self._ended.done():
            self._ended.set_result(None)


async def splice(one: socket.socket, other: socket.socket, whole: Splice) -> None:
    """Splice two sockets that are connected, until both have ended; both are closed then."""
    try:
        for connection, end in zip((one, other), whole.ends, strict=True):
            await whole.attach(connection, end)
        await whole.run()
    finally:
        whole.abort()
        one.close()
        other.close()


def _prepare(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended already, which shows soon
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; elsewhere silence ends it, later
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_SECONDS * 1000)
