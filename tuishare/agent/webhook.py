"""``[notifications] webhook``: entries of the activity log, posted to one address of the user's choice.

Owns the request, its signature, and how often it is tried. A request goes to the configured address only: a redirect is
a failure, and nothing of an answer but its status is read. Nothing waits for it, and what is in excess is not sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp

import tuishare
from tuishare.config.model import NotificationSettings
from tuishare.core.activity import ActivityKind
from tuishare.core.records import EventRecord
from tuishare.net.http_session import failures, open_session
from tuishare.net.proxy_settings import Proxy

SIGNATURE_HEADER: Final = "Tuishare-Signature"
"""``t=UNIX,v1=HEX``: HMAC-SHA-256 of the time, a full stop and the body, with the secret."""

_KINDS: Final = frozenset(
    {ActivityKind.RECEIVED.value, ActivityKind.APPROVAL.value, ActivityKind.PROBLEM.value}
)
_WAITING: Final = 64
_SECONDS: Final = 10.0
_PAUSES: Final = (1.0, 10.0, 60.0)
_TRY_AGAIN: Final = frozenset({408, 425, 429})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Post:
    """An entry to post; `id` is the same each time that it is tried, so that a receiver can tell repetitions."""

    id: str
    event: EventRecord


class Webhook:
    """Posts entries one after another; `settings` and `name` are called for each."""

    def __init__(
        self,
        settings: Callable[[], NotificationSettings],
        name: Callable[[], str],
        proxy: Proxy | None,
        pauses: Sequence[float] = _PAUSES,
    ) -> None:
        self._settings = settings
        self._name = name
        self._proxy = proxy
        self._failures = failures(proxy)
        self._pauses = pauses
        self._waiting: asyncio.Queue[_Post] = asyncio.Queue(maxsize=_WAITING)
        self._failed = ""

    def notify(self, event: EventRecord) -> None:
        """Post an entry soon, if it is of a kind that is posted."""
        if event.kind in _KINDS:
            with contextlib.suppress(asyncio.QueueFull):
                self._waiting.put_nowait(_Post(secrets.token_hex(16), event))

    async def run(self) -> None:
        """Post entries until cancelled."""
        async with open_session(self._proxy, _SECONDS) as session:
            while True:
                reason = await self._post_until_taken(session, await self._waiting.get())
                if reason and reason != self._failed:
                    _log.warning("Cannot post to the webhook: %s", reason)
                self._failed = reason

    async def _post_until_taken(self, session: aiohttp.ClientSession, post: _Post) -> str:
        """Return why an entry was given up, or nothing."""
        reason = ""
        for pause in (0.0, *self._pauses):
            await asyncio.sleep(pause)
            settings = self._settings()
            if not settings.webhook:
                return ""
            try:
                status = await self._post(session, settings, post)
            except self._failures as error:
                reason = type(error).__name__  # the address may contain a secret
                continue
            if 200 <= status < 300:
                return ""
            reason = f"it answers with {status}"
            if status < 500 and status not in _TRY_AGAIN:
                return reason
        return reason

    async def _post(self, session: aiohttp.ClientSession, settings: NotificationSettings, post: _Post) -> int:
        event = post.event
        body = json.dumps(
            {
                "agent": self._name(),
                "at": event.at,
                "detail": event.detail,
                "id": post.id,
                "kind": event.kind,
                "subject": event.subject,
            }
        ).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"tuishare/{tuishare.__version__}",
            SIGNATURE_HEADER: sign(settings.webhook_secret, int(time.time()), body),
        }
        posted = session.post(settings.webhook, data=body, headers=headers, allow_redirects=False)
        async with posted as answer:
            return answer.status


def sign(secret: str, now: int, body: bytes) -> str:
    """Return the value of `SIGNATURE_HEADER` for a body, at a time in Unix seconds."""
    return f"t={now},v1={hmac.digest(secret.encode(), b'%d.' % now + body, 'sha256').hex()}"
