"""Dialling an agent that ends the connection at every moment before there is a link."""

from __future__ import annotations

import socket
import struct
from typing import Any

import asyncssh
import pytest

from tests.link.samples import ALICE, BOB
from tests.waiting import wait_until
from tuishare.link import dial
from tuishare.link.dial import Destination, connect
from tuishare.link.peer import LinkFailed
from tuishare.net.endpoints import Endpoint

_RESET = struct.pack("ii", 1, 0)


def is_reset(connection: socket.socket) -> bool:
    try:
        connection.getpeername()
    except OSError:
        return True
    return False


async def test_one_who_is_gone_before_ssh_begins_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "judge", lambda *_: None)
    listening = socket.create_server(("127.0.0.1", 0))
    speak = asyncssh.run_client

    async def speak_late(connection: socket.socket, **options: Any) -> asyncssh.SSHClientConnection:
        accepted, _ = listening.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        accepted.close()
        await wait_until(lambda: is_reset(connection))
        return await speak(connection, **options)

    monkeypatch.setattr(asyncssh, "run_client", speak_late)
    with listening:
        endpoint = Endpoint("127.0.0.1", listening.getsockname()[1])
        with pytest.raises(LinkFailed):
            await connect(ALICE.link_key, Destination(BOB.link_key.public_key, [endpoint]))
