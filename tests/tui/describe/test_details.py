from __future__ import annotations

from tests.api.samples import NOW
from tuishare.api.messages import Activity, ActivityKind, Details, File, PeerInfo
from tuishare.tui.describe.details import describe_files, describe_history, describe_peers

HOSTILE = "\x1b[2Jevil\u202egnp[red]\nexe" + "写" * 300


def test_files_are_told_with_how_much_is_here() -> None:
    details = Details(
        files=(
            File(path="a/b.mov", size=2_000_000, progress=0.5),
            File(path="c", size=1, progress=0, wanted=False),
        ),
        more_files=7,
    )
    lines = describe_files(details, NOW, 100).plain.splitlines()
    assert lines[0].startswith("a/b.mov ")
    assert lines[0].endswith("2.0 MB  █████░░░░░  50 %")
    assert lines[1].endswith("not wanted")
    assert lines[2] == "and 7 more"


def test_only_so_many_lines_are_drawn() -> None:
    details = Details(files=tuple(File(path=str(n), size=1, progress=1.0) for n in range(500)), more_files=10)
    lines = describe_files(details, NOW, 100).plain.splitlines()
    assert len(lines) == 201
    assert lines[-1] == "and 310 more"


def test_a_peer_without_tls_is_marked() -> None:
    peers = (PeerInfo(address="10.0.0.7:1", user="bob"), PeerInfo(address="10.0.0.8:1", encryption="mse"))
    lines = describe_peers(Details(peers=peers), NOW, 100).plain.splitlines()
    assert lines[0].startswith("bob 10.0.0.7:1")
    assert lines[0].endswith("direct TLS")
    assert lines[1].startswith("unknown 10.0.0.8:1")
    assert lines[1].endswith("! not encrypted")


def test_history_has_times_and_words() -> None:
    event = Activity(id=1, at=NOW, kind=ActivityKind.REVOKED, subject="dailies", detail="frank")
    text = describe_history(Details(history=(event,)), NOW, 100).plain
    assert text.split() == ["11:56", "×", "revoked", "frank"]


def test_a_narrow_pane_has_the_address_rather_than_the_client() -> None:
    peer = PeerInfo(address="192.0.2.1:50007", user="bob", client="libtorrent 2.1")
    text = {width: describe_peers(Details(peers=(peer,)), NOW, width).plain for width in (76, 116)}
    assert all("bob 192.0.2.1:50007" in line for line in text.values())
    assert ["libtorrent" in line for line in text.values()] == [False, True]
    assert all(len(line) <= width for width, line in text.items())


def test_nothing_is_said_in_words() -> None:
    assert "not known yet" in describe_files(Details(), NOW, 100).plain
    assert "No peer" in describe_peers(Details(), NOW, 100).plain
    assert "Nothing" in describe_history(Details(), NOW, 100).plain


def test_foreign_texts_are_safe_and_in_one_line() -> None:
    event = Activity(id=1, at=NOW, kind=ActivityKind.REJECTED, subject=HOSTILE, detail=HOSTILE)
    details = Details(
        files=(File(path=HOSTILE, size=1, progress=0.5),),
        peers=(PeerInfo(address=HOSTILE, user=HOSTILE, client=HOSTILE),),
        history=(event,),
    )
    for describe in (describe_files, describe_peers, describe_history):
        text = describe(details, NOW, 80).plain
        assert not {"\x1b", "\u202e", "\n"} & set(text)


def test_it_is_said_which_way_the_bytes_go() -> None:
    peers = (PeerInfo(address="10.0.0.7:1"), PeerInfo(address="192.0.2.7:1", by_hub=True))
    lines = describe_peers(Details(peers=peers), NOW, 100).plain.splitlines()
    assert [("direct" in line, "by hub" in line) for line in lines] == [(True, False), (False, True)]
