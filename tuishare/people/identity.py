r"""Our own keys and their file.

Owns ``identity.key``: one line, ``tuishare-identity-v1:`` and the unpadded base64url of::

    size  field
    64    ML-KEM-768 seed (FIPS 203: d, z)
    32    X25519 private key
    32    Ed25519 private key (seed)
    8     checksum: first bytes of SHA-256("tuishare/identity/v1/checksum\0" and everything above)

Another encoding would get another prefix. An identity is replaced only by rotation (`rotate_identity`), signed by the
old key: without the identity, no share that was sealed for it can be opened. Must not let a private key appear in a
text, a message or a `repr`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from tuishare.errors import BadConfiguration, NotFound, Refused
from tuishare.fs.atomic import exclusive_edit, make_private, publish
from tuishare.fs.private_files import read_private
from tuishare.people.cards import Card, card_statement
from tuishare.people.fingerprints import Fingerprint
from tuishare.people.key_encoding import KeyEncoding
from tuishare.people.key_rotation import KeyRotation, sign_rotation
from tuishare.people.names import validate_name
from tuishare.people.retired_keys import read_retired, read_succession, retire, write_succession

IDENTITY_PREFIX = "tuishare-identity-v1:"
_OPENING_SIZE = 64 + 32
_SEED_SIZE = _OPENING_SIZE + 32
_FORM: Final = KeyEncoding(IDENTITY_PREFIX, b"tuishare/identity/v1", _SEED_SIZE)
_FILE_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Identity:
    """Both private keys of this agent and their public halves; equality compares the public halves.

    Attributes:
        private_key: X-Wing private key; opens envelopes sealed for our card.
        signing_key: Ed25519 private key; signs our envelopes.
        public_key: X-Wing public key, 1,216 bytes: ML-KEM-768 encapsulation key, X25519 key.
        signer: Ed25519 public key, 32 bytes.
        retired: X-Wing private keys of our former identities; they open envelopes sealed for our former cards.
        succession: their signatures for this one; None for a first identity.
    """

    private_key: MLKEM768X25519PrivateKey = field(repr=False, compare=False)
    signing_key: Ed25519PrivateKey = field(repr=False, compare=False)
    public_key: bytes = field(repr=False)
    signer: bytes
    retired: tuple[MLKEM768X25519PrivateKey, ...] = field(default=(), repr=False, compare=False)
    succession: KeyRotation | None = field(default=None, repr=False, compare=False)

    @property
    def signers(self) -> tuple[bytes, ...]:
        """Our present Ed25519 public key and the former ones that signed for it."""
        return (self.signer, *(self.succession.formers if self.succession else ()))

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint of our card, which does not depend on its name."""
        return Fingerprint.of_keys(self.public_key, self.signer)

    def card(self, name: str) -> Card:
        """Return our card with a name; the same card for the same name.

        Raises:
            BadInput: the name is not allowed.
        """
        name = validate_name(name)
        signature = self.signing_key.sign(card_statement(name, self.public_key, self.signer))
        return Card(name, self.public_key, self.signer, signature)


def load_identity(path: Path) -> Identity:
    """Read the identity.

    Raises:
        NotFound: there is no identity yet.
        BadConfiguration: it is damaged, not a regular file, not ours, or accessible to group or others.
        SystemFailed: it cannot be read.
    """
    identity = _derive(_read_seed(path))
    return replace(identity, retired=read_retired(path), succession=read_succession(path, identity.signer))


def restoring_path(path: Path) -> Path:
    """Return where an identity waits while the rest of a backup is restored; meanwhile no other one is created."""
    return path.with_name(f"{path.name}.restoring")


def create_identity(path: Path) -> Identity:
    """Generate keys and write them, mode 0600; the folder is created if necessary.

    Raises:
        Refused: the file exists already; it is left unchanged.
        BadConfiguration: a backup is being restored.
        SystemFailed: it cannot be written; no partial file remains.
    """
    make_private(path.parent)
    if restoring_path(path).exists():
        raise BadConfiguration(
            "A backup was not restored to its end", hint="Do it again: tuishare restore FILE"
        )
    seed = secrets.token_bytes(_SEED_SIZE)
    try:
        publish(path, _FORM.encode(seed).encode(), replace=False)
    except FileExistsError as error:
        raise Refused(
            f"There is already an identity at {path}",
            hint="Without it you can no longer open what was sealed for you. To replace it, move it away first.",
        ) from error
    return _derive(seed)


def load_or_create_identity(path: Path) -> Identity:
    """Read the identity, or create it on first use; concurrent processes all get the same one.

    Raises:
        BadConfiguration: it must not be used, see `load_identity`.
        SystemFailed: it cannot be read or written.
    """
    try:
        return load_identity(path)
    except NotFound:
        try:
            return create_identity(path)
        except Refused:  # another process was faster
            return load_identity(path)


def rotate_identity(path: Path, name: str) -> Identity:
    """Replace the keys by new ones; the old signing key signs the new card.

    The old X-Wing key is kept, the old signing key is not. If interrupted at any point, there is an identity that opens
    everything sealed for it. Our own shares must be sealed again: `tuishare.people.retired_keys`.

    Args:
        path: of the identity.
        name: for the new card.

    Raises:
        NotFound: there is no identity yet.
        BadInput: the name is not allowed.
        BadConfiguration: the identity must not be used, see `load_identity`.
        SystemFailed: it cannot be written.
    """
    with exclusive_edit(path):
        former, seed = load_identity(path), secrets.token_bytes(_SEED_SIZE)
        card = _derive(seed).card(name)
        retire(path, _read_seed(path)[:_OPENING_SIZE])
        write_succession(path, sign_rotation(former.signing_key, card, former.succession))
        publish(path, _FORM.encode(seed).encode())
        return load_identity(path)


def _read_seed(path: Path) -> bytes:
    return _decode(path, read_private(path, _FILE_LIMIT).strip())


def _derive(seed: bytes) -> Identity:
    mlkem_key = MLKEM768PrivateKey.from_seed_bytes(seed[:64])
    x25519_key = X25519PrivateKey.from_private_bytes(seed[64:_OPENING_SIZE])
    signing_key = Ed25519PrivateKey.from_private_bytes(seed[_OPENING_SIZE:])
    return Identity(
        private_key=MLKEM768X25519PrivateKey(mlkem_key, x25519_key),
        signing_key=signing_key,
        public_key=mlkem_key.public_key().public_bytes_raw() + x25519_key.public_key().public_bytes_raw(),
        signer=signing_key.public_key().public_bytes_raw(),
    )


def _decode(path: Path, line: str) -> bytes:
    if line.startswith("tuishare-identity-") and not line.startswith(IDENTITY_PREFIX):
        raise BadConfiguration(f"{path} was written by another version of tuishare", hint="Update tuishare.")
    try:
        return _FORM.decode(line)
    except ValueError:  # its message might contain a part of the key
        raise BadConfiguration(f"{path} is damaged", hint="Restore it from a backup.") from None
