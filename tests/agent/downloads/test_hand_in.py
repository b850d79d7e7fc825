"""A file that a user names goes into the inbox whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tuishare.agent.downloads.hand_in import put_into_inbox
from tuishare.envelope import MAGIC, MAX_SIZE
from tuishare.errors import BadInput, NotFound

NAME = "film.torrent.encrypted"
ENVELOPE = MAGIC + b"x" * 100


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def put(folder: Path, content: bytes, name: str = NAME) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_it_is_copied_under_a_free_name(tmp_path: Path, inbox: Path) -> None:
    source = put(tmp_path, ENVELOPE)
    assert put_into_inbox(source, inbox) == NAME
    assert put_into_inbox(source, inbox) == "film (2).torrent.encrypted"
    assert {path.name: path.read_bytes() for path in inbox.iterdir()} == {
        NAME: ENVELOPE,
        "film (2).torrent.encrypted": ENVELOPE,
    }
    assert source.exists()


def test_another_name_gets_the_suffix_by_which_the_inbox_knows_envelopes(tmp_path: Path, inbox: Path) -> None:
    assert put_into_inbox(put(tmp_path, ENVELOPE, "mail-attachment.bin"), inbox) == (
        "mail-attachment.bin.torrent.encrypted"
    )


def test_what_is_in_the_inbox_stays_as_it_is(inbox: Path) -> None:
    assert put_into_inbox(put(inbox, ENVELOPE), inbox) == NAME
    assert os.listdir(inbox) == [NAME]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"tuishare-invite-v1:abc", "tuishare join FILE"),
        (b"\n tuishare-card-v1:abc", "tuishare user add"),
        (b"tuishare-receipt-v1:abc", "tuishare receipts --verify"),
        (b"d8:announce", "An envelope is a file"),
        (b"", "An envelope is a file"),
    ],
)
def test_what_is_something_else_is_told_where_it_belongs(
    tmp_path: Path, inbox: Path, content: bytes, said: str
) -> None:
    with pytest.raises(BadInput) as error:
        put_into_inbox(put(tmp_path, content, "thing"), inbox)
    assert said in error.value.hint
    assert os.listdir(inbox) == []


def test_no_link_folder_pipe_or_endless_file_is_read(tmp_path: Path, inbox: Path) -> None:
    target = put(tmp_path, ENVELOPE)
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "large", "wb") as large:
        large.truncate(MAX_SIZE + 1)
    for name, said in (
        ("link", "symbolic link"),
        ("pipe", "not a file"),
        ("inbox", "not a file"),
        ("large", "too large"),
    ):
        with pytest.raises(BadInput, match=said):
            put_into_inbox(tmp_path / name, inbox)
    with pytest.raises(NotFound):
        put_into_inbox(tmp_path / "gone", inbox)
    assert os.listdir(inbox) == []


def test_a_link_in_the_inbox_is_not_followed(tmp_path: Path, inbox: Path) -> None:
    victim = tmp_path / "victim"
    (inbox / NAME).symlink_to(victim)
    assert put_into_inbox(put(tmp_path, ENVELOPE), inbox) == "film (2).torrent.encrypted"
    assert not victim.exists()
