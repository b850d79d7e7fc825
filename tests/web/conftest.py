"""A page on loopback, with a scripted agent behind a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.api.samples import ScriptedAgent
from tests.web.browsers import Browser
from tuishare.api.client import AgentClient
from tuishare.api.event_stream import StreamTiming
from tuishare.api.messages import Finding
from tuishare.api.operation import Role
from tuishare.api.server import ApiServer
from tuishare.config.web_settings import WebSettings
from tuishare.web.sessions import Sessions, make_link
from tuishare.web.tokens import hash_token, make_token
from tuishare.web.web_database import Account, WebDatabase
from tuishare.web.web_server import WebServer


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float = 1_795_435_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeDesk:
    """A `Desk` that remembers what it was asked."""

    starts: int = 0
    findings: list[Finding] = field(default_factory=list)

    async def start_agent(self) -> None:
        self.starts += 1

    async def diagnose(self) -> list[Finding]:
        return self.findings


@dataclass
class Site:
    """A page that is served.

    Attributes:
        url: without a slash at its end.
        path: of its database.
        agent: behind it.
        clock: of its sessions.
        desk: of the command that started it.
    """

    api: ApiServer
    server: WebServer
    path: Path
    agent: ScriptedAgent
    clock: Clock
    desk: FakeDesk
    stack: AsyncExitStack

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.address.port}"

    def database(self) -> WebDatabase:
        """Open its database, as another process would."""
        database = WebDatabase(self.path)
        self.stack.callback(database.close)
        return database

    def link(self, *, forget_password: bool = False) -> str:
        """Return the secret of a one-time link."""
        return make_link(self.database(), "alice", int(self.clock()), forget_password=forget_password)

    def account(self, name: str, role: Role) -> tuple[Account, str]:
        """Make an account with a session; return the token of the session, too."""
        database = self.database()
        account = database.put_account(name, role, int(self.clock()))
        token = make_token()
        database.add_session(hash_token(token), account.id, int(self.clock()), "test")
        return account, token

    async def browser(self, role: Role | None = None, **headers: str) -> Browser:
        """Return an open browser; with a role, one that is logged in."""
        browser = await self.stack.enter_async_context(Browser(self.url, **headers))
        if role is not None:
            _, token = self.account(role.value, role)
            browser.take_cookies({f"tuishare-session-{self.server.address.port}": token})
        return browser


@asynccontextmanager
async def serving(
    folder: Path, settings: WebSettings | None = None, agent: ScriptedAgent | None = None
) -> AsyncIterator[Site]:
    """Serve a page for one block."""
    agent = agent or ScriptedAgent(timing=StreamTiming(interval=0.01, heartbeat=0.05))
    clock = Clock()
    async with AsyncExitStack() as stack:
        api = ApiServer(agent, folder / "agent.sock")
        await api.start()
        stack.push_async_callback(api.stop)
        client = await stack.enter_async_context(AgentClient(folder / "agent.sock", silence=5))
        path = folder / "web.db"
        sessions = Sessions(WebDatabase(path), clock=clock, monotonic=clock)
        stack.push_async_callback(sessions.close)
        desk = FakeDesk()
        server = WebServer(client, sessions, settings or WebSettings(listen="127.0.0.1:0"), desk)
        await server.start()
        stack.push_async_callback(server.stop)
        yield Site(api, server, path, agent, clock, desk, stack)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder with a short name: a socket path has 107 bytes."""
    with TemporaryDirectory(prefix="ts-") as name:
        yield Path(name)


@pytest.fixture
async def site(folder: Path) -> AsyncIterator[Site]:
    async with serving(folder) as site:
        yield site
