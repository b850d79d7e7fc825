from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import GIVEN, INTRODUCTION
from tests.cli.homes import Person
from tests.cli.json_shapes import read_json
from tests.cli.served import served
from tuishare.api.messages import (
    GroupChange,
    IntroductionAccepted,
    IntroductionNamed,
    Introductions,
    UserChange,
    UsersToIntroduce,
)
from tuishare.config.model import load_config

ID = INTRODUCTION.id


async def test_members_of_a_group_are_introduced_and_who_is_left_out_is_told(alice: Person) -> None:
    async with served(alice) as shell:
        said = await shell.call("user", "introduce", "@crew", "erin")
        assert said.code == 0
        assert "bob and carol are introduced to each other" in said.err
        assert "have not verified them: dave" in said.err
        assert shell.agent.orders == [UsersToIntroduce(names=("@crew", "erin"))]


async def test_a_group_is_introduced_by_itself_until_it_is_no_longer(alice: Person) -> None:
    async with served(alice) as shell:
        assert (await shell.call("user", "introduce", "@crew", "--always")).code == 0
        assert (await shell.call("user", "introduce", "@crew", "--no-longer")).code == 0
        assert shell.agent.orders == [
            GroupChange(name="crew", introduce=True),
            GroupChange(name="crew", introduce=False),
        ]
        assert (await shell.call("user", "introduce", "bob", "--always")).failed(2, "bob is not a group")
        both = await shell.call("user", "introduce", "@crew", "--always", "--no-longer")
        assert both.failed(2, "exclude each other")


def test_without_an_agent_the_switch_is_in_the_settings(alice: Person) -> None:
    assert alice.call("user", "add", "bob", "--new-key").code == 0
    assert alice.call("user", "group", "bob", "--add", "Crew").code == 0
    assert alice.call("user", "introduce", "@crew", "--always").code == 0
    assert load_config(alice.places).link.introduce == ["crew"]
    assert alice.call("user", "introduce", "@band", "--always").failed(4, "There is no group")
    assert alice.call("user", "introduce", "@CREW", "--no-longer").code == 0
    assert load_config(alice.places).link.introduce == []


async def test_both_lists(alice: Person) -> None:
    async with served(alice) as shell:
        declined = msgspec.structs.replace(INTRODUCTION, id="ef" * 16, name="d\x1bave", declined=True)
        shell.agent.introduced = Introductions(received=(INTRODUCTION, declined), given=(GIVEN,))
        for words in (("introductions",), ("introductions", "list")):
            first, second = [line.split("\t") for line in (await shell.call(*words)).out.splitlines()]
            assert first == ["cdcdcdcd", "carol", "bob", "@crew", "waits", "EFGH"]
            assert (second[0], second[4], "\x1b" in second[1]) == ("efefefef", "declined", False)
        given = (await shell.call("introductions", "list", "--given")).out.split("\t")
        assert given[:3] == ["dave", "bob", "@crew"]
        assert given[3].startswith("refused ")
        assert given[3].endswith(": no\n")
        listed = read_json((await shell.call("introductions", "list", "--json")).out, Introductions)
        assert listed == shell.agent.introduced


async def test_one_is_accepted_by_name_or_by_the_beginning_of_its_id(alice: Person) -> None:
    async with served(alice) as shell:
        for wanted in ("Carol", "cdcd"):
            said = await shell.call("introductions", "accept", wanted, "--to", "@crew", "--trust")
            assert "introduced by bob; what they send needs no approval" in said.err
            assert "tuishare user verify carol" in said.err
        named = await shell.call("introductions", "accept", "carol", "--as", "Karla")
        assert "waits for your approval" in named.err
        chosen = IntroductionAccepted(id=ID, groups=("crew",), admitted=True)
        assert shell.agent.orders == [chosen, chosen, IntroductionAccepted(id=ID, name="Karla")]
        assert (await shell.call("introductions", "accept", "zoe")).failed(4, "no such introduction")
        assert (await shell.call("introductions", "accept")).failed(2, "No introduction was named")
        two = await shell.call("introductions", "accept", "carol", "cdcd", "--as", "x")
        assert two.failed(2, "--as names one user")


async def test_two_cards_of_one_name_are_told_apart_by_id(alice: Person) -> None:
    async with served(alice) as shell:
        other = msgspec.structs.replace(INTRODUCTION, id="ef" * 16, fingerprint="WXYZ")
        shell.agent.introduced = Introductions(received=(INTRODUCTION, other))
        assert (await shell.call("introductions", "accept", "carol")).failed(4, "Several introductions")
        assert (await shell.call("introductions", "decline", "efef")).code == 0
        assert shell.agent.orders == [(other.id, IntroductionNamed(id=other.id))]


@pytest.mark.parametrize(
    ("words", "introduces"), [(("accept", "--always-from", "bob"), True), (("ask", "bob"), False)]
)
async def test_a_user_is_followed_until_you_want_to_be_asked(
    alice: Person, words: tuple[str, ...], introduces: bool
) -> None:
    async with served(alice) as shell:
        assert (await shell.call("introductions", *words)).code == 0
        assert shell.agent.orders == [("bob", UserChange(name="bob", introduces=introduces))]
