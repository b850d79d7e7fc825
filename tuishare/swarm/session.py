"""A libtorrent session driven by the event loop.

Owns the session object, the socket pair by which it wakes the loop (no thread, no polling), and its end. Must not
interpret alerts: each goes to a callback.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from tuishare.swarm.alerts import Alert, translate
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.local_rate_limits import limit_local_peers, refuse_impossible_peers

if TYPE_CHECKING:
    from libtorrent import settings_pack

_log = logging.getLogger(__name__)


class LibtorrentSession:
    """A running session; created by `open_session` on the loop that drives it."""

    def __init__(self, session: lt.session, receive: Callable[[Alert], None]) -> None:
        self._session: lt.session | None = session
        self._receive = receive
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._wake.setblocking(False)
        asyncio.get_running_loop().add_reader(self._woken, self._pump)
        session.set_alert_fd(self._wake.fileno())
        self._pump()

    @property
    def native(self) -> lt.session:
        """The session object of libtorrent; only its non-blocking calls may be made on the event loop."""
        if self._session is None:
            raise RuntimeError("the session is closed")
        return self._session

    async def open_ports(self) -> None:
        """Try once more to open the ports that could not be opened; returns after all alerts about them."""
        native = self.native

        def reopen() -> None:
            native.reopen_network_sockets(0)
            native.is_listening()  # answered after it

        await asyncio.to_thread(reopen)
        if self._session is not None:
            self._pump()

    def _pump(self) -> None:
        """Handle all waiting alerts. The descriptor is edge-triggered: drain it first, then always pop."""
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            pass
        for alert in self.native.pop_alerts():
            # An alert that cannot be handled must not affect the others of its batch. Its message may contain a
            # passkey, and so may the exception's: only the types are logged.
            try:
                translated = translate(alert)
                if translated is not None:
                    self._receive(translated)
            except Exception as error:  # noqa: BLE001
                _log.error("cannot handle %s: %s", type(alert).__name__, type(error).__name__)

    async def close(self) -> None:
        """End the session; its destructor waits for its threads, so it runs off the event loop."""
        asyncio.get_running_loop().remove_reader(self._woken)
        last_reference = [self.native]
        self._session = None
        await asyncio.to_thread(last_reference.clear)
        self._woken.close()
        self._wake.close()


async def open_session(pack: settings_pack, receive: Callable[[Alert], None]) -> LibtorrentSession:
    """Start a session and connect it to the event loop; returns after all alerts about its ports."""
    return LibtorrentSession(await asyncio.to_thread(_begin, pack), receive)


def _begin(pack: settings_pack) -> lt.session:
    """Start a session; blocks (20 ms) until it has tried to open its ports."""
    session = lt.session(pack)
    refuse_impossible_peers(session)
    limit_local_peers(session)
    session.is_listening()
    return session
