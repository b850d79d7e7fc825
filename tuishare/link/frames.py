"""Frames on a stream: reading one, with its time limits.

Owns the waiting. Must not know what a message means.
"""

from __future__ import annotations

import asyncio
from typing import Final

from tuishare.link.messages import HEAD_SIZE, MESSAGE_LIMIT, decode_head
from tuishare.link.peer import LinkFailed, LinkStream


class BrokenRule(LinkFailed):
    """The other side sent what this protocol does not allow; the link ends."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"The other side broke a rule of the link: {rule}")


SILENT: Final = "The other side was silent for too long"


async def read_frame(stream: LinkStream, seconds: float, limit: int = MESSAGE_LIMIT) -> tuple[bool, bytes]:
    """Read one frame.

    Args:
        stream: to read from.
        seconds: for its head, and for what follows it.
        limit: most bytes that may follow.

    Returns:
        Whether it is a piece of content, and the bytes.

    Raises:
        BrokenRule: a size that is not allowed.
        LinkFailed: the stream ended, or nothing came in time.
    """
    try:
        async with asyncio.timeout(seconds):
            head = await stream.read(HEAD_SIZE)
        try:
            is_content, size = decode_head(head, limit)
        except ValueError as error:
            raise BrokenRule(str(error)) from error
        async with asyncio.timeout(seconds):
            return is_content, await stream.read(size)
    except TimeoutError as error:
        raise LinkFailed(SILENT) from error
