"""Live pages: what changes reaches them, nothing else does, and not for longer than their session."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.api.samples import NOW, SHARE, SNAPSHOT, ScriptedAgent
from tests.waiting import wait_until
from tests.web.browsers import Browser
from tests.web.conftest import Site, serving
from tuishare.api.event_stream import StreamTiming
from tuishare.api.messages import Share, ShareId, ShareState, Snapshot
from tuishare.api.operation import Role
from tuishare.api.server import ApiServer
from tuishare.web import live_list

TIMING = StreamTiming(interval=0.01, heartbeat=0.05)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_list, "_PAUSE", 0.01)
    monkeypatch.setattr(live_list, "_QUIET", 0.1)


def shares(number: int, **changes: Any) -> tuple[Share, ...]:
    return tuple(
        msgspec.structs.replace(SHARE, id=ShareId(f"{n:04x}"), name=f"file-{n}", added=NOW - n, **changes)
        for n in range(number)
    )


def snapshot(*shown: Share) -> Snapshot:
    return msgspec.structs.replace(SNAPSHOT, shares=shown)


class Stream:
    """The events of one live page."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.size = 0

    async def next(self, seconds: float = 20.0) -> tuple[str, str]:
        """Return the next event and its data; skips lines that only tell that the page is served."""
        event = ""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    line = (await self._answer.content.readline()).decode()
                except aiohttp.ClientPayloadError:
                    return "end", ""
                self.size += len(line)
                if not line:
                    return "end", ""
                if line.startswith("event: "):
                    event = line.removeprefix("event: ").strip()
                elif line.startswith("data: "):
                    return event, line.removeprefix("data: ").strip()


async def follow(browser: Browser, path: str) -> Stream:
    text = (await browser.get(path)).text
    found = re.search(r'sse-connect="([^"]+)"', text)
    assert found
    answer = await browser.stream(found[1].replace("&amp;", "&"))
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    return Stream(answer)


@pytest.fixture
async def site(folder: Path) -> AsyncIterator[Site]:
    async with serving(folder, agent=ScriptedAgent(snapshot(*shares(3)), TIMING)) as site:
        yield site


async def test_a_changed_row_is_sent_and_no_other(site: Site) -> None:
    stream = await follow(await site.browser(Role.OWNER), "/shares")
    first, *rest = shares(3)
    site.agent.show(snapshot(msgspec.structs.replace(first, state=ShareState.PAUSED), *rest))
    event, data = await stream.next()
    assert event == "message"
    assert "file-0" in data
    assert "paused" in data
    assert 'hx-swap-oob="true"' in data
    assert "file-1" not in data


async def test_what_comes_and_goes_is_added_and_removed(site: Site) -> None:
    browser = await site.browser(Role.OWNER)
    stream = await follow(browser, "/shares")
    site.agent.show(snapshot(*shares(4)))
    _, data = await stream.next()
    assert 'hx-swap-oob="afterbegin:#rows"' in data
    assert "file-3" in data
    site.agent.show(snapshot(*shares(3)))
    _, data = await stream.next()
    assert 'hx-swap-oob="delete"' in data
    assert "file" not in data


async def test_a_change_between_page_and_stream_is_not_lost(site: Site) -> None:
    browser = await site.browser(Role.OWNER)
    text = (await browser.get("/shares")).text
    found = re.search(r'sse-connect="([^"]+)"', text)
    assert found
    site.agent.show(snapshot(*shares(3, state=ShareState.PAUSED)))
    stream = Stream(await browser.stream(found[1].replace("&amp;", "&")))
    _, data = await stream.next()
    assert data.count("paused") == 3


async def test_a_filtered_page_gets_only_what_it_shows(site: Site) -> None:
    stream = await follow(await site.browser(Role.OWNER), "/shares?filter=file-1")
    site.agent.show(snapshot(*shares(3, state=ShareState.PAUSED)))
    _, data = await stream.next()
    assert "file-1" in data
    assert "file-0" not in data


async def test_one_share_stays_current(site: Site) -> None:
    site.agent.show(snapshot(SHARE))
    stream = await follow(await site.browser(Role.OWNER), "/shares/a1")
    site.agent.show(snapshot(msgspec.structs.replace(SHARE, state=ShareState.PAUSED)))
    _, data = await stream.next()
    assert "Resume" in data
    assert "paused" in data
    site.agent.show(snapshot())
    _, data = await stream.next()
    assert 'hx-swap-oob="delete"' in data


async def test_a_lost_agent_is_told_and_its_return(site: Site) -> None:
    stream = await follow(await site.browser(Role.OWNER), "/shares")
    await wait_until(lambda: site.server._state.snapshot is not None)
    await site.api.stop()
    _, data = await stream.next()
    assert "What is shown may be old" in data
    assert "Start the agent" in data
    api = ApiServer(site.agent, site.path.parent / "agent.sock")
    await api.start()
    site.stack.push_async_callback(api.stop)
    _, data = await stream.next()
    assert '<div id="connection" hx-swap-oob="true"></div>' in data


async def test_a_session_that_ends_takes_its_stream_with_it(site: Site) -> None:
    browser = await site.browser(Role.OWNER)
    stream = await follow(browser, "/shares")
    await browser.post("/account/log-out-everywhere")
    assert await stream.next() == ("stale", "ended")
    assert await stream.next() == ("end", "")


async def test_a_page_that_is_not_known_is_opened_again(site: Site) -> None:
    browser = await site.browser(Role.OWNER)
    stream = Stream(await browser.stream("/shares/live?page=unknown"))
    assert await stream.next() == ("stale", "again")


async def test_the_agent_is_followed_only_while_a_page_is_open(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuishare.web.agent_state._LINGER_SECONDS", 0.05)
    state = site.server._state

    def is_followed() -> bool:
        return state._task is not None

    assert not is_followed()
    stream = await follow(await site.browser(Role.OWNER), "/shares")
    site.agent.show(snapshot())
    await stream.next()
    assert is_followed()
    stream._answer.close()
    await wait_until(lambda: not is_followed())


async def test_a_thousand_shares_that_all_change_come_in_turn_and_within_the_pace(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = 60 * 1024
    monkeypatch.setattr(live_list, "_RATE", rate)
    async with serving(folder, agent=ScriptedAgent(snapshot(*shares(1000)), TIMING)) as site:
        stream = await follow(await site.browser(Role.OWNER), "/shares")
        began, seen = time.monotonic(), set()
        for step in range(1, 30):
            site.agent.show(snapshot(*shares(1000, rate_up=step)))  # those at the top have changed again
            _, data = await stream.next()
            assert len(data) < rate + 2_000
            seen |= {*re.findall(r">(file-\d+)<", data)}
            if len(seen) == 1000:
                break
        assert len(seen) == 1000
        assert (stream.size - rate) / (time.monotonic() - began) < 1.1 * rate


async def test_an_update_has_no_line_break_in_it(site: Site) -> None:
    browser = await site.browser(Role.OWNER)
    stream = await follow(browser, "/shares")
    site.agent.show(snapshot(msgspec.structs.replace(SHARE, name="a\n\ndata: event: x\r\nb")))
    event, data = await stream.next()
    assert event == "message"
    assert data.startswith("<")
    site.agent.show(snapshot())
    event, _ = await stream.next()
    assert event == "message"
