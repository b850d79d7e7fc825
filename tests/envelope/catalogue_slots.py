"""Faults of slots and tickets."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tests.envelope.forge import TICKET, Forgery, Slot, flipped, pack, pack_in_order, replaced, seed

Fault = tuple[str, str, bytes]
OTHER_KEY = seed("another content key", 32)
SHORT_MAP = pack(TICKET)


def damaged() -> Iterator[Fault]:
    for name, why, slot in _malformed_slots():
        yield name, why, Forgery(slots=(slot,)).to_bytes()
    for name, why, ticket in _malformed_tickets():
        yield f"ticket-{name}", why, Forgery(slots=(Slot(ticket=ticket),)).to_bytes()
    twice = (Slot(pool=0), Slot(pool=1))
    yield "twice", "one key opens two slots", Forgery(slots=twice).to_bytes()
    carol = Slot("carol", "key", content_key=OTHER_KEY)
    yield (
        "second-uncommitted",
        "the second key's slot holds another content key",
        Forgery(slots=(Slot(), carol)).to_bytes(),
    )
    carol = Slot("carol", "key", ticket=b"")
    yield (
        "second-malformed",
        "the second key's slot holds no ticket",
        Forgery(slots=(Slot(), carol)).to_bytes(),
    )
    uncommitted = seed("a commitment to nothing", 32)
    yield (
        "uncommitted",
        "the commitment is to another content key",
        Forgery(commitment=uncommitted).to_bytes(),
    )


def _malformed_slots() -> Iterator[tuple[str, str, Slot]]:
    first, size = 34 + len(SHORT_MAP), 1936
    yield "other-content-key", "the content key is not the one committed to", Slot(content_key=OTHER_KEY)
    yield "padding-first", "the first padding byte is 1", Slot(plain=lambda data: _put(data, first, b"\x01"))
    yield "padding-last", "the last padding byte is 1", Slot(plain=lambda data: _put(data, size - 1, b"\x01"))
    yield "padding-spaces", "padded with spaces", Slot(plain=lambda data: data[:first].ljust(size, b" "))
    yield (
        "length-beyond",
        "the ticket's length points beyond the slot",
        Slot(plain=lambda data: _put(data, 32, b"\xff\xff")),
    )
    yield "length-one-less", "the ticket's length is one less", Slot(plain=lambda data: _add(data, -1))
    yield "length-one-more", "the ticket's length is one more", Slot(plain=lambda data: _add(data, 1))
    yield (
        "length-little-endian",
        "the ticket's length has its bytes swapped",
        Slot(plain=lambda data: _put(data, 32, data[33:34] + data[32:33])),
    )
    yield (
        "key-padding-last",
        "a key slot's last padding byte is 1",
        Slot("carol", "key", plain=lambda data: _put(data, 1923, b"\x01")),
    )


def _malformed_tickets() -> Iterator[tuple[str, str, bytes]]:
    passkey, leaf, key = TICKET["passkey"], TICKET["leaf_certificate"], TICKET["leaf_key"]
    yield "empty", "no ticket", b""
    yield "nil", "nil", b"\xc0"
    yield "array", "an array instead of a map", pack([leaf, key, passkey])
    yield (
        "unsorted",
        "keys not ascending",
        pack_in_order(passkey=passkey, leaf_certificate=leaf, leaf_key=key),
    )
    yield "double-key", "passkey twice", b"\x84" + SHORT_MAP[1:] + pack_in_order(passkey=passkey)[1:]
    yield "unknown-field", "a field too many", pack(TICKET | {"other": 1})
    yield (
        "unknown-deep",
        "such a field nested 1,500 deep",
        pack(TICKET | {"other": msgspec.Raw(b"\x91" * 1500 + b"\xc0")}),
    )
    yield "deep", "arrays nested 1,500 deep instead of a map", b"\x91" * 1500 + b"\xc0"
    yield "no-passkey", "no passkey", pack({"leaf_certificate": leaf, "leaf_key": key})
    yield "no-leaf", "leaf fields absent instead of nil", pack({"passkey": passkey})
    yield "passkey-31", "a passkey of 31 bytes", pack(TICKET | {"passkey": passkey[:31]})
    yield "passkey-33", "a passkey of 33 bytes", pack(TICKET | {"passkey": passkey + b"x"})
    yield "passkey-text", "the passkey as text", pack(TICKET | {"passkey": "p" * 32})
    yield "passkey-nil", "the passkey as nil", pack(TICKET | {"passkey": None})
    yield "certificate-alone", "a certificate without key", pack(TICKET | {"leaf_key": None})
    yield "key-alone", "a key without certificate", pack(TICKET | {"leaf_certificate": None})
    yield "certificate-empty", "an empty certificate", pack(TICKET | {"leaf_certificate": b""})
    yield (
        "long-form",
        "a length in two bytes where one does",
        replaced(SHORT_MAP, b"\xc4\x20", b"\xc5\x00\x20"),
    )
    yield "long-map", "a map count in two bytes", b"\xde\x00\x03" + SHORT_MAP[1:]
    yield "trailing", "a byte after the map", SHORT_MAP + b"\xc0"
    yield "cut", "the last byte is missing", SHORT_MAP[:-1]
    yield (
        "too-long",
        "1,891 bytes, which a card slot would hold",
        ticket_of(1891),
    )


def not_for_us() -> Iterator[Fault]:
    for name, why, slot in _strange_slots():
        yield name, why, Forgery(slots=(slot,)).to_bytes()


def _strange_slots() -> Iterator[tuple[str, str, Slot]]:
    yield "other-card", "a slot for somebody else", Slot("alice")
    yield "other-key", "a slot under another user key", Slot("dave", "key")
    yield "card-label", "a card slot with another domain string", Slot(label=b"tuishare/TSE2/slot")
    yield "card-no-label", "a card slot bound to the key slots' domain", Slot(label=b"tuishare/TSE1/key-slot")
    yield "card-other-id", "a card slot of another envelope", Slot(bound_to=lambda head: flipped(head, 6))
    yield (
        "card-other-commitment",
        "a card slot of another commitment",
        Slot(bound_to=lambda head: flipped(head, 69)),
    )
    yield (
        "card-other-count",
        "a card slot of an envelope of two",
        Slot(bound_to=lambda head: flipped(head, 5)),
    )
    yield "card-unbound", "a card slot bound to nothing", Slot(bound_to=lambda _: b"")
    yield (
        "card-associated",
        "a card slot with associated data",
        Slot(associated=lambda _: seed("associated", 8)),
    )
    yield "card-tag", "the last bit of a card slot", Slot(sealed=lambda slot: flipped(slot, 3071))
    yield "card-lattice", "the first bit of its ML-KEM ciphertext", Slot(sealed=lambda slot: flipped(slot, 0))
    yield (
        "card-high-bit",
        "the bit of its X25519 point which X25519 ignores",
        Slot(sealed=lambda slot: flipped(slot, 1119, 0x80)),
    )
    yield (
        "card-small-order",
        "its X25519 point is zero",
        Slot(sealed=lambda slot: slot[:1088] + bytes(32) + slot[1120:]),
    )
    yield "card-zero", "a slot of zeros", Slot(sealed=lambda slot: bytes(len(slot)))
    yield (
        "key-label",
        "a key slot with the card slots' domain string",
        Slot("carol", "key", label=b"tuishare/TSE1/slot"),
    )
    yield (
        "key-other-id",
        "a key slot of another envelope",
        Slot("carol", "key", bound_to=lambda head: flipped(head, 6)),
    )
    yield (
        "key-unbound",
        "a key slot whose key is bound to nothing",
        Slot("carol", "key", bound_to=lambda _: b""),
    )
    yield (
        "key-no-associated",
        "a key slot without associated data",
        Slot("carol", "key", associated=lambda _: b""),
    )
    yield "key-salt", "a bit of a key slot's salt", Slot("carol", "key", sealed=lambda slot: flipped(slot, 0))
    yield "key-iv", "a bit of a key slot's IV", Slot("carol", "key", sealed=lambda slot: flipped(slot, 1120))
    yield (
        "key-tag",
        "the last bit of a key slot",
        Slot("carol", "key", sealed=lambda slot: flipped(slot, 3071)),
    )


def _put(data: bytes, at: int, what: bytes) -> bytes:
    return data[:at] + what + data[at + len(what) :]


def _add(data: bytes, step: int) -> bytes:
    return _put(data, 32, (int.from_bytes(data[32:34], "big") + step).to_bytes(2, "big"))


def ticket_of(size: int) -> bytes:
    """A ticket that takes so many bytes, at least a thousand."""
    around = len(pack(TICKET | {"leaf_certificate": bytes(256)})) - 256
    return pack(TICKET | {"leaf_certificate": bytes(size - around)})
