from __future__ import annotations

import re
from contextlib import suppress
from hashlib import sha1, sha256
from pathlib import Path

import libtorrent as lt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.torrents.samples import BLOCK, file_v1, folder, info_v1, info_v2, torrent, write
from tuishare.errors import BadInput
from tuishare.torrents import (
    TooLarge,
    TorrentFile,
    TorrentLimits,
    bencode,
    content,
    make_torrent,
    parse_torrent,
    walk,
)
from tuishare.torrents.bencode import Value
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS


def test_v1() -> None:
    info = info_v1()
    parsed = parse_torrent(torrent(info))
    assert parsed.info_hash == sha1(bencode.encode(info)).hexdigest() == parsed.info_hash_v1
    assert (parsed.name, parsed.version, parsed.is_hybrid, parsed.is_folder) == ("film", 1, False, False)
    assert (parsed.piece_length, parsed.piece_count, parsed.total_size) == (BLOCK, 1, 5)
    assert (parsed.files, parsed.private) == ((TorrentFile(("film",), 5),), True)
    assert (parsed.announce, parsed.web_seeds, parsed.nodes) == ((), (), ())
    assert parsed.fields == {"info"}
    assert parsed.info_fields == {"length", "name", "piece length", "pieces", "private"}


def test_v2() -> None:
    info = info_v2()
    parsed = parse_torrent(torrent(info))
    assert parsed.info_hash == sha256(bencode.encode(info)).hexdigest()
    assert (parsed.version, parsed.is_hybrid, parsed.info_hash_v1) == (2, False, None)
    assert parsed.files == (TorrentFile(("film",), 5, root=b"r" * 32),)


@pytest.mark.parametrize("private", [0, 2, b"1"])
def test_private_is_exactly_one(private: Value) -> None:
    assert not parse_torrent(torrent(info_v1(private=private))).private


def test_sources_are_recognised() -> None:
    parsed = parse_torrent(
        torrent(
            info_v1(),
            announce=b"http://first/",
            httpseeds=[b"http://seed2/"],
            nodes=[[b"router.example", 6881]],
            announce__list=[[b"http://a/", b"http://b/"], [], [b"udp://c:1"]],
            url__list=b"http://seed/",
        )
    )
    assert parsed.announce == (("http://first/",), ("http://a/", "http://b/"), ("udp://c:1",))
    assert parsed.web_seeds == ("http://seed/", "http://seed2/")
    assert parsed.nodes == ("router.example:6881",)


def test_announce_is_not_repeated() -> None:
    data = torrent(info_v1(), announce=b"http://b/", announce__list=[[b"http://a/", b"http://b/"]])
    assert parse_torrent(data).announce == (("http://a/", "http://b/"),)


@pytest.mark.parametrize("nodes", [b"x", [b"host:1"], [[b"host"]], [[1, b"host"]], [[b"host", 1, 2]]])
def test_malformed_nodes(nodes: Value) -> None:
    with pytest.raises(BadInput, match="nodes"):
        parse_torrent(torrent(info_v1(), nodes=nodes))


@pytest.mark.parametrize("make", ["file", "folder"])
def test_hybrids_of_libtorrent(tmp_path: Path, make: str) -> None:
    path = folder(tmp_path / "t") if make == "folder" else write(tmp_path / "f", 70_000)
    if make == "folder":
        (path / "a.txt").rename(
            path / "b.txt"
        )  # its v1 list would have it before "a/file", its v2 tree behind
    made = lt.create_torrent(lt.list_files(str(path)), BLOCK)
    lt.set_piece_hashes(made, str(path.parent))
    parsed = parse_torrent(lt.bencode(made.generate()))
    assert (parsed.version, parsed.is_hybrid) == (2, True)
    loaded = lt.load_torrent_buffer(lt.bencode(made.generate())).ti
    assert loaded is not None
    assert parsed.info_hash == str(loaded.info_hashes().v2)
    assert parsed.info_hash_v1 == str(loaded.info_hashes().v1)
    assert any(file.attr == "p" for file in parsed.files) == (make == "folder")


