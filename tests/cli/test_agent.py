from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from tests.cli.homes import Person
from tuishare.api.messages import PROTOCOL


async def test_a_life_in_the_foreground(alice: Person) -> None:
    with alice.started("agent") as agent:
        await agent.until_saying("is running")
        status = alice.run("status")
        assert (status.code, status.err) == (0, "")
        told = dict(line.split("\t") for line in status.out.splitlines())
        assert told["TLS port"] == str(alice.port)
        assert told["from outside"] == "unknown"
        assert told["inbox"].endswith("/inbox")
        assert f"process {agent.process.pid}" in told["agent"]
        assert (told["shares"], told["downloads"]) == ("0", "0")

        data = json.loads(alice.run("status", "--json").out)
        assert data["status"]["pid"] == agent.process.pid
        assert data["status"]["protocol"] == PROTOCOL
        assert (data["shares"], data["downloads"]) == ([], [])

        second = alice.run("agent")
        assert second.failed(1, "Another agent of this home is running")

        stopped = alice.run("stop")
        assert (stopped.code, stopped.out, stopped.err) == (0, "", "The agent has stopped.\n")
        assert agent.process.poll() == 0  # stop waits until it is over
    assert not alice.places.socket.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order(alice: Person, number: signal.Signals) -> None:
    with alice.started("agent") as agent:
        await agent.until_saying("is running")
        assert alice.run("status", "--json").code == 0
        ended = await agent.end(number)
    assert (ended.code, ended.out) == (0, "")
    assert not alice.places.socket.exists()


@pytest.mark.parametrize("command", ["status", "stop"])
def test_no_agent(alice: Person, command: str) -> None:
    assert alice.call(command).failed(1, "No agent answers")


def test_settings_that_are_wrong(alice: Person) -> None:
    alice.configure(settle={"quiet": -1.0})
    assert alice.run("agent").failed(3, "key settle.quiet")


def test_a_home_whose_socket_path_is_too_long(alice: Person) -> None:
    said = alice.call("status", TUISHARE_HOME=f"/tmp/{'x' * 100}")
    assert said.failed(3, "is longer than 107 bytes")


def test_started_in_the_background_it_outlives_us(alice: Person) -> None:
    script = "import asyncio; from tuishare.cli.agent import start_in_background as go; asyncio.run(go())"
    subprocess.run([sys.executable, "-c", script], env=alice.environment, check=True)
    assert alice.call("status").code == 0
    stopped = alice.call("stop")
    assert stopped.code == 0, stopped
    assert alice.call("status").code == 1


@pytest.mark.parametrize("command", ["status", "stop"])
def test_asking_loads_nothing_heavy(alice: Person, command: str) -> None:
    script = (
        "import sys; from tuishare.cli.app import app\n"
        f"try: app([{command!r}])\n"
        "except BaseException: pass\n"
        "print(*(name for name in ('textual', 'libtorrent', 'cryptography', 'sqlite3') if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=alice.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"
