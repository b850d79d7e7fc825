from __future__ import annotations

import time

import msgspec
import pytest

from tests.api.samples import INVITATION, JOINER, NOW
from tests.cli.homes import Person
from tests.cli.json_shapes import read_json
from tests.cli.served import served
from tuishare.api.messages import (
    Invitation,
    InvitationNamed,
    InvitationText,
    JoinerState,
    Joining,
    NewInvitation,
)

STRING = "tuishare-invite-v1:abc"


async def test_the_string_is_alone_on_stdout(alice: Person) -> None:
    async with served(alice) as shell:
        said = await shell.call("invite", "bob", "--to", "@crew", "--expires", "12h")
        assert (said.code, said.out) == (0, f"{STRING}\n")
        assert "tuishare join" in said.err
        (order,) = shell.agent.orders
        assert isinstance(order, NewInvitation)
        assert (order.name, order.groups) == ("bob", ("crew",))
        assert abs(order.until - time.time() - 12 * 3600) < 60


async def test_without_a_name_it_is_for_one_person_and_ends_after_a_week(alice: Person) -> None:
    async with served(alice) as shell:
        assert "one person" in (await shell.call("invite")).err
        (order,) = shell.agent.orders
        assert isinstance(order, NewInvitation)
        assert order.name == ""
        assert abs(order.until - time.time() - 7 * 86_400) < 60


async def test_several_may_join_and_each_may_need_approval(alice: Person) -> None:
    async with served(alice) as shell:
        said = await shell.call("invite", "--uses", "10", "--ask")
        assert "not verified" in said.err
        assert "tuishare invite approve abababab" in said.err
        (order,) = shell.agent.orders
        assert isinstance(order, NewInvitation)
        assert (order.uses, order.ask) == (10, True)


async def test_the_list_shows_who_came_with_it_and_the_words(alice: Person) -> None:
    async with served(alice) as shell:
        eve = msgspec.structs.replace(JOINER, called="eve", user="", state=JoinerState.TRIED, words="e f g h")
        used = msgspec.structs.replace(INVITATION, id="cd" * 16, joiners=(JOINER, eve))
        shell.agent.invited = [INVITATION, used]
        rows = [line.split("\t") for line in (await shell.call("invite", "list")).out.splitlines()]
        assert [row[0] for row in rows] == ["abababab", "cdcdcdcd", "cdcdcdcd", "cdcdcdcd"]
        assert [row[2].rsplit(" ", 2)[0] for row in rows] == [
            "open until",
            "used by bob",
            "joined as bob",
            "refused",
        ]
        assert [row[1] for row in rows[2:]] == ["Bob", "eve"]
        assert rows[3][3:] == ["e f g h", "192.0.2.7", "ABCD"]
        listed = read_json((await shell.call("invite", "list", "--json")).out, list[Invitation])
        assert listed == [INVITATION, used]


async def test_one_who_asks_is_answered(alice: Person) -> None:
    async with served(alice) as shell:
        asks = msgspec.structs.replace(JOINER, state=JoinerState.ASKS, user="")
        other = msgspec.structs.replace(asks, called="Carol", fingerprint="EFGH")
        # One who has the string may call themselves like another who asks: the fingerprint tells them apart.
        same = msgspec.structs.replace(asks, fingerprint="IJ KL")
        shell.agent.invited = [msgspec.structs.replace(INVITATION, joiners=(asks, same))]
        several = await shell.call("invite", "approve", "ab", "Bob")
        assert several.failed(2, "Several people ask to join")
        assert "Bob: IJ KL" in several.err
        said = await shell.call("invite", "decline", "ab", "ijkl")
        assert said.code == 0
        shell.agent.invited = [msgspec.structs.replace(INVITATION, joiners=(asks, other))]
        assert (await shell.call("invite", "approve", "ab")).failed(2, "Several people ask to join")
        assert (await shell.call("invite", "approve", "ab", "dan")).failed(4, "No one of that name")
        unseen = await shell.call("invite", "approve", "ab", "Bob")
        assert unseen.failed(2, "not a terminal")
        for shown in ("192.0.2.7", "a b c d", "ABCD", "--yes"):
            assert shown in unseen.err
        assert (await shell.call("invite", "approve", "ab", "Bob", "--yes")).code == 0
        assert (await shell.call("invite", "decline", "ab", "Carol")).code == 0
        answers = [order for order in shell.agent.orders if isinstance(order, tuple)]
        assert [answer.approve for _, answer in answers] == [False, True, False]
        assert [answer.fingerprint for _, answer in answers] == ["IJ KL", "ABCD", "EFGH"]


