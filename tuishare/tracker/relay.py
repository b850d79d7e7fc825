"""Where libtorrent announces to instead of the tracker: a port on loopback that passes announces on.

libtorrent demands that the https tracker of a TLS torrent chains to that share's authority, and quotes announce URLs in
its alerts. Behind the relay it needs to know neither certificate nor passkey.

Owns the tokens that stand for the real URLs, in memory only. Of what passes through it reads the peers in an answer,
some of which must not be called (`tuishare.tracker.response_filter`), and the one claim that it may have to hold back:
that everything of a torrent is there. libtorrent makes it as soon as all pieces have passed their check, before they
are on disk, where a full one may still refuse them; whoever hears it may end sharing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
from dataclasses import dataclass, replace
from typing import Final, Self, TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

from aiohttp import web

from tuishare.errors import BadInput, TuishareError, from_os_error
from tuishare.net.connection_slots import ConnectionSlots, SlotLimits
from tuishare.net.http_listener import Listener
from tuishare.net.local_machine import LocalMachine
from tuishare.net.proxy_settings import Proxy
from tuishare.torrents import InfoHash, announce_fault, bencode
from tuishare.tracker.announce import RETRY_SECONDS
from tuishare.tracker.response_filter import filter_peers
from tuishare.tracker.tracker_client import TrackerClient, TrackerTarget

# libtorrent's ssrf_mitigation lets loopback trackers have paths that begin like this only.
_PATH: Final = re.compile(r"/announce/([A-Za-z0-9_-]{22})\?(.*)", re.ASCII)
_TOKEN_BYTES: Final = 16
_HOST: Final = "127.0.0.1"
_BOUNDS: Final = SlotLimits(connections=256, per_address=256, per_site=256, per_provider=256, lifetime=60.0)
"""libtorrent asks with 50 connections at a time; an announce may take as long as the client's own patience."""
_LAST_WORDS_SECONDS: Final = 3.0
"""How long closing waits for trackers to hear that something is complete."""
_PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, *[300.0] * 288)
"""Seconds between attempts to tell that: a sender may be away for a day."""
_FAILED: Final = b"14:failure reason"

_ON_THE_WIRE: Final = 20
"""Bytes of an info-hash that an announce holds, also of a longer one (BEP 52)."""
_Claim: TypeAlias = tuple[str, bytes]
"""To which tracker, by token, and about what, by info-hash: that nothing is missing."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What libtorrent asked a tracker last."""

    query: str
    user_agent: str


