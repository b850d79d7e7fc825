"""One connection to a hub, once its caller is known: messages in and out, and its silence.

Owns framing and time limits of both kinds of sessions. Must not know what a message means.
"""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar

import msgspec

from tuishare.link.frames import SILENT, BrokenRule, read_frame
from tuishare.link.mailbox.messages import MESSAGE_LIMIT, MailboxMessage, encode_message
from tuishare.link.messages import LinkMessage, Ping, encode_content_head
from tuishare.link.peer import LinkFailed, LinkStream
from tuishare.link.statements import decode_canonical

PING_SECONDS: Final = 20.0
SILENCE_SECONDS: Final = 50.0
_M = TypeVar("_M", bound=LinkMessage)


class Conversation:
    """What is said over one connection; the same on both sides."""

    def __init__(self, stream: LinkStream, silence: float = SILENCE_SECONDS) -> None:
        """Begin with nothing said; `silence` is in seconds."""
        self._stream = stream
        self._silence = silence
        self._last_sent = 0.0

    async def read(self, decoder: msgspec.msgpack.Decoder[_M]) -> _M | bytes:
        """Return the next message, or the next piece of content.

        Raises:
            BrokenRule: it is neither.
            LinkFailed: the connection ended, or the other side is silent.
        """
        is_content, data = await read_frame(self._stream, self._silence)
        if is_content:
            return data
        try:
            if len(data) > MESSAGE_LIMIT:
                raise ValueError("too long")
            return decode_canonical(data, decoder)
        except ValueError as error:
            raise BrokenRule("an ill-formed message") from error

    async def send(self, message: MailboxMessage) -> None:
        """Send a message.

        Raises:
            LinkFailed: the connection ended, or the other side does not read.
        """
        await self._write(encode_message(message))

    async def send_content(self, piece: bytes) -> None:
        """Send a piece of content; errors as for `send`."""
        await self._write(encode_content_head(len(piece)) + piece)

    async def ping(self) -> None:
        """Say that we are there whenever nothing else was said for a while, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(max(0.0, self._last_sent + PING_SECONDS - loop.time()))
            if loop.time() >= self._last_sent + PING_SECONDS:
                await self.send(Ping())

    def close(self) -> None:
        """End the connection."""
        self._stream.close()

    async def _write(self, data: bytes) -> None:
        self._last_sent = asyncio.get_running_loop().time()
        self._stream.write(data)
        try:
            async with asyncio.timeout(self._silence):
                await self._stream.drain()
        except TimeoutError as error:
            raise LinkFailed(SILENT) from error
