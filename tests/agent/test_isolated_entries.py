"""Wherever the agent works on many entries, one that fails as nobody foresaw costs the others nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from ipaddress import ip_address
from typing import Any

import msgspec
import pytest

from tests.agent.homes import Home, edit_unseen, fill, opened, seal_for, share_of
from tests.tracker.announces import named, query
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.admission import DownloadAdmission
from tuishare.agent.downloads.envelope_reader import EnvelopeReader
from tuishare.agent.downloads.payload_watch import PayloadWatcher
from tuishare.agent.downloads.pipeline import Seeding
from tuishare.agent.downloads.queue import DownloadQueue
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.service import views
from tuishare.agent.shares import deliveries
from tuishare.agent.shares.commands import ShareCommands
from tuishare.agent.shares.pipeline import SharePipeline
from tuishare.agent.shares.reconcile import SettingsReconciler
from tuishare.agent.startup import make_share_parts
from tuishare.api.messages import DownloadState, ShareState
from tuishare.core.records import RecipientRecord
from tuishare.fs.atomic import ENVELOPE_SUFFIX

Failing = Callable[..., list[str]]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Failing:
    """Let a function fail for the entry of one name, or the first time; gives the names that it was called with."""

    def fail(
        owner: object, name: str, entry: str = "", *, does: Callable[..., Any] | None = None
    ) -> list[str]:
        called: list[str] = []
        work = does or getattr(owner, name)

        def call(*args: Any, **more: Any) -> Any:
            names = [each for arg in args if isinstance(each := getattr(arg, "name", None), str)]
            called.append(" ".join(names))
            if entry in names or (not entry and len(called) == 1):
                raise ZeroDivisionError
            return work(*args, **more)

        monkeypatch.setattr(owner, name, call)
        return called

    return fail


@asynccontextmanager
async def living(*homes: Home) -> AsyncIterator[list[Agent]]:
    """Agents that must not end; one that does is said to have."""
    if not homes:
        yield []
        return
    async with Agent.running(homes[0].places) as agent, living(*homes[1:]) as others:
        yield [agent, *others]
        assert not agent._parts.stopping.is_set()


def share_states(agent: Agent) -> dict[str, tuple[ShareState, int]]:
    return {share.name: (share.state, share.generation) for share in agent.view.shares()}


def download_states(agent: Agent) -> dict[str, DownloadState]:
    return {download.name: download.state for download in agent.view.downloads()}


async def shared(alice: Home, agent: Agent, name: str) -> None:
    fill(alice.drop / name)
    await wait_until(lambda: share_states(agent).get(name) == (ShareState.SEEDING, 1))


async def delivered(alice: Home, bob: Home, agents: list[Agent], name: str) -> None:
    await shared(alice, agents[0], name)
    bob.receive(alice.outbox / f"{name}{ENVELOPE_SUFFIX}")
    await wait_until(lambda: download_states(agents[1]).get(name) is DownloadState.COMPLETE)


def is_joined(agent: Agent, name: str) -> bool:
    (info_hash,) = (one.info_hash for one in agent._inbox.queue.downloads.values() if one.name == name)
    return info_hash in agent._context.engine.all_progress()


# Shares


async def test_a_folder_that_is_for_others_now(alice: Home, bob: Home, carol: Home, failing: Failing) -> None:
    async with living(alice) as (agent,):
        for name in "ab":
            await shared(alice, agent, name)
        failing(SettingsReconciler, "_reconcile_share", "a")
        alice.configure("bob")
        await agent.service.reload()
        await wait_until(lambda: share_states(agent)["b"] == (ShareState.SEEDING, 2))


class Unsearched(list[str]):
    """The entries of a folder, which are too many to search the list of them for each share."""

    def __contains__(self, name: object) -> bool:
        raise AssertionError(f"the list was searched for {name}")


async def test_entries_that_are_gone(alice: Home, bob: Home, failing: Failing) -> None:
    async with living(alice) as (agent,):
        for name in "ab":
            await shared(alice, agent, name)
        failing(ShareCommands, "withdraw", "a")
        await agent._drops.commands.withdraw_missing(alice.drop, Unsearched())
        assert share_states(agent) == {"a": (ShareState.SEEDING, 1), "b": (ShareState.WITHDRAWN, 1)}


@pytest.mark.parametrize("twice", [False, True])
async def test_what_has_expired(alice: Home, bob: Home, failing: Failing, twice: bool) -> None:
    """Also where the problem itself cannot be recorded."""
    async with living(alice) as (agent,):
        for name in "ab":
            await shared(alice, agent, name)
        failing(ShareCommands, "_withdraw", "a")
        if twice:
            failing(SharePipeline, "fail", "a")
        repository = agent._drops.repository
        for share in list(repository.shares.values()):
            await repository.save(replace(share, not_after=1))
        await agent._drops.commands.withdraw_expired()
        states = share_states(agent)
        assert states["b"] == (ShareState.WITHDRAWN, 1)
        assert twice or states["a"] == (ShareState.PROBLEM, 1)


async def test_what_everybody_has(alice: Home, bob: Home, failing: Failing) -> None:
    alice.configure("bob", sharing={"until": "everybody"})
    async with living(alice, bob) as agents:
        called = failing(ShareCommands, "pause")
        for name in "ab":
            await delivered(alice, bob, agents, name)

        async def stop_finished() -> list[ShareState]:
            await agents[0]._drops.commands.stop_finished()
            return sorted(state for state, _ in share_states(agents[0]).values())

        await wait_until(lambda: all(share.completed for share in _deliveries(agents[0])))
        assert await stop_finished() == [ShareState.PAUSED, ShareState.SEEDING]
        assert len(called) == 2


def _deliveries(agent: Agent) -> list[Any]:
    return [row for share in agent.view.shares() for row in share.deliveries]


async def test_who_is_connected(
    alice: Home, bob: Home, failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "LOOK_SECONDS", 0.02)
    async with living(alice, bob) as agents:
        for name in "ab":
            await delivered(alice, bob, agents, name)
        called = failing(deliveries.Deliveries, "_look_at_peers", "a")
        await wait_until(lambda: min(called.count("a"), called.count("b")) > 2)


async def test_addresses_that_are_new(alice: Home, failing: Failing) -> None:
    async with opened(alice) as context:
        repository = make_share_parts(context).repository
        shares = [share_of(fill(alice.drop / name)) for name in "ab"]
        for share, name in zip(shares, "ab", strict=True):
            await repository.save(share)
            row = RecipientRecord(share.id, "bob", sha256(passkey_of(name)).digest())
            await repository.deliveries.set_recipients(share, [row])
            await repository.start_seeding(share)
        network = msgspec.structs.replace(context.settings.current.network, public_host="198.51.100.7")
        context.settings.current = msgspec.structs.replace(context.settings.current, network=network)
        failing(TrackerService, "admit", "a")
        repository.update_addresses()
        said = query(info_hash=bytes.fromhex(shares[1].info_hash)[:20])
        answer = context.tracker._tracker.answer(passkey_of("b"), said, ip_address("192.0.2.1"))
        assert f"198.51.100.7:{context.engine.listening['tls']}" in named(answer)


def passkey_of(name: str) -> bytes:
    return name.encode() * 32


async def test_what_is_sealed_again(alice: Home, bob: Home, failing: Failing) -> None:
    async with living(alice) as (agent,):
        for name in "ab":
            await shared(alice, agent, name)
        failing(ShareCommands, "reissue")
        agent._drops.reissuer.request(agent._drops.repository.shares)
        seeding = [(ShareState.SEEDING, 1), (ShareState.SEEDING, 2)]
        await wait_until(lambda: sorted(share_states(agent).values()) == seeding)


# Downloads


async def test_an_envelope_that_is_peeked_into(alice: Home, bob: Home, failing: Failing) -> None:
    """That it cannot be told at a glance who signed it says nothing against it."""
    data = seal_for(alice, share_of(fill(alice.drop / "a")), bob.user())
    async with living(bob) as (agent,):
        failing(EnvelopeReader, "peek")
        (bob.inbox / f"a{ENVELOPE_SUFFIX}").write_bytes(data)
        await wait_until(lambda: download_states(agent) == {"a": DownloadState.DOWNLOADING})


async def test_envelopes_that_are_put_away_at_a_start(alice: Home, bob: Home, failing: Failing) -> None:
    downloading = dict.fromkeys("ab", DownloadState.DOWNLOADING)
    for name in "ab":
        data = seal_for(alice, share_of(fill(alice.drop / name)), bob.user())
        (bob.inbox / f"{name}{ENVELOPE_SUFFIX}").write_bytes(data)
    async with living(bob) as (agent,):
        await wait_until(lambda: download_states(agent) == downloading)
    failing(DownloadAdmission, "_archive_renewal", "a")
    async with living(bob) as (agent,):
        await wait_until(lambda: download_states(agent) == downloading)
        assert is_joined(agent, "a")
        assert is_joined(agent, "b")


async def test_what_the_engine_says(alice: Home, bob: Home, failing: Failing) -> None:
    called = failing(DownloadQueue, "on_completed")
    async with living(alice, bob) as agents:
        await shared(alice, agents[0], "a")
        bob.receive(alice.outbox / f"a{ENVELOPE_SUFFIX}")
        await wait_until(lambda: len(called) == 1)
        await delivered(alice, bob, agents, "b")


async def test_what_was_served_on_for_long_enough(
    alice: Home, bob: Home, failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with living(alice, bob) as agents:
        for name in "ab":
            await delivered(alice, bob, agents, name)
        await wait_until(lambda: all(is_joined(agents[1], name) for name in "ab"))
        failing(Seeding, "_is_over", "a", does=lambda *_: True)
        await agents[1]._inbox.queue.seeding.end()
        assert (is_joined(agents[1], "a"), is_joined(agents[1], "b")) == (True, False)


async def test_what_is_looked_after(alice: Home, bob: Home, failing: Failing) -> None:
    async with living(alice, bob) as agents:
        for name in "ab":
            await delivered(alice, bob, agents, name)
        await wait_until(lambda: all(is_joined(agents[1], name) for name in "ab"))
        called = failing(PayloadWatcher, "_check", "a")
        for name in "ab":
            edit_unseen(bob.downloads / "alice" / name)
            await wait_until(partial(_is_in, called, name))
        await wait_until(lambda: not is_joined(agents[1], "b"))


def _is_in(called: list[str], name: str) -> bool:
    return name in called


# What is shown


async def test_what_is_shown(alice: Home, bob: Home, failing: Failing) -> None:
    async with living(alice, bob) as agents:
        for name in "ab":
            await delivered(alice, bob, agents, name)
        failing(views, "_share", "a")
        failing(views, "_download", "a")
        a, b = sorted(agents[0].view.shares(), key=lambda share: share.name)
        assert (a.state, b.state) == (ShareState.PROBLEM, ShareState.SEEDING)
        assert "ZeroDivisionError" in a.detail
        assert download_states(agents[1]) == {"a": DownloadState.PROBLEM, "b": DownloadState.COMPLETE}
