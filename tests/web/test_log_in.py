"""From a link to a password and back out."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.web.browsers import Browser
from tests.web.conftest import Site
from tuishare.api.operation import Role
from tuishare.errors import Refused
from tuishare.web.sessions import IDLE_SECONDS, LINK_SECONDS, LONGEST_SECONDS, TooManyAttempts

PASSWORD = "correct horse battery"


async def by_link(site: Site) -> Browser:
    browser = await site.browser()
    await browser.get("/link")
    answer = await browser.post("/link", {"secret": site.link()})
    assert (answer.status, answer.location) == (303, "/account")
    return browser


async def with_password(site: Site) -> Browser:
    browser = await by_link(site)
    answer = await browser.post("/account/password", {"password": PASSWORD, "again": PASSWORD})
    assert (answer.status, answer.location) == (303, "/account")
    return browser


async def try_log_in(site: Site, name: str, password: str) -> tuple[Browser, int]:
    browser = await site.browser()
    await browser.get("/log-in")
    return browser, (await browser.post("/log-in", {"name": name, "password": password})).status


async def test_a_link_logs_in_once_and_says_what_to_do_next(site: Site) -> None:
    secret = site.link()
    browser, thief = await site.browser(), await site.browser()
    for each in (browser, thief):
        await each.get("/link")
    assert (await browser.post("/link", {"secret": secret})).status == 303
    assert "Choose a password" in (await browser.get("/account")).words
    assert "Choose a password" not in (await browser.get("/account")).words
    refused = await thief.post("/link", {"secret": secret})
    assert refused.status == 403
    assert "used already" in refused.words
    assert (await thief.get("/shares")).location == "/log-in"


async def test_the_page_of_a_link_works_without_a_script_and_has_no_secret_in_its_address(site: Site) -> None:
    browser = await site.browser()
    page = await browser.get("/link")
    assert '<form method="post" action="/link"' in page.text
    assert 'name="secret"' in page.text
    assert "<script src=" in page.text
    assert "<script>" not in page.text


async def test_a_link_ends_and_a_newer_one_replaces_it(site: Site) -> None:
    browser = await site.browser()
    await browser.get("/link")
    earlier, later = site.link(), site.link()
    assert (await browser.post("/link", {"secret": earlier})).status == 403
    site.clock.now += LINK_SECONDS
    assert (await browser.post("/link", {"secret": later})).status == 403


@pytest.mark.parametrize("secret", ["", "x", "é" * 43, "a" * 43, "../../etc/passwd"])
async def test_a_made_up_link_is_refused(site: Site, secret: str) -> None:
    browser = await site.browser()
    await browser.get("/link")
    assert (await browser.post("/link", {"secret": secret})).status == 403


async def test_a_password_logs_in_by_name_in_any_case(site: Site) -> None:
    await with_password(site)
    browser, status = await try_log_in(site, "ALICE", PASSWORD)
    assert status == 303
    assert "alice@studio" in (await browser.get("/shares")).words


async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(site: Site) -> None:
    await with_password(site)
    pages = []
    for name, password in (("alice", "wrong horse battery"), ("mallory", PASSWORD), ("alice", "x" * 300)):
        browser = await site.browser()
        await browser.get("/log-in")
        answer = await browser.post("/log-in", {"name": name, "password": password})
        assert answer.status == 403
        pages.append(answer.words)
    assert {*pages} == {pages[0]}


async def test_an_account_without_a_password_has_none(site: Site) -> None:
    await by_link(site)
    for password in ("", " ", "None"):
        assert (await try_log_in(site, "alice", password))[1] == 403


async def test_too_many_attempts_are_refused_also_with_the_right_password_until_time_has_passed(
    site: Site,
) -> None:
    await with_password(site)
    for _ in range(9):
        assert (await try_log_in(site, "alice", "wrong horse battery"))[1] == 403
    assert (await try_log_in(site, "alice", PASSWORD))[1] == 429
    site.clock.now += 30
    assert (await try_log_in(site, "alice", PASSWORD))[1] == 303


async def test_attempts_on_one_account_are_limited_from_wherever_they_come(site: Site) -> None:
    sessions = site.server._sessions

    async def attempt(name: str, network: int) -> None:
        await sessions.log_in(name, "wrong horse battery", ip_address(f"192.0.{network}.1"), "")

    for network in range(10):
        with pytest.raises(Refused):
            await attempt("Alice", network)
    with pytest.raises(TooManyAttempts):
        await attempt("alice", 10)
    with pytest.raises(Refused):
        await attempt("bob", 11)


async def test_a_log_in_changes_the_token(site: Site) -> None:
    """A token that an attacker has put into the browser before is worth nothing afterwards."""
    browser = await site.browser()
    await browser.get("/link")
    before = {*browser.cookies.values()}
    await browser.post("/link", {"secret": site.link()})
    assert before.isdisjoint(browser.cookies.values())


async def test_log_out_ends_the_session_on_the_server(site: Site) -> None:
    browser = await by_link(site)
    stolen = browser.cookies
    assert (await browser.post("/log-out")).location == "/log-in"
    thief = await site.browser()
    thief.take_cookies(stolen)
    assert (await thief.get("/shares")).location == "/log-in"


async def test_log_out_everywhere_ends_the_others_too(site: Site) -> None:
    first, second = await by_link(site), await by_link(site)
    assert (await first.get("/shares")).status == 200
    assert (await second.post("/account/log-out-everywhere")).location == "/log-in"
    assert "logged out everywhere" in (await second.get("/log-in")).words
    assert (await first.get("/shares")).location == "/log-in"


async def test_a_new_password_ends_the_other_sessions_and_needs_the_present_one(site: Site) -> None:
    first, second = await with_password(site), await try_log_in(site, "alice", PASSWORD)
    refused = await first.post("/account/password", {"password": "another horse", "again": "another horse"})
    assert refused.status == 403
    assert "present password is wrong" in refused.words
    new = {"before": PASSWORD, "password": "another horse", "again": "another horse"}
    assert (await first.post("/account/password", new)).status == 303
    assert (await first.get("/shares")).status == 200
    assert (await second[0].get("/shares")).location == "/log-in"
    assert (await try_log_in(site, "alice", PASSWORD))[1] == 403
    assert (await try_log_in(site, "alice", "another horse"))[1] == 303


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        ("short", "short", "12 to 256"),
        ("x" * 257, "x" * 257, "12 to 256"),
        (PASSWORD, "other horse battery", "differ"),
        ("", "", "12 to 256"),
    ],
)
async def test_a_password_that_cannot_be_is_explained(
    site: Site, password: str, again: str, words: str
) -> None:
    browser = await by_link(site)
    answer = await browser.post("/account/password", {"password": password, "again": again})
    assert answer.status == 400
    assert words in answer.words


async def test_a_forgotten_password_is_removed_by_a_link(site: Site) -> None:
    former = await with_password(site)
    secret = site.link(forget_password=True)
    assert (await former.get("/shares")).location == "/log-in"
    assert (await try_log_in(site, "alice", PASSWORD))[1] == 403
    browser = await site.browser()
    await browser.get("/link")
    assert (await browser.post("/link", {"secret": secret})).location == "/account"


@pytest.mark.parametrize("used", [True, False])
async def test_a_session_ends_when_idle_and_in_any_case_after_a_week(site: Site, used: bool) -> None:
    browser = await site.browser(Role.OWNER)
    steps = LONGEST_SECONDS // (IDLE_SECONDS - 60)
    for _ in range(steps if used else 0):
        site.clock.now += IDLE_SECONDS - 60
        assert (await browser.get("/shares")).status == 200
    site.clock.now += IDLE_SECONDS
    assert (await browser.get("/shares")).location == "/log-in"


async def test_a_removed_account_is_out_at_once(site: Site) -> None:
    account, token = site.account("olga", Role.OPERATOR)
    browser = await site.browser()
    browser.take_cookies({f"tuishare-session-{site.server.address.port}": token})
    assert (await browser.get("/shares")).status == 200
    site.database().remove_account(account.id)
    assert (await browser.get("/shares")).location == "/log-in"


async def test_no_secret_is_in_the_database(site: Site) -> None:
    browser = await with_password(site)
    secret = site.link()
    files = [path.read_bytes() for path in site.path.parent.glob("web.db*")]
    for text in (*browser.cookies.values(), secret, PASSWORD):
        assert not any(text.encode() in data for data in files)
    assert {path.stat().st_mode & 0o777 for path in site.path.parent.glob("web.db*")} == {0o600}
