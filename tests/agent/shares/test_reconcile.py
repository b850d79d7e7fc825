"""Shares whose drop folder is for others now."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, share_of
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.shares import pipeline
from tuishare.api.messages import ShareState
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.envelope import CardKey, NotForUs, Opened, open_envelope
from tuishare.torrents import Tree, Version, make_torrent

ENVELOPE = "film.mkv.torrent.encrypted"


def opened_by(person: Home, sender: Home) -> Opened:
    return open_envelope((sender.outbox / ENVELOPE).read_bytes(), [CardKey(person.identity.private_key)])


def only(agent: Agent) -> ShareRecord:
    (share,) = agent._drops.repository.shares.values()
    return share


async def until(agent: Agent, generation: int, state: ShareState = ShareState.SEEDING) -> None:
    await wait_until(lambda: [(s.generation, s.state) for s in agent.view.shares()] == [(generation, state)])


async def test_new_people_get_a_new_generation_that_keeps_the_former_out(
    alice: Home, bob: Home, mallory: Home
) -> None:
    alice.know(bob.user(), mallory.user())
    alice.configure("bob", "mallory")
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        await until(agent, 1)
        former = only(agent)
        assert opened_by(mallory, alice).manifest.generation == 1
        alice.configure("bob")
        await agent.service.reload()
        await until(agent, 2)
        share = only(agent)
        assert opened_by(bob, alice).manifest.generation == 2
        with pytest.raises(NotForUs):
            opened_by(mallory, alice)
        assert share.root_certificate != former.root_certificate
        assert (share.id, share.info_hash) == (former.id, former.info_hash)
        await wait_until(lambda: set(agent._context.engine.all_progress()) == {share.info_hash})


async def test_the_same_people_in_another_order_are_no_reason(alice: Home, bob: Home, mallory: Home) -> None:
    alice.know(bob.user(), mallory.user())
    alice.configure("bob", "mallory")
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        await until(agent, 1)
        alice.configure("mallory", "bob")
        await agent.service.reload()
        await agent._drops._reconciler.reconcile()
        await until(agent, 1)


async def test_another_kind_of_swarm_needs_another_torrent(alice: Home, bob: Home) -> None:
    network = {"listen": "127.0.0.1:0", "listen_plain": "127.0.0.1:0", "share_addresses": False}
    alice.configure("bob", network=network)
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        await until(agent, 1)
        former = only(agent)
        drop = [{"path": str(alice.drop), "users": ["bob"], "transport": "plain"}]
        alice.configure(network=network, drop=drop)
        await agent.service.reload()
        await wait_until(lambda: only(agent).transport == "plain" and only(agent).step is ShareStep.SEEDING)
        assert only(agent).info_hash != former.info_hash
        assert only(agent).generation > 1


async def test_a_paused_share_stays_paused(alice: Home, bob: Home, mallory: Home) -> None:
    alice.know(bob.user(), mallory.user())
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        await until(agent, 1)
        await wait_until(lambda: not agent._drops.queue.is_working_on(only(agent)))
        await agent._drops.commands.pause(only(agent).id)
        alice.configure("mallory")
        await agent.service.reload()
        await wait_until(lambda: only(agent).sealed == 2)
        assert opened_by(mallory, alice).manifest.generation == 2
        assert agent.view.shares()[0].state is ShareState.PAUSED
        assert agent._context.engine.all_progress() == {}


async def test_a_problem_with_a_user_is_over_when_the_folder_is_for_others(alice: Home, bob: Home) -> None:
    alice.configure("nobody")
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        await until(agent, 1, ShareState.PROBLEM)
        alice.configure("bob")
        await agent.service.reload()
        await wait_until(lambda: agent.view.shares()[0].state is ShareState.SEEDING)
        assert agent.view.shares()[0].detail == ""


async def test_what_is_elsewhere_or_at_rest_is_left_alone(alice: Home, bob: Home) -> None:
    async with running(alice) as agent:
        repository = agent._drops.repository
        elsewhere = replace(
            share_of(fill(alice.places.files / "a")), recipients=("carol",), step=ShareStep.WITHDRAWN
        )
        gone = replace(share_of(fill(alice.places.files / "b")), folder="/gone", step=ShareStep.FORGOTTEN)
        for share in (elsewhere, gone):
            await repository.save(share)
        await agent._drops._reconciler.reconcile()
        assert [repository.get(share.id) for share in (elsewhere, gone)] == [elsewhere, gone]


async def test_what_is_being_hashed_is_for_the_new_users_too(
    alice: Home, bob: Home, mallory: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.know(bob.user(), mallory.user())
    at_work, go_on = threading.Event(), threading.Event()

    def slow(tree: Tree, *, version: Version, **more: Any) -> bytes:
        if not at_work.is_set():
            at_work.set()
            assert go_on.wait(30)
        return make_torrent(tree, version=version, **more)

    monkeypatch.setattr(pipeline, "make_torrent", slow)
    async with running(alice) as agent:
        fill(alice.drop / "film.mkv")
        await wait_until(at_work.is_set)
        alice.configure("mallory")
        await agent.service.reload()
        await wait_until(lambda: only(agent).recipients == ("mallory",))
        await wait_until(lambda: only(agent).step is ShareStep.SEEDING)
        go_on.set()
        assert opened_by(mallory, alice).manifest.generation == only(agent).generation
        with pytest.raises(NotForUs):
            opened_by(bob, alice)
