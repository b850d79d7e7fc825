"""The identity: made once, read strictly, never shown."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite

from tuishare.errors import BadConfiguration, BadInput, NotFound, Refused, TuishareError
from tuishare.fs import atomic
from tuishare.people import Identity, create_identity, identity, load_identity, load_or_create_identity

PREFIX = "tuishare-identity-v1:"


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_it_is_created_private_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "identity.key"
    previous = os.umask(0)
    try:
        made = create_identity(path)
    finally:
        os.umask(previous)
    assert load_identity(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["identity.key"]


def test_it_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "identity.key"
    made = create_identity(path)
    with pytest.raises(Refused, match="already an identity"):
        create_identity(path)
    assert load_identity(path) == made
    assert os.listdir(tmp_path) == ["identity.key"]


def test_first_use_creates_and_later_use_loads(tmp_path: Path) -> None:
    path = tmp_path / "identity.key"
    with pytest.raises(NotFound):
        load_identity(path)
    assert load_or_create_identity(path) == load_or_create_identity(path)


def test_an_unusable_identity_is_not_replaced_on_first_use(tmp_path: Path) -> None:
    path = write(tmp_path / "identity.key", "nonsense")
    with pytest.raises(BadConfiguration):
        load_or_create_identity(path)
    assert path.read_text() == "nonsense"


def test_the_slower_of_two_processes_takes_the_identity_of_the_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "identity.key"
    faster: list[Identity] = []

    def publish_second(target: Path, data: bytes, **options: bool) -> None:
        monkeypatch.setattr(identity, "publish", atomic.publish)
        faster.append(create_identity(path))
        atomic.publish(target, data, **options)

    monkeypatch.setattr(identity, "publish", publish_second)
    assert [load_or_create_identity(path)] == faster
    assert load_identity(path) == faster[0]


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from tuishare.people import load_or_create_identity\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for n in range(20): print(load_or_create_identity(pathlib.Path(sys.argv[1], f'{n}.key')).signer.hex())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    pipe = subprocess.PIPE
    runners = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for runner in runners:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
    for runner in runners:
        assert runner.stdin is not None
        runner.stdin.write("go\n")
        runner.stdin.flush()
    one, other = (runner.communicate(timeout=60)[0].split() for runner in runners)
    assert [runner.returncode for runner in runners] == [0, 0]
    assert len(set(one)) == 20
    assert one == other
    assert sorted(os.listdir(tmp_path)) == sorted(f"{n}.key" for n in range(20))


def test_an_identity_of_the_first_version_opens_for_ever(tmp_path: Path, golden: Path) -> None:
    path = write(tmp_path / "identity.key", (golden / "identity.key").read_text())
    assert str(load_identity(path).card("Golden Gérard")) == (golden / "card.txt").read_text().strip()


def test_the_file_is_that_of_the_format(golden: Path) -> None:
    seed = bytes(range(128))
    checksum = hashlib.sha256(b"tuishare/identity/v1/checksum\0" + seed).digest()[:8]
    expected = PREFIX + base64.urlsafe_b64encode(seed + checksum).decode().rstrip("=") + "\n"
    assert (golden / "identity.key").read_text() == expected


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_it_is_refused_when_others_can_read_or_write_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "identity.key"
    create_identity(path)
    path.chmod(mode)
    with pytest.raises(BadConfiguration, match="accessible to other users") as caught:
        load_or_create_identity(path)
    assert caught.value.hint == f"Run: chmod 600 {path}"


def test_every_damaged_character_is_noticed_and_none_is_shown(tmp_path: Path, golden: Path) -> None:
    text = (golden / "identity.key").read_text().strip()
    path = tmp_path / "identity.key"
    for place in range(len(text)):
        other = "B" if text[place] != "B" else "C"
        for damaged in (
            text[:place] + other + text[place + 1 :],
            text[:place],
            text[:place] + text[place + 1 :],
        ):
            with pytest.raises(BadConfiguration) as caught:
                load_identity(write(path, damaged))
            assert text[30:40] not in caught.value.detail + caught.value.hint


@pytest.mark.parametrize("text", ["", "\n", PREFIX, PREFIX + "A", PREFIX + "é", PREFIX + "A" * 182 + "=="])
def test_other_texts_are_damaged(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadConfiguration, match="is damaged"):
        load_identity(write(tmp_path / "identity.key", text))


def test_text_after_the_key_is_damage(tmp_path: Path, golden: Path) -> None:
    text = (golden / "identity.key").read_text()
    for longer in (text + "A", text.strip() + "AAAA", text + text, text.strip() + "="):
        with pytest.raises(BadConfiguration, match="is damaged"):
            load_identity(write(tmp_path / "identity.key", longer))


def test_a_later_format_is_told_from_damage(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="another version"):
        load_identity(write(tmp_path / "identity.key", "tuishare-identity-v2:AAAA"))


def test_what_is_sealed_for_the_card_opens_with_the_identity(alice: Identity) -> None:
    card = alice.card("Alice")
    public_key = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(card.public_key[:1184]),
        X25519PublicKey.from_public_bytes(card.public_key[1184:]),
    )
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    assert suite.decrypt(suite.encrypt(b"for her", public_key), alice.private_key) == b"for her"


def test_what_the_identity_signs_verifies_with_the_card(alice: Identity) -> None:
    signature = alice.signing_key.sign(b"hers")
    Ed25519PublicKey.from_public_bytes(alice.card("Alice").signer).verify(signature, b"hers")


def test_the_card_is_the_same_each_time_and_has_a_good_name(alice: Identity) -> None:
    assert str(alice.card("Zoe\u0308")) == str(alice.card("Zo\u00eb"))
    with pytest.raises(BadInput, match="invisible"):
        alice.card("\x1b[2J")


def test_identities_differ_and_show_no_private_key(alice: Identity, bob: Identity) -> None:
    assert alice != bob
    assert repr(alice) == f"Identity(signer={alice.signer!r})"


def test_nothing_is_left_when_it_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TuishareError, match="no space left"):
        create_identity(tmp_path / "identity.key")
    assert os.listdir(tmp_path) == []
