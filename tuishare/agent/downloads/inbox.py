"""The inbox: envelopes that arrive are opened, and handed to the admission, kept or rejected.

Owns what happens to the envelope's file. A rejected file is kept with its reason beside it; no request is made because
of an envelope whose signer is not trusted (threats T1, T2). An envelope is never rejected because of a failure of our
own (a user book with a mistake, a full disk). Must not decide what becomes of a download.
"""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

from tuishare.agent.downloads.admission import DownloadAdmission
from tuishare.agent.downloads.commands import DownloadCommands
from tuishare.agent.downloads.envelope_reader import EnvelopeReader, NotIntact, apply_key_rotation
from tuishare.agent.downloads.files import ACCEPTED
from tuishare.agent.downloads.hand_in import put_into_inbox
from tuishare.agent.downloads.not_taken import LockedEnvelope, find_problems, may_be_meant, read_start
from tuishare.agent.downloads.payload_watch import PayloadWatcher
from tuishare.agent.downloads.queue import DownloadQueue
from tuishare.agent.downloads.quotas import (
    EnvelopeRateLimit,
    WaitingEnvelope,
    WaitingRoomFull,
    waiting_room_problem,
)
from tuishare.agent.downloads.rejected_files import REJECTED, REMEMBERED, RejectedEnvelope, RejectedEnvelopes
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.error_isolation import explain
from tuishare.agent.events import (
    AddressRecordFound,
    ChangeSignal,
    DownloadDiscarded,
    EntryOutdated,
    EnvelopeLocked,
    EnvelopeRejected,
    EventBus,
)
from tuishare.agent.folders.folder_monitor import FolderHandler, Observation
from tuishare.agent.folders.leases import is_written
from tuishare.agent.folders.temporary_names import is_temporary
from tuishare.agent.live import Live, UserBookFile
from tuishare.agent.process.malloc import give_back
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.config.model import Config
from tuishare.config.units import format_size, parse_size
from tuishare.core.clock import Clock
from tuishare.core.opened_envelope import (
    OpenedEnvelope,
    Trust,
    UnknownSender,
    UnknownSigner,
)
from tuishare.core.problems import Problem
from tuishare.core.records import DownloadRecord
from tuishare.core.rows import DamagedRow
from tuishare.envelope import MAX_SIZE, Damaged, NotForUs, is_tse1, recognise
from tuishare.errors import (
    BadConfiguration,
    NotFound,
    Refused,
    SystemFailed,
    TooManyOpen,
    TuishareError,
    from_os_error,
)
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.sanitize import find_hidden, for_display

