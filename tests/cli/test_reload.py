"""A change counts at once where an agent runs."""

from __future__ import annotations

import json

import pytest

from tests.cli.homes import Person
from tests.waiting import wait_until
from tuishare.api.messages import Accepted, Reloaded
from tuishare.cli.edit_home import Edited, report_effect

RESTART = "restart (`tuishare stop`, then start it again)"


async def test_a_running_agent_takes_up_what_commands_change(alice: Person, bob: Person) -> None:
    card = bob.run("card").out
    with alice.started("agent") as agent:
        await agent.until_saying("is running")
        assert "Applied." in alice.run("user", "add", "bob", card).err
        assert "Applied." in alice.run("drop", "add", "drop", "--to", "bob").err
        alice.fill("drop/film.mkv")
        envelope = alice.places.files / "outbox" / "film.mkv.torrent.encrypted"
        await wait_until(envelope.exists)
        said = alice.run("config", "set", "network.listen", ":0")
        assert said.err == f"Only after a {RESTART}: network.listen.\n"
        said = alice.run("config", "set", "sharing.until", "everybody")
        assert said.err == f"Applied.\nAfter a {RESTART} also: network.listen.\n"
        assert json.loads(alice.run("reload", "--json").out) == {"applied": [], "restart": ["network.listen"]}
        good = alice.places.config_file.read_text()
        alice.places.config_file.write_text("[network]\nlisten = 7\n")
        assert alice.run("reload").failed(3, "line 2, key network.listen: expected text")
        assert "problem: Settings not usable" in alice.run("status").out
        alice.places.config_file.write_text(good)
        assert "no setting has changed" in alice.run("reload").err
        assert "problem" not in alice.run("status").out


def test_without_an_agent_there_is_nothing_to_reload(alice: Person) -> None:
    assert alice.call("reload").failed(1, "No agent answers")


@pytest.mark.parametrize(
    ("edited", "said"),
    [
        (Edited(Reloaded(), by_agent=True), "Applied.\n"),
        (Edited(Accepted(id="bob"), by_agent=True), "Applied.\n"),
        (
            Edited(Reloaded(restart=("folders.inbox",)), by_agent=True),
            f"Applied.\nAfter a {RESTART} also: folders.inbox.\n",
        ),
        (
            Edited(Reloaded(restart=("settle.quiet", "drop")), by_agent=True),
            f"Only after a {RESTART}: settle.quiet, drop.\n",
        ),
        (Edited(Reloaded(), by_agent=False), "Takes effect when the agent starts.\n"),
    ],
)
def test_when_a_change_takes_effect_is_said(
    edited: Edited[object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report_effect(edited, "drop")
    assert tuple(capsys.readouterr()) == ("", said)
