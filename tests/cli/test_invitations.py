from __future__ import annotations

import time

import msgspec
import pytest

from tests.api.samples import INVITATION
from tests.cli.homes import Person
from tests.cli.json_shapes import read_json
from tests.cli.served import served
from tuishare.api.messages import Invitation, InvitationNamed, InvitationText, InviterAdded, NewInvitation

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


async def test_the_list_shows_who_used_it_and_the_words(alice: Person) -> None:
    async with served(alice) as shell:
        used = msgspec.structs.replace(
            INVITATION,
            id="cd" * 16,
            used=INVITATION.created,
            user="carol",
            words="a b c d",
            address="192.0.2.7",
        )
        shell.agent.invited = [INVITATION, used]
        first, second = ((line.split("\t")) for line in (await shell.call("invite", "list")).out.splitlines())
        assert (first[:2], first[2].split()[0]) == (["abababab", "bob"], "open")
        assert second[2].startswith("used by carol")
        assert second[3:] == ["a b c d", "192.0.2.7"]
        listed = read_json((await shell.call("invite", "list", "--json")).out, list[Invitation])
        assert listed == [INVITATION, used]


async def test_one_is_cancelled_by_the_beginning_of_its_id(alice: Person) -> None:
    async with served(alice) as shell:
        assert (await shell.call("invite", "cancel", "abab")).code == 0
        assert shell.agent.orders == [(INVITATION.id, InvitationNamed(id=INVITATION.id))]
        assert (await shell.call("invite", "cancel", "cd")).failed(4, "There is no such invitation")


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
        assert read_json(said.out, InviterAdded) == InviterAdded(
            user="alice", words="one two three four", verified=True
        )


def test_what_is_no_invitation_is_refused(alice: Person) -> None:
    assert alice.call("join", "nothing").failed(2, "This is neither an invitation nor a file")
