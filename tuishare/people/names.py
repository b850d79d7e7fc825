"""Names of users and groups.

Owns the rule for names from every source. A name appears in terminals, in logs, on the command line and as a folder
under ``downloads/``, so it must be visible, unambiguous and safe in all four. Must not know what is named.
"""

from __future__ import annotations

import unicodedata

from tuishare.errors import BadInput
from tuishare.sanitize import for_display

NAME_CHARACTERS = 64
NAME_BYTES = 255  # NAME_MAX of Linux file systems: the name becomes a folder
_HINT = "Use 1 to 64 visible characters without '/', not starting with '@', '.' or '-'."
# Invisible, yet neither control, format nor space by category: Hangul fillers, the blank Braille cell ...
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# ... and the variation selectors
_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def validate_name(text: str) -> str:
    """Validate a user or group name.

    Args:
        text: the name without ``@``.

    Returns:
        The name in Unicode normal form C.

    Raises:
        BadInput: it is empty, longer than 64 characters or 255 bytes, has invisible or control characters or ``/``,
            or a first character with a meaning on the command line or in a file system.
    """
    if len(text) > 4 * NAME_CHARACTERS:  # before normalizing it
        raise BadInput("A name is far too long", hint=_HINT)
    name = unicodedata.normalize("NFC", text)
    if fault := _find_fault(name):
        raise BadInput(f"The name '{for_display(name)}' {fault}", hint=_HINT)
    return name


def fold_name(name: str) -> str:
    """Return a form that is equal for names considered the same, such as ``Bob`` and ``bob``."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _find_fault(name: str) -> str:
    if not name:
        return "is empty"
    if len(name) > NAME_CHARACTERS or len(name.encode(errors="replace")) > NAME_BYTES:
        return f"is longer than {NAME_CHARACTERS} characters or {NAME_BYTES} bytes"
    if name[0] in "@.-":
        return f"starts with '{name[0]}'"
    if "/" in name:
        return "contains a '/'"
    if any(not _is_visible(character) for character in name):
        return "contains a control or invisible character"
    if unicodedata.category(name[0]).startswith("M"):
        return "starts with a combining mark"
    if name != name.strip() or "  " in name:
        return "starts or ends with a space, or has two in a row"
    return ""


def _is_visible(character: str) -> bool:
    if character == " ":
        return True
    if character in _BLANKS or any(ord(character) in selectors for selectors in _SELECTORS):
        return False
    # C: control, format (bidi), surrogate, private, unassigned; Z: separators
    return unicodedata.category(character)[0] not in "CZ"
