"""Plain TCP connections to one place.

Owns connecting, all addresses of a name in turn. Must not choose where to connect, or read and write.
"""

from __future__ import annotations

import asyncio
import socket

from tuishare.net.endpoints import Endpoint


async def connect_tcp(endpoint: Endpoint, source: str = "") -> socket.socket:
    """Connect; limit the time with `asyncio.timeout`.

    Args:
        endpoint: where to.
        source: our own address; empty: the system chooses.

    Raises:
        OSError: no address of it accepts the connection.
    """
    loop = asyncio.get_running_loop()
    failure = OSError(f"no address of {endpoint.host} is known")
    for family, _, _, _, address in await loop.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM
    ):
        connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            if source:
                connection.bind((source, 0))
            await loop.sock_connect(connection, address)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure
