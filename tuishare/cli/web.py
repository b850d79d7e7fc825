"""``tuishare web …``: the work of these commands.

Owns the setup of the page's process, and what the owner reads of it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from tuishare.api.client import AgentClient
from tuishare.api.error_body import AgentNotRunning
from tuishare.api.messages import Finding
from tuishare.cli.agent import start_in_background
from tuishare.cli.terminal import is_terminal, say
from tuishare.config.model import load_config
from tuishare.errors import AgentUnreachable, SystemFailed
from tuishare.home_paths import Places, find_places

if TYPE_CHECKING:
    from tuishare.web.request_checks import PublicAddress

_NEEDED: Final = ("jinja2",)
"""Modules of the extra ``web``."""


class HomeDesk:
    """Implements `tuishare.web.visit.Desk` for this home."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def start_agent(self) -> None:
        """Start an agent in the background."""
        await start_in_background()

    async def diagnose(self) -> list[Finding]:
        """Run the checks of `tuishare doctor`."""
        from tuishare.cli.doctor.report import CHECKS
        from tuishare.cli.doctor.results import run_check

        def check() -> list[Finding]:
            found = (run_check(subject, one, self._places) for subject, one in CHECKS)
            return [result.message() for results in found for result in results]

        return await asyncio.to_thread(check)


def serve_page(*, verbose: bool) -> None:
    """Serve the page until it is stopped; an agent is started if none runs.

    Raises:
        SystemFailed: packages are missing, the page runs already, or the port or the disk is not usable.
        BadConfiguration: settings, certificate or database are not usable.
    """
    require_web_extra()
    from tuishare.agent.process.log_format import start_logging
    from tuishare.web.process import run_web

    places = find_places()
    config = load_config(places)
    places.prepare()
    start_logging(verbose=verbose)
    os.umask(0o077)

    async def serve() -> None:
        await _ensure_agent(places)
        await run_web(
            places, config.web, HomeDesk(places), lambda address: _tell(places, config.name, address)
        )

    asyncio.run(serve())


def print_link(*, forget_password: bool) -> None:
    """Print a one-time link for the owner.

    Raises:
        SystemFailed: packages are missing, the page does not run, or the disk refuses.
    """
    require_web_extra()
    from tuishare.web.web_lock import find_address

    places = find_places()
    url = find_address(places.web_lock_file)
    if not url:
        raise SystemFailed("The web page is not running", hint="Start it with: tuishare web")
    print(_make_link(places, load_config(places).name, url, forget_password=forget_password))
    _explain_link()


def require_web_extra() -> None:
    """Require the packages of the extra ``web``.

    Raises:
        SystemFailed: one is missing.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise SystemFailed(
            f"The web page needs packages that are not installed: {', '.join(missing)}",
            hint="Install them: pip install 'tuishare[web]'",
        )


async def _ensure_agent(places: Places) -> None:
    async with AgentClient.of_home(places) as client:
        try:
            await client.status()
        except AgentNotRunning:
            await start_in_background()
            say("An agent was started in the background; it keeps running.")
        except AgentUnreachable:
            return  # the page tells what is wrong with it


def _tell(places: Places, name: str, address: PublicAddress) -> None:
    """Say where the page is; print a link where a person reads it, because a log must not hold one."""
    say(f"The web page is at {address.url}/ until you press Ctrl-C.")
    if is_terminal(sys.stdout):
        print(_make_link(places, name, address.url), flush=True)
        _explain_link()
    else:
        say("Log in by a link: tuishare web link")


def _make_link(places: Places, name: str, url: str, *, forget_password: bool = False) -> str:
    from tuishare.web.sessions import make_link
    from tuishare.web.web_database import WebDatabase

    with closing(WebDatabase(places.web_database_file)) as database:
        secret = make_link(database, name, int(time.time()), forget_password=forget_password)
    return f"{url}/link#{secret}"


def _explain_link() -> None:
    say("Open this link to log in as the owner: once, within 5 minutes. Another one: tuishare web link")