async def test_a_join_that_waits_is_told_listed_and_cancelled(alice: Person) -> None:
    async with served(alice) as shell:
        error = "192.0.2.1:50011 does not answer"
        waiting = Joining(id="ef" * 16, until=NOW, tried=NOW, error=error, words="a b c d")
        shell.agent.joining = [waiting]
        row = (await shell.call("join", "list")).out.strip().split("\t")
        assert (row[0], *row[3:]) == ("efefefef", error, "a b c d")
        assert read_json((await shell.call("join", "list", "--json")).out, list[Joining]) == [waiting]
        assert (await shell.call("join", "cancel", "ef")).code == 0
        assert shell.agent.orders == [(waiting.id, InvitationNamed(id=waiting.id))]
        shell.agent.answer_to_join = waiting
        said = await shell.call("join", STRING)
        assert said.code == 0
        assert f"{error}. Your agent calls again until" in said.err
        assert "may compare them: a b c d." in said.err
        assert "exchange cards" in said.err


async def test_one_is_cancelled_by_the_beginning_of_its_id(alice: Person) -> None:
    async with served(alice) as shell:
        assert (await shell.call("invite", "cancel", "abab")).code == 0
        assert shell.agent.orders == [(INVITATION.id, InvitationNamed(id=INVITATION.id))]
        assert (await shell.call("invite", "cancel", "cd")).failed(4, "There is no such invitation")
        former = msgspec.structs.replace(JOINER, user="carol", was_known=True)
        shell.agent.invited = [msgspec.structs.replace(INVITATION, joiners=(JOINER, former))]
        said = await shell.call("invite", "cancel", "abab")
        assert "bob removed" in said.err
        assert "carol: known before" in said.err


async def test_one_of_former_keys_is_listed_as_of_no_use(alice: Person) -> None:
    async with served(alice) as shell:
        shell.agent.invited = [msgspec.structs.replace(INVITATION, outdated=True)]
        assert "of no use: you have other keys by now" in (await shell.call("invite", "list")).out


@pytest.mark.parametrize("how", ["text", "file", "stdin"])
async def test_joining_shows_the_same_words(alice: Person, how: str) -> None:
    async with served(alice) as shell:
        file = alice.desk / "invitation"
        file.write_text(f"{STRING}\n")
        if how == "stdin":
            said = await shell.call("join", "-", stdin=STRING.encode())
        else:
            said = await shell.call("join", STRING if how == "text" else file)
        assert said.code == 0
        assert "one two three four" in said.err
        (order,) = shell.agent.orders
        assert isinstance(order, InvitationText)
        assert order.text.strip() == STRING


async def test_what_joining_prints_as_json(alice: Person) -> None:
    async with served(alice) as shell:
        said = await shell.call("join", STRING, "--json")
        assert read_json(said.out, Joining) == Joining(
            id="ef" * 16, user="alice", words="one two three four", verified=True
        )


def test_what_is_no_invitation_is_refused(alice: Person) -> None:
    assert alice.call("join", "nothing").failed(2, "This is neither an invitation nor a file")


async def test_what_comes_on_stdin_may_be_anything(alice: Person) -> None:
    async with served(alice) as shell:
        said = await shell.call("join", "-", stdin=b"\xff\xfe")
        assert said.failed(2, "holds no invitation")
        assert shell.agent.orders == []
