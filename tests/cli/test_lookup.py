from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.served import download, share
from tuishare.api.messages import Download, DownloadState, Share, ShareState
from tuishare.cli.lookup import Entries, require_taken, shorten
from tuishare.errors import BadInput, NotFound, Refused

HEX = st.text("0123456789abcdef", min_size=32, max_size=32)


@given(st.sets(HEX | HEX.map(lambda text: "abcdef12" + text[8:]), max_size=30))
def test_short_ids_are_unambiguous_and_no_longer_than_needed(ids: set[str]) -> None:
    short = shorten(ids)
    assert short.keys() == ids
    for one, beginning in short.items():
        assert len(beginning) >= 6
        assert [other for other in ids if other.startswith(beginning)] == [one]
        if len(beginning) > 6:
            assert len([other for other in ids if other.startswith(beginning[:-1])]) > 1


def test_short_ids_are_short_among_both_kinds() -> None:
    entries = Entries((share("abcdef1"),), (download("abcdef2"), download("0")))
    assert sorted(entries.short_ids().values()) == ["000000", "abcdef1", "abcdef2"]


def test_found_by_id_by_its_beginning_and_by_name() -> None:
    film, contract = share("abcdef1"), download("abcdef2")
    entries = Entries((film, share("9")), (contract,))
    assert entries.find(film.id) is film
    assert entries.find("abcdef2") is contract
    assert entries.find("abcdef1") is film
    assert entries.find("contract.pdf") is contract
    assert entries.find_share("abcd") is film  # among shares it is the only one
    assert entries.find_download("abcd") is contract


@pytest.mark.parametrize(
    "word", ["", "abc", "abcdef19", "ABCD", "film", "FILM.MOV", "contract.pdf", "*", "a" * 5000, "\udcff"]
)
def test_what_is_unknown(word: str) -> None:
    entries = Entries((share("abcdef1"),), (download("5555"),))
    with pytest.raises(NotFound, match="There is no share “") as caught:
        entries.find_share(word)
    assert len(caught.value.detail) < 120
    assert "tuishare list" in caught.value.hint


def test_the_beginning_of_several_lists_them() -> None:
    entries = Entries((share("abcdef1"),), (download("abcdef2", "a\x1b[31m\u202eb"),))
    with pytest.raises(BadInput) as caught:
        entries.find("abcdef")
    assert caught.value.detail == (
        "“abcdef” may be abcdef1 (share “film.mov”), abcdef2 (download “a\ufffd[31m\ufffdb”)"
    )


def test_a_name_twice_is_told_apart_by_ids() -> None:
    entries = Entries(tuple(share(f"{n:04x}") for n in range(20)), ())
    with pytest.raises(BadInput, match=r"000000 \(share “film.mov”\), .* and 12 more"):
        entries.find("film.mov")
    assert entries.find("0013").id.startswith("0013")


def test_a_name_that_looks_like_an_id_never_means_another_thing() -> None:
    folder, other = share("1", "2024"), share("2024")
    assert Entries((folder,), ()).find("2024") is folder
    with pytest.raises(BadInput):
        Entries((folder, other), ()).find("2024")
    whole = share("2", other.id)
    assert Entries((whole, other), ()).find(other.id) is other


@pytest.mark.parametrize("typed", ["a\ufffdb", "a\x1bb"])
def test_odd_names_are_typed_as_they_are_or_as_they_are_shown(typed: str) -> None:
    odd = share("1", "a\x1bb")
    assert Entries((odd,), ()).find(typed) is odd


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (share("1", "a\x1b", generation=0), "“a\ufffd” is not shared yet"),
        (
            share("1", "a", generation=0, state=ShareState.PROBLEM, detail="it is empty", hint="Fill it."),
            "“a” is not shared: it is empty",
        ),
        (download("1", state=DownloadState.LOCKED), "“contract.pdf” cannot be opened yet"),
        (download("1", state=DownloadState.REJECTED), "“contract.pdf” was rejected already"),
    ],
)
def test_what_is_only_listed_takes_no_orders(entry: Share | Download, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        require_taken(entry)
    assert (caught.value.detail, bool(caught.value.hint)) == (sentence, True)


@pytest.mark.parametrize("state", sorted(set(DownloadState) - {DownloadState.LOCKED, DownloadState.REJECTED}))
def test_everything_else_takes_orders(state: DownloadState) -> None:
    require_taken(download("1", state=state))
    require_taken(download("1", state=DownloadState.REJECTED), to_forget=True)
    require_taken(share("1"))
