from __future__ import annotations

import json
import os
import time

import pytest

from tests.cli.homes import Person
from tests.cli.served import served
from tuishare.api.messages import NewShare


async def test_the_agent_gets_all_of_it(alice: Person) -> None:
    async with served(alice) as shell:
        options = (
            "--to",
            "bob",
            "--to",
            "@crew",
            "--transport",
            "plain",
            "--note",
            "Für dich",
            "--expires",
            "30d",
        )
        said = await shell.call("share", "film\x1b.mov", *options)
        (new,) = shell.agent.orders
    assert (said.code, said.out) == (0, "new\n")
    assert said.err == "Sharing “film\ufffd.mov” with bob, @crew.\n"
    assert isinstance(new, NewShare)
    assert new.path == str(alice.desk / "film\x1b.mov")
    assert (new.recipients, new.transport, new.note) == (("bob", "@crew"), "plain", "Für dich")
    assert 0 <= time.time() + 30 * 86_400 - new.not_after < 60


async def test_defaults_and_json(alice: Person) -> None:
    async with served(alice) as shell:
        said = await shell.call("share", alice.desk / "x" / ".." / "film.mov", "--to", "bob", "--json")
        (new,) = shell.agent.orders
    assert json.loads(said.out) == {"id": "new"}
    assert new == NewShare(path=str(alice.desk / "film.mov"), recipients=("bob",))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("film.mov",), "No recipients given"),
        (("film.mov", "--to", "bob", "--expires", "soon"), "neither a date nor a duration"),
        (("film.mov", "--to", "bob", "--expires", "2001-01-01"), "is in the past"),
        (("film.mov", "--to", "bob", "--note", "x" * 501), "The note has 501 characters"),
        ((os.fsdecode(b"film\xff.mov"), "--to", "bob"), "is not UTF-8"),
    ],
)
async def test_what_makes_no_sense(alice: Person, words: tuple[str, ...], sentence: str) -> None:
    async with served(alice) as shell:
        assert (await shell.call("share", *words)).failed(2, sentence)
        assert shell.agent.orders == []


def test_no_agent(alice: Person) -> None:
    assert alice.call("share", "film.mov", "--to", "bob").failed(1, "No agent answers")
