"""New settings for an agent that runs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, opened
from tests.waiting import wait_until
from tuishare.agent.config_reload import LIVE, merge
from tuishare.agent.daemon import Agent
from tuishare.agent.events import SettingsReloaded
from tuishare.agent.shares.admission import ShareAdmission
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.agent.startup import make_config_reload
from tuishare.api.messages import DownloadState, FolderState, ShareState
from tuishare.config.editing import settable_keys
from tuishare.config.model import Config, DropFolder, NetworkSettings, load_config
from tuishare.errors import BadConfiguration
from tuishare.people import User
from tuishare.torrents import Tree

ENVELOPE = "film.mkv.torrent.encrypted"


def with_network(config: Config, **changes: object) -> Config:
    return msgspec.structs.replace(config, network=msgspec.structs.replace(config.network, **changes))


def with_drop(config: Config, *drop: DropFolder) -> Config:
    return msgspec.structs.replace(config, drop=list(drop))


async def until_shared(agent: Agent, *states: ShareState) -> None:
    await wait_until(lambda: [share.state for share in agent.view.shares()] == list(states))


def test_what_can_count_at_once_does_and_the_rest_waits(alice: Home) -> None:
    old = load_config(alice.places)
    new = with_drop(with_network(old, listen=":1", public_host="studio.example.org"))
    new = with_drop(new, DropFolder(str(alice.drop), ["bob"]))
    merged, reloaded = merge(old, new, alice.places)
    assert (reloaded.applied, reloaded.restart) == (("network.public_host", "drop"), ("network.listen",))
    assert merged.network == msgspec.structs.replace(old.network, public_host="studio.example.org")
    assert merged.drop == new.drop


def test_the_same_settings_change_nothing(alice: Home) -> None:
    config = load_config(alice.places)
    merged, reloaded = merge(config, config, alice.places)
    assert merged == config
    assert reloaded.applied == reloaded.restart == ()


def test_a_drop_folder_that_needs_a_port_waits_for_it(alice: Home) -> None:
    old = load_config(alice.places)
    drop = DropFolder(str(alice.drop), ["bob"], "plain")
    merged, reloaded = merge(old, with_drop(with_network(old, listen_plain=":2"), drop), alice.places)
    assert (reloaded.applied, set(reloaded.restart)) == ((), {"network.listen_plain", "drop"})
    assert merged == old


def test_a_drop_folder_where_the_inbox_still_is_waits_until_it_has_moved(alice: Home) -> None:
    old = load_config(alice.places)
    folders = msgspec.structs.replace(old.folders, inbox=str(alice.places.files / "elsewhere"))
    new = msgspec.structs.replace(old, folders=folders, drop=[DropFolder(str(alice.inbox), ["bob"])])
    merged, reloaded = merge(old, new, alice.places)
    assert (merged, set(reloaded.restart)) == (old, {"folders.inbox", "drop"})


def test_every_live_setting_exists() -> None:
    edited_otherwise = {"drop", "inbox.trackers", "link.introduce", "tracker.others", "limits.schedule"}
    assert set(settable_keys()) | edited_otherwise >= LIVE
    assert NetworkSettings().share_addresses


async def test_a_new_drop_folder_is_followed_at_once(alice: Home, bob: Home) -> None:
    alice.configure()
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        assert agent.view.status().drop_folders == ()
        alice.configure("bob")
        assert (await agent.service.reload()).applied == ("drop",)
        await until_shared(agent, ShareState.SEEDING)
        (folder,) = agent.view.status().drop_folders
        assert (folder.path, folder.state, folder.users) == (str(alice.drop), FolderState.WATCHING, ("bob",))


async def test_shares_of_a_folder_that_is_none_any_more_are_withdrawn(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        await until_shared(agent, ShareState.SEEDING)
        alice.configure()
        await agent.service.reload()
        await until_shared(agent, ShareState.WITHDRAWN)
        await wait_until(lambda: not (alice.outbox / ENVELOPE).exists())
        assert agent.view.status().drop_folders == ()
        assert agent._context.engine.all_progress() == {}
        assert path.exists()
        fill(alice.drop / "late.mkv")
        alice.configure("bob")
        await agent.service.reload()
        await until_shared(agent, ShareState.SEEDING, ShareState.SEEDING)
        assert [share.generation for share in agent.view.shares()] == [2, 1]


async def test_what_was_removed_while_the_agent_was_off_is_withdrawn_too(alice: Home, bob: Home) -> None:
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        await until_shared(agent, ShareState.SEEDING)
    alice.configure()
    async with running(alice) as agent:
        await until_shared(agent, ShareState.WITHDRAWN)


async def test_another_folder_of_the_settings_is_not_disturbed(alice: Home, bob: Home) -> None:
    other = alice.places.files / "other"
    other.mkdir()
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        await until_shared(agent, ShareState.SEEDING)
        following = agent._drops.monitors[alice.drop]
        drop = [{"path": str(place), "users": ["bob"]} for place in (other, alice.drop)]
        alice.configure(drop=drop)
        await agent.service.reload()
        fill(other / "second.mkv")
        await until_shared(agent, ShareState.SEEDING, ShareState.SEEDING)
        assert agent._drops.monitors[alice.drop] is following
        assert [folder.path for folder in agent.view.status().drop_folders] == [str(other), str(alice.drop)]
        assert agent.view.shares()[0].generation == 1


async def test_a_file_with_a_mistake_leaves_what_was_in_force_and_is_shown(alice: Home, bob: Home) -> None:
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        await until_shared(agent, ShareState.SEEDING)
        good = alice.places.config_file.read_text()
        alice.places.config_file.write_text("[network]\nlisten = 7\n")
        with pytest.raises(
            BadConfiguration, match=r"config\.toml: line 2, key network\.listen: expected text"
        ):
            await agent.service.reload()
        (problem,) = agent.view.status().problems
        assert (problem.id, "line 2" in problem.detail, bool(problem.hint)) == ("config", True, True)
        assert agent.view.shares()[0].state is ShareState.SEEDING
        alice.places.config_file.write_text(good)
        await agent.service.reload()
        assert agent.view.status().problems == ()


async def test_a_problem_that_stays_keeps_its_beginning(alice: Home) -> None:
    async with opened(alice) as context:
        times = iter(range(100, 200))
        context.clock.read = lambda: time_of(next(times))
        config_reload = make_config_reload(context)
        alice.places.config_file.write_text("name = 1")
        for _ in range(2):
            with pytest.raises(BadConfiguration):
                await config_reload.reload()
        assert [problem.since for problem in config_reload.problems] == [100]


def time_of(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def test_a_name_that_cannot_be_on_a_card_is_refused(alice: Home) -> None:
    async with opened(alice) as context:
        alice.places.config_file.write_text('name = "@x"')
        with pytest.raises(BadConfiguration, match="key name"):
            await make_config_reload(context).reload()
        assert context.settings.current.name == "alice"


async def test_an_address_that_is_none_is_refused(alice: Home) -> None:
    async with opened(alice) as context:
        alice.places.config_file.write_text('[network]\npublic_host = "a b"')
        with pytest.raises(BadConfiguration, match=r"config\.toml: key network\.public_host: 'a b' is no"):
            await make_config_reload(context).reload()
        assert context.settings.current.network.public_host == ""


async def test_a_user_book_with_a_mistake_is_shown_and_the_settings_count(alice: Home) -> None:
    async with opened(alice) as context:
        taken: list[str] = []
        context.events.subscribe(SettingsReloaded, lambda _: taken.append(context.settings.current.name))
        config_reload = make_config_reload(context)
        alice.places.config_file.write_text('name = "alicia"')
        alice.places.users_file.write_text("[[user]]\n")
        alice.places.users_file.chmod(0o600)
        with pytest.raises(BadConfiguration, match="user number 1"):
            await config_reload.reload()
        assert taken == ["alicia"]
        assert [problem.id for problem in config_reload.problems] == ["users"]
        alice.know()
        await config_reload.reload()
        assert config_reload.problems == ()


async def test_a_folder_for_somebody_unknown_is_shown_as_long_as_it_is_there(alice: Home, bob: Home) -> None:
    alice.configure("bob")
    alice.know()
    async with opened(alice) as context:
        config_reload = make_config_reload(context)
        await config_reload.load()
        (problem,) = config_reload.problems
        assert str(alice.drop) in problem.title
        assert "bob" in problem.detail
        alice.know(bob.user())
        await config_reload.reload()
        assert not [*config_reload.problems]
        alice.know()
        await config_reload.reload()
        assert [*config_reload.problems] == [replace(problem, since=config_reload.problems[0].since)]
        alice.configure()
        await config_reload.reload()
        assert not [*config_reload.problems]


async def test_new_users_count_whatever_is_wrong_with_the_settings(alice: Home) -> None:
    async with opened(alice) as context:
        taken: list[int] = []
        context.events.subscribe(SettingsReloaded, lambda _: taken.append(len(context.users.read())))
        config_reload = make_config_reload(context)
        alice.places.config_file.write_text("name = 1")
        alice.know(bob_with_key())
        with pytest.raises(BadConfiguration):
            await config_reload.reload()
        assert taken == [1]


async def test_changed_files_are_noticed_without_any_event(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuishare.agent.config_reload.LOOK_SECONDS", 0.02)
    async with opened(alice) as context:
        taken: list[str] = []
        context.events.subscribe(SettingsReloaded, lambda _: taken.append(context.settings.current.name))
        config_reload = make_config_reload(context)
        task = asyncio.create_task(config_reload.run())
        alice.places.config_file.write_text('name = "alicia"')
        await wait_until(lambda: taken == ["alicia"])
        alice.know()
        await wait_until(lambda: taken == ["alicia", "alicia"])
        alice.places.config_file.write_text("name = ")
        await wait_until(lambda: len(config_reload.problems) == 1)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_locked_envelope_opens_when_its_key_is_known(alice: Home, bob: Home) -> None:
    alice.know(key_user := bob_with_key())
    alice.configure(key_user.name)
    fill(alice.drop / "film.mkv")
    async with running(alice) as sender:
        await until_shared(sender, ShareState.SEEDING)
        async with running(bob) as recipient:
            bob.receive(alice.outbox / ENVELOPE)
            await wait_until(lambda: [d.state for d in recipient.view.downloads()] == [DownloadState.LOCKED])
            bob.know(alice.user(), key_user)
            await recipient.service.reload()
            await wait_until(lambda: [d.state for d in recipient.view.downloads()] != [DownloadState.LOCKED])


def bob_with_key() -> User:
    return User("shared", key=bytes(range(32)))


def test_a_hangup_reloads_and_systemd_is_told(alice: Home) -> None:
    address = alice.places.files / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(20)
        process = subprocess.Popen(
            [sys.executable, "-m", "tuishare", "agent"],
            env={**os.environ, "TUISHARE_HOME": str(alice.places.files), "NOTIFY_SOCKET": str(address)},
            stderr=subprocess.PIPE,
        )
        try:
            assert manager.recv(200) == b"READY=1"
            ordered = time.monotonic_ns() // 1000
            process.send_signal(signal.SIGHUP)
            word, clock = manager.recv(200).decode().splitlines()
            assert word == "RELOADING=1"
            assert ordered <= int(clock.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
            assert manager.recv(200) == b"READY=1"
        finally:
            process.terminate()
            _, said = process.communicate(timeout=20)
        assert process.returncode == 0, said


async def test_what_waits_for_a_restart_is_logged(alice: Home, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with opened(alice) as context:
        alice.configure(settle={"quiet": 7.0})
        reloaded = await make_config_reload(context).reload()
    assert reloaded.restart == ("settle.quiet",)
    assert "settle.quiet has changed, which takes effect after a restart" in caplog.text


async def test_what_is_being_recorded_is_not_cut_off_by_a_reload(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    accept = ShareAdmission.accept

    async def slow(self: ShareAdmission, tree: Tree, target: ShareTarget) -> None:
        entered.set()
        await go_on.wait()
        await accept(self, tree, target)
        ended.set()

    monkeypatch.setattr(ShareAdmission, "accept", slow)
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        await entered.wait()
        alice.configure()
        await agent.service.reload()
        go_on.set()
        await asyncio.wait_for(ended.wait(), 5)
        await until_shared(agent, ShareState.WITHDRAWN)
