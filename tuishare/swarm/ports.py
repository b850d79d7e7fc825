"""The ports we listen on.

Owns reading what libtorrent reports about its listening sockets, and finding a free port. An address that stands for
all interfaces becomes one socket per interface in libtorrent, each with a random port of its own if port 0 is
asked for; hence the port is chosen here first.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping

from tuishare.errors import SystemFailed, TuishareError
from tuishare.net.local_machine import EVERY_IPV4
from tuishare.swarm.alerts import ListenFailed, Listening
from tuishare.swarm.torrent_spec import Transport

_WORDS = {
    errno.EADDRINUSE: ("is already in use", "Stop the other program, or choose another port."),
    errno.EACCES: ("may not be opened by this user", "Choose a port above 1023."),
    errno.EADDRNOTAVAIL: ("is not an address of this machine", "Choose another address to listen on."),
}


def free_port() -> int:
    """Find a port that is free at this moment for TCP and UDP on all IPv4 addresses."""
    for _ in range(20):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((EVERY_IPV4, 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind((EVERY_IPV4, port))
            except OSError:
                continue
            return port
    raise SystemFailed("No free port was found", hint="Choose one.")


class Ports:
    """What became of the ports that were asked for."""

    def __init__(self) -> None:
        self._open: dict[Transport, int] = {}
        self._failures: list[ListenFailed] = []
        self._checked = False

    def note(self, alert: Listening | ListenFailed) -> None:
        """Take in one report, until they are checked: later ones are of single connections, or of interfaces."""
        if self._checked:
            return
        match alert:
            case Listening():
                self._open.setdefault(alert.transport, alert.endpoint.port)
            case ListenFailed():
                self._failures.append(alert)

    def check(self, *wanted: Transport) -> Mapping[Transport, int]:
        """Return the open port per transport.

        One address of several may be missing (an IPv6 address that is still tentative), a port in use may not.

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
