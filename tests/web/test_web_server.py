"""What every request has to have, and what every answer has (threats T12 and T25)."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import msgspec
import pytest

from tests.api.samples import SNAPSHOT, STATUS, ScriptedAgent
from tests.web.browsers import FORM
from tests.web.certificates import make_certificate
from tests.web.conftest import Site, serving
from tuishare.api.messages import Problem
from tuishare.api.operation import Role
from tuishare.config.web_settings import WebSettings
from tuishare.errors import BadConfiguration, SystemFailed
from tuishare.web.page_table import PAGES
from tuishare.web.templating import FOLDER, asset_path
from tuishare.web.web_lock import find_address, hold_web_lock, write_address

FOREIGN = "https://attacker.example"
EMBEDDED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
FETCHED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"}
LINKED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


async def raw(site: Site, data: bytes, *, wait: float = 20.0) -> bytes:
    """Send bytes, and return all that comes back until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.server.address.port)
    try:
        writer.write(data)
        async with asyncio.timeout(wait):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize(
    "host", ["attacker.example", "localhost.attacker.example", "", "127.0.0.1@evil", "[::2]"]
)
async def test_a_foreign_host_is_refused_and_told_which_setting_it_is(site: Site, host: str) -> None:
    browser = await site.browser(Role.OWNER)
    answer = await browser.get("/shares", Host=host)
    assert answer.status == 403
    assert "web.hosts" in answer.words
    assert STATUS.name not in answer.words


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1:1", "[::1]:50013"])
async def test_loopback_has_three_names(site: Site, host: str) -> None:
    browser = await site.browser(Role.OWNER)
    assert (await browser.get("/shares", Host=host)).status == 200


async def test_a_name_of_the_settings_is_known(folder: Path) -> None:
    settings = WebSettings(listen="127.0.0.1:0", hosts=["files.example.org"])
    async with serving(folder, settings) as site:
        browser = await site.browser(Role.OWNER)
        assert (await browser.get("/shares", Host="files.example.org")).status == 200
        assert site.server.address.url == f"http://files.example.org:{site.server.address.port}"


@pytest.mark.parametrize("headers", [EMBEDDED, FETCHED, {"Origin": FOREIGN, "Sec-Fetch-Site": "none"}])
async def test_a_foreign_page_reads_nothing(site: Site, headers: dict[str, str]) -> None:
    browser = await site.browser(Role.OWNER)
    answer = await browser.get("/shares", **headers)
    assert answer.status == 403
    assert STATUS.name not in answer.words


async def test_a_foreign_page_may_lead_here(site: Site) -> None:
    browser = await site.browser(Role.OWNER)
    assert (await browser.get("/shares", **LINKED)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": FOREIGN},
        {"Sec-Fetch-Site": "", "Origin": FOREIGN},
        {"Sec-Fetch-Site": "", "Origin": "null"},
        {"Sec-Fetch-Site": "", "Origin": ""},
    ],
)
async def test_a_form_of_a_foreign_page_changes_nothing(site: Site, headers: dict[str, str]) -> None:
    browser = await site.browser(Role.OWNER)
    assert (await browser.post("/account/log-out-everywhere", **headers)).status == 403
    assert (await browser.get("/shares")).status == 200


async def test_forms_of_this_page_are_taken_also_where_the_origin_is_hidden(site: Site) -> None:
    for headers in ({"Origin": "null"}, {"Origin": site.url}, {"Origin": site.url, "Sec-Fetch-Site": ""}):
        browser = await site.browser(Role.OWNER)
        assert (await browser.post("/log-out", **headers)).status == 303


async def test_another_scheme_is_another_page(site: Site) -> None:
    browser = await site.browser(Role.OWNER)
    secure = site.url.replace("http:", "https:")
    assert (await browser.post("/log-out", Origin=secure)).status == 403


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.method == "POST"], ids=lambda page: page.path
)
async def test_no_form_is_taken_without_its_token(site: Site, page: object) -> None:
    path = re.sub(r"\{\w+\}", "x", getattr(page, "path"))  # noqa: B009
    browser = await site.browser(Role.OWNER)
    for token in ("", "x" * 64):
        answer = await browser._request("POST", path, FORM, data={"token": token})
        assert answer.status == 403
        assert "not of this session" in answer.words
    assert site.agent.orders == []
    assert (await browser.get("/shares")).status == 200


