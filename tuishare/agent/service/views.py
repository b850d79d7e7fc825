"""Translates records and live figures into messages of the API.

Owns the translation only. Must not change anything.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, Protocol, TypeAlias, TypeVar

import msgspec

from tuishare.agent.config_reload import ReloadResult
from tuishare.agent.downloads.inbox import Inbox
from tuishare.agent.downloads.not_taken import LockedEnvelope
from tuishare.agent.downloads.quotas import WaitingEnvelope
from tuishare.agent.downloads.rejected_files import REMEMBERED, RejectedEnvelope
from tuishare.agent.error_isolation import Unexpected, explain
from tuishare.agent.folders.folder_monitor import FolderMonitor
from tuishare.agent.folders.stability import Unsettled
from tuishare.agent.shares.entry_handlers import DropFolderHandler, RefusedEntry
from tuishare.agent.shares.pipeline import Hashing
from tuishare.agent.shares.sharing import Sharing
from tuishare.api.messages import Activity as ActivityMessage
from tuishare.api.messages import (
    Delivery,
    DeliveryState,
    Download,
    DownloadId,
    DownloadState,
    Folder,
    Reloaded,
    RenamedFile,
    Share,
    ShareId,
    ShareState,
    User,
)
from tuishare.api.messages import LeftOut as LeftOutMessage
from tuishare.api.messages import Problem as ProblemMessage
from tuishare.core.activity import Activity
from tuishare.core.left_out import LeftOut
from tuishare.core.problems import Problem
from tuishare.core.records import DownloadRecord, DownloadStep, RecipientRecord, ShareRecord, ShareStep
from tuishare.core.rows import DamagedRow
from tuishare.errors import TuishareError
from tuishare.sanitize import for_display
from tuishare.swarm import Progress
from tuishare.torrents import InfoHash, Tree

_SHARE_STATES: Final = {
    ShareStep.SETTLING: ShareState.SETTLING,
    ShareStep.HASHING: ShareState.HASHING,
    ShareStep.SEALING: ShareState.SEALING,
    ShareStep.SEEDING: ShareState.SEEDING,
    ShareStep.PROBLEM: ShareState.PROBLEM,
    ShareStep.WITHDRAWN: ShareState.WITHDRAWN,
    ShareStep.DELETING: ShareState.PROBLEM,
}
_DOWNLOAD_STATES: Final = {
    DownloadStep.WAITING: DownloadState.WAITING,
    DownloadStep.QUEUED: DownloadState.QUEUED,
    DownloadStep.DOWNLOADING: DownloadState.DOWNLOADING,
    DownloadStep.DELIVERING: DownloadState.DOWNLOADING,
    DownloadStep.COMPLETE: DownloadState.COMPLETE,
    DownloadStep.PROBLEM: DownloadState.PROBLEM,
}
_CLOCK_OFFSET: Final = time.time() - time.monotonic()
_MOST_RENAMED: Final = 5
"""Files with other names that are listed."""
_PARTIAL: Final = "Not seeding: you left out some of its files"
_ALTERED: Final = "No longer seeding: the files were changed, moved or deleted"
_DOUBTFUL: Final = "Not seeding until the files are verified: they may have changed"
_SHORT: Final = 8
"""Digits of an id in a sentence."""
_View = TypeVar("_View", Share, Download)
_View_co = TypeVar("_View_co", covariant=True)
_Live = Mapping[InfoHash, Progress]
FindSigner: TypeAlias = Callable[[bytes], User | None]
"""Returns the user of an Ed25519 public key, or None."""


def view_shares(drops: Sharing, live: _Live) -> list[Share]:
    """Return every share, then the entries that are settling or cannot be shared."""
    reasons = {
        f"{monitor.folder}/{entry.name}": entry.reason
        for monitor in drops.monitors.values()
        for entry in monitor.unsettled
    }
    shares = [
        _viewed(share.id, share.name, partial(_known_share, share, drops, live, reasons), _lost_share)
        for share in drops.queue.shares.values()
        if share.step in _SHARE_STATES and (share.problem or share.step is not ShareStep.DELETING)
    ]
    shares += [_damaged(row, _lost_share) for row in drops.repository.damaged]
    shared = {share.path for share in shares}
    for handler in drops.drop_folders:
        following = drops.monitors[Path(handler.folder.path)]
        waiting = [_settling(entry, handler) for entry in following.unsettled]
        refused = [_refused(refusal, handler) for refusal in handler.refusals.values()]
        shares += [share for share in waiting + refused if share.path not in shared]
    return shares


def view_downloads(inbox: Inbox, live: _Live, find_signer: FindSigner) -> list[Download]:
    """Return every download, then the envelopes that are locked, wait to be opened (the first hundred) or rejected."""

    def view(record: DownloadRecord) -> Download:
        progress, signer = live.get(InfoHash(record.info_hash)), find_signer(record.signer)
        altered, doubtful = inbox.repository.is_altered(record), inbox.repository.is_doubtful(record)
        viewed = _download(record, progress, signer, altered=altered, doubtful=doubtful)
        pause = inbox.queue.seconds_until_retry(record.id)
        failed = record.step is DownloadStep.PROBLEM and not record.paused and pause is not None
        return (
            msgspec.structs.replace(viewed, again_at=int(time.time() + (pause or 0.0))) if failed else viewed
        )

    downloads = [
        _viewed(record.id, record.name, partial(view, record), _lost_download)
        for record in inbox.queue.downloads.values()
    ]
    downloads += [_damaged(row, _lost_download) for row in inbox.repository.damaged]
    downloads += [_locked(locked) for locked in inbox.locked.values()]
    unopened = (waiting for waiting in inbox.rate_limit.waiting.values() if waiting.name not in inbox.locked)
    downloads += [_waiting(waiting) for waiting in islice(unopened, REMEMBERED)]
    return downloads + [_rejected(rejected) for rejected in inbox.rejected]


def find_rejected(inbox: Inbox, download: DownloadId) -> list[RejectedEnvelope]:
    """Return the rejected envelopes with an id: several, if files with the same name were rejected."""
    return [rejected for rejected in inbox.rejected if _rejected(rejected).id == download]


def find_damaged(rows: Iterable[DamagedRow], entry: str) -> DamagedRow | None:
    """Return the damaged record with an id, or None."""
    return next((row for row in rows if _damaged_id(row) == entry), None)


def view_folder(handler: DropFolderHandler, following: FolderMonitor[Tree]) -> Folder:
    """Return the message of one drop folder."""
    return Folder(
        path=handler.folder.path,
        state=following.state,
        users=tuple(handler.folder.users),
        waiting=len(following.unsettled),
        transport=handler.folder.transport,
        poll_reason=following.poll_reason,
    )


def view_problem(problem: Problem) -> ProblemMessage:
    """Return the message of one problem."""
    return ProblemMessage(
        id=problem.id,
        title=problem.title,
        detail=problem.detail,
        hint=problem.hint,
        since=problem.since,
    )


def view_activity(activity: Activity) -> ActivityMessage:
    """Return the message of one entry of the activity log."""
    return ActivityMessage(
        id=activity.id,
        at=activity.at,
        kind=activity.kind,
        subject=activity.subject,
        detail=activity.detail,
    )


def view_reload(result: ReloadResult) -> Reloaded:
    """Return the message of what a reload changed."""
    return Reloaded(applied=result.applied, restart=result.restart)


class _Lost(Protocol[_View_co]):
    """Makes the message of an entry of which little but its error is known."""

    def __call__(self, entry: str, name: str, added: int, error: TuishareError) -> _View_co: ...


def _viewed(entry: str, name: str, view: Callable[[], _View], lost: _Lost[_View]) -> _View:
    """Return the message of an entry; if that fails, a message with the error, so that all others are still shown."""
    try:
        return view()
    except Exception as error:  # noqa: BLE001 — whatever it is, the other entries are shown
        return lost(entry, name, 0, explain(error, f"show “{for_display(name)}”"))


def _damaged(row: DamagedRow, lost: _Lost[_View]) -> _View:
    of = f", which belongs to {row.key[:_SHORT]}," if row.key else ""
    error = Unexpected(
        f"Its record{of} is damaged: {row.fault}. It is kept in the database but not used",
        hint="`tuishare forget` removes it for good; an entry of a drop folder is then shared as new, also with users "
        "you have revoked."
        if row.table == "shares"
        else "`tuishare forget` removes it for good.",
    )
    return lost(_damaged_id(row), for_display(row.name) or "(damaged)", row.since, error)


def _damaged_id(row: DamagedRow) -> str:
    return _name_id(f"damaged/{row.number}")


def _lost_share(entry: str, name: str, added: int, error: TuishareError) -> Share:
    return Share(
        id=ShareId(entry),
        name=name,
        recipients=(),
        size=0,
        files=0,
        state=ShareState.PROBLEM,
        progress=0.0,
        rate_up=0,
        uploaded=0,
        peers=0,
        generation=0,
        added=added,
        transport="tls",
        path="",
        detail=error.detail,
        hint=error.hint,
    )


def _lost_download(entry: str, name: str, added: int, error: TuishareError) -> Download:
    lost = _unopened(name, DownloadState.PROBLEM, 0, added, error.detail, error.hint)
    return msgspec.structs.replace(lost, id=DownloadId(entry))


def _known_share(share: ShareRecord, drops: Sharing, live: _Live, reasons: Mapping[str, str]) -> Share:
    deliveries, state = drops.repository.deliveries, _share_state(share, drops)
    return msgspec.structs.replace(
        _share(share, state, live, drops.queue.hashing.get(share.id)),
        detail=reasons.get(share.path, "") if state is ShareState.SETTLING else share.problem,
        recipients=deliveries.active_recipients(share),
        note=share.note,
        not_after=share.not_after,
        deliveries=tuple(_delivery(row, share, drops) for row in deliveries.of(share.id)),
    )


def _share_state(share: ShareRecord, drops: Sharing) -> ShareState:
    """Return the state of a share, which is seeding only while it is in its swarm."""
    if share.paused:
        return ShareState.PAUSED
    at_rest = drops.repository.is_seeding(share) and not drops.queue.is_working_on(share)
    if share.step is ShareStep.SEEDING and not at_rest:
        return ShareState.SEALING
    return _SHARE_STATES[share.step]


def _share(share: ShareRecord, state: ShareState, live: _Live, hashing: Hashing | None) -> Share:
    progress = live.get(InfoHash(share.info_hash))
    fraction = hashing.done / hashing.total if hashing and hashing.total else 0.0
    return Share(
        id=ShareId(share.id),
        name=share.name,
        recipients=share.recipients,
        size=share.size,
        files=share.files,
        state=state,
        progress=1.0 if share.step is ShareStep.SEEDING else min(1.0, fraction),
        rate_up=progress.rate_up if progress else 0,
        uploaded=progress.uploaded if progress else 0,
        peers=progress.peers if progress else 0,
        generation=share.generation,
        added=share.added,
        transport=share.transport,
        path=share.path,
        detail=share.problem,
        hint=share.hint,
        left_out=_left_out(share.left_out),
    )


def _left_out(left_out: Iterable[LeftOut]) -> tuple[LeftOutMessage, ...]:
    return tuple(
        LeftOutMessage(reason=each.reason, number=each.number, names=each.names) for each in left_out
    )


def _delivery(row: RecipientRecord, share: ShareRecord, drops: Sharing) -> Delivery:
    """Return the progress of one recipient, as last announced, even if the size of the share has changed since."""
    remaining = min(row.remaining, share.size)
    return Delivery(
        user=row.user,
        state=_delivery_state(row),
        progress=1.0 if row.completed else 1 - remaining / share.size if share.size else 0.0,
        rate=drops.repository.deliveries.rate(share.id, row.user),
        left=0 if row.completed else remaining,
        sealed=row.sealed,
        opened=row.opened,
        completed=row.completed,
        seen=row.seen,
        revoked=row.revoked,
    )


def _delivery_state(row: RecipientRecord) -> DeliveryState:
    if row.revoked:
        return DeliveryState.REVOKED
    if row.completed:
        return DeliveryState.COMPLETE
    return DeliveryState.DOWNLOADING if row.opened else DeliveryState.NOT_OPENED


def _unborn(
    name: str,
    handler: DropFolderHandler,
    size: int,
    added: int,
    error: TuishareError | None,
    reason: str = "",
) -> Share:
    path = f"{handler.folder.path}/{name}"
    return Share(
        id=ShareId(_name_id(path)),
        name=_encodable(name),
        recipients=tuple(handler.folder.users),
        size=size,
        files=0,
        state=ShareState.PROBLEM if error else ShareState.SETTLING,
        progress=0.0,
        rate_up=0,
        uploaded=0,
        peers=0,
        generation=0,
        added=added,
        transport=handler.folder.transport,
        path=_encodable(path),
        detail=error.detail if error else reason,
        hint=error.hint if error else "",
    )


def _settling(entry: Unsettled, handler: DropFolderHandler) -> Share:
    return _unborn(entry.name, handler, entry.size, int(entry.since + _CLOCK_OFFSET), None, entry.reason)


def _refused(refusal: RefusedEntry, handler: DropFolderHandler) -> Share:
    return _unborn(refusal.name, handler, 0, refusal.at, refusal.error)


def _download(
    record: DownloadRecord,
    progress: Progress | None,
    signer: User | None,
    *,
    altered: bool = False,
    doubtful: bool = False,
) -> Download:
    complete = record.step.has_all_data
    rate = progress.rate_down if progress else 0
    left = progress.total - progress.done if progress else record.size
    checking = progress is not None and progress.state == "checking" and not complete
    return Download(
        id=DownloadId(record.id),
        sender=record.sender,
        name=record.name,
        size=record.size,
        files=record.files,
        state=_download_state(record, checking=checking),
        progress=1.0 if complete else progress.fraction if progress else 0.0,
        rate_down=rate,
        rate_up=progress.rate_up if progress else 0,
        eta=None if complete or rate == 0 else left // rate,
        peers=progress.peers if progress else 0,
        added=record.added,
        path=record.path or record.staging,
        detail=record.problem or _restriction(record, altered=altered, doubtful=doubtful),
        hint=record.hint,
        note=record.note,
        not_after=record.not_after,
        generation=record.generation,
        fingerprint=signer.fingerprint if signer else "",
        verified=signer is not None and signer.verified,
        left_out=_left_out(record.left_out),
        renamed=len(record.renamed) + bool(record.local_name),
        renamed_files=tuple(islice(_renamed(record), _MOST_RENAMED)),
    )


def _renamed(record: DownloadRecord) -> Iterator[RenamedFile]:
    if record.local_name:
        yield RenamedFile(name=record.name, here=record.local_name)
    for name, here in record.renamed:
        yield RenamedFile(name=name, here=here)


def _restriction(record: DownloadRecord, *, altered: bool, doubtful: bool) -> str:
    """Return why a delivered payload is not seeded; empty if it is."""
    if record.unwanted and record.step is DownloadStep.COMPLETE:
        return _PARTIAL
    if doubtful:
        return _DOUBTFUL
    return _ALTERED if altered else ""


def _download_state(record: DownloadRecord, *, checking: bool) -> DownloadState:
    if record.paused:
        return DownloadState.PAUSED
    return DownloadState.CHECKING if checking else _DOWNLOAD_STATES[record.step]


def _locked(locked: LockedEnvelope) -> Download:
    return _unopened(locked.name, DownloadState.LOCKED, locked.size, locked.since, locked.detail, locked.hint)


def _waiting(waiting: WaitingEnvelope) -> Download:
    detail = "Queued: many encrypted torrents arrived at once, and no verified user signed this one"
    hint = "A few of them are opened per minute; see inbox.envelopes_per_minute in the settings."
    return _unopened(waiting.name, DownloadState.QUEUED, waiting.size, waiting.since, detail, hint)


def _rejected(rejected: RejectedEnvelope) -> Download:
    return _unopened(
        rejected.name, DownloadState.REJECTED, 0, rejected.at, rejected.error.detail, rejected.error.hint
    )


def _unopened(name: str, state: DownloadState, size: int, added: int, detail: str, hint: str) -> Download:
    return Download(
        id=DownloadId(_name_id(f"{state}/{name}")),
        sender="",
        name=_encodable(name),
        size=size,
        files=0,
        state=state,
        progress=0.0,
        rate_down=0,
        rate_up=0,
        eta=None,
        peers=0,
        added=added,
        path="",
        detail=detail,
        hint=hint,
    )


def _encodable(name: str) -> str:
    """Return a file name as valid UTF-8, which messages require."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def _name_id(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]
