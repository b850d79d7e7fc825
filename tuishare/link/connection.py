"""SSH, cut down to what a link needs: which algorithms, one channel, one subsystem.

Owns every use of asyncssh but listening and dialling. Must not know messages.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import socket
from typing import Any, Final

import asyncssh
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tuishare.link.link_key import LinkKey
from tuishare.link.peer import LinkFailed

SUBSYSTEM: Final = "tuishare-link-1"
KEX_ALGS: Final = ("mlkem768x25519-sha256",)
CIPHERS: Final = ("aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com")
MACS: Final = ("hmac-sha2-256-etm@openssh.com",)
"""Not used beside those ciphers, but the list may not be empty."""
KEY_ALGS: Final = ("ssh-ed25519",)
VERSION: Final = "link"
USER: Final = "link"
LOGIN_SECONDS: Final = 10
_WINDOW: Final = 256 * 1024
"""Bytes that the other side may send before some of them are read."""
_READ_AHEAD: Final = 128 * 1024
_UNACKNOWLEDGED_SECONDS: Final = 30
_FINISH_SECONDS: Final = 5
_KEY_HEAD: Final = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"  # RFC 8709, section 4

# It would write into the log what strangers send, as often as they like.
asyncssh.set_log_level(logging.CRITICAL)

ALGORITHMS: Final[dict[str, Any]] = {
    "kex_algs": KEX_ALGS,
    "encryption_algs": CIPHERS,
    "mac_algs": MACS,
    "compression_algs": None,
    "signature_algs": KEY_ALGS,
    "gss_host": None,
    "x509_trusted_certs": None,
    "config": None,
}
CHANNEL: Final[dict[str, Any]] = {"encoding": None, "window": _WINDOW}


def private_key(key: LinkKey) -> asyncssh.SSHKey:
    """Return a link key as asyncssh takes it."""
    return asyncssh.import_private_key(
        key.private_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    )


def public_key(key: bytes) -> asyncssh.SSHKey:
    """Return an Ed25519 public key of 32 bytes as asyncssh takes it."""
    return asyncssh.import_public_key(b"ssh-ed25519 " + base64.b64encode(_KEY_HEAD + key))


def raw_key(key: asyncssh.SSHKey) -> bytes | None:
    """Return the 32 bytes of an Ed25519 public key; None for a key of another kind."""
    data = key.public_data
    return data[len(_KEY_HEAD) :] if data.startswith(_KEY_HEAD) and len(data) == len(_KEY_HEAD) + 32 else None


def limit_silence(connection: socket.socket) -> None:
    """Have the kernel end a connection when what was sent is not acknowledged for long."""
    if hasattr(
        socket, "TCP_USER_TIMEOUT"
    ):  # Linux; elsewhere the silence of the session ends it, a little later
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_SECONDS * 1000)


class ChannelStream:
    """The one channel of a connection as a stream of bytes; base of both asyncssh sessions."""

    def __init__(self) -> None:
        self._channel: asyncssh.SSHClientChannel[bytes] | asyncssh.SSHServerChannel[bytes] | None = None
        self._buffer = bytearray()
        self._wanted = 0
        self._ended = False
        self._reading_paused = False
        self._writable: asyncio.Event | None = None
        """Set once little is queued again; None while it is."""
        self._changed: asyncio.Future[None] | None = None

    async def read(self, size: int) -> bytes:
        """Return exactly that many bytes; see `LinkStream`."""
        self._wanted = size
        while len(self._buffer) < size:
            if self._ended:
                raise ended()
            self._resume()
            self._changed = asyncio.get_running_loop().create_future()
            await self._changed
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        self._resume()
        return data

    def write(self, data: bytes) -> None:
        """Queue bytes; see `LinkStream`."""
        if self._channel is not None and not self._ended and not self._channel.is_closing():
            self._channel.write(data)

    async def drain(self) -> None:
        """Wait until little is queued; see `LinkStream`."""
        if self._writable is not None:
            await self._writable.wait()
        if self._ended:
            raise ended()

    async def finish(self) -> None:
        """Wait until the other side has read everything and ended the connection; not for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FINISH_SECONDS):
                while not self._ended:
                    self._changed = asyncio.get_running_loop().create_future()
                    await self._changed

    def close(self) -> None:
        """End the channel and its connection."""
        if self._channel is not None and not self._ended:
            connection = self._channel.get_connection()
            self._channel.abort()
            connection.close()
        self._end()

    def data_received(self, data: bytes, datatype: int | None) -> None:  # noqa: ARG002 (asyncssh's signature)
        """Take what has arrived; called by asyncssh."""
        self._buffer += data
        if len(self._buffer) > max(_READ_AHEAD, self._wanted) and self._channel and not self._reading_paused:
            self._reading_paused = True
            self._channel.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Take note that nothing will follow; called by asyncssh."""
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncssh's signature)
        """Take note of the end; called by asyncssh."""
        self._end()

    def pause_writing(self) -> None:
        """Let `drain` wait; called by asyncssh."""
        self._writable = self._writable or asyncio.Event()

    def resume_writing(self) -> None:
        """Let `drain` return; called by asyncssh."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    def _resume(self) -> None:
        if self._reading_paused and self._channel and len(self._buffer) <= max(_READ_AHEAD, self._wanted):
            self._reading_paused = False
            self._channel.resume_reading()

    def _end(self) -> None:
        self._ended = True
        self.resume_writing()
        self._wake()

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)


def ended() -> LinkFailed:
    """Return the error of a stream that has ended."""
    return LinkFailed("The other side ended the link")
