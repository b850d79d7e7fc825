"""Sanitizing of untrusted text for display.

Owns the rules for which characters may not reach a terminal, a log or a message, and which hide others (threat T14).
Must not know markup or widths: escaping for rich or HTML is up to the renderer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_VISIBLE_BLANK: Final = "\N{OPEN BOX}"

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode general categories: controls, formats (bidi, zero width, tags), surrogates, line and paragraph separators."""
_MARKS: Final = frozenset({"Mn", "Me"})
_MOST_MARKS: Final = 5
"""Marks on one letter; real scripts use fewer, and more of them cover the lines above and below."""
_EMPTY: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")
"""Letters, marks and symbols without any ink: fillers of Hangul, an empty Braille cell and their like."""
_WIDE: Final = re.compile(r"\s{4,}")
"""Blanks that push the end of a name out of sight."""
_NON_JOINER: Final = "\N{ZERO WIDTH NON-JOINER}"
_JOINER: Final = "\N{ZERO WIDTH JOINER}"
_JOINED_SCRIPTS: Final = (
    *("ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "MANDAIC", "PHAGS-PA", "MANICHAEAN", "ADLAM", "HANIFI"),
    *("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM"),
    *("SINHALA", "KHMER", "MYANMAR", "TIBETAN", "BALINESE", "JAVANESE", "SUNDANESE"),
)
"""Scripts in which a joiner changes how letters look (Unicode 15, chapter 23.2), by the beginning of their names."""


def is_unseen(character: str) -> bool:
    """Whether a character is invisible itself but may change how the text around it is displayed."""
    return unicodedata.category(character) in _UNSEEN


def find_hidden(text: str) -> Iterator[int]:
    """Yield the index of each character that is not seen and changes nothing that is.

    Joiners are seen by what they do: in Persian words, in Indic conjuncts, and in emoji of several people.
    """
    for index, character in enumerate(text):
        if is_unseen(character) and not (_joins_letters(text, index) or _joins_emoji(text, index)):
            yield index


def for_display(text: str, limit: int = 80) -> str:
    """Return `text` safe for display: one line, without invisible characters, at most `limit` characters.

    Args:
        text: any text, also with lone surrogates (names that are not UTF-8).
        limit: maximum length, at least 3; the middle of a longer text is replaced by an ellipsis, because both the
            beginning and the extension identify a file.

    Returns:
        The text with each control, format, bidi, separator, surrogate and empty character, and each mark too many on
        one letter, replaced by U+FFFD, and with four and more blanks in a row shown. Emoji are not joined, which
        terminals measure differently.
    """
    if len(text) > limit:
        tail = (limit - 1) // 2
        text = f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"
    if not (text.isascii() and text.isprintable()):
        text = "".join(_shown(text))
    return _WIDE.sub(lambda blanks: _VISIBLE_BLANK * len(blanks[0]), text)


def _shown(text: str) -> Iterator[str]:
    hidden = frozenset(find_hidden(text))
    marks = 0
    for index, character in enumerate(text):
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        if index in hidden or character in _EMPTY or marks > _MOST_MARKS:
            yield _REPLACEMENT
        elif not _joins_emoji(text, index):
            yield character


def _joins_letters(text: str, index: int) -> bool:
    return (
        text[index] in {_JOINER, _NON_JOINER}
        and 0 < index < len(text) - 1
        and all(_is_joined(text[beside]) for beside in (index - 1, index + 1))
    )


def _is_joined(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_JOINED_SCRIPTS)


def _joins_emoji(text: str, index: int) -> bool:
    if text[index] != _JOINER or not 0 < index < len(text) - 1:
        return False
    before = text[:index].rstrip("\N{VARIATION SELECTOR-16}")[-1:]
    return _is_emoji(before) and _is_emoji(text[index + 1])


def _is_emoji(character: str) -> bool:
    """Return whether a character is a symbol, or one of the five that give it a colour of skin."""
    return bool(character) and unicodedata.category(character) in {"So", "Sk"} and not character.isascii()
