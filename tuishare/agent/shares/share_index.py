"""The records of shares in memory, and the look-ups whose cost must not grow with their number.

Owns these look-ups: by id, by path, by folder, by payload, and by the name of the envelope. Must not save anything.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from tuishare.agent.folders.fingerprint import lasting_part
from tuishare.core.records import ShareRecord


class ShareIndex:
    """The shares of one agent."""

    def __init__(self) -> None:
        self._shares: dict[str, ShareRecord] = {}
        self._at: dict[str, str] = {}
        self._in_folder = _Groups()
        self._of_payload = _Groups()
        self._of_envelope = _Groups()

    @property
    def shares(self) -> Mapping[str, ShareRecord]:
        """All shares by id, oldest first; a view that stays the same object."""
        return self._shares

    @property
    def envelopes(self) -> Collection[str]:
        """The names of all envelopes."""
        return self._of_envelope.members.keys()

    def at(self, path: str) -> ShareRecord | None:
        """Return the share of an entry, or None."""
        return self._shares.get(self._at.get(path, ""))

    def in_folder(self, folder: str) -> list[ShareRecord]:
        """Return the shares whose entries are in a folder, oldest first."""
        return self._listed(self._in_folder, folder)

    def of_payload(self, fingerprint: str) -> list[ShareRecord]:
        """Return the shares whose fingerprints differ from this one only in what a rename changes, oldest first."""
        shares = [
            self._shares[share] for share in self._of_payload.members.get(lasting_part(fingerprint), ())
        ]
        return sorted(shares, key=lambda share: (share.added, share.id))

    def fill(self, shares: Iterable[ShareRecord]) -> None:
        """Replace all shares by these, which are given oldest first."""
        for known in tuple(self._shares):
            self.discard(known)
        for share in shares:
            self.put(share)

    def put(self, share: ShareRecord) -> None:
        """Add a share, or replace its record; it keeps its place in the order."""
        self._forget_keys(share.id)
        self._shares[share.id] = share
        self._at[share.path] = share.id
        self._in_folder.add(os.path.dirname(share.path), share.id)
        self._of_payload.add(lasting_part(share.fingerprint), share.id)
        self._of_envelope.add(share.envelope, share.id)

    def discard(self, share_id: str) -> None:
        """Remove a share, if it is there."""
        self._forget_keys(share_id)
        self._shares.pop(share_id, None)

    def _forget_keys(self, share_id: str) -> None:
        if share := self._shares.get(share_id):
            if self._at.get(share.path) == share_id:
                del self._at[share.path]
            self._in_folder.discard(os.path.dirname(share.path), share_id)
            self._of_payload.discard(lasting_part(share.fingerprint), share_id)
            self._of_envelope.discard(share.envelope, share_id)

    def _listed(self, groups: _Groups, key: str) -> list[ShareRecord]:
        shares = [self._shares[share] for share in groups.members.get(key, ())]
        return sorted(shares, key=lambda share: (share.added, share.id))


class _Groups:
    """Shares by a key that several may have; those with an empty one are in no group.

    Attributes:
        members: ids by key; no group is empty.
    """

    def __init__(self) -> None:
        self.members: dict[str, set[str]] = {}

    def add(self, key: str, share_id: str) -> None:
        if key:
            self.members.setdefault(key, set()).add(share_id)

    def discard(self, key: str, share_id: str) -> None:
        group = self.members.get(key, set())
        group.discard(share_id)
        if not group:
            self.members.pop(key, None)
