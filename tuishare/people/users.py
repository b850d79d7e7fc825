"""A user: a name with a card or a key.

Owns the constraints on one user. Must not know other users: constraints between them are in
`tuishare.people.user_book`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tuishare.errors import BadInput
from tuishare.people.cards import Card
from tuishare.people.fingerprints import Fingerprint
from tuishare.people.keys import check_key
from tuishare.people.names import fold_name, validate_name


@dataclass(frozen=True, slots=True)
class PreviousCard:
    """What is kept of a card that its owner has replaced.

    Attributes:
        signer: its Ed25519 public key, 32 bytes.
        fingerprint: of the card.
    """

    signer: bytes
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class User:
    """A known user. Every instance is valid; names are in Unicode normal form C.

    Attributes:
        name: unique in the book, case-insensitive.
        card: None for a user with a key.
        key: the shared 32 bytes, or None for a user with a card.
        groups: names of the user's groups, without ``@``.
        verified: whether the fingerprint was compared, or an invitation was exchanged with them alone.
        accept_raw: whether envelopes in the raw form, which name no sender, are accepted with the user's key.
        invited: whether they became known by an invitation, and their fingerprint was not compared since.
        introduced_by: name of the user who introduced them, at that time; empty if it was another way.
        admitted: whether what they send needs no approval although they are not verified.
        introduces: whether those whom they introduce become users without a question, while they are verified.
        former: the previous cards, each of which signed its successor, latest first.

    Raises:
        BadInput: both or neither of card and key, or a name, a group or a key that is not allowed.
    """

    name: str
    card: Card | None = None
    key: bytes | None = field(default=None, repr=False)
    groups: tuple[str, ...] = ()
    verified: bool = False
    accept_raw: bool = False
    invited: bool = False
    introduced_by: str = ""
    admitted: bool = False
    introduces: bool = False
    former: tuple[PreviousCard, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", validate_name(self.name))
        object.__setattr__(self, "groups", tuple(validate_name(group) for group in self.groups))
        if (self.card is None) == (self.key is None):
            raise BadInput("A user must have either a card or a key")
        if len({fold_name(group) for group in self.groups}) != len(self.groups):
            raise BadInput("A user is in the same group twice")
        if self.introduced_by:
            object.__setattr__(self, "introduced_by", validate_name(self.introduced_by))
        if self.key is not None:
            if self.introduced_by or self.admitted or self.introduces:
                raise BadInput("Only a user with a card can be introduced, or introduce")
            check_key(self.key)
            if self.former:
                raise BadInput("Only a user with a card can have former cards")
            if self.invited:
                raise BadInput("Only a user with a card can have been invited")
        elif self.accept_raw:
            raise BadInput(
                "Only a user with a key can have accept_raw: the raw form cannot be sealed for a card",
                hint="Add a second entry with the key, under another name.",
            )

    @property
    def is_contact(self) -> bool:
        """Whether links lead to them: their card was compared, or the introduction of it accepted."""
        return self.card is not None and (self.verified or bool(self.introduced_by))

    @property
    def key_ids(self) -> tuple[bytes, ...]:
        """Name-independent identifiers: SHA-256 of the present key, then of the former ones, 32 bytes each."""
        present = self.card.signer if self.card is not None else self.key or b""
        keys = (present, *(former.signer for former in self.former))
        return tuple(hashlib.sha256(key).digest() for key in keys)
