"""Folders and settings by order of a client: in the file, with its comments, and in force at once."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.api.client import AgentClient
from tuishare.api.messages import DropChange, DropNamed, Reloaded, SettingChange, SettingsText, ShareState
from tuishare.errors import BadInput, NotFound, Refused
from tuishare.people import UserBook, save_book


async def test_a_folder_is_shared_from_the_moment_on_that_it_is_set(
    alice: Home, bob: Home, tmp_path: Path
) -> None:
    alice.know(bob.user())
    folder = tmp_path / "films" / "new"
    async with running(alice) as agent, AgentClient(alice.places.socket) as client:
        await client.set_drop(DropChange(path=str(folder), users=("bob",)))
        fill(folder / "a.mkv")
        await wait_until((alice.outbox / "a.mkv.torrent.encrypted").exists)
        assert [drop.path for drop in agent.view.status().drop_folders][-1] == str(folder)
        await client.remove_drop(DropNamed(path=str(folder)))
        assert str(folder) not in {drop.path for drop in agent.view.status().drop_folders}
        assert (folder / "a.mkv").exists()


async def test_one_that_is_set_again_is_followed_though_what_was_shared_from_it_is_gone(
    alice: Home, bob: Home, tmp_path: Path
) -> None:
    alice.know(bob.user())
    folder = tmp_path / "films"
    async with running(alice) as agent, AgentClient(alice.places.socket) as client:
        await client.set_drop(DropChange(path=str(folder), users=("bob",)))
        fill(folder / "a.mkv")
        await until(agent, "a.mkv", ShareState.SEEDING)
        await client.remove_drop(DropNamed(path=str(folder)))
        await until(agent, "a.mkv", ShareState.WITHDRAWN)
        (folder / "a.mkv").unlink()
        assert os.listdir(folder) == []
        await client.set_drop(DropChange(path=str(folder), users=("bob",)))
        fill(folder / "b.mkv")
        await until(agent, "b.mkv", ShareState.SEEDING)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (DropChange(path="{}/new", users=("nobody",)), NotFound),
        (DropChange(path="{}/new", users=("@nobody",)), NotFound),
        (DropChange(path="new", users=("bob",)), BadInput),
        (DropChange(path="{}/ne\0w", users=("bob",)), BadInput),
        (DropChange(path="{}/inbox/new", users=("bob",)), BadInput),
        (DropChange(path="{}/new", users=("bob",), transport="plain"), BadInput),
    ],
)
async def test_what_cannot_be_a_drop_folder_leaves_no_trace(
    alice: Home, bob: Home, change: DropChange, error: type[Exception]
) -> None:
    alice.know(bob.user())
    before = alice.places.config_file.read_bytes()
    path = change.path.replace("{}", str(alice.places.files))
    async with running(alice), AgentClient(alice.places.socket) as client:
        with pytest.raises(error):
            await client.set_drop(msgspec.structs.replace(change, path=path))
        with pytest.raises(NotFound):
            await client.remove_drop(DropNamed(path=str(alice.places.files / "new")))
    assert alice.places.config_file.read_bytes() == before
    assert not (alice.places.files / "new").exists()
    assert not (alice.inbox / "new").exists()


async def test_one_setting_is_changed_and_comments_stay(alice: Home) -> None:
    text = alice.places.config_file.read_text() + "# mine\n"
    alice.places.config_file.write_text(text)
    async with running(alice) as agent, AgentClient(alice.places.socket) as client:
        changed = await client.change_setting(SettingChange(key="name", value="alice@studio"))
        assert changed == Reloaded(applied=("name",))
        assert agent.view.status().name == "alice@studio"
        later = await client.change_setting(SettingChange(key="network.listen", value=":0"))
        assert later == Reloaded(restart=("network.listen",))
        for key, value in (("network.listen", ""), ("name", "a/b"), ("no.such", "1"), ("settle.quiet", "x")):
            with pytest.raises(BadInput):
                await client.change_setting(SettingChange(key=key, value=value))
        assert "# mine\n" in alice.places.config_file.read_text()


async def test_the_whole_file_is_replaced_unless_somebody_else_did(alice: Home) -> None:
    async with running(alice) as agent, AgentClient(alice.places.socket) as client:
        settings = await client.settings()
        assert settings.path == str(alice.places.config_file)
        assert settings.text == alice.places.config_file.read_text()
        wanted = msgspec.structs.replace(settings, text=settings.text + 'name = "x"\n')
        with pytest.raises(BadInput):  # the name is set twice
            await client.write_settings(wanted)
        wanted = msgspec.structs.replace(settings, text=settings.text.replace('"alice"', '"alice2"'))
        assert await client.write_settings(wanted) == Reloaded(applied=("name",))
        assert agent.view.status().name == "alice2"
        with pytest.raises(Refused, match="changed in the meantime"):
            await client.write_settings(settings)
        assert agent.view.status().name == "alice2"


async def test_a_file_that_is_not_usable_can_be_mended(alice: Home) -> None:
    good = alice.places.config_file.read_text()
    async with running(alice) as agent, AgentClient(alice.places.socket) as client:
        alice.places.config_file.write_text("name = 7\n")
        broken = await client.settings()
        assert broken.text == "name = 7\n"
        with pytest.raises(BadInput):
            await client.write_settings(msgspec.structs.replace(broken, text="name = 8\n"))
        await client.write_settings(msgspec.structs.replace(broken, text=good))
        assert not [problem for problem in agent.view.status().problems if problem.id == "config"]


async def test_settings_for_somebody_unknown_are_refused(alice: Home, bob: Home) -> None:
    save_book(alice.places.users_file, UserBook())
    text = alice.places.config_file.read_text()
    assert bob.name in text
    async with running(alice), AgentClient(alice.places.socket) as client:
        with pytest.raises(BadInput, match="no user 'bob'"):
            await client.write_settings(SettingsText(text=text + "# \n"))
    assert alice.places.config_file.read_text() == text
