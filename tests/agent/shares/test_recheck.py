"""A change that leaves no other time behind is found when there is an event."""

from __future__ import annotations

import mmap

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, is_idle
from tests.agent.share_pipelines import publishing_at
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.folders import stability
from tuishare.agent.folders.ignore_rules import IGNORE_FILE
from tuishare.agent.shares import recheck
from tuishare.agent.shares.entry_handlers import EntryHandler, StandaloneHandler
from tuishare.api.messages import ShareState
from tuishare.core.records import ShareStep


async def test_a_page_that_is_written_late_makes_a_new_generation(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stability, "_OVERDUE", 0)  # it is shared although it can be written to
    path = fill(alice.drop / "x", 100_000)
    file = path.open("r+b")
    async with running(alice) as agent:
        mapped = mmap.mmap(file.fileno(), 0)
        file.close()
        mapped[0] ^= 255  # from here on the page can be written without another time
        await until(agent, "x", ShareState.SEEDING)
        await wait_until(lambda: is_idle(agent._drops.queue))
        first = agent.view.shares()[0].generation
        mapped[1] ^= 255
        mapped.close()
        await until(agent, "x", ShareState.SEEDING, generation=first + 1)


async def test_what_is_the_same_stays_as_it_is_and_is_left_alone_for_a_while(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        again = press.parts.rechecker
        press.parts.rechecker.request(path)
        await wait_until(lambda: share.id in again._rests)
        assert (press.only, press.served, press.again) == (share, {share.info_hash}, [])
        again._rests[share.id] = float("inf")
        press.parts.rechecker.request(path)
        assert again._due == {share.id: float("inf")}


async def test_what_is_another_content_settles_again(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(alice.drop / "x")
    async with publishing_at(alice) as press:
        await press.accept(path)
        await press.until(path, ShareStep.SEEDING)
        monkeypatch.setattr(recheck, "is_payload_of", lambda *_, **_more: False)
        press.parts.rechecker.request(path)
        await wait_until(lambda: press.again == [path])
        assert (press.only.step, press.only.fingerprint, press.served) == (ShareStep.SETTLING, "", set())


def test_what_is_ignored_is_no_reason_to_read(alice: Home) -> None:
    (alice.drop / IGNORE_FILE).write_text("*.log\n")
    handler: EntryHandler = StandaloneHandler.__new__(StandaloneHandler)
    handler.patterns = str(alice.drop)
    assert not handler.may_hide_change({"x/a.part", "x/a.log"})
    assert handler.may_hide_change({"x/a.part", "x/a"})
    handler.patterns = ""
    assert handler.may_hide_change({"x.log"})
