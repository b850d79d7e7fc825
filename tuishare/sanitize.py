"""Sanitizing of untrusted text for display.

Owns the rule for which characters may not reach a terminal, a log or a message (threat T14). Must not know markup or
widths: escaping for rich or HTML is up to the renderer.
"""

from __future__ import annotations

import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode general categories: controls, formats (bidi, zero width, tags), surrogates, line and paragraph separators."""


def is_unseen(character: str) -> bool:
    """Whether a character is invisible itself but may change how the text around it is displayed."""
    return unicodedata.category(character) in _UNSEEN


def for_display(text: str, limit: int = 80) -> str:
    """Return `text` safe for display: one line, without invisible characters, at most `limit` characters.

    Args:
        text: any text, also with lone surrogates (names that are not UTF-8).
        limit: maximum length, at least 3; the middle of a longer text is replaced by an ellipsis, because both the
            beginning and the extension identify a file.

    Returns:
        The text with each control, format, bidi, separator and surrogate character replaced by U+FFFD.
    """
    if len(text) > limit:
        tail = (limit - 1) // 2
        text = f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_REPLACEMENT if is_unseen(character) else character for character in text)
