"""What stays of former identities: they open, they never sign, and nobody else can read them."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from tuishare.errors import BadConfiguration, SystemFailed
from tuishare.people import (
    Identity,
    create_identity,
    finish_rotation,
    identity,
    is_rotated,
    load_identity,
    rotate_identity,
)

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "identity.key"


def sealed_for(someone: Identity) -> bytes:
    return bytes(SUITE.encrypt(b"secret", someone.private_key.public_key()))


def test_what_was_sealed_for_any_former_card_opens(path: Path) -> None:
    sealed = [sealed_for(create_identity(path))]
    sealed += [sealed_for(rotate_identity(path, "alice")) for _ in range(2)]
    now = load_identity(path)
    keys = (now.private_key, *now.retired)
    assert len(keys) == 3
    for data in sealed:
        assert any(opens(data, key) for key in keys)
    assert opens(sealed[2], now.private_key)


def opens(data: bytes, key: object) -> bool:
    try:
        return bool(SUITE.decrypt(data, key) == b"secret")  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 — whatever the library says, it did not open
        return False


def test_the_former_signing_key_is_nowhere(path: Path) -> None:
    signing = create_identity(path).signing_key.private_bytes_raw()
    rotate_identity(path, "alice")
    for file in (file for file in path.parent.rglob("*") if file.is_file()):
        text = file.read_text().partition(":")[2].strip()
        assert signing not in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_nobody_else_can_read_it(path: Path) -> None:
    create_identity(path)
    previous = os.umask(0)
    try:
        rotate_identity(path, "alice")
    finally:
        os.umask(previous)
    (kept,) = (path.parent / "identity.retired").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    kept.chmod(0o644)
    with pytest.raises(BadConfiguration, match="accessible to other users"):
        load_identity(path)


def test_damage_is_said(path: Path) -> None:
    create_identity(path)
    rotate_identity(path, "alice")
    word = path.parent / "identity.succession"
    good = word.read_text()
    word.write_text(good[:-20])
    with pytest.raises(BadConfiguration, match=r"identity\.succession is damaged"):
        load_identity(path)
    word.write_text(good)
    (kept,) = (path.parent / "identity.retired").iterdir()
    for damaged in (kept.read_text()[:-5], "", "tuishare-retired-v1:é"):
        kept.write_text(damaged)
        with pytest.raises(BadConfiguration, match="is damaged"):
            load_identity(path)


@pytest.mark.parametrize("step", ["retire", "write_succession", "publish"])
def test_a_rotation_that_ends_in_the_middle_leaves_the_former_identity(
    path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_identity(path)
    second = rotate_identity(path, "alice")

    def fail(*_: object, **__: object) -> None:
        raise SystemFailed("No space left")

    with monkeypatch.context() as broken:
        broken.setattr(identity, step, fail)
        with pytest.raises(SystemFailed):
            rotate_identity(path, "alice")
    after = load_identity(path)
    assert (after, after.signers) == (second, second.signers)
    third = rotate_identity(path, "alice")
    assert third.signers[1:] == (second.signers[1], second.signer)
    assert opens(sealed_for(second), third.retired[0]) or opens(sealed_for(second), third.retired[1])


def test_it_is_remembered_that_something_is_to_be_sealed_again(path: Path) -> None:
    create_identity(path)
    assert not is_rotated(path)
    rotate_identity(path, "alice")
    assert is_rotated(path)
    finish_rotation(path)
    finish_rotation(path)
    assert not is_rotated(path)
