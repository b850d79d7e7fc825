"""What mail, browsers and people make of an envelope is recognised."""

from __future__ import annotations

import base64
import random

import pytest

from tuishare.envelope import recognise
from tuishare.envelope.frame import HEADER_SIZE, MAGIC, frame_size

BODY = 5000


def envelope() -> bytes:
    """Return bytes with an intact frame around random ones."""
    noise = random.Random(7).randbytes(frame_size(1, BODY))
    data = bytearray(MAGIC + b"\0\1" + noise[6:])
    data[frame_size(1, 0) - 4 : frame_size(1, 0)] = BODY.to_bytes(4, "big")
    return bytes(data)


WHOLE = envelope()
CASES = {
    "It is empty": b"",
    "It is a ZIP archive": b"PK\3\4" + bytes(26) + b"film.torrent.encrypted" + WHOLE[:100],
    "It is a gzip archive": b"\x1f\x8b\x08" + bytes(20),
    "as base64 text": base64.encodebytes(WHOLE),
    "quoted-printable": MAGIC + b"=00=01" + b"=AB" * 20,
    "a byte 13 is before": WHOLE.replace(b"\n", b"\r\n"),
    "all bytes 13 are gone": WHOLE.replace(b"\r", b""),
    "treated as text": WHOLE.decode("utf-8", "replace").encode(),
    "a web page": b"\n<!DOCTYPE html><title>Log in</title>",
    "a whole mail": b"Return-Path: <a@b>\r\nSubject: film.torrent.encrypted\r\n\r\nHello",
    "not encrypted": b"d8:announce3:abce",
    "not whole yet": WHOLE[: len(WHOLE) // 2],
    "2 bytes were added": WHOLE + b"\r\n",
}


@pytest.mark.parametrize("said", CASES)
def test_what_an_envelope_became_is_said(said: str) -> None:
    data = CASES[said]
    finding = recognise(data, len(data))
    assert finding is not None
    assert said in finding.detail
    assert finding.hint
    assert finding.is_cut == (said in {"It is empty", "not whole yet"})


@pytest.mark.parametrize("data", [WHOLE, b"notes", bytes(range(256)) * 4, "Grüße".encode()])
def test_about_an_intact_one_and_other_files_nothing_is_said(data: bytes) -> None:
    assert recognise(data, len(data)) is None


def test_every_beginning_is_a_cut_one_whatever_its_length() -> None:
    for size in (5, HEADER_SIZE, frame_size(1, 0) - 1, frame_size(1, 0), len(WHOLE) - 1):
        finding = recognise(WHOLE[:size], size)
        assert finding is not None
        assert finding.is_cut
