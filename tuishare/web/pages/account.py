"""The visitor's own account: password and sessions."""

from __future__ import annotations

from tuishare.errors import BadInput
from tuishare.web.passwords import SHORTEST
from tuishare.web.visit import Moved, Page, Visit


async def show_account(visit: Visit) -> Page:
    """Show name, role, password and sessions."""
    sessions = await visit.sessions.list_of(visit.member.account)
    return Page("account", {"sessions": sessions, "shortest": SHORTEST})


async def change_password(visit: Visit) -> Moved:
    """Set a password; other sessions end."""
    password = visit.form.exact("password")
    if password != visit.form.exact("again"):
        raise BadInput("The two passwords differ", hint="Type the new password twice.")
    await visit.sessions.change_password(visit.member, visit.form.exact("before"), password, visit.client)
    return Moved("/account", "The password is saved. All other sessions have ended.")


async def log_out_everywhere(visit: Visit) -> Moved:
    """End all sessions of the account."""
    await visit.sessions.end_all(visit.member.account)
    return Moved("/log-in", "You are logged out everywhere.", logged_out=True)
