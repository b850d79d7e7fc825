"""The keys of former identities, and the state of a key rotation.

Owns the files beside ``identity.key``:

- ``identity.retired/``, one file for each former identity: ``tuishare-retired-v1:`` and the unpadded base64url of its
  X-Wing private key (ML-KEM-768 seed, 64 bytes; X25519 key, 32) and a checksum of 8 bytes, so that what was sealed for
  the former card still opens. The former signing key is not kept: it must never sign again.
  - ``identity.succession``, the former identity's signature for this one, see `tuishare.people.key_rotation`.
  - ``identity.rotated``, empty: shares sealed with a former identity have to be sealed again.

  Must not know how an identity is created.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from tuishare.errors import BadConfiguration, BadInput, NotFound
from tuishare.fs.atomic import make_private, publish
from tuishare.fs.private_files import read_private
from tuishare.people.key_encoding import KeyEncoding
from tuishare.people.key_rotation import KeyRotation, parse_succession

RETIRED_PREFIX: Final = "tuishare-retired-v1:"
_FORM: Final = KeyEncoding(RETIRED_PREFIX, b"tuishare/retired/v1", 64 + 32)
_FILE_LIMIT = 4096
_SUCCESSION_LIMIT = 65_536


def retire(identity_file: Path, seed: bytes) -> None:
    """Store the X-Wing key of an identity that is about to be replaced, and mark the rotation as unfinished.

    Args:
        identity_file: path of the identity.
        seed: of its X-Wing key, 96 bytes.

    Raises:
        SystemFailed: it cannot be written.
    """
    folder = retired_folder(identity_file)
    make_private(folder)
    publish(folder / f"{_FORM.checksum(seed).hex()}.key", _FORM.encode(seed).encode())
    publish(_mark(identity_file), b"")


def read_retired(identity_file: Path) -> tuple[MLKEM768X25519PrivateKey, ...]:
    """Read the X-Wing private keys of all former identities.

    Raises:
        BadConfiguration: one is damaged, not a regular file, not ours, or accessible to group or others.
        SystemFailed: one cannot be read.
    """
    folder = retired_folder(identity_file)
    files = sorted(folder.glob("*.key")) if folder.is_dir() else []
    return tuple(load_seed(_decode(file, read_private(file, _FILE_LIMIT).strip())) for file in files)


def load_seed(seed: bytes) -> MLKEM768X25519PrivateKey:
    """Return the X-Wing private key for a seed of 96 bytes."""
    mlkem_key = MLKEM768PrivateKey.from_seed_bytes(seed[:64])
    return MLKEM768X25519PrivateKey(mlkem_key, X25519PrivateKey.from_private_bytes(seed[64:]))


def write_succession(identity_file: Path, succession: KeyRotation) -> None:
    """Store the former identity's signature for the next one.

    Raises:
        SystemFailed: it cannot be written.
    """
    publish(_succession(identity_file), f"{succession}\n".encode())


def read_succession(identity_file: Path, signer: bytes) -> KeyRotation | None:
    """Read the succession of the identity with that Ed25519 public key; None for a first identity.

    A crash during a rotation leaves a last link for an identity that does not exist; the links before it are valid.

    Raises:
        BadConfiguration: the file is damaged or must not be used.
        SystemFailed: it cannot be read.
    """
    path = _succession(identity_file)
    try:
        links = parse_succession(read_private(path, _SUCCESSION_LIMIT)).links
    except NotFound:
        return None
    except BadInput as error:
        raise BadConfiguration(
            f"{path} is damaged: {error.detail}", hint="Restore it from a backup, or remove it."
        ) from error
    while links and links[-1].card.signer != signer:
        links = links[:-1]
    return KeyRotation(links) if links else None


def is_rotated(identity_file: Path) -> bool:
    """Whether shares may still be sealed with a former identity."""
    return _mark(identity_file).exists()


def finish_rotation(identity_file: Path) -> None:
    """Record that all shares are sealed with the present identity."""
    _mark(identity_file).unlink(missing_ok=True)


def retired_folder(identity_file: Path) -> Path:
    """Return the folder of the private keys of former identities."""
    return identity_file.with_name("identity.retired")


def _succession(identity_file: Path) -> Path:
    return identity_file.with_name("identity.succession")


def _mark(identity_file: Path) -> Path:
    return identity_file.with_name("identity.rotated")


def _decode(path: Path, line: str) -> bytes:
    try:
        return _FORM.decode(line)
    except ValueError:  # its message might contain a part of the key
        raise BadConfiguration(f"{path} is damaged", hint="Restore it from a backup, or remove it.") from None
