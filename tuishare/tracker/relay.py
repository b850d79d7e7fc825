"""The relay: a loopback HTTP server that forwards libtorrent's announces to trackers.

libtorrent requires that the https tracker of a TLS torrent has a certificate of the share's authority, and quotes
announce URLs in its alerts. Behind the relay it needs to know neither certificate nor passkey.

Owns the tokens that replace the real URLs, in memory only. It filters the peers in responses, because some must not
be contacted (`tuishare.tracker.response_filter`), and it may withhold the announce that a torrent is complete.
libtorrent sends it once all pieces are verified, but before they are on disk, which may be full; a sender may stop
seeding upon it.
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
from tuishare.net.http_listener import HttpListener
from tuishare.net.local_machine import LocalMachine
from tuishare.net.proxy_settings import Proxy
from tuishare.net.redaction import redact_text
from tuishare.torrents import InfoHash, announce_fault, bencode
from tuishare.tracker.announce import RETRY_SECONDS
from tuishare.tracker.response_filter import filter_peers
from tuishare.tracker.tracker_client import TrackerClient, TrackerTarget

# libtorrent's ssrf_mitigation allows loopback trackers only with paths of this form.
_PATH: Final = re.compile(r"/announce/([A-Za-z0-9_-]{22})\?(.*)", re.ASCII)
_TOKEN_BYTES: Final = 16
_HOST: Final = "127.0.0.1"
_BOUNDS: Final = SlotLimits(connections=256, per_address=256, per_site=256, per_provider=256, lifetime=60.0)
"""libtorrent uses 50 connections at a time; an announce may take as long as the client's own timeout."""
_COMPLETION_SECONDS: Final = 3.0
"""How long closing waits for trackers to receive completions."""
_PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, *[300.0] * 288)
"""Seconds between attempts to send a completion: a sender may be offline for a day."""
_FAILED: Final = b"14:failure reason"

_ON_THE_WIRE: Final = 20
"""Bytes of an info-hash in an announce; longer ones are truncated (BEP 52)."""
_Completion: TypeAlias = tuple[str, bytes]
"""A completion: token of the tracker, and info-hash."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Announce:
    """libtorrent's latest announce to a tracker."""

    query: str
    user_agent: str