_LARGE: Final = 1 << 20
"""Bytes of an envelope after which memory is given back to the system."""
_CHEAP: Final = 0.02
"""Processor seconds; a small envelope takes 2 ms, one of 15 MiB or with 255 slots 30 to 100."""
_NO_KEY: Final = "If it is meant for you, ask the sender to seal it for your card."
_NO_FILE: Final = -1
"""In place of the size of a folder, link or device."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Judgement:
    """The form that was judged, and the stamp of the user book; None where another book would change nothing."""

    fingerprint: str
    stamp: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class DownloadParts:
    """The parts of the room, made by `tuishare.agent.startup`."""

    repository: DownloadRepository
    queue: DownloadQueue
    admission: DownloadAdmission
    commands: DownloadCommands
    payload_watcher: PayloadWatcher
    reader: EnvelopeReader
    rejected: RejectedEnvelopes
    rate_limit: EnvelopeRateLimit


class Inbox(FolderHandler[int]):
    """The inbox folder.

    Attributes:
        repository: the records of downloads.
        queue: what runs when.
        admission: what becomes of opened envelopes.
        commands: what users order.
        payload_watcher: watches what was delivered.
        rate_limit: the envelopes of unverified senders that wait to be read.
        locked: what cannot be opened or held yet, by name of the file.
        others: what is no envelope, by name: the form in which that was seen.
    """

    def __init__(
        self,
        parts: DownloadParts,
        *,
        settings: Live[Config],
        users: UserBookFile,
        activity: ActivityLog,
        changed: ChangeSignal,
        clock: Clock,
        events: EventBus,
    ) -> None:
        self._events = events
        self._settings = settings
        self._users = users
        self._activity = activity
        self._changed = changed
        self._clock = clock
        self.repository = parts.repository
        self.queue = parts.queue
        self.admission = parts.admission
        self.commands = parts.commands
        self.payload_watcher = parts.payload_watcher
        self._reader = parts.reader
        self._rejected = parts.rejected
        self._folder = settings.current.folders.inbox_path
        self.rate_limit = parts.rate_limit
        self.locked: dict[str, LockedEnvelope] = {}
        self._judged: dict[str, _Judgement] = {}
        self._doubtful: dict[str, str] = {}
        self._crowded: dict[str, DownloadRecord] = {}
        self.others: dict[str, str] = {}

    async def load(self) -> None:
        """Continue what the last run left."""
        await self.queue.load()
        await self.admission.load()

    def wants(self, entry: str) -> bool:
        """Return whether an entry may be an envelope: browsers and mail programs change names."""
        if entry.startswith(".") or entry in {ACCEPTED, REJECTED}:
            return False
        return _is_named(entry) or not is_temporary(entry, is_folder=False)

    def look(self, path: Path) -> Observation[int]:
        """Look at an entry itself, never through a link; what cannot be an envelope is refused unread.

        Users keep other files beside envelopes, and these are left alone.
        """
        shown = for_display(path.name)
        try:
            status = path.lstat()
        except OSError as error:
            raise from_os_error(error, f"look at “{shown}”") from error
        fingerprint = f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"
        if not _is_named(path.name):
            is_file = stat.S_ISREG(status.st_mode)
            return Observation(fingerprint, status.st_size if is_file else _NO_FILE, status.st_size)
        if not stat.S_ISREG(status.st_mode):
            raise Refused(
                f"“{shown}” is not a regular file",
                hint="Put the encrypted torrent itself here, not a link or a folder.",
            )
        if status.st_size > MAX_SIZE:
            raise Refused(f"“{shown}” is larger than an envelope can be ({MAX_SIZE:,} bytes)")
        _require_displayable(path.name)
        return Observation(fingerprint, status.st_size, status.st_size)

    def is_being_written(self, path: Path, look: Observation[int]) -> bool:
        """Return whether a program has a file open for writing; blocking."""
        return look.size >= 0 and is_written([path])

    def known(self, path: Path, fingerprint: str) -> bool:
        """Return whether an envelope waits here to be read, for a key, for approval, or for its download to end."""
        stamp = self._users.stamp()
        if self.rate_limit.holds(path.name, fingerprint, stamp) or self._is_of_damaged(path.name):
            return True
        if self.others.get(path.name) == fingerprint:
            return True
        judged = self._judged.get(path.name)
        if judged is None or judged.fingerprint != fingerprint:
            return False
        return judged.stamp is None or judged.stamp == stamp

    def _is_of_damaged(self, name: str) -> bool:
        """Return whether an envelope belongs to a damaged record: the user decides what becomes of both."""
        return any(row.envelope == name for row in self.repository.damaged)

    async def settled(self, path: Path, look: Observation[int]) -> None:
        """Judge a complete envelope; one that no verified user signed may have to wait to be read.

        Raises:
            TooManyOpen: it could not be read, so nothing was decided.
        """
        if not _is_named(path.name) and not await self._is_envelope(path, look):
            return
        again = self._doubtful.get(path.name) == look.fingerprint  # it was counted before
        stamp = self._users.stamp()
        if again or await self._is_from_verified(path):
            self.rate_limit.forget(path.name)
        elif not self.rate_limit.admits(path.name):
            self.rate_limit.queue(
                WaitingEnvelope(path.name, look.size, self._clock.now(), look.fingerprint, stamp)
            )
            self._changed.notify()
            return
        await self._judge(path, look)
        if look.size >= _LARGE:
            await asyncio.to_thread(give_back)  # judging it takes several times its size

    async def _is_envelope(self, path: Path, look: Observation[int]) -> bool:
        """Return whether a file is an envelope by its content; list it otherwise."""
        self.others.pop(path.name, None)
        data = await asyncio.to_thread(read_start, path, look.size)
        if data is None:
            self.others[path.name] = ""  # looked at again with the next scan
            return False
        if is_tse1(data) and look.size <= MAX_SIZE:
            try:
                _require_displayable(path.name)
            except Refused as refused:
                await self._reject(path, refused)
                return False
            return True
        finding = recognise(data, look.size)
        listed = sum(one.is_strange for one in self.locked.values())
        is_meant = may_be_meant(path.name) or (finding is not None and finding.is_envelope)
        if listed < REMEMBERED and is_meant and _is_displayable(path.name):
            self._judged[path.name] = _Judgement(look.fingerprint, None)
            error = NotIntact(finding) if finding else Damaged()
            self._keep(path.name, look.size, error, self.locked.get(path.name))
        else:
            self.others[path.name] = look.fingerprint
        self._changed.notify()
        return False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problem to show while files in the inbox are not what they should be."""
        return find_problems(self.locked.values())

    async def _is_from_verified(self, path: Path) -> bool:
        """Return whether a verified user signed an envelope; pause after a costly one that none signed."""
        try:
            verified, spent = await asyncio.to_thread(self._reader.peek, path)
        except TooManyOpen:
            raise
        except Exception:  # noqa: BLE001 — judging it fails in the same way, and reports that
            return False
        if not verified and spent > _CHEAP:
            await asyncio.sleep(spent)
        return verified

    async def _judge(self, path: Path, look: Observation[int]) -> None:
        known = self.locked.pop(path.name, None)
        self._crowded.pop(path.name, None)
        stamp = self._users.stamp()
        try:
            again = await self._take(path)
        except NotFound:
            self._judged.pop(path.name, None)
        except (NotForUs, UnknownSender, WaitingRoomFull, BadConfiguration) as error:
            self._judged[path.name] = _Judgement(look.fingerprint, stamp)
            await self._keep_within_bounds(path, look.size, error, known)
        except TooManyOpen:
            self._changed.notify()
            raise
        except SystemFailed as error:
            self._keep(path.name, look.size, error, known)  # not judged: the next scan tries again
        except Damaged as error:
            if isinstance(error, NotIntact) and error.finding.is_cut:
                self._judged[path.name] = _Judgement(look.fingerprint, None)
                await self._keep_within_bounds(path, look.size, error, known)
            elif self._doubtful.get(path.name) == look.fingerprint:
                await self._reject(path, error)
            else:  # it may still be written: it counts as damaged once it was quiet
                self._doubtful[path.name] = look.fingerprint
                self._events.publish(EntryOutdated(path))
        except TuishareError as error:
            if await asyncio.to_thread(self._is_still, path, look.fingerprint):
                await self._reject(path, error)
        except Exception as error:  # noqa: BLE001 — no envelope may end the agent, nor be lost by a mistake of ours
            self._judged[path.name] = _Judgement(look.fingerprint, stamp)
            self._keep(path.name, look.size, explain(error, f"judge “{for_display(path.name)}”"), known)
        else:
            self._judged[path.name] = _Judgement(look.fingerprint, stamp if again else None)
        self._changed.notify()

    def _is_still(self, path: Path, fingerprint: str) -> bool:
        """Return whether a file is what was judged; its download may have been delivered and archived it."""
        try:
            return self.look(path).fingerprint == fingerprint
        except TuishareError:
            return False

    def forget(self, entry: str) -> None:
        """Forget an envelope that is gone from the inbox."""
        self._judged.pop(entry, None)
        self._doubtful.pop(entry, None)
        self._crowded.pop(entry, None)
        self.others.pop(entry, None)
        waited, locked = self.rate_limit.forget(entry), self.locked.pop(entry, None)
        if waited or locked:
            self._changed.notify()

    @property
    def rejected(self) -> Sequence[RejectedEnvelope]:
        """The last rejected envelopes since the agent started, oldest first, without those that were dismissed."""
        return self._rejected.shown

    def dismiss(self, rejected: Collection[RejectedEnvelope]) -> bool:
        """Stop showing rejected envelopes; their files stay. Return whether there were any."""
        self._rejected.dismiss(rejected)
        if rejected:
            self._changed.notify()
        return bool(rejected)

    async def hand_in(self, source: Path) -> str:
        """Copy an envelope that a user names into the folder, to be opened at once; return its name there.

        Raises:
            BadInput: it is something else than an envelope.
            NotFound: there is nothing at the path.
            SystemFailed: it cannot be read, or the disk refused.
        """
        name = await asyncio.to_thread(put_into_inbox, source, self._folder)
        self._events.publish(EntryOutdated(self._folder / name))
        return name

    def moved(self) -> None:
        """Report that the state of the folder has changed."""
        self._changed.notify()

    def use_room(self) -> None:
        """Look again at as many envelopes without room as there is room for now, oldest first."""
        waiting = list(self.repository.downloads.values())
        for name, record in list(self._crowded.items()):
            if not waiting_room_problem(record, waiting, self._settings.current.inbox):
                waiting.append(record)
                del self._crowded[name]
                self._judged.pop(name, None)
                self._events.publish(EntryOutdated(self._folder / name))

    async def _keep_within_bounds(
        self, path: Path, size: int, error: TuishareError, known: LockedEnvelope | None
    ) -> None:
        """Keep an envelope for a key, a card or room, if not too many are kept already (threat T1)."""
        is_bounded = not isinstance(error, BadConfiguration)
        signer = error.signer if isinstance(error, UnknownSigner) else b""
        if is_bounded and (excess := self._exceeds_bounds(size, signer)):
            await self._reject(path, Refused(f"{error.detail}; {excess}", hint=error.hint))
            return
        self._keep(path.name, size, error, known, is_bounded=is_bounded)
        if isinstance(error, WaitingRoomFull):
            self._crowded[path.name] = error.record
        self._events.publish(EnvelopeLocked(path.name, error))

    def _exceeds_bounds(self, size: int, signer: bytes) -> str:
        """Return a clause when an envelope of that size would be too many, of its unknown signer or in all."""
        rules = self._settings.current.inbox
        kept = [one for one in self.locked.values() if one.is_bounded]
        bounds = [("", kept, rules.waiting, rules.waiting_size)]
        if signer:
            alike = [one for one in kept if one.signer == signer]
            bounds.append((" by that key", alike, rules.waiting_per_sender, rules.waiting_size_per_sender))
        for whose, those, number, most_bytes in bounds:
            if number and len(those) >= number:
                return f"{len(those):,} such encrypted torrents{whose} are in the inbox already, which is the limit"
            total, most = sum(one.size for one in those) + size, parse_size(most_bytes)
            if most and total > most:
                return f"such encrypted torrents{whose} in the inbox may have {format_size(most)} together"
        return ""

    def _keep(
        self,
        name: str,
        size: int,
        error: TuishareError,
        known: LockedEnvelope | None,
        *,
        is_bounded: bool = False,
    ) -> None:
        _log.info("Cannot open %r yet: %s", name, error.detail)
        since = known.since if known else self._clock.now()
        hint = _NO_KEY if isinstance(error, NotForUs) else error.hint
        signer = error.signer if isinstance(error, UnknownSigner) else b""
        strange = isinstance(error, Damaged)
        self.locked[name] = LockedEnvelope(name, size, since, error.detail, hint, is_bounded, signer, strange)

    async def refused(self, path: Path, error: TuishareError) -> None:
        """Reject an envelope that cannot be looked at."""
        if _is_named(path.name):
            await self._reject(path, error)

    async def _take(self, path: Path) -> bool:
        """Open an envelope and hand it to the admission; return whether another user book may change the judgement."""
        received, digest = await asyncio.to_thread(self._reader.open, path)
        if received.succession is not None:
            await apply_key_rotation(self._users, self._activity, received.sender, received.succession)
        match received.trust:
            case Trust.VERIFIED | Trust.ADMITTED:
                await self.admission.admit(received, path.name, digest)
                await self._pass_record_on(received)
                return False
            case Trust.UNVERIFIED:
                await self._pass_record_on(received)
                await self.admission.await_approval(
                    received,
                    path.name,
                    digest,
                    f"{received.sender} is not verified yet",
                    "Compare fingerprints, then `tuishare user verify`.",
                )
            case Trust.KEY_ONLY:
                await self.admission.await_approval(
                    received,
                    path.name,
                    digest,
                    "It was sealed with one of your keys, but signed by an unknown sender",
                    "Ask the sender for a card and add it.",
                )
            case Trust.UNKNOWN | Trust.OURSELVES:
                raise AssertionError("refused before it was read")
            case _ as never:
                assert_never(never)
        return True

    async def _pass_record_on(self, received: OpenedEnvelope) -> None:
        if record := received.manifest.record:
            await self._events.publish_and_wait(AddressRecordFound(received.signer, record))

    async def _reject(self, path: Path, error: TuishareError) -> None:
        """Move a file to ``inbox/rejected`` with the reason, and show it."""
        if await self._rejected.reject(path, error):
            self._judged.pop(path.name, None)
            self._doubtful.pop(path.name, None)
            self._events.publish(EnvelopeRejected(path.name, error))
            self._changed.notify()

    async def forget_damaged(self, row: DamagedRow) -> None:
        """Forget a download whose record cannot be read; its envelope is rejected, as it was accepted before."""
        await self.repository.drop_damaged(row)
        if self.wants(row.envelope) and "/" not in row.envelope:
            await self.on_discarded(
                DownloadDiscarded(
                    row.envelope,
                    Refused("You forgot its download", hint="Ask the sender to share it again."),
                )
            )

    async def on_discarded(self, event: DownloadDiscarded) -> None:
        """Reject the envelope of a download that was removed, if it is still in the inbox."""
        path = self._folder / event.envelope
        if await asyncio.to_thread(path.is_file):
            await self._reject(path, event.reason)


def _is_named(name: str) -> bool:
    """Return whether a file is to be an envelope, by its name."""
    return name.lower().endswith(ENVELOPE_SUFFIX)


def _require_displayable(name: str) -> None:
    """Refuse a name that no list, log or message can show as it is (threat T14)."""
    if not _is_displayable(name):
        raise Refused(
            f"The name “{for_display(name)}” holds characters that cannot be shown",
            hint="Give it another name.",
        )


def _is_displayable(name: str) -> bool:
    return next(find_hidden(name), None) is None
