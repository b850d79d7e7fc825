from __future__ import annotations

import asyncio
import os
import signal

import pytest

from tests.cli.homes import Person
from tests.cli.test_seed import take
from tuishare.cli.engine_runner import listen_address, run_until_interrupted, running_engine, show
from tuishare.config.model import NetworkSettings
from tuishare.errors import BadInput, SystemFailed
from tuishare.swarm import Progress
from tuishare.swarm.events import State
from tuishare.torrents import InfoHash


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_lets_the_work_finish_what_it_must(number: signal.Signals) -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(work())
    assert steps == ["cleaned up"]


def test_work_that_ends_or_fails_by_itself() -> None:
    async def fail() -> None:
        raise BadInput("no")

    with pytest.raises(BadInput):
        run_until_interrupted(fail())


def test_each_kind_of_swarm_has_its_address() -> None:
    network = NetworkSettings(listen=":1", listen_plain=":2")
    assert listen_address(network, "tls") == ":1"
    assert listen_address(network, "plain") == ":2"
    assert listen_address(NetworkSettings(listen=":1"), "plain") == ":1"


async def test_the_configured_port_or_the_one_asked_for(alice: Person, bob: Person) -> None:
    network = NetworkSettings(listen=f"127.0.0.1:{alice.port}")
    async with running_engine(network, "tls", None) as engine:
        assert engine.listening == {"tls": alice.port}
    async with running_engine(network, "plain", f"127.0.0.1:{bob.port}", any_port=True) as engine:
        assert engine.listening == {"plain": bob.port}


async def test_any_port_only_where_it_was_said(alice: Person, capsys: pytest.CaptureFixture[str]) -> None:
    network = NetworkSettings(listen=f"127.0.0.1:{alice.port}")
    with take(alice.port):
        with pytest.raises(SystemFailed, match="in use"):
            async with running_engine(network, "tls", None):
                pass
        with pytest.raises(SystemFailed, match="in use"):
            async with running_engine(network, "tls", network.listen, any_port=True):
                pass
        async with running_engine(network, "tls", None, any_port=True) as engine:
            (port,) = engine.listening.values()
    assert port != alice.port
    assert f"listening on port {port} instead" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("state", "peers", "rate_up", "shown"),
    [
        ("checking", 0, 0, (25, 100, "checking existing data")),
        ("downloading", 1, 0, (40, 100, "1 peer")),
        ("seeding", 2, 2048, (40, 100, "2 peers, up 2.0 kB/s")),
    ],
)
def test_numbers_on_a_meter(state: State, peers: int, rate_up: int, shown: tuple[int, int, str]) -> None:
    told: list[tuple[int, int, str]] = []

    def meter(done: int, total: int, note: str = "") -> None:
        told.append((done, total, note))

    show(meter, Progress(InfoHash("x"), state, 40, 100, 0.25, rate_up, 0, 0, 0, peers, 0))
    assert told == [shown]
