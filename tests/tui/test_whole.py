"""The dashboard against a real server on a real socket, without the work of an agent."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from tests.api.samples import DOWNLOAD, SHARE, SNAPSHOT, ScriptedAgent
from tests.tui.fakes import until
from tuishare.api.client import AgentClient
from tuishare.api.event_stream import StreamTiming
from tuishare.api.messages import DownloadAction, ShareAction
from tuishare.api.server import ApiServer
from tuishare.tui.app import Dashboard
from tuishare.tui.snapshot_stream import Backoff
from tuishare.tui.view import Connected, Lost

QUICK = StreamTiming(interval=0.01, heartbeat=1)


async def test_an_agent_is_started_watched_lost_and_found() -> None:
    agent, servers = ScriptedAgent(timing=QUICK), list[ApiServer]()
    with TemporaryDirectory(prefix="tuishare-") as folder:
        path = Path(folder) / "agent.sock"

        async def start() -> None:
            servers.append(ApiServer(agent, path))
            await servers[-1].start()

        async with AgentClient(path) as client:
            app = Dashboard(client, client, start, backoff=Backoff(first=3600, longest=3600))
            async with app.run_test() as pilot:
                await until(pilot, lambda: app.view.snapshot == SNAPSHOT)
                assert len(servers) == 1
                await pilot.press("space", "2", "f", "y")
                taken = [(SHARE.id, ShareAction.PAUSE), (DOWNLOAD.id, DownloadAction.FORGET)]
                await until(pilot, lambda: agent.orders == taken)
                slower = msgspec.structs.replace(SHARE, rate_up=1)
                agent.show(msgspec.structs.replace(SNAPSHOT, shares=(slower,)))
                await until(pilot, lambda: app.view.snapshot and app.view.snapshot.shares == (slower,))
                await servers[0].stop()
                await until(pilot, lambda: isinstance(app.view.connection, Lost))
                await pilot.press("s")
                await until(pilot, lambda: isinstance(app.view.connection, Connected))
                assert len(servers) == 2
        await servers[1].stop()
