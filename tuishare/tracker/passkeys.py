"""Whose passkey it is: SHA-256 of each member's passkey, never the passkey itself.

Owns who belongs to which share. Must not know peers or addresses.
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
        self._of: dict[str, set[bytes]] = {}

    def find(self, passkey: bytes) -> Member | None:
        """Say whose it is; None for unknown and revoked ones alike.

        What is looked up is a hash, so the time that it takes tells nothing about how near a guess was.
        """
        return self._members.get(hashlib.sha256(passkey).digest())

    def replace(self, share: str, members: Mapping[bytes, str]) -> None:
        """Let a share have these members (SHA-256 of the passkey → user) and no others.

        Raises:
            BadInput: a hash has no 32 bytes or is already another share's; nothing is changed then.
        """
        for digest in members:
            known = self._members.get(digest)
            if len(digest) != 32 or (known is not None and known.share != share):
                raise BadInput("A passkey's hash is damaged, or the passkey belongs to another share already")
        self.drop(share)
        self._members.update({digest: Member(share, user) for digest, user in members.items()})
        self._of[share] = set(members)

    def drop(self, share: str, user: str | None = None) -> None:
        """Take out a user of a share, or the whole share; harmless when there is none."""
        held = self._of.get(share, set())
        for digest in [each for each in held if user in {None, self._members[each].user}]:
            held.discard(digest)
            del self._members[digest]
        if not held:
            self._of.pop(share, None)
