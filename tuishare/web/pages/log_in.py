"""Log-in by password or one-time link, and log-out."""

from __future__ import annotations

from tuishare.web.visit import Moved, Page, Visit


async def show_log_in(visit: Visit) -> Page | Moved:
    """Ask for name and password."""
    return Moved("/") if visit.session and not visit.error else Page("log-in")


async def log_in(visit: Visit) -> Moved:
    """Begin a session by a password."""
    token, _ = await visit.sessions.log_in(
        visit.form.text("name"), visit.form.exact("password"), visit.client, visit.browser
    )
    await _end_former(visit)
    return Moved("/", token=token)


async def show_link(visit: Visit) -> Page:
    """Ask for the secret of a one-time link; a script takes it from behind the ``#``, which no server sees."""
    del visit
    return Page("link")


async def use_link(visit: Visit) -> Moved:
    """Begin a session by a one-time link."""
    token, account = await visit.sessions.use_link(visit.form.text("secret"), visit.client, visit.browser)
    await _end_former(visit)
    if account.password:
        return Moved("/", token=token)
    return Moved(
        "/account", "You are logged in. Choose a password, to log in without a link from now on.", token
    )


async def log_out(visit: Visit) -> Moved:
    """End this session."""
    await visit.sessions.end(visit.member)
    return Moved("/log-in", logged_out=True)


async def _end_former(visit: Visit) -> None:
    if visit.session is not None:
        await visit.sessions.end(visit.session)