class Relay:
    """Forwards announces; an asynchronous context manager."""

    def __init__(self, proxy: Proxy | None = None) -> None:
        """Create the relay without opening a socket.

        Args:
            proxy: for all connections to trackers, if any.
        """
        self._client = TrackerClient(proxy)
        self._targets: dict[str, TrackerTarget] = {}
        self._tokens: dict[TrackerTarget, str] = {}
        self._withheld: dict[_Completion, _Announce | None] = {}
        self._completions: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Start listening, on loopback only.

        Raises:
            SystemFailed: no port can be opened.
        """
        self._listener = await HttpListener.open(self._serve, _HOST, 0, ConnectionSlots(_BOUNDS))
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, and drop all URLs; pending completions are still sent, within a time limit."""
        await self._listener.close()
        self._closing.set()
        if self._completions:
            _sent, late = await asyncio.wait(self._completions, timeout=_COMPLETION_SECONDS)
            for task in late:
                task.cancel()
        await self._client.__aexit__()
        self._targets.clear()
        self._tokens.clear()
        self._withheld.clear()

    def local(self, announce_url: str, pin: bytes | None = None, *, judged: bool = False) -> str:
        """Return the URL that replaces an announce URL; the same one for the same tracker and passkey.

        Args:
            announce_url: http or https, with the passkey.
            pin: SHA-256 of the tracker's public key (https only); None: use the web PKI.
            judged: whether the tracker's address has to be checked from now on.

        Raises:
            BadInput: the URL or the pin is not usable.
        """
        target = TrackerTarget(announce_url, pin)
        _check(target)
        token = self._tokens.setdefault(target, secrets.token_urlsafe(_TOKEN_BYTES))
        self._targets[token] = replace(target, judged=judged)
        return self._local(token)

    def find(self, announce_url: str, pin: bytes | None = None) -> str | None:
        """Return the result of an earlier call of `local`; None if there was none, or it was forgotten."""
        token = self._tokens.get(TrackerTarget(announce_url, pin))
        return self._local(token) if token else None

    def target_of(self, local_url: str) -> TrackerTarget | None:
        """Return the tracker behind a local URL; None if it is unknown."""
        return self._targets.get(_token_of(local_url))

    def _local(self, token: str) -> str:
        return f"http://{_HOST}:{self._listener.port}/announce/{token}"

    def forget(self, local_url: str) -> None:
        """Stop forwarding for a local URL; no-op if it is unknown."""
        token = _token_of(local_url)
        target = self._targets.pop(token, None)
        if target is not None:
            del self._tokens[replace(target, judged=False)]
        for completion in [completion for completion in self._withheld if completion[0] == token]:
            del self._withheld[completion]

    def withhold_completion(self, local_url: str, info_hash: InfoHash) -> None:
        """Announce one byte less than libtorrent does when a torrent is complete, until it is `confirm`ed.

        Announces of other torrents to the same tracker are forwarded unchanged.
        """
        self._withheld.setdefault(_completion_of(local_url, info_hash))

    def confirm(self, local_url: str, info_hash: InfoHash) -> None:
        """Send the completion of a torrent to a tracker that was announced to, and stop withholding it.

        libtorrent announces it only once, and not always if it leaves the swarm right after. If the tracker is offline,
        it is sent later.
        """
        completion = _completion_of(local_url, info_hash)
        if announce := self._withheld.pop(completion, None):
            self._send_later(completion[0], announce)

    def _send_later(self, token: str, announce: _Announce) -> None:
        task = asyncio.create_task(self._send(token, announce))
        self._completions.add(task)
        task.add_done_callback(self._completions.discard)

    async def _send(self, token: str, announce: _Announce) -> None:
        for pause in _PAUSES:
            target = self._targets.get(token)
            if target is None or await self._was_accepted(target, announce) or self._closing.is_set():
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause)

    async def _was_accepted(self, target: TrackerTarget, announce: _Announce) -> bool:
        try:
            body = await self._client.ask(target, _as_complete(announce.query), announce.user_agent)
        except TuishareError as error:
            _log.debug("A completion was not sent to a tracker: %s", error.detail)
            return False
        return _FAILED not in body

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        match = _PATH.fullmatch(request.raw_path)
        target = self._targets.get(match[1]) if match and request.method == "GET" else None
        if match is None or target is None:
            return web.Response(status=404)
        announce = _Announce(match[2], request.headers.get("User-Agent", ""))
        completion = match[1], _info_hash_in(announce.query)
        withheld = completion in self._withheld
        query = announce.query
        if withheld:
            query = _one_byte_less(query)
            self._withheld[completion] = announce
        try:
            body = await self._client.ask(target, query, announce.user_agent)
            body = filter_peers(body, LocalMachine(), judged=target.judged)
            body = _without_passkey(body, target.url)
        except (TuishareError, OSError) as error:
            error = error if isinstance(error, TuishareError) else from_os_error(error, "read its answer")
            _log.debug("An announce was not forwarded: %s", error.detail)
            body = bencode.encode({b"failure reason": error.detail.encode(), b"interval": RETRY_SECONDS})
        if withheld and completion not in self._withheld:
            # It was confirmed in the meantime, and the announce may have arrived after the completion.
            self._send_later(completion[0], announce)
        return web.Response(body=body, content_type="text/plain")


def _without_passkey(body: bytes, url: str) -> bytes:
    """Redact the reason of a failure, which is shown and logged: some trackers quote the URL."""
    if _FAILED not in body:
        return body
    answer = bencode.decode(body, strict=False)
    if isinstance(answer, dict) and isinstance(reason := answer.get(b"failure reason"), bytes):
        answer[b"failure reason"] = redact_text(reason.decode(errors="replace"), url).encode()
        return bencode.encode(answer)
    return body


def _token_of(local_url: str) -> str:
    return local_url.rpartition("/")[2]


def _completion_of(local_url: str, info_hash: InfoHash) -> _Completion:
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
    changes = {"left=0": "left=1", "event=completed": ""}
    return "&".join(filter(None, (changes.get(field, field) for field in fields)))


def _as_complete(query: str) -> str:
    fields = (field for field in query.split("&") if not field.startswith(("left=", "event=")))
    return "&".join((*fields, "left=0", "event=completed"))


def _check(target: TrackerTarget) -> None:
    if fault := announce_fault(target.url):
        raise BadInput(f"The tracker's URL {fault}")
    parts = urlsplit(target.url)
    if parts.scheme not in {"http", "https"} or parts.fragment:
        raise BadInput("Only http and https trackers can be used")
    if target.pin is not None and (parts.scheme != "https" or len(target.pin) != 32):
        raise BadInput("A tracker's pin has 32 bytes and is for https only")
