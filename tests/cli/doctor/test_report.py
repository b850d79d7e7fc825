"""The whole diagnosis."""

from __future__ import annotations

import json

from tests.api.samples import SHARE
from tests.cli.homes import Person
from tests.cli.served import served
from tuishare.home_paths import find_places
from tuishare.swarm.ports import free_port


def test_a_good_home_exits_0_and_says_what_is_fine(alice: Person, bob: Person) -> None:
    alice.know(bob.as_user())
    alice.as_user()
    said = alice.run("doctor")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert all(line.startswith(("✓ ", "! ", "  hint: ")) for line in lines)
    subjects = {line[2:].partition(":")[0] for line in lines if line[0] in "✓!"}
    assert subjects >= {
        *("Python", "libtorrent", "home", "identity", "settings", "users", "inbox", "outbox", "downloads"),
        *("free space", "inotify", "TLS", "agent", "tls port", "tracker port", "service", "clock"),
    }


def test_one_fault_exits_1(alice: Person) -> None:
    alice.places.config_file.write_text("name = 1\n")
    said = alice.run("doctor")
    assert said.code == 1
    assert "✗ settings: " in said.out
    assert "line 1, key name" in said.out
    assert "✓ TLS" in said.out


async def test_a_running_agent_holds_its_ports(alice: Person) -> None:
    ports = {"plain port": free_port(), "tracker port": free_port(), "plain tracker port": free_port()}
    ports["link port"] = free_port()
    plain, https, http, link = (f"127.0.0.1:{port}" for port in ports.values())
    tracker = {"listen": https, "listen_plain": http}
    alice.configure(network={"listen_plain": plain}, tracker=tracker, link={"listen": link})
    with alice.started("agent") as agent:
        await agent.until_saying("is running")
        found = json.loads(alice.run("doctor", "--json").out)
        by_subject = {finding["topic"]: finding for finding in found}
        for subject, port in (ports | {"tls port": alice.port}).items():
            assert by_subject[subject]["evidence"] == f"127.0.0.1:{port} is held by the agent"
        assert f"runs as process {agent.process.pid}" in by_subject["agent"]["evidence"]
        alice.places.config_file.write_text(alice.places.config_file.read_text() + "\n[x]\n")
        assert alice.run("reload").code == 3
        problems = [f for f in json.loads(alice.run("doctor", "--json").out) if "not usable" in f["evidence"]]
        assert [problem["good"] for problem in problems] == [None]


def test_nothing_is_made_by_looking(alice: Person) -> None:
    places = find_places({"TUISHARE_HOME": str(alice.desk / "none")})
    assert alice.run("doctor", TUISHARE_HOME=str(places.files)).code in {0, 1}
    assert not places.files.exists()


async def test_the_proof_of_one_share_is_told_with_its_evidence(alice: Person) -> None:
    async with served(alice, SHARE) as shell:
        said = await shell.call("doctor", "--share", SHARE.id[:8])
        assert (said.code, said.out) == (0, "✓ DHT: It is off.\n")
        assert (await shell.call("doctor", "--share", "nix")).failed(4, "There is no share “nix”")
        found = json.loads((await shell.call("doctor", "--json", "--share", SHARE.id)).out)
        assert found == [{"topic": "DHT", "good": True, "evidence": "It is off.", "hint": ""}]
