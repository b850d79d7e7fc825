"""What is in a drop folder, and what a whole agent makes of it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from tests.agent.agent_pairs import come_to_rest, running
from tests.agent.homes import SETTLE, Home, fill
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.folders.ignore_rules import IGNORE_FILE
from tuishare.api.messages import ActivityKind, FolderState, Share, ShareState

pytestmark = pytest.mark.usefixtures("bob")


def states(agent: Agent) -> dict[str, ShareState]:
    return {share.name: share.state for share in agent.view.shares()}


async def until(agent: Agent, name: str, state: ShareState, generation: int | None = None) -> Share:
    def found() -> list[Share]:
        return [
            share
            for share in agent.view.shares()
            if (share.name, share.state) == (name, state) and generation in {None, share.generation}
        ]

    await wait_until(lambda: len(found()) == 1)
    return found()[0]


@pytest.mark.parametrize("how", ["written", "moved", "copied folder", "there before"])
async def test_an_entry_becomes_a_share_for_the_folders_users(alice: Home, how: str) -> None:
    entry = alice.drop / "x"
    if how == "there before":
        fill(entry)
    async with running(alice) as agent:
        if how == "written":
            fill(entry)
        elif how == "moved":
            fill(alice.places.files / "x").rename(entry)
        elif how == "copied folder":
            (entry / "sub").mkdir(parents=True)
            fill(entry / "sub" / "a")
            fill(entry / "b")
        share = await until(agent, "x", ShareState.SEEDING)
        assert (share.recipients, share.files) == (("bob",), 2 if how == "copied folder" else 1)
        await wait_until(lambda: os.listdir(alice.outbox) == ["x.torrent.encrypted"])


async def test_a_changed_entry_is_the_next_generation(alice: Home) -> None:
    async with running(alice) as agent:
        fill(alice.drop / "x")
        first = await until(agent, "x", ShareState.SEEDING, generation=1)
        fill(alice.drop / "x")
        assert (await until(agent, "x", ShareState.SEEDING, generation=2)).id == first.id


async def test_temporary_names_are_not_even_looked_at(alice: Home) -> None:
    async with running(alice) as agent:
        for name in ("c.part", ".hidden", "b~"):
            fill(alice.drop / name)
        fill(alice.drop / "a")
        await until(agent, "a", ShareState.SEEDING)
        assert states(agent) == {"a": ShareState.SEEDING}
        (alice.drop / "c.part").rename(alice.drop / "finished")  # as browsers do
        await until(agent, "finished", ShareState.SEEDING)


async def test_a_pattern_for_folders_holds_for_entries_too(alice: Home) -> None:
    (alice.drop / IGNORE_FILE).write_text("build/\n")
    for folder in ("build", "keep"):
        (alice.drop / folder).mkdir()
        fill(alice.drop / folder / "f")
    async with running(alice) as agent:
        await until(agent, "keep", ShareState.SEEDING)
        assert states(agent) == {"keep": ShareState.SEEDING}


async def test_an_edited_list_of_patterns_counts_at_once(alice: Home) -> None:
    (alice.drop / IGNORE_FILE).write_text("*.iso\n")
    fill(alice.drop / "a.iso")
    async with running(alice) as agent:
        fill(alice.drop / "b")
        await until(agent, "b", ShareState.SEEDING)
        assert "a.iso" not in states(agent)
        (alice.drop / IGNORE_FILE).write_text("")
        await until(agent, "a.iso", ShareState.SEEDING)


@pytest.mark.parametrize("fault", ["pattern", "unreadable"])
async def test_while_the_list_has_a_mistake_nothing_is_shared_and_it_shows(alice: Home, fault: str) -> None:
    if fault == "pattern":
        (alice.drop / IGNORE_FILE).write_text("secret*\n!\n")
    else:
        (alice.drop / IGNORE_FILE).mkdir()
    fill(alice.drop / "secret plans")
    async with running(alice) as agent:
        fill(alice.drop / "b")
        refused = await until(agent, "b", ShareState.PROBLEM)
        assert IGNORE_FILE in refused.detail
        await until(agent, "secret plans", ShareState.PROBLEM)
        assert os.listdir(alice.outbox) == []
        if fault == "pattern":
            (alice.drop / IGNORE_FILE).write_text("secret*\n")
            await until(agent, "b", ShareState.SEEDING)
            assert "secret plans" not in states(agent) or states(agent)["secret plans"] is ShareState.PROBLEM


@pytest.mark.parametrize("kind", ["link", "pipe", "empty folder"])
async def test_what_cannot_be_shared_is_shown_until_it_is_gone(alice: Home, kind: str) -> None:
    """T15"""
    secret, entry = fill(alice.places.files / "secret"), alice.drop / "x"
    async with running(alice) as agent:
        match kind:
            case "link":
                entry.symlink_to(secret)
            case "pipe":
                os.mkfifo(entry)
            case _:
                entry.mkdir()
        refused = await until(agent, "x", ShareState.PROBLEM)
        assert refused.detail
        await come_to_rest(agent)
        told = [(event.kind, event.subject, event.detail) for event in await agent.service.activity(10)]
        assert told == [(ActivityKind.PROBLEM, "x", refused.detail)]  # once, however often it is looked at
        entry.rmdir() if kind == "empty folder" else entry.unlink()
        await wait_until(lambda: agent.view.shares() == [])
        assert os.listdir(alice.outbox) == []


async def test_a_folder_with_links_shares_only_what_is_its_own(alice: Home) -> None:
    secret = fill(alice.places.files / "secret")
    made = alice.places.files / "x"
    made.mkdir()
    fill(made / "own")
    (made / "link").symlink_to(secret)
    (made / "up").symlink_to("..")
    async with running(alice) as agent:
        made.rename(alice.drop / "x")
        assert (await until(agent, "x", ShareState.SEEDING)).files == 1


async def test_a_name_that_is_no_text_is_a_problem_that_clients_can_read(alice: Home) -> None:
    """T14"""
    async with running(alice) as agent:
        fill(Path(os.fsdecode(bytes(alice.drop) + b"/\xff")))
        await until(agent, "\N{REPLACEMENT CHARACTER}", ShareState.PROBLEM)


async def test_a_folder_that_is_away_withdraws_nothing(alice: Home) -> None:
    """A disk that is not mounted is a state, never "everything was deleted"."""
    alice.configure("bob", settle={"rescan": 0.2})
    away = alice.drop.with_name("unmounted")
    async with running(alice) as agent:
        fill(alice.drop / "x")
        share = await until(agent, "x", ShareState.SEEDING)
        alice.drop.rename(away)
        await wait_until(lambda: agent.view.status().drop_folders[0].state is FolderState.MISSING)
        assert [found.id for found in agent.view.shares()] == [share.id]
        away.rename(alice.drop)
        await wait_until(lambda: agent.view.status().drop_folders[0].state is FolderState.WATCHING)
        fill(alice.drop / "y")
        await until(agent, "y", ShareState.SEEDING)
        assert (await until(agent, "x", ShareState.SEEDING)).generation == 1
        assert sorted(os.listdir(alice.outbox)) == ["x.torrent.encrypted", "y.torrent.encrypted"]


async def test_a_folder_that_comes_late_is_followed(alice: Home) -> None:
    alice.drop.rmdir()
    async with running(alice) as agent:
        assert agent.view.status().drop_folders[0].state is FolderState.MISSING
        alice.drop.mkdir()
        fill(alice.drop / "x")
        await until(agent, "x", ShareState.SEEDING)


def is_settling(agent: Agent, size: int) -> bool:
    return [(share.state, share.size) for share in agent.view.shares()] == [(ShareState.SETTLING, size)]


async def test_what_grows_is_shown_as_settling_with_its_size(alice: Home) -> None:
    alice.configure("bob", settle={"quiet": 0.5})
    async with running(alice) as agent:
        with (alice.drop / "x").open("wb") as file:
            for size in (1000, 2000):
                file.write(bytes(1000))
                file.flush()
                await wait_until(partial(is_settling, agent, size))
        await until(agent, "x", ShareState.SEEDING)


async def test_an_unknown_user_is_a_problem_until_the_book_knows_him(alice: Home, bob: Home) -> None:
    alice.know()
    async with running(alice) as agent:
        fill(alice.drop / "x")
        share = await until(agent, "x", ShareState.PROBLEM)
        assert "bob" in share.detail
        assert share.hint
        alice.know(bob.user())
        await until(agent, "x", ShareState.SEEDING)


async def test_a_group_means_its_members(alice: Home, bob: Home) -> None:
    alice.configure("@crew")
    alice.know(bob.user(groups=("crew",)))
    async with running(alice) as agent:
        fill(alice.drop / "x")
        await until(agent, "x", ShareState.SEEDING)
        held = await agent._context.store.run(lambda database: database.recipients())
        assert [recipient.user for recipient in held] == ["bob"]


async def test_two_folders_with_different_users(alice: Home, bob: Home) -> None:
    other = alice.places.files / "other"
    other.mkdir()
    folders = [{"path": str(alice.drop), "users": ["bob"]}, {"path": str(other), "users": ["carol"]}]
    alice.configure(drop=folders)
    alice.know(bob.user(), alice.user(name="carol"))
    async with running(alice) as agent:
        fill(alice.drop / "for bob")
        fill(other / "for carol")
        shares = [await until(agent, name, ShareState.SEEDING) for name in ("for bob", "for carol")]
        assert [share.recipients for share in shares] == [("bob",), ("carol",)]


async def test_a_restart_shares_nothing_twice_and_finds_what_came_meanwhile(alice: Home) -> None:
    async with running(alice) as agent:
        fill(alice.drop / "x")
        before = await until(agent, "x", ShareState.SEEDING)
    envelope = (alice.outbox / "x.torrent.encrypted").read_bytes()
    fill(alice.drop / "y")
    async with running(alice) as agent:
        await until(agent, "y", ShareState.SEEDING)
        after = await until(agent, "x", ShareState.SEEDING)
        assert (after.id, after.generation) == (before.id, 1)
    assert (alice.outbox / "x.torrent.encrypted").read_bytes() == envelope
    assert len(os.listdir(alice.outbox)) == 2
    assert SETTLE["rescan"] > 10  # what came meanwhile was found by the scan at the start
