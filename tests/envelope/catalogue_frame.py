"""Faults of the outer layout: all of them seen before any cryptography, but for the last ones."""

from __future__ import annotations

from collections.abc import Iterator

from tests.envelope.forge import SLOT, Change, Forgery, Slot

Fault = tuple[str, str, bytes]
FRAME = Forgery().to_bytes()
BODY_AT = 70 + SLOT + 12 + 4


def damaged() -> Iterator[Fault]:
    for name, why, change in _cuts():
        yield name, why, change(FRAME)
    yield from _counts()
    yield from _lengths()


def _cuts() -> Iterator[tuple[str, str, Change]]:
    yield "empty", "no byte", lambda _: b""
    yield "magic-only", "4 bytes", lambda data: data[:4]
    yield "magic-case", "magic in small letters", lambda data: b"tse1" + data[4:]
    yield "magic-version", "magic of another version", lambda data: b"TSE2" + data[4:]
    yield "byte-before", "a byte before the magic", lambda data: b"\0" + data
    yield "byte-after", "a byte after the end", lambda data: data + b"\0"
    yield "newline-after", "a newline after the end", lambda data: data + b"\n"
    yield "twice", "two envelopes in one file", lambda data: data + data
    yield "cut-in-header", "ends within the commitment", lambda data: data[:50]
    yield "cut-after-header", "ends before the slots", lambda data: data[:70]
    yield "cut-in-slot", "ends within the slot", lambda data: data[: 70 + 1000]
    yield "cut-before-iv", "ends before the body IV", lambda data: data[: 70 + SLOT]
    yield "cut-before-length", "ends before the body's length", lambda data: data[: BODY_AT - 4]
    yield "cut-in-length", "ends within the body's length", lambda data: data[: BODY_AT - 2]
    yield "cut-before-body", "ends before the body", lambda data: data[:BODY_AT]
    yield "cut-one-byte", "the last byte is missing", lambda data: data[:-1]


def _counts() -> Iterator[Fault]:
    bob, carol, alice = Slot(), Slot("carol", "key"), Slot("alice")
    yield "no-slots", "n = 0, no slot there", Forgery(slots=(), count=0).to_bytes()
    yield "count-zero", "n = 0, one slot there", Forgery(count=0).to_bytes()
    yield "count-three", "n = 3, not a power of two", Forgery(slots=(bob, carol, alice)).to_bytes()
    yield "count-larger", "n = 2, one slot there", Forgery(count=2).to_bytes()
    yield "count-smaller", "n = 1, two slots there", Forgery(slots=(bob, carol), count=1).to_bytes()
    yield "count-2048", "n = 2,048, one slot there", Forgery(count=2048).to_bytes()
    yield "count-32768", "n = 32,768, the largest power of two", Forgery(count=32768).to_bytes()
    yield "count-65535", "n = 65,535, one slot there", Forgery(count=65535).to_bytes()


def _lengths() -> Iterator[Fault]:
    size = len(FRAME) - BODY_AT
    yield "length-zero", "L = 0, a body there", Forgery(length=0).to_bytes()
    yield "length-one-less", "L one less than there is", Forgery(length=size - 1).to_bytes()
    yield "length-one-more", "L one more than there is", Forgery(length=size + 1).to_bytes()
    yield "length-largest", "L = 2**32 - 1", Forgery(length=2**32 - 1).to_bytes()
    yield "no-body", "L = 0, no body", Forgery(body=lambda _: b"").to_bytes()
    yield "body-below-tag", "L = 15, less than a tag", Forgery(body=lambda body: body[:15]).to_bytes()
    yield "body-empty", "the body is the tag of nothing", Forgery(plaintext=lambda _: b"").to_bytes()
    yield "body-three-bytes", "too short for its own length", Forgery(plaintext=lambda _: bytes(3)).to_bytes()
    yield "body-no-message", "a length of zero, and nothing", Forgery(plaintext=lambda _: bytes(4)).to_bytes()
