"""``tuishare revoke``."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.homes import Person
from tests.cli.served import served, share
from tuishare.api.messages import Delivery, DeliveryState, Share


def shared_with(*users: str, **fields: Any) -> Share:
    rows = tuple(Delivery(user=user, state=DeliveryState.NOT_OPENED, progress=0) for user in users)
    return share("1", deliveries=rows, **fields)


async def test_it_says_what_it_does_what_is_to_be_done_and_what_nobody_can_do(alice: Person) -> None:
    async with served(alice, shared_with("bob", "carol")) as shell:
        said = await shell.call("revoke", "film.mov", "bob", "--json")
        assert shell.agent.orders == [(share("1").id, "revoke", "bob")]
    assert (said.code, json.loads(said.out)) == (0, [{"id": share("1").id}])
    for words in (
        "Revoked the access of bob to “film.mov”",
        "bob is disconnected",
        "already downloaded stays",
        "send them to carol.",
    ):
        assert words in said.err
    assert "plain swarm" not in said.err


async def test_a_plain_swarm_cannot_keep_anybody_out(alice: Person) -> None:
    async with served(alice, shared_with("bob", transport="plain")) as shell:
        said = await shell.call("revoke", "1000", "bob")
    assert "can still connect" in said.err
    assert "disconnected" not in said.err
    assert "send them to" not in said.err


async def test_who_was_out_before_changes_nothing(alice: Person) -> None:
    rows = tuple(
        Delivery(user=user, state=state, progress=0)
        for user, state in (("bob", DeliveryState.REVOKED), ("carol", DeliveryState.NOT_OPENED))
    )
    async with served(alice, share("1", deliveries=rows)) as shell:
        said = await shell.call("revoke", "film.mov", "bob", "--json")
        assert shell.agent.orders == [(share("1").id, "revoke", "bob")]
    assert (said.code, said.out) == (0, "[]\n")
    assert said.err == "bob was already revoked from “film.mov”.\n"


async def test_everywhere_names_the_user_alone(alice: Person) -> None:
    async with served(alice, shared_with("bob"), share("2", "other", deliveries=())) as shell:
        said = await shell.call("revoke", "--everywhere", "bob", "--json")
        assert shell.agent.orders == [("bob", "revoke")]
        assert json.loads(said.out) == [{"id": share("1").id}]
        assert (await shell.call("revoke", "bob")).failed(2, "Name the share and the user")
        assert (await shell.call("revoke", "--everywhere", "film.mov", "bob")).code == 2


async def test_no_such_share(alice: Person) -> None:
    async with served(alice, shared_with("bob")) as shell:
        assert (await shell.call("revoke", "nix", "bob")).failed(4, "There is no share “nix”")


async def test_whoever_is_removed_and_holds_tickets_is_told_of(alice: Person) -> None:
    gone = Delivery(user="bob", state=DeliveryState.REVOKED, progress=0)
    async with served(alice, shared_with("bob"), share("2", "other", deliveries=(gone,))) as shell:
        for name in ("bob", "eve"):
            assert (await shell.call("user", "add", name, "--new-key")).code == 0
        said = await shell.call("user", "remove", "bob")
        assert "bob still holds tickets for 1 share: `tuishare revoke --everywhere bob`" in said.err
        assert "tickets" not in (await shell.call("user", "remove", "eve")).err
