"""The forms that a share takes: from one record to the next.

Owns what changes with each and what stays. Pure: whoever calls saves the record and does what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from tuishare.agent.folders.fingerprint import tree_fingerprint
from tuishare.config.model import Transport
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.core.sealing import create_share_authority, new_secret, new_share_id
from tuishare.torrents import Tree, parse_torrent, rename_torrent


@dataclass(frozen=True, slots=True)
class ShareTarget:
    """For whom and how an entry is shared.

    Attributes:
        folder: the drop folder whose ignore patterns hold, or empty.
        note: for the recipients, at most 500 characters.
        not_after: Unix seconds after which it is withdrawn; 0: never.
    """

    users: tuple[str, ...]
    transport: Transport
    folder: str = ""
    note: str = ""
    not_after: int = 0

    def is_of(self, share: ShareRecord) -> bool:
        """Whether a share is for this audience already, whatever the order of its users."""
        same = (self.transport, self.folder, self.note, self.not_after)
        return same == (share.transport, share.folder, share.note, share.not_after) and (
            set(self.users) == set(share.recipients)
        )


def new_share(tree: Tree, audience: ShareTarget, now: datetime) -> ShareRecord:
    """A share that nobody has heard of yet."""
    return ShareRecord(
        id=new_share_id(),
        path=str(tree.root),
        name=tree.name,
        recipients=audience.users,
        transport=audience.transport,
        added=int(now.timestamp()),
        secret=new_secret(),
        folder=audience.folder,
        note=audience.note,
        not_after=audience.not_after,
    )


def rename(share: ShareRecord, tree: Tree, envelope: str, now: datetime) -> ShareRecord:
    """The same files under another name: nothing is hashed, the info-hash is another one all the same.

    Raises:
        TuishareError: no torrent can have that name.
    """
    torrent = rename_torrent(share.torrent, tree.name)
    return replace(
        create_share_authority(share, now),
        path=str(tree.root),
        name=tree.name,
        torrent=torrent,
        info_hash=parse_torrent(torrent).info_hash,
        generation=share.generation + 1,
        step=ShareStep.SEALING,
        kind="share",
        envelope=envelope,
        problem="",
        hint="",
    )


def rename_unhashed(share: ShareRecord, tree: Tree, envelope: str) -> ShareRecord:
    """What seems to be the same file under another name, to be hashed: a rename changes its ctime, as an edit does."""
    return replace(
        share,
        path=str(tree.root),
        name=tree.name,
        step=ShareStep.HASHING,
        envelope=envelope,
        problem="",
        hint="",
    )


def after_hashing(share: ShareRecord, tree: Tree, torrent: bytes, now: datetime) -> ShareRecord:
    """What was hashed becomes a new generation, unless it is what was sealed already."""
    info_hash = parse_torrent(torrent).info_hash
    seen = replace(
        share,
        signature=tree_fingerprint(tree),
        size=tree.total_size,
        files=len(tree.files),
        info_hash=info_hash,
    )
    if info_hash == share.info_hash and share.sealed == share.generation:
        return replace(seen, step=ShareStep.SEEDING)  # touched, but the same: nobody needs to hear of it
    if info_hash == share.info_hash and 0 < share.sealed < share.generation and share.kind == "renew":
        return replace(
            seen, step=ShareStep.SEALING, torrent=torrent
        )  # new tickets for what everybody has already
    return replace(
        create_share_authority(seen, now),
        step=ShareStep.SEALING,
        kind="share",
        torrent=torrent,
        # Once hashed, an envelope may be out, even when a crash kept us from recording it.
        generation=share.generation + (share.info_hash != ""),
    )


def change_recipients(share: ShareRecord, audience: ShareTarget, now: datetime) -> ShareRecord:
    """A generation for others, whose new authority keeps those out who are not meant any more."""
    return renew(
        replace(
            share,
            recipients=audience.users,
            transport=audience.transport,
            folder=audience.folder,
            note=audience.note,
            not_after=audience.not_after,
            # The other kind of swarm needs the other kind of torrent.
            signature=share.signature if audience.transport == share.transport else "",
        ),
        now,
    )


def renew(share: ShareRecord, now: datetime) -> ShareRecord:
    """A generation with the same content, whose new authority shuts out whoever gets no new ticket."""
    renewed = replace(
        create_share_authority(share, now),
        secret=new_secret(),  # whoever has somebody's former ticket is told nothing by the tracker either
        generation=share.generation + 1,
        kind=_next_kind(share),
    )
    match share.step:
        case ShareStep.PROBLEM | ShareStep.SEALING | ShareStep.SEEDING:
            step = ShareStep.SEALING if renewed.torrent and renewed.signature else ShareStep.HASHING
            return replace(renewed, step=step, problem="", hint="")
        case _:  # these wait for their payload, and are sealed or hashed when it comes
            return renewed


def restore(share: ShareRecord) -> ShareRecord:
    """A generation with the content that was withdrawn, and is there again."""
    step = ShareStep.SEALING if share.torrent else ShareStep.HASHING
    return replace(share, step=step, generation=share.generation + 1, kind=_next_kind(share))


def _next_kind(share: ShareRecord) -> Literal["share", "renew"]:
    """What an envelope with the same content is: whoever has not heard of that content yet needs more than a ticket.

    A renewal that has not gone out yet is followed by another.
    """
    heard = share.sealed == share.generation or share.kind == "renew"
    return "renew" if heard and share.signature else "share"


def retry(share: ShareRecord) -> ShareRecord:
    """Back to the step that had the problem; an envelope that went out is not sealed again."""
    if share.sealed == share.generation:
        step = ShareStep.SEEDING
    else:
        step = ShareStep.SEALING if share.torrent and share.signature else ShareStep.HASHING
    return replace(share, step=step, problem="", hint="")
