from __future__ import annotations

from pathlib import Path

import libtorrent as lt
import pytest

from tests.torrents.samples import folder, info_v1, torrent
from tuishare.errors import BadInput
from tuishare.torrents import TooLarge, bencode, canonical_torrent, make_torrent, parse_torrent, walk
from tuishare.torrents.bencode import Value

INFO = bencode.encode(info_v1())
URL = b"http://tracker.example/announce"
TIERS = ((URL.decode(),),)


def entry(name: bytes, value: Value) -> bytes:
    return bencode.encode(name) + bencode.encode(value)


@pytest.mark.parametrize(
    "data",
    [
        torrent(info_v1()) + b"\n",
        torrent(info_v1()) + b"\0" * 500,
        b"d4:info" + INFO + entry(b"announce", URL) + b"e",
        b"d4:info" + INFO + b"4:info" + bencode.encode(info_v1(name=b"other")) + b"e",
        torrent(info_v1(), announce__list=[URL]),
        torrent(info_v1(), nodes=b"x", url__list=[7]),
    ],
)
def test_what_others_write_around_the_info_dictionary(data: bytes) -> None:
    with pytest.raises(BadInput):
        parse_torrent(data)
    found = canonical_torrent(data)
    assert parse_torrent(found).info_hash == parse_torrent(torrent(info_v1())).info_hash
    theirs, ours = lt.load_torrent_buffer(data), lt.load_torrent_buffer(found)
    assert ours.info_hashes == theirs.info_hashes


@pytest.mark.parametrize(
    ("top", "tiers"),
    [
        ({"announce": URL}, TIERS),
        ({"announce": [[URL]]}, TIERS),
        ({"announce": b" " + URL + b"\r\n"}, TIERS),
        ({"announce": 7, "announce__list": {}}, ()),
        ({"announce__list": [URL, b"udp://t.example:1"]}, (*TIERS, ("udp://t.example:1",))),
        ({"announce__list": URL}, TIERS),
        ({"announce__list": [[b"wss://t.example/", b"", b"\xff", 7, URL], []]}, TIERS),
        (
            {"announce": URL, "announce__list": [[URL, b"udp://t.example:1"]]},
            ((URL.decode(), "udp://t.example:1"),),
        ),
    ],
)
def test_trackers_in_every_form_that_was_seen(
    top: dict[str, Value], tiers: tuple[tuple[str, ...], ...]
) -> None:
    assert parse_torrent(canonical_torrent(torrent(info_v1(), **top))).announce == tiers


def test_piece_layers_are_kept(tmp_path: Path) -> None:
    data = make_torrent(walk(folder(tmp_path / "t")), version=2, piece_length=16 * 1024)
    found = canonical_torrent(data[:-1] + entry(b"announce", URL) + b"e\n")
    assert parse_torrent(found).info_hash == parse_torrent(data).info_hash
    assert lt.load_torrent_buffer(found).info_hashes == lt.load_torrent_buffer(data).info_hashes


def test_an_info_dictionary_is_not_changed() -> None:
    """Its hash covers its bytes."""
    unsorted = b"d" + entry(b"piece length", 16384) + entry(b"name", b"film") + b"e"
    with pytest.raises(BadInput, match="Another program made this torrent"):
        canonical_torrent(b"d4:info" + unsorted + b"e")


@pytest.mark.parametrize("data", [b"", b"le", b"d", b"de", b"d4:infod", b"d4:infoi1e", b"<html>", b"4:info"])
def test_what_is_no_torrent(data: bytes) -> None:
    with pytest.raises(BadInput):
        canonical_torrent(data)


def test_too_many_values() -> None:
    with pytest.raises(TooLarge):
        canonical_torrent(b"d4:infol" + b"le" * 1_000_001 + b"ee")
