"""One connection to an SSH port until it is known who calls: authentication, and the one channel.

Owns which requests of SSH are granted: any Ed25519 key, one session, one subsystem, nothing else. Must not know
messages.
"""

from __future__ import annotations

import asyncio
from typing import Final, TypeAlias

import asyncssh

from tuishare.link.connection import CHANNEL, ChannelStream, raw_key
from tuishare.link.peer import LinkFailed

_MOST_KEYS: Final = 6
"""Keys that a caller may try."""
_MOST_RECEIVED: Final = 32 * 1024
"""Bytes that a caller may send before they are admitted; handshake, log-in and the largest message take 10 KiB.

Small packets cost 25 µs each. Without this bound a caller could keep the event loop busy until their time is over.
"""
_SET_ENVIRONMENT: Final = "_process_env_request"
_RECEIVE: Final = "data_received"
_OPTIONS: Final = "_options"

_Requested: TypeAlias = "bool | tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerSession[bytes]]"


class Caller(asyncssh.SSHServer):
    """One connection's authentication, and its one channel.

    Attributes:
        stream: the channel.
        link_key: that the caller has proved, 32 bytes.
        answered: the caller got an answer and is no refused stranger.
        is_admitted: the caller is no stranger any more.
        opened: done when the channel is open.
    """

    def __init__(self, subsystem: str, options: asyncssh.SSHServerConnectionOptions) -> None:
        """Begin with nothing proved.

        Args:
            subsystem: the only one that the caller may ask for.
            options: of all connections.
        """
        self._options = options
        self.stream = _ServerStream(subsystem)
        self.link_key = b""
        self.answered = False
        self.is_admitted = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stream.opened = self.opened
        self._connection: asyncssh.SSHServerConnection | None = None
        self._keys = 0
        self._received = 0
        self._has_channel = False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Keep the connection; called by asyncssh."""
        self._connection = conn
        receive = conn.data_received

        def count(data: bytes) -> None:
            self._received += len(data)
            if self._received > _MOST_RECEIVED and not self.is_admitted:
                conn.abort()
            else:
                receive(data)

        setattr(conn, _RECEIVE, count)  # what asyncio calls, before a byte is decrypted

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncssh's signature)
        """Let nothing wait for its channel any longer; called by asyncssh."""
        _refuse(self.opened)

    def public_key_auth_supported(self) -> bool:
        """Allow public keys; the options allow nothing else."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 (asyncssh's signature)
        """Take any Ed25519 key: who has which is asked afterwards, so that no answer here depends on it."""
        self._keys += 1
        if self._keys > _MOST_KEYS and self._connection is not None:
            self._connection.abort()
        # Requests are handled one by one, and after a good signature no other: this is the key that was proved.
        self.link_key = raw_key(key) or b""
        return bool(self.link_key)

    def auth_completed(self) -> None:
        """Keep no options of this connection alone, which take 6 KiB and say what all have; called by asyncssh."""
        setattr(self._connection, _OPTIONS, self._options)

    def session_requested(self) -> _Requested:
        """Give the caller the one channel they may open; called by asyncssh."""
        if self._has_channel:
            _refuse(self.opened)
            return False
        self._has_channel = True
        if self._connection is None:
            return False
        channel = self._connection.create_server_channel(**CHANNEL)
        # asyncssh keeps every variable that a caller sets, without a limit, and has no option against it.
        setattr(channel, _SET_ENVIRONMENT, lambda _: self.stream.refuse())
        return channel, self.stream

    def hang_up(self) -> None:
        """End the connection; the same for everyone."""
        if self._connection is not None:
            self._connection.close()


class _ServerStream(ChannelStream, asyncssh.SSHServerSession[bytes]):
    """The channel of a caller, for the subsystem alone."""

    opened: asyncio.Future[None]

    def __init__(self, subsystem: str) -> None:
        super().__init__()
        self._subsystem = subsystem

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def pty_requested(self, *_: object) -> bool:
        return self.refuse()

    def shell_requested(self) -> bool:
        return self.refuse()

    def exec_requested(self, command: str) -> bool:  # noqa: ARG002 (asyncssh's signature)
        return self.refuse()

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == self._subsystem or self.refuse()

    def session_started(self) -> None:
        if not self.opened.done():
            self.opened.set_result(None)

    def refuse(self) -> bool:
        """End the connection of a caller who asks for something else."""
        _refuse(self.opened)
        return False


def _refuse(opened: asyncio.Future[None]) -> None:
    if not opened.done():
        opened.set_exception(LinkFailed("The caller asked for something else than a link"))
        opened.exception()  # marks it as seen, where nothing waits for it any more
