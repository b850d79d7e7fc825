"""Alerts become values; passkeys stay inside."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import replace
from pathlib import Path

import pytest

from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share
from tuishare.swarm import TrackerFailed, alerts
from tuishare.swarm.libtorrent_loader import lt

KEY = "planted-passkey-0123456789abcdef"


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = await reader.readuntil(b"\r\n\r\n")
    assert KEY.encode() in request
    reason = f"unknown passkey {KEY}".encode()
    body = b"d14:failure reason%d:%se" % (len(reason), reason)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    await writer.drain()
    writer.close()


async def test_a_tracker_that_quotes_the_passkey_does_not_spread_it(
    start_engine: StartEngine, share: Share, caplog: pytest.LogCaptureFixture
) -> None:
    server = await asyncio.start_server(_refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}/announce/{KEY}"
    alice = await start_engine()
    with alice.subscribe() as events:
        await alice.add(replace(share.seeding(), announce=((url,),)))
        async with asyncio.timeout(10):
            async for event in events:
                assert KEY not in repr(event)
                if isinstance(event, TrackerFailed):
                    assert event.url == f"http://127.0.0.1:{port}/announce/…"
                    assert event.reason == "unknown passkey …"
                    break
    await alice.close()
    server.close()
    assert KEY not in caplog.text


def test_an_assignment_does_not_show_its_secrets(share: Share, tmp_path: Path) -> None:
    spec = replace(share.seeding(), announce=((f"http://127.0.0.1/announce/{KEY}",),))
    assert KEY not in repr(spec)
    assert "leaf_key" not in repr(spec)


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (lt.error_code(errno.ENOSPC, lt.system_category()), errno.ENOSPC),
        (lt.error_code(errno.EMFILE, lt.generic_category()), errno.EMFILE),
        (lt.error_code(28, lt.libtorrent_category()), 0),
        (lt.error_code(), 0),
    ],
)
def test_only_an_error_of_the_system_has_a_number(error: lt.error_code, number: int) -> None:
    assert alerts._errno(error) == number
