"""New keys on the command line, with an agent and without."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.homes import Person, make_person
from tests.cli.served import served
from tuishare.core.home_lock import HomeLock
from tuishare.people import load_book, load_identity, load_or_create_identity, parse_key


def own(person: Person) -> dict[str, str]:
    told: dict[str, str] = json.loads(person.call("card", "--json").out)
    return told


def test_the_former_card_vouches_for_the_new_one(alice: Person, bob: Person) -> None:
    before = own(bob)
    alice.call("user", "add", "bob", before["card"], "--verified", "-g", "crew")
    said = bob.call("user", "rotate", "--self", "--yes")
    after = own(bob)
    assert (said.code, after["fingerprint"] in said.err, after["fingerprint"] == before["fingerprint"]) == (
        0,
        True,
        False,
    )
    assert alice.call("user", "replace", "bob", "-", stdin=said.out.encode()).code == 0
    user = load_book(alice.places.users_file).find("bob")
    assert (str(user.card), user.verified, user.groups) == (after["card"], True, ("crew",))
    assert [former.fingerprint.base32 for former in user.former] == [before["fingerprint"]]


def test_nobody_else_can_vouch(root: Path, alice: Person, bob: Person) -> None:
    alice.call("user", "add", "eve", own(make_person(root, "eve"))["card"], "--verified")
    own(alice)
    mine = alice.call("user", "rotate", "--self", "--yes").out
    assert alice.call("user", "replace", "eve", mine).failed(2, "your own card")
    own(bob)
    word = bob.call("user", "rotate", "--self", "--yes").out
    assert alice.call("user", "replace", "eve", word).failed(5, "not signed by")
    assert alice.call("user", "replace", "eve", word[:-9]).failed(2, "incomplete or has a typing mistake")


def test_it_is_not_done_without_a_word(bob: Person) -> None:
    before = own(bob)
    assert bob.run("user", "rotate", "--self").failed(2, "Cannot ask for confirmation")
    assert bob.call("user", "rotate").failed(2, "No key to replace was named")
    assert bob.call("user", "rotate", "eve", "--self").failed(2, "No key to replace was named")
    assert own(bob) == before


def test_an_agent_that_does_not_answer_keeps_its_keys(bob: Person) -> None:
    before = own(bob)
    lock = HomeLock(bob.places.lock_file)
    lock.acquire()
    assert bob.call("user", "rotate", "--self", "--yes").failed(1, "Another agent of this home is running")
    lock.release()
    assert own(bob) == before


def test_a_new_key_is_told_once(alice: Person) -> None:
    alice.call("user", "add", "eve", "--new-key")
    former = load_book(alice.places.users_file).find("eve").key
    said = alice.call("user", "rotate", "eve")
    name, key = said.out.strip().split("\t")
    assert (name, parse_key(key)) == ("eve", load_book(alice.places.users_file).find("eve").key)
    assert parse_key(key) != former


def test_that_a_new_key_could_not_be_shown_is_said(alice: Person) -> None:
    alice.call("user", "add", "eve", "--new-key")
    assert alice.run_unheard("user", "rotate", "eve").failed(1, "could not be shown")


def test_the_keys_of_a_card_are_its_owners(alice: Person, bob: Person) -> None:
    alice.call("user", "add", "bob", own(bob)["card"])
    assert alice.call("user", "rotate", "bob").failed(2, "only its owner can make new keys")
    assert alice.call("user", "rotate", "nobody").failed(4, "There is no user")


async def test_an_agent_that_runs_does_it(alice: Person) -> None:
    identity = load_or_create_identity(alice.places.identity_file)
    async with served(alice) as desk:
        assert (await desk.call("user", "rotate", "--self", "--yes")).code == 0
        assert (await desk.call("user", "rotate", "eve")).out == f"eve\t{'22' * 32}\n"
        assert desk.agent.orders == [("QRST UVWX", "rotate"), ("eve", "key")]
    assert load_identity(alice.places.identity_file) == identity
