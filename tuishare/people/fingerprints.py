"""Fingerprints of cards, for two users to compare.

Owns the digest over a card's keys and its two spellings. The words are the English list of BIP-39, taken
unchanged from the PyPI package ``mnemonic`` 0.21 (MIT, see ``wordlist/LICENSE``). Must not mark a user as verified:
that is the user's decision.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
import re
from dataclasses import dataclass

from tuishare.errors import BadInput
from tuishare.sanitize import for_display

WORD_COUNT = 12
_WORD_BITS = 11  # 2,048 words
_BASE32_BYTES = 20  # 160 bits are 32 characters without padding
_BASE32 = re.compile(r"[A-Z2-7]{32}")
_DOMAIN = b"tuishare/fingerprint/v1"
_KEY_BYTES = 10  # 80 bits are 16 characters without padding


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """SHA-256 over the two public keys of a card.

    The name is not part of it: users may know each other by different names.

    Attributes:
        digest: 32 bytes.
    """

    digest: bytes

    @classmethod
    def of_keys(cls, public_key: bytes, signer: bytes) -> Fingerprint:
        """Compute the fingerprint from the X-Wing key (1,216 bytes) and the Ed25519 key (32 bytes) of a card."""
        return cls(hashlib.sha256(_DOMAIN + public_key + signer).digest())

    @property
    def words(self) -> tuple[str, ...]:
        """Its first 132 bits as 12 words of the BIP-39 English list."""
        return spell_words(self.digest, WORD_COUNT)

    @property
    def base32(self) -> str:
        """Its first 160 bits as 32 characters (RFC 4648, section 6) in groups of four."""
        return _group(self.digest[:_BASE32_BYTES])

    def matches(self, text: str) -> bool:
        """Compare with typed text: the 12 words or the 32 characters.

        Case, spaces, line breaks, commas and hyphens are ignored. The whole fingerprint is required: a few of its
        words prove nothing.

        Raises:
            BadInput: the text has neither form.
        """
        parts = re.findall(r"[^\s,-]+", text[:1024].lower())
        if _BASE32.fullmatch("".join(parts).upper()):
            return "".join(parts).upper() == self.base32.replace(" ", "")
        for part in parts:
            if part not in _load_words():
                raise BadInput(
                    f"'{for_display(part, 20)}' is not a word of a fingerprint",
                    hint=f"Type its {WORD_COUNT} words, or its 32 letters and digits.",
                )
        if len(parts) != WORD_COUNT:
            raise BadInput(
                f"A fingerprint has {WORD_COUNT} words, not {len(parts)}", hint="Compare all of them."
            )
        return tuple(parts) == self.words


def name_key(signer: bytes) -> str:
    """Return a name for a signing key whose card is unknown: its first 80 bits, as 16 characters in groups of four.

    It tells keys apart on a screen; it is no fingerprint, and nothing is to be verified by it.
    """
    return _group(signer[:_KEY_BYTES])


def _group(data: bytes) -> str:
    text = base64.b32encode(data).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def spell_words(digest: bytes, count: int) -> tuple[str, ...]:
    """Return the first bits of a digest as words of the BIP-39 English list, 11 bits each.

    Args:
        digest: 32 bytes.
        count: of words, at most 23.
    """
    bits = int.from_bytes(digest, "big") >> (256 - count * _WORD_BITS)
    indices = [bits >> (_WORD_BITS * place) & 0x7FF for place in reversed(range(count))]
    return tuple(_load_words()[index] for index in indices)


@functools.cache
def _load_words() -> tuple[str, ...]:
    return tuple((importlib.resources.files(__package__) / "wordlist" / "english.txt").read_text().split())