async def test_every_answer_has_the_headers_that_browsers_obey(site: Site) -> None:
    browser = await site.browser(Role.OWNER)
    answers = [await browser.get(path) for path in ("/shares", "/log-in", "/none", asset_path("page.css"))]
    answers += [await browser.get("/shares", Host="attacker.example"), await browser.post("/log-out")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["server"] == "tuishare"
    assert {answer.headers["cache-control"] for answer in answers} == {
        "no-store",
        "public, max-age=31536000, immutable",
    }


async def test_templates_have_no_inline_script_style_or_handler() -> None:
    for path in (FOLDER / "templates").glob("*.html"):
        text = path.read_text()
        assert not re.search(
            r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe", text
        ), path


async def test_cookies_are_for_this_page_alone(site: Site) -> None:
    browser = await site.browser()
    await browser.get("/link")
    answer = await browser.post("/link", {"secret": site.link()})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert str(site.server.address.port) in cookie.partition("=")[0]


async def test_https_has_cookies_that_http_cannot_set(folder: Path) -> None:
    certificate, key = make_certificate(folder)
    settings = WebSettings(listen="127.0.0.1:0", certificate=str(certificate), key=str(key))
    async with serving(folder, settings) as site:
        url = site.url.replace("http:", "https:")
        browser = await site.browser()
        browser.url = url
        answer = await browser.get("/log-in")
        assert answer.headers["set-cookie"].startswith("__Host-tuishare-visitor=")
        assert "Secure" in answer.headers["set-cookie"]
        assert "max-age" in answer.headers["strict-transport-security"]
        assert site.server.address.url == f"https://localhost:{site.server.address.port}"


async def test_a_certificate_that_cannot_be_used_is_explained(folder: Path) -> None:
    (folder / "broken.pem").write_text("no certificate")
    settings = WebSettings(
        listen="127.0.0.1:0", certificate=str(folder / "broken.pem"), key=str(folder / "none.pem")
    )
    with pytest.raises(BadConfiguration, match=r"broken\.pem"):
        async with serving(folder, settings):
            pass


async def test_a_proxy_tells_who_asks_and_no_one_else_does(folder: Path) -> None:
    settings = WebSettings(listen="127.0.0.1:0", trusted_proxies=["127.0.0.1"], hosts=["files.example.org"])
    async with serving(folder, settings) as site:
        assert site.server.address.url == "https://files.example.org"

        async def tries(number: int, address: str) -> list[int]:
            browser = await site.browser()
            headers = {"X-Forwarded-For": address}
            return [
                (await browser._request("POST", "/link", FORM | headers | cookie(), data=form())).status
                for _ in range(number)
            ]

        assert (await tries(11, "192.0.2.7, 198.51.100.1"))[-1] == 429
        assert await tries(1, "192.0.2.9, 198.51.100.1") == [429]  # what stands farther left may be made up
        assert await tries(1, "198.51.100.1, 192.0.2.9") == [403]


def cookie() -> dict[str, str]:
    return {"Cookie": f"__Host-tuishare-visitor={'a' * 43}"}


def form() -> dict[str, str]:
    from tuishare.web.tokens import derive_form_token

    return {"token": derive_form_token("a" * 43), "secret": "b" * 43}


async def test_without_a_trusted_proxy_no_one_can_choose_an_address(site: Site) -> None:
    browser = await site.browser()
    await browser.get("/link")
    answers = [
        (await browser.post("/link", {"secret": "b" * 43}, **{"X-Forwarded-For": f"192.0.{n}.7"})).status
        for n in range(11)
    ]
    assert answers[-1] == 429


async def test_names_of_others_are_text_on_the_page(folder: Path) -> None:
    """T14: neither markup nor controls nor a change of direction."""
    hostile = Problem(
        id="x", title="<script>alert(1)</script>", detail="a\x1b[31m\u202eb\n\"'>", hint="", since=1
    )
    status = msgspec.structs.replace(STATUS, problems=(hostile,))
    agent = ScriptedAgent(msgspec.structs.replace(SNAPSHOT, status=status))
    async with serving(folder, agent=agent) as site:
        browser = await site.browser(Role.OWNER)
        text = (await browser.get("/agent")).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "<script>" not in text


async def test_an_agent_that_is_not_there_is_one_sentence(site: Site) -> None:
    browser = await site.browser(Role.OWNER)
    (site.path.parent / "agent.sock").unlink()
    answer = await browser.get("/account")
    assert answer.status == 200
    site.server._client._connection._path = site.path.parent / "gone.sock"
    site.server._client._connection._session = None
    answer = await browser.get("/shares")
    assert answer.status == 503
    assert "No agent answers" in answer.words


async def test_a_request_that_is_none_is_refused_and_the_page_goes_on(site: Site) -> None:
    browser = await site.browser(Role.OWNER)
    host = b"Host: localhost\r\n"
    for data in (
        b"\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 10_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"A: b\r\n" * 1000 + b"\r\n",
        b"POST /log-in HTTP/1.1\r\n"
        + host
        + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /log-in HTTP/1.1\r\n" + host + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"GET /static/x/../../web_server.py HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /static/%2e%2e/%2e%2e%2fweb_server.py HTTP/1.1\r\n" + host + b"\r\n",
    ):
        answer = await raw(site, data)
        assert not answer or re.match(rb"HTTP/1\.[01] 4\d\d ", answer), data
        assert b"def " not in answer
    assert (await browser.get("/shares")).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "CONNECT", "OPTIONS", "PROPFIND", "HEAD"])
async def test_other_methods_are_refused(site: Site, method: str) -> None:
    answer = await raw(site, f"{method} /log-in HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    assert not answer or re.match(rb"HTTP/1\.[01] 4\d\d ", answer)


async def test_a_form_that_is_too_long_or_none_is_refused(site: Site) -> None:
    browser = await site.browser()
    await browser.get("/log-in")
    assert (await browser.post("/log-in", {"name": "x" * 70_000})).status == 400
    answer = await browser._request("POST", "/log-in", FORM, data=b"{}")
    assert (answer.status, "not a form" in answer.words) == (400, True)
    many = [(f"f{n}", "") for n in range(10_200)]
    assert (await browser.post("/log-in", many)).status == 400
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"token=%ff%fe", b"\xff\xfe", b"&" * 60_000):
        assert (await browser._request("POST", "/log-in", FORM | kind, data=body)).status in {400, 403}


def test_one_page_per_home_and_commands_find_it(folder: Path) -> None:
    path = folder / "web.lock"
    assert find_address(path) == ""
    with hold_web_lock(path) as lock:
        write_address(lock, "http://localhost:50013")
        assert find_address(path) == "http://localhost:50013"
        with pytest.raises(SystemFailed, match="running already"), hold_web_lock(path):
            pass
    assert find_address(path) == ""
