"""Drop folders on the command line."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import NoReturn

import pytest

from tests.cli.homes import Person
from tuishare.config.model import load_config
from tuishare.people import User


@pytest.fixture(autouse=True)
def known(alice: Person) -> None:
    alice.know(User("bob", key=bytes([1] * 32), groups=("crew",)), User("eve", key=bytes([2] * 32)))


def test_a_folder_is_made_and_watched(alice: Person) -> None:
    said = alice.call("drop", "add", "new/drop", "--to", "@crew", "--to", "eve")
    assert (said.code, said.out) == (0, "")
    folder = alice.desk / "new" / "drop"
    assert f"Everything in {folder} is shared with bob, eve." in said.err
    assert "Takes effect when the agent starts." in said.err
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (drop,) = load_config(alice.places).drop
    assert (drop.path, drop.users, drop.transport) == (str(folder), ["@crew", "eve"], "tls")


def test_adding_it_again_says_for_whom_it_is_now(alice: Person) -> None:
    alice.call("drop", "add", "drop", "--to", "bob")
    alice.call("drop", "add", "./x/../drop", "--to", "eve")
    assert alice.call("drop", "list").out == f"{alice.desk / 'drop'}\teve\ttls\n"


def test_a_list_for_programs(alice: Person) -> None:
    alice.call("drop", "add", "drop", "--to", "bob")
    assert json.loads(alice.call("drop", "list", "--json").out) == [
        {
            "path": str(alice.desk / "drop"),
            "state": "unwatched",
            "users": ["bob"],
            "waiting": 0,
            "transport": "tls",
            "poll_reason": None,
        }
    ]


def test_removing_keeps_the_files(alice: Person) -> None:
    alice.call("drop", "add", "drop", "--to", "bob")
    film = alice.fill("drop/film.mkv")
    said = alice.call("drop", "remove", "drop")
    assert (said.code, "Its files stay" in said.err) == (0, True)
    assert load_config(alice.places).drop == []
    assert film.exists()
    assert alice.call("drop", "remove", "drop").failed(4, "is not a drop folder")


def test_a_folder_that_cannot_be_read_can_be_removed_and_is_not_added(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("drop", "other"):
        (alice.desk / name).mkdir()
    assert alice.call("drop", "add", "drop", "--to", "bob").code == 0

    def refuse(path: Path) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    # The user who runs the tests may be allowed to read everything.
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    monkeypatch.setattr(os, "scandir", refuse)
    said = alice.call("drop", "add", "other", "--to", "bob")
    assert said.failed(1, f"Cannot read the folder {alice.desk / 'other'}: permission denied")
    assert alice.call("drop", "add", "drop", "--to", "eve").code == 0
    assert [drop.users for drop in load_config(alice.places).drop] == [["eve"]]
    assert alice.call("drop", "remove", "drop").code == 0
    assert load_config(alice.places).drop == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["a/b"], 2, "No recipients given"),
        ([os.fsdecode(b"x\xff"), "--to", "bob"], 2, "x\ufffd is not UTF-8"),
        (["a/b", "--to", "nobody"], 4, "There is no user 'nobody'"),
        (["a/b", "--to", "@nobody"], 4, "There is no group 'nobody'"),
        (["a/b", "--to", "bob", "--transport", "plain"], 2, "needs network.listen_plain"),
        (["../home/config/a", "--to", "bob"], 2, "overlap"),
    ],
)
def test_what_cannot_be_leaves_neither_folder_nor_setting(
    alice: Person, words: list[str], code: int, said: str
) -> None:
    before = alice.places.config_file.read_bytes()
    assert alice.call("drop", "add", *words).failed(code, said)
    assert alice.places.config_file.read_bytes() == before
    assert not (alice.desk / "a").exists()
    assert not (alice.places.config / "a").exists()


def test_a_file_is_no_folder(alice: Person) -> None:
    alice.fill("file")
    assert alice.call("drop", "add", "file", "--to", "bob").failed(2, "is not a folder")
    assert alice.call("drop", "add", "file/below", "--to", "bob").code in {1, 2}


def test_a_folder_that_was_there_stays_when_it_cannot_be_watched(alice: Person) -> None:
    film = alice.fill("drop/film.mkv")
    assert alice.call("drop", "add", "drop", "--to", "bob", "--transport", "plain").code == 2
    assert film.exists()


def test_a_home_of_nobody_is_a_name_like_any_other(alice: Person) -> None:
    assert alice.call("drop", "remove", "~nobody-of-that-name/x").failed(4, "is not a drop folder")
