"""Text of files and of the clipboard: as editors, mail programs and shells of every system write it.

Owns the encodings. Must not know what the text says.
"""

from __future__ import annotations

import codecs
from typing import Final

from tuishare.errors import BadInput

_ENCODINGS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""By byte order mark; that of UTF-32 begins with that of UTF-16."""


def decode_text(data: bytes, what: str) -> str:
    """Return the text in a file.

    Args:
        data: the file, or its start: UTF-8, UTF-16, or what its byte order mark names.
        what: the noun for errors, such as ``key``.

    Raises:
        BadInput: it is empty, or not text.
    """
    if not data.strip():
        raise BadInput(f"The {what} is empty", hint=f"Copy the line with the {what} into the file.")
    encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:2]:  # UTF-16 without its mark
        encoding = "utf-16-le" if data[1] == 0 else "utf-16-be"
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)  # a start may end inside a character
    except UnicodeDecodeError as error:
        raise BadInput(
            f"The {what} is not text, but {len(data):,} bytes of something else",
            hint="Check that this is the right file.",
        ) from error
