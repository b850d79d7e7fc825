"""The committed vectors: writing them (``python -m tests.envelope.vectors``) and reading them back.

Each is ``NAME.tse`` beside an ``index.json`` which says what must come of it and with which keys, so that a reader in
another language can be tested with them as they are.
"""

from __future__ import annotations

import msgspec

from tests.envelope.catalogue import Outcome, catalogue
from tests.envelope.forge import VECTORS, CardSecret, seed


class Entry(msgspec.Struct, frozen=True):
    """What `index.json` says of one vector."""

    name: str
    why: str
    outcome: Outcome
    keys: tuple[str, ...]
    key_index: int | None


class Index(msgspec.Struct, frozen=True):
    """`index.json`: the keys as hexadecimal seeds, then the vectors."""

    cards: dict[str, dict[str, str]]
    user_keys: dict[str, str]
    vectors: tuple[Entry, ...]


def read_index() -> Index:
    return msgspec.json.decode((VECTORS / "index.json").read_bytes(), type=Index)


def make_index() -> Index:
    return Index(
        cards={label: _seeds(label) for label in ("alice", "bob")},
        user_keys={label: seed(f"{label} user key", 32).hex() for label in ("carol", "dave")},
        vectors=tuple(Entry(v.name, v.why, v.outcome, v.keys, v.key_index) for v in catalogue()),
    )


def _seeds(label: str) -> dict[str, str]:
    mlkem, x25519 = CardSecret(label).mlkem, CardSecret(label).x25519
    return {"ml-kem-768": mlkem.private_bytes_raw().hex(), "x25519": x25519.private_bytes_raw().hex()}


def main() -> None:
    """Write all vectors anew."""
    for stale in VECTORS.glob("*.tse"):
        stale.unlink()
    for vector in catalogue():
        (VECTORS / f"{vector.name}.tse").write_bytes(vector.data)
    index = msgspec.json.format(msgspec.json.encode(make_index()), indent=1)
    (VECTORS / "index.json").write_bytes(index + b"\n")


if __name__ == "__main__":
    main()
