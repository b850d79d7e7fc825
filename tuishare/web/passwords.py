"""Passwords: their rule, and their Argon2id hashes.

Owns the parameters, those of RFC 9106 for 64 MiB, and the bound on memory. Must not know accounts or count attempts.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tuishare.errors import BadInput

SHORTEST: Final = 12
"""Characters; the only rule, because rules on kinds of characters make passwords worse (NIST SP 800-63B, 3.1.1.2)."""
LONGEST: Final = 256
_SALT: Final = 16
_HASH: Final = 32
_MEMORY: Final = 64 * 1024  # KiB
_PASSES: Final = 3
_LANES: Final = 4
_AT_A_TIME: Final = 2
"""Hashes in work at a time: 128 MiB."""


def check_password(password: str) -> None:
    """Check a new password.

    Raises:
        BadInput: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput(
            f"A password has {SHORTEST} to {LONGEST} characters, this one has {len(password):,}",
            hint="Several random words are easy to remember.",
        )


class Passwords:
    """Makes and verifies hashes, on threads."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(_AT_A_TIME)
        self._of_nobody = ""

    async def hash(self, password: str) -> str:
        """Return the hash of a new password, in the PHC string format.

        Raises:
            BadInput: it is too short or too long.
        """
        check_password(password)
        async with self._room:
            return await asyncio.to_thread(_hash, password)

    async def verify(self, password: str, stored: str) -> bool:
        """Return whether a password is the one of the stored hash; an empty hash takes as long and is never it."""
        if len(password) > LONGEST:
            return False
        if not stored and not self._of_nobody:
            self._of_nobody = await self.hash(os.urandom(_SALT).hex())
        async with self._room:
            is_it = await asyncio.to_thread(_verify, password, stored or self._of_nobody)
        return is_it and bool(stored)


def _hash(password: str) -> str:
    kdf = Argon2id(
        salt=os.urandom(_SALT), length=_HASH, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY
    )
    return kdf.derive_phc_encoded(password.encode(errors="replace"))


def _verify(password: str, stored: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(errors="replace"), stored)
    except InvalidKey:
        return False
    return True
