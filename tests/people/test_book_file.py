"""users.toml: what is saved is loaded, and every mistake is named with its user and file."""

from __future__ import annotations

import os
import stat
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuishare.errors import BadConfiguration, BadInput, NotFound, SystemFailed
from tuishare.people import (
    Identity,
    PreviousCard,
    User,
    UserBook,
    edit_book,
    load_book,
    save_book,
    validate_name,
)

KEY = "5ec2e7" + "a" * 58


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def is_name(text: str) -> bool:
    try:
        return validate_name(text) == text
    except BadInput:
        return False


LETTERS = st.characters(exclude_categories=("C", "Z", "M"), exclude_characters="/@.-")
NAMES = st.text(LETTERS, min_size=1, max_size=20).filter(is_name)
USERS = st.builds(
    User,
    name=NAMES,
    key=st.binary(min_size=32, max_size=32).filter(any),
    groups=st.one_of(st.just(()), NAMES.map(lambda name: (name,))),
    verified=st.booleans(),
    accept_raw=st.booleans(),
)


def test_a_missing_file_is_an_empty_book(tmp_path: Path) -> None:
    assert load_book(tmp_path / "no" / "users.toml") == UserBook()


def test_cards_and_keys_survive(tmp_path: Path, alice: Identity) -> None:
    book = UserBook(
        (
            User("alice", card=alice.card("Alice"), groups=("crew", "far away"), verified=True),
            User('bob "the [red]" \\', key=b"k" * 32, accept_raw=True),
        )
    )
    path = tmp_path / "home" / "users.toml"
    previous = os.umask(0)
    try:
        save_book(path, book)
    finally:
        os.umask(previous)
    assert load_book(path) == book
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["users.toml"]
    assert len(tomllib.loads(path.read_text())["user"]) == 2


@given(st.lists(USERS, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_every_book_survives(tmp_path: Path, users: list[User]) -> None:
    try:
        book = UserBook(tuple(users))
    except BadInput:
        return
    save_book(tmp_path / "users.toml", book)
    assert load_book(tmp_path / "users.toml") == book


def test_the_documented_layout_is_read(tmp_path: Path, golden: Path) -> None:
    card = (golden / "card.txt").read_text().strip()
    text = f'''
        [[user]]
        name = "gérard"
        card = "{card}"
        groups = ["crew"]
        verified = true

        [[user]]
        name = "bob"
        key = "{KEY}"
        accept_raw = true
    '''
    book = load_book(write(tmp_path / "users.toml", text))
    assert [user.groups for user in book] == [("crew",), ()]
    assert book.keys() == (("bob", bytes.fromhex(KEY)),)
    assert [user.verified for user in book] == [True, False]
    assert [user.accept_raw for user in book] == [False, True]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (f'name = "bob"\nkey = "{KEY[:-1]}"', "user 'bob': A key must be 64 hexadecimal digits"),
        (f'name = "bob"\nkey = "{KEY[:-1]}g"', "user 'bob': A key must be 64 hexadecimal digits"),
        (f'name = "bob"\nkey = "{"0" * 64}"', "user 'bob': A key must not be all zero"),
        ('name = "bob"\nkey = 7', "user 'bob': Expected `str"),
        ('name = "bob"', "user 'bob': A user must have either a card or a key"),
        (
            f'name = "bob"\nkey = "{KEY}"\ncard = "CARD"',
            "user 'bob': A user must have either a card or a key",
        ),
        ('name = "bob"\ncard = "tuishare-card-v1:AAAA"', "user 'bob': The card is incomplete"),
        ('name = "bob"\ncard = "CARD"\naccept_raw = true', "user 'bob': Only a user with a key"),
        (
            f'name = "bob"\nkey = "{KEY}"\ncolour = "red"',
            "user 'bob': Object contains unknown field `colour`",
        ),
        (
            f'name = "bob"\nkey = "{KEY}"\n"\\u001b[2J" = 1',
            "user 'bob': Object contains unknown field `\ufffd",
        ),
        (f'name = "bob"\nkey = "{KEY}"\nverified = "yes"', "user 'bob': Expected `bool`"),
        (f'name = "bob"\nkey = "{KEY}"\nverified = 1', "user 'bob': Expected `bool`"),
        (f'name = "bob"\nkey = "{KEY}"\ngroups = "crew"', "user 'bob': Expected `array`"),
        (f'name = "bob"\nkey = "{KEY}"\ngroups = ["a/b"]', "user 'bob': The name 'a/b' contains a '/'"),
        (f'key = "{KEY}"', "user number 1: Object missing required field `name`"),
        (f'name = ""\nkey = "{KEY}"', "user number 1: The name '' is empty"),
        (f'name = "-x"\nkey = "{KEY}"', "user '-x': The name '-x' starts with '-'"),
        (f'name = "b\\u001bob"\nkey = "{KEY}"', "user 'b\ufffdob': The name"),
        (
            f'name = "bob"\nkey = "{KEY}"\n[[user]]\nname = "eve"\nkey = "{KEY.upper()}"',
            "bob and eve have the same key",
        ),
        (
            f'name = "bob"\nkey = "{KEY}"\n[[user]]\nname = "BOB"\ncard = "CARD"',
            "bob and BOB have the same name",
        ),
        (
            'name = "bob"\ncard = "CARD"\n[[user]]\nname = "eve"\ncard = "CARD"',
            "bob and eve have the same card",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, golden: Path, rows: str, sentence: str) -> None:
    text = "[[user]]\n" + rows.replace("CARD", (golden / "card.txt").read_text().strip())
    path = write(tmp_path / "users.toml", text)
    with pytest.raises(BadConfiguration, match=sentence) as caught:
        load_book(path)
    assert caught.value.detail.startswith(f"{path}: ")
    assert caught.value.detail.isprintable()
    assert KEY[:12] not in caught.value.detail + caught.value.hint


@pytest.mark.parametrize("text", ["[user]\nname = 'bob'", "[[users]]\n", "version = 1", "user = 7"])
def test_other_tables_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadConfiguration, match="only") as caught:
        load_book(write(tmp_path / "users.toml", text))
    assert caught.value.hint


def test_what_is_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="not valid TOML") as caught:
        load_book(write(tmp_path / "users.toml", "junk"))
    assert caught.value.hint


