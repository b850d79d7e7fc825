"""Orders about people: what each may change, and what it must not."""

from __future__ import annotations

import pytest

from tuishare.errors import BadInput, NotFound, Refused
from tuishare.people import (
    Identity,
    PreviousCard,
    User,
    UserBook,
    UserDraft,
    add_to_book,
    apply_rotation,
    find_predecessor,
    give_card,
    regroup,
    replace_key,
    set_groups,
    trust,
)
from tuishare.people.key_rotation import sign_rotation

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def book(alice: Identity) -> UserBook:
    """One person with a card, who is verified and in a group, and one with a key."""
    card = alice.card("alice")
    return UserBook((User("al", card, groups=("crew",), verified=True), User("eve", key=KEY)))


def test_a_newcomer_without_anything_gets_a_key() -> None:
    one, other = UserDraft("eve").user(), UserDraft("eve", groups=("@crew",)).user()
    assert one.key is not None
    assert one.key != other.key
    assert other.groups == ("crew",)
    with pytest.raises(BadInput, match="Only a card has a fingerprint"):
        UserDraft("eve", verified=True).user()


def test_nobody_is_added_twice_or_by_our_own_card(book: UserBook, bob: Identity) -> None:
    newcomer = UserDraft("bob", bob.card("bob")).user()
    assert add_to_book(book, newcomer, own_signer=None).find("bob") == newcomer
    with pytest.raises(BadInput, match="your own card"):
        add_to_book(book, newcomer, own_signer=bob.signer)
    with pytest.raises(BadInput, match=r"already a user al$"):
        add_to_book(book, User("AL", key=bytes([1] * 32)), own_signer=None)
    with pytest.raises(BadInput, match="same key"):
        add_to_book(book, User("eva", key=KEY), own_signer=None)


def test_groups(book: UserBook) -> None:
    user = book.find("al")
    assert regroup(user, join=("@fans", "CREW"), leave=()).groups == ("crew", "fans")
    assert regroup(user, join=(), leave=("@Crew",)).groups == ()
    assert set_groups(user, ("@a", "b")).groups == ("a", "b")
    with pytest.raises(NotFound):
        regroup(user, join=(), leave=("fans",))


def test_only_a_card_can_be_trusted_and_only_a_key_exchanged(book: UserBook) -> None:
    assert not trust(book.find("al"), verified=False).verified
    with pytest.raises(BadInput, match="no fingerprint"):
        trust(book.find("eve"), verified=True)
    assert replace_key(book.find("eve")).key not in {KEY, None}
    with pytest.raises(BadInput, match="only its owner can"):
        replace_key(book.find("al"))


@pytest.mark.parametrize("verified", [True, False])
def test_a_word_moves_the_card_and_neither_gives_nor_takes_trust(
    book: UserBook, alice: Identity, bob: Identity, verified: bool
) -> None:
    known = book.replace(trust(book.find("al"), verified=verified))
    word = sign_rotation(alice.signing_key, bob.card("bob"), None)
    moved = apply_rotation(known, word)
    user = moved.find("al")
    assert (user.card, user.verified, user.groups) == (bob.card("bob"), verified, ("crew",))
    assert user.former == (PreviousCard(alice.signer, alice.fingerprint),)
    assert moved.first_signer(bob.signer) == moved.first_signer(alice.signer) == alice.signer
    assert (moved.signer(alice.signer), moved.former(alice.signer)) == (None, user)
    assert moved.find("eve") == known.find("eve")


def test_a_card_that_was_replaced_has_no_word_to_give_any_more(
    book: UserBook, alice: Identity, bob: Identity
) -> None:
    moved = apply_rotation(book, sign_rotation(alice.signing_key, bob.card("bob"), None))
    again = sign_rotation(alice.signing_key, alice.card("thief"), None)
    assert find_predecessor(moved, again) is None
    with pytest.raises(Refused, match="No known user has the previous card"):
        apply_rotation(moved, again)


def test_nobody_can_take_a_card_that_led_to_somebody_elses(
    book: UserBook, alice: Identity, bob: Identity
) -> None:
    moved = apply_rotation(book, sign_rotation(alice.signing_key, bob.card("bob"), None))
    with pytest.raises(BadInput, match="same card"):
        add_to_book(moved, User("al2", alice.card("alice")), own_signer=None)


def test_the_first_card_is_never_forgotten(book: UserBook, alice: Identity, bob: Identity) -> None:
    many = tuple(PreviousCard(bytes([4, *[number] * 31]), alice.fingerprint) for number in range(30))
    user = User("al", alice.card("alice"), former=many)
    moved = apply_rotation(UserBook((user,)), sign_rotation(alice.signing_key, bob.card("bob"), None))
    former = moved.find("al").former
    assert (former[0].signer, former[1:-1], former[-1]) == (alice.signer, many[:14], many[-1])


def test_a_card_without_a_word_has_to_be_verified_anew(book: UserBook, bob: Identity) -> None:
    changed = give_card(book, book.find("al"), str(bob.card("bob")), own_signer=None).find("al")
    assert (changed.card, changed.verified, changed.former) == (bob.card("bob"), False, ())
    changed = give_card(book, book.find("eve"), str(bob.card("bob")), own_signer=None).find("eve")
    assert (changed.card, changed.key) == (bob.card("bob"), None)
    with pytest.raises(BadInput, match="your own card"):
        give_card(book, book.find("al"), str(bob.card("bob")), own_signer=bob.signer)


def test_the_word_of_one_moves_nobody_else(book: UserBook, alice: Identity, bob: Identity) -> None:
    word = str(sign_rotation(alice.signing_key, bob.card("bob"), None))
    assert give_card(book, book.find("al"), word, own_signer=None).find("al").verified
    with pytest.raises(Refused, match="not signed by eve"):
        give_card(book, book.find("eve"), word, own_signer=None)


def test_nobody_goes_back_to_a_former_card(book: UserBook, alice: Identity, bob: Identity) -> None:
    """Whoever has stolen the new key must not make the stolen old one count again."""
    first = sign_rotation(alice.signing_key, bob.card("bob"), None)
    moved = apply_rotation(book, first)
    for before in (None, first):
        with pytest.raises(BadInput, match="same card"):
            apply_rotation(moved, sign_rotation(bob.signing_key, alice.card("alice"), before))


def test_nobody_claims_what_a_card_says_of_its_own_successor(
    book: UserBook, alice: Identity, bob: Identity, carol: Identity
) -> None:
    """His word for her former card, and then hers for the new one: a chain that holds, and says two things."""
    known = book.add(User("mallory", carol.card("mallory"), verified=True))
    claimed = sign_rotation(
        alice.signing_key, bob.card("bob"), sign_rotation(carol.signing_key, alice.card("al"), None)
    )
    assert claimed.formers == (carol.signer, alice.signer)
    assert find_predecessor(known, claimed) is None
    for name in ("mallory", "al"):
        with pytest.raises(Refused):
            give_card(known, known.find(name), str(claimed), own_signer=None)
    with pytest.raises(Refused):
        apply_rotation(known, claimed)


def test_nobody_vouches_for_our_own_card_or_somebody_elses(
    book: UserBook, alice: Identity, bob: Identity, carol: Identity
) -> None:
    known = book.add(User("carol", carol.card("carol")))
    word = sign_rotation(alice.signing_key, carol.card("al"), None)
    with pytest.raises(BadInput, match="same card"):
        apply_rotation(known, word)
    ours = str(sign_rotation(alice.signing_key, bob.card("al"), None))
    with pytest.raises(BadInput, match="your own card"):
        give_card(book, book.find("al"), ours, own_signer=bob.signer)
