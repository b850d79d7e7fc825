"""What is done before what, with a real store and a real engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agent.homes import Home, fill
from tests.agent.share_pipelines import open_from, publishing_at
from tuishare.agent.shares import outbox, pipeline
from tuishare.core.records import ShareStep
from tuishare.core.share_sealing import seal_share
from tuishare.envelope import NotForUs
from tuishare.errors import SystemFailed
from tuishare.fs.atomic import publish
from tuishare.swarm import Engine


async def test_an_envelope_appears_once_its_share_is_served(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(alice.drop / "film.mkv")
    served: list[set[str]] = []
    async with publishing_at(alice) as press:

        def look(*args: Any, **more: Any) -> None:
            served.append(press.served)
            publish(*args, **more)

        monkeypatch.setattr(outbox, "publish", look)
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        assert served == [{share.info_hash}]


async def test_who_is_removed_while_the_router_is_asked_gets_no_ticket(
    alice: Home, bob: Home, carol: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.know(bob.user(groups=("crew",)), carol.user(groups=("crew",)))

    async def think(_: Engine) -> None:
        alice.know(carol.user(groups=("crew",)))

    monkeypatch.setattr(Engine, "wait_for_port_mapping", think)
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path, users=("@crew",))
        share = await press.until(path, ShareStep.SEEDING)
    with pytest.raises(NotForUs):
        open_from(alice, share.envelope, bob)
    open_from(alice, share.envelope, carol)


async def test_what_nobody_can_get_an_envelope_of_is_not_served(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(alice.drop / "film.mkv")

    def refuse(path: Path, _data: bytes, **_more: Any) -> None:
        raise SystemFailed(f"Cannot write {path}: no space left on device")

    monkeypatch.setattr(outbox, "publish", refuse)
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.PROBLEM)
        assert "no space left" in share.problem
        assert press.served == set()


async def test_what_changes_before_it_is_served_gets_no_envelope(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(alice.drop / "film.mkv")

    def disturbed(*args: Any, **more: Any) -> Any:
        fill(path)
        return seal_share(*args, **more)

    monkeypatch.setattr(pipeline, "seal_share", disturbed)
    async with publishing_at(alice) as press:
        await press.accept(path)
        await press.until(path, ShareStep.SETTLING)
        assert press.again == [path]
        assert list(alice.outbox.iterdir()) == []
