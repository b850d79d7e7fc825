"""Shares made by command, outside the drop folders."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.agent_pairs import come_to_rest, running
from tests.agent.homes import Home, fill, is_idle
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.folders.folder_monitor import FolderMonitor
from tuishare.agent.shares.entry_handlers import StandaloneHandler
from tuishare.api.messages import DeliveryState, NewShare, Share, ShareAction, ShareId, ShareState, UserNamed
from tuishare.envelope import CardKey, open_envelope
from tuishare.errors import Refused, TuishareError
from tuishare.torrents import Tree

ENVELOPE = "x.torrent.encrypted"
pytestmark = pytest.mark.usefixtures("bob")


@pytest.fixture
def folder(alice: Home) -> Path:
    """A folder of Alice's with other things in it."""
    folder = alice.places.files / "papers"
    folder.mkdir()
    fill(folder / "private")
    return folder


async def share(agent: Agent, path: Path, *recipients: str) -> Share:
    await agent.service.share(NewShare(path=str(path), recipients=recipients or ("bob",)))
    return await seeded(agent)


async def seeded(agent: Agent, generation: int = 1) -> Share:
    found = await until(agent, "x", ShareState.SEEDING, generation)
    await wait_until(lambda: is_idle(agent._drops.queue))
    return found


def following(agent: Agent) -> FolderMonitor[Tree]:
    (found,) = [
        each for each in agent._drops.monitors.values() if isinstance(each.handler, StandaloneHandler)
    ]
    return found


async def test_it_follows_its_file_and_nothing_beside_it(alice: Home, folder: Path) -> None:
    async with running(alice) as agent:
        first = await share(agent, fill(folder / "x"))
        fill(folder / "x")
        again = await seeded(agent, generation=2)
        assert (again.id, again.recipients) == (first.id, ("bob",))
        assert len(agent.view.shares()) == 1
    fill(folder / "x")
    async with running(alice) as agent:
        assert (await seeded(agent, generation=3)).id == first.id
        assert [found.path for found in agent.view.shares()] == [str(folder / "x")]


async def test_what_is_being_written_is_served_no_longer(alice: Home, folder: Path) -> None:
    alice.configure("bob", settle={"quiet": 1.0})
    async with running(alice) as agent:
        await share(agent, fill(folder / "x"))
        with (folder / "x").open("ab") as file:
            file.write(b"more")
            file.flush()
            await until(agent, "x", ShareState.SETTLING)
            assert agent._context.engine.all_progress() == {}


async def test_a_change_deep_inside_is_found_by_the_next_scan(alice: Home, folder: Path) -> None:
    made = folder / "x"
    (made / "sub").mkdir(parents=True)
    fill(made / "sub" / "deep")
    async with running(alice) as agent:
        await share(agent, made)
        fill(made / "sub" / "deep")
        following(agent).scan_soon()
        await seeded(agent, generation=2)


async def test_a_deleted_one_is_withdrawn_and_its_name_means_nothing_any_more(
    alice: Home, folder: Path
) -> None:
    async with running(alice) as agent:
        path = fill(folder / "x")
        await share(agent, path)
        path.unlink()
        await until(agent, "x", ShareState.WITHDRAWN)
        await wait_until(lambda: os.listdir(alice.outbox) == [])
        fill(path)
        fill(folder / "y")
        await come_to_rest(agent)
        assert [found.state for found in agent.view.shares()] == [ShareState.WITHDRAWN]
        assert os.listdir(alice.outbox) == []


async def test_deleted_while_nobody_watched_it_is_withdrawn(alice: Home, folder: Path) -> None:
    async with running(alice) as agent:
        await share(agent, fill(folder / "x"))
    (folder / "x").unlink()
    async with running(alice) as agent:
        await until(agent, "x", ShareState.WITHDRAWN)


async def test_an_editor_that_moves_the_file_away_first_does_not_withdraw_it(
    alice: Home, folder: Path
) -> None:
    alice.configure("bob", settle={"quiet": 1.0})
    async with running(alice) as agent:
        path = fill(folder / "x")
        first = await share(agent, path)
        path.rename(folder / "x~")
        await until(agent, "x", ShareState.SETTLING)  # it was seen to be gone
        fill(path)
        assert (await seeded(agent, generation=2)).id == first.id


