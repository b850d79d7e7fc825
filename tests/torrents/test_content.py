from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from tests.torrents.samples import BLOCK, file_v1, file_v2, folder, info_v1, info_v2, write
from tuishare.errors import BadInput
from tuishare.torrents import bencode, make_torrent, parse_torrent, walk
from tuishare.torrents.bencode import Value
from tuishare.torrents.content import TorrentFile, content_v1, content_v2, verify_layers
from tuishare.torrents.dict_reader import DictReader


def v1(**changes: Value) -> tuple[TorrentFile, ...]:
    info = info_v1(**changes)
    if "files" in changes:
        del info[b"length"]
    return content_v1(DictReader(info), "film", BLOCK).files


def v2(tree: Value) -> tuple[TorrentFile, ...]:
    return content_v2(DictReader(info_v2(file_tree=tree)), "film", BLOCK).files


def test_v1_files() -> None:
    assert v1() == (TorrentFile(("film",), 5),)
    assert v1(files=[file_v1(b"a", b"b"), file_v1(b"c", attr=b"xh", length=9)]) == (
        TorrentFile(("a", "b"), 1),
        TorrentFile(("c",), 9, "xh"),
    )


@pytest.mark.parametrize(
    "link",
    [
        file_v1(b"a", attr=b"l"),
        file_v1(b"a", symlink_path=[b"b"]),
        file_v1(b"a", attr=b"l", symlink_path=[b"/etc"]),
    ],
)
def test_v1_links_are_recognised(link: Value) -> None:
    assert [file.is_link for file in v1(files=[link, file_v1(b"b")])] == [True, False]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"length": 5 * BLOCK}, "number of its piece hashes"),
        ({"length": -1}, "not a natural number"),
        ({"pieces": b"p" * 21}, "number of its piece hashes"),
        ({"pieces": b""}, "number of its piece hashes"),
        ({"pieces": 1}, "“pieces” is not a string"),
        ({"files": {}}, "“files” is not a list"),
        ({"files": [b"a"]}, "a file is not a dictionary"),
        ({"files": [{b"length": 1}]}, "“path” is missing"),
        ({"files": [{b"path": [b"a"]}]}, "“length” is missing"),
        ({"files": [{b"length": 1, b"path": b"a"}]}, "“path” is not a list"),
        ({"files": [{b"length": 1, b"path": [[b"a"]]}]}, "not a string"),
        ({"files": [file_v1(b"a", path___utf__8=[b"b"])]}, "two different paths"),
    ],
)
def test_malformed_v1(changes: dict[str, Value], fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        v1(**changes)


def test_v1_has_either_length_or_files() -> None:
    with pytest.raises(BadInput, match="either"):
        content_v1(DictReader(info_v1(files=[file_v1(b"a")])), "film", BLOCK)
    with pytest.raises(BadInput, match="either"):
        content_v1(DictReader({b"pieces": b"p" * 20}), "film", BLOCK)


def test_v2_files_and_whether_there_is_a_folder() -> None:
    cases: list[tuple[Value, bool, int]] = [
        ({b"film": file_v2(5)}, False, 1),
        ({b"other": file_v2(5)}, True, 1),
        ({b"film": {b"film": file_v2(5)}}, True, 1),
        ({b"film": file_v2(BLOCK), b"z": file_v2(BLOCK + 1)}, True, 3),
        ({b"film": file_v2(0), b"z": {b"a": file_v2(1)}}, True, 1),
    ]
    for tree, is_folder, pieces in cases:
        content = content_v2(DictReader(info_v2(file_tree=tree)), "film", BLOCK)
        assert (content.is_folder, content.piece_count) == (is_folder, pieces)


@pytest.mark.parametrize(
    ("tree", "fault"),
    [
        ({}, "empty folder"),
        ({b"a": {}}, "empty folder"),
        ({b"a": b""}, "not a dictionary"),
        ({b"a": {b"": {}, b"b": file_v2()}}, "both a file and a folder"),
        ({b"a": {b"": b""}}, "not a dictionary"),
        ({b"a": {b"": {b"pieces root": b"r" * 32}}}, "“length” is missing"),
        ({b"a": {b"": {b"length": 1}}}, "root hash"),
        ({b"a": {b"": {b"length": 1, b"pieces root": b"r" * 31}}}, "root hash"),
        ({b"a": {b"": {b"length": 0, b"pieces root": b"r" * 32}}}, "root hash"),
    ],
)
def test_malformed_v2(tree: Value, fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        v2(tree)


@pytest.mark.parametrize("length", [1, 8192, BLOCK + 1, 3 * BLOCK])
def test_v2_piece_length(length: int) -> None:
    with pytest.raises(BadInput, match="power of two"):
        content_v2(DictReader(info_v2()), "film", length)


def test_a_file_at_the_root_of_the_tree_without_a_name() -> None:
    with pytest.raises(BadInput):
        v2({b"": {b"length": 1, b"pieces root": b"r" * 32}})


@pytest.fixture
def made(tmp_path: Path) -> dict[bytes, Value]:
    top = folder(tmp_path / "t")
    write(top / "copy" / "é10.bin", 1 << 20)  # the same content twice: one layer for both
    value = bencode.decode(make_torrent(walk(top), version=2, piece_length=BLOCK))
    assert isinstance(value, dict)
    return value


def layers_of(made: dict[bytes, Value]) -> dict[bytes, Value]:
    layers = made[b"piece layers"]
    assert isinstance(layers, dict)
    return layers


def test_layers_as_made_are_accepted(made: dict[bytes, Value]) -> None:
    assert len(parse_torrent(bencode.encode(made)).files) == 15
    content = content_v2(DictReader(made).fields("info"), "t", BLOCK)
    verify_layers(DictReader(made), content, BLOCK)


def test_layer_missing(made: dict[bytes, Value]) -> None:
    layers_of(made).popitem()
    with pytest.raises(BadInput, match="is missing"):
        parse_torrent(bencode.encode(made))
    del made[b"piece layers"]
    with pytest.raises(BadInput, match="is missing"):
        parse_torrent(bencode.encode(made))


def test_layer_superfluous(made: dict[bytes, Value]) -> None:
    layers_of(made)[sha256(b"other").digest()] = bytes(32)
    with pytest.raises(BadInput, match="belongs to no file"):
        parse_torrent(bencode.encode(made))


def test_layer_too_short_or_of_another_type(made: dict[bytes, Value]) -> None:
    root, layer = layers_of(made).popitem()
    assert isinstance(layer, bytes)
    wrongs: list[Value] = [layer[:-32], layer[:-1], layer + bytes(32), b"", 1]
    for wrong in wrongs:
        layers_of(made)[root] = wrong
        with pytest.raises(BadInput, match="wrong length"):
            parse_torrent(bencode.encode(made))


def test_layer_that_does_not_hash_to_its_root(made: dict[bytes, Value]) -> None:
    root, layer = layers_of(made).popitem()
    assert isinstance(layer, bytes)
    layers_of(made)[root] = bytes([layer[0] ^ 1]) + layer[1:]
    with pytest.raises(BadInput, match="does not hash"):
        parse_torrent(bencode.encode(made))
