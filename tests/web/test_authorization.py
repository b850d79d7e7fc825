"""Every page as every role, as nobody and as a removed user (threat T26); the table is the only thing that decides."""

from __future__ import annotations

import re

import pytest

from tests.web.browsers import Browser
from tests.web.conftest import Site
from tuishare.api.messages import SettingChange
from tuishare.api.operation import Role
from tuishare.api.operations import OPERATIONS
from tuishare.api.operations import Operations as Agent
from tuishare.errors import Refused
from tuishare.web.authorization import VisitorsAgent
from tuishare.web.page_table import MENU, PAGES
from tuishare.web.visit import PageOperation

CLOSED = [page for page in PAGES if not page.public]


def name(page: PageOperation) -> str:
    return f"{page.method} {page.path}"


def sample_path(page: PageOperation) -> str:
    return re.sub(r"\{\w+\}", "x", page.path)


async def visit(browser: Browser, page: PageOperation) -> int:
    if page.method == "GET" and page.streams:
        answer = await browser.stream(sample_path(page))
        answer.close()
        return answer.status
    reply = await (browser.get if page.method == "GET" else browser.post)(sample_path(page))
    return 0 if reply.location == "/log-in" and page.path != "/log-out" else reply.status


async def require_log_in(browser: Browser, page: PageOperation) -> None:
    """Find that a page only leads to log-in: directly, or as a stream that has the page opened again."""
    answer = await (browser.get if page.method == "GET" else browser.post)(sample_path(page))
    if page.streams:
        assert (answer.status, answer.text) == (200, "event: stale\ndata: ended\n\n")
    else:
        assert (answer.status, answer.location) == (303, "/log-in")


@pytest.mark.parametrize("page", CLOSED, ids=name)
async def test_nobody_is_led_to_log_in_and_the_agent_hears_nothing(site: Site, page: PageOperation) -> None:
    browser = await site.browser()
    await browser.get("/log-in")
    await require_log_in(browser, page)
    assert site.agent.orders == []


@pytest.mark.parametrize("page", CLOSED, ids=name)
async def test_a_removed_user_is_led_to_log_in(site: Site, page: PageOperation) -> None:
    browser = await site.browser(Role.OWNER)
    database = site.database()
    owner = database.find_account("owner")
    assert owner is not None
    database.remove_account(owner.id)
    await require_log_in(browser, page)
    assert site.agent.orders == []


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("page", CLOSED, ids=name)
async def test_a_role_may_do_what_the_table_says(site: Site, page: PageOperation, role: Role) -> None:
    browser = await site.browser(role)
    refused = await visit(browser, page) == 403
    assert refused is (role not in page.allowed)
    if refused:
        assert site.agent.orders == []


def test_a_role_follows_from_the_operations_of_the_agent() -> None:
    for page in PAGES:
        for operation in page.needed:
            assert page.allowed <= operation.allowed
            assert operation in OPERATIONS
        assert page.public or Role.OWNER in page.allowed
        assert not (page.public and page.uses)


async def test_a_page_cannot_use_an_operation_that_its_row_does_not_name(site: Site) -> None:
    agent = VisitorsAgent(site.server._client, Role.OWNER, frozenset({Agent.status}))
    assert (await agent.status()).name
    with pytest.raises(Refused, match="may not use the operation settings"):
        await agent.settings()


async def test_a_role_cannot_use_an_operation_that_is_not_allowed_to_it(site: Site) -> None:
    """Even if the table of pages were wrong: the agent's own table is asked again."""
    agent = VisitorsAgent(site.server._client, Role.OPERATOR, frozenset({Agent.change_setting}))
    with pytest.raises(Refused, match="The role operator may not use the operation change_setting"):
        await agent.change_setting(SettingChange(key="name", value="mallory"))
    assert site.agent.orders == []


@pytest.mark.parametrize("role", Role)
async def test_the_menu_has_what_the_role_may_open(site: Site, role: Role) -> None:
    browser = await site.browser(role)
    text = (await browser.get("/account")).text
    for page in MENU:
        assert (f'<a href="{page.path}"' in text) is (role in page.allowed)
