"""A change counts at once where an agent runs."""

from __future__ import annotations

import json

import pytest

from tests.cli.homes import Person
from tests.waiting import wait_until
from tuishare.api.error_body import ProtocolMismatch
from tuishare.api.messages import Reloaded
from tuishare.cli import reload as config_reload
from tuishare.errors import AgentUnreachable, BadConfiguration, TuishareError

RESTART = "restart (`tuishare stop`, then start it again)"


async def test_a_running_agent_takes_up_what_commands_change(alice: Person, bob: Person) -> None:
    card = bob.run("card").out
    with alice.started("agent") as agent:
        await agent.until_saying("is running")
        assert "The agent takes it up now." in alice.run("user", "add", "bob", card).err
        assert "The agent takes it up now." in alice.run("drop", "add", "drop", "--to", "bob").err
        alice.fill("drop/film.mkv")
        envelope = alice.places.files / "outbox" / "film.mkv.torrent.encrypted"
        await wait_until(envelope.exists)
        said = alice.run("config", "set", "network.listen", ":0")
        assert said.err == f"Only after a {RESTART}: network.listen.\n"
        said = alice.run("config", "set", "sharing.until", "everybody")
        assert said.err == f"The agent takes it up now.\nAfter a {RESTART} also: network.listen.\n"
        assert json.loads(alice.run("reload", "--json").out) == {"applied": [], "restart": ["network.listen"]}
        good = alice.places.config_file.read_text()
        alice.places.config_file.write_text("[network]\nlisten = 7\n")
        assert alice.run("reload").failed(3, "line 2, key network.listen: expected text")
        assert "problem: Settings not usable" in alice.run("status").out
        alice.places.config_file.write_text(good)
        assert "no other settings" in alice.run("reload").err
        assert "problem" not in alice.run("status").out


def test_without_an_agent_there_is_nothing_to_reload(alice: Person) -> None:
    assert alice.call("reload").failed(1, "No agent answers")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Reloaded(), "The agent takes it up now.\n"),
        (
            Reloaded(restart=("folders.inbox",)),
            f"The agent takes it up now.\nAfter a {RESTART} also: folders.inbox.\n",
        ),
        (Reloaded(restart=("settle.quiet", "drop")), f"Only after a {RESTART}: settle.quiet, drop.\n"),
        (AgentUnreachable("No agent"), "It counts when the agent starts."),
        (ProtocolMismatch("The agent speaks protocol 2"), "warning: The agent speaks protocol 2"),
        (BadConfiguration("line 3"), "warning: the running agent did not take it up: line 3"),
    ],
)
def test_when_a_change_counts_is_said_and_never_an_error(
    answer: Reloaded | TuishareError,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ask(_question: object) -> Reloaded:
        if isinstance(answer, TuishareError):
            raise answer
        return answer

    monkeypatch.setattr(config_reload, "ask_agent", ask)
    config_reload.take_effect("drop")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == said if said.endswith("\n") else said in err
