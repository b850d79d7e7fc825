"""The commands of the web page, with its real process."""

from __future__ import annotations

import asyncio
import re
import signal
from unittest import mock

import aiohttp

from tests.cli.homes import Person, Running
from tests.cli.served import served
from tests.cli.terminals import Tmux
from tests.waiting import wait_until
from tests.web.browsers import Browser
from tuishare.cli.exit_codes import Exit

WEB = {"listen": "127.0.0.1:0"}


async def url_of(running: Running) -> str:
    said = await running.until_saying("is at")
    found = re.search(r"http://localhost:\d+", said)
    assert found
    return found[0]


async def test_one_command_serves_the_page_and_another_prints_a_link(alice: Person) -> None:
    alice.configure(web=WEB)
    async with served(alice):
        with alice.started("web") as running:
            url = await url_of(running)
            assert "#" not in running.out.read_text()  # a log must not hold a secret
            link = (await asyncio.to_thread(alice.run, "web", "link")).out.strip()
            assert link.startswith(f"{url}/link#")
            async with Browser(url) as browser:
                await browser.get("/link")
                answer = await browser.post("/link", {"secret": link.partition("#")[2]})
                assert answer.status == 303
                assert "alice@studio" in (await browser.get("/shares")).words
            second = await asyncio.to_thread(alice.run, "web")
            assert (second.code, "running already" in second.err) == (Exit.FAILED, True)
            ended = await running.end(signal.SIGTERM)
            assert ended.code == 0
            assert "Traceback" not in ended.err
        stopped = await asyncio.to_thread(alice.run, "web", "link")
        assert (stopped.code, "tuishare web" in stopped.err) == (Exit.FAILED, True)


async def test_on_a_terminal_the_link_is_printed_at_once(alice: Person, tmux: Tmux) -> None:
    alice.configure(web=WEB)
    async with served(alice):
        tmux.open(alice, "web")
        await wait_until(tmux.shows("/link#"))
        await wait_until(tmux.shows("Another one: tuishare web link"))
        tmux.press("C-c")
        await wait_until(tmux.shows("ended with 0"))


async def test_an_agent_is_started_where_none_runs(alice: Person) -> None:
    alice.configure(web=WEB)
    with alice.started("web") as running:
        assert "An agent was started" in await running.until_saying("is at")
        assert (await asyncio.to_thread(alice.run, "status")).code == 0
        assert (await asyncio.to_thread(alice.run, "stop")).code == 0


async def test_nothing_listens_before_it_is_asked_for(alice: Person) -> None:
    alice.configure(web={"listen": f"127.0.0.1:{alice.port}"})
    async with served(alice):
        await asyncio.to_thread(alice.run, "status")
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{alice.port}/"):
                raise AssertionError
        except aiohttp.ClientConnectionError:
            pass


def test_missing_packages_are_one_sentence(alice: Person) -> None:
    with mock.patch("importlib.util.find_spec", return_value=None):
        result = alice.call("web", "link")
    assert result.code == Exit.FAILED
    assert "jinja2" in result.err
    assert "pip install 'tuishare[web]'" in result.err


def test_another_address_than_loopback_needs_https(alice: Person) -> None:
    for settings, words in (
        ({"listen": "0.0.0.0:50013"}, "web.trusted_proxies"),
        ({"listen": "192.0.2.7:50013", "hosts": ["files.example.org"]}, "web.certificate"),
        ({"certificate": "/tmp/x.pem"}, "needed together"),
        ({"certificate": "x.pem", "key": "y.pem"}, "absolute path"),
        ({"hosts": ["files.example.org:443"]}, "without a port"),
        ({"trusted_proxies": ["proxy"]}, "192.0.2.0/24"),
        ({"listen": "50013"}, "HOST:PORT"),
    ):
        alice.configure(web=settings)
        for command in (("web",), ("config", "check")):
            result = alice.call(*command)
            assert result.code == Exit.CONFIGURATION
            assert words in result.err
    alice.configure(
        web={"listen": "0.0.0.0:0", "trusted_proxies": ["192.0.2.1"], "hosts": ["x.example", "::1"]}
    )
    assert alice.call("config", "check").code == 0
