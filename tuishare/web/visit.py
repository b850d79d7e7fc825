"""One page of the site, one request for it, and the kinds of answers.

Owns what the functions behind the table of pages see of a request, and what they may return. A row of the table names
the operations of the agent that it uses; its roles follow from theirs, and it cannot use others.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, Protocol
from urllib.parse import parse_qsl, quote

from aiohttp import web

from tuishare.api.messages import Finding
from tuishare.api.operation import Operation, Role
from tuishare.errors import BadInput, TuishareError
from tuishare.net.addresses import Address
from tuishare.web.agent_state import AgentState
from tuishare.web.authorization import VisitorsAgent
from tuishare.web.request_checks import PublicAddress
from tuishare.web.sessions import Sessions
from tuishare.web.web_database import WebSession

EVERY_ROLE: Final = frozenset(Role)
SMALL_FORM: Final = 64 * 1024
"""Longest body of a form, bytes, unless its row says otherwise."""
_FIELDS: Final = 10_100
"""Most fields of a form: the files of a download, of which one may choose at most 10,000, and a few more."""


class FormFields:
    """The fields of a form or of a query; text is limited by the body, and by what the agent accepts."""

    def __init__(self, fields: Mapping[str, list[str]] | None = None) -> None:
        self._fields = fields or {}

    @classmethod
    def parse(cls, text: str) -> FormFields:
        """Read ``application/x-www-form-urlencoded``.

        Raises:
            BadInput: it is malformed, or has too many fields.
        """
        fields: dict[str, list[str]] = {}
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS, errors="strict")
        except ValueError:
            raise BadInput("This form is not understood", hint="Open the page again.") from None
        for name, value in pairs:
            fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
        return cls(fields)

    def __bool__(self) -> bool:
        return bool(self._fields)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def text(self, name: str, default: str = "") -> str:
        """Return a field without spaces around it."""
        return self.exact(name, default).strip()

    def exact(self, name: str, default: str = "") -> str:
        """Return a field as it was typed."""
        return self._fields.get(name, [default])[-1]

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values of a field, such as selected boxes."""
        return tuple(self._fields.get(name, ()))

    def selected(self, name: str) -> bool:
        """Return whether a box is selected."""
        return bool(self.exact(name))


class Desk(Protocol):
    """What the command that starts the page can do on this machine, and the page cannot."""

    async def start_agent(self) -> None:
        """Start an agent in the background, and wait until it answers.

        Raises:
            TuishareError: it did not start.
        """

    async def diagnose(self) -> list[Finding]:
        """Check this home and this machine."""


@dataclass(frozen=True, eq=False)
class PageOperation:
    """One row of the table of pages.

    Attributes:
        method: of HTTP. A GET changes nothing.
        path: with ``{parameter}`` for a part that is decoded.
        answer: makes the answer.
        uses: operations of the agent that it may use.
        only: roles that may use it, besides what `uses` demands.
        public: it is answered without a session.
        form: the page that is shown again, with the error, if this form is refused.
        tab: its place in the menu; empty: it is not in the menu.
        streams: its answer has no end.
        body_limit: longest body, bytes.
    """

    method: Literal["GET", "POST"]
    path: str
    answer: Callable[[Visit], Awaitable[PageReply]]
    uses: tuple[Operation, ...] = ()
    only: frozenset[Role] = EVERY_ROLE
    public: bool = False
    form: PageOperation | None = None
    tab: str = ""
    streams: bool = False
    body_limit: int = SMALL_FORM

    @cached_property
    def allowed(self) -> frozenset[Role]:
        """The roles that may use it."""
        return self.only.intersection(*(operation.allowed for operation in self.needed))

    @cached_property
    def needed(self) -> frozenset[Operation]:
        """The operations of the agent that it may use, those of its form included."""
        return frozenset(self.uses) | (self.form.needed if self.form else frozenset())

    def match(self, path: str) -> Mapping[str, str] | None:
        """Return the parameters of a path, parts still encoded; None if it is another path."""
        given, own = path.split("/"), self.path.split("/")
        if len(given) != len(own):
            return None
        found = {}
        for part, pattern in zip(given, own, strict=True):
            if pattern.startswith("{"):
                if not part:
                    return None
                found[pattern[1:-1]] = part
            elif part != pattern:
                return None
        return found


@dataclass(slots=True)
class Visit:
    """One request.

    Attributes:
        page: the row of the table that it is for.
        request: as aiohttp has read it.
        address: where the page is opened.
        client: the address that it comes from.
        params: decoded parameters of the path.
        query: of the URL.
        form: of the body; empty for a GET.
        cookie: the token of the session's or visitor's cookie.
        sessions: accounts and sessions.
        state: of the agent, followed while pages are open.
        desk: what only the command that started the page can do.
        session: of the visitor; None before they have logged in, and only on public pages.
        agent: as this visitor may use it; None likewise.
        error: why a form was refused that is shown again.
    """

    page: PageOperation
    request: web.BaseRequest
    address: PublicAddress
    client: Address
    params: Mapping[str, str]
    query: FormFields
    form: FormFields
    cookie: str
    sessions: Sessions
    state: AgentState
    desk: Desk
    session: WebSession | None = None
    maybe_agent: VisitorsAgent | None = None
    error: TuishareError | None = None

    @property
    def agent(self) -> VisitorsAgent:
        """The agent as this visitor may use it."""
        assert self.maybe_agent is not None, "a public page does not use the agent"
        return self.maybe_agent

    @property
    def now(self) -> float:
        """The present moment, Unix seconds."""
        return time.time()

    @property
    def member(self) -> WebSession:
        """The session of the visitor, on a page that is not public."""
        assert self.session is not None
        return self.session

    @property
    def browser(self) -> str:
        """What the browser calls itself; untrusted text."""
        return self.request.headers.get("User-Agent", "")


@dataclass(frozen=True, slots=True)
class Page:
    """A page made from a template.

    Attributes:
        template: its name, without folder and ending.
        values: for the template.
        status: of HTTP.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Moved:
    """The browser goes on to another page, as after every form.

    Attributes:
        path: of this site, encoded.
        notice: is shown there, once.
        token: of a session that begins; empty: none.
        logged_out: the session ends.
    """

    path: str
    notice: str = ""
    token: str = ""
    logged_out: bool = False


Stream = Callable[[web.StreamResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LiveStream:
    """An answer without an end: ``text/event-stream``.

    Attributes:
        write: writes it until the visitor leaves.
    """

    write: Stream


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the page itself.

    Attributes:
        body: its bytes.
        content_type: of HTTP.
    """

    body: bytes
    content_type: str


PageReply = Page | Moved | LiveStream | StaticFile


def path_of(*parts: str) -> str:
    """Return a path of this site: ``path_of("people", "b/b")`` is ``/people/b%2Fb``."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)
