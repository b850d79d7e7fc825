"""The raw form in the inbox: a torrent encrypted with the key of one user, without sender, signature or tickets.

Owns how it becomes an opened envelope where a user's ``accept_raw`` allows that: any holder of the key counts as that
user. Pure, like `tuishare.core.opening`. Must not decide what becomes of it.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterator

from tuishare.core.opening import OpenedEnvelope, Trust
from tuishare.envelope import Announce, Damaged, Manifest, NotForUs, ShareId, Ticket, open_raw
from tuishare.net.addresses import tracker_names
from tuishare.people import UserBook
from tuishare.torrents import Torrent, accept

_MOST_TRACKERS = 16  # as in a manifest


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
