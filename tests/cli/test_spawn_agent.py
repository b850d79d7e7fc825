from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.homes import Person
from tests.waiting import wait_until
from tuishare.api.client import AgentClient
from tuishare.cli.spawn_agent import BackgroundAgent, spawn_agent
from tuishare.errors import SystemFailed


@contextmanager
def spawned(person: Person) -> Iterator[BackgroundAgent]:
    agent = spawn_agent(person.places, person.places.files)
    try:
        yield agent
    finally:
        agent.process.kill()
        agent.process.wait()


async def test_it_answers_from_a_session_of_its_own(alice: Person) -> None:
    with spawned(alice) as agent:
        await agent.until_answering()
        async with AgentClient(alice.places.socket) as client:
            status = await client.status()
        assert (status.pid, status.name) == (agent.process.pid, "alice")
        assert status.listen_tls == alice.port
        assert os.getsid(status.pid) == status.pid
        assert alice.places.log_file.stat().st_mode & 0o777 == 0o600


async def test_one_that_fails_has_its_own_words_told(alice: Person) -> None:
    alice.places.log_file.write_text("tuishare: An older trouble.\n")
    alice.places.config_file.write_text("nonsense = 1\n")
    with spawned(alice) as agent:
        with pytest.raises(SystemFailed, match="nonsense") as caught:
            await agent.until_answering()
        assert str(alice.places.log_file) in caught.value.hint


async def test_one_that_says_nothing(alice: Person) -> None:
    alice.places.log_file.write_text("tuishare: An older trouble.\n")
    with spawned(alice) as agent:
        agent.process.kill()
        await wait_until(lambda: agent.process.poll() is not None)
        with pytest.raises(SystemFailed, match="ended as soon as it was started"):
            await agent.until_answering()
