from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.homes import Person
from tests.waiting import wait_until
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


async def test_it_is_found_whatever_the_environment_of_the_asker(alice: Person, root: Path) -> None:
    """By cron, su and ssh it may lack the folder that a login makes, or have another one."""
    user, runtime, other = root / "user", root / "runtime", root / "other"
    for folder in (runtime, other, user / ".config" / "tuishare"):
        folder.mkdir(mode=0o700, parents=True)
    alice.configure()
    alice.places.config_file.rename(user / ".config" / "tuishare" / "config.toml")
    home: dict[str, Any] = {"TUISHARE_HOME": "", "HOME": str(user)}
    with alice.started("agent", **home, XDG_RUNTIME_DIR=str(runtime)) as agent:
        await agent.until_saying("is running")
        for where in (str(runtime), "", str(other), str(root / "missing")):
            found = alice.run("status", **home, XDG_RUNTIME_DIR=where)
            assert f"process {agent.process.pid}" in found.out, (where, found)
        shutil.rmtree(runtime)
        runtime.touch()  # as after a logout: it cannot be made again by this user
        await wait_until(lambda: alice.run("status", **home, XDG_RUNTIME_DIR=str(other)).code == 0)
        stopped = alice.run("stop", **home)
        assert stopped.code == 0, stopped
        assert agent.process.poll() == 0


async def test_a_stuck_agent_is_named_by_its_process(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuishare.api.connection._ANSWER_SECONDS", 0.5)
    with alice.started("agent") as agent:
        await agent.until_saying("is running")
        agent.process.send_signal(signal.SIGSTOP)
        for command in ("status", "stop"):
            said = await asyncio.to_thread(alice.call, command)
            assert said.failed(1, "does not answer in time"), said
            assert f"kill -9 {agent.process.pid}" in said.err
        agent.process.send_signal(signal.SIGCONT)


def test_how_to_start_one_is_said(alice: Person, root: Path) -> None:
    home: dict[str, Any] = {"HOME": str(root), "XDG_CONFIG_HOME": str(root / "config")}
    assert "hint: Start it with: tuishare agent & (or for good" in alice.call("status", **home).err
    unit = root / "config" / "systemd" / "user" / "tuishare.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(f'ReadWritePaths="-{alice.places.state}"\n')
    assert "hint: Start its service with: systemctl --user start" in alice.call("status", **home).err


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
