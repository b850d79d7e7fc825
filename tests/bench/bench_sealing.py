"""Sealing for 100 recipients and opening with three keys.

Run as ``python -m tests.bench.bench_sealing``. Each number is the median of the rounds; the peer is what the same
primitives cost bare: one X-Wing encapsulation per recipient (sealing), one X-Wing trial per slot (opening).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

from tuishare.core.records import ShareRecord
from tuishare.core.share_sealing import create_share_authority, new_secret, new_share_id, seal_share
from tuishare.envelope import CardKey, OpeningKey, UserKey, open_envelope
from tuishare.people import Identity, User, create_identity, generate_key

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def median_ms(work: Callable[[], object], rounds: int) -> float:
    """Time some work; milliseconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def seal_for(users: list[User], identity: Identity) -> bytes:
    """Do what the agent does for a share: authority, a certificate for each recipient, the envelope."""
    now = datetime.now(UTC)
    share = ShareRecord(
        id=new_share_id(),
        path="/x",
        name="x",
        recipients=("@all",),
        transport="tls",
        added=0,
        secret=new_secret(),
        torrent=b"d4:infode" * 2_000,
    )
    return seal_share(
        create_share_authority(share, now), users, identity, contacts=("127.0.0.1:1",), now=now
    ).envelope


def new_identity(folder: str, number: int) -> Identity:
    """Make an identity in a temporary folder."""
    from pathlib import Path

    return create_identity(Path(folder) / f"{number}.key")


def main() -> None:
    """Print medians beside what is wanted."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        identities = [new_identity(folder, number) for number in range(101)]
    sender, others = identities[0], identities[1:]
    users = [User(f"user{number}", card=one.card("bob")) for number, one in enumerate(others)]
    throwaway = MLKEM768X25519PrivateKey(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())
    ciphertext = SUITE.encrypt(bytes(1936), throwaway.public_key())

    sealing = median_ms(lambda: seal_for(users, sender), rounds)
    bare = median_ms(lambda: [SUITE.encrypt(bytes(1936), throwaway.public_key()) for _ in range(128)], rounds)
    envelope = seal_for(users[:63], sender)
    keys: list[OpeningKey] = [
        CardKey(others[0].private_key),
        UserKey(generate_key()),
        UserKey(generate_key()),
    ]
    opening = median_ms(lambda: open_envelope(envelope, keys), rounds)
    trials = median_ms(lambda: [SUITE.decrypt(ciphertext, throwaway) for _ in range(64)], rounds)
    print(
        f"seal, 100 recipients, with certificates     {sealing:7.1f} ms   {sealing / bare:5.2f} x 128 bare encryptions"
    )
    print(
        f"open, 64 slots, 3 keys                    {opening:7.1f} ms   {opening / trials:5.2f} x 64 bare decryptions"
    )
    print(f"wanted: sealing < 150 ms, opening <= 30 ms; measured {sealing:.1f} and {opening:.1f}")


if __name__ == "__main__":
    main()
