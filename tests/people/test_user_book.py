"""The user book as a value: what must hold between users, and who is meant by a name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.errors import BadInput, NotFound
from tuishare.people import Identity, User, UserBook, generate_key
from tuishare.people.cards import Card, card_statement
from tuishare.people.names import fold_name


def keyed(name: str, *groups: str) -> User:
    return User(name, key=generate_key(), groups=groups)


@pytest.fixture
def book(alice: Identity) -> UserBook:
    return UserBook(
        (
            User("alice", card=alice.card("Alice"), groups=("crew",)),
            keyed("bob", "Crew", "far"),
            keyed("carl"),
        )
    )


def names(users: tuple[User, ...]) -> list[str]:
    return [user.name for user in users]


def test_adding_and_removing_leave_the_old_book_alone(book: UserBook) -> None:
    dora = keyed("dora")
    bigger = book.add(dora)
    assert names(bigger.users) == ["alice", "bob", "carl", "dora"]
    assert len(book) == 3
    assert bigger.remove("DORA") == book
    with pytest.raises(NotFound, match="no user 'dora'"):
        book.remove("dora")


def test_replacing_keeps_the_place(book: UserBook) -> None:
    changed = book.replace(replace(book.find("bob"), verified=True))
    assert names(changed.users) == ["alice", "bob", "carl"]
    assert [user.verified for user in changed] == [False, True, False]
    with pytest.raises(NotFound, match="no user 'dora'"):
        book.replace(keyed("dora"))
    with pytest.raises(BadInput, match="alice and bob have the same card"):
        book.replace(User("bob", card=book.find("alice").card))


def test_names_collide_without_regard_to_case(book: UserBook) -> None:
    with pytest.raises(BadInput, match="The users bob and BOB have the same name"):
        book.add(keyed("BOB"))


def test_one_key_belongs_to_one_user(book: UserBook) -> None:
    key = book.find("bob").key
    with pytest.raises(BadInput, match="The users bob and eve have the same key") as caught:
        book.add(User("eve", key=key))
    assert key is not None
    assert key.hex() not in str(caught.value)


def sign_card(signing: Identity, public_key: bytes) -> Card:
    statement = card_statement("Eve", public_key, signing.signer)
    return Card("Eve", public_key, signing.signer, signing.signing_key.sign(statement))


def test_one_card_belongs_to_one_user(book: UserBook, alice: Identity, bob: Identity) -> None:
    same = "alice and eve have the same card"
    with pytest.raises(BadInput, match=same):
        book.add(User("eve", card=alice.card("Another Name")))
    with pytest.raises(BadInput, match=same):
        book.add(User("eve", card=sign_card(alice, bob.public_key)))  # her signer, another reader
    with pytest.raises(BadInput, match=same):
        book.add(User("eve", card=sign_card(bob, alice.public_key)))  # another signer, her reader
    assert len(book.add(User("eve", card=sign_card(bob, bob.public_key)))) == 4


def test_names_and_groups_resolve_once_each_in_order(book: UserBook) -> None:
    assert names(book.resolve(["carl", "@crew", "Alice", "@FAR"])) == ["carl", "alice", "bob"]
    assert book.resolve([]) == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [("eve", "no user 'eve'"), ("@nobody", "no group 'nobody'"), ("\x1b", "no user '\ufffd'")],
)
def test_the_unknown_is_named(book: UserBook, name: str, text: str) -> None:
    with pytest.raises(NotFound, match=text) as caught:
        book.resolve(["alice", name])
    assert caught.value.hint


def test_an_at_sign_alone_is_no_group(book: UserBook) -> None:
    with pytest.raises(BadInput, match="must be followed by"):
        book.resolve(["@"])


def test_a_group_and_a_user_may_share_a_name(book: UserBook) -> None:
    wider = book.add(keyed("crew"))
    assert names(wider.resolve(["crew"])) == ["crew"]
    assert names(wider.resolve(["@crew"])) == ["alice", "bob"]


def test_signers_are_found_by_their_public_key(book: UserBook, alice: Identity, bob: Identity) -> None:
    assert book.signer(alice.signer) == book.find("alice")
    assert book.signer(bob.signer) is None
    assert book.signer(b"") is None


def test_a_user_is_found_without_a_look_at_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the cost of an envelope grows with the square of its recipients."""
    book = UserBook(tuple(keyed(f"user{number}") for number in range(1, 51)))
    folded: list[str] = []

    def count(name: str) -> str:
        folded.append(name)
        return fold_name(name)

    monkeypatch.setattr("tuishare.people.user_book.fold_name", count)
    assert names(book.resolve(user.name for user in book)) == [user.name for user in book]
    assert len(folded) == 2 * len(book)  # of the book, once, and of what was looked for


def test_keys_are_listed(book: UserBook) -> None:
    assert book.keys() == (("bob", book.find("bob").key), ("carl", book.find("carl").key))


@given(st.lists(st.sampled_from(["a", "b", "c", "@x", "@y", "A", "@X"])))
def test_resolving_never_doubles_and_never_loses(wanted: list[str]) -> None:
    book = UserBook(
        tuple(
            User(name, key=name.encode() * 32, groups=groups)
            for name, groups in (("a", ("x",)), ("b", ("x", "y")), ("c", ()))
        )
    )
    members = {"a": "a", "b": "b", "c": "c", "@x": "ab", "@y": "b"}
    expected = list(dict.fromkeys("".join(members[name.lower()] for name in wanted)))
    assert names(book.resolve(wanted)) == expected
