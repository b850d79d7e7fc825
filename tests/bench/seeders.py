"""Other seeding programs, with the same torrents, on loopback, with all discovery off."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.agents import end
from tuishare.swarm.ports import free_port

_SEEDING = 6  # TR_STATUS_SEED
_QBITTORRENT = """[LegalNotice]
Accepted=true

[BitTorrent]
Session\\DHTEnabled=false
Session\\PeXEnabled=false
Session\\LSDEnabled=false
Session\\QueueingSystemEnabled=false
Session\\InterfaceAddress=127.0.0.1
Session\\Port={port}
Session\\Preallocation=false

[Preferences]
WebUI\\Enabled=true
WebUI\\Address=127.0.0.1
WebUI\\Port={web}
WebUI\\LocalHostAuth=false
WebUI\\UseUPnP=false

[Network]
PortForwardingEnabled=false
"""


class Seeder(ABC):
    """A program that seeds torrents of one folder."""

    program: str

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self.web = free_port(), free_port()

    def is_installed(self) -> bool:
        """Whether the program is installed."""
        return shutil.which(self.program) is not None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[subprocess.Popen[bytes]]:
        """Run it for as long as the block lasts."""
        self.configure()
        process = await asyncio.to_thread(self._start)
        try:
            yield process
        finally:
            await asyncio.to_thread(end, process)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def until_seeding(self, count: int, seconds: float = 300.0) -> None:
        """Wait until it seeds that many torrents."""
        async with aiohttp.ClientSession() as session, asyncio.timeout(seconds):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    if await self.count_seeding(session) >= count:
                        return
                await asyncio.sleep(0.05)

    @abstractmethod
    def configure(self) -> None:
        """Write its settings, unless it has some."""

    @abstractmethod
    def command(self) -> list[str]:
        """What to run."""

    @abstractmethod
    async def add(self, torrents: Sequence[bytes], folder: Path) -> None:
        """Give it torrents whose payload lies in a folder."""

    @abstractmethod
    async def count_seeding(self, session: aiohttp.ClientSession) -> int:
        """How many torrents it seeds now."""


class Transmission(Seeder):
    """transmission-daemon."""

    program = "transmission-daemon"

    def configure(self) -> None:
        """As the base."""
        self.home.mkdir(exist_ok=True)
        off = dict.fromkeys(
            ("dht-enabled", "lpd-enabled", "pex-enabled", "port-forwarding-enabled", "utp-enabled"), False
        )
        settings = {
            **off,
            "bind-address-ipv4": "127.0.0.1",
            "bind-address-ipv6": "::1",
            "peer-port": self.port,
            "rpc-port": self.web,
            "rpc-bind-address": "127.0.0.1",
            "rpc-whitelist": "127.0.0.1",
        }
        (self.home / "settings.json").write_text(json.dumps(settings))

    def command(self) -> list[str]:
        """As the base."""
        return [self.program, "--foreground", "--config-dir", str(self.home)]

    async def add(self, torrents: Sequence[bytes], folder: Path) -> None:
        """As the base."""
        async with aiohttp.ClientSession() as session:
            for torrent in torrents:
                metainfo = {"metainfo": b64encode(torrent).decode(), "download-dir": str(folder)}
                await self._ask(session, "torrent-add", metainfo)

    async def count_seeding(self, session: aiohttp.ClientSession) -> int:
        """As the base."""
        answer = await self._ask(session, "torrent-get", {"fields": ["status"]})
        return sum(torrent["status"] == _SEEDING for torrent in answer["torrents"])

    async def _ask(self, session: aiohttp.ClientSession, method: str, arguments: dict[str, Any]) -> Any:
        """Send an RPC request; it must carry a session id, which the program returns to a request without one."""
        name = "X-Transmission-Session-Id"
        while True:
            async with session.post(
                f"http://127.0.0.1:{self.web}/transmission/rpc",
                json={"method": method, "arguments": arguments},
                headers={name: session.headers.get(name, "")},
            ) as answer:
                if answer.status == 409:
                    session.headers[name] = answer.headers[name]
                    continue
                return (await answer.json())["arguments"]


class QBittorrent(Seeder):
    """qbittorrent-nox."""

    program = "qbittorrent-nox"

    def configure(self) -> None:
        """As the base."""
        file = self.home / "qBittorrent" / "config" / "qBittorrent.conf"
        if not file.exists():
            file.parent.mkdir(parents=True)
            file.write_text(_QBITTORRENT.format(port=self.port, web=self.web))

    def command(self) -> list[str]:
        """As the base."""
        return [self.program, f"--profile={self.home}", f"--webui-port={self.web}"]

    async def add(self, torrents: Sequence[bytes], folder: Path) -> None:
        """As the base."""
        async with aiohttp.ClientSession() as session:
            for start in range(0, len(torrents), 100):
                form = aiohttp.FormData()
                form.add_field("savepath", str(folder))
                form.add_field("skip_checking", "true")
                for number, torrent in enumerate(torrents[start : start + 100]):
                    form.add_field("torrents", torrent, filename=f"{number}.torrent")
                async with session.post(self._address("add"), data=form) as answer:
                    answer.raise_for_status()

    async def count_seeding(self, session: aiohttp.ClientSession) -> int:
        """As the base."""
        async with session.get(self._address("info")) as answer:
            return sum(torrent["state"] in {"stalledUP", "uploading"} for torrent in await answer.json())

    def _address(self, call: str) -> str:
        return f"http://127.0.0.1:{self.web}/api/v2/torrents/{call}"
