"""The file of the link key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tuishare.errors import BadConfiguration
from tuishare.home_paths import find_places
from tuishare.link.link_key import LINK_KEY_PREFIX, LinkKey, load_or_create_link_key

GOLDEN = "tuishare-link-key-v1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_YhBjFF2CplQ\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return find_places({"TUISHARE_HOME": str(tmp_path)}).link_key_file


def test_it_is_made_once_and_private(path: Path) -> None:
    key = load_or_create_link_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create_link_key(path) == key
    assert key.private_key.public_key().public_bytes_raw() == key.public_key


def test_the_first_format_stays_readable(path: Path) -> None:
    load_or_create_link_key(path)
    path.write_text(GOLDEN)
    assert load_or_create_link_key(path) == LinkKey.from_seed(bytes(range(32)))


def test_processes_that_start_at_once_get_the_same_key(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({key.public_key for key in pool.map(load_or_create_link_key, [path] * 8)}) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOLDEN[:-3], "is damaged"),
        (GOLDEN.replace("AAEC", "AAED"), "is damaged"),
        ("", "is damaged"),
        (GOLDEN.replace("-v1:", "-v2:"), "another version"),
        (GOLDEN.replace(LINK_KEY_PREFIX, "tuishare-identity-v1:"), "is damaged"),
    ],
)
def test_a_damaged_one_is_neither_used_nor_replaced_silently(path: Path, text: str, sentence: str) -> None:
    load_or_create_link_key(path)
    path.write_text(text)
    with pytest.raises(BadConfiguration, match=sentence):
        load_or_create_link_key(path)
    assert path.read_text() == text


def test_one_that_others_may_read_is_refused(path: Path) -> None:
    load_or_create_link_key(path)
    path.chmod(0o644)
    with pytest.raises(BadConfiguration, match="accessible to other users"):
        load_or_create_link_key(path)


def test_the_private_half_is_in_no_text(path: Path) -> None:
    assert "private_key" not in repr(load_or_create_link_key(path))
