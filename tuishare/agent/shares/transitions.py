"""The steps of a share: a record and what happens to it give the next record.

Owns every change of `ShareRecord.step`, what a change clears, and the table that all changes follow. Pure: the caller
saves the record and does what follows from it. Must not know queue, store or engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, auto
from typing import Any, Final, Literal

from tuishare.agent.folders.fingerprint import tree_fingerprint
from tuishare.config.model import Transport
from tuishare.core.left_out import LeftOut
from tuishare.core.records import ShareRecord, ShareStep, TransitionTable, lead, stay
from tuishare.core.share_sealing import create_share_authority, new_secret, new_share_id
from tuishare.torrents import Tree, parse_torrent, rename_torrent


class ShareEvent(StrEnum):
    """What happens to a share; each has the function that is named beside it."""

    HASHED = auto()
    """`after_hashing`: its payload was read."""
    SEALED = auto()
    """`after_sealing`: its envelope is in the outbox."""
    ENTRY_CHANGED = auto()
    """`after_entry_change`: its entry looks different, and may still turn out to be what was hashed."""
    PAYLOAD_CHANGED = auto()
    """`after_payload_change`: its payload is not what was hashed."""
    SETTLED = auto()
    """`after_settling`: its entry has stopped changing."""
    RENAMED = auto()
    """`rename`: its entry has another name."""
    REISSUED = auto()
    """`reissue`: its recipients get new tickets."""
    RECIPIENTS_CHANGED = auto()
    """`change_recipients`: it is for other users, or in another kind of swarm."""
    FAILED = auto()
    """`fail`: a step could not be done."""
    PAUSED = auto()
    """`pause`: the user wants it not to be seeded."""
    RESUMED = auto()
    """`resume`: the user wants it to be seeded again, or a problem to be retried."""
    SHARED_AGAIN = auto()
    """`share_again`: the user wants a new envelope."""
    FORGOTTEN = auto()
    """`forget`: the user wants it not to be shared."""
    DELETION_ORDERED = auto()
    """`order_deletion`: the user wants it deleted with its payload."""
    DELETION_FAILED = auto()
    """`fail_deletion`: the disk did not delete all of the payload."""
    WITHDRAWN = auto()
    """`withdraw`: its payload is gone, or it has expired."""


_ANY: Final = tuple(step for step in ShareStep if step is not ShareStep.MANUAL)
_ENDED: Final = tuple(step for step in _ANY if step.has_ended)
_OPEN: Final = tuple(step for step in _ANY if not step.has_ended)
_NEW_TICKETS: Final[Mapping[ShareStep, Collection[ShareStep]]] = {
    **stay((ShareStep.SETTLING, ShareStep.HASHING, *_ENDED)),
    **lead((ShareStep.SEALING, ShareStep.SEEDING, ShareStep.PROBLEM), ShareStep.SEALING, ShareStep.HASHING),
}
TRANSITIONS: Final = TransitionTable(
    ShareStep.HASHING,
    {
        ShareEvent.HASHED: lead((ShareStep.HASHING,), ShareStep.SEALING, ShareStep.SEEDING),
        ShareEvent.SEALED: lead((ShareStep.SEALING,), ShareStep.SEEDING),
        ShareEvent.ENTRY_CHANGED: lead((ShareStep.SEEDING,), ShareStep.SETTLING),
        ShareEvent.PAYLOAD_CHANGED: lead(
            (ShareStep.HASHING, ShareStep.SEALING, ShareStep.SEEDING, ShareStep.PROBLEM), ShareStep.SETTLING
        ),
        ShareEvent.SETTLED: {
            ShareStep.SETTLING: (ShareStep.HASHING, ShareStep.SEALING, ShareStep.SEEDING),
            ShareStep.HASHING: (ShareStep.HASHING,),
            ShareStep.SEALING: (ShareStep.HASHING, ShareStep.SEALING),
            ShareStep.SEEDING: (ShareStep.HASHING, ShareStep.SEEDING),
            ShareStep.PROBLEM: (ShareStep.HASHING, ShareStep.SEALING, ShareStep.SEEDING),
            ShareStep.WITHDRAWN: (ShareStep.HASHING, ShareStep.SEALING),
        },
        ShareEvent.RENAMED: lead(
            (*_OPEN, ShareStep.WITHDRAWN, ShareStep.DELETING), ShareStep.HASHING, ShareStep.SEALING
        ),
        ShareEvent.REISSUED: _NEW_TICKETS,
        ShareEvent.RECIPIENTS_CHANGED: _NEW_TICKETS,
        ShareEvent.FAILED: lead(_ANY, ShareStep.PROBLEM),
        ShareEvent.PAUSED: stay(_ANY),
        ShareEvent.RESUMED: {**stay(_ANY), ShareStep.PROBLEM: (ShareStep.HASHING,)},
        ShareEvent.SHARED_AGAIN: lead(_ANY, ShareStep.HASHING),
        ShareEvent.FORGOTTEN: lead(_ANY, ShareStep.FORGOTTEN, ShareStep.WITHDRAWN),
        ShareEvent.DELETION_ORDERED: lead(_ANY, ShareStep.DELETING),
        ShareEvent.DELETION_FAILED: stay((ShareStep.DELETING,)),
        ShareEvent.WITHDRAWN: lead(_OPEN, ShareStep.WITHDRAWN),
    },
)
"""Every step and event that can meet, and where that leads; a function picks one of several by the record."""
_NO_PROBLEM: Final = {"problem": "", "hint": ""}


@dataclass(frozen=True, slots=True)
class ShareTarget:
    """For whom and how an entry is shared.

    Attributes:
        users: names of users and ``@group``s, as configured.
        transport: kind of swarm.
        folder: the drop folder whose ignore rules hold, or empty.
        note: for the recipients, at most 500 characters.
        not_after: Unix seconds after which it is withdrawn; 0: never.
    """

    users: tuple[str, ...]
    transport: Transport
    folder: str = ""
    note: str = ""
    not_after: int = 0

    def matches(self, share: ShareRecord) -> bool:
        """Return whether a share has this target already, whatever the order of its users."""
        same = (self.transport, self.folder, self.note, self.not_after)
        return same == (share.transport, share.folder, share.note, share.not_after) and (
            set(self.users) == set(share.recipients)
        )


def _move(share: ShareRecord, event: ShareEvent, step: ShareStep, **changes: Any) -> ShareRecord:
    """Go to a step, if the table has that; a problem belongs to the step that had it.

    Raises:
        IllegalTransition: the event cannot happen in the share's step, or does not lead there.
    """
    TRANSITIONS.require(share.step, event, step)
    cleared = {} if step is share.step else _NO_PROBLEM
    return replace(share, step=step, **{**cleared, **changes})


def new_share(tree: Tree, target: ShareTarget, now: datetime) -> ShareRecord:
    """Return the share of an entry that was never shared."""
    return ShareRecord(
        id=new_share_id(),
        path=str(tree.root),
        name=tree.name,
        recipients=target.users,
        transport=target.transport,
        added=int(now.timestamp()),
        secret=new_secret(),
        step=TRANSITIONS.initial,
        folder=target.folder,
        note=target.note,
        not_after=target.not_after,
    )


def after_hashing(
    share: ShareRecord, tree: Tree, torrent: bytes, now: datetime, left_out: tuple[LeftOut, ...] = ()
) -> ShareRecord:
    """Seal what was hashed as a new generation, or seed on where it is what was sealed already."""
    info_hash = parse_torrent(torrent).info_hash
    seen: dict[str, Any] = {
        "fingerprint": tree_fingerprint(tree),
        "size": tree.total_size,
        "files": len(tree.files),
        "info_hash": info_hash,
        "left_out": left_out,
    }
    if info_hash == share.info_hash and share.sealed == share.generation:
        # Touched, but the same: recipients need no new envelope.
        return _move(share, ShareEvent.HASHED, ShareStep.SEEDING, **seen)
    seen["torrent"] = torrent
    if info_hash == share.info_hash and 0 < share.sealed < share.generation and share.kind == "renew":
        # New tickets for what every recipient knows already.
        return _move(share, ShareEvent.HASHED, ShareStep.SEALING, **seen)
    return _move(
        create_share_authority(share, now),
        ShareEvent.HASHED,
        ShareStep.SEALING,
        kind="share",
        # Once hashed, an envelope may be out, even when a crash kept us from recording it.
        **(_following(share) if share.info_hash else {}),
        **seen,
    )


def after_sealing(share: ShareRecord, contacts: tuple[str, ...]) -> ShareRecord:
    """Seed what is sealed; `contacts`: the addresses that its envelope names."""
    return _move(share, ShareEvent.SEALED, ShareStep.SEEDING, sealed=share.generation, contacts=contacts)


def after_entry_change(share: ShareRecord) -> ShareRecord:
    """Wait for an entry that looks different; it is not hashed again if it settles as it was."""
    return _move(share, ShareEvent.ENTRY_CHANGED, ShareStep.SETTLING)


def after_payload_change(share: ShareRecord) -> ShareRecord:
    """Wait for a payload that is not what was hashed, and have it hashed again whatever it looks like then."""
    return _move(share, ShareEvent.PAYLOAD_CHANGED, ShareStep.SETTLING, fingerprint="")


def after_settling(share: ShareRecord, tree: Tree) -> ShareRecord:
    """Go on with a share whose entry has settled; returns the share itself when there is nothing to do."""
    if share.fingerprint != tree_fingerprint(tree):
        # The envelope of a withdrawn share was taken back: it gets a new one even if only its times differ.
        taken_back = share.step is ShareStep.WITHDRAWN and share.fingerprint
        changes = _next_generation(share) if taken_back else {}
        return _move(share, ShareEvent.SETTLED, ShareStep.HASHING, **_NO_PROBLEM, **changes)
    match share.step:
        case ShareStep.PROBLEM | ShareStep.SETTLING:
            return _move(share, ShareEvent.SETTLED, _pending_step(share))
        case ShareStep.WITHDRAWN:
            step = ShareStep.SEALING if share.torrent else ShareStep.HASHING
            return _move(share, ShareEvent.SETTLED, step, **_next_generation(share))
        case _:
            TRANSITIONS.require(share.step, ShareEvent.SETTLED, share.step)
            return share


def rename(share: ShareRecord, tree: Tree, envelope: str, now: datetime) -> ShareRecord:
    """Give a share the new name of its entry; `envelope`: the new name of its file in the outbox.

    Nothing is hashed where the files are the same; the info-hash changes all the same. Renaming a single file changes
    its ctime, as an edit does, so it is hashed.

    Raises:
        TuishareError: no torrent can have that name.
    """
    named: dict[str, Any] = {
        "path": str(tree.root),
        "name": tree.name,
        "envelope": envelope,
        **_NO_PROBLEM,
    }
    if share.fingerprint != tree_fingerprint(tree):
        return _move(share, ShareEvent.RENAMED, ShareStep.HASHING, **named)
    torrent = rename_torrent(share.torrent, tree.name)
    return _move(
        create_share_authority(share, now),
        ShareEvent.RENAMED,
        ShareStep.SEALING,
        torrent=torrent,
        info_hash=parse_torrent(torrent).info_hash,
        kind="share",
        **_following(share),
        **named,
    )


def reissue(share: ShareRecord, now: datetime) -> ShareRecord:
    """Start a generation with the same content, whose new authority excludes everyone without a new ticket."""
    return _reissue(share, ShareEvent.REISSUED, now)


def change_recipients(share: ShareRecord, target: ShareTarget, now: datetime) -> ShareRecord:
    """Start a generation for a new target, whose new authority excludes everyone who is not in it."""
    changed = replace(
        share,
        recipients=target.users,
        transport=target.transport,
        folder=target.folder,
        note=target.note,
        not_after=target.not_after,
        # The other kind of swarm needs the other kind of torrent.
        fingerprint=share.fingerprint if target.transport == share.transport else "",
    )
    return _reissue(changed, ShareEvent.RECIPIENTS_CHANGED, now)


def _reissue(share: ShareRecord, event: ShareEvent, now: datetime) -> ShareRecord:
    changes = {"secret": new_secret(), **_next_generation(share)}  # no earlier passkey is answered either
    match share.step:
        case ShareStep.PROBLEM | ShareStep.SEALING | ShareStep.SEEDING:
            step = ShareStep.SEALING if share.torrent and share.fingerprint else ShareStep.HASHING
            changes.update(_NO_PROBLEM)
        case _:  # these wait for their payload, and are sealed or hashed when it comes
            step = share.step
    return _move(create_share_authority(share, now), event, step, **changes)


def fail(share: ShareRecord, problem: str, hint: str) -> ShareRecord:
    """Record what went wrong, whatever the share was doing."""
    return _move(share, ShareEvent.FAILED, ShareStep.PROBLEM, problem=problem, hint=hint)


def pause(share: ShareRecord) -> ShareRecord:
    """Rest where it is."""
    return _move(share, ShareEvent.PAUSED, share.step, paused=True)


def resume(share: ShareRecord) -> ShareRecord:
    """Go on where it is; a problem is tried again from the start."""
    step = ShareStep.HASHING if share.step is ShareStep.PROBLEM else share.step
    return _move(share, ShareEvent.RESUMED, step, paused=False)


def share_again(share: ShareRecord) -> ShareRecord:
    """Hash and seal it again: without a sealed generation nothing counts as unchanged."""
    return _move(share, ShareEvent.SHARED_AGAIN, ShareStep.HASHING, sealed=0, paused=False, **_NO_PROBLEM)


def forget(share: ShareRecord, fingerprint: str) -> ShareRecord:
    """End it for good; `fingerprint`: of the payload as it is now, which its drop folder must not share again."""
    step = ShareStep.FORGOTTEN if share.folder else ShareStep.WITHDRAWN
    return _move(
        share,
        ShareEvent.FORGOTTEN,
        step,
        fingerprint=fingerprint or share.fingerprint,
        torrent=b"",
        **_NO_PROBLEM,
    )


def order_deletion(share: ShareRecord) -> ShareRecord:
    """End it for good, and have its payload deleted."""
    return _move(share, ShareEvent.DELETION_ORDERED, ShareStep.DELETING, **_NO_PROBLEM)


def fail_deletion(share: ShareRecord, problem: str, hint: str) -> ShareRecord:
    """Record why not all of its payload could be deleted; the next start tries again."""
    return _move(share, ShareEvent.DELETION_FAILED, ShareStep.DELETING, problem=problem, hint=hint)


def withdraw(share: ShareRecord) -> ShareRecord:
    """End it until its payload is there again."""
    return _move(share, ShareEvent.WITHDRAWN, ShareStep.WITHDRAWN)


def _pending_step(share: ShareRecord) -> ShareStep:
    """Return what is to be done next for the present generation; an envelope that went out is not sealed again."""
    if share.sealed == share.generation:
        return ShareStep.SEEDING
    return ShareStep.SEALING if share.torrent and share.fingerprint else ShareStep.HASHING


def _next_generation(share: ShareRecord) -> dict[str, Any]:
    """Return what another envelope with the same content changes.

    A recipient who does not know that content yet needs more than a ticket. A renewal that has not gone out yet is
    followed by another.
    """
    known = share.sealed == share.generation or share.kind == "renew"
    kind: Literal["share", "renew"] = "renew" if known and share.fingerprint else "share"
    return {**_following(share), "kind": kind}


def _following(share: ShareRecord) -> dict[str, Any]:
    """Return the change to the generation after this one."""
    return {"generation": share.generation + 1 + share.skip, "skip": 0}
