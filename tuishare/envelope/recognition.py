"""What a file is that should be an envelope and is none: what mail, browsers and people make of one.

Owns the signs by which that is recognised, and what to do about it, in sentences. They follow from the bytes of the
file alone, so they reveal nothing to its author. Pure; it opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Final

from tuishare.envelope.frame import HEADER_SIZE, MAGIC, MAX_SIZE, MAX_SLOTS, frame_size, is_tse1

LOOKED_AT: Final = 64 * 1024
"""Bytes at the beginning of a file that suffice to recognise what is not an envelope."""
_COUNT: Final = struct.Struct(">H")
_LENGTH: Final = struct.Struct(">I")
_ENOUGH: Final = 4096
"""Bytes of an envelope, which are random, among which certain values must occur."""
_ARCHIVES: Final = {
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
}
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_TORRENTS: Final = (b"d8:announce", b"d4:info", b"d13:", b"d7:comment", b"d10:created by")
_MAIL: Final = ("received:", "return-path:", "mime-version:", "delivered-to:", "from:", "content-type:")
_NEW: Final = "Ask the sender for a new copy."
_ATTACH: Final = "Ask the sender to send it in a ZIP archive or by another way."


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a file is.

    Attributes:
        detail: a sentence.
        hint: what helps.
        is_envelope: whether it was an envelope before something changed it, or contains one.
        is_cut: whether only its end is missing, so that it may still be arriving.
    """

    detail: str
    hint: str
    is_envelope: bool = True
    is_cut: bool = False


def recognise(data: bytes, size: int) -> Recognition | None:
    """Return what a file is that does not open as an envelope; None if nothing is known about it.

    Args:
        data: the file, or its first `LOOKED_AT` bytes.
        size: of the file, bytes.
    """
    if not data:
        return Recognition(
            "It is empty", "It is opened when it has content: its download may not have ended.", False, True
        )
    if is_tse1(data):
        return _recognise_changed(data, size)
    for magic, name in _ARCHIVES.items():
        if data.startswith(magic):
            return Recognition(
                f"It is {name}",
                "Unpack it, and put what is in it here.",
                is_envelope=b".torrent.encrypted" in data.lower(),
            )
    if data.startswith(_TORRENTS):
        return Recognition(
            "It is a torrent that is not encrypted", "Open it with a BitTorrent program.", False
        )
    text = _text_of(data)
    return _recognise_text(text) if text else None


def _recognise_changed(data: bytes, size: int) -> Recognition | None:
    """Return what became of a file that starts as an envelope does."""
    whole = _whole_size(data)
    if size == whole:
        return None
    if data.startswith(MAGIC + b"=0"):
        return Recognition("It was encoded as quoted-printable text", _ATTACH)
    if data.count(b"\xef\xbf\xbd") > len(data) // 64:
        return Recognition("It was treated as text, so bytes are lost", _ATTACH)
    if len(data) >= _ENOUGH and b"\r" not in data:
        return Recognition("Its line ends were changed, as by mail: all bytes 13 are gone", _ATTACH)
    if len(data) >= _ENOUGH and data.count(b"\n") == data.count(b"\r\n"):
        return Recognition(
            "Its line ends were changed, as by mail: a byte 13 is before each byte 10", _ATTACH
        )
    if size < whole <= MAX_SIZE:
        return Recognition(
            f"It is not whole yet: {size:,} of {whole:,} bytes or more",
            "It is opened when it is whole. If nothing is copying it any more, copy it once more.",
            is_cut=True,
        )
    if 0 < whole < size:
        return Recognition(f"{size - whole:,} bytes were added at its end", _NEW)
    return None


def _least(data: bytes) -> int:
    """Return the least size of an envelope with the slots that the header names; 0 if that is not an envelope's."""
    if len(data) < len(MAGIC) + _COUNT.size:
        return HEADER_SIZE
    (count,) = _COUNT.unpack_from(data, len(MAGIC))
    return frame_size(count, 0) if 1 <= count <= MAX_SLOTS and not count & (count - 1) else 0


def _whole_size(data: bytes) -> int:
    """Return the size of the envelope that data begins, or its least size if that is beyond the data; 0 if unknown."""
    least = _least(data)
    if not least or len(data) < least:
        return least
    (length,) = _LENGTH.unpack_from(data, least - _LENGTH.size)
    return least + int(length)


def _text_of(data: bytes) -> str:
    """Return what a file says if it is text; empty if it is not."""
    encoding = "utf-16" if data.startswith(_MARKS[1:]) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4:  # not just cut in the middle of a character
            return ""
        text = data[: error.start].decode(encoding, "ignore")
    return "" if "\0" in text else text


def _recognise_text(text: str) -> Recognition | None:
    start = text.lstrip()[:512].lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<?xml")):
        return Recognition(
            "It is a web page, not the file that it should be",
            "Open it in a browser: it may ask you to log in. Then download the file itself.",
            is_envelope=False,
        )
    if text.startswith(MAGIC.decode()):
        return Recognition("It was treated as text, so bytes are lost", _ATTACH)
    if _is_base64(text):
        return Recognition(
            "It is an envelope as base64 text", "Decode it: base64 -d FILE > NAME.torrent.encrypted"
        )
    if start.startswith(_MAIL):
        return Recognition(
            "It is a whole mail",
            "Open it in a mail program, and save its attachment here.",
            is_envelope=".torrent.encrypted" in text.lower(),
        )
    return None


def _is_base64(text: str) -> bool:
    compact = "".join(text[:1024].split())
    try:
        return is_tse1(base64.b64decode(compact[: len(compact) // 4 * 4], validate=True))
    except (binascii.Error, ValueError):
        return False
