"""Texts that one user copies and another pastes: a prefix, then unpadded base64url of a body and its checksum.

Owns the form, and what is said about a text that was cut off, mistyped, or made by another version. The checksum
distinguishes a typing mistake from an attack, no more. Must not know what a body holds.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tuishare.errors import BadInput

CHECKSUM_SIZE: Final = 6
_BASE64: Final = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class PastedText:
    """One kind of such texts.

    Attributes:
        prefix: of each, with its version: ``tuishare-KIND-vN:``.
        kind: what it is in a sentence that has named it: “invitation”.
        name: what it is in full, with its article: “an invitation”.
        most: characters without white space.
        most_pasted: characters as pasted; the rest is for line wraps.
        checksum: hashes a body; the first `CHECKSUM_SIZE` bytes count.
    """

    prefix: str
    kind: str
    name: str
    most: int
    most_pasted: int
    checksum: Callable[[bytes], bytes]

    def write(self, body: bytes) -> str:
        """Return the text of a body."""
        return self.prefix + _encode(body + self._checksum(body))

    def read(self, text: str) -> bytes:
        """Return the body of a text as it was pasted; white space around and inside it is ignored.

        Raises:
            BadInput: wrong prefix, too long, cut off or mistyped.
        """
        compact = "".join(text[: self.most_pasted].split())
        copy_again = f"Copy the whole {self.kind} again, from '{self.prefix}' to its end."
        if not compact.startswith(self.prefix):
            any_version, _, _ = self.prefix.rpartition("v")
            if compact.startswith(any_version):
                raise BadInput(
                    f"The {self.kind} was made by another version of tuishare", hint="Update tuishare."
                )
            raise BadInput(
                f"{self.name[0].upper()}{self.name[1:]} starts with '{self.prefix}'", hint=copy_again
            )
        if len(text) > self.most_pasted or len(compact) > self.most:
            raise BadInput(f"This text is too long to be {self.name}", hint=copy_again)
        coded = compact.removeprefix(self.prefix)
        data = _decode(coded)
        body = data[:-CHECKSUM_SIZE]
        is_intact = hmac.compare_digest(self._checksum(body), data[len(body) :])
        if not is_intact or _encode(data) != coded:  # bits that are left over have one form
            raise BadInput(
                f"The {self.kind} has a typing mistake: its checksum does not fit", hint=copy_again
            )
        return body

    def _checksum(self, body: bytes) -> bytes:
        return self.checksum(body)[:CHECKSUM_SIZE]


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """Decode as much as there is; nothing where another character stands."""
    if not _BASE64.fullmatch(text):
        return b""
    whole = text[:-1] if len(text) % 4 == 1 else text  # one character alone makes no byte
    return base64.urlsafe_b64decode(whole + "=" * (-len(whole) % 4))
