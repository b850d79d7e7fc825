"""Who is logged in: sessions, one-time links and passwords, with their ends and limits.

Owns the rules about them, and the thread of the database. Must not know HTTP.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from tuishare.api.operation import Role
from tuishare.errors import BadInput, Refused, TuishareError
from tuishare.net.addresses import Address
from tuishare.net.connection_slots import blocks_of
from tuishare.net.rate_limit import RateLimit
from tuishare.web.passwords import LONGEST, Passwords
from tuishare.web.tokens import hash_token, is_token, make_token
from tuishare.web.web_database import Account, WebDatabase, WebSession

LINK_SECONDS: Final = 300
"""How long a one-time link can be used."""
IDLE_SECONDS: Final = 12 * 3600
"""A session ends when it was not used for that long."""
LONGEST_SECONDS: Final = 7 * 86_400
"""A session ends after that long in any case."""
_TOUCH_SECONDS: Final = 60
_ATTEMPTS: Final = 10
"""Log-in attempts at once, for each account and for each address block; one more every `_ATTEMPT_SECONDS`."""
_ATTEMPT_SECONDS: Final = 30.0
_REMEMBERED: Final = 10_000
_BROWSER: Final = 200

R = TypeVar("R")


class TooManyAttempts(TuishareError):
    """Too many attempts to log in, whether they were right or not."""

    code = "too-many"
    title = "Too many attempts"


class Sessions:
    """The accounts and sessions of one home. Open with `open`, end with `close`.

    Args:
        database: of the home; belongs to this object from now on.
        clock: Unix seconds.
        monotonic: seconds, for the limits.
    """

    def __init__(
        self,
        database: WebDatabase,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._passwords = Passwords()
        self._thread = ThreadPoolExecutor(1, "web-database")
        self._by_account: RateLimit[str] = _make_limit(monotonic)
        self._by_block: RateLimit[object] = _make_limit(monotonic)

    @classmethod
    async def open(cls, path: Path) -> Sessions:
        """Open the database, and remove what is over.

        Raises:
            SystemFailed: the disk refuses.
            BadConfiguration: the file is damaged, or of a newer version.
        """
        sessions = cls(await asyncio.to_thread(WebDatabase, path))
        await sessions.sweep()
        return sessions

    async def close(self) -> None:
        """Close the database."""
        await self._run(self._database.close)
        self._thread.shutdown()

    async def sweep(self) -> None:
        """Remove sessions and links that are over."""
        now = self._now()
        await self._run(self._database.sweep, now - LONGEST_SECONDS, now - IDLE_SECONDS, now)

    async def log_in(self, name: str, password: str, host: Address, browser: str) -> tuple[str, Account]:
        """Begin a session by a password; return its token and the account.

        Raises:
            TooManyAttempts: from this address block, or for this account.
            Refused: the name or the password is wrong; which one, is not told, nor does the time tell.
        """
        self._count_attempt(host, name[:LONGEST].casefold())
        account = await self._run(self._database.find_account, name[:LONGEST])
        if not await self._passwords.verify(password, account.password if account else "") or account is None:
            raise Refused(
                "The name or the password is wrong",
                hint="The owner can always log in by a link: tuishare web link",
            )
        return await self._begin(account, browser), account

    async def use_link(self, secret: str, host: Address, browser: str) -> tuple[str, Account]:
        """Begin a session by a one-time link; return its token and the account.

        Raises:
            TooManyAttempts: from this address block.
            Refused: it is unknown, used or over.
        """
        self._count_attempt(host)
        account = None
        if is_token(secret):
            account = await self._run(self._database.take_link, hash_token(secret), self._now())
        if account is None:
            raise Refused(
                "This link was used already, or has ended", hint="Make a new one: tuishare web link"
            )
        return await self._begin(account, browser), account

    async def find(self, token: str) -> WebSession | None:
        """Return the session of a token; None if there is none, or if it has ended."""
        if not is_token(token):
            return None
        session = await self._run(self._database.find_session, hash_token(token))
        now = self._now()
        if session is None or not self.is_current(session, now):
            return None
        if now - session.seen >= _TOUCH_SECONDS:
            await self._run(self._database.touch_session, session.token_hash, now)
        return session

    async def still_holds(self, session: WebSession) -> bool:
        """Return whether a session has not been ended meanwhile."""
        found = await self._run(self._database.find_session, session.token_hash)
        return found is not None and self.is_current(found, self._now())

    @staticmethod
    def is_current(session: WebSession, now: float) -> bool:
        """Return whether a session has not come to its end by age; now in Unix seconds."""
        return now - session.created < LONGEST_SECONDS and now - session.seen < IDLE_SECONDS

    async def list_of(self, account: Account) -> list[WebSession]:
        """Return the sessions of an account, the latest first."""
        now = self._now()
        found = await self._run(self._database.sessions_of, account.id)
        return [session for session in found if self.is_current(session, now)]

    async def end(self, session: WebSession) -> None:
        """End a session."""
        await self._run(self._database.remove_session, session.token_hash)

    async def end_all(self, account: Account) -> None:
        """End all sessions of an account."""
        await self._run(self._database.remove_sessions, account.id)

    async def change_password(self, session: WebSession, before: str, password: str, host: Address) -> None:
        """Set the password of a session's account; its other sessions end.

        Raises:
            BadInput: the new password is too short or too long.
            TooManyAttempts: from this address block, or for this account.
            Refused: the account has a password, and the given one is wrong.
        """
        account = session.account
        if account.password:
            self._count_attempt(host, account.name.casefold())
            if not await self._passwords.verify(before, account.password):
                raise Refused(
                    "The present password is wrong",
                    hint="If it is lost, log in by a link: tuishare web link --forget-password",
                )
            if before == password:
                raise BadInput("This is the present password", hint="Choose another one.")
        hashed = await self._passwords.hash(password)
        await self._run(self._database.set_password, account.id, hashed)
        await self._run(lambda: self._database.remove_sessions(account.id, but=session.token_hash))

    async def _begin(self, account: Account, browser: str) -> str:
        token = make_token()
        await self._run(
            self._database.add_session, hash_token(token), account.id, self._now(), browser[:_BROWSER]
        )
        return token

    def _count_attempt(self, host: Address, name: str = "") -> None:
        """Count an attempt before anything is looked up.

        Raises:
            TooManyAttempts: there were too many.
        """
        site = blocks_of(host)[1]
        if not self._by_block.take(site) or (name and not self._by_account.take(name)):
            raise TooManyAttempts(
                "There were too many attempts to log in", hint=f"Try again in {_ATTEMPT_SECONDS:.0f} seconds."
            )

    def _now(self) -> int:
        return int(self._clock())

    async def _run(self, work: Callable[..., R], *arguments: Any) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def make_link(database: WebDatabase, name: str, now: int, *, forget_password: bool = False) -> str:
    """Record a one-time link for the owner, whose account is made if there is none; return its secret.

    Args:
        database: of the home.
        name: for a new account.
        now: Unix seconds.
        forget_password: remove the password of the account, and end its sessions.
    """
    account = database.find_owner() or database.put_account(name, Role.OWNER, now)
    if forget_password:
        database.set_password(account.id, "")
        database.remove_sessions(account.id)
    secret = make_token()
    database.add_link(hash_token(secret), account.id, now + LINK_SECONDS)
    return secret


def _make_limit(monotonic: Callable[[], float]) -> RateLimit[Any]:
    return RateLimit(_ATTEMPTS, 1 / _ATTEMPT_SECONDS, _REMEMBERED, monotonic)
