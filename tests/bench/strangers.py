"""Strangers who hold connections open, in a process of their own: ``python -m tests.bench.strangers KIND PORT COUNT``.

KIND is one of `KINDS`. COUNT connections are kept open from several addresses of 127.0.0.0/8 until the process ends;
those that the other side closes are opened again.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import ssl
import struct
import sys
from typing import Final

KINDS: Final = ("silent", "half", "slow", "hello", "reset")
"""Silent; half a ClientHello; a byte of it every nine seconds; a whole ClientHello only; disconnecting at once."""
_ADDRESSES: Final = 16
_PACE: Final = 9.0
_PAUSE: Final = 0.5
_RESET: Final = struct.pack("ii", 1, 0)


def client_hello() -> bytes:
    """The first flight of a TLS client."""
    written = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    connection = context.wrap_bio(ssl.MemoryBIO(), written, server_hostname="0" * 40)
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return written.read()


async def _hold(kind: str, hello: bytes, port: int, number: int) -> None:
    """Keep one connection open, until cancelled."""
    loop = asyncio.get_running_loop()
    host = f"127.0.{number % _ADDRESSES + 1}.{number // _ADDRESSES % 200 + 1}"
    while True:
        with contextlib.suppress(OSError), socket.socket() as stranger:
            stranger.setblocking(False)
            stranger.bind((host, 0))
            await loop.sock_connect(stranger, ("127.0.0.1", port))
            match kind:
                case "half":
                    await loop.sock_sendall(stranger, hello[: len(hello) // 2])
                case "hello":
                    await loop.sock_sendall(stranger, hello)
                case "slow":
                    for byte in hello:
                        await loop.sock_sendall(stranger, bytes([byte]))
                        await asyncio.sleep(_PACE)
                case "reset":
                    stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    continue
            while await loop.sock_recv(stranger, 4096):
                pass
        await asyncio.sleep(_PAUSE)


async def _crowd(kind: str, port: int, count: int) -> None:
    hello = client_hello()
    async with asyncio.TaskGroup() as strangers:
        for number in range(count):
            strangers.create_task(_hold(kind, hello, port, number))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(_crowd(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
