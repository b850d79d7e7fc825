"""The raw form: one torrent encrypted with one key.

Owns `12-byte IV || ciphertext || 16-byte tag` (SPEC.md, section "Raw form"). It does not authenticate a sender.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tuishare.envelope.errors import Damaged, NotForUs
from tuishare.envelope.frame import IV_SIZE, MAX_SIZE, TAG_SIZE, is_tse1
from tuishare.envelope.slots import require_user_key
from tuishare.errors import BadInput


def seal_raw(torrent: bytes, key: bytes) -> bytes:
    """Encrypt a torrent with AES-256-GCM, no associated data.

    Args:
        torrent: the .torrent file.
        key: 32 bytes.

    Raises:
        BadInput: the key has a wrong size, or the file would be larger than `MAX_SIZE`.
    """
    require_user_key(key)
    if IV_SIZE + len(torrent) + TAG_SIZE > MAX_SIZE:
        raise BadInput(
            f"The torrent is larger than {MAX_SIZE >> 20} MiB",
            hint="Choose a larger piece length; it makes the torrent smaller.",
        )
    iv = secrets.token_bytes(IV_SIZE)
    while is_tse1(iv):  # one in 2**32: the file would be mistaken for TSE1
        iv = secrets.token_bytes(IV_SIZE)
    return iv + AESGCM(key).encrypt(iv, torrent, None)


def open_raw(data: bytes, key: bytes) -> bytes:
    """Decrypt the raw form.

    Returns:
        The torrent, from an unknown sender.

    Raises:
        NotForUs: the key is wrong or the file was changed; this form cannot distinguish the two.
        Damaged: too short, too long, or TSE1.
        BadInput: the key has a wrong size.
    """
    require_user_key(key)
    if not IV_SIZE + TAG_SIZE <= len(data) <= MAX_SIZE or is_tse1(data):
        raise Damaged
    try:
        return AESGCM(key).decrypt(data[:IV_SIZE], data[IV_SIZE:], None)
    except InvalidTag:
        raise NotForUs from None
