"""What a network observer sees of a handshake: the post-quantum hybrid group, chosen by the server."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share, at, completed
from tuishare.swarm import Endpoint

X25519MLKEM768 = 0x11EC  # IANA TLS supported groups; draft-ietf-tls-ecdhe-mlkem
_KEY_SHARE, _SUPPORTED_VERSIONS = 51, 43


async def test_the_key_exchange_is_hybrid_and_tls_1_3(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    captured = bytearray()

    async def copy(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keep: bytearray | None
    ) -> None:
        try:
            while data := await reader.read(65536):
                if keep is not None and len(keep) < 16384:
                    keep += data
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection("127.0.0.1", at(alice).port)
        await asyncio.gather(copy(reader, onward[1], None), copy(onward[0], writer, captured))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await completed(bob, share.downloading(tmp_path / "bob", Endpoint("127.0.0.1", port)))
    await bob.close()
    await alice.close()
    server.close()
    extensions = _server_hello(bytes(captured))
    assert struct.unpack(">H", extensions[_KEY_SHARE][:2])[0] == X25519MLKEM768
    assert extensions[_SUPPORTED_VERSIONS] == b"\x03\x04"


def _server_hello(stream: bytes) -> dict[int, bytes]:
    """Read the extensions of the first record's ServerHello (RFC 8446, 4.1.3)."""
    assert stream[0] == 22
    hello = stream[5 : 5 + struct.unpack(">H", stream[3:5])[0]]
    assert hello[0] == 2
    position = 4 + 2 + 32
    position += 1 + hello[position] + 2 + 1
    (end,) = struct.unpack(">H", hello[position : position + 2])
    position += 2
    end += position
    extensions = {}
    while position < end:
        kind, length = struct.unpack(">HH", hello[position : position + 4])
        extensions[kind] = hello[position + 4 : position + 4 + length]
        position += 4 + length
    return extensions
