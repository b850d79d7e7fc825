"""The cookies of the page: of a session, and of a visitor who has not logged in.

Owns their names and attributes. No script can read them, and no other site makes a browser send them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from tuishare.web.request_checks import PublicAddress
from tuishare.web.tokens import is_token, make_token

SESSION: Final = "session"
VISITOR: Final = "visitor"


@dataclass(frozen=True, slots=True)
class Visitor:
    """One browser.

    Attributes:
        cookie: from which the tokens of its forms are made: that of its session, or of a visitor without one.
        is_new: it had none.
    """

    cookie: str
    is_new: bool


def find_visitor(request: web.BaseRequest, address: PublicAddress) -> Visitor:
    """Return the browser of a request; a new one has a new cookie."""
    for kind in (SESSION, VISITOR):
        if is_token(cookie := read_cookie(request, kind, address)):
            return Visitor(cookie, is_new=False)
    return Visitor(make_token(), is_new=True)


def read_cookie(request: web.BaseRequest, kind: str, address: PublicAddress) -> str:
    """Return the value of a cookie; empty if there is none."""
    return request.cookies.get(_name(kind, address), "")


def set_cookie(response: web.StreamResponse, kind: str, value: str, address: PublicAddress) -> None:
    """Set a cookie until the browser ends; the server ends sessions before."""
    response.set_cookie(
        _name(kind, address), value, path="/", httponly=True, samesite="Strict", secure=address.secure
    )


def drop_cookie(response: web.StreamResponse, kind: str, address: PublicAddress) -> None:
    """Remove a cookie."""
    response.set_cookie(
        _name(kind, address),
        "",
        path="/",
        max_age=0,
        httponly=True,
        samesite="Strict",
        secure=address.secure,
    )


def _name(kind: str, address: PublicAddress) -> str:
    """Return a name: with https one that neither another host nor http can set; else one for each port.

    Cookies of loopback are sent to every port, so that the pages of two homes would log each other out.
    """
    return f"__Host-tuishare-{kind}" if address.secure else f"tuishare-{kind}-{address.port}"