class Relay:
    """Passes announces on; an asynchronous context manager."""

    def __init__(self, proxy: Proxy | None = None) -> None:
        """Prepare, without a socket yet.

        Args:
            proxy: through which alone trackers are reached.
        """
        self._client = TrackerClient(proxy)
        self._targets: dict[str, TrackerTarget] = {}
        self._tokens: dict[TrackerTarget, str] = {}
        self._held_back: dict[_Claim, _Asked | None] = {}
        self._last_words: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Begin to listen, on loopback only.

        Raises:
            SystemFailed: no port can be opened.
        """
        self._listener = await Listener.open(self._serve, _HOST, 0, ConnectionSlots(_BOUNDS))
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, and forget all URLs; what was just confirmed is still told, in bounded time."""
        await self._listener.close()
        self._closing.set()
        if self._last_words:
            _told, late = await asyncio.wait(self._last_words, timeout=_LAST_WORDS_SECONDS)
            for task in late:
                task.cancel()
        await self._client.__aexit__()
        self._targets.clear()
        self._tokens.clear()
        self._held_back.clear()

    def local(self, announce_url: str, pin: bytes | None = None, *, judged: bool = False) -> str:
        """Give the URL that libtorrent is to announce to instead; the same one for the same tracker and passkey.

        Args:
            announce_url: http or https, with the passkey in it.
            pin: SHA-256 of the tracker's public key (https only); None: the web's authorities decide.
            judged: whether it is asked only where its address lets, from now on.

        Raises:
            BadInput: the URL is none that can be asked so, or the pin makes no sense.
        """
        target = TrackerTarget(announce_url, pin)
        _check(target)
        token = self._tokens.setdefault(target, secrets.token_urlsafe(_TOKEN_BYTES))
        self._targets[token] = replace(target, judged=judged)
        return self._local(token)

    def find(self, announce_url: str, pin: bytes | None = None) -> str | None:
        """Return what `local` gave for a tracker; None if it was not asked for, or is forgotten."""
        token = self._tokens.get(TrackerTarget(announce_url, pin))
        return self._local(token) if token else None

    def _local(self, token: str) -> str:
        return f"http://{_HOST}:{self._listener.port}/announce/{token}"

    def forget(self, local_url: str) -> None:
        """Pass nothing on for this local URL any more; harmless when it is unknown."""
        token = _token_of(local_url)
        target = self._targets.pop(token, None)
        if target is not None:
            del self._tokens[replace(target, judged=False)]
        for claim in [claim for claim in self._held_back if claim[0] == token]:
            del self._held_back[claim]

    def hold_back(self, local_url: str, info_hash: InfoHash) -> None:
        """Tell a tracker that one byte of a torrent is missing when libtorrent says that nothing is.

        Until it is `confirm`ed. The tracker may be that of other torrents, too: of those it hears what libtorrent says.
        """
        self._held_back.setdefault(_claim(local_url, info_hash))

    def confirm(self, local_url: str, info_hash: InfoHash) -> None:
        """Tell a tracker, if it was asked so far, that nothing of a torrent is missing; then what libtorrent says.

        libtorrent says it once only, and not always when it leaves the swarm right after. A tracker that is away hears
        it when it is back.
        """
        claim = _claim(local_url, info_hash)
        if asked := self._held_back.pop(claim, None):
            self._begin_to_tell(claim[0], asked)

    def _begin_to_tell(self, token: str, asked: _Asked) -> None:
        task = asyncio.create_task(self._tell(token, asked))
        self._last_words.add(task)
        task.add_done_callback(self._last_words.discard)

    async def _tell(self, token: str, asked: _Asked) -> None:
        for pause in _PAUSES:
            target = self._targets.get(token)
            if target is None or await self._has_heard(target, asked) or self._closing.is_set():
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause)

    async def _has_heard(self, target: TrackerTarget, asked: _Asked) -> bool:
        try:
            said = await self._client.ask(target, _all_there(asked.query), asked.user_agent)
        except TuishareError as error:
            _log.debug("A tracker was not told that a download is complete: %s", error.detail)
            return False
        return _FAILED not in said

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        match = _PATH.fullmatch(request.raw_path)
        target = self._targets.get(match[1]) if match and request.method == "GET" else None
        if match is None or target is None:
            return web.Response(status=404)
        asked = _Asked(match[2], request.headers.get("User-Agent", ""))
        claim = match[1], _info_hash_in(asked.query)
        held_back = claim in self._held_back
        query = asked.query
        if held_back:
            query = _one_byte_less(query)
            self._held_back[claim] = asked
        try:
            said = await self._client.ask(target, query, asked.user_agent)
            said = filter_peers(said, LocalMachine(), judged=target.judged)
        except (TuishareError, OSError) as error:
            error = error if isinstance(error, TuishareError) else from_os_error(error, "read its answer")
            _log.debug("An announce was not passed on: %s", error.detail)
            said = bencode.encode({b"failure reason": error.detail.encode(), b"interval": RETRY_SECONDS})
        if held_back and claim not in self._held_back:
            # It was confirmed meanwhile, and what was just asked may have come after that.
            self._begin_to_tell(claim[0], asked)
        return web.Response(body=said, content_type="text/plain")


def _token_of(local_url: str) -> str:
    return local_url.rpartition("/")[2]


def _claim(local_url: str, info_hash: InfoHash) -> _Claim:
    return _token_of(local_url), bytes.fromhex(info_hash)[:_ON_THE_WIRE]


def _info_hash_in(query: str) -> bytes:
    name = "info_hash="
    return next(
        (unquote_to_bytes(field.removeprefix(name)) for field in query.split("&") if field.startswith(name)),
        b"",
    )


def _one_byte_less(query: str) -> str:
    fields = query.split("&")
    if "left=0" not in fields:
        return query
    claims = {"left=0": "left=1", "event=completed": ""}
    return "&".join(filter(None, (claims.get(field, field) for field in fields)))


def _all_there(query: str) -> str:
    fields = (field for field in query.split("&") if not field.startswith(("left=", "event=")))
    return "&".join((*fields, "left=0", "event=completed"))


def _check(target: TrackerTarget) -> None:
    if fault := announce_fault(target.url):
        raise BadInput(f"The tracker's URL {fault}")
    parts = urlsplit(target.url)
    if parts.scheme not in {"http", "https"} or parts.fragment:
        raise BadInput("Only http and https trackers are announced to through this agent")
    if target.pin is not None and (parts.scheme != "https" or len(target.pin) != 32):
        raise BadInput("A tracker's pin has 32 bytes and is for https only")
