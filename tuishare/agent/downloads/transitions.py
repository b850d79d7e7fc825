"""The steps of a download: a record and what happens to it give the next record.

Owns the first record of what an envelope holds, every change of `DownloadRecord.step`, what a change clears, and the
table that all changes follow. Pure: the caller saves the record and does what follows from it. Must not know queue,
store or engine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Any, Final

from tuishare.agent.downloads.files import DownloadFiles
from tuishare.core.faults import Fault
from tuishare.core.left_out import LeftOut
from tuishare.core.opened_envelope import OpenedEnvelope, download_id
from tuishare.core.records import DownloadRecord, DownloadStep, TransitionTable, lead, stay
from tuishare.torrents import LocalNames, cost_of


class DownloadEvent(StrEnum):
    """What happens to a download; each has the function that is named beside it."""

    HELD = auto()
    """`hold`: the user has to approve it first, or another download has its torrent."""
    ADMITTED = auto()
    """`admit`: it needs no approval."""
    APPROVED = auto()
    """`approve`: the user wants it."""
    RENEWED = auto()
    """`adopt_tickets`: a newer envelope has other tickets for the same content."""
    QUEUED = auto()
    """`enqueue`: there is no slot or no space for it."""
    STARTED = auto()
    """`start`: there is room for it."""
    FETCHED = auto()
    """`begin_delivery`: every wanted piece is on disk."""
    PLACE_TAKEN = auto()
    """`choose_other_place`: something else has its name."""
    DELIVERED = auto()
    """`mark_complete`: its payload stands in its place."""
    FAILED = auto()
    """`fail`: a step could not be done."""
    RETRIED = auto()
    """`retry`: the failed step is repeated."""
    YIELDED = auto()
    """`yield_to`: another download of the same torrent has its swarm."""
    CONFLICT_ENDED = auto()
    """`clear_conflict`: no other download has its torrent."""
    PAUSED = auto()
    """`pause`: the user has paused it."""
    RESUMED = auto()
    """`resume`: the user has resumed it."""


_ANY: Final = tuple(DownloadStep)
_ADMITTED: Final = tuple(step for step in _ANY if step is not DownloadStep.WAITING)
TRANSITIONS: Final = TransitionTable(
    DownloadStep.WAITING,
    {
        DownloadEvent.HELD: stay((DownloadStep.WAITING,)),
        DownloadEvent.ADMITTED: lead((DownloadStep.WAITING,), DownloadStep.DOWNLOADING),
        DownloadEvent.APPROVED: lead((DownloadStep.WAITING,), DownloadStep.DOWNLOADING),
        DownloadEvent.RENEWED: stay(_ADMITTED),
        DownloadEvent.QUEUED: lead((DownloadStep.QUEUED, DownloadStep.DOWNLOADING), DownloadStep.QUEUED),
        DownloadEvent.STARTED: lead((DownloadStep.QUEUED,), DownloadStep.DOWNLOADING),
        DownloadEvent.FETCHED: lead((DownloadStep.DOWNLOADING,), DownloadStep.DELIVERING),
        DownloadEvent.PLACE_TAKEN: stay((DownloadStep.DELIVERING,)),
        DownloadEvent.DELIVERED: lead((DownloadStep.DELIVERING,), DownloadStep.COMPLETE),
        DownloadEvent.FAILED: lead(_ANY, DownloadStep.PROBLEM),
        DownloadEvent.RETRIED: lead(
            (DownloadStep.PROBLEM,), DownloadStep.DOWNLOADING, DownloadStep.DELIVERING, DownloadStep.COMPLETE
        ),
        DownloadEvent.YIELDED: {
            **lead((DownloadStep.QUEUED, DownloadStep.DOWNLOADING), DownloadStep.QUEUED),
            **stay((DownloadStep.DELIVERING, DownloadStep.COMPLETE)),
            DownloadStep.PROBLEM: (DownloadStep.QUEUED, DownloadStep.PROBLEM),
        },
        DownloadEvent.CONFLICT_ENDED: stay(
            (DownloadStep.WAITING, DownloadStep.QUEUED, DownloadStep.DOWNLOADING, DownloadStep.COMPLETE)
        ),
        DownloadEvent.PAUSED: stay(_ADMITTED),
        DownloadEvent.RESUMED: stay(_ANY),
    },
)
"""Every step and event that can meet, and where that leads; a function picks one of several by the record."""
_NO_PROBLEM: Final = {"problem": "", "hint": "", "fault": ""}


@dataclass(frozen=True, slots=True)
class ArrivedEnvelope:
    """The file that an envelope came in.

    Attributes:
        envelope: name of the file in the inbox.
        digest: SHA-256 of the file.
    """

    envelope: str
    digest: bytes


def _move(record: DownloadRecord, event: DownloadEvent, step: DownloadStep, **changes: Any) -> DownloadRecord:
    """Go to a step, if the table has that; a problem belongs to the step that had it.

    Raises:
        IllegalTransition: the event cannot happen in the download's step, or does not lead there.
    """
    TRANSITIONS.require(record.step, event, step)
    cleared = {} if step is record.step else _NO_PROBLEM
    return replace(record, step=step, **{**cleared, **changes})


def new_download(
    received: OpenedEnvelope, arrival: ArrivedEnvelope, files: DownloadFiles, now: int
) -> DownloadRecord:
    """Return the download of what an envelope holds, before it is held or admitted; `now` in Unix seconds.

    Raises:
        Refused: its ticket cannot work.
    """
    manifest, credentials = received.manifest, received.credentials
    identifier = download_id(received.origin, manifest.share_id)
    cost = cost_of(received.torrent)
    return DownloadRecord(
        id=identifier,
        envelope=arrival.envelope,
        added=now,
        step=TRANSITIONS.initial,
        sender=received.sender,
        signer=received.origin,
        share=manifest.share_id.hex(),
        generation=manifest.generation,
        name=received.torrent.name,
        size=received.torrent.total_size,
        files=len(received.torrent.files),
        transport=manifest.transport,
        info_hash=received.torrent.info_hash,
        contacts=manifest.contacts,
        root_certificate=credentials.root_certificate if credentials else b"",
        leaf_certificate=credentials.leaf_certificate if credentials else b"",
        leaf_key=credentials.leaf_key if credentials else b"",
        staging=str(files.staging(identifier, manifest.generation)),
        envelope_hash=arrival.digest,
        trackers=received.trackers,
        note=manifest.note,
        not_after=manifest.not_after or 0,
        cost=cost.size,
        entries=cost.entries,
        weight=len(manifest.torrent),
        left_out=tuple(LeftOut(each.reason, each.count, each.names) for each in manifest.left_out),
    )


def is_same_swarm(known: DownloadRecord, record: DownloadRecord) -> bool:
    """Return whether an envelope is about the very swarm that a download is in."""
    return (known.info_hash, known.transport) == (record.info_hash, record.transport)


def hold(record: DownloadRecord, problem: str, hint: str, *, conflict: str) -> DownloadRecord:
    """Wait for approval; `conflict`: id of the download that is the only reason, or empty."""
    return _move(
        record, DownloadEvent.HELD, DownloadStep.WAITING, problem=problem, hint=hint, conflict=conflict
    )


def admit(record: DownloadRecord) -> DownloadRecord:
    """Download without approval."""
    return _move(record, DownloadEvent.ADMITTED, DownloadStep.DOWNLOADING)


def approve(record: DownloadRecord) -> DownloadRecord:
    """Download what the user has approved, even if another download has the same torrent."""
    return _move(record, DownloadEvent.APPROVED, DownloadStep.DOWNLOADING, paused=False, conflict="")


def adopt_tickets(known: DownloadRecord, record: DownloadRecord) -> DownloadRecord:
    """Adopt the tickets and addresses of a newer envelope."""
    return _move(
        known,
        DownloadEvent.RENEWED,
        known.step,
        envelope=record.envelope,
        envelope_hash=record.envelope_hash,
        generation=record.generation,
        contacts=record.contacts,
        trackers=record.trackers,
        note=record.note,
        not_after=record.not_after,
        root_certificate=record.root_certificate,
        leaf_certificate=record.leaf_certificate,
        leaf_key=record.leaf_key,
    )


def supersede(record: DownloadRecord, previous: DownloadRecord | None) -> DownloadRecord:
    """Let a new generation replace the payload that the previous one delivered, or was to replace.

    Unchanged content is continued. A download that is paused unfinished stays paused. One that is complete is paused
    from seeding only, and one that waits for approval begins when it is approved.
    """
    if previous is None:
        return record
    if previous.step is DownloadStep.COMPLETE:
        return replace(
            record,
            replaces=previous.path,
            replaces_fingerprint=previous.fingerprint,
            replaces_renamed=previous.renamed,
        )
    if DownloadStep.WAITING not in {previous.step, record.step}:
        record = replace(record, paused=previous.paused)
    if is_same_swarm(previous, record):
        record = replace(
            record,
            staging=previous.staging,
            unwanted=previous.unwanted,
            cost=previous.cost,
            entries=previous.entries,
            local_name=previous.local_name,
            renamed=previous.renamed,
        )
    return replace(
        record,
        replaces=previous.replaces,
        replaces_fingerprint=previous.replaces_fingerprint,
        replaces_renamed=previous.replaces_renamed,
    )


def enqueue(record: DownloadRecord, reason: str, fault: Fault | None = None) -> DownloadRecord:
    """Wait for a slot or for space; `reason`: a sentence."""
    return _move(
        record, DownloadEvent.QUEUED, DownloadStep.QUEUED, problem=reason, hint="", fault=fault or ""
    )


def name_files(record: DownloadRecord, names: LocalNames) -> DownloadRecord:
    """Give the files of a download the names that its disk takes."""
    return replace(record, local_name=names.name, renamed=tuple(names.files.items()))


def start(record: DownloadRecord) -> DownloadRecord:
    """Download what waited for room."""
    return _move(record, DownloadEvent.STARTED, DownloadStep.DOWNLOADING)


def begin_delivery(record: DownloadRecord, path: str) -> DownloadRecord:
    """Deliver what is complete; `path`: where its payload is to stand."""
    return _move(record, DownloadEvent.FETCHED, DownloadStep.DELIVERING, path=path)


def choose_other_place(record: DownloadRecord, path: str) -> DownloadRecord:
    """Deliver to another name, because the one that was chosen is taken."""
    return _move(record, DownloadEvent.PLACE_TAKEN, DownloadStep.DELIVERING, path=path)


def mark_complete(record: DownloadRecord, fingerprint: str, now: int) -> DownloadRecord:
    """Record that the payload is in its place.

    Args:
        record: of the download.
        fingerprint: of the payload as it was delivered.
        now: Unix seconds.
    """
    return _move(
        record,
        DownloadEvent.DELIVERED,
        DownloadStep.COMPLETE,
        staging="",
        fingerprint=fingerprint,
        replaces="",
        replaces_fingerprint="",
        replaces_renamed=(),
        completed=now,
    )


def fail(record: DownloadRecord, problem: str, hint: str, fault: Fault | None = None) -> DownloadRecord:
    """Record what went wrong, whatever the download was doing."""
    return _move(
        record, DownloadEvent.FAILED, DownloadStep.PROBLEM, problem=problem, hint=hint, fault=fault or ""
    )


def retry(record: DownloadRecord) -> DownloadRecord:
    """Repeat the step that failed: with a path, all data had arrived; without a staging folder, it was delivered."""
    if not record.path:
        return _move(record, DownloadEvent.RETRIED, DownloadStep.DOWNLOADING)
    step = DownloadStep.DELIVERING if record.staging else DownloadStep.COMPLETE
    return _move(record, DownloadEvent.RETRIED, step)


def yield_to(record: DownloadRecord, holder: str, problem: str, hint: str) -> DownloadRecord:
    """Rest while another download of the same torrent has the swarm; `holder`: its id."""
    why = {"problem": problem, "hint": hint, "fault": ""}
    if record.step is DownloadStep.COMPLETE:
        return _move(record, DownloadEvent.YIELDED, DownloadStep.COMPLETE, conflict=holder, **why)
    if record.step.is_fetching and not record.path:
        return _move(record, DownloadEvent.YIELDED, DownloadStep.QUEUED, conflict=holder, **why)
    # Complete but for its place, which takes no swarm.
    return _move(record, DownloadEvent.YIELDED, record.step, conflict=holder)


def clear_conflict(record: DownloadRecord) -> DownloadRecord:
    """Continue, because no other download has the torrent."""
    return _move(record, DownloadEvent.CONFLICT_ENDED, record.step, conflict="", **_NO_PROBLEM)


def pause(record: DownloadRecord) -> DownloadRecord:
    """Pause in the present step."""
    return _move(record, DownloadEvent.PAUSED, record.step, paused=True)


def resume(record: DownloadRecord) -> DownloadRecord:
    """Continue the present step."""
    return _move(record, DownloadEvent.RESUMED, record.step, paused=False)
