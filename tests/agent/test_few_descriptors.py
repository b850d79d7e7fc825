"""Two agents that may open few files each: slower is fine, lost is not."""

from __future__ import annotations

import os

from tests.agent.homes import Home
from tests.bench.agents import carrying, runner
from tests.waiting import answered, wait_until
from tuishare.api.client import AgentClient
from tuishare.api.messages import DownloadState

FILES = 120
LIMIT = 128


async def test_all_arrive_although_few_files_may_be_open(alice: Home, bob: Home) -> None:
    alice.configure("bob")
    bob.configure(inbox={"envelopes_per_minute": 0})
    async with runner(alice, descriptors=LIMIT), runner(bob, descriptors=LIMIT) as receiving:
        with carrying(alice, bob):
            for number in range(FILES):
                (alice.drop / f"{number}.txt").write_text(f"{number}\n")
            arrived = bob.downloads / "alice"
            await wait_until(lambda: arrived.is_dir() and len(list(arrived.iterdir())) == FILES, seconds=240)
        async with AgentClient(bob.places.socket) as client:
            complete = [DownloadState.COMPLETE] * FILES
            await answered(client.downloads, lambda all_: [each.state for each in all_] == complete)
            assert not (await client.status()).problems
        assert len(os.listdir(f"/proc/{receiving.process.pid}/fd")) < LIMIT
        log = bob.places.log_file.read_text() + alice.places.log_file.read_text()
        assert "too many open files" not in log.lower()
