"""One user: a name and the one secret or card we know him by.

Owns what a user may look like. Must not know other users: what must hold between them is
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
    """A card that its owner replaced by another one, as far as it is still of use.

    Attributes:
        signer: its Ed25519 public key, 32 bytes.
        fingerprint: of the card.
    """

    signer: bytes
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class User:
    """Somebody configured here. One that exists is valid; names come out in Unicode normal form C.

    Attributes:
        name: what we call him, unique in the book without regard to case.
        card: his card, or None for a user with a key.
        key: the 32 bytes both sides share, or None for a user with a card.
        groups: names of the groups he is in, without ``@``.
        verified: a person compared the fingerprint.
        accept_raw: envelopes in the raw form, which have no sender, may be taken with his key.
        former: the cards that led to his present one, each by its own word, latest first.

    Raises:
        BadInput: both or neither of card and key, or a name, a group or a key that is not allowed.
    """

    name: str
    card: Card | None = None
    key: bytes | None = field(default=None, repr=False)
    groups: tuple[str, ...] = ()
    verified: bool = False
    accept_raw: bool = False
    former: tuple[PreviousCard, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", validate_name(self.name))
        object.__setattr__(self, "groups", tuple(validate_name(group) for group in self.groups))
        if (self.card is None) == (self.key is None):
            raise BadInput("A user has either a card or a key, exactly one of them")
        if len({fold_name(group) for group in self.groups}) != len(self.groups):
            raise BadInput("A user is in the same group twice")
        if self.key is not None:
            check_key(self.key)
            if self.former:
                raise BadInput("Only a card can have former ones")
        elif self.accept_raw:
            raise BadInput(
                "Only a user with a key can have accept_raw: the raw form cannot be sealed for a card",
                hint="Know him by a key, too, under another name.",
            )

    @property
    def key_ids(self) -> tuple[bytes, ...]:
        """What he is told by whatever he is called: SHA-256 of each key that he has here or had, the present one first.

        32 bytes each.
        """
        present = self.card.signer if self.card is not None else self.key or b""
        keys = (present, *(former.signer for former in self.former))
        return tuple(hashlib.sha256(key).digest() for key in keys)