async def test_an_unmounted_disk_withdraws_nothing(alice: Home) -> None:
    """Its place is an empty folder then."""
    disk, away = alice.places.files / "disk", alice.places.files / "away"
    disk.mkdir()
    path = fill(disk / "x")
    async with running(alice) as agent:
        first = await share(agent, path)
    disk.rename(away)
    disk.mkdir()
    async with running(alice) as agent:
        await until(agent, "x", ShareState.PROBLEM)
        assert following(agent).state.value == "missing"
        disk.rmdir()
        away.rename(disk)
        following(agent).scan_soon()
        assert (await seeded(agent)).id == first.id


async def test_sharing_it_again_for_others_takes_it_from_nobody(
    alice: Home, bob: Home, mallory: Home, folder: Path
) -> None:
    alice.know(bob.user(), mallory.user())
    async with running(alice) as agent:
        path = fill(folder / "x")
        first = await share(agent, path, "bob")
        assert (await agent.service.share(NewShare(path=str(path), recipients=("bob",)))).id == first.id
        with pytest.raises(Refused, match="shared with bob too") as refused:
            await agent.service.share(NewShare(path=str(path), recipients=("mallory",)))
        assert "revoke" in refused.value.hint
        assert (await seeded(agent)).recipients == ("bob",)
        await agent.service.share(NewShare(path=str(path), recipients=("mallory", "bob")))
        again = await seeded(agent, generation=2)
        assert (again.id, set(again.recipients)) == (first.id, {"bob", "mallory"})
        for home in (bob, mallory):
            open_envelope((alice.outbox / ENVELOPE).read_bytes(), [CardKey(home.identity.private_key)])


async def test_who_was_revoked_need_not_be_named_again_and_stays_out(
    alice: Home, bob: Home, mallory: Home, folder: Path
) -> None:
    alice.know(bob.user(), mallory.user())
    async with running(alice) as agent:
        first = await share(agent, fill(folder / "x"), "bob")
        await agent.service.revoke_from_share(ShareId(first.id), UserNamed(name="bob"))
        await seeded(agent, generation=2)
        await agent.service.share(NewShare(path=first.path, recipients=("mallory",)))
        assert (await seeded(agent, generation=3)).recipients == ("mallory",)
        data = (alice.outbox / ENVELOPE).read_bytes()
        open_envelope(data, [CardKey(mallory.identity.private_key)])
        with pytest.raises(TuishareError):
            open_envelope(data, [CardKey(bob.identity.private_key)])


async def test_who_was_revoked_is_named_in_vain_until_it_is_forgotten(
    alice: Home, bob: Home, mallory: Home, folder: Path
) -> None:
    alice.know(bob.user(groups=("crew",)), mallory.user(groups=("crew",)))
    async with running(alice) as agent:
        first = await share(agent, fill(folder / "x"), "bob", "mallory")
        await agent.service.revoke_from_share(ShareId(first.id), UserNamed(name="bob"))
        await seeded(agent, generation=2)
        for names in (("bob", "mallory"), ("@crew", "Bob")):
            with pytest.raises(Refused, match="bob was revoked from “x”") as refused:
                await agent.service.share(NewShare(path=first.path, recipients=names))
            assert "forget" in refused.value.hint
        await agent.service.share(NewShare(path=first.path, recipients=("@crew",)))
        group = await seeded(agent, generation=3)
        assert {row.user: row.state for row in group.deliveries}["bob"] is DeliveryState.REVOKED
        await agent.service.order_share(ShareId(first.id), ShareAction.FORGET)
        await agent.service.share(NewShare(path=first.path, recipients=("bob",)))
        anew = await seeded(agent)
        assert [(row.user, row.state) for row in anew.deliveries] == [("bob", DeliveryState.NOT_OPENED)]


async def test_a_group_that_somebody_has_left_takes_nothing_from_him(
    alice: Home, bob: Home, mallory: Home, folder: Path
) -> None:
    alice.know(bob.user(groups=("crew",)), mallory.user(groups=("crew",)))
    async with running(alice) as agent:
        first = await share(agent, fill(folder / "x"), "@crew")
        alice.know(bob.user(), mallory.user(groups=("crew",)))
        assert (await agent.service.share(NewShare(path=first.path, recipients=("@crew",)))).id == first.id
        assert agent.view.shares()[0].generation == 1
        with pytest.raises(Refused, match="shared with bob too"):
            await agent.service.share(NewShare(path=first.path, recipients=("@crew",), note="final"))


