r"""Text encoding of private keys.

Owns the form: one line, a prefix and the unpadded base64url (RFC 4648, section 5) of the seed and a checksum of 8
bytes, the first ones of SHA-256(label || "/checksum\0" || seed). Must not know which key a seed is for, nor read a
file.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass

_CHECKSUM_SIZE = 8


@dataclass(frozen=True, slots=True)
class KeyEncoding:
    """The encoding of one kind of seed.

    Attributes:
        prefix: of the line.
        label: domain separation of the checksum.
        size: of a seed, in bytes.
    """

    prefix: str
    label: bytes
    size: int

    def checksum(self, seed: bytes) -> bytes:
        """Return the checksum, 8 bytes."""
        return hashlib.sha256(self.label + b"/checksum\0" + seed).digest()[:_CHECKSUM_SIZE]

    def encode(self, seed: bytes) -> str:
        """Return the line, with its end."""
        return self.prefix + base64.urlsafe_b64encode(seed + self.checksum(seed)).decode().rstrip("=") + "\n"

    def decode(self, line: str) -> bytes:
        """Decode a line without its end.

        Raises:
            ValueError: it is not exactly what `encode` returns.
        """
        seed = base64.urlsafe_b64decode(line.removeprefix(self.prefix) + "==")[: self.size]
        # Comparing the whole line covers prefix, length, alphabet, stray bits and checksum at once.
        if len(seed) != self.size or not secrets.compare_digest(
            self.encode(seed).encode(), f"{line}\n".encode()
        ):
            raise ValueError("not a seed of this kind")
        return seed
