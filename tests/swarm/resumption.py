"""A member resumes its TLS session where it has no ticket; run as a program, because the guard is per process.

Where: at `other` share of the same sender, or at its own after it was `revoked` (the authority was replaced). Prints
how many payload bytes it got with its ticket and how many by resumption. `unguarded` uses libtorrent before
`tuishare.swarm` is imported, which keeps our OpenSSL configuration out, and skips the self-test that would alert.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path


async def run(guard: str, where: str, version: str, folder: Path) -> None:
    if guard == "unguarded":
        import libtorrent

        libtorrent.load_torrent_buffer(_TINY)
    import tuishare.swarm.engine as engine_module
    from tests.swarm.outsiders import member_context, take_block
    from tests.swarm.shares import make_share
    from tuishare.swarm import Engine, EngineSettings, create_authority

    if guard == "unguarded":
        engine_module.check_no_resumption = lambda: None  # type: ignore[attr-defined]
    mine = make_share(folder / "a", size=50_000)
    other = make_share(folder / "b", size=60_000, seed=2)
    engine = await Engine.start(EngineSettings(listen_tls="127.0.0.1:0"))
    await engine.add(mine.seeding())
    context = member_context(mine.member(), folder)
    context.minimum_version = context.maximum_version = {
        "1.3": ssl.TLSVersion.TLSv1_3,
        "1.2": ssl.TLSVersion.TLSv1_2,
    }[version]
    port = engine.listening["tls"]
    first = await asyncio.to_thread(take_block, port, mine.info_hash, context)
    if where == "revoked":
        await engine.remove(mine.info_hash)
        other = replace(mine, authority=create_authority(datetime.now(UTC)))
    await engine.add(other.seeding())
    second = await asyncio.to_thread(take_block, port, other.info_hash, context, first.session)
    print(len(first.payload), len(second.payload))
    await engine.close()


_TINY = b"d4:infod6:lengthi1e4:name1:x12:piece lengthi16384e6:pieces20:" + bytes(20) + b"ee"

if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))
