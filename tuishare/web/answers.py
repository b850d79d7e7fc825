"""Answers as HTTP: their headers, and what every page shows.

Owns the security headers, the same for all, and the menu, made from the table of pages.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from tuishare.errors import SystemFailed
from tuishare.web.cookies import SESSION, VISITOR, Visitor, drop_cookie, set_cookie
from tuishare.web.page_table import MENU
from tuishare.web.page_values import page_values
from tuishare.web.request_checks import PublicAddress
from tuishare.web.templating import render
from tuishare.web.visit import LiveStream, Moved, Page, StaticFile, Visit

_STREAMS: Final = 64
"""Live pages at a time."""
_YEAR: Final = 31_536_000
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
    "Server": "tuishare",
}


class Answers:
    """Makes responses; counts those without an end."""

    def __init__(self) -> None:
        self._streams = 0

    def page(
        self, page: Page, visit: Visit | None, visitor: Visitor, notice: str, address: PublicAddress
    ) -> web.Response:
        """Return a page made from its template; a new visitor gets the cookie of their forms."""
        role = visit.session.account.role if visit and visit.session else None
        menu = [row for row in MENU if role in row.allowed]
        values = {**page_values(visit, visitor.cookie), "menu": menu, "notice": notice, **page.values}
        response = web.Response(
            text=render(page.template, values), content_type="text/html", status=page.status
        )
        secure_headers(response, address)
        if page.status >= 400:
            response.force_close()
        if visitor.is_new:
            set_cookie(response, VISITOR, visitor.cookie, address)
        return response

    def moved(self, moved: Moved, cookie: str, address: PublicAddress) -> web.Response:
        """Return the answer that leads the browser to another page.

        Args:
            moved: where to, and whether a session begins or ends.
            cookie: that the browser has from now on.
            address: where the page is opened.
        """
        response = web.Response(status=303, headers={"Location": moved.path})
        secure_headers(response, address)
        if moved.token:
            set_cookie(response, SESSION, cookie, address)
            drop_cookie(response, VISITOR, address)
        if moved.logged_out:
            set_cookie(response, VISITOR, cookie, address)
            drop_cookie(response, SESSION, address)
        return response

    def static(self, file: StaticFile) -> web.Response:
        """Return a file that a browser may keep for ever: its path changes when it does."""
        response = web.Response(body=file.body, content_type=file.content_type, charset="utf-8")
        response.headers.update({**_HEADERS, "Cache-Control": f"public, max-age={_YEAR}, immutable"})
        return response

    async def stream(self, visit: Visit, stream: LiveStream) -> web.StreamResponse:
        """Send a stream until its visitor leaves.

        Raises:
            SystemFailed: there are too many of them.
        """
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        secure_headers(response, visit.address)
        if self._streams >= _STREAMS:
            response = web.Response(status=503, text=str(SystemFailed("Too many live pages are open")))
            secure_headers(response, visit.address)
            await response.prepare(visit.request)
            return response
        self._streams += 1
        response.force_close()
        try:
            await response.prepare(visit.request)
            await stream.write(response)
            await response.write_eof()
        except (ConnectionError, TimeoutError):
            if visit.request.transport is not None:
                visit.request.transport.abort()
        finally:
            self._streams -= 1
        return response


def secure_headers(response: web.StreamResponse, address: PublicAddress) -> None:
    """Set the headers of every answer."""
    response.headers.update(_HEADERS)
    if address.secure:
        response.headers["Strict-Transport-Security"] = f"max-age={_YEAR}"
