"""What libtorrent is told, and what it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.swarm.shares import Share, make_share
from tuishare.errors import BadInput
from tuishare.swarm import Endpoint, TorrentSpec
from tuishare.swarm.file_priorities import list_places
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.torrent_params import prepare
from tuishare.torrents import LocalNames, Version, make_torrent, walk

NOW = datetime.now(UTC)


def test_private_unmanaged_and_paused(share: Share) -> None:
    params = prepare(share.seeding(), NOW).params
    flags = lt.torrent_flags
    wanted = flags.disable_dht | flags.disable_lsd | flags.disable_pex | flags.paused
    assert params.flags & wanted == wanted
    assert not params.flags & flags.auto_managed
    assert not params.flags & flags.seed_mode


def test_the_info_hash_is_that_of_the_torrents_room(share: Share, plain_share_elsewhere: Share) -> None:
    assert prepare(share.seeding(), NOW).info_hash == share.info_hash
    assert prepare(plain_share_elsewhere.seeding(), NOW).info_hash == plain_share_elsewhere.info_hash


@pytest.fixture
def plain_share_elsewhere(tmp_path: Path) -> Share:
    return make_share(tmp_path / "plain", tls=False)


def test_tiers_and_contacts_are_passed_on(share: Share) -> None:
    tiers = (("http://a/announce", "http://b/announce"), ("udp://c:80",))
    spec = replace(
        share.seeding(), announce=tiers, contacts=(Endpoint("192.0.2.7", 5), Endpoint("alice.example", 6))
    )
    params = prepare(spec, NOW).params
    assert params.trackers == ["http://a/announce", "http://b/announce", "udp://c:80"]
    assert params.tracker_tiers == [0, 0, 1]
    assert params.peers == [("192.0.2.7", 5)]


def test_credentials_fit_the_transport(share: Share, plain_share_elsewhere: Share) -> None:
    with pytest.raises(BadInput, match="needs a ticket"):
        prepare(replace(share.seeding(), credentials=None), NOW)
    with pytest.raises(BadInput, match="does not use certificates"):
        prepare(replace(plain_share_elsewhere.seeding(), credentials=share.member()), NOW)


@pytest.mark.parametrize("torrent", [b"", b"no torrent", b"d4:infodee", b"le"])
def test_what_is_no_torrent_is_bad_input(share: Share, torrent: bytes) -> None:
    with pytest.raises(BadInput, match="not a torrent"):
        prepare(replace(share.seeding(), torrent=torrent), NOW)


def test_an_authority_inside_the_torrent_is_refused(share: Share) -> None:
    """It would take the place of the share's own."""
    assert share.authority is not None
    inside = share.torrent.replace(b"e7:privatei1e", b"e7:privatei1e8:ssl-cert3:abc")
    assert inside != share.torrent
    with pytest.raises(BadInput, match="a certificate authority"):
        prepare(replace(share.seeding(), torrent=inside), NOW)


def test_resume_data_bring_pieces_and_nothing_else(share: Share, tmp_path: Path) -> None:
    """They may be old or altered: names, paths, trackers and peers come from the spec alone."""
    saved = lt.load_torrent_buffer(share.torrent)
    saved.have_pieces = [True, False] * 16
    saved.save_path = "/elsewhere"
    saved.renamed_files = {0: "../../escape"}
    saved.trackers = ["http://elsewhere/announce"]
    saved.peers = [("192.0.2.66", 6)]
    data = lt.write_resume_data_buf(saved)
    params = prepare(share.downloading(tmp_path / "bob", resume_data=data), NOW).params
    assert params.have_pieces == [True, False] * 16
    assert params.save_path == str(tmp_path / "bob")
    assert params.renamed_files == {}
    assert params.trackers == []
    assert params.peers == []


def test_resume_data_of_another_torrent_are_ignored(share: Share, tmp_path: Path) -> None:
    other = lt.load_torrent_buffer(make_share(tmp_path / "other", seed=9).torrent)
    other.have_pieces = [True] * 32
    data = lt.write_resume_data_buf(other)
    for useless in (data, b"garbage"):
        params = prepare(share.downloading(tmp_path / "bob", resume_data=useless), NOW).params
        assert not any(params.have_pieces)


