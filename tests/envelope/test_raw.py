"""The raw form of the prototype."""

import secrets

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tuishare.envelope import MAX_SIZE, Damaged, NotForUs, is_tse1, open_raw, seal_raw
from tuishare.errors import BadInput

KEY = secrets.token_bytes(32)
TORRENT = b"d4:infod6:lengthi1e4:name1:xee"


def test_ten_lines_of_plain_cryptography_open_it() -> None:
    data = seal_raw(TORRENT, KEY)
    iv = data[:12]
    ciphertext_and_tag = data[12:]
    assert AESGCM(KEY).decrypt(iv, ciphertext_and_tag, None) == TORRENT
    assert len(data) == 12 + len(TORRENT) + 16


def test_one_made_with_plain_cryptography_opens() -> None:
    iv = secrets.token_bytes(12)
    assert open_raw(iv + AESGCM(KEY).encrypt(iv, TORRENT, None), KEY) == TORRENT


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(NotForUs):
        open_raw(seal_raw(TORRENT, KEY), secrets.token_bytes(32))


def test_every_changed_byte_and_every_cut_and_every_longer_file_is_refused() -> None:
    data = seal_raw(TORRENT, KEY)
    changed = [data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :] for at in range(len(data))]
    cut = [data[:size] for size in range(len(data))]
    for other in (*changed, *cut, data + b"\0", b"\0" + data):
        with pytest.raises((NotForUs, Damaged)):
            open_raw(other, KEY)


def test_no_file_of_it_starts_like_tse1(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([b"TSE1".ljust(12, b"\0"), b"TSE1".ljust(12, b"\1"), b"another draw"])
    monkeypatch.setattr("tuishare.envelope.raw.secrets.token_bytes", lambda _size: next(draws))
    data = seal_raw(TORRENT, KEY)
    assert not is_tse1(data)
    assert data[:12] == b"another draw"


def test_a_file_with_the_magic_is_not_read_as_raw() -> None:
    iv = b"TSE1".ljust(12, b"\0")
    with pytest.raises(Damaged):
        open_raw(iv + AESGCM(KEY).encrypt(iv, TORRENT, None), KEY)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_size_is_bad_input(size: int) -> None:
    with pytest.raises(BadInput):
        seal_raw(TORRENT, bytes(size))
    with pytest.raises(BadInput):
        open_raw(seal_raw(TORRENT, KEY), bytes(size))


def test_the_largest_file_is_32_mib() -> None:
    largest = seal_raw(bytes(MAX_SIZE - 28), KEY)
    assert len(largest) == MAX_SIZE
    assert len(open_raw(largest, KEY)) == MAX_SIZE - 28
    with pytest.raises(BadInput):
        seal_raw(bytes(MAX_SIZE - 27), KEY)
    with pytest.raises(Damaged):
        open_raw(largest + b"\0", KEY)
