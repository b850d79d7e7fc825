"""What a webhook gets, from an agent's point of view, by a real server."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from tests.waiting import wait_until
from tuishare.agent.webhook import SIGNATURE_HEADER, Webhook
from tuishare.config.model import NotificationSettings
from tuishare.core.activity import ActivityKind
from tuishare.core.records import EventRecord

SECRET = "0123456789abcdef"


@dataclass
class Receiver:
    """A server that answers with these statuses, then with 204."""

    answers: list[int] = field(default_factory=list)
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    silence: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        self.posts.append((request.path, dict(request.headers), await request.read()))
        status = self.answers.pop(0) if self.answers else 204
        if not status:
            await self.silence.wait()
        return web.Response(
            status=status or 204, headers={"Location": f"http://127.0.0.1:{self.port}/elsewhere"}
        )

    @property
    def subjects(self) -> list[str]:
        return [json.loads(body)["subject"] for _, _, body in self.posts]


@asynccontextmanager
async def hooked(
    *answers: int, url: str = "", pauses: tuple[float, ...] = (0.0, 0.0)
) -> AsyncIterator[tuple[Receiver, Webhook]]:
    receiver = Receiver(list(answers))
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = int(runner.addresses[0][1])
    settings = NotificationSettings(
        webhook=url or f"http://127.0.0.1:{receiver.port}/hook", webhook_secret=SECRET
    )
    webhook = Webhook(lambda: settings, lambda: "alice", None, pauses)
    task = asyncio.create_task(webhook.run())
    try:
        yield receiver, webhook
    finally:
        receiver.silence.set()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await runner.cleanup()


def event(subject: str, kind: ActivityKind = ActivityKind.RECEIVED) -> EventRecord:
    return EventRecord(1_700_000_000, kind.value, subject, "from bob")


async def test_an_entry_is_posted_and_signed() -> None:
    async with hooked() as (receiver, webhook):
        webhook.notify(event("not this", ActivityKind.SHARED))
        webhook.notify(event("film.mov"))
        await wait_until(lambda: bool(receiver.posts))
    ((path, headers, body),) = receiver.posts
    assert path == "/hook"
    posted = json.loads(body)
    assert len(posted.pop("id")) == 32
    assert posted == {
        "agent": "alice", "at": 1_700_000_000, "detail": "from bob", "kind": "received", "subject": "film.mov",
    }  # fmt: skip
    time, _, signature = headers[SIGNATURE_HEADER].removeprefix("t=").partition(",v1=")
    assert hmac.new(SECRET.encode(), f"{time}.".encode() + body, "sha256").hexdigest() == signature


async def test_a_redirect_is_not_followed_and_not_tried_again() -> None:
    async with hooked(307, 404) as (receiver, webhook):
        for subject in ("one", "two", "three"):
            webhook.notify(event(subject))
        await wait_until(lambda: receiver.subjects == ["one", "two", "three"])
        assert {path for path, _, _ in receiver.posts} == {"/hook"}


async def test_a_failure_is_tried_again_and_then_given_up() -> None:
    async with hooked(503, 429, 204, 500, 500, 500) as (receiver, webhook):
        for subject in ("one", "two", "three"):
            webhook.notify(event(subject))
        await wait_until(lambda: receiver.subjects == [*("one",) * 3, *("two",) * 3, "three"])
    ids = [json.loads(body)["id"] for _, _, body in receiver.posts]
    assert len(set(ids[:3])) == len(set(ids[3:6])) == 1  # a receiver can tell that it has it already
    assert len(set(ids)) == 3


async def test_what_is_in_excess_is_not_sent_and_nothing_waits() -> None:
    async with hooked(0) as (receiver, webhook):
        webhook.notify(event("first"))
        await wait_until(lambda: bool(receiver.posts))
        for number in range(1000):
            webhook.notify(event(str(number)))
        receiver.silence.set()
        await wait_until(lambda: len(receiver.posts) == 65)
        webhook.notify(event("last"))
        await wait_until(lambda: receiver.subjects[-1] == "last")
        assert len(receiver.posts) == 66


async def test_the_log_does_not_name_the_address(caplog: pytest.LogCaptureFixture) -> None:
    async with hooked(url="http://127.0.0.1:1/secret-path", pauses=()) as (_, webhook):
        webhook.notify(event("one"))
        webhook.notify(event("two"))
        await wait_until(lambda: bool(caplog.messages))
    (said,) = caplog.messages
    assert said.startswith("Cannot post to the webhook: Client")
    assert "secret-path" not in said


async def test_a_host_that_no_name_can_be_ends_nothing() -> None:
    """It passes as an address, and fails in the encoding of names: the agent must not stop with it."""
    async with hooked() as (receiver, webhook):
        good, settings = (
            webhook._settings,
            [NotificationSettings(webhook="https://a..b/", webhook_secret=SECRET)],
        )
        webhook._settings = lambda: settings.pop() if settings else good()
        webhook.notify(event("one"))
        await wait_until(lambda: receiver.subjects == ["one"])
