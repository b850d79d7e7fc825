"""Which path leads to what: everything that is answered with one message.

Owns the paths, and what is read from a request. Must not know how anything is answered: that is the `AgentService`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final, TypeVar

from aiohttp import web

from tuishare.api.actions import Accepted, DownloadAction, FileChoice, NewShare, ShareAction
from tuishare.api.codec import decode_request, encode
from tuishare.api.error_body import describe, status_of
from tuishare.api.messages import PROTOCOL, PROTOCOL_HEADER, DownloadId, Message, ShareId, Stopping
from tuishare.api.people import (
    CardText,
    DropChange,
    DropNamed,
    NewUser,
    SettingChange,
    SettingsText,
    UserChange,
    UserNamed,
)
from tuishare.api.service import AgentService
from tuishare.errors import BadInput, NotFound, TuishareError

ACTIVITY_LIMIT: Final = 10_000
"""How much of what happened is told at most; as many as there can be."""

STOP_PATH: Final = "/v1/stop"
"""The one route that serves every protocol version: after an upgrade, the old agent can still be stopped."""

_REVOKE_PATH: Final = "/v1/shares/{id}/revoke"
_WANTED_PATH: Final = "/v1/downloads/{id}/wanted"

OrderT = TypeVar("OrderT", bound=StrEnum)
BodyT = TypeVar("BodyT", bound=Message)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Routes:
    """The routes to one agent."""

    def __init__(self, service: AgentService) -> None:
        self._service = service
        people, home = service.people, service.home
        self._bodied: dict[str, Handler] = {
            "/v1/shares": self._new_share,
            _REVOKE_PATH: self._revoke,
            _WANTED_PATH: self._choose_files,
            "/v1/people/card": _taking(CardText, people.card_seen),
            "/v1/people/add": _taking(NewUser, people.add_user),
            "/v1/people/change": _taking(UserChange, people.change_user),
            "/v1/people/remove": _taking(UserNamed, people.remove_user),
            "/v1/people/key": _taking(UserNamed, people.new_key),
            "/v1/people/revoke": _taking(UserNamed, people.revoke_user),
            "/v1/folders/set": _taking(DropChange, home.set_drop),
            "/v1/folders/remove": _taking(DropNamed, home.remove_drop),
            "/v1/settings": _taking(SettingChange, home.change_setting),
            "/v1/settings/text": _taking(SettingsText, home.write_settings),
        }

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add all of them; the first that fits a request gets it."""
        for path, handler in self._bodied.items():
            router.add_post(path, handler)
        router.add_get("/v1/status", self._status)
        router.add_get("/v1/shares", self._shares)
        router.add_get("/v1/shares/{id}/details", self._share_details)
        router.add_get("/v1/shares/{id}/proof", self._share_proof)
        router.add_get("/v1/downloads", self._downloads)
        router.add_get("/v1/downloads/{id}/details", self._download_details)
        router.add_get("/v1/activity", self._activity)
        router.add_get("/v1/settings", self._settings)
        router.add_post("/v1/shares/{id}/{order}", self._order_share)
        router.add_post("/v1/downloads/{id}/{order}", self._order_download)
        router.add_post("/v1/identity/rotate", self._rotate)
        router.add_post("/v1/reload", self._reload)
        router.add_post(STOP_PATH, self._stop)

    def takes_body(self, request: web.Request) -> bool:
        """Whether this request may have a body."""
        resource = request.match_info.route.resource
        return request.method == "POST" and resource is not None and resource.canonical in self._bodied

    async def _status(self, _request: web.Request) -> web.Response:
        return answer(self._service.status())

    async def _shares(self, _request: web.Request) -> web.Response:
        return answer(list(self._service.shares()))

    async def _downloads(self, _request: web.Request) -> web.Response:
        return answer(list(self._service.downloads()))

    async def _activity(self, request: web.Request) -> web.Response:
        return answer(list(await self._service.activity(_limit(request))))

    async def _new_share(self, request: web.Request) -> web.Response:
        new = decode_request(await request.read(), NewShare)
        return answer(Accepted(id=await self._service.share(new)))

    async def _revoke(self, request: web.Request) -> web.Response:
        share, user = request.match_info["id"], decode_request(await request.read(), UserNamed)
        await self._service.revoke_from_share(ShareId(share), user.name)
        return answer(Accepted(id=share))

    async def _order_share(self, request: web.Request) -> web.Response:
        share, order = request.match_info["id"], _order(request, ShareAction)
        await self._service.order_share(ShareId(share), order)
        return answer(Accepted(id=share))

    async def _order_download(self, request: web.Request) -> web.Response:
        download, order = request.match_info["id"], _order(request, DownloadAction)
        await self._service.order_download(DownloadId(download), order)
        return answer(Accepted(id=download))

    async def _choose_files(self, request: web.Request) -> web.Response:
        download, choice = request.match_info["id"], decode_request(await request.read(), FileChoice)
        await self._service.choose_files(DownloadId(download), choice)
        return answer(Accepted(id=download))

    async def _share_details(self, request: web.Request) -> web.Response:
        return answer(await self._service.insight.share_details(ShareId(request.match_info["id"])))

    async def _share_proof(self, request: web.Request) -> web.Response:
        return answer(await self._service.insight.share_proof(ShareId(request.match_info["id"])))

    async def _download_details(self, request: web.Request) -> web.Response:
        return answer(await self._service.insight.download_details(DownloadId(request.match_info["id"])))

    async def _settings(self, _request: web.Request) -> web.Response:
        return answer(await self._service.home.settings())

    async def _rotate(self, _request: web.Request) -> web.Response:
        return answer(await self._service.people.rotate_identity())

    async def _reload(self, _request: web.Request) -> web.Response:
        return answer(await self._service.reload())

    async def _stop(self, _request: web.Request) -> web.Response:
        pid = self._service.status().pid
        await self._service.stop()
        return answer(Stopping(pid=pid))


def answer(message: Message | list[Any], status: int = 200) -> web.Response:
    """Put a message into a response."""
    return web.Response(body=encode(message) + b"\n", status=status, headers=headers("application/json"))


def refusal(error: TuishareError) -> web.Response:
    """Put an error into a response, after which the connection ends."""
    response = answer(describe(error), status_of(error))
    response.force_close()
    return response


def headers(content_type: str) -> dict[str, str]:
    """What stands above every response."""
    return {PROTOCOL_HEADER: str(PROTOCOL), "Content-Type": content_type, "Cache-Control": "no-store"}


def _taking(kind: type[BodyT], carry_out: Callable[[BodyT], Awaitable[Message]]) -> Handler:
    """Make the handler for an order that comes in a body and is answered with a message."""

    async def handle(request: web.Request) -> web.Response:
        return answer(await carry_out(decode_request(await request.read(), kind)))

    return handle


def _order(request: web.Request, kind: type[OrderT]) -> OrderT:
    """Read which order a path names.

    Raises:
        NotFound: there is no such order.
    """
    try:
        return kind(request.match_info["order"])
    except ValueError:
        known = ", ".join(kind)
        raise NotFound("The agent knows no such order", hint=f"It knows: {known}.") from None


def _limit(request: web.Request) -> int:
    """Read how many are asked for; 100 if nothing is said.

    Raises:
        BadInput: that is no such number.
    """
    text = request.query.get("limit", "100")
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 0 < int(text) <= ACTIVITY_LIMIT):
        raise BadInput(f"The limit is no number from 1 to {ACTIVITY_LIMIT}", hint="Leave it out for 100.")
    return int(text)
