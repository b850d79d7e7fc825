"""The user book on the command line."""

from __future__ import annotations

import json

import pytest

from tests.cli.homes import Person
from tests.cli.terminals import Tmux
from tests.waiting import wait_until
from tuishare.people import format_key, load_book, load_identity, load_or_create_identity

KEY = "9f" * 32


@pytest.fixture
def card(bob: Person) -> str:
    return bob.call("card").out.strip()


def book(person: Person) -> dict[str, dict[str, object]]:
    return {user["name"]: user for user in json.loads(person.call("user", "list", "--json").out)}


def test_a_card_as_text_file_and_stdin(alice: Person, card: str) -> None:
    (alice.desk / "card.txt").write_text(card)
    for words, stdin in (([card], b""), (["card.txt"], b""), (["-"], card.encode())):
        said = alice.call("user", "add", "Bob", *words, stdin=stdin)
        assert (said.code, said.out) == (0, "")
        assert "The card names bob; here the user is called Bob" not in said.err
        assert "tuishare user verify Bob" in said.err
        assert book(alice)["Bob"]["card"] == card
        assert alice.call("user", "remove", "bob").code == 0
    assert book(alice) == {}


def test_its_fingerprint_is_shown_as_its_owner_sees_it(alice: Person, bob: Person, card: str) -> None:
    theirs = bob.call("card").err.splitlines()[1:]
    assert "\n".join(theirs) in alice.call("user", "add", "bob", card).err


def test_another_name_than_the_card_says_is_told(alice: Person, card: str) -> None:
    assert (
        "The card names bob; here the user is called robert" in alice.call("user", "add", "robert", card).err
    )


def test_a_new_key_is_printed_once_and_never_again(alice: Person) -> None:
    said = alice.call("user", "add", "eve", "--new-key", "--group", "crew", "-g", "@family")
    name, key = said.out.strip().split("\t")
    (user,) = load_book(alice.places.users_file)
    assert (name, key) == ("eve", format_key(user.key or b""))
    assert user.groups == ("crew", "family")
    listed = alice.call("user", "list").out + alice.call("user", "list", "--json").out
    assert key not in listed + said.err
    assert book(alice)["eve"] == {
        "name": "eve",
        "kind": "key",
        "fingerprint": "",
        "words": "",
        "verified": False,
        "origin": "by-hand",
        "groups": ["crew", "family"],
        "accept_raw": False,
        "shares": 0,
        "complete": 0,
        "seen": 0,
        "seen_at": None,
        "former": [],
        "introduced_by": "",
        "admitted": False,
        "introduces": False,
        "card": "",
    }


def test_nobody_stays_whose_key_could_not_be_shown(alice: Person) -> None:
    assert alice.run_unheard("user", "add", "eve", "--new-key").failed(1, "no space left")
    assert list(load_book(alice.places.users_file)) == []


def test_the_raw_form_is_accepted_by_command(alice: Person, card: str) -> None:
    alice.call("user", "add", "eve", "--new-key")
    for words, accepted in (((), True), (("--no",), False)):
        said = alice.call("user", "accept-raw", "EVE", *words)
        assert (said.code, "the key of eve opens are" in said.err) == (0, True)
        assert book(alice)["eve"]["accept_raw"] is accepted
    alice.call("user", "add", "bob", card)
    assert alice.call("user", "accept-raw", "bob").failed(2, "Only a user with a key")


def test_a_name_that_an_old_locale_cannot_spell(alice: Person) -> None:
    alice.call("user", "add", "zo\u00eb", "--new-key")
    said = alice.run("user", "list", PYTHONIOENCODING="ascii")
    assert (said.code, said.out.split("\t")[0]) == (0, "zo\\xeb")


@pytest.mark.parametrize(
    ("words", "stdin", "variables"),
    [
        (["--key-file", "key"], "", {}),
        (["--key-file", "-"], KEY, {}),
        (["--key", KEY], "", {}),
        ([], "", {"TUISHARE_KEY": KEY}),
    ],
)
def test_a_key_comes_in_the_ways_of_all_commands(
    alice: Person, words: list[str], stdin: str, variables: dict[str, str]
) -> None:
    (alice.desk / "key").write_text(KEY)
    said = alice.call("user", "add", "eve", *words, stdin=stdin.encode(), **variables)
    assert (said.code, said.out) == (0, "")
    assert load_book(alice.places.users_file).find("eve").key == bytes.fromhex(KEY)
    assert ("other users of this machine can see" in said.err) == ("--key" in words)


def test_a_card_counts_and_not_the_key_of_the_environment(alice: Person, card: str) -> None:
    assert alice.call("user", "add", "bob", card, TUISHARE_KEY=KEY).code == 0
    assert load_book(alice.places.users_file).find("bob").key is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Neither a card nor a key was given"),
        (["--new-key", "--key", KEY], "exclude each other"),
        (["--new-key", "tuishare-card-v1:x"], "exclude each other"),
        (["--new-key", "--verified"], "Only a card has a fingerprint"),
        (["--key", "00"], "64 hexadecimal digits"),
        (["tuishare-card-v1:x"], "The card is incomplete"),
    ],
)
def test_what_makes_no_sense_adds_nobody(alice: Person, words: list[str], said: str) -> None:
    result = alice.call("user", "add", "eve", *words)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert not alice.places.users_file.exists()


