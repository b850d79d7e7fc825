"""The server of the web page: one request from its first byte to its answer.

Owns the order of the checks, and what every answer has. Which pages there are, stands in `tuishare.web.page_table`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
from collections import OrderedDict
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from tuishare.api.client import AgentClient
from tuishare.api.error_body import status_of
from tuishare.config.web_settings import WebSettings
from tuishare.errors import BadConfiguration, BadInput, NotFound, Refused, SystemFailed, TuishareError
from tuishare.net.addresses import unmapped
from tuishare.net.connection_slots import ConnectionSlots, SlotLimits
from tuishare.net.http_listener import HttpListener
from tuishare.web.agent_state import AgentState
from tuishare.web.answers import Answers
from tuishare.web.authorization import VisitorsAgent, require_role
from tuishare.web.cookies import SESSION, Visitor, find_visitor, read_cookie
from tuishare.web.live_list import tell_ended
from tuishare.web.page_table import PAGES
from tuishare.web.request_checks import PublicAddress, check_host, check_origin, find_client
from tuishare.web.sessions import Sessions, TooManyAttempts
from tuishare.web.tokens import is_form_token, make_token
from tuishare.web.visit import (
    Desk,
    FormFields,
    LiveStream,
    Moved,
    Page,
    PageOperation,
    PageReply,
    StaticFile,
    Visit,
)

_CONNECTIONS: Final = 256
_PER_ADDRESS: Final = 64
_BODY_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 60.0
"""Time limit for a browser to take an answer that is not a stream."""
_NOTICES: Final = 1_000
_FORM_TYPE: Final = "application/x-www-form-urlencoded"

_log = logging.getLogger(__name__)


class WebServer:
    """Serves the page of one home.

    Args:
        client: of the agent; open for as long as the server.
        sessions: accounts and sessions.
        settings: where to listen.
        desk: what only the command that starts the page can do.
    """

    def __init__(self, client: AgentClient, sessions: Sessions, settings: WebSettings, desk: Desk) -> None:
        self._client = client
        self._sessions = sessions
        self._settings = settings
        self._desk = desk
        self._state = AgentState(client)
        self._answers = Answers()
        self._notices: OrderedDict[str, str] = OrderedDict()
        self._listener: HttpListener | None = None
        self.address = PublicAddress(settings, 0)

    async def start(self) -> None:
        """Start to listen; `address` is known afterwards.

        Raises:
            BadConfiguration: the certificate cannot be used.
            SystemFailed: the port cannot be opened.
        """
        endpoint = self._settings.endpoint
        most = _CONNECTIONS if self._settings.trusted_proxies else _PER_ADDRESS
        limits = SlotLimits(_CONNECTIONS, most, _CONNECTIONS, _CONNECTIONS, lifetime=math.inf)
        self._listener = await HttpListener.open(
            self._serve,
            "127.0.0.1" if endpoint.host == "localhost" else endpoint.host,
            endpoint.port,
            ConnectionSlots(limits),
            _load_certificate(self._settings),
            purpose="the web page",
        )
        self.address = PublicAddress(self._settings, self._listener.port)

    async def stop(self) -> None:
        """End all connections."""
        if self._listener is not None:
            await self._listener.close()
        await self._state.close()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; an error becomes a page."""
        visitor = find_visitor(request, self.address)
        visit: Visit | None = None
        try:
            visit = await self._admit(request, visitor)
            reply = await self._perform(visit)
        except TuishareError as error:
            reply = _explain(error)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:  # noqa: BLE001 (never a traceback on the page)
            _log.exception("Answering %s failed", request.path)
            reply = _explain(SystemFailed("The page failed to answer", hint="Its log has the details."))
        return await self._respond(request, visit, reply, visitor)

    async def _admit(self, request: web.BaseRequest, visitor: Visitor) -> Visit:
        """Check a request, in the order of what costs least.

        Raises:
            TuishareError: it is not answered.
        """
        check_host(request.headers.get("Host", ""), self.address)
        page, params = _find_page(request)
        check_origin(page.method, request.headers, secure=self.address.secure)
        peer = unmapped(ip_address((request.remote or "127.0.0.1").partition("%")[0]))
        visit = Visit(
            page=page,
            request=request,
            address=self.address,
            client=find_client(peer, request.headers, self._settings),
            params=params,
            query=FormFields.parse(request.rel_url.raw_query_string),
            form=FormFields(),
            cookie=visitor.cookie,
            sessions=self._sessions,
            state=self._state,
            desk=self._desk,
            session=await self._sessions.find(read_cookie(request, SESSION, self.address)),
        )
        if page.method == "POST":
            visit.form = FormFields.parse(await _read_body(request, page.body_limit))
            if not is_form_token(visit.cookie, visit.form.exact("token")):
                raise Refused("This form is not of this session", hint="Open the page again, then send it.")
        return visit

    async def _perform(self, visit: Visit) -> PageReply:
        """Let the page answer whom it may answer; a refused form is shown again.

        Raises:
            TuishareError: it is not answered.
        """
        page = visit.page
        if not page.public:
            if visit.session is None:
                return LiveStream(tell_ended) if page.streams else Moved("/log-in")
            role = visit.session.account.role
            require_role(role, page.allowed)
            visit.maybe_agent = VisitorsAgent(self._client, role, page.needed)
        try:
            return await page.answer(visit)
        except TuishareError as error:
            if page.form is None:
                raise
            visit.error = error
            try:
                shown = await page.form.answer(visit)
            except TuishareError:  # there is nothing left to fill in
                raise error from None
            assert isinstance(shown, Page)
            return Page(shown.template, shown.values, _status(error))

    async def _respond(
        self, request: web.BaseRequest, visit: Visit | None, reply: PageReply, visitor: Visitor
    ) -> web.StreamResponse:
        if isinstance(reply, LiveStream):
            assert visit is not None
            return await self._answers.stream(visit, reply)
        response = self._make(visit, reply, visitor)
        await _send(request, response)
        return response

    def _make(self, visit: Visit | None, reply: Page | Moved | StaticFile, visitor: Visitor) -> web.Response:
        match reply:
            case StaticFile():
                return self._answers.static(reply)
            case Moved():
                following = make_token() if reply.logged_out else reply.token or visitor.cookie
                if reply.notice:
                    self._keep_notice(following, reply.notice)
                return self._answers.moved(reply, following, self.address)
            case Page():
                notice = self._notices.pop(visitor.cookie, "")
                return self._answers.page(reply, visit, visitor, notice, self.address)

    def _keep_notice(self, cookie: str, notice: str) -> None:
        self._notices[cookie] = notice
        if len(self._notices) > _NOTICES:
            self._notices.popitem(last=False)