def test_an_entry_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="user number 2: Expected `object`"):
        load_book(write(tmp_path / "users.toml", f'user = [{{name = "bob", key = "{KEY}"}}, 7]'))


def test_a_mistake_of_syntax_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "users.toml", f'[[user]]\nname = "bob"\nkey = {KEY}\n')
    with pytest.raises(BadConfiguration, match="line 3") as caught:
        load_book(path)
    assert str(path) in caught.value.detail
    assert KEY[:12] not in caught.value.detail


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o620, 0o606])
def test_a_book_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "users.toml"
    save_book(path, UserBook())
    path.chmod(mode)
    with pytest.raises(BadConfiguration, match="accessible to other users") as caught:
        load_book(path)
    assert "chmod 600" in caught.value.hint


def test_a_failed_save_leaves_the_old_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "users.toml"
    old = UserBook((User("bob", key=b"k" * 32),))
    save_book(path, old)

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(SystemFailed, match="no space left"):
            save_book(path, UserBook())
    assert load_book(path) == old
    assert os.listdir(tmp_path) == ["users.toml"]


def test_edits_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "users.toml"
    names = [f"user {number}" for number in range(12)]
    ready = threading.Barrier(len(names))

    def add(number: int) -> None:
        ready.wait(10)
        edit_book(path, lambda book: book.add(User(names[number], key=bytes([number + 1] * 32))))

    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(add, range(len(names))))
    assert {user.name for user in load_book(path)} == set(names)


def test_an_edit_that_fails_leaves_the_file_and_the_lock_free(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    edit_book(path, lambda book: book.add(User("bob", key=bytes([1] * 32))))
    before = path.read_bytes()
    with pytest.raises(NotFound):
        edit_book(path, lambda book: book.remove("carol"))
    assert path.read_bytes() == before
    assert len(edit_book(path, lambda book: book.remove("bob"))) == 0


def test_an_edit_that_changes_nothing_does_not_touch_the_file(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    edit_book(path, lambda book: book.add(User("bob", key=bytes([1] * 32))))
    before = path.stat()
    edit_book(path, lambda book: book.replace(book.find("bob")))
    assert path.stat() == before


def test_the_lock_is_for_us_alone_and_no_link_leads_it_astray(tmp_path: Path) -> None:
    path, lock = tmp_path / "users.toml", tmp_path / ".users.toml.lock"
    edit_book(path, lambda book: book)
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SystemFailed, match="lock"):
        edit_book(path, lambda book: book)
    assert not (tmp_path / "elsewhere").exists()


def test_former_cards_are_kept(tmp_path: Path, alice: Identity, bob: Identity) -> None:
    path = tmp_path / "users.toml"
    user = User("al", alice.card("alice"), former=(PreviousCard(bob.signer, bob.fingerprint),))
    save_book(path, UserBook((user,)))
    assert load_book(path).find("al") == user
    text = path.read_text()
    for wrong in ("00", f"{'0' * 64} {'0' * 64}", f"{bob.signer.hex().upper()} {'0' * 64}"):
        path.write_text(text.replace(f"{bob.signer.hex()} {bob.fingerprint.digest.hex()}", wrong))
        with pytest.raises(BadConfiguration, match="user 'al'"):
            load_book(path)
