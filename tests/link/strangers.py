"""Strangers in a process of their own: silent connections, and guesses of invitations.

`python -m tests.link.strangers PORT silent|guesses COUNT HOST_KEY` writes "ready" when it has begun, and how many were
answered at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from typing import Any

import asyncssh

from tests.link.samples import MALLORY
from tuishare.link.connection import ALGORITHMS, SUBSYSTEM, public_key
from tuishare.link.invitation import make_invitation
from tuishare.link.invitation_exchange import make_redeem
from tuishare.link.messages import encode_message

SIDE_BY_SIDE = 48


def address(number: int) -> str:
    """One of many addresses of this machine, in many networks."""
    return f"127.{number % 199 + 2}.{number // 199 % 250}.{number % 250 + 1}"


async def connect(port: int, number: int) -> socket.socket:
    connection = socket.socket()
    connection.setblocking(False)
    connection.bind((address(number), 0))
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    return connection


async def be_silent(port: int, count: int) -> int:
    """Hold connections, and come again whenever one is ended."""
    loop = asyncio.get_running_loop()

    async def hold(number: int) -> None:
        while True:
            with contextlib.suppress(OSError):
                connection = await connect(port, number)
                with connection:
                    while await loop.sock_recv(connection, 4096):
                        pass
            await asyncio.sleep(0.2)

    tasks = [asyncio.create_task(hold(number)) for number in range(count)]
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()
    return 0


async def guess(port: int, count: int, host_key: bytes) -> int:
    """Redeem invitations of which only the shape is known."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    options: dict[str, Any] = {**ALGORITHMS, "known_hosts": ([public_key(host_key)], [], [])}
    numbers = iter(range(count))
    answered = 0

    async def go_on() -> None:
        nonlocal answered
        for number in numbers:
            invitation = make_invitation(
                signer=MALLORY.signer, link_key=host_key, addresses=(), token=os.urandom(16), end=1
            )
            with contextlib.suppress(OSError, asyncssh.Error, TimeoutError):
                async with asyncio.timeout(20):
                    connection = await connect(port, number)
                    ssh = await asyncssh.run_client(
                        connection, **options, client_keys=[key], username="link", agent_path=None
                    )
                    writer, reader, _ = await ssh.open_session(subsystem=SUBSYSTEM, encoding=None)
                    writer.write(encode_message(make_redeem(invitation, MALLORY.party)))
                    answered += bool(await reader.read(1))
                    ssh.abort()

    print("ready", flush=True)
    await asyncio.gather(*(go_on() for _ in range(SIDE_BY_SIDE)))
    return answered


if __name__ == "__main__":
    port, what, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    working = be_silent(port, count) if what == "silent" else guess(port, count, bytes.fromhex(sys.argv[4]))
    print(asyncio.run(working), flush=True)
