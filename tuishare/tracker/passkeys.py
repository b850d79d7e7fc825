"""Lookup of members by passkey; stores SHA-256 of each passkey, never the passkey itself.

Owns the members of each share. Must not know peers or addresses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tuishare.errors import BadInput


@dataclass(frozen=True, slots=True)
class Member:
    """One user of one share."""

    share: str
    user: str


class Passkeys:
    """The members of all shares."""

    def __init__(self) -> None:
        self._members: dict[bytes, Member] = {}
        self._by_share: dict[str, set[bytes]] = {}

    def find(self, passkey: bytes) -> Member | None:
        """Return the member with a passkey; None if it is unknown or revoked.

        The lookup uses a hash, so its timing reveals nothing about a guess.
        """
        return self._members.get(hashlib.sha256(passkey).digest())

    def replace(self, share: str, members: Mapping[bytes, str]) -> None:
        """Replace the members of a share (SHA-256 of the passkey → user).

        Raises:
            BadInput: a hash has not 32 bytes or belongs to another share; nothing is changed.
        """
        for digest in members:
            known = self._members.get(digest)
            if len(digest) != 32 or (known is not None and known.share != share):
                raise BadInput("A passkey's hash is damaged, or the passkey belongs to another share already")
        self.drop(share)
        self._members.update({digest: Member(share, user) for digest, user in members.items()})
        self._by_share[share] = set(members)

    def drop(self, share: str, user: str | None = None) -> None:
        """Remove a user of a share, or the whole share; no-op if there is none."""
        digests = self._by_share.get(share, set())
        for digest in [each for each in digests if user in {None, self._members[each].user}]:
            digests.discard(digest)
            del self._members[digest]
        if not digests:
            self._by_share.pop(share, None)
