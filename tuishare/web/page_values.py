"""What every template may use.

Owns those names, listed in the function. The clock of pages is read here.
"""

from __future__ import annotations

import time
from typing import Any

from tuishare.api.operation import Role
from tuishare.presentation.formats import format_moment, format_timestamp
from tuishare.web.offers import offer_for_download, offer_for_share
from tuishare.web.tokens import derive_form_token
from tuishare.web.visit import Visit


def page_values(visit: Visit | None, cookie: str) -> dict[str, Any]:
    """Return what every template may use."""
    now = time.time()
    session = visit.session if visit else None
    role = session.account.role if session else None

    def typed(field: str, default: str = "") -> str:
        """Return what stands in a field: what was typed before an error, else the default."""
        return visit.form.exact(field, default) if visit and visit.error else default

    def ticked(field: str, value: str = "", default: bool = False) -> bool:
        """Return whether a box is selected, likewise."""
        if not (visit and visit.error):
            return default
        return value in visit.form.every(field) if value else visit.form.selected(field)

    return {
        "now": now,
        "moment": lambda at: format_moment(at, now),
        "timestamp": format_timestamp,
        "share_offers": offer_for_share,
        "download_offers": offer_for_download,
        "token": derive_form_token(cookie),
        "session": session,
        "may_own": role is Role.OWNER,
        "here": visit.page.tab or f"/{visit.page.path.split('/')[1]}" if visit else "",
        "problem": visit.error if visit else None,
        "typed": typed,
        "ticked": ticked,
    }
