r"""How private keys stand in a file of ours.

Owns the form: one line, a prefix and the unpadded base64url (RFC 4648, section 5) of the seed and a checksum of 8
bytes, the first ones of SHA-256(label || "/checksum\0" || seed). Must not know what a seed is of, nor read a file.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass

_CHECKSUM_SIZE = 8


@dataclass(frozen=True, slots=True)
class KeyEncoding:
    """One kind of seed.

    Attributes:
        prefix: what its line begins with.
        label: what sets its checksum apart from that of other kinds.
        size: of a seed, in bytes.
    """

    prefix: str
    label: bytes
    size: int

    def checksum(self, seed: bytes) -> bytes:
        """Return 8 bytes that tell a damaged line."""
        return hashlib.sha256(self.label + b"/checksum\0" + seed).digest()[:_CHECKSUM_SIZE]

    def encode(self, seed: bytes) -> str:
        """Write the line."""
        return self.prefix + base64.urlsafe_b64encode(seed + self.checksum(seed)).decode().rstrip("=") + "\n"

    def decode(self, line: str) -> bytes:
        """Read a line, without the end of it.

        Raises:
            ValueError: it is not exactly what `encode` writes.
        """
        seed = base64.urlsafe_b64decode(line.removeprefix(self.prefix) + "==")[: self.size]
        # Comparing the whole line covers prefix, length, alphabet, stray bits and checksum at once.
        if len(seed) != self.size or not secrets.compare_digest(
            self.encode(seed).encode(), f"{line}\n".encode()
        ):
            raise ValueError("not a seed of this kind")
        return seed
