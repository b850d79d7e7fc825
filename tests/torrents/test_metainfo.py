from __future__ import annotations

import subprocess
from pathlib import Path

import libtorrent as lt
import pytest
import torf

from tests.torrents.samples import BLOCK, folder, write
from tuishare.errors import BadInput
from tuishare.torrents import (
    Version,
    accept,
    bencode,
    default_piece_length,
    make_torrent,
    metainfo,
    parse_torrent,
    walk,
)
from tuishare.torrents.bencode import Value

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40


def decoded(torrent: bytes) -> dict[bytes, Value]:
    value = bencode.decode(torrent)
    assert isinstance(value, dict)
    return value


@pytest.fixture(params=["folder", "file", "tiny"])
def payload(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "folder":
        return folder(tmp_path / "été – 夏")
    return write(tmp_path / "été.bin", 1 if request.param == "tiny" else 20 * BLOCK + 7)


@pytest.mark.parametrize(
    ("total", "length"),
    [
        (1, 256 * KIB),
        (8 * GIB, 256 * KIB),
        (8 * GIB + 1, 512 * KIB),
        (16 * GIB + 1, MIB),
        (2 * TIB, 64 * MIB),
        (2 * TIB + 1, 64 * MIB),
        (16 * TIB, 64 * MIB),
    ],
)
def test_default_piece_length(total: int, length: int) -> None:
    assert default_piece_length(total) == length


@pytest.mark.parametrize("version", [1, 2])
def test_a_salt_gives_the_same_payload_an_info_hash_of_its_own(payload: Path, version: Version) -> None:
    tree = walk(payload)

    def info_hash(salt: bytes) -> str:
        data = make_torrent(tree, version=version, salt=salt)
        ours = accept(data, transport="tls" if version == 2 else "plain")
        engine = lt.load_torrent_buffer(data).info_hashes
        assert str(engine.v2 if version == 2 else engine.v1) == ours.info_hash
        assert ours.salt == salt
        return ours.info_hash

    salts = (b"", b"a" * 16, b"b" * 16)
    assert len(set(map(info_hash, salts))) == 3
    assert info_hash(salts[1]) == info_hash(salts[1])


def test_a_salt_has_one_length(payload: Path) -> None:
    with pytest.raises(BadInput, match="16 bytes"):
        make_torrent(walk(payload), version=2, salt=bytes(15))


@pytest.mark.parametrize("piece_length", [BLOCK, 4 * BLOCK, 256 * KIB, 2 * MIB])
def test_v1_is_what_torf_makes(payload: Path, piece_length: int) -> None:
    theirs = torf.Torrent(path=str(payload), private=True, piece_size=piece_length)
    theirs.generate(threads=1)
    ours = make_torrent(walk(payload), version=1, piece_length=piece_length)
    assert parse_torrent(ours).info_hash == theirs.infohash


def test_v1_is_what_mktorrent_makes(tmp_path: Path) -> None:
    top = folder(tmp_path / "t")
    (top / "a.txt").rename(
        top / "b.txt"
    )  # the one difference in order: mktorrent has "a.txt" before "a/file"
    output = tmp_path / "t.torrent"
    command = ["mktorrent", "-p", "-l", "18", "-o", str(output), str(top)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("mktorrent is not installed")
    assert decoded(make_torrent(walk(top), version=1))[b"info"] == decoded(output.read_bytes())[b"info"]


@pytest.mark.parametrize("piece_length", [BLOCK, 4 * BLOCK, 256 * KIB])
def test_v2_is_what_libtorrent_makes(payload: Path, piece_length: int) -> None:
    made = lt.create_torrent(lt.list_files(str(payload)), piece_length, lt.create_torrent.v2_only)
    made.set_priv(True)
    lt.set_piece_hashes(made, str(payload.parent))
    theirs = made.generate()
    ours = decoded(make_torrent(walk(payload), version=2, piece_length=piece_length))
    assert ours[b"info"] == theirs[b"info"]
    assert ours[b"piece layers"] == theirs[b"piece layers"]


@pytest.mark.parametrize("version", [1, 2])
def test_libtorrent_loads_what_we_make(payload: Path, version: Version) -> None:
    data = make_torrent(walk(payload), version=version, piece_length=BLOCK)
    ours = accept(data, transport="tls" if version == 2 else "plain")
    theirs = lt.load_torrent_buffer(data).ti
    assert theirs is not None
    hashes = theirs.info_hashes()
    assert str(hashes.v2 if version == 2 else hashes.v1) == ours.info_hash
    assert (theirs.name(), theirs.num_pieces(), theirs.priv()) == (ours.name, ours.piece_count, True)


def test_same_payload_gives_same_torrent(payload: Path) -> None:
    assert make_torrent(walk(payload), version=2) == make_torrent(walk(payload), version=2)


def test_announce_and_date_stand_outside_the_info(tmp_path: Path) -> None:
    tree = walk(write(tmp_path / "f", 5))
    bare = decoded(make_torrent(tree, version=1))
    assert bare.keys() == {b"created by", b"info"}
    full = decoded(
        make_torrent(
            tree, version=1, announce=[["http://a/x", "http://b/x"], [], ["udp://c:1"]], created=1_700_000_000
        )
    )
    assert full[b"announce"] == b"http://a/x"
    assert full[b"announce-list"] == [[b"http://a/x", b"http://b/x"], [b"udp://c:1"]]
    assert full[b"creation date"] == 1_700_000_000
    assert full[b"info"] == bare[b"info"]
    single = decoded(make_torrent(tree, version=2, announce=[["http://a/x"]]))
    assert single.keys() == {b"announce", b"created by", b"info", b"piece layers"}


def test_malformed_tracker(tmp_path: Path) -> None:
    tree = walk(write(tmp_path / "f", 5))
    with pytest.raises(BadInput, match="tracker URL does not begin with") as caught:
        make_torrent(tree, version=1, announce=[["http://a/x"], ["secret-passkey"]])
    assert "secret-passkey" not in caught.value.detail + caught.value.hint


@pytest.mark.parametrize("length", [0, -1, 1, 8 * KIB, 24 * KIB, 256 * KIB + 1, 128 * MIB])
def test_impossible_piece_lengths(tmp_path: Path, length: int) -> None:
    tree = walk(write(tmp_path / "f", 5))
    with pytest.raises(BadInput, match="piece length"):
        make_torrent(tree, version=2, piece_length=length)


def test_too_many_pieces_are_refused_before_hashing(tmp_path: Path) -> None:
    file = tmp_path / "sparse"
    with file.open("wb") as stream:
        stream.truncate(64 * GIB)
    with pytest.raises(BadInput, match="too many pieces"):
        make_torrent(walk(file), version=1, piece_length=BLOCK)


def test_torrent_that_grows_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = walk(folder(tmp_path / "t"))
    monkeypatch.setattr(metainfo, "_MOST_BYTES", 500)
    with pytest.raises(BadInput, match="too large"):
        make_torrent(tree, version=2)


def test_folder_with_only_a_file_of_its_own_name(tmp_path: Path) -> None:
    write(tmp_path / "same" / "same", 5)
    tree = walk(tmp_path / "same")
    assert parse_torrent(make_torrent(tree, version=1)).is_folder
    with pytest.raises(BadInput, match="would arrive without its folder"):
        make_torrent(tree, version=2)
    write(tmp_path / "same" / "other", 5)
    assert parse_torrent(make_torrent(walk(tmp_path / "same"), version=2)).is_folder


@pytest.mark.parametrize("version", [1, 2])
def test_progress_reaches_the_end(tmp_path: Path, version: Version) -> None:
    reports: list[tuple[int, int]] = []
    tree = walk(write(tmp_path / "f", 70_000))
    make_torrent(tree, version=version, progress=lambda done, total: reports.append((done, total)))
    assert reports[-1] == (70_000, 70_000)


def test_a_name_that_others_take_for_padding(tmp_path: Path) -> None:
    """libtorrent never writes such a file of a v1 torrent; in a file tree it is a file like others."""
    write(tmp_path / "top" / "_____padding_file_0_if you see this file" / "a", 5)
    tree = walk(tmp_path / "top")
    with pytest.raises(BadInput, match="for padding"):
        make_torrent(tree, version=1)
    parsed = parse_torrent(make_torrent(tree, version=2))
    assert [file.attr for file in parsed.files] == [""]
