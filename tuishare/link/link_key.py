"""The key by which other agents recognise this one on the network: SSH host key and SSH user key at once.

Owns ``link.key``: one line, ``tuishare-link-key-v1:`` and the seed of an Ed25519 key in `KeyEncoding`. It is not the
identity's signing key: a scan of the internet for SSH host keys would otherwise find the machine of everyone whose
card the attacker has. So it may be replaced at any time; contacts learn the next one from an address record. Must not
let the private key out in a text, a message or a `repr`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tuishare.errors import BadConfiguration, NotFound
from tuishare.fs.atomic import make_private, publish
from tuishare.fs.private_files import read_private
from tuishare.people.key_encoding import KeyEncoding

LINK_KEY_PREFIX: Final = "tuishare-link-key-v1:"
_SEED_SIZE: Final = 32
_ENCODING: Final = KeyEncoding(LINK_KEY_PREFIX, b"tuishare/link-key/v1", _SEED_SIZE)
_FILE_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True)
class LinkKey:
    """The link key of this home; two are equal when their public halves are.

    Attributes:
        private_key: proves to others that they talk to this agent.
        public_key: Ed25519, 32 bytes; stands in the address record.
    """

    private_key: Ed25519PrivateKey = field(repr=False, compare=False)
    public_key: bytes

    @classmethod
    def from_seed(cls, seed: bytes) -> LinkKey:
        """Compute both halves from a seed of 32 bytes."""
        private_key = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(private_key, private_key.public_key().public_bytes_raw())


def load_or_create_link_key(path: Path) -> LinkKey:
    """Read the link key, or make it at first start; of several processes at once all get the same.

    Raises:
        BadConfiguration: it is damaged, not a regular file, not ours, or open to group or others.
        SystemFailed: it cannot be read or written.
    """
    try:
        return _load(path)
    except NotFound:
        make_private(path.parent)
        seed = secrets.token_bytes(_SEED_SIZE)
        try:
            publish(path, _ENCODING.encode(seed).encode(), replace=False)
        except FileExistsError:  # another process was faster
            return _load(path)
        return LinkKey.from_seed(seed)


def _load(path: Path) -> LinkKey:
    line = read_private(path, _FILE_LIMIT).strip()
    if line.startswith("tuishare-link-key-") and not line.startswith(LINK_KEY_PREFIX):
        raise BadConfiguration(f"{path} was written by another version of tuishare", hint="Update tuishare.")
    try:
        return LinkKey.from_seed(_ENCODING.decode(line))
    except ValueError:  # its text might hold a part of the key
        raise BadConfiguration(
            f"{path} is damaged",
            hint="Move it away: the agent makes another one, and its contacts learn it from the next envelope.",
        ) from None