def test_resume_data_that_speak_of_pieces_that_are_not_there_are_ignored(
    share: Share, tmp_path: Path
) -> None:
    saved = lt.load_torrent_buffer(share.torrent)
    assert saved.ti is not None
    pieces = saved.ti.num_pieces()
    saved.have_pieces = [True] * (pieces + 8)
    data = lt.write_resume_data_buf(saved)
    params = prepare(share.downloading(tmp_path / "bob", resume_data=data), NOW).params
    assert len(params.have_pieces) <= pieces
    for piece in (pieces, 2**31 - 1):
        saved.unfinished_pieces = {piece: [True]}
        data = lt.write_resume_data_buf(saved)
        params = prepare(share.downloading(tmp_path / "bob", resume_data=data), NOW).params
        assert (dict(params.unfinished_pieces), any(params.have_pieces)) == ({}, False)


def test_a_folder_with_one_file_arrives_as_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "seed" / "photos"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"x" * 1000)
    torrent = make_torrent(walk(folder), version=2)
    prepared = prepare(TorrentSpec(torrent, tmp_path, "plain", None), NOW)
    assert dict(prepared.params.renamed_files) == {0: "photos/a.jpg"}


ODD = (
    "n" * 255,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467.jpg",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Foo.h",
    "foo.h",
    "foo.1.h",
    "Foo.1.h",
    "plain",
)


@pytest.mark.parametrize("version", [1, 2])
def test_names_that_libtorrent_would_change_are_given_to_it(tmp_path: Path, version: Version) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    for name in ODD:
        (folder / name).write_bytes(name.encode())
    torrent = make_torrent(walk(folder), version=version)
    params = prepare(TorrentSpec(torrent, tmp_path, "plain", None), NOW).params
    assert used_paths(params) == sorted(f"t/{name}" for name in ODD)
    names = LocalNames("other", {"plain": "sub/plain_", "foo.h": "foo (2).h"})
    params = prepare(TorrentSpec(torrent, tmp_path, "plain", None, names=names), NOW).params
    kept = {*ODD} - {"plain", "foo.h"}
    assert used_paths(params) == sorted(f"other/{name}" for name in {*kept, "sub/plain_", "foo (2).h"})


@pytest.mark.parametrize("name", ODD)
def test_a_single_file_with_such_a_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    torrent = make_torrent(walk(tmp_path / name), version=2)
    params = prepare(TorrentSpec(torrent, tmp_path, "plain", None), NOW).params
    assert used_paths(params) == [name]
    params = prepare(TorrentSpec(torrent, tmp_path, "plain", None, names=LocalNames("x")), NOW).params
    assert used_paths(params) == ["x"]


def used_paths(params: lt.add_torrent_params) -> list[str]:
    assert params.ti is not None
    layout = params.ti.layout()
    return sorted(params.renamed_files.get(place, layout.file_path(place)) for place in list_places(layout))


@pytest.mark.parametrize("version", [1, 2])
def test_a_single_file_keeps_its_path(tmp_path: Path, version: Version) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    torrent = make_torrent(walk(tmp_path / "a.jpg"), version=version)
    prepared = prepare(TorrentSpec(torrent, tmp_path, "plain", None), NOW)
    assert dict(prepared.params.renamed_files) == {}


def test_names_that_differ_in_case_only_are_given_explicitly(tmp_path: Path) -> None:
    """Left out, libtorrent would number them when the torrent is added."""
    (tmp_path / "t").mkdir()
    for name in ("Foo", "foo"):
        (tmp_path / "t" / name).write_bytes(b"x")
    torrent = make_torrent(walk(tmp_path / "t"), version=2)
    (numbered,) = dict(lt.load_torrent_buffer(torrent).renamed_files).items()
    params = prepare(TorrentSpec(torrent, tmp_path, "plain", None), NOW).params
    assert params.renamed_files[numbered[0]] == numbered[1].removesuffix(".1")
