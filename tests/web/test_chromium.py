"""The page in a real browser. Skipped where Playwright or Chromium is missing; axe-core where its file is.

On Debian: ``apt-get install chromium``, ``pip install playwright``, ``npm install axe-core`` beside this repository.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.samples import DETAILS, SHARE, ScriptedAgent
from tests.web.conftest import Site, serving
from tests.web.test_pages import PAGES, SHOWN
from tuishare.api.event_stream import StreamTiming
from tuishare.api.messages import Finding, ShareId, ShareState
from tuishare.api.operation import Role

playwright = pytest.importorskip("playwright.async_api")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed"),
]
ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SIZES = ((390, 844), (820, 1180), (1440, 900))
ROOT = Path(__file__).parents[2]
AXE = Path(os.environ.get("AXE_CORE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
PATHS = sorted({path for path, _ in PAGES} | {"/none", "/account"})


@pytest.fixture
async def site(folder: Path) -> AsyncIterator[Site]:
    agent = ScriptedAgent(SHOWN, StreamTiming(interval=0.01, heartbeat=0.05))
    agent.details = lambda _: DETAILS
    async with serving(folder, agent=agent) as site:
        site.desk.findings = [
            Finding(topic="Clock", good=True, evidence="It is right"),
            Finding(topic="TLS", good=False, evidence="It is not", hint="Mend it."),
            Finding(topic="Ports", good=None, evidence="Unknown"),
        ]
        yield site


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    async with playwright.async_playwright() as running:
        browser = await running.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        await browser.close()


class Window:
    """A window of the browser, and what it complains about."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)


async def open_window(chromium: Any, site: Site, role: Role | None = Role.OWNER, **options: Any) -> Window:
    context = await chromium.new_context(base_url=site.url, **options)
    if role is not None:
        _, token = site.account(role.value, role)
        name = f"tuishare-session-{site.server.address.port}"
        cookie = {"name": name, "value": token, "url": site.url, "httpOnly": True, "sameSite": "Strict"}
        await context.add_cookies([cookie])
    return Window(await context.new_page())


async def test_from_a_link_to_a_password(chromium: Any, site: Site) -> None:
    window = await open_window(chromium, site, None)
    page, secret = window.page, site.link()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"/link#{secret}")
    await page.wait_for_url("**/account")
    assert not [url for url in asked if secret in url.partition("#")[0]]
    await page.get_by_label("New password").fill("correct horse battery")
    await page.get_by_label("Once more").fill("correct horse battery")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("The password is saved").wait_for()
    await page.get_by_role("button", name="Log out", exact=True).click()
    await page.wait_for_url("**/log-in")
    await page.get_by_label("Name").fill("alice")
    await page.get_by_label("Password").fill("correct horse battery")
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url("**/shares")
    assert window.complaints == []


async def test_without_a_script_log_in_and_pages_work(chromium: Any, site: Site) -> None:
    window = await open_window(chromium, site, None, java_script_enabled=False)
    page = window.page
    await page.goto("/link")
    await page.get_by_label("Secret").fill(site.link())
    await page.get_by_role("button", name="Log in").click()
    await page.goto("/shares")
    await page.get_by_role("link", name=SHARE.name).click()
    await page.get_by_role("button", name="Pause").click()
    assert site.agent.orders == [("a1", "pause")]


async def test_rows_stay_current_without_a_reload(chromium: Any, site: Site) -> None:
    window = await open_window(chromium, site)
    page = window.page
    await page.goto("/shares")
    await page.evaluate("window.sameDocument = true")
    row = page.get_by_role("row", name=SHARE.name)
    assert "seeding" in await row.inner_text()
    paused = msgspec.structs.replace(SHOWN.shares[0], state=ShareState.PAUSED)
    site.agent.show(msgspec.structs.replace(SHOWN, shares=(paused,)))
    await row.get_by_text("paused").wait_for()
    added = msgspec.structs.replace(SHARE, id=ShareId("b2"), name="<b>new & odd</b>")
    site.agent.show(msgspec.structs.replace(SHOWN, shares=(paused, added)))
    await page.get_by_role("link", name="<b>new & odd</b>").wait_for()
    site.agent.show(msgspec.structs.replace(SHOWN, shares=(added,)))
    await row.wait_for(state="detached")
    assert await page.get_by_role("row").count() == 2  # its heading, and the new one
    assert await page.evaluate("window.sameDocument")
    assert window.complaints == []


async def test_an_open_share_shows_who_has_it(chromium: Any, site: Site) -> None:
    window = await open_window(chromium, site)
    page = window.page
    await page.goto("/shares/a1")
    share = SHOWN.shares[0]
    first = msgspec.structs.replace(share.deliveries[0], progress=0.73)
    changed = msgspec.structs.replace(share, deliveries=(first, *share.deliveries[1:]))
    site.agent.show(msgspec.structs.replace(SHOWN, shares=(changed,)))
    await page.get_by_text("73 %").wait_for()
    await page.get_by_role("button", name="Pause").click()
    await page.get_by_role("status").wait_for()
    assert site.agent.orders == [("a1", "pause")]
    assert window.complaints == []


async def test_a_session_that_ends_elsewhere_closes_its_live_page(chromium: Any, site: Site) -> None:
    window = await open_window(chromium, site)
    await window.page.goto("/shares")
    owner = site.database().find_account("owner")
    assert owner is not None
    site.database().remove_sessions(owner.id)
    site.agent.show_rate(1)
    await window.page.wait_for_url("**/log-in")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_page_fits_the_window(chromium: Any, site: Site, size: tuple[int, int]) -> None:
    window = await open_window(chromium, site, viewport={"width": size[0], "height": size[1]})
    wide = []
    for path in PATHS:
        await window.page.goto(path)
        if await window.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wide.append(path)
    assert wide == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
async def test_every_page_is_accessible(chromium: Any, site: Site, scheme: str) -> None:
    source = await asyncio.to_thread(AXE.read_text)
    found = []
    for role, paths in ((Role.OWNER, PATHS), (None, ["/log-in", "/link"])):
        window = await open_window(chromium, site, role, color_scheme=scheme)
        for path in paths:
            await window.page.goto(path)
            await window.page.evaluate(f"(() => {{ {source} }})()")
            result = await window.page.evaluate("axe.run()")
            found += [
                (path, each["id"], [node["html"][:120] for node in each["nodes"][:3]])
                for each in result["violations"]
                if each["impact"] in {"serious", "critical"}
            ]
    assert found == []
