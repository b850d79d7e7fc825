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

    def drop(self, share: str, user: str | None = None) -> None:
        """Take out a user of a share, or the whole share; harmless when there is none."""
        gone = [
            digest
            for digest, member in self._members.items()
            if member.share == share and user in {None, member.user}
        ]
        for digest in gone:
            del self._members[digest]
