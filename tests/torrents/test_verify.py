from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path

import libtorrent as lt
import pytest
import torf

from tests.torrents.samples import BLOCK, file_v1, folder, info_v1, torrent, write
from tuishare.errors import BadInput
from tuishare.torrents import is_payload_of, make_torrent, walk
from tuishare.torrents.bencode import Value


def by_libtorrent(flags: int) -> Callable[[Path], bytes]:
    """Make torrents as other clients do: hybrids with padding, or in another order of files."""

    def make(payload: Path) -> bytes:
        made = lt.create_torrent(lt.list_files(str(payload)), 2 * BLOCK, flags)
        lt.set_piece_hashes(made, str(payload.parent))
        return lt.bencode(made.generate())

    return make


def by_torf(payload: Path) -> bytes:
    theirs = torf.Torrent(path=str(payload), piece_size=4 * BLOCK, comment="not ours")
    theirs.generate(threads=1)
    return theirs.dump()


def by_us(payload: Path) -> bytes:
    return make_torrent(walk(payload), version=2, salt=b"s" * 16)


MAKERS = [
    by_torf,
    by_us,
    by_libtorrent(0),
    by_libtorrent(lt.create_torrent.v2_only),
    by_libtorrent(lt.create_torrent.v1_only),
]


@pytest.mark.parametrize("make", MAKERS)
def test_whoever_made_the_torrent_the_payload_is_known(tmp_path: Path, make: Callable[[Path], bytes]) -> None:
    top = folder(tmp_path / "top")
    (top / "a.txt").rename(top / "b.txt")  # the two halves of a hybrid would differ in its place
    data = make(top)
    assert is_payload_of(data, walk(top))
    write(top / "further", 10)
    assert is_payload_of(data, walk(top))
    some = top / "in 2" / "é8.bin"
    content = bytearray(some.read_bytes())
    content[-1] ^= 1
    some.write_bytes(content)
    assert not is_payload_of(data, walk(top))
    write(some, 5)
    assert not is_payload_of(data, walk(top))
    some.unlink()
    assert not is_payload_of(data, walk(top))


@pytest.mark.parametrize("make", MAKERS)
def test_a_single_file(tmp_path: Path, make: Callable[[Path], bytes]) -> None:
    film = write(tmp_path / "film", 5 * BLOCK + 3)
    data = make(film)
    assert is_payload_of(data, walk(film))
    assert is_payload_of(data, walk(film.rename(tmp_path / "other")))
    inside = tmp_path / "film" / "film"
    inside.parent.mkdir()
    write(inside, 5 * BLOCK + 3)
    assert not is_payload_of(data, walk(tmp_path / "film"))


def test_order_matters_to_v1_alone(tmp_path: Path) -> None:
    """Its pieces run across file borders."""
    top = tmp_path / "top"
    for name in ("a", "b"):
        write(top / name, 1)
    info = info_v1(name=b"top", files=[file_v1(b"b"), file_v1(b"a")])
    del info[b"length"]
    info[b"pieces"] = sha1((top / "b").read_bytes() + (top / "a").read_bytes()).digest()
    assert is_payload_of(torrent(info), walk(top))
    info[b"pieces"] = sha1((top / "a").read_bytes() + (top / "b").read_bytes()).digest()
    assert not is_payload_of(torrent(info), walk(top))


PADDING = [
    file_v1(b".pad", b"1", length=BLOCK - 1, attr=b"p"),
    file_v1(b"_____padding_file_0_if you see this file, please update to BitComet 0.85", length=BLOCK - 1),
]


@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("there", [False, True])
def test_padding_is_zeros_whether_or_not_it_was_written(tmp_path: Path, padding: Value, there: bool) -> None:
    """BEP 47, and what BitComet did before it."""
    top = tmp_path / "top"
    for name in ("a", "b"):
        write(top / name, 1)
    if there:
        assert isinstance(padding, dict)
        parts = [os.fsdecode(part) for part in padding[b"path"]]  # type: ignore[union-attr, arg-type]
        write(top.joinpath(*parts), 7)
    info = info_v1(name=b"top", files=[file_v1(b"a"), padding, file_v1(b"b")])
    del info[b"length"]
    pieces = [(top / "a").read_bytes() + bytes(BLOCK - 1), (top / "b").read_bytes()]
    info[b"pieces"] = b"".join(sha1(piece).digest() for piece in pieces)
    assert is_payload_of(torrent(info), walk(top))
    (top / "b").write_bytes(bytes([(top / "b").read_bytes()[0] ^ 1]))
    assert not is_payload_of(torrent(info), walk(top))


def test_what_is_no_torrent(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        is_payload_of(b"de", walk(write(tmp_path / "x", 1)))