async def test_under_another_name_it_goes_to_those_who_are_named_then(
    alice: Home, bob: Home, mallory: Home, folder: Path
) -> None:
    alice.know(bob.user(), mallory.user())
    names, known = [*"xyz"], []
    async with running(alice) as agent:
        fill(folder / "x")
        for name, former, user in zip(names, ["", *names], ["bob", "bob", "mallory"], strict=False):
            if former:
                (folder / former).rename(folder / name)
            known.append(
                (await agent.service.share(NewShare(path=str(folder / name), recipients=(user,)))).id
            )
            assert (await until(agent, name, ShareState.SEEDING)).recipients == (user,)
            await wait_until(lambda: is_idle(agent._drops.queue))
    assert known[0] == known[1] != known[2]


async def test_note_and_end_stay_unless_others_are_given(alice: Home, folder: Path) -> None:
    end = int(time.time()) + 86_400
    path = fill(folder / "x")
    async with running(alice) as agent:
        await agent.service.share(NewShare(path=str(path), recipients=("bob",), note="draft", not_after=end))
        first = await seeded(agent)
        await agent.service.share(NewShare(path=str(path), recipients=("bob",)))
        assert await seeded(agent) == first
        await agent.service.share(NewShare(path=str(path), recipients=("bob",), note="final"))
        again = await seeded(agent, generation=2)
        assert (again.note, again.not_after) == ("final", end)
        await agent.service.share(NewShare(path=str(path), recipients=("bob",), not_after=end + 9))
        again = await seeded(agent, generation=3)
        assert (again.note, again.not_after) == ("final", end + 9)


async def test_what_is_over_is_shared_anew(alice: Home, bob: Home, mallory: Home, folder: Path) -> None:
    alice.know(bob.user(), mallory.user())
    path, now = fill(folder / "x"), int(time.time())
    async with running(alice) as agent:
        await agent.service.share(
            NewShare(path=str(path), recipients=("bob",), note="draft", not_after=now + 3600)
        )
        repository = agent._drops.repository
        await repository.save(replace(repository.get((await seeded(agent)).id), not_after=now - 1))
        await agent._drops.commands.withdraw_expired()
        await agent.service.share(NewShare(path=str(path), recipients=("mallory",)))
        again = await seeded(agent, generation=3)  # for others, and there again
        assert (again.recipients, again.note, again.not_after) == (("mallory",), "", 0)


@pytest.mark.parametrize("what", ["config/identity.key", "config", ".", "state", "inbox", "outbox/x", "link"])
async def test_keys_and_envelopes_are_not_shared(alice: Home, what: str) -> None:
    fill(alice.outbox / "x")
    (alice.places.files / "link").symlink_to(alice.places.config)
    async with running(alice) as agent:
        with pytest.raises(Refused, match="uses itself"):
            await agent.service.share(NewShare(path=str(alice.places.files / what), recipients=("bob",)))
        assert agent.view.shares() == []


async def test_what_lies_in_a_drop_folder_is_shared_by_that(alice: Home) -> None:
    async with running(alice) as agent:
        fill(alice.drop / "x")
        with pytest.raises(Refused, match="drop folder"):
            await agent.service.share(NewShare(path=str(alice.drop / "x"), recipients=("bob",)))


async def test_a_swarm_that_this_agent_does_not_take_changes_nothing(alice: Home, folder: Path) -> None:
    async with running(alice) as agent:
        before = await share(agent, fill(folder / "x"))
        plain = NewShare(path=str(folder / "x"), recipients=("bob",), transport="plain")
        with pytest.raises(Refused, match="no plain swarms"):
            await agent.service.share(plain)
        assert (await seeded(agent)).transport == before.transport == "tls"


async def test_sharing_it_once_more_does_not_take_its_swarm_away(alice: Home, folder: Path) -> None:
    alice.configure(
        "bob", network={"listen": "127.0.0.1:0", "listen_plain": "127.0.0.1:0", "share_addresses": False}
    )
    path = fill(folder / "x")
    async with running(alice) as agent:
        await agent.service.share(NewShare(path=str(path), recipients=("bob",), transport="plain"))
        before = await seeded(agent)
        with pytest.raises(Refused, match="has a plain swarm") as refused:
            await agent.service.share(NewShare(path=str(path), recipients=("bob",)))
        assert "--transport plain" in refused.value.hint
        assert await seeded(agent) == before
