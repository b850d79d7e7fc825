"""Contacts are called again while nobody answers."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuishare.swarm.dialling as dialling_module
from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share, at
from tests.waiting import wait_until
from tuishare.swarm import Endpoint
from tuishare.swarm.dialling import dial
from tuishare.swarm.membership import Roster


async def test_a_torrent_that_is_gone_is_not_dialled(share: Share) -> None:
    await dial(Roster(), share.info_hash, [Endpoint("127.0.0.1", 9)])


async def test_a_name_that_resolves_later_is_tried_again(
    start_engine: StartEngine, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await start_engine()
    await alice.add(share.seeding())
    calls = []

    async def resolve(contacts: object) -> tuple[Endpoint, ...]:
        calls.append(contacts)
        return (at(alice),) if len(calls) > 2 else ()

    monkeypatch.setattr(dialling_module, "resolve", resolve)
    monkeypatch.setattr(dialling_module, "REDIAL", 0.05)
    bob = await start_engine()
    await bob.add(share.downloading(tmp_path / "bob", Endpoint("alice.example", 50007)))
    await wait_until(lambda: bob.progress(share.info_hash).state == "seeding")
    assert len(calls) > 2