def test_hybrid_that_contradicts_itself() -> None:
    changes: list[dict[bytes, Value]] = [{b"length": 6}, {b"name": b"other"}]
    for change in changes:
        with pytest.raises(BadInput, match="different files"):
            parse_torrent(torrent(info_v1() | info_v2() | change))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "ends too early"),
        (b"<html>", "no value begins here"),
        (b"le", "it is not a dictionary"),
        (b"de", "“info” is missing"),
        (b"d4:infoi1ee", "“info” is not a dictionary"),
        (torrent({}), "“name” is missing"),
        (torrent(info_v1(name=1)), "“name” is not a string"),
        (torrent(info_v1(piece_length=0)), "piece length is 0"),
        (torrent(info_v1(piece_length=b"")), "not a natural number"),
        (torrent(info_v2(meta_version=3)), "meta version is unknown"),
        (torrent(info_v1(name___utf__8=b"other")), "twice with different values"),
        (torrent(info_v1(), announce=[[b"x"]]), "“announce”"),
        (torrent(info_v1(), announce__list=[b"x"]), "“announce-list” is not a list"),
        (torrent(info_v1(), url__list=[1]), "“url-list”"),
    ],
)
def test_malformed(data: bytes, fault: str) -> None:
    with pytest.raises(BadInput, match=re.escape(fault)):
        parse_torrent(data)


def test_no_files() -> None:
    info = info_v1(files=[], pieces=b"")
    del info[b"length"]
    with pytest.raises(BadInput, match="no files"):
        parse_torrent(torrent(info))


def test_too_large() -> None:
    with pytest.raises(TooLarge, match="larger than"):
        parse_torrent(bytes(DEFAULT_LIMITS.max_torrent_bytes + 1))


def test_files_are_counted_before_anything_is_read() -> None:
    few = TorrentLimits(max_files=5)
    with pytest.raises(TooLarge, match="more than 5 files"):
        parse_torrent(b"6:lengthi0e" * 6, few)  # it is no torrent, which is not even seen
    with pytest.raises(BadInput, match="not a torrent"):
        parse_torrent(b"6:lengthi0e" * 5, few)


def test_values_and_depth_are_bounded() -> None:
    deep: Value = {b"": {b"length": 0}}
    for _ in range(9):
        deep = {b"d": deep}
    data = torrent(info_v2(file_tree={b"d": deep}))
    with pytest.raises(TooLarge, match="nested deeper than 5"):
        parse_torrent(data, TorrentLimits(max_depth=5))
    with pytest.raises(TooLarge, match="more than 8 values"):
        parse_torrent(data, TorrentLimits(max_values=8))


def test_a_file_is_counted_however_its_torrent_hides_it() -> None:
    """The count before reading knows the one form of a length that is canonical; the one while reading all files."""
    files = [TorrentFile((str(number),), 0) for number in range(6)]
    with pytest.raises(TooLarge, match="more than 5 files"):
        content._bounded(files, TorrentLimits(max_files=5))


def test_hostile_names_parse_unrepaired() -> None:
    info = info_v1(files=[file_v1(b"..", b"\xff", b"a/b"), file_v1()], name=b"/etc")
    del info[b"length"]
    parsed = parse_torrent(torrent(info))
    assert parsed.name == "/etc"
    assert [file.parts for file in parsed.files] == [("..", "\udcff", "a/b"), ()]


SAMPLES = [torrent(info_v1()), torrent(info_v2()), torrent(info_v1() | info_v2(), announce=b"http://a/")]


@given(st.sampled_from(SAMPLES), st.data())
def test_damage_never_crashes(sample: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(sample) - 1))
    damaged = sample[:at] + data.draw(st.binary(max_size=2)) + sample[at + 1 :]
    with suppress(BadInput):
        parse_torrent(damaged)


def test_what_was_made_parses_to_the_tree(tmp_path: Path) -> None:
    tree = walk(folder(tmp_path / "t"))
    for data in [make_torrent(tree, version=1), make_torrent(tree, version=2)]:
        parsed = parse_torrent(data)
        assert [(file.parts, file.size) for file in parsed.files] == [
            (each.parts, each.size) for each in tree.files
        ]
        assert (parsed.name, parsed.is_folder, parsed.total_size) == ("t", True, tree.total_size)
