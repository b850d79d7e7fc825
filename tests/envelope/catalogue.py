"""The known-answer vectors: valid envelopes, and envelopes with exactly one fault each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tests.envelope import catalogue_body, catalogue_frame, catalogue_manifest, catalogue_slots
from tests.envelope.forge import MANIFEST, TICKET, Forgery, Slot, pack

Outcome = Literal["opens", "NotForUs", "Damaged"]


@dataclass(frozen=True, slots=True)
class Vector:
    """One file and what must come of it.

    Attributes:
        name: file name without its suffix.
        why: the fault, or what is special about a valid one.
        data: the file.
        outcome: that of opening with `keys`.
        keys: labels, ``card:bob`` or ``key:carol``, in the order given to the reader.
        key_index: which of them opens it, for a valid one.
    """

    name: str
    why: str
    data: bytes
    outcome: Outcome
    keys: tuple[str, ...] = ("card:bob",)
    key_index: int | None = None


def catalogue() -> Iterator[Vector]:
    yield from _valid()
    for name, why, data in catalogue_frame.damaged():
        yield Vector(f"frame-{name}", why, data, "Damaged")
    for name, why, data in catalogue_slots.damaged():
        yield Vector(f"slot-{name}", why, data, "Damaged", ("card:bob", "key:carol"))
    for name, why, data in catalogue_slots.not_for_us():
        yield Vector(f"locked-{name}", why, data, "NotForUs", ("card:bob", "key:carol"))
    for name, why, data in catalogue_body.damaged():
        yield Vector(f"body-{name}", why, data, "Damaged")
    for name, why, data in catalogue_manifest.damaged():
        yield Vector(f"manifest-{name}", why, data, "Damaged")


def _valid() -> Iterator[Vector]:
    carol = Slot("carol", kind="key")
    filler = Slot("nobody", content_key=bytes(32), ticket=b"", pool=1)
    four = (filler, carol, Slot("alice"), Slot())
    yield _opens("card", "one card slot", Forgery())
    yield _opens("key", "one key slot", Forgery(slots=(carol,)), keys=("key:carol",))
    yield _opens("filler", "sender, card, key and filler in four slots", Forgery(slots=four))
    yield _opens("sender", "the sender opens his own", Forgery(slots=four), keys=("card:alice",))
    yield _opens(
        "second-key", "the first key opens nothing", Forgery(slots=four), 1, ("key:dave", "key:carol")
    )
    yield _opens(
        "both-keys",
        "two keys open a slot each: the first counts",
        Forgery(slots=four),
        0,
        ("key:carol", "card:bob"),
    )
    for name, why, changes in _valid_manifests():
        yield _opens(name, why, Forgery(manifest=pack(MANIFEST | changes)))
    bare = TICKET | {"leaf_certificate": None, "leaf_key": None}
    plain = pack(MANIFEST | {"transport": "plain", "root_certificate": None})
    yield _opens("plain", "a plain swarm", Forgery(slots=(Slot(ticket=pack(bare)),), manifest=plain))
    longest = catalogue_slots.ticket_of(1890)
    yield _opens("longest-ticket", "a ticket of 1,890 bytes", Forgery(slots=(Slot(ticket=longest),)))
    yield _opens(
        "longest-in-key",
        "the same in a key slot",
        Forgery(slots=(Slot("carol", "key", ticket=longest),)),
        keys=("key:carol",),
    )


def _valid_manifests() -> Iterator[tuple[str, str, dict[str, object]]]:
    yield "renew", "kind renew, no torrent", {"kind": "renew", "torrent": b""}
    yield "not-after", "an end is set, the last second there is", {"not_after": 253_402_300_799}
    yield "last-generation", "the largest generation", {"generation": 2**63 - 1}
    yield "unknown-field", "a field of a later version is ignored", {"a_later_field": [1, {"k": b"v"}, True]}
    yield (
        "unknown-in-announce",
        "likewise inside announce",
        {"announce": [{"pin": None, "tier": 1, "url": "udp://t:1"}]},
    )
    yield "empty-lists", "no contact, no tracker, no note", {"contacts": [], "announce": [], "note": ""}
    yield "longest-note", "500 code points of 4 bytes", {"note": "🌍" * 500}
    yield (
        "most-contacts",
        "64 contacts and 16 trackers",
        {
            "contacts": [f"h{n}:1" for n in range(64)],
            "announce": [{"pin": None, "url": f"http://t{n}/"} for n in range(16)],
        },
    )
    yield "deepest", "an unknown field nested 16 deep, the map counted", {"z": catalogue_manifest.nested(15)}


def _opens(
    name: str, why: str, forgery: Forgery, key_index: int = 0, keys: tuple[str, ...] = ("card:bob",)
) -> Vector:
    return Vector(f"valid-{name}", why, forgery.to_bytes(), "opens", keys, key_index)
