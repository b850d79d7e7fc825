"""The agent's listening socket for as long as the agent runs.

Owns where it is, and making it again when its file was removed: by a program that cleans up /tmp, or at a logout, which
removes ``XDG_RUNTIME_DIR``. Connections that are open then stay. Must not speak HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias

from tuishare.api.unix_listener import UnixListener
from tuishare.api.unix_socket import bind_socket, close_socket
from tuishare.errors import SystemFailed, TuishareError

TellPlace: TypeAlias = Callable[[Path | None], None]
"""Called with the path of the socket at the start and every few seconds, and with None at the end; may raise
`TuishareError`."""

_LOOK_SECONDS: Final = 5.0
"""Between two looks whether the socket is still there."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Bound:
    """A listening socket, its path, and the file that bind(2) made there."""

    listening: socket.socket
    path: Path
    file: os.stat_result

    @classmethod
    def open(cls, path: Path) -> Self:
        listening = bind_socket(path)
        try:
            return cls(listening, path, path.lstat())
        except OSError as error:
            listening.close()
            raise SystemFailed(f"The socket {path} was removed at once", errno=error.errno or 0) from error

    def is_in_place(self) -> bool:
        try:
            return os.path.samestat(self.path.lstat(), self.file)
        except OSError:
            return False


class KeptSocket:
    """Listens from `open` to `close`.

    Args:
        places: where to listen: the first that is possible.
        accept: makes the listener of a socket.
        tell: is told where that is.
        pause: seconds between two looks.
    """

    def __init__(
        self,
        places: tuple[Path, ...],
        accept: Callable[[socket.socket], UnixListener],
        tell: TellPlace,
        pause: float = _LOOK_SECONDS,
    ) -> None:
        self._places = places
        self._accept = accept
        self._tell = tell
        self._pause = pause

    def open(self) -> None:
        """Start listening.

        Raises:
            BadConfiguration: other users can enter the socket's folder, or the path is not free.
            SystemFailed: another agent answers there, or the system refused.
        """
        self._bound = self._bind()
        self.listener = self._accept(self._bound.listening)
        try:
            self._tell(self._bound.path)
        except TuishareError as error:
            _log.warning("Commands from another environment may not find the agent: %s", error.detail)
        self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Stop accepting; open connections stay."""
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        await self.listener.close()
        with contextlib.suppress(TuishareError):
            self._tell(None)

    def remove(self) -> None:
        """Remove the socket, after `close`."""
        if self._bound.is_in_place():
            close_socket(self._bound.listening, self._bound.path)
        else:  # another agent's, or none
            self._bound.listening.close()

    def _bind(self) -> _Bound:
        *better, last = self._places
        for path in better:
            with contextlib.suppress(SystemFailed):
                return _Bound.open(path)
        return _Bound.open(last)

    async def _keep(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(self._pause)
            try:
                if not self._bound.is_in_place():
                    await self._listen_again()
                self._tell(self._bound.path)
                told = ""
            except TuishareError as error:
                if told != error.detail:
                    _log.warning("Commands may not find the agent: %s", error.detail)
                    told = error.detail

    async def _listen_again(self) -> None:
        before, listener = self._bound, self.listener
        self._bound = self._bind()
        _log.warning("The socket %s was removed; the agent answers on %s", before.path, self._bound.path)
        self.listener = self._accept(self._bound.listening)
        await listener.close()
        before.listening.close()
