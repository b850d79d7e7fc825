"""``tuishare hub …``: what its operator types and reads, with a real hub."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.homes import Person
from tests.cli.served import served
from tests.cli.test_systemd_unit import analyze
from tests.waiting import is_listening, wait_blocking
from tuishare.api.messages import HubString
from tuishare.cli import hub
from tuishare.cli.hub_commands import status
from tuishare.errors import AgentUnreachable, BadConfiguration, BadInput, NotFound, Refused
from tuishare.hub.settings import FOLDER_VARIABLE, HubPlaces
from tuishare.link.mailbox.enrolment import parse_enrolment
from tuishare.swarm.ports import free_port

UNIT = Path(__file__).parents[2] / "systemd" / "tuishare-hub.service"


def test_an_operator_makes_a_hub_runs_it_and_looks_after_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "hub"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    with pytest.raises(AgentUnreachable, match="No hub answers"):
        status()
    address = f"127.0.0.1:{free_port()}"
    hub.init_hub(address)
    assert capsys.readouterr().out == f"{folder / 'hub.toml'}\n"
    with pytest.raises(BadConfiguration):
        hub.init_hub(address)
    settings = HubPlaces(folder).settings_file
    # Another hub on this machine, such as that of another test, may have the usual port.
    settings.write_text(settings.read_text().replace('# listen = ":50013"', 'listen = "127.0.0.1:0"'))
    process = subprocess.Popen(
        [sys.executable, "-m", "tuishare", "hub", "run"],
        env=dict(os.environ),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_blocking(lambda: is_listening(HubPlaces(folder).socket), seconds=60)
        hub.invite_member("bob", 7, as_json=False)
        assert parse_enrolment(capsys.readouterr().out).address == address
        with pytest.raises(Refused):
            hub.invite_member("bob", 7, as_json=False)
        with pytest.raises(BadInput):
            hub.invite_member("a\nb", 7, as_json=False)
        hub.print_status(as_json=True)
        shown = json.loads(capsys.readouterr().out)
        assert (shown["address"], shown["members"], shown["parcels"]) == (address, 0, 0)
        hub.print_status(as_json=False)
        assert "members\t0, 0 connected\n" in capsys.readouterr().out
        hub.print_members(as_json=True)
        assert json.loads(capsys.readouterr().out) == {"kind": "members", "members": []}
        hub.print_members(as_json=False)
        assert capsys.readouterr().out == ""
        hub.remove_member("bob", as_json=False)
        assert capsys.readouterr().err == "The string for bob is cancelled.\n"
        with pytest.raises(NotFound):
            hub.remove_member("bob", as_json=False)
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "listens on port" in said
    assert not HubPlaces(folder).socket.exists()


def test_systemd_takes_the_unit_of_a_hub(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text().replace("/usr/local/bin/tuishare hub run", "/bin/true")
    unit.write_text(text.replace("User=tuishare-hub", "User=root"))
    said = analyze(tmp_path, "verify", unit)
    assert [line for line in said.stderr.splitlines() if unit.name in line] == []


async def test_an_agent_joins_a_hub_by_its_string(alice: Person) -> None:
    async with served(alice) as shell:
        said = await shell.call("hub", "join", "tuishare-hub-v1:abc")
        assert (said.code, said.out) == (0, "")
        assert "The hub at hub.example:50012 keeps for you" in said.err
        assert shell.agent.orders == [HubString(text="tuishare-hub-v1:abc")]
        shown = json.loads((await shell.call("hub", "join", "-", "--json", stdin=b"tuishare-hub-v1:abc")).out)
        assert shown == {"address": "hub.example:50012"}
        assert (await shell.call("hub", "join", "hub.example")).failed(
            2, "neither a string of a hub nor a file"
        )
