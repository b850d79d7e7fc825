"""The table of pages: each page and form of the site, and who may use it.

Owns that list. Routes, menu and the tests of every role are made from it; roles follow from the operations of the agent
that a row uses, see `tuishare.web.visit.PageOperation`.
"""

from __future__ import annotations

from typing import Final

from tuishare.api.operations import Operations as Agent
from tuishare.web.pages import account, assets, log_in, overview
from tuishare.web.visit import PageOperation

_LOG_IN: Final = PageOperation("GET", "/log-in", log_in.show_log_in, public=True)
_LINK: Final = PageOperation("GET", "/link", log_in.show_link, public=True)
_ACCOUNT: Final = PageOperation("GET", "/account", account.show_account)

PAGES: Final[tuple[PageOperation, ...]] = (
    PageOperation("GET", "/static/{digest}/{name}", assets.send_asset, public=True),
    _LOG_IN,
    PageOperation("POST", "/log-in", log_in.log_in, public=True, form=_LOG_IN),
    _LINK,
    PageOperation("POST", "/link", log_in.use_link, public=True, form=_LINK),
    PageOperation("POST", "/log-out", log_in.log_out),
    PageOperation("GET", "/", overview.show_overview, uses=(Agent.status,), tab="Agent"),
    _ACCOUNT,
    PageOperation("POST", "/account/password", account.change_password, form=_ACCOUNT),
    PageOperation("POST", "/account/log-out-everywhere", account.log_out_everywhere),
)
"""All pages, in the order in which a path is matched."""

MENU: Final = tuple(page for page in PAGES if page.tab)
"""The rows of the menu."""
