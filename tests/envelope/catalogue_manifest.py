"""Faults of the manifest, each in an envelope that is signed and sealed as it should be."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tests.envelope.forge import MANIFEST, Forgery, pack, pack_in_order, replaced

Fault = tuple[str, str, bytes]
DATA = pack(MANIFEST)


def damaged() -> Iterator[Fault]:
    for name in MANIFEST:
        without = {key: value for key, value in MANIFEST.items() if key != name}
        yield f"no-{name}", f"{name} is missing", _envelope(pack(without))
    for name, why, changes in (*_values(), *_lists(), *_unknown()):
        yield name, why, _envelope(pack(MANIFEST | changes))
    for name, why, data in _encoding():
        yield name, why, _envelope(data)


def _envelope(manifest: bytes) -> bytes:
    return Forgery(manifest=manifest).to_bytes()


def _values() -> Iterator[tuple[str, str, dict[str, object]]]:
    yield "kind-unknown", "a kind of a later version", {"kind": "gift"}
    yield "kind-case", "kind in capitals", {"kind": "SHARE"}
    yield "kind-nil", "no kind", {"kind": None}
    yield "transport-unknown", "a transport of a later version", {"transport": "quic"}
    yield "share-15", "a share id of 15 bytes", {"share_id": bytes(15)}
    yield "share-17", "a share id of 17 bytes", {"share_id": bytes(17)}
    yield "share-text", "the share id as text", {"share_id": "s" * 16}
    yield "generation-zero", "generation 0", {"generation": 0}
    yield "generation-negative", "generation -1", {"generation": -1}
    yield "generation-64-bit", "generation 2**63", {"generation": 2**63}
    yield "generation-true", "generation true", {"generation": True}
    yield "generation-real", "generation 1.0", {"generation": 1.0}
    yield "created-negative", "made before 1970", {"created": -1}
    yield "created-year-10000", "made after the last year there is", {"created": 253_402_300_800}
    yield "created-nil", "no time of making", {"created": None}
    yield "not-after-year-10000", "void after the last year there is", {"not_after": 253_402_300_800}
    yield "not-after-text", "its end as text", {"not_after": "1790000000"}
    yield "torrent-nil", "no torrent", {"torrent": None}
    yield "torrent-text", "the torrent as text", {"torrent": "d4:infode"}
    yield "tls-without-root", "a tls swarm without a root certificate", {"root_certificate": None}
    yield "plain-with-root", "a plain swarm with a root certificate", {"transport": "plain"}
    yield "root-empty", "an empty root certificate", {"root_certificate": b""}
    yield "note-501", "a note of 501 code points", {"note": "n" * 501}
    yield "note-binary", "the note as bytes", {"note": b"note"}
    yield "note-nil", "nil for a note", {"note": None}


def _lists() -> Iterator[tuple[str, str, dict[str, object]]]:
    yield "contacts-65", "65 contacts", {"contacts": ["h:1"] * 65}
    yield "contacts-nil", "nil for contacts", {"contacts": None}
    yield "contact-empty", "an empty contact", {"contacts": [""]}
    yield "contact-301", "a contact of 301 code points", {"contacts": ["h" * 301]}
    yield "contact-binary", "a contact as bytes", {"contacts": [b"h:1"]}
    yield "announce-17", "17 trackers", {"announce": [{"pin": None, "url": "u"}] * 17}
    yield "announce-text", "a tracker as text", {"announce": ["http://t/announce"]}
    yield "announce-no-pin", "pin absent instead of nil", {"announce": [{"url": "u"}]}
    yield "announce-no-url", "a tracker without a URL", {"announce": [{"pin": None}]}
    yield "url-empty", "an empty URL", {"announce": [{"pin": None, "url": ""}]}
    yield "url-2049", "a URL of 2,049 code points", {"announce": [{"pin": None, "url": "u" * 2049}]}
    yield "pin-31", "a pin of 31 bytes", {"announce": [{"pin": bytes(31), "url": "u"}]}
    yield "pin-hex", "a pin as hexadecimal text", {"announce": [{"pin": "00" * 32, "url": "u"}]}


def _unknown() -> Iterator[tuple[str, str, dict[str, object]]]:
    yield "unknown-real", "a floating-point number in an unknown field", {"z": 1.5}
    yield "unknown-extension", "an extension type in an unknown field", {"z": msgspec.msgpack.Ext(1, b"x")}
    yield "unknown-timestamp", "a timestamp in an unknown field", {"z": msgspec.msgpack.Ext(-1, bytes(4))}
    yield "unknown-too-deep", "an unknown field nested 17 deep, the map counted", {"z": nested(16)}
    yield (
        "unknown-far-too-deep",
        "an unknown field nested 2,000 deep",
        {"z": msgspec.Raw(b"\x91" * 2000 + b"\xc0")},
    )


def _encoding() -> Iterator[Fault]:
    entries = DATA[1:]
    yield "unsorted", "keys not ascending", pack_in_order(**dict(sorted(MANIFEST.items(), reverse=True)))
    yield "double-key", "kind twice, with two values", b"\x8c" + entries + pack({"kind": "renew"})[1:]
    yield "double-unknown", "an unknown key twice", b"\x8d" + entries + b"\xa1z\x01\xa1z\x01"
    yield (
        "unknown-unsorted",
        "an unknown field where its key does not belong",
        b"\x8c" + b"\xa1z\x01" + entries,
    )
    yield "unknown-key-number", "a number for a key", b"\x8c\x01\x01" + entries
    yield (
        "unknown-inner-key",
        "a number for a key within an unknown field",
        b"\x8c" + entries + b"\xa1z\x81\x01\x01",
    )
    yield "unknown-long-form", "an unknown number in a longer form", b"\x8c" + entries + b"\xa1z\xcc\x01"
    yield (
        "long-number",
        "generation in a longer form",
        replaced(DATA, b"generation\x03", b"generation\xcc\x03"),
    )
    yield "long-text", "kind in a longer form", replaced(DATA, b"\xa5share", b"\xd9\x05share")
    yield "long-key", "a key in a longer form", replaced(DATA, b"\xa4kind", b"\xd9\x04kind")
    yield "long-list", "contacts in a longer form", replaced(DATA, b"contacts\x91", b"contacts\xdc\x00\x01")
    yield "long-map", "the map's count in a longer form", b"\xde\x00\x0b" + entries
    yield "text-not-utf-8", "a note that is not UTF-8", replaced(DATA, b"for you", b"for yo\xff")
    yield (
        "text-surrogate",
        "a note with an encoded surrogate",
        replaced(DATA, b"for you", b"for \xed\xa0\x80"),
    )
    yield "trailing", "a byte after the map", DATA + b"\xc0"
    yield "cut", "the last byte is missing", DATA[:-1]
    yield "empty", "no byte", b""
    yield "deep", "arrays nested 2,000 deep instead of a map", b"\x91" * 2000 + b"\xc0"
    yield "array", "an array instead of a map", pack([value for _, value in sorted(MANIFEST.items())])
    yield "never-used", "the byte which MessagePack never uses", b"\xc1"


def nested(depth: int) -> object:
    """A list in a list in a list …, `depth` of them."""
    value: object = None
    for _ in range(depth):
        value = [value]
    return value
