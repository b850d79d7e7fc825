"""The ports that we listen on.

Owns the evaluation of libtorrent's alerts about its listeners, and finding a free port. For an address that means all
interfaces, libtorrent opens one socket per interface, each with another random port if port 0 is requested; so the
port is chosen here.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping

from tuishare.config.model import Transport
from tuishare.errors import SystemFailed, TuishareError
from tuishare.net.local_machine import EVERY_IPV4
from tuishare.swarm.alerts import ListenFailed, Listening

_WORDS = {
    errno.EADDRINUSE: ("is already in use", "Stop the other program, or choose another port."),
    errno.EACCES: ("may not be opened by this user", "Choose a port above 1023."),
    errno.EADDRNOTAVAIL: ("is not an address of this machine", "Choose another address to listen on."),
}


def free_port() -> int:
    """Return a port that is presently free for TCP and UDP on all IPv4 addresses."""
    for _ in range(20):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((EVERY_IPV4, 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind((EVERY_IPV4, port))
            except OSError:
                continue
            return port
    raise SystemFailed("No free port was found", hint="Set a port.")


class Ports:
    """The results of opening ports."""

    def __init__(self) -> None:
        self._open: dict[Transport, int] = {}
        self._failures: list[ListenFailed] = []
        self._checked = False

    def note(self, alert: Listening | ListenFailed) -> None:
        """Apply one alert; failures only until `check`: later ones are about single connections or interfaces."""
        match alert:
            case Listening():
                self._open.setdefault(alert.transport, alert.endpoint.port)
            case ListenFailed() if not self._checked:
                self._failures.append(alert)
            case ListenFailed():
                pass

    @property
    def opened(self) -> Mapping[Transport, int]:
        """The open port of each transport so far."""
        return dict(self._open)

    def begin(self) -> None:
        """Forget the failures of the last attempt: another one begins."""
        self._failures.clear()
        self._checked = False

    def check(self, *wanted: Transport) -> Mapping[Transport, int]:
        """Return the open port of each transport.

        One of several addresses may fail (an IPv6 address that is still tentative), but not because the port is in use.

        Raises:
            SystemFailed: a port is in use or forbidden, or a transport has none at all.
        """
        self._checked = True
        for failure in self._failures:
            if failure.code in (errno.EADDRINUSE, errno.EACCES) or not set(wanted) <= self._open.keys():
                raise _explain(failure)
        if missing := set(wanted) - self._open.keys():
            raise SystemFailed(
                f"Nothing listens for {' and '.join(sorted(missing))} swarms",
                hint="Check that this machine has a network address.",
            )
        return dict(self._open)


def _explain(failure: ListenFailed) -> TuishareError:
    what, hint = _WORDS.get(failure.code, (f"cannot be opened: {os.strerror(failure.code).lower()}", ""))
    return SystemFailed(f"{failure.endpoint} {what}", hint=hint, errno=failure.code)
