"""The mailboxes of a hub: who is a member, what is in each mailbox, and what comes and goes.

Owns the store on its one thread, and what is known of it in memory. Everything is durable before it is said. Must not
know connections.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import os
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from tuishare.config.units import parse_size
from tuishare.core.sqlite_errors import classify
from tuishare.errors import NotFound, Refused, TuishareError, from_os_error
from tuishare.hub.settings import HubSettings
from tuishare.hub.storage_quotas import Quotas, Refusal
from tuishare.hub.store import EnrolmentString, HubMember, HubStore, Parcel
from tuishare.net.addresses import Address

_DISK_SECONDS: Final = 300
_PIECE: Final = 64 * 1024
_DAY: Final = 86_400
_T = TypeVar("_T")
_log = logging.getLogger(__name__)

Keep: TypeAlias = Callable[[bytes], Awaitable[None]]
ParcelContent: TypeAlias = Callable[[Keep], Awaitable[None]]
"""Gives every piece of a parcel on its way to us to `Keep`; raises if it does not come completely."""


class Mailboxes:
    """All mailboxes of one hub.

    Attributes:
        quotas: what is counted.
        expired: parcels that were deleted because they were not taken in time.
    """

    def __init__(self, store: HubStore, settings: HubSettings, *, now: Callable[[], int]) -> None:
        """Take what is in the store.

        Args:
            store: open; `close` closes it.
            settings: the limits.
            now: Unix seconds.
        """
        self._store = store
        self._settings = settings
        self._reserve = parse_size(settings.total.reserve)
        self._now = now
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._members = {member.mailbox: member for member in store.members()}
        self._strings = {string.token_hash: string for string in store.strings()}
        self._parcels: defaultdict[bytes, dict[bytes, Parcel]] = defaultdict(dict)
        self._subscribers: dict[bytes, Callable[[Parcel], None]] = {}
        self._coming: set[tuple[bytes, bytes]] = set()
        self._committing: set[asyncio.Task[Refusal | None]] = set()
        self.quotas = Quotas(settings, asyncio.get_running_loop().time)
        self.expired = 0
        for parcel in store.parcels():
            self._parcels[parcel.mailbox][parcel.digest] = parcel
            self.quotas.count(parcel.mailbox, parcel.size)

    async def close(self) -> None:
        """Wait for what is being written, and close the store."""
        await asyncio.gather(*self._committing, return_exceptions=True)
        await self._on_thread(self._store.close)
        self._thread.shutdown()

    def members(self) -> list[HubMember]:
        """Return all members, oldest first."""
        return list(self._members.values())

    def is_connected(self, mailbox: bytes) -> bool:
        """Return whether a member is connected."""
        return mailbox in self._subscribers

    def find(self, link_key: bytes) -> HubMember | None:
        """Return the member with a key, or None."""
        return next((member for member in self._members.values() if member.link_key == link_key), None)

    def accepts(self, mailbox: bytes, write_key: bytes) -> bool:
        """Return whether a key lets its holder put parcels into a mailbox; an unknown one takes as long."""
        member = self._members.get(mailbox)
        expected = member.write_hash if member is not None else bytes(32)
        is_right = hmac.compare_digest(hashlib.sha256(write_key).digest(), expected)
        return is_right and member is not None

    async def invite(self, name: str, days: int) -> tuple[bytes, int]:
        """Make an enrolment string for a member of that name.

        Returns:
            Its token, and its end in Unix seconds.

        Raises:
            Refused: the name is taken, or there are as many members as may be.
        """
        now = self._now()
        await self._drop_ended(now)
        names = {member.name for member in self._members.values()}
        names |= {string.name for string in self._strings.values()}
        if name in names:
            raise Refused(f"There is a member {name}, or a string for one", hint="Choose another name.")
        if len(names) >= self._settings.total.members:
            raise Refused(
                f"There are {len(names):,} members", hint="Remove one, or raise total.members in hub.toml."
            )
        token = secrets.token_bytes(16)
        string = EnrolmentString(hashlib.sha256(token).digest(), name, now + days * _DAY)
        await self._run(lambda: self._store.add_string(string))
        self._strings[string.token_hash] = string
        return token, string.until

    async def enrol(self, token: bytes, link_key: bytes, write_hash: bytes) -> HubMember | None:
        """Make the holder of an enrolment string a member.

        Returns:
            The member; None for a string that is unknown, used or ended. Who is a member already stays one.
        """
        if known := self.find(link_key):
            return await self.note_seen(known, write_hash)
        now, string = self._now(), self._strings.pop(hashlib.sha256(token).digest(), None)
        if string is None or string.until <= now:
            return None
        member = HubMember(secrets.token_bytes(16), link_key, string.name, write_hash, now, now)
        try:
            await self._run(lambda: self._store.enrol(string.token_hash, member))
        except TuishareError:
            self._strings[string.token_hash] = string
            raise
        self._members[member.mailbox] = member
        _log.info("%s is a member now", member.name)
        return member

    async def note_seen(self, member: HubMember, write_hash: bytes) -> HubMember:
        """Record that a member is connected, and by which key parcels are put into the mailbox from now on."""
        now = self._now()
        await self._run(lambda: self._store.note_seen(member.mailbox, write_hash, now))
        current = HubMember(member.mailbox, member.link_key, member.name, write_hash, member.enrolled, now)
        if member.mailbox in self._members:
            self._members[member.mailbox] = current
        return current

    async def remove(self, name: str) -> HubMember | None:
        """Remove a member with all parcels, or the string that was made for one.

        Returns:
            The member; None for a string.

        Raises:
            NotFound: there is neither.
            SystemFailed: the disk refused; nothing was removed.
        """
        string = next((string for string in self._strings.values() if string.name == name), None)
        if string is not None:
            await self._drop(string)
            return None
        member = next((member for member in self._members.values() if member.name == name), None)
        if member is None:
            raise NotFound(f"There is no member {name}", hint="`tuishare hub members` lists them.")
        del self._members[member.mailbox]  # first, so that nothing more is put
        try:
            await self._run(lambda: self._store.remove_member(member.mailbox))
        except TuishareError:
            self._members[member.mailbox] = member  # for another try: after a restart they would be back
            raise
        parcels = self._parcels.pop(member.mailbox, {})
        self.quotas.release(member.mailbox, [parcel.size for parcel in parcels.values()])
        return member

    async def lent_number(self, mailbox: bytes, most: int) -> int | None:
        """Return which of the ports that may be lent are a member's; see `HubStore.lent_number`.

        Raises:
            SystemFailed: it cannot be recorded.
        """
        return await self._run(lambda: self._store.lent_number(mailbox, most))

    def subscribe(self, mailbox: bytes, on_parcel: Callable[[Parcel], None]) -> list[Parcel]:
        """Return what is in a mailbox, and report every later parcel; one subscriber replaces the former."""
        self._subscribers[mailbox] = on_parcel
        return list(self._parcels.get(mailbox, {}).values())

    def unsubscribe(self, mailbox: bytes, on_parcel: Callable[[Parcel], None]) -> None:
        """Report nothing more."""
        if self._subscribers.get(mailbox) == on_parcel:
            del self._subscribers[mailbox]

    async def judge(self, mailbox: bytes, host: Address, digest: bytes, size: int) -> Refusal | bool:
        """Decide about a parcel before a byte of it is taken, and reserve room for it.

        Returns:
            True: it is wanted, and `put` is to be called next; False: it was put before; or why not now.

        Raises:
            SystemFailed: the disk cannot be read.
        """
        if await self._run(lambda: self._store.was_put(mailbox, digest)):
            return False
        if await self._run(self._store.free_space) < size + self._reserve:
            return Refusal(_DISK_SECONDS, "the disk of the hub is full")
        if (mailbox, digest) in self._coming:
            return Refusal(1, "the parcel is coming over another connection")
        if refusal := self.quotas.reserve(mailbox, host, size):
            return refusal
        self._coming.add((mailbox, digest))
        return True

    async def put(self, mailbox: bytes, digest: bytes, size: int, content: ParcelContent) -> Refusal | None:
        """Take a parcel for which there is room; None when it is durably in the mailbox.

        Raises:
            Exception: what `content` raises; nothing is kept then.
        """
        parcel = Parcel(mailbox, digest, size, self._now())
        written = self._store.incoming_path(secrets.token_hex(16))
        try:
            await self._write(written, content)
        except OSError as error:
            self._abandon(parcel, written)
            return _refuse(from_os_error(error, "keep a parcel"))
        except BaseException:
            self._abandon(parcel, written)
            raise
        # A connection that ends now must leave nothing half done.
        committing = asyncio.create_task(self._commit(parcel, written))
        self._committing.add(committing)
        committing.add_done_callback(self._committing.discard)
        return await asyncio.shield(committing)

    async def _write(self, written: Path, content: ParcelContent) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(written, flags, 0o600)
        try:
            await content(lambda piece: asyncio.to_thread(_write_all, descriptor, piece))
            await asyncio.to_thread(os.fsync, descriptor)
        finally:
            os.close(descriptor)

    async def _commit(self, parcel: Parcel, written: Path) -> Refusal | None:
        if parcel.mailbox not in self._members:
            self._abandon(parcel, written)
            return Refusal(_DAY, "the mailbox is gone")
        try:
            await self._run(lambda: self._store.put(parcel, written))
        except TuishareError as error:
            self._abandon(parcel, written)
            return _refuse(error)
        self._coming.discard((parcel.mailbox, parcel.digest))
        if parcel.mailbox in self._members:
            self._parcels[parcel.mailbox][parcel.digest] = parcel
            if notify := self._subscribers.get(parcel.mailbox):
                notify(parcel)
        else:
            self.quotas.release(parcel.mailbox, [parcel.size])
        return None

    def _abandon(self, parcel: Parcel, written: Path) -> None:
        self._coming.discard((parcel.mailbox, parcel.digest))
        self.quotas.release(parcel.mailbox, [parcel.size])
        written.unlink(missing_ok=True)

    async def take(self, mailbox: bytes, digest: bytes, send: Callable[[bytes], Awaitable[None]]) -> bool:
        """Send a parcel to its member, piece by piece; return False if it is not there.

        One whose file the disk has lost, or cut off, is forgotten: its sender puts it again, and the next one comes.

        Raises:
            SystemFailed: the disk cannot be read.
        """
        parcel = self._parcels.get(mailbox, {}).get(digest)
        if parcel is None:
            return False
        path = self._store.content_path(mailbox, digest)
        try:
            if not await asyncio.to_thread(_has_size, path, parcel.size):
                await self._forget_lost(parcel)
                return False
            with await asyncio.to_thread(path.open, "rb") as file:
                while piece := await asyncio.to_thread(file.read, _PIECE):
                    await send(piece)
        except OSError as error:
            raise from_os_error(error, "read a parcel") from error
        return True

    async def _forget_lost(self, parcel: Parcel) -> None:
        _log.error("The disk has lost a parcel of %d bytes", parcel.size)
        await self._run(lambda: self._store.forget(parcel.mailbox, parcel.digest))
        self._drop_from_memory(parcel.mailbox, parcel.digest)

    async def delete(self, mailbox: bytes, digest: bytes) -> None:
        """Delete a parcel that its member does not need any longer.

        Raises:
            SystemFailed: the disk refused; it stays.
        """
        await self._run(lambda: self._store.delete(mailbox, digest))
        self._drop_from_memory(mailbox, digest)

    def _drop_from_memory(self, mailbox: bytes, digest: bytes) -> bool:
        parcel = self._parcels.get(mailbox, {}).pop(digest, None)
        if parcel is not None:
            self.quotas.release(mailbox, [parcel.size])
        return parcel is not None

    async def expire(self) -> None:
        """Delete parcels that were not taken in time.

        Raises:
            SystemFailed: the disk refused; they stay.
        """
        before = self._now() - self._settings.mailbox.days * _DAY
        for parcel in await self._run(lambda: self._store.expire(before)):
            self.expired += self._drop_from_memory(parcel.mailbox, parcel.digest)

    async def _drop_ended(self, now: int) -> None:
        for string in [string for string in self._strings.values() if string.until <= now]:
            await self._drop(string)

    async def _drop(self, string: EnrolmentString) -> None:
        self._strings.pop(string.token_hash, None)  # first, so that it is not used meanwhile
        try:
            await self._run(lambda: self._store.drop_string(string.token_hash))
        except TuishareError:
            self._strings[string.token_hash] = string
            raise

    async def _run(self, work: Callable[[], _T]) -> _T:
        """Run work on the thread of the store; works run in the order of their calls."""
        try:
            return await self._on_thread(work)
        except sqlite3.Error as error:
            raise classify(error, self._store.path) from error
        except OSError as error:
            raise from_os_error(error, "use the store of the hub") from error

    async def _on_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _refuse(error: TuishareError) -> Refusal:
    _log.warning("A parcel could not be kept: %s", error.detail)
    return Refusal(_DISK_SECONDS, "the disk of the hub refuses")


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]