def _find_page(request: web.BaseRequest) -> tuple[PageOperation, dict[str, str]]:
    """Return the row of a request, and the decoded parameters of its path.

    Raises:
        NotFound: there is none.
        BadInput: the path is there for another method.
    """
    path = request.rel_url.raw_path
    known = False
    for page in PAGES:
        found = page.match(path)
        if found is None:
            continue
        if page.method == request.method:
            return page, {name: unquote(part) for name, part in found.items()}
        known = True
    if known:
        raise BadInput(
            f"This page does not take {request.method[:16]}", hint="Go back, and use the page itself."
        )
    raise NotFound("There is no such page", hint="Go back, or choose one of the menu.")


async def _read_body(request: web.BaseRequest, limit: int) -> str:
    """Read a form; never more of it is in memory than the page allows.

    Raises:
        BadInput: it is no form, is too long, or did not arrive in time.
    """
    too_long = BadInput(f"This form is longer than {limit:,} bytes", hint="Send less.")
    if request.content_type != _FORM_TYPE:
        raise BadInput("This is not a form", hint="Use the page itself.")
    if (request.content_length or 0) > limit:
        raise too_long
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise too_long
    except TimeoutError:
        raise BadInput("This form did not arrive in time", hint="Send it again.") from None
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        raise BadInput("This form is not understood", hint="Open the page again.") from None


async def _send(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Send an answer within a time limit; a browser that does not take it loses its connection."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await response.prepare(request)
            await response.write_eof()
    except (ConnectionError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()


def _explain(error: TuishareError) -> Page:
    return Page("error", {"problem": error}, _status(error))


def _status(error: TuishareError) -> int:
    return 429 if isinstance(error, TooManyAttempts) else status_of(error)


def _load_certificate(settings: WebSettings) -> ssl.SSLContext | None:
    """Return the TLS context of the page, or None for http.

    Raises:
        BadConfiguration: the files cannot be used.
    """
    if not settings.certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise BadConfiguration(
            f"The certificate {settings.certificate} and its key cannot be used: {error.strerror or error}",
            hint="Check web.certificate and web.key: both are PEM files, the key has no passphrase.",
        ) from error
    return context
