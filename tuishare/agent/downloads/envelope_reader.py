"""Opening envelopes of the inbox: sealed ones and the raw form, and no more of them than their signer is trusted with.

Owns how much of an envelope is read, the change of a sender's card that an envelope proves, and the raw form, which is
a torrent encrypted with the key of one user, without sender, signature or tickets: it becomes an opened envelope if a
user's ``accept_raw`` allows that, and any holder of the key counts as that user. Blocking functions are to be called on
a thread. Must not decide what becomes of an envelope.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import assert_never

from tuishare.agent.live import Live, UserBookFile
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.config.model import Config
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.opened_envelope import (
    OpenedEnvelope,
    SignedEnvelope,
    Trust,
    UnknownSigner,
    is_from_verified,
    open_received,
)
from tuishare.envelope import (
    MAX_SIZE,
    Announce,
    Damaged,
    Manifest,
    NotForUs,
    Recognition,
    ShareId,
    Ticket,
    is_tse1,
    open_raw,
    recognise,
)
from tuishare.errors import Refused
from tuishare.fs.atomic import read_limited
from tuishare.net.addresses import tracker_names
from tuishare.people import Identity, KeyRotation, UserBook, apply_rotation
from tuishare.torrents import DEFAULT_LIMITS, UNVERIFIED_LIMITS, Torrent, TorrentLimits, accept

_MOST_TRACKERS = 16  # as in a manifest
_log = logging.getLogger(__name__)


class NotIntact(Damaged):
    """A file is not an intact envelope; says what it is instead.

    Attributes:
        finding: what it is.
    """

    def __init__(self, finding: Recognition) -> None:
        Refused.__init__(self, finding.detail, hint=finding.hint)
        self.finding = finding


class EnvelopeReader:
    """Reads envelopes with the keys and the user book of the moment. Blocking: call it on a thread."""

    def __init__(
        self, settings: Live[Config], identity: Live[Identity], users: UserBookFile, clock: Clock
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._users = users
        self._clock = clock

    def peek(self, path: Path) -> tuple[bool, float]:
        """Return whether a verified user signed an envelope, and the seconds of processor time that it took."""
        started = time.thread_time()
        data, book = read_limited(path, MAX_SIZE), self._users.read()
        verified = (
            is_from_verified(data, self._identity.current, book)
            if is_tse1(data)
            else is_raw_of_user(data, book)
        )
        return verified, time.thread_time() - started

    def open(self, path: Path) -> tuple[OpenedEnvelope, bytes]:
        """Return an opened envelope, and the SHA-256 of its file; errors as for `open_received` and `open_raw_form`."""
        data, book = read_limited(path, MAX_SIZE), self._users.read()
        try:
            if is_tse1(data):
                received = open_received(
                    data, self._identity.current, book, now=self._clock(), bounds=bounds_of
                )
            else:
                received = open_raw_form(data, book, trackers=self._settings.current.inbox.trackers)
        except (Damaged, NotForUs):
            finding = recognise(data, len(data))
            if finding is None:
                raise
            raise NotIntact(finding) from None
        return received, hashlib.sha256(data).digest()


def bounds_of(signed: SignedEnvelope) -> TorrentLimits:
    """Return how much of an envelope is read, which is little while its sender is unverified (threat T1).

    Raises:
        UnknownSigner: nothing of it until its signer is known.
        Refused: nothing of it: it is our own.
    """
    match signed.trust:
        case Trust.UNKNOWN:
            raise UnknownSigner(signed.signer)
        case Trust.OURSELVES:
            raise Refused("It is a share of your own", hint="Recipients put it into their inbox, not you.")
        case Trust.VERIFIED:
            return DEFAULT_LIMITS
        case Trust.ADMITTED | Trust.UNVERIFIED | Trust.KEY_ONLY:
            return UNVERIFIED_LIMITS
        case _ as never:
            assert_never(never)


def open_raw_form(data: bytes, book: UserBook, *, trackers: Collection[str]) -> OpenedEnvelope:
    """Open the raw form with the keys of the users who may send it.

    The same torrent under the same key is one share with one generation, so a copy of it is a replay.

    Args:
        data: the whole file.
        book: who may send it.
        trackers: hosts, or ``HOST:PORT``, that its torrent may name.

    Raises:
        NotForUs: none of these keys opens it, or it was changed; the two cannot be distinguished.
        Damaged: no user may send it, or it is too short.
        Refused: its torrent is against the policy.
    """
    return _attribute(*_open(data, book), trackers)


def is_raw_of_user(data: bytes, book: UserBook) -> bool:
    """Return whether data is the raw form under the key of a user who may send it; its torrent is not read."""
    try:
        _open(data, book)
    except (Damaged, NotForUs):
        return False
    return True


def _open(data: bytes, book: UserBook) -> tuple[bytes, str, bytes]:
    """Return what was encrypted, the user, and the key; errors as for `open_raw_form`."""
    allowed = [(user.name, user.key) for user in book if user.accept_raw and user.key]
    if not allowed:
        raise Damaged
    for name, key in allowed:
        with contextlib.suppress(NotForUs):
            return open_raw(data, key), name, key
    raise NotForUs


def _attribute(content: bytes, name: str, key: bytes, trackers: Collection[str]) -> OpenedEnvelope:
    listed = {tracker.lower() for tracker in trackers}
    torrent = accept(
        content, transport="plain", announce_allowed=lambda url: not listed.isdisjoint(tracker_names(url))
    )
    manifest = Manifest(
        share_id=ShareId(hashlib.sha256(b"tuishare/raw/share\0" + torrent.info_hash.encode()).digest()[:16]),
        generation=1,
        created=0,
        not_after=None,
        kind="share",
        transport="plain",
        torrent=content,
        root_certificate=None,
        contacts=(),
        announce=tuple(_announced(torrent))[:_MOST_TRACKERS],
        note="",
    )
    # It is not signed; in the ledger of what was received a hash of the key takes the place of the signer.
    signer = hashlib.sha256(b"tuishare/raw/signer\0" + key).digest()
    ticket = Ticket(bytes(32), None, None)
    return OpenedEnvelope(name, signer, Trust.VERIFIED, manifest, ticket, torrent, origin=signer)


def _announced(torrent: Torrent) -> Iterator[Announce]:
    for tier in torrent.announce:
        for url in tier:
            yield Announce(url, None)


async def apply_key_rotation(
    users: UserBookFile, activity: ActivityLog, sender: str, rotation: KeyRotation
) -> None:
    """Replace a sender's card in the user book.

    Raises:
        Refused: their card was replaced meanwhile.
        BadInput: the new card belongs to another user.
        BadConfiguration: the user book is not usable.
        SystemFailed: the disk refused.
    """
    await asyncio.to_thread(users.edit, lambda book: apply_rotation(book, rotation))
    fingerprint = rotation.card.fingerprint.base32
    _log.info("%s has a new card, fingerprint %s", sender, fingerprint)
    activity.note(
        ActivityKind.ROTATED, sender, f"has a new card, which the previous one has signed: {fingerprint}"
    )
