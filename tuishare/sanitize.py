"""Makes text that others chose safe to show to a person.

This module owns the one rule for which characters may not reach a terminal, a log or a sentence (threat T14). It knows
no markup and no widths: escaping for rich or HTML is the business of whoever draws.
"""

from __future__ import annotations

import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode general categories: controls, formats (bidi, zero width, tags), surrogates, line and paragraph separators."""


def is_unseen(character: str) -> bool:
    """Say whether one character draws nothing itself but may change how its surroundings are drawn."""
    return unicodedata.category(character) in _UNSEEN


def for_display(text: str, limit: int = 80) -> str:
    """Return `text` fit for a sentence: one line, nothing hidden, not long.

    Args:
        text: anything, also with lone surrogates (names that are not UTF-8).
        limit: most characters to return, at least 3; a longer text loses its middle to an ellipsis, because both
            the beginning and the extension tell what a file is.

    Returns:
        The text with each control, format, bidi, separator and surrogate character shown as U+FFFD.
    """
    if len(text) > limit:
        tail = (limit - 1) // 2
        text = f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_REPLACEMENT if is_unseen(character) else character for character in text)