def test_a_folder_is_no_card(alice: Person) -> None:
    assert alice.call("user", "add", "carol", alice.desk).failed(1, "is a directory")
    assert not alice.places.users_file.exists()


def test_nobody_is_added_twice_or_by_our_own_card(alice: Person, card: str) -> None:
    alice.call("user", "add", "bob", card)
    assert alice.call("user", "add", "BOB", "--new-key").failed(2, "There is already a user")
    assert alice.call("user", "add", "rob", card).failed(2, "the same card")
    assert alice.call("user", "add", "me", alice.call("card").out).failed(2, "This is your own card")


def test_a_list_for_programs_is_tab_separated(alice: Person, card: str) -> None:
    alice.call("user", "add", "bob", card, "-g", "crew")
    fingerprint = load_book(alice.places.users_file).find("bob").card
    assert fingerprint is not None
    expected = f"bob\tcard by hand\t@crew\tnot verified\t{fingerprint.fingerprint.base32}\n"
    assert alice.call("user", "list").out == expected


def test_a_fingerprint_as_words_or_letters_verifies(alice: Person, bob: Person, card: str) -> None:
    alice.call("user", "add", "bob", card)
    shown = json.loads(bob.call("card", "--json").out)
    for words in (shown["words"].upper().split(), [shown["words"]], [shown["fingerprint"].lower()]):
        assert alice.call("user", "verify", "bob", *words).code == 0
        assert book(alice)["bob"]["verified"] is True


def test_another_fingerprint_does_not_verify(alice: Person, card: str) -> None:
    alice.call("user", "add", "bob", card)
    own = json.loads(alice.call("card", "--json").out)
    for other in (own["words"], own["fingerprint"]):
        assert alice.call("user", "verify", "bob", other).failed(5, "the fingerprints differ")
    assert alice.call("user", "verify", "bob", "abandon").failed(2, "A fingerprint has 12 words")
    assert book(alice)["bob"]["verified"] is False


def test_without_a_terminal_nobody_can_be_asked(alice: Person, card: str) -> None:
    alice.call("user", "add", "bob", card)
    assert alice.run("user", "verify", "bob", stdin=b"y\n").failed(5, "Cannot ask for confirmation")
    assert book(alice)["bob"]["verified"] is False


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("YES", 0), ("", 5), ("n", 5), ("C-c", 130)])
async def test_at_a_terminal_a_person_is_asked(
    alice: Person, bob: Person, tmux: Tmux, answer: str, code: int
) -> None:
    card = bob.as_user().card
    assert card is not None
    alice.know(bob.as_user(verified=False))
    load_or_create_identity(alice.places.identity_file)
    tmux.open(alice, "user", "verify", "bob")
    await wait_until(tmux.shows("[y/N]"))
    assert tmux.shows(card.fingerprint.base32)()
    assert tmux.shows(load_identity(alice.places.identity_file).fingerprint.base32)()
    tmux.press(answer, *(["Enter"] if code != 130 else []))
    await wait_until(tmux.shows(f"ended with {code}"))
    assert load_book(alice.places.users_file).find("bob").verified is (code == 0)


def test_a_user_with_a_key_has_nothing_to_verify(alice: Person) -> None:
    alice.call("user", "add", "eve", "--new-key")
    assert alice.call("user", "verify", "eve", "x").failed(2, "there is no fingerprint")


def test_unknown_people_are_not_found(alice: Person) -> None:
    for words in (["verify", "nobody", "x"], ["remove", "nobody"], ["group", "nobody", "--add", "crew"]):
        assert alice.call("user", *words).failed(4, "There is no user 'nobody'")


def test_a_new_card_takes_the_place_of_a_verified_one_and_is_not_verified(
    alice: Person, bob: Person, card: str
) -> None:
    alice.call("user", "add", "eve", card, "--verified", "-g", "crew")
    bob.places.identity_file.unlink()
    newer = bob.call("card").out.strip()
    said = alice.call("user", "replace", "eve", newer)
    assert (said.code, "tuishare user verify eve" in said.err) == (0, True)
    eve = book(alice)["eve"]
    assert (eve["card"], eve["verified"], eve["groups"]) == (newer, False, ["crew"])
    own = alice.call("card").out
    assert alice.call("user", "replace", "eve", own).failed(2, "This is your own card")


def test_groups_come_and_go(alice: Person) -> None:
    alice.call("user", "add", "eve", "--new-key")
    said = alice.call("user", "group", "eve", "--add", "@crew", "-a", "family")
    assert (said.code, "eve is in @crew, @family" in said.err) == (0, True)
    assert alice.call("user", "group", "eve", "--add", "CREW", "--remove", "Family").code == 0
    assert book(alice)["eve"]["groups"] == ["crew"]
    assert alice.call("user", "group", "eve", "--remove", "family").failed(4, "is not in the group")
    assert alice.call("user", "group", "eve").failed(2, "No group was named")


def test_who_is_still_meant_by_a_drop_folder_is_told(alice: Person) -> None:
    alice.call("user", "add", "eve", "--new-key", "-g", "crew")
    alice.configure(drop=[{"path": str(alice.desk / "drop"), "users": ["@crew"]}])
    assert "drop cannot be shared: There is no group 'crew'" in alice.call("user", "remove", "eve").err
