from __future__ import annotations

import shutil

import pytest

from tests.cli.homes import Person
from tests.cli.terminals import Tmux
from tests.waiting import wait_until
from tuishare.cli.exit_codes import Exit
from tuishare.people import load_identity

WORDS = b"four random words here\n"


def empty(person: Person) -> None:
    for folder in (person.places.config, person.places.state):
        shutil.rmtree(folder)


def test_a_home_that_was_lost_is_there_again(alice: Person, bob: Person) -> None:
    alice.know(bob.as_user())
    assert alice.run("card").code == 0
    before = load_identity(alice.places.identity_file)
    made = alice.run("backup", "home.age", "--passphrase-file", "-", stdin=WORDS)
    assert (made.code, made.out) == (0, "")
    assert "Written: home.age" in made.err
    assert (alice.desk / "home.age").stat().st_mode & 0o077 == 0
    empty(alice)
    restored = alice.run("restore", "home.age", "--passphrase-file", "-", stdin=WORDS)
    assert (restored.code, restored.out) == (0, "")
    assert "tuishare doctor" in restored.err
    assert load_identity(alice.places.identity_file) == before
    assert "bob" in alice.run("user", "list").out


def test_a_file_is_not_replaced(alice: Person) -> None:
    alice.call("card")
    (alice.desk / "home.age").write_text("precious")
    refused = alice.call("backup", "home.age", "--passphrase-file", "-", stdin=WORDS)
    assert refused.failed(Exit.REFUSED, "There is home.age already")
    assert (alice.desk / "home.age").read_text() == "precious"


def test_a_home_is_not_replaced(alice: Person) -> None:
    alice.call("card")
    alice.call("backup", "home.age", "--passphrase-file", "-", stdin=WORDS)
    assert alice.call("restore", "home.age").failed(Exit.REFUSED, "not empty")


@pytest.mark.parametrize(
    ("given", "sentence"), [(b"", "empty"), (b"short\n", "has 5"), (b"\x9f" * 32, "not text")]
)
def test_a_new_passphrase_is_long_enough(alice: Person, given: bytes, sentence: str) -> None:
    alice.call("card")
    refused = alice.call("backup", "home.age", "--passphrase-file", "-", stdin=given)
    assert refused.failed(Exit.USAGE, sentence)
    assert not (alice.desk / "home.age").exists()


def test_without_a_terminal_there_is_no_question(alice: Person) -> None:
    alice.call("card")
    assert alice.call("backup", "home.age").failed(Exit.USAGE, "No passphrase")


def test_a_wrong_passphrase_is_said(alice: Person) -> None:
    alice.call("card")
    alice.call("backup", "home.age", "--passphrase-file", "-", stdin=WORDS)
    empty(alice)
    wrong = alice.call("restore", "home.age", "--passphrase-file", "-", stdin=b"another one that is wrong")
    assert wrong.failed(Exit.VERIFICATION, "does not open")
    assert not alice.places.identity_file.exists()


def test_a_backup_that_is_not_there(alice: Person) -> None:
    empty(alice)
    assert alice.call("restore", "home.age", "--passphrase-file", "-", stdin=WORDS).failed(
        Exit.NOT_FOUND, "home.age"
    )


async def test_it_is_typed_twice_and_never_shown(alice: Person, tmux: Tmux) -> None:
    alice.call("card")
    file = alice.desk / "home.age"
    tmux.open(alice, "backup", str(file))
    for prompt in ("Passphrase of the backup", "Once more"):
        await wait_until(tmux.shows(prompt))
        tmux.press("-l", WORDS.decode().strip())
        tmux.press("Enter")
    await wait_until(tmux.shows("ended with 0"), seconds=30)
    assert not tmux.shows("random")()
    empty(alice)
    restored = alice.call("restore", file, "--passphrase-file", "-", stdin=WORDS)
    assert restored.code == 0, restored.err
