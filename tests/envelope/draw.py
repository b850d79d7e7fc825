"""Draws the encapsulations which the vectors are made with (``python -m tests.envelope.draw``).

Done once: no library takes the randomness of an ML-KEM encapsulation from outside, and each draw changes every vector.
"""

from __future__ import annotations

import json

from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PublicKey,
    Suite,
)

from tests.envelope.forge import VECTORS, CardSecret

_COUNTS = {"alice": 1, "bob": 2, "nobody": 2}


def main() -> None:
    """Write `encapsulations.json`."""
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    pool = {}
    for label, count in _COUNTS.items():
        card = CardSecret(label)
        public = MLKEM768X25519PublicKey(card.mlkem.public_key(), card.x25519.public_key())
        pool[label] = [suite.encrypt(b"", public)[:1120].hex() for _ in range(count)]
    VECTORS.mkdir(parents=True, exist_ok=True)
    (VECTORS / "encapsulations.json").write_text(json.dumps(pool, indent=1) + "\n")


if __name__ == "__main__":
    main()
