"""The key of a user, as people have it in a file or on the clipboard.

Owns what is accepted besides the 64 digits, and what other things are called that are given instead of a key. No
sentence repeats a part of the input, which may be another secret.
"""

from __future__ import annotations

import re
from typing import Final

from tuishare.errors import BadInput
from tuishare.people.keys import parse_key

_OTHERS: Final = (
    ("tse1", "an envelope"),
    ("tuishare-card", "a card, which is no secret"),
    ("tuishare-", "a line of tuishare, but not the key of a user"),
    ("-----begin", "a PEM file"),
    ("age-secret-key", "a key of age"),
    ("ssh-", "a key of SSH"),
    ("<", "a web page"),
    ("{", "JSON"),
)
"""How other things begin, in lower case."""
_DIGITS: Final = re.compile(r"[0-9a-fA-F]+")
_LENGTH: Final = 64
_FORM: Final = "A key is 64 hexadecimal digits."


def read_key_line(text: str) -> bytes:
    """Return the key in a text: 64 hexadecimal digits, or the line ``NAME<tab>KEY`` that `create` prints.

    Returns:
        32 bytes.

    Raises:
        BadInput: there is no key, or several.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise BadInput("The key is empty", hint=_FORM)
    for start, what in _OTHERS:
        if lines[0].lower().startswith(start):
            raise BadInput(f"This is {what}, not a key", hint=_FORM)
    if len(lines) > 1:
        raise BadInput(
            f"There are {len(lines)} lines, but a key is one of them",
            hint="Keep only the line of the recipient.",
        )
    key = lines[0].split()[-1]
    if _DIGITS.fullmatch(lines[0]) and len(key) != _LENGTH:
        raise BadInput(
            f"A key must be {_LENGTH} hexadecimal digits, not {len(key)}", hint="Copy the whole key again."
        )
    return parse_key(key)
